package odoo

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxMessage bounds Error.Message in bytes.
const maxMessage = 600

var (
	exceptionLine = regexp.MustCompile(`^([A-Za-z_][\w.]*)(?:: ?|$)`)
	frameLine     = regexp.MustCompile(`^  File ".*", line \d+, in (\S+)`)
)

// parseTraceback takes the last traceback of a text apart: the exception's class, its words (perhaps several lines) and the
// function that raised it. A text that is no traceback is all words.
func parseTraceback(text string) (exception, words, raisedIn string) {
	_, after, found := cutLast(text, "Traceback (most recent call last):\n")
	if !found {
		return "", text, ""
	}
	lines := strings.Split(after, "\n")
	for i, line := range lines {
		if m := frameLine.FindStringSubmatch(line); m != nil {
			raisedIn = m[1]
			continue
		}
		if line == "" || line[0] == ' ' { // a line of source code
			continue
		}
		m := exceptionLine.FindStringSubmatch(line)
		if m == nil {
			return "", text, raisedIn
		}
		rest := append([]string{line[len(m[0]):]}, lines[i+1:]...)
		return m[1], strings.TrimSpace(strings.Join(rest, "\n")), raisedIn
	}
	return "", text, raisedIn
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// isTuple reports whether a text is the repr of a tuple that begins with a text: what Odoo's exceptions print as, since they carry
// a second argument (odoo/exceptions.py: except_orm).
func isTuple(text string) bool {
	return strings.HasPrefix(text, "('") || strings.HasPrefix(text, `("`)
}

// human is the text inside a tuple's repr, or the text itself.
func human(text string) string {
	text = strings.TrimSpace(text)
	if !isTuple(text) {
		return text
	}
	quote := text[1]
	var b strings.Builder
	for i := 2; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return b.String()
		case c == '\\' && i+1 < len(text):
			i += unescape(&b, text[i+1:])
		default:
			b.WriteByte(c)
		}
	}
	return b.String() // cut off
}

// unescape writes the character of one Python escape, given without its backslash, and returns how many bytes that took.
func unescape(b *strings.Builder, s string) int {
	switch s[0] {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
		if len(s) > digits {
			if n, err := strconv.ParseUint(s[1:1+digits], 16, 32); err == nil {
				b.WriteRune(rune(n))
				return 1 + digits
			}
		}
		b.WriteByte(s[0])
	default:
		b.WriteByte(s[0])
	}
	return 1
}

// oneLine is a text without line breaks and runs of blanks.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// bounded cuts a text from outside between two characters.
func bounded(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
