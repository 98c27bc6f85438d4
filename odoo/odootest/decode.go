package odootest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a request; Python's own recursion limit ends earlier.
const maxDepth = 200

// isoTime is a <dateTime.iso8601> of a request. Odoo's ORM knows no such type and faults on it (xmlrpc.client.DateTime).
type isoTime string

// blob is a <base64> of a request (xmlrpc.client.Binary), equally unknown to the ORM.
type blob []byte

// decoder reads one XML-RPC <methodCall> the way Python's xmlrpc.client does on top of expat: the same leniency
// (untyped values, <nil/>, <i8>) and the same complaints, with line and column.
type decoder struct {
	in         []byte
	pos        int
	depth      int
	selfClosed string // the name of a self-closing tag whose end is still to be reported
}

// decodeCall parses a request body into the method's name and its parameters. Errors are faults as Odoo words them.
func decodeCall(body []byte) (method string, params []any, err error) {
	d := &decoder{in: body}
	params = []any{}
	if err = d.prolog(); err != nil {
		return "", nil, err
	}
	if err = d.open("methodCall"); err != nil {
		return "", nil, err
	}
	for {
		name, closing, err := d.tag()
		switch {
		case err != nil:
			return "", nil, err
		case closing:
			return method, params, nil
		case name == "methodName":
			if method, err = d.text("methodName"); err != nil {
				return "", nil, err
			}
		case name == "params":
			if params, err = d.params(); err != nil {
				return "", nil, err
			}
		default:
			if _, err = d.text(name); err != nil {
				return "", nil, err
			}
		}
	}
}

func (d *decoder) params() ([]any, error) {
	out := []any{}
	for {
		name, closing, err := d.tag()
		if err != nil || closing {
			return out, err
		}
		if name != "param" {
			return nil, d.malformed("mismatched tag", d.pos)
		}
		if err := d.open("value"); err != nil {
			return nil, err
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if err := d.close("param"); err != nil {
			return nil, err
		}
	}
}

// value reads what stands between <value> and </value>, the end tag included.
func (d *decoder) value() (any, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, pythonFault("RecursionError", "maximum recursion depth exceeded while calling a Python object")
	}
	defer func() { d.depth-- }()
	text, err := d.chars()
	if err != nil {
		return nil, err
	}
	typ, closing, err := d.tag()
	if err != nil {
		return nil, err
	}
	if closing { // an untyped value is a string
		return text, nil
	}
	v, err := d.typed(typ)
	if err != nil {
		return nil, err
	}
	return v, d.close("value")
}

func (d *decoder) typed(typ string) (any, error) {
	switch typ {
	case "array":
		return d.array()
	case "struct":
		return d.structure()
	}
	text, err := d.text(typ)
	if err != nil {
		return nil, err
	}
	switch typ {
	case "string":
		return text, nil
	case "int", "i4", "i8", "i1", "i2", "biginteger":
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, pythonFault("ValueError", "invalid literal for int() with base 10: "+pyRepr(text))
		}
		return n, nil
	case "boolean":
		switch text {
		case "0":
			return false, nil
		case "1":
			return true, nil
		}
		return nil, pythonFault("TypeError", "bad boolean value")
	case "double", "float", "bigdecimal":
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, pythonFault("ValueError", "could not convert string to float: "+pyRepr(text))
		}
		return f, nil
	case "nil", "ex:nil":
		return nil, nil
	case "dateTime.iso8601":
		return isoTime(text), nil
	case "base64":
		return blob(text), nil
	}
	return nil, pythonFault("xmlrpc.client.ResponseError", "ResponseError()")
}

func (d *decoder) array() (any, error) {
	out := []any{}
	if err := d.open("data"); err != nil {
		return nil, err
	}
	for {
		name, closing, err := d.tag()
		if err != nil {
			return nil, err
		}
		if closing {
			return out, d.close("array")
		}
		if name != "value" {
			return nil, d.malformed("mismatched tag", d.pos)
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (d *decoder) structure() (any, error) {
	out := map[string]any{}
	for {
		_, closing, err := d.tag()
		if err != nil || closing {
			return out, err
		}
		if err := d.open("name"); err != nil {
			return nil, err
		}
		key, err := d.text("name")
		if err != nil {
			return nil, err
		}
		if err := d.open("value"); err != nil {
			return nil, err
		}
		if out[key], err = d.value(); err != nil {
			return nil, err
		}
		if err := d.close("member"); err != nil {
			return nil, err
		}
	}
}

// prolog skips the XML declaration and checks that a document follows.
func (d *decoder) prolog() error {
	d.in = bytes.TrimPrefix(d.in, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(d.in)) == 0 {
		return d.malformed("no element found", len(d.in))
	}
	if i := bytes.IndexFunc(d.in, func(r rune) bool { return r != ' ' && r != '\t' && r != '\n' && r != '\r' }); d.in[i] != '<' {
		return d.malformed("syntax error", i)
	}
	return nil
}

// open reads up to the next start tag, which must be name.
func (d *decoder) open(name string) error {
	got, closing, err := d.tag()
	if err == nil && (closing || got != name) {
		err = d.malformed("mismatched tag", d.pos)
	}
	return err
}

// close reads up to the next end tag, which must be name.
func (d *decoder) close(name string) error {
	got, closing, err := d.tag()
	if err == nil && (!closing || got != name) {
		err = d.malformed("mismatched tag", d.pos)
	}
	return err
}

// text reads the character data up to the end tag of name.
func (d *decoder) text(name string) (string, error) {
	s, err := d.chars()
	if err != nil {
		return "", err
	}
	return s, d.close(name)
}

// tag skips white space, comments and declarations and reads one tag. A self-closing tag <x/> reads as <x></x>.
func (d *decoder) tag() (name string, closing bool, err error) {
	if d.selfClosed != "" {
		name, d.selfClosed = d.selfClosed, ""
		return name, true, nil
	}
	if _, err = d.chars(); err != nil {
		return "", false, err
	}
	start := d.pos
	end := bytes.IndexByte(d.in[start:], '>')
	if end < 0 {
		return "", false, d.malformed("unclosed token", start)
	}
	inner := d.in[start+1 : start+end]
	d.pos = start + end + 1
	if closing = len(inner) > 0 && inner[0] == '/'; closing {
		return string(bytes.TrimSpace(inner[1:])), true, nil
	}
	if n := len(inner); n > 0 && inner[n-1] == '/' {
		d.selfClosed = tagName(inner[:n-1])
		return d.selfClosed, false, nil
	}
	if name = tagName(inner); name == "" {
		return "", false, d.malformed("not well-formed (invalid token)", start+1)
	}
	return name, false, nil
}

func tagName(inner []byte) string {
	if f := bytes.Fields(inner); len(f) > 0 {
		return string(f[0])
	}
	return ""
}

// chars reads character data up to the next tag, resolving entities, CDATA, comments and line ends.
func (d *decoder) chars() (string, error) {
	if d.selfClosed != "" {
		return "", nil
	}
	var out []byte
	for d.pos < len(d.in) {
		rest := d.in[d.pos:]
		switch c := rest[0]; {
		case c == '<':
			skip, cdata, err := d.aside(rest)
			if err != nil {
				return "", err
			}
			if skip == 0 {
				return string(out), nil
			}
			out = append(out, cdata...)
			d.pos += skip
		case c == '&':
			s, n, err := d.entity(rest)
			if err != nil {
				return "", err
			}
			out = append(out, s...)
			d.pos += n
		case c == '\r': // XML 1.0, 2.11: line ends become \n
			out = append(out, '\n')
			if d.pos++; d.pos < len(d.in) && d.in[d.pos] == '\n' {
				d.pos++
			}
		case c < utf8.RuneSelf:
			if c < ' ' && c != '\t' && c != '\n' {
				return "", d.malformed("not well-formed (invalid token)", d.pos)
			}
			out = append(out, c)
			d.pos++
		default:
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				return "", d.malformed("not well-formed (invalid token)", d.pos)
			}
			out = append(out, rest[:n]...)
			d.pos += n
		}
	}
	return "", d.malformed("no element found", len(d.in))
}

// aside recognises what may stand between tags and is none; skip is 0 for a real tag.
func (d *decoder) aside(rest []byte) (skip int, cdata []byte, err error) {
	for _, form := range []struct{ open, close string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}} {
		if !bytes.HasPrefix(rest, []byte(form.open)) {
			continue
		}
		end := bytes.Index(rest, []byte(form.close))
		if end < 0 {
			return 0, nil, d.malformed("unclosed token", d.pos)
		}
		if form.open == "<![CDATA[" {
			cdata = rest[len(form.open):end]
		}
		return end + len(form.close), cdata, nil
	}
	return 0, nil, nil
}

var entities = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

func (d *decoder) entity(rest []byte) (string, int, error) {
	end := bytes.IndexByte(rest[:min(len(rest), 12)], ';')
	if end < 2 || bytes.ContainsAny(rest[:end], " \t\n<") {
		return "", 0, d.malformed("not well-formed (invalid token)", d.pos+1)
	}
	name := string(rest[1:end])
	if s, ok := entities[name]; ok {
		return s, end + 1, nil
	}
	if name[0] != '#' {
		return "", 0, d.malformed("undefined entity", d.pos)
	}
	digits, base := name[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return "", 0, d.malformed("not well-formed (invalid token)", d.pos+2)
	}
	if n < ' ' && n != '\t' && n != '\n' && n != '\r' || n == 0xFFFE || n == 0xFFFF || !utf8.ValidRune(rune(n)) {
		return "", 0, d.malformed("reference to invalid character number", d.pos)
	}
	return string(rune(n)), end + 1, nil
}

// malformed is expat's complaint about the byte at.
func (d *decoder) malformed(what string, at int) error {
	head := d.in[:min(at, len(d.in))]
	line := bytes.Count(head, []byte("\n")) + 1
	column := len(head) - (bytes.LastIndexByte(head, '\n') + 1)
	return pythonFault("xml.parsers.expat.ExpatError", fmt.Sprintf("%s: line %d, column %d", what, line, column))
}
