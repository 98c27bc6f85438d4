package mapping

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// htmlConverter sends the text of an html field, without its tags, or makes html of a plain text: paragraphs of lines. It is one-way: what
// comes back would have lost its tags.
type htmlConverter struct{}

func newHTMLConverter(p pair) (Converter, string) {
	if p.direction == Both {
		return nil, `html_text takes the tags away and cannot bring them back; it needs "direction: to_dingtalk" or "direction: to_odoo"`
	}
	return htmlConverter{}, p.fits("html_text", []string{"html"}, []string{typeText, typeComponent})
}

func (htmlConverter) Name() string { return "html_text" }

func (htmlConverter) Read(side Side, raw any, _ Env) (Value, error) {
	s, ok := raw.(string)
	if !ok {
		return UnknownValue, unexpected(raw, "a text")
	}
	if side == Odoo {
		s = PlainHTML(s)
	}
	return Text(normalLines(s)), nil
}

func (htmlConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	if side == Odoo {
		return "<p>" + strings.ReplaceAll(html.EscapeString(v.Text), "\n", "<br/>") + "</p>", nil
	}
	return v.Text, nil
}

// unseenTags hold no text that a reader sees.
var unseenTags = map[string]bool{"script": true, "style": true, "head": true, "title": true, "template": true}

// lineTags begin a line of their own, and end it.
var lineTags = map[string]bool{
	"address": true, "article": true, "blockquote": true, "dd": true, "div": true, "dl": true, "dt": true, "footer": true, "h1": true,
	"h2": true, "h3": true, "h4": true, "h5": true, "h6": true, "header": true, "hr": true, "li": true, "ol": true, "p": true, "pre": true,
	"section": true, "table": true, "tr": true, "ul": true,
}

// PlainHTML is the text of an html fragment as a reader sees it: blocks begin a line, white space is one blank.
func PlainHTML(s string) string {
	t := htmlText{}
	tokens := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken { // the end: the reader is a text in memory
			return t.String()
		}
		token := tokens.Token()
		switch kind {
		case html.TextToken:
			t.text(token.Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			t.tag(token.Data)
			if unseenTags[token.Data] && kind == html.StartTagToken {
				t.hidden++
			}
		case html.EndTagToken:
			t.tag(token.Data)
			if unseenTags[token.Data] {
				t.hidden = max(t.hidden-1, 0)
			}
		}
	}
}

// htmlText gathers the lines of a text.
type htmlText struct {
	lines  []string
	line   strings.Builder
	blank  bool // white space stands between the line so far and what follows
	hidden int  // elements open whose text is not seen
}

func (t *htmlText) text(s string) {
	if t.hidden > 0 {
		return
	}
	for _, r := range s {
		if unicode.IsSpace(r) {
			t.blank = t.line.Len() > 0
			continue
		}
		if t.blank {
			t.line.WriteByte(' ')
			t.blank = false
		}
		t.line.WriteRune(r)
	}
}

func (t *htmlText) tag(name string) {
	switch {
	case name == "br":
		t.end()
	case name == "td" || name == "th":
		t.blank = t.line.Len() > 0
	case lineTags[name] && t.line.Len() > 0:
		t.end()
	}
}

// end ends the line. More than one empty line in a row is one.
func (t *htmlText) end() {
	line := t.line.String()
	if line != "" || len(t.lines) > 0 && t.lines[len(t.lines)-1] != "" {
		t.lines = append(t.lines, line)
	}
	t.line.Reset()
	t.blank = false
}

func (t *htmlText) String() string {
	t.end()
	return strings.TrimRight(strings.Join(t.lines, "\n"), "\n")
}
