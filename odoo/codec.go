package odoo

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kolo/xmlrpc"
)

// maxDepth bounds the nesting of elements in an answer; one array or struct inside another takes three. The decoder is recursive
// and Odoo's answers stay below ten arrays and structs.
const maxDepth = 3 * 64

// decodeAnswer decodes a sanitised methodResponse: its value, or its fault.
//
// The decoder is kolo/xmlrpc's; its traps are avoided here: it recurses without bound, drops what follows an untyped or empty
// value, cuts a text at a comment, may panic, and reads the empty text as nil.
func decodeAnswer(call rpc, body []byte) (value any, failure *Error) {
	defer func() {
		if r := recover(); r != nil {
			value, failure = nil, call.malformed(fmt.Errorf("decoding it failed: %v", r))
		}
	}()
	kind, err := inspect(body)
	if err != nil {
		return nil, call.malformed(err)
	}
	if kind == "fault" {
		// Response.Err would look for the fault with an expression that takes 90 ms a megabyte; it is known to be one.
		var fault xmlrpc.FaultError
		if err := xmlrpc.Response(body).Unmarshal(&fault); err != nil {
			return nil, call.malformed(fmt.Errorf("a fault: %w", err))
		}
		return nil, newFault(call, fault.Code, fault.String)
	}
	var out any
	if err := xmlrpc.Response(body).Unmarshal(&out); err != nil {
		return nil, call.malformed(err)
	}
	return withoutNil(out), nil
}

// malformed is an answer that cannot be understood. What the call did is unknown.
func (call rpc) malformed(err error) *Error {
	return &Error{Class: Retry, Op: call.op, Ambiguous: !call.repeatable, Message: "the answer cannot be read: " + err.Error()}
}

// unexpected is a well-formed answer of a type the method does not have.
func (call rpc) unexpected(v any) *Error {
	return call.malformed(fmt.Errorf("a %T was not expected", v))
}

// withoutNil undoes, in place, that the decoder makes nil of the empty text and of the empty struct. Odoo 12 itself never sends
// nil (odoo/addons/base/controllers/rpc.py).
func withoutNil(v any) any {
	switch x := v.(type) {
	case nil:
		return ""
	case []any:
		for i := range x {
			x[i] = withoutNil(x[i])
		}
	case map[string]any:
		if x == nil {
			return map[string]any{}
		}
		for k := range x {
			x[k] = withoutNil(x[k])
		}
	}
	return v
}

// inspect walks over the tags of an answer and returns what it holds: "params" or "fault". It refuses what would overflow the
// decoder's stack and what the decoder would silently misread. Odoo escapes < in texts, so every < begins a tag.
func inspect(body []byte) (kind string, err error) {
	depth := 0
	for rest := body; ; {
		at := bytes.IndexByte(rest, '<')
		if at < 0 {
			break
		}
		rest = rest[at+1:]
		end := bytes.IndexByte(rest, '>')
		if end < 1 {
			return "", errors.New("a tag is cut off")
		}
		tag := rest[:end]
		rest = rest[end+1:]
		switch {
		case tag[0] == '?':
			continue
		case tag[0] == '!':
			return "", errors.New("it holds a comment, CDATA or document type")
		case tag[0] == '/':
			depth--
			continue
		}
		name := tag
		if i := bytes.IndexAny(tag, " \t\r\n/"); i >= 0 {
			name = tag[:i]
		}
		empty := tag[len(tag)-1] == '/'
		if depth++; depth > maxDepth {
			return "", errors.New("it is nested too deeply")
		}
		switch {
		case depth == 1 && string(name) != "methodResponse":
			return "", errors.New("it is no methodResponse")
		case depth == 2 && kind == "":
			kind = string(name)
		case string(name) == "value" && (empty || untyped(rest)):
			return "", errors.New("it holds a value without a type")
		}
		if empty {
			depth--
		}
	}
	if depth != 0 || (kind != "params" && kind != "fault") {
		return "", errors.New("it is no complete methodResponse")
	}
	return kind, nil
}

// untyped reports whether what follows <value> is not a type's tag.
func untyped(rest []byte) bool {
	rest = bytes.TrimLeft(rest[:min(len(rest), 64)], " \t\r\n")
	return len(rest) < 2 || rest[0] != '<' || rest[1] == '/'
}

// sanitise replaces by U+FFFD what XML 1.0 does not allow, raw or as character reference, and returns how many it replaced.
// Odoo writes stored control characters as they are, and one of them would lose the whole page.
func sanitise(body []byte) ([]byte, int64) {
	at, size := illegal(body, 0)
	if size == 0 {
		return body, 0
	}
	out := make([]byte, 0, len(body)+64)
	var count int64
	start := 0
	for ; size > 0; at, size = illegal(body, start) {
		out = append(out, body[start:at]...)
		out = append(out, "\uFFFD"...)
		start = at + size
		count++
	}
	return append(out, body[start:]...), count
}

// illegal finds the first forbidden character from a position on: where it is and how many bytes it takes, 0 for none.
func illegal(b []byte, from int) (at, size int) {
	for i := from; i < len(b); {
		switch c := b[i]; {
		case c == '&':
			if n := illegalReference(b[i:]); n > 0 {
				return i, n
			}
			i++
		case c < utf8.RuneSelf:
			if !allowed(rune(c)) {
				return i, 1
			}
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if (r == utf8.RuneError && n == 1) || !allowed(r) {
				return i, n
			}
			i += n
		}
	}
	return len(b), 0
}

// allowed is the Char production of XML 1.0; valid UTF-8 holds no surrogates.
func allowed(r rune) bool {
	return r >= 0x20 && r != 0xFFFE && r != 0xFFFF || r == '\t' || r == '\n' || r == '\r'
}

// illegalReference is the length of a reference to a forbidden character at the start of b, 0 if there is none.
func illegalReference(b []byte) int {
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 3 || b[1] != '#' {
		return 0
	}
	digits, base := string(b[2:end]), 10
	if hex, is := strings.CutPrefix(digits, "x"); is {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0
	}
	if n > utf8.MaxRune || (n >= 0xD800 && n < 0xE000) || !allowed(rune(n)) {
		return end + 1
	}
	return 0
}
