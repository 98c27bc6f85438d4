package mapping

import (
	"slices"
	"strings"
	"unicode"
)

// In a field that DingTalk shows as markdown, only the mapping's own words act as markdown. What comes from a record stands between two
// marks while the text is put together; inert takes them away, and gives each character between them that would act where it stands its
// fullwidth twin (* and ＊), because DingTalk documents no escape (消息通知类型) and would show a backslash.

// The marks around a text of a record. They are no characters, and no text has them.
const (
	insertOpen = '\uFDD0'
	insertShut = '\uFDD1'
)

// clean takes the marks out of a text of a record, and makes every end of a line the same.
var clean = strings.NewReplacer(
	string(insertOpen), "", string(insertShut), "",
	"\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n",
)

// inserted is a text of a record on its way into a markdown text.
func inserted(s string) string {
	if s = clean.Replace(s); s == "" {
		return ""
	}
	return string(insertOpen) + s + string(insertShut)
}

// char is a character of a markdown text; the zero char stands before the first and behind the last.
type char struct {
	r        rune
	inserted bool // a record's, not the mapping's own
}

func (c char) blank() bool { return c.r == 0 || unicode.IsSpace(c.r) }
func (c char) ends() bool  { return c.r == 0 || c.r == '\n' }
func (c char) word() bool  { return unicode.IsLetter(c.r) || unicode.IsNumber(c.r) }

// own reports whether it is this character of the mapping itself.
func (c char) own(r rune) bool { return c.r == r && !c.inserted }

// twin is the fullwidth form of a sign of ASCII.
func (c char) twin() char { return char{c.r + '＊' - '*', c.inserted} }

// charsOf reads a text with marks.
func charsOf(s string) []char {
	text := make([]char, 0, len(s))
	in := false
	for _, r := range s {
		switch r {
		case insertOpen, insertShut:
			in = r == insertOpen
		default:
			text = append(text, char{r, in})
		}
	}
	return text
}

// charAt is the i-th character, the zero char beyond the ends.
func charAt(text []char, i int) char {
	if i < 0 || i >= len(text) {
		return char{}
	}
	return text[i]
}

// inert is a text with marks as it is sent: nothing acts as markdown that stands between them.
func inert(s string) string {
	if !strings.ContainsRune(s, insertOpen) {
		return s
	}
	t := inertText{in: broken(charsOf(s)), front: true, first: -1}
	for at := 0; at < len(t.in); {
		at = t.next(at)
	}
	var b strings.Builder
	for _, c := range t.out {
		b.WriteRune(c.r)
	}
	return b.String()
}

// broken settles the ends of lines between the marks: they stay where the text has its lines for itself, and are blanks elsewhere, in the
// middle of a heading, a quote, an item or a bold text.
func broken(text []char) []char {
	out := make([]char, 0, len(text))
	for from := 0; from < len(text); {
		if !text[from].inserted {
			out = append(out, text[from])
			from++
			continue
		}
		to := from
		for to < len(text) && text[to].inserted {
			to++
		}
		alone := charAt(text, from-1).ends() && charAt(text, to).ends()
		for at := from; at < to; {
			end, lines := at, 0
			for end < to && text[end].blank() {
				if text[end].r == '\n' {
					lines++
				}
				end++
			}
			switch {
			case lines == 0:
				end = max(end, at+1)
				out = append(out, text[at:end]...)
			case at == from || end == to: // nothing is before it, or behind it
			case !alone:
				out = append(out, char{' ', true})
			case lines == 1:
				out = append(out, char{r: ' '}, char{r: ' '}, char{r: '\n'})
			default:
				out = append(out, char{r: '\n'}, char{r: '\n'})
			}
			at = end
		}
		from = to
	}
	return out
}

// inertText is a text of which some characters get their twins.
type inertText struct {
	in, out  []char
	front    bool  // the line so far is blanks, and the signs of quotes and items
	number   bool  // and, behind these, a number
	brackets []int // that are open: where they are in out
	first    int   // where the last bracket is with which the text of a line begins, that a record opened
	address  bool  // of a link
}

// next takes the characters from one on, as many as are the same sign of a record; it returns the place behind them.
func (t *inertText) next(at int) int {
	c, end := t.in[at], at+1
	behind := charAt(t.in, end)
	switch {
	case t.address:
		t.inAddress(c)
		return end
	case !c.inserted:
		t.own(c, behind)
		return end
	case c.r == '[':
		if t.front {
			t.first = len(t.out)
		}
		t.brackets = append(t.brackets, len(t.out))
		t.put(c, behind)
		return end
	case c.r == ']':
		t.shut(c, behind)
		return end
	case t.front && (c.r == ' ' || c.r == '\t'): // four of them would be code
		return end
	}
	for behind == c {
		end++
		behind = charAt(t.in, end)
	}
	if t.acts(c, end-at, behind) {
		c = c.twin()
	}
	for range end - at {
		t.put(c, behind)
	}
	return end
}

// acts reports whether a sign of a record, so many of them before another character, would act as markdown: as DingTalk documents it, or as
// is usual elsewhere.
func (t *inertText) acts(c char, count int, behind char) bool {
	before := charAt(t.out, len(t.out)-1)
	switch c.r {
	case '*':
		return t.front || count > 1 || !before.blank() || !behind.blank()
	case '_':
		inWord, apart := before.word() && behind.word(), before.blank() && behind.blank()
		return t.front && count > 2 || !inWord && !apart
	case '#', '>':
		return t.front
	case '-', '+', '=':
		return t.front && behind.blank()
	case '.', ')':
		return t.number && behind.blank()
	case '(', ':':
		return before.own(']')
	case '!':
		return behind.own('[')
	case '<':
		return unicode.IsLetter(behind.r) || behind.r != 0 && strings.ContainsRune("/!?", behind.r)
	case '`':
		return true
	case '~':
		return count > 1
	case '\\':
		return behind.r < unicode.MaxASCII && (unicode.IsPunct(behind.r) || unicode.IsSymbol(behind.r))
	}
	return false
}

// put adds a character, and sees whether the line has more than begun with it.
func (t *inertText) put(c, behind char) {
	t.out = append(t.out, c)
	switch {
	case c.r == '\n':
		t.front, t.number = true, false
	case t.front && (c.r == ' ' || c.r == '\t' || c.r == '>' || strings.ContainsRune("-+*", c.r) && behind.blank()):
	case (t.front || t.number) && c.r >= '0' && c.r <= '9':
		t.front, t.number = false, true
	case t.number && (c.r == '.' || c.r == ')') && behind.blank():
		t.front, t.number = true, false
	default:
		t.front, t.number = false, false
	}
}

// own puts a character of the mapping.
func (t *inertText) own(c, behind char) {
	switch c.r {
	case '[':
		t.brackets = append(t.brackets, len(t.out))
	case ']':
		from := t.open()
		if !behind.own('(') {
			break
		}
		t.address = true
		t.brackets = slices.DeleteFunc(t.brackets, t.widen) // a link may not begin earlier
		for at := from; at < len(t.out); at++ {             // nor end earlier
			t.widen(at)
		}
	}
	t.put(c, behind)
}

// open takes the last bracket of the mapping, and what a record opened behind it, from those that are open; it returns where that stands.
func (t *inertText) open() int {
	for n := len(t.brackets) - 1; n >= 0; n-- {
		if at := t.brackets[n]; !t.out[at].inserted {
			t.brackets = t.brackets[:n]
			return at
		}
	}
	return 0
}

// widen gives what was put its twin, if it is a bracket of a record.
func (t *inertText) widen(at int) bool {
	c := t.out[at]
	bracket := c.inserted && (c.r == '[' || c.r == ']')
	if bracket {
		t.out[at] = c.twin()
	}
	return bracket
}

// shut puts a closing bracket of a record, together with the one that it closes in twins where they would be a link, or say where one leads.
func (t *inertText) shut(c, behind char) {
	from := -1
	if n := len(t.brackets) - 1; n >= 0 && t.out[t.brackets[n]].inserted {
		from, t.brackets = t.brackets[n], t.brackets[:n]
	}
	acts := behind.r == '(' || behind.r == ':' && from >= 0 && from == t.first
	if acts {
		c = c.twin()
	}
	if acts && from >= 0 {
		t.widen(from)
	}
	t.put(c, behind)
}

// inAddress puts a character of the address of a link; those of a record cannot end it.
func (t *inertText) inAddress(c char) {
	switch {
	case c.inserted:
		for _, r := range markdownAddress.Replace(string(c.r)) {
			t.put(char{r, true}, char{})
		}
		return
	case c.r == ')' || c.r == '\n':
		t.address = false
	}
	t.put(c, char{})
}
