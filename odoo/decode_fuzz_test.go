package odoo

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kolo/xmlrpc"
)

// FuzzDecodeAgainstKolo demands of every answer that kolo reads rightly that it is read, and equally; and of every value that it
// stays the same when it is written with all the freedoms of XML and XML-RPC that kolo gets wrong.
func FuzzDecodeAgainstKolo(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		got, _, err := decode(string(body))
		want, koloErr := koloAnswer(body)
		switch {
		case koloErr != nil:
		case err == nil && isStrict(body) && !same(got, want):
			t.Fatalf("got %#v, kolo %#v", got, want)
		case err != nil && isStrict(body) && !tooMuchForUs(err):
			t.Fatalf("kolo reads %#v, but: %v", want, err)
		}
		if err != nil {
			return
		}
		a := &adorned{r: rand.New(rand.NewPCG(seed, 0))}
		text := a.answer(got)
		again, replaced, err := decode(text)
		if err != nil || replaced != 0 || !same(again, got) {
			t.Fatalf("got %#v, %v, %d replaced; want %#v of %q", again, err, replaced, got, text)
		}
	})
}

// tooMuchForUs reports bounds that kolo does not have.
func tooMuchForUs(err error) bool {
	return errors.Is(err, errTooLarge) || strings.Contains(err.Error(), "nested too deeply")
}

// FuzzDecodeNeverPanics demands that every input ends in a value, a fault or a typed error, that small reads make no
// difference, and that rows are those of the whole.
func FuzzDecodeNeverPanics(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte, _ uint64) {
		got, replaced, err := decode(string(body))
		var malformed malformedError
		var fault *xmlrpc.FaultError
		if err != nil && !errors.As(err, &malformed) && !errors.As(err, &fault) && !errors.Is(err, errTooLarge) {
			t.Fatalf("an error of type %T: %v", err, err)
		}
		d := newDecoder(iotest.OneByteReader(bytes.NewReader(body)))
		d.buf = d.buf[:1]
		again, againErr := d.answer(nil)
		if (err == nil) != (againErr == nil) || err == nil && (!same(again, got) || d.replaced != replaced) {
			t.Fatalf("byte by byte %#v, %v; at once %#v, %v", again, againErr, got, err)
		}
		var rows []any
		_, rowsErr := newDecoder(bytes.NewReader(body)).answer(func(r Record) error {
			rows = append(rows, r)
			return nil
		})
		if list, is := got.([]any); rowsErr == nil && (err != nil || !is || !same(rows, list)) {
			t.Fatalf("rows %#v of %#v, %v", rows, got, err)
		}
	})
}

// seeds are the recorded answers, the smaller ones first. What fuzzing found interesting lies in testdata/fuzz.
func seeds(f *testing.F) {
	var bodies []string
	for name := range expectations(f) {
		bodies = append(bodies, recorded(f, name))
	}
	slices.SortFunc(bodies, func(a, b string) int { return len(a) - len(b) })
	for i, body := range bodies {
		if len(body) < 64<<10 {
			f.Add([]byte(body), uint64(i))
		}
	}
}

// adorned writes a value so that it means the same in as many ways as there are.
type adorned struct {
	b    bytes.Buffer
	r    *rand.Rand
	tags []string // those that are open, with their prefixes
}

func (a *adorned) answer(v any) string {
	a.put(a.one("", "\uFEFF"), a.one("", "<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"utf-8\" ?>"))
	a.open("methodResponse", "params", "param")
	a.value(v)
	a.close(3)
	a.gap()
	return a.b.String()
}

func (a *adorned) put(texts ...string) {
	for _, s := range texts {
		a.b.WriteString(s)
	}
}

func (a *adorned) one(of ...string) string { return of[a.r.IntN(len(of))] }

// gap is what may stand between tags.
func (a *adorned) gap() {
	a.put(a.one("", "", "", " ", "\n", "\r\n\t", "<!-- <value> - -->", " <?x y?> "))
}

func (a *adorned) open(names ...string) {
	for _, name := range names {
		a.gap()
		full := a.one("", "", "", "ex:") + name
		a.tags = append(a.tags, full)
		a.put("<", full, a.one("", "", " ", " a='>' b=\"'/\"", "\n"), ">")
	}
}

// close closes so many tags, with gaps before them.
func (a *adorned) close(n int) {
	for range n {
		a.gap()
		a.end()
	}
}

func (a *adorned) end() {
	last := len(a.tags) - 1
	a.put("</", a.tags[last], a.one("", "", " ", "\n"), ">")
	a.tags = a.tags[:last]
}

func (a *adorned) value(v any) {
	if s, is := v.(string); is && a.r.IntN(2) == 0 {
		a.open("value")
		a.text(s)
		a.end()
		return
	}
	a.open("value")
	switch x := v.(type) {
	case nil:
		a.gap()
		a.put(a.one("<nil/>", "<ex:nil />", "<nil></nil>"))
	case bool:
		a.leaf("boolean", map[bool]string{false: "0", true: "1"}[x])
	case int64:
		a.leaf(a.one("int", "i4", "i8", "i1", "i2", "biginteger"), a.one("", " ", "\n")+strconv.FormatInt(x, 10)+a.one("", " "))
	case float64:
		a.leaf(a.one("double", "float"), a.one("", " ")+strconv.FormatFloat(x, 'g', -1, 64)+a.one("", "\t"))
	case string:
		a.leaf("string", x)
	case []any:
		a.open("array", "data")
		for _, item := range x {
			a.value(item)
		}
		a.close(2)
	case map[string]any:
		a.open("struct")
		for name, member := range x {
			a.open("member")
			a.leaf("name", name)
			a.value(member)
			a.close(1)
		}
		a.close(1)
	}
	a.close(1)
}

func (a *adorned) leaf(kind, text string) {
	a.open(kind)
	a.text(text)
	a.end()
}

// text writes every character in one of its forms.
func (a *adorned) text(s string) {
	for _, r := range s {
		switch form := a.r.IntN(12); {
		case form == 0:
			a.put("<!-- &x; -->")
			a.raw(r)
		case form == 1:
			a.put("&#", strconv.Itoa(int(r)), ";")
		case form == 2:
			a.put("&#x", strconv.FormatInt(int64(r), 16), ";")
		case form == 3 && r != '\r':
			a.put("<![CDATA[", string(r), "]]>")
		default:
			a.raw(r)
		}
	}
}

func (a *adorned) raw(r rune) {
	switch r {
	case '\r':
		a.put("&#13;")
	case '\n':
		a.put(a.one("\n", "&#10;"))
	case '<':
		a.put("&lt;")
	case '>':
		a.put(a.one(">", "&gt;"))
	case '&':
		a.put("&amp;")
	case '"':
		a.put(a.one("\"", "&quot;"))
	case '\'':
		a.put(a.one("'", "&apos;"))
	default:
		a.put(string(r))
	}
}
