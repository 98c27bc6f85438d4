package odoo

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// replacement stands for a character that XML does not allow.
const replacement = "\uFFFD"

// classes tells for every byte what a text has to look at.
var classes = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b >= utf8.RuneSelf:
			c[b] = wide
		case b == '&' || b == '\r' || !allowed(rune(b)):
			c[b] = special
		}
	}
	return c
}()

const (
	wide    uint8 = 1 // part of a character of several bytes
	special uint8 = 2 // a reference, a line break to be made one, or a character that is not allowed
)

// isPlain reports whether a text means what stands there.
func isPlain(raw []byte) bool {
	var seen uint8
	for _, b := range raw {
		seen |= classes[b]
	}
	return seen == 0 || seen == wide && utf8.Valid(raw) && !bytes.Contains(raw, []byte("\uFFFE")) && !bytes.Contains(raw, []byte("\uFFFF"))
}

// appendText appends what a text means: references resolved (not in CDATA), line breaks made one as XML demands, and U+FFFD for
// every byte or reference that stands for no character XML allows; it returns how many those were.
func appendText(dst, raw []byte, references bool) (out []byte, replaced int64, err error) {
	for len(raw) > 0 {
		n := 0
		for n < len(raw) && classes[raw[n]] == 0 {
			n++
		}
		dst, raw = append(dst, raw[:n]...), raw[n:]
		if len(raw) == 0 {
			break
		}
		var r rune
		n = 1
		switch {
		case raw[0] == '&' && references:
			if r, n = reference(raw); n == 0 {
				return dst, replaced, malformedError("it holds an entity that XML does not know")
			}
		case raw[0] == '\r':
			if r = '\n'; len(raw) > 1 && raw[1] == '\n' {
				n = 2
			}
		default:
			if r, n = utf8.DecodeRune(raw); r == utf8.RuneError && n == 1 {
				r = -1
			}
		}
		if raw = raw[n:]; allowed(r) {
			dst = utf8.AppendRune(dst, r)
		} else {
			dst = append(dst, replacement...)
			replaced++
		}
	}
	return dst, replaced, nil
}

// allowed is the Char production of XML 1.0.
func allowed(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	}
	return r >= 0xE000 && r <= utf8.MaxRune && r != 0xFFFE && r != 0xFFFF
}

// reference reads the reference at the start of a text: its character (-1 if it has none) and its length, 0 if it is none.
func reference(raw []byte) (r rune, size int) {
	end := bytes.IndexByte(raw[:min(len(raw), 32)], ';')
	if end < 2 {
		return 0, 0
	}
	switch name := string(raw[1:end]); {
	case name == "lt":
		return '<', end + 1
	case name == "gt":
		return '>', end + 1
	case name == "amp":
		return '&', end + 1
	case name == "quot":
		return '"', end + 1
	case name == "apos":
		return '\'', end + 1
	case name[0] == '#':
		digits, base := name[1:], 10
		if hex, is := strings.CutPrefix(digits, "x"); is {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 64)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && n > utf8.MaxRune:
			return -1, end + 1
		case err == nil:
			return rune(n), end + 1
		}
	}
	return 0, 0
}

func isBlank(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

func trim(raw []byte) []byte { return bytes.Trim(raw, " \n\t\r") }

var declaredEncoding = regexp.MustCompile(`\sencoding\s*=\s*["']([^"']*)["']`)

// checkEncoding refuses an XML declaration (the inside of <? ?>) that declares anything but UTF-8.
func checkEncoding(instruction []byte) error {
	if !bytes.HasPrefix(instruction, []byte("xml")) {
		return nil
	}
	m := declaredEncoding.FindSubmatch(instruction)
	if m == nil || strings.EqualFold(string(m[1]), "utf-8") || strings.EqualFold(string(m[1]), "us-ascii") {
		return nil
	}
	return malformedError("it is in an encoding other than UTF-8")
}
