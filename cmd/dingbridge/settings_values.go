package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"dingbridge/bridge/store"
	"dingbridge/mapping"
)

// Secret is a text that prints as <secret> however it is printed.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.masked()) } // fmt has no way to take the error

// MarshalText keeps the text out of JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.masked()), nil } //nolint:unparam // as the interface wants it

func (s Secret) masked() string {
	if s == "" {
		return ""
	}
	return "<secret>"
}

// StoreAddress says where the state is: the path of an SQLite file, or a PostgreSQL URL, which prints without its password.
type StoreAddress string

// Reveal returns the address itself.
func (a StoreAddress) Reveal() string { return string(a) }

func (a StoreAddress) postgres() bool { return store.IsPostgres(string(a)) }

// Format implements fmt.Formatter for every verb.
func (a StoreAddress) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) } // as Secret

// MarshalText keeps the password out of JSON, YAML and logs.
func (a StoreAddress) MarshalText() ([]byte, error) { return []byte(a.String()), nil } //nolint:unparam // as the interface wants it

// String is the path, or of a URL the user, the host and the database: a password may be in its query too.
func (a StoreAddress) String() string {
	if !a.postgres() {
		return string(a)
	}
	u, err := url.Parse(string(a))
	if err != nil {
		return "postgres://<secret>"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
}

// TimeOfDay is the time since midnight, written as 02:10.
type TimeOfDay time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *TimeOfDay) UnmarshalText(b []byte) error {
	at, err := time.Parse("15:04", string(b))
	if err != nil {
		return fmt.Errorf("%q is no time of day such as 02:10", b)
	}
	*t = TimeOfDay(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	return nil
}

// String is the written form.
func (t TimeOfDay) String() string {
	d := time.Duration(t)
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

// AgentID is the number that DingTalk gives an app in a corp; 0: not set.
type AgentID int64

// UnmarshalText implements encoding.TextUnmarshaler: decimal digits, or nothing.
func (id *AgentID) UnmarshalText(b []byte) error {
	*id = 0
	if len(b) == 0 {
		return nil
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is no AgentId: the console shows a number", b)
	}
	*id = AgentID(n)
	return nil
}

// decodeDuration reads 30s, 5m or 1h30m. A bare number would be nanoseconds, which nobody means.
func decodeDuration(from, to reflect.Type, data any) (any, error) {
	if from == to || to != reflect.TypeFor[time.Duration]() {
		return data, nil
	}
	text, ok := data.(string)
	if !ok {
		return nil, fmt.Errorf("%v has no unit; write it such as 30s, 5m or 1h", data)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no duration such as 30s, 5m or 1h", text)
	}
	return d, nil
}

// settingLines knows on which line of the settings' file each key stands, and the texts as they are written there: a password
// of digits is no number.
type settingLines struct {
	file string
	line map[string]int
	text map[string]string

	codeAt map[string]mapping.Position // of the process codes
}

// settingsBytes bounds the settings' file.
const settingsBytes = 1 << 20

// readSettingLines reads the keys of the file with their lines. A key that does not exist, or stands there twice, is an error.
func readSettingLines(file string) (settingLines, error) {
	l := settingLines{file: file, line: map[string]int{}, text: map[string]string{}, codeAt: map[string]mapping.Position{}}
	info, err := os.Stat(file)
	if err != nil {
		return l, err
	}
	if info.Size() > settingsBytes {
		return l, fmt.Errorf("%s is larger than %d bytes", file, settingsBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return l, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return l, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return l, notYAML(file, err)
	}
	if len(doc.Content) == 0 { // comments only
		return l, nil
	}
	return l, errors.Join(l.walk("", doc.Content[0])...)
}

// quotation is all from the first quotation mark to the last.
var quotation = regexp.MustCompile("(?s)['\"`].*['\"`]")

// notYAML is an error of a YAML parser without what it quotes from the file, which may be a secret.
func notYAML(file string, err error) error {
	words := quotation.ReplaceAllString(err.Error(), "…")
	return fmt.Errorf("%s: %s (a text that begins with one of * & ! %% @ needs quotes)", file, words)
}

// walk collects the keys below the node.
func (l settingLines) walk(prefix string, n *yaml.Node) (errs []error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s:%d: %q must be keys with values", l.file, n.Line, strings.TrimSuffix(prefix, "."))}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := prefix + name.Value
		switch had := l.line[key]; {
		case had > 0:
			errs = append(errs, fmt.Errorf("%s:%d: %s stands on line %d already", l.file, name.Line, key, had))
			continue
		case !isLeaf(key) && !isSection(key):
			errs = append(errs, fmt.Errorf("%s:%d: there is no setting %s%s", l.file, name.Line, key, nearestSetting(key)))
			continue
		}
		l.line[key] = name.Line
		if isSection(key) {
			errs = append(errs, l.walk(key+".", value)...)
		} else if err := l.leaf(key, value); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// leaf keeps the text of a key whose value is one.
func (l settingLines) leaf(key string, value *yaml.Node) error {
	if _, isText := defaults[key].(string); !isText || value.Tag == "!!null" {
		return nil
	}
	switch key {
	case processCodesKey:
		return l.codes(value)
	case webhooksKey:
		return l.webhooks(value)
	}
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	if value.Kind != yaml.ScalarNode {
		return fmt.Errorf("%s:%d: %s must be a text", l.file, value.Line, key)
	}
	l.text[key] = value.Value
	return nil
}

func isLeaf(key string) bool { _, ok := defaults[key]; return ok }

func isSection(key string) bool {
	for k := range defaults {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// nearestSetting suggests the existing key that shares most pairs of letters with the wrong one.
func nearestSetting(wrong string) string {
	pairs := func(s string) map[string]bool {
		out := map[string]bool{}
		for i := 0; i+1 < len(s); i++ {
			out[s[i:i+2]] = true
		}
		return out
	}
	have := pairs(strings.ToLower(wrong))
	best, most := "", 0.5 // less than half in common is no suggestion
	for key := range defaults {
		shared := 0
		mine := pairs(key)
		for p := range mine {
			if have[p] {
				shared++
			}
		}
		if score := 2 * float64(shared) / float64(len(mine)+len(have)); score > most || (score == most && key < best) {
			best, most = key, score
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// at is "file:line: " where the key stands in the file, else nothing.
func (l settingLines) at(key string) string {
	if n := l.line[key]; n > 0 {
		return fmt.Sprintf("%s:%d: ", l.file, n)
	}
	return ""
}

// quotedKey finds the keys in what mapstructure reports.
var quotedKey = regexp.MustCompile(`'([a-z_]+(?:\.[a-z_]+)*)'`)

// explain puts the line before each of mapstructure's complaints.
func (l settingLines) explain(err error) error {
	var complaints []error
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		complaints = joined.Unwrap()
	} else {
		complaints = []error{err}
	}
	texts := make([]string, 0, len(complaints))
	for _, c := range complaints {
		text := c.Error()
		if m := quotedKey.FindStringSubmatch(text); m != nil {
			text = l.at(m[1]) + text
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return errors.New(strings.Join(texts, "\n"))
}
