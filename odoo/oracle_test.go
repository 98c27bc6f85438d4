package odoo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/kolo/xmlrpc"
)

// koloAnswer is what kolo/xmlrpc makes of an answer, with what it is known to get wrong put right where that can be done from
// outside: control characters are replaced before, and nil is the empty text it was.
func koloAnswer(body []byte) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kolo panics: %v", r)
		}
	}()
	var out any
	if err := xmlrpc.Response(cleaned(body)).Unmarshal(&out); err != nil {
		return nil, err
	}
	return withoutNil(out), nil
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

// cleaned is an answer without the characters XML does not allow, raw or as references: one of them loses kolo the whole answer.
func cleaned(body []byte) []byte {
	var out []byte
	for len(body) > 0 {
		n := bytes.IndexByte(body, '&')
		if n < 0 {
			n = len(body)
		}
		part, _, _ := appendText(nil, body[:n], false) // without references nothing can fail
		out, body = append(out, part...), body[n:]
		if len(body) == 0 {
			break
		}
		r, size := reference(body)
		switch {
		case size == 0:
			out, body = append(out, '&'), body[1:]
		case allowed(r):
			out, body = append(out, body[:size]...), body[size:]
		default:
			out, body = append(out, replacement...), body[size:]
		}
	}
	return out
}

// isStrict reports whether an answer has the form that kolo reads rightly, by a grammar of its own over encoding/xml: one value, of
// the types kolo knows, every value with a type, no comments or CDATA.
func isStrict(body []byte) bool {
	body = cleaned(body)
	if bytes.Contains(body, []byte("<!")) {
		return false
	}
	g := &grammar{dec: xml.NewDecoder(bytes.NewReader(body))}
	ok := g.open("methodResponse") && g.open("params") && g.open("param") && g.open("value") && g.value() &&
		g.close() && g.close() && g.close()
	if !ok {
		return false
	}
	_, err := g.token()
	return errors.Is(err, io.EOF)
}

// grammar reads elements; encoding/xml itself checks that they close in order.
type grammar struct{ dec *xml.Decoder }

// token is the next tag; nil is text that is not blank.
func (g *grammar) token() (xml.Token, error) {
	for {
		t, err := g.dec.Token()
		if err != nil {
			return nil, err
		}
		switch x := t.(type) {
		case xml.CharData:
			if strings.Trim(string(x), " \t\r\n") != "" {
				return nil, nil
			}
		case xml.StartElement, xml.EndElement:
			return x, nil
		}
	}
}

func (g *grammar) open(name string) bool {
	t, _ := g.token()
	start, ok := t.(xml.StartElement)
	return ok && start.Name.Local == name
}

func (g *grammar) close() bool {
	t, _ := g.token()
	_, ok := t.(xml.EndElement)
	return ok
}

// value reads from behind <value> to behind </value>.
func (g *grammar) value() bool {
	t, _ := g.token()
	start, ok := t.(xml.StartElement)
	if !ok {
		return false
	}
	switch start.Name.Local {
	case "array":
		ok = g.open("data") && g.items() && g.close()
	case "struct":
		ok = g.members()
	default:
		ok = g.leaf(start.Name.Local)
	}
	return ok && g.close()
}

func (g *grammar) items() bool {
	for {
		t, _ := g.token()
		switch x := t.(type) {
		case xml.EndElement:
			return true
		case xml.StartElement:
			if x.Name.Local == "value" && g.value() {
				continue
			}
		}
		return false
	}
}

func (g *grammar) members() bool {
	for {
		t, _ := g.token()
		switch x := t.(type) {
		case xml.EndElement:
			return true
		case xml.StartElement:
			if x.Name.Local == "member" && g.open("name") && g.leaf("name") && g.open("value") && g.value() && g.close() {
				continue
			}
		}
		return false
	}
}

// leaf reads a text and the tag that closes it.
func (g *grammar) leaf(kind string) bool {
	t, _ := g.dec.Token()
	text, ok := t.(xml.CharData)
	if !ok {
		_, ended := t.(xml.EndElement)
		return ended && (kind == "string" || kind == "base64" || kind == "nil")
	}
	s := string(text)
	if t, _ = g.dec.Token(); t == nil {
		return false
	}
	if _, ended := t.(xml.EndElement); !ended {
		return false
	}
	switch kind {
	case "name":
		return len(s) <= maxName
	case "string", "base64", "int", "i4", "i8":
		return true
	case "double":
		return isDecimal(text)
	case "boolean":
		return s == "0" || s == "1"
	}
	return false
}

// same compares what this package and kolo decoded.
func same(got, kolo any) bool {
	switch want := kolo.(type) {
	case time.Time: // kolo reads it, this package leaves it as it stands
		_, ok := got.(string)
		return ok
	case float64:
		f, ok := got.(float64)
		return ok && (f == want || math.IsNaN(f) && math.IsNaN(want))
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !same(list[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok || len(members) != len(want) {
			return false
		}
		for k := range want {
			if v, has := members[k]; !has || !same(v, want[k]) {
				return false
			}
		}
		return true
	case string:
		return got == want || got == nil && want == ""
	}
	return got == kolo
}
