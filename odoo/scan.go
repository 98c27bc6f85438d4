package odoo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// scanner takes an answer apart into tags and texts, in one buffer that grows only for a text that does not fit.
type scanner struct {
	in       io.Reader
	buf      []byte // buf[pos:end] is read and not yet used
	pos, end int
	maxText  int
	joined   []byte // the last text that did not stand in the buffer as it is
	replaced int64  // characters that became U+FFFD
}

// tag is a tag without its attributes and without the prefix of its name.
type tag struct {
	name           string
	closing, empty bool // </name>, <name/>
}

func (t tag) opens(name string) bool  { return t.name == name && !t.closing && !t.empty }
func (t tag) closes(name string) bool { return t.name == name && t.closing }

// errLongPart is a single text, tag or comment over its bound.
var errLongPart = fmt.Errorf("%w: one text or tag of it is longer than any field", errTooLarge)

const errStray = malformedError("it holds text where none belongs")

// misplaced is a tag that may not stand where it does.
func misplaced(t tag) error {
	name := t.name
	if len(name) > 32 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		name = "…"
	}
	if t.closing {
		name = "/" + name
	}
	return malformedError("the tag <" + name + "> is not expected where it stands")
}

// next reads the next tag. Before it only blanks, comments and processing instructions may stand.
func (s *scanner) next() (tag, error) {
	for {
		if err := s.blanks(); err != nil {
			return tag{}, err
		}
		skipped, err := s.skip()
		if err != nil {
			return tag{}, err
		}
		if !skipped {
			return s.tag()
		}
	}
}

// blanks goes over blanks up to the next <.
func (s *scanner) blanks() error {
	for {
		for s.pos < s.end && isBlank(s.buf[s.pos]) {
			s.pos++
		}
		switch {
		case s.pos == s.end:
			if err := s.more(); err != nil {
				return err
			}
		case s.buf[s.pos] == '<':
			return nil
		default:
			return errStray
		}
	}
}

// expect reads the next tag, which is <name> or <name/>.
func (s *scanner) expect(name string) (tag, error) {
	t, err := s.next()
	if err == nil && (t.name != name || t.closing) {
		err = misplaced(t)
	}
	return t, err
}

// open reads the next tag, which is <name>.
func (s *scanner) open(name string) error {
	t, err := s.next()
	if err == nil && !t.opens(name) {
		err = misplaced(t)
	}
	return err
}

// close reads the next tag, which is </name>.
func (s *scanner) close(name string) error {
	// The common form stands in the buffer letter by letter.
	if n := len(name) + 3; s.end-s.pos >= n {
		b := s.buf[s.pos : s.pos+n]
		if b[0] == '<' && b[1] == '/' && b[n-1] == '>' && string(b[2:n-1]) == name {
			s.pos += n
			return nil
		}
	}
	t, err := s.next()
	if err == nil && !t.closes(name) {
		err = misplaced(t)
	}
	return err
}

// finish reads what follows the last tag up to the end of the input: blanks, comments and processing instructions.
func (s *scanner) finish() error {
	for {
		if err := s.blanks(); err != nil {
			if errors.Is(err, errCut) {
				return nil
			}
			return err
		}
		skipped, err := s.skip()
		if err != nil {
			return err
		}
		if !skipped {
			return malformedError("it goes on after its end")
		}
	}
}

// byteOrderMark skips the mark that may stand before the first tag.
func (s *scanner) byteOrderMark() error {
	for s.end-s.pos < 3 {
		if err := s.more(); err != nil {
			return err
		}
	}
	if string(s.buf[s.pos:s.pos+3]) == "\xEF\xBB\xBF" {
		s.pos += 3
	}
	return nil
}

// tag reads the tag that begins here.
func (s *scanner) tag() (tag, error) {
	n, err := s.until(">", maxMarkup)
	if err != nil {
		return tag{}, err
	}
	inside := s.buf[s.pos+1 : s.pos+n]
	var t tag
	if len(inside) > 0 && inside[0] == '/' {
		t.closing, inside = true, inside[1:]
	}
	size := 0
	for size < len(inside) && inside[size] > ' ' && inside[size] != '/' {
		size++
	}
	t.name = elementName(inside[:size])
	if size < len(inside) {
		if n, err = s.attributes(&t, size); err != nil {
			return tag{}, err
		}
	}
	if t.name == "" {
		return tag{}, malformedError("it holds a tag without a name")
	}
	s.pos += n + 1
	return t, nil
}

// attributes goes over what follows the name in the tag that begins here, and returns where its > stands: one within quotes is
// part of a value.
func (s *scanner) attributes(t *tag, size int) (int, error) {
	from := 1 + size
	if t.closing {
		from++
	}
	var quote byte
	for i := from; ; i++ {
		for s.pos+i >= s.end {
			if i > maxMarkup {
				return 0, errLongPart
			}
			if err := s.more(); err != nil {
				return 0, err
			}
		}
		switch c := s.buf[s.pos+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			return 0, malformedError("it holds a tag inside a tag")
		case c == '>':
			t.empty = s.buf[s.pos+i-1] == '/'
			if t.empty && t.closing {
				return 0, malformedError("it holds a tag that is closed twice")
			}
			return i, nil
		}
	}
}

// elementName is the name without its prefix; those of XML-RPC take no memory.
func elementName(raw []byte) string {
	switch string(raw) {
	case "value":
		return "value"
	case "member":
		return "member"
	case "name":
		return "name"
	case "string":
		return "string"
	case "int":
		return "int"
	case "boolean":
		return "boolean"
	case "double":
		return "double"
	case "array":
		return "array"
	case "data":
		return "data"
	case "struct":
		return "struct"
	}
	if i := bytes.LastIndexByte(raw, ':'); i >= 0 {
		raw = raw[i+1:]
	}
	return string(raw)
}

// skip goes over the comment or processing instruction that begins here. It reports whether one does.
func (s *scanner) skip() (bool, error) {
	if s.pos+1 == s.end {
		if err := s.more(); err != nil {
			return false, err
		}
	}
	switch s.buf[s.pos+1] {
	case '?':
		s.pos += len("<?")
		n, err := s.until("?>", maxMarkup)
		if err == nil {
			err = checkEncoding(s.buf[s.pos : s.pos+n])
		}
		if err != nil {
			return false, err
		}
		s.pos += n + len("?>")
		return true, nil
	case '!':
		if is, err := s.begins("<!--"); err != nil || !is {
			if err == nil {
				err = malformedError("it holds a document type, or CDATA where no text belongs")
			}
			return false, err
		}
		s.pos += len("<!--")
		n, err := s.until("-->", maxMarkup)
		if err != nil {
			return false, err
		}
		s.pos += n + len("-->")
		return true, nil
	}
	return false, nil
}

// text reads characters up to the next tag: references are resolved, CDATA is taken as it stands and comments are left out. It is
// valid until the next tag is read.
func (s *scanner) text() ([]byte, error) {
	b := s.buf[s.pos:s.end]
	if n := bytes.IndexByte(b, '<'); n >= 0 && n+1 < len(b) && b[n+1] != '!' && b[n+1] != '?' && n <= s.maxText && isPlain(b[:n]) {
		s.pos += n
		return b[:n], nil
	}
	return s.joinText()
}

// joinText is text for what does not stand in the buffer as it is.
func (s *scanner) joinText() ([]byte, error) {
	s.joined = s.joined[:0]
	for {
		n, err := s.until("<", s.maxText)
		if err != nil {
			return nil, err
		}
		if err := s.join(n, true); err != nil {
			return nil, err
		}
		cdata, err := s.begins("<![CDATA[")
		if err != nil {
			return nil, err
		}
		if cdata {
			s.pos += len("<![CDATA[")
			if n, err = s.until("]]>", s.maxText); err != nil {
				return nil, err
			}
			if err := s.join(n, false); err != nil {
				return nil, err
			}
			s.pos += len("]]>")
			continue
		}
		if skipped, err := s.skip(); err != nil || !skipped {
			return s.joined, err
		}
	}
}

// join adds the next n bytes to the text that is being joined.
func (s *scanner) join(n int, references bool) error {
	if len(s.joined)+n > s.maxText {
		return errLongPart
	}
	out, replaced, err := appendText(s.joined, s.buf[s.pos:s.pos+n], references)
	s.joined, s.replaced = out, s.replaced+replaced
	s.pos += n
	return err
}

// begins reports whether the text stands here. Where the input ends before that can be said, it does not.
func (s *scanner) begins(text string) (bool, error) {
	for {
		b := s.buf[s.pos:s.end]
		if len(b) >= len(text) {
			return string(b[:len(text)]) == text, nil
		}
		if !strings.HasPrefix(text, string(b)) {
			return false, nil
		}
		if err := s.more(); err != nil {
			return false, err
		}
	}
}

// until is how many bytes stand before the separator, which is then in the buffer.
func (s *scanner) until(sep string, most int) (int, error) {
	from := 0
	for {
		b := s.buf[s.pos+from : s.end]
		var n int
		if len(sep) == 1 {
			n = bytes.IndexByte(b, sep[0])
		} else {
			n = bytes.Index(b, []byte(sep))
		}
		if n >= 0 {
			return from + n, nil
		}
		if s.end-s.pos > most {
			return 0, errLongPart
		}
		from = max(0, s.end-s.pos-len(sep)+1)
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// more reads on. What is in the buffer and not yet used stays, but moves.
func (s *scanner) more() error {
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.in.Read(s.buf[s.end:])
		s.end += n
		switch {
		case n > 0:
			return nil // an error with it comes again
		case errors.Is(err, io.EOF):
			return errCut
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}
