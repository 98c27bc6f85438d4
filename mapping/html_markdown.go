package mapping

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// markdownHTML is an html fragment, as a person wrote it in a chatter, in the markdown that DingTalk shows: paragraphs, headings, bold,
// italics, links, quotes and lists (消息通知类型). Pictures become their links, tables lines; what is not seen is left out. Signs of markdown
// that somebody typed do not act.
func markdownHTML(s string) string { return inert(markedHTML(s)) }

// markedHTML is markdownHTML on its way into a markdown text: the words of the fragment are inserted.
func markedHTML(s string) string {
	m := markdownText{emphasis: map[string]int{}}
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
			switch {
			case unseenTags[token.Data] && kind == html.StartTagToken:
				m.hidden++
			case m.hidden == 0:
				m.open(token)
			}
		case html.EndTagToken:
			switch {
			case unseenTags[token.Data]:
				m.hidden = max(m.hidden-1, 0)
			case m.hidden == 0:
				m.shut(token.Data)
			}
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
	link   openLink // that the line is in
	begin  string   // how the next line begins: a heading, an item
	loose  bool     // the next line begins a paragraph of its own

	emphasis map[string]int // for each mark, how many elements are open that ask for it
	marks    []string       // those that the line has and that are not closed yet
}

// openLink is a link whose text is being read; links do not stand in each other.
type openLink struct {
	address string // "" where there is none to show
	from    int    // where in the line its text begins
	marks   int    // how many marks were open before it
}

// emphases are the marks of inline elements, and the order in which they open.
var (
	emphases = map[string]string{"b": "**", "strong": "**", "i": "*", "em": "*"}
	allMarks = []string{"**", "*"}
)

// deepest bounds how deep quotes and lists are shown: more says nothing to a reader, and its indents would grow without end.
const deepest = 5

func (m *markdownText) text(s string) {
	for s != "" {
		word := s
		if end := strings.IndexFunc(s, unicode.IsSpace); end >= 0 {
			word = s[:end]
		}
		if word != "" {
			m.space()
			m.mark()
			m.line.WriteString(inserted(word))
		}
		if s = s[len(word):]; s != "" {
			m.blank = m.blank || m.line.Len() > m.link.from
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
	}
}

// space writes the blank that stands before what follows.
func (m *markdownText) space() {
	if m.blank && m.line.Len() > 0 {
		m.line.WriteByte(' ')
	}
	m.blank = false
}

// mark opens the emphases that are asked for: directly before a text, because a mark beside a blank is none.
func (m *markdownText) mark() {
	for _, mark := range allMarks {
		if m.emphasis[mark] > 0 && !slices.Contains(m.marks, mark) {
			m.line.WriteString(mark)
			m.marks = append(m.marks, mark)
		}
	}
}

// unmark closes an emphasis, and those that were opened within it: they open again before the next text.
func (m *markdownText) unmark(mark string) {
	for slices.Contains(m.marks, mark) {
		last := len(m.marks) - 1
		m.line.WriteString(m.marks[last])
		m.marks = m.marks[:last]
	}
}

func (m *markdownText) open(t html.Token) {
	mark, emphasis := emphases[t.Data]
	switch {
	case emphasis:
		m.emphasis[mark]++
	case t.Data == "br":
		m.end()
	case t.Data == "a":
		m.unlink()
		if address := shownAddress(t, "href"); address != "" {
			m.space()
			m.mark()
			m.line.WriteByte('[')
			m.link = openLink{address, m.line.Len(), len(m.marks)}
		}
	case t.Data == "img":
		if address := shownAddress(t, "src"); address != "" {
			m.space()
			m.line.WriteString("![](" + address + ")")
		} else {
			m.text(attribute(t, "alt"))
		}
	case t.Data == "td" || t.Data == "th":
		m.blank = m.line.Len() > 0
	case isHeading(t.Data):
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
		if m.emphasis[mark] = max(m.emphasis[mark]-1, 0); m.emphasis[mark] == 0 {
			m.unmark(mark)
		}
	case tag == "a":
		m.unlink()
	case (tag == "ul" || tag == "ol") && len(m.lists) > 0:
		m.end()
		m.lists = m.lists[:len(m.lists)-1]
		m.loose = m.loose || len(m.lists) == 0
	case tag == "li":
		m.end()
		m.begin = ""
	case isHeading(tag):
		m.paragraph()
		m.begin = ""
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
	indent := strings.Repeat("  ", min(at, deepest))
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

// end ends the line, with the marks and the link that are open; those that are asked for beyond it open again on the next.
func (m *markdownText) end() {
	m.unlink()
	for _, mark := range allMarks {
		m.unmark(mark)
	}
	line := m.line.String()
	m.line.Reset()
	m.blank = false
	if line == "" {
		return
	}
	if m.out.Len() > 0 {
		if m.loose {
			m.out.WriteString("\n\n")
		} else {
			m.out.WriteString("  \n")
		}
	}
	m.out.WriteString(strings.Repeat("> ", min(m.quotes, deepest)) + m.begin + line)
	m.begin, m.loose = "", false
}

// unlink closes the link that is open. One without a text shows its address.
func (m *markdownText) unlink() {
	if m.link.address == "" {
		return
	}
	if m.line.Len() == m.link.from {
		m.line.WriteString(inserted(m.link.address))
	}
	for _, mark := range allMarks { // what was opened within the text is closed there
		if at := slices.Index(m.marks, mark); at >= m.link.marks {
			m.unmark(mark)
		}
	}
	m.line.WriteString("](" + m.link.address + ")")
	m.link = openLink{}
}

func (m *markdownText) String() string {
	m.end()
	return m.out.String()
}

func isHeading(tag string) bool {
	return len(tag) == 2 && tag[0] == 'h' && tag[1] >= '1' && tag[1] <= '6'
}

// shownAddress is the address of a link or picture that can be opened from outside Odoo, "" for others.
func shownAddress(t html.Token, name string) string {
	u, err := url.Parse(strings.TrimSpace(attribute(t, name)))
	if err != nil {
		return ""
	}
	switch {
	case u.Scheme == "mailto" && u.Opaque != "":
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	default:
		return ""
	}
	return markdownAddress.Replace(u.String())
}

// markdownAddress escapes what would end an address in markdown.
var markdownAddress = strings.NewReplacer(
	string(insertOpen), "", string(insertShut), "", " ", "%20", "\t", "%09", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C",
)

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
