package mapping

import (
	"strings"
	"unicode"
)

// shortMarkdown is the beginning of a markdown text with marks, at most so many characters, with an ellipsis where something was left out.
// It ends beside a link or picture, not within it, and closes what is bold or italic.
func shortMarkdown(s string, n int) string {
	text := charsOf(s)
	if len(text) <= n {
		return s
	}
	c, best, stars := markdownCut{}, 0, 0
	for at := 0; at+2 <= n; at++ {
		c.pass(text, at)
		if ends, open := c.ends(text[at]); ends && at+2+open <= n { // with the ellipsis
			best, stars = at+1, open
		}
	}
	return marked(text[:best]) + strings.Repeat("*", stars) + "…"
}

// marked writes a text with its marks.
func marked(text []char) string {
	var b strings.Builder
	for at, c := range text {
		if c.inserted && !charAt(text, at-1).inserted {
			b.WriteRune(insertOpen)
		}
		b.WriteRune(c.r)
		if c.inserted && (at+1 == len(text) || !text[at+1].inserted) {
			b.WriteRune(insertShut)
		}
	}
	return b.String()
}

// markdownCut looks for places in a markdown text where it can end.
type markdownCut struct {
	stars int  // of the mapping's own that are open: 1 italic, 2 bold, 3 both
	run   int  // how many stars of its own end here
	lost  bool // nobody can tell which are open, up to the end of the line
	link  byte // 0, or what ends the part of a link or picture that it is in: ] or )
}

// pass takes the next character.
func (c *markdownCut) pass(text []char, at int) {
	this, behind := text[at], charAt(text, at+1)
	switch {
	case c.link != ')' && this.own('*'):
		c.run++
		if behind.own('*') {
			return
		}
		apart := charAt(text, at-c.run).blank() && behind.blank()
		if c.lost = c.lost || c.run > 3; !apart && !c.lost {
			c.stars ^= c.run
		}
	case this.own('\n'):
		c.stars, c.lost, c.link = 0, false, 0
	case c.link == ')' && this.own(')'):
		c.link = 0
	case c.link != ')' && this.own('['):
		c.link = ']'
	case c.link == ']' && this.own(']'):
		c.link = 0
		if behind.own('(') {
			c.link = ')'
		}
	}
	c.run = 0
}

// ends reports whether the text can end behind the character that was passed, and how many stars close what is open there.
func (c *markdownCut) ends(this char) (bool, int) {
	switch {
	case c.link != 0, c.lost, c.run > 0, this.blank():
		return false, 0
	case this.own('*'):
		return c.stars == 0, 0
	case this.inserted, this.r > unicode.MaxASCII, this.word() && !unicode.IsDigit(this.r), this.r == ')':
		return true, c.stars
	}
	return false, 0 // a sign of its own begins something, as an item
}
