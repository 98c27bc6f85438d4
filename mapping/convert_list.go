package mapping

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// textListConverter joins a text that has one entry a line with a list: several choices, several addresses of photos. The canonical
// value is the entries, one a line.
type textListConverter struct {
	name  string
	split func(string) []string
	check func(entry string) error // of what is sent
}

func newListConverter(p pair) (Converter, string) {
	c := textListConverter{name: "list", split: splitLines, check: func(string) error { return nil }}
	return c, p.fits(c.name, []string{"char", "text"}, []string{typeComponent})
}

// newURLsConverter makes the converter for photos, which DingTalk fetches from addresses on the web.
func newURLsConverter(p pair) (Converter, string) {
	c := textListConverter{name: "urls", split: strings.Fields, check: webAddress}
	return c, p.fits(c.name, []string{"char", "text"}, []string{typeComponent})
}

// normalizes reports whether the converter of a name may stand beside value:.
func normalizes(converter string) bool { return converter == "list" || converter == "urls" }

func splitLines(s string) []string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

func webAddress(entry string) error {
	u, err := url.Parse(entry)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return unexpected(entry, "an address on the web")
	}
	return nil
}

func (c textListConverter) Name() string { return c.name }

func (c textListConverter) normalize(text string) (Value, error) {
	return Text(strings.Join(c.split(text), "\n")), nil
}

func (c textListConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	entries, ok := idList(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a text or a list of texts")
	}
	return c.normalize(strings.Join(entries, "\n"))
}

func (c textListConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	if side == Odoo {
		return v.Text, nil
	}
	var list []any
	for _, entry := range c.split(v.Text) {
		if err := c.check(entry); err != nil {
			return nil, err
		}
		list = append(list, entry)
	}
	return list, nil
}

// idList reads a list of texts; a plain one is a list of one.
func idList(raw any) ([]string, bool) {
	if s, ok := plainText(raw); ok && raw != nil {
		return []string{s}, true
	}
	return plainTexts(raw)
}

// refsConverter translates a many2many: its canonical value is the sorted JSON array of the keys of the links it names; Unknown while
// one of them is.
type refsConverter struct{ one refConverter }

func (refsConverter) Name() string { return "refs" }

func (c refsConverter) Read(side Side, raw any, env Env) (Value, error) {
	ids, ok := idList(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a list of ids")
	}
	if c.one.mute(side) {
		return UnknownValue, nil
	}
	links := make([]string, len(ids))
	for i, id := range ids {
		link := c.one.link(side, id, env)
		if !link.IsKnown() {
			return UnknownValue, nil
		}
		links[i] = link.Text
	}
	slices.Sort(links)
	text, err := json.Marshal(slices.Compact(links))
	return Text(string(text)), err
}

func (c refsConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	var links []string
	if err := json.Unmarshal([]byte(v.Text), &links); err != nil {
		return nil, unexpected(v.Text, "a list of links")
	}
	var list []any
	var nums []int64
	for _, link := range links {
		id, err := c.one.id(side, Text(link), env)
		if err != nil {
			return nil, err
		}
		list = append(list, id)
		if side == Odoo {
			n, err := strconv.ParseInt(id, 10, 64)
			if err != nil {
				return nil, unexpected(id, "the id of an Odoo record")
			}
			nums = append(nums, n)
		}
	}
	if side == Odoo {
		return nums, nil
	}
	return list, nil
}
