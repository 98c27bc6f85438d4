package mapping

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// markdownHTML is an html fragment, as a person wrote it in a chatter, in the markdown that DingTalk shows: paragraphs, headings, bold,
// italics, links, quotes and lists (消息通知类型). Pictures become their links, tables lines; what is not seen is left out.
func markdownHTML(s string) string {
	m := markdownText{}
	tokens := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken { // the end: the reader is a text in memory
			return m.String()
		}
		token := tokens.Token()
		switch kind {
		case html.TextToken:
			if m.hidden == 0 {
				m.text(token.Data)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if unseenTags[token.Data] && kind == html.StartTagToken {
				m.hidden++
			}
			m.open(token)
		case html.EndTagToken:
			if unseenTags[token.Data] {
				m.hidden = max(m.hidden-1, 0)
			}
			m.shut(token.Data)
		}
	}
}

// markdownText gathers the blocks of a text.
type markdownText struct {
	out    strings.Builder
	line   strings.Builder
	blank  bool     // white space stands between the line so far and what follows
	hidden int      // elements open whose text is not seen
	quotes int      // block quotes open
	lists  []int    // open lists: the number of the next item, -1 for points
	links  []string // addresses of the links open, "" where there is none to show
	begin  string   // how the next line begins: a heading, an item
	loose  bool     // the next line begins a paragraph of its own
}

// emphases are the marks of inline elements.
var emphases = map[string]string{"b": "**", "strong": "**", "i": "*", "em": "*"}

func (m *markdownText) text(s string) {
	for _, r := range s {
		if unicode.IsSpace(r) {
			m.blank = m.blank || m.line.Len() > 0
			continue
		}
		m.space()
		m.line.WriteRune(r)
	}
}

// space writes the blank that stands before what follows.
func (m *markdownText) space() {
	if m.blank && m.line.Len() > 0 {
		m.line.WriteByte(' ')
	}
	m.blank = false
}

func (m *markdownText) open(t html.Token) {
	mark, emphasis := emphases[t.Data]
	switch {
	case emphasis:
		m.space()
		m.line.WriteString(mark)
	case t.Data == "br":
		m.end()
	case t.Data == "a":
		m.space()
		address := shownAddress(t, "href")
		m.links = append(m.links, address)
		if address != "" {
			m.line.WriteByte('[')
		}
	case t.Data == "img":
		if address := shownAddress(t, "src"); address != "" {
			m.space()
			m.line.WriteString("![](" + address + ")")
		}
	case t.Data == "td" || t.Data == "th":
		m.blank = m.line.Len() > 0
	case len(t.Data) == 2 && t.Data[0] == 'h' && t.Data[1] >= '1' && t.Data[1] <= '6':
		m.paragraph()
		m.begin = strings.Repeat("#", int(t.Data[1]-'0')) + " "
	case t.Data == "ul" || t.Data == "ol":
		m.end()
		m.loose = m.loose || len(m.lists) == 0
		first := -1
		if t.Data == "ol" {
			first = 1
		}
		m.lists = append(m.lists, first)
	case t.Data == "li":
		m.end()
		m.begin = m.item()
	case t.Data == "blockquote":
		m.paragraph()
		m.quotes++
	case lineTags[t.Data]:
		m.paragraph()
	}
}

func (m *markdownText) shut(tag string) {
	mark, emphasis := emphases[tag]
	switch {
	case emphasis:
		m.line.WriteString(mark)
	case tag == "a" && len(m.links) > 0:
		if address := m.links[len(m.links)-1]; address != "" {
			m.line.WriteString("](" + address + ")")
		}
		m.links = m.links[:len(m.links)-1]
	case (tag == "ul" || tag == "ol") && len(m.lists) > 0:
		m.end()
		m.lists = m.lists[:len(m.lists)-1]
		m.loose = m.loose || len(m.lists) == 0
	case tag == "li":
		m.end()
	case tag == "blockquote":
		m.paragraph()
		m.quotes = max(m.quotes-1, 0)
	case lineTags[tag]:
		m.paragraph()
	}
}

// item is how the next item of the list begins.
func (m *markdownText) item() string {
	if len(m.lists) == 0 {
		return "- "
	}
	at := len(m.lists) - 1
	indent := strings.Repeat("  ", at)
	if m.lists[at] < 0 {
		return indent + "- "
	}
	m.lists[at]++
	return indent + strconv.Itoa(m.lists[at]-1) + ". "
}

// paragraph ends the line; what follows stands apart from it, but for the items of a list.
func (m *markdownText) paragraph() {
	m.end()
	m.loose = m.loose || len(m.lists) == 0
}

// end ends the line.
func (m *markdownText) end() {
	line := m.line.String()
	m.line.Reset()
	m.blank = false
	if strings.Trim(line, "* ") == "" {
		return
	}
	if m.out.Len() > 0 {
		if m.loose {
			m.out.WriteString("\n\n")
		} else {
			m.out.WriteString("  \n")
		}
	}
	m.out.WriteString(strings.Repeat("> ", m.quotes) + m.begin + line)
	m.begin, m.loose = "", false
}

func (m *markdownText) String() string {
	m.end()
	return m.out.String()
}

// shownAddress is the address of a link or picture that can be opened from outside Odoo, "" for others.
func shownAddress(t html.Token, attribute string) string {
	for _, a := range t.Attr {
		if a.Key != attribute {
			continue
		}
		u, err := url.Parse(strings.TrimSpace(a.Val))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" || strings.ContainsAny(a.Val, " \n()") {
			return ""
		}
		return u.String()
	}
	return ""
}
