package odoo

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// expected is what Python's xmlrpc.client makes of a recorded answer.
type expected struct {
	Value     any
	Code      int
	Fault     string
	Sanitised int64
}

func expectations(t testing.TB) map[string]expected {
	t.Helper()
	raw, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]expected
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// typed turns JSON's numbers into what they are in XML-RPC.
func typed(t testing.TB, v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, err := x.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	case []any:
		for i := range x {
			x[i] = typed(t, x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = typed(t, x[k])
		}
	}
	return v
}

func TestEveryRecordedAnswerIsReadAsPythonReadsIt(t *testing.T) {
	all := expectations(t)
	if len(all) < 390 {
		t.Fatalf("only %d recorded answers", len(all))
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			body, replaced := sanitise([]byte(recorded(t, name)))
			if replaced != want.Sanitised {
				t.Errorf("%d characters replaced, want %d", replaced, want.Sanitised)
			}
			got, err := decodeAnswer(rpc{op: "x.y"}, body)
			if want.Fault != "" {
				if err == nil || err.Code != want.Code {
					t.Fatalf("got %v, want fault %d", err, want.Code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := typed(t, want.Value); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
		})
	}
}

func TestAnswersTheDecoderWouldMisreadAreRefused(t *testing.T) {
	deep := strings.Repeat("<array><data><value>", 100_000) + "<int>1</int>" + strings.Repeat("</value></data></array>", 100_000)
	for name, c := range map[string]struct{ body, why string }{
		"deep":            {answerOf(deep), "nested too deeply"},
		"deep structs":    {answerOf(strings.Repeat("<struct><member><name>a</name><value>", 100) + "<int>1</int>" + strings.Repeat("</value></member></struct>", 100)), "nested too deeply"},
		"empty value":     {answerOf("<array><data><value></value><value><int>1</int></value></data></array>"), "without a type"},
		"closed value":    {answerOf("<array><data><value/><value><int>1</int></value></data></array>"), "without a type"},
		"untyped value":   {answerOf("<struct><member><name>a</name><value>text</value></member></struct>"), "without a type"},
		"comment":         {answerOf("<string>a<!-- b -->c</string>"), "comment"},
		"CDATA":           {answerOf("<string>a<![CDATA[b]]>c</string>"), "CDATA"},
		"document type":   {"<!DOCTYPE x [<!ENTITY a 'b'>]>" + answerOf("<int>1</int>"), "document type"},
		"cut":             {answerOf("<string>a</string>")[:90], "complete"},
		"cut in a tag":    {answerOf("<string>a</string>")[:60], "cut off"},
		"cut in a text":   {strings.TrimSuffix(answerOf("<string>a</string>"), "</methodResponse>\n"), "complete"},
		"empty":           {"", "complete"},
		"another element": {"<html></html>", "methodResponse"},
		"no value":        {"<methodResponse><params></params></methodResponse>", "EOF"},
		"not a number":    {answerOf("<int>x</int>"), "cannot be read"},
		"unknown type":    {answerOf("<bignum>1</bignum>"), "cannot be read"},
		"fault of text":   {recordedV1, "a fault"},
		"mismatched tags": {answerOf("<array><data><value><int>1</int></data></value></array>"), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := decodeAnswer(rpc{op: "x.y"}, []byte(c.body))
			if err == nil {
				t.Fatalf("read as %v", v)
			}
			if !strings.Contains(err.Message, c.why) || err.Class != Retry || !err.Ambiguous {
				t.Errorf("got %+v, want a reason with %q", err, c.why)
			}
		})
	}
}

// recordedV1 is a fault as /xmlrpc/ (not /xmlrpc/2/) gives it, with a text as faultCode.
const recordedV1 = `<?xml version='1.0'?>
<methodResponse>
<fault>
<value><struct>
<member>
<name>faultCode</name>
<value><string>AccessDenied</string></value>
</member>
<member>
<name>faultString</name>
<value><string>Access denied</string></value>
</member>
</struct></value>
</fault>
</methodResponse>
`

func TestEmptyTextStaysText(t *testing.T) {
	v, err := decodeAnswer(rpc{}, []byte(answerOf("<struct><member><name>a</name><value><string></string></value></member></struct>")))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.(map[string]any)["a"]; got != "" {
		t.Errorf("got %#v, want the empty text", got)
	}
}

func TestSanitise(t *testing.T) {
	for _, c := range []struct {
		in, out string
		n       int64
	}{
		{"plain 中文 😀\t\r\n", "plain 中文 😀\t\r\n", 0},
		{"a\x0bb", "a\uFFFDb", 1},
		{"\x00\x1b", "\uFFFD\uFFFD", 2},
		{"a\x7f\u0085b", "a\x7f\u0085b", 0},
		{"bad \xff\xfe utf", "bad \uFFFD\uFFFD utf", 2},
		{"cut \xe4\xb8", "cut \uFFFD\uFFFD", 2},
		{"\uFFFE\uFFFF", "\uFFFD\uFFFD", 2},
		{"\uFFFD", "\uFFFD", 0},
		{"&#8;&#x1F;&#xFFFE;&#xD800;&#1114112;", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", 5},
		{"&#10;&#xe4;&#32;&amp;&lt;&", "&#10;&#xe4;&#32;&amp;&lt;&", 0},
		{"&#;&#x;&#abc", "&#;&#x;&#abc", 0},
	} {
		got, n := sanitise([]byte(c.in))
		if string(got) != c.out || n != c.n {
			t.Errorf("sanitise(%q) = %q, %d; want %q, %d", c.in, got, n, c.out, c.n)
		}
	}
}

func TestSanitisedTextAlwaysDecodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		for i, b := range raw { // Python escapes these three
			if b == '<' || b == '>' || b == '&' {
				raw[i] = '_'
			}
		}
		body, _ := sanitise([]byte(answerOf("<string>x" + string(raw) + "</string>")))
		v, err := decodeAnswer(rpc{}, body)
		if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		if s, ok := v.(string); !ok || !utf8.ValidString(s) {
			t.Fatalf("got %#v", v)
		}
		if again, n := sanitise(body); n != 0 || !bytes.Equal(again, body) {
			t.Fatalf("sanitising twice changes %q", body)
		}
	})
}

func TestWireValue(t *testing.T) {
	type named string
	seven := int32(7)
	cycle := []any{nil}
	cycle[0] = cycle
	for name, c := range map[string]struct{ in, out any }{
		"nil":            {nil, false},
		"nil pointer":    {(*int)(nil), false},
		"pointer":        {&seven, int64(7)},
		"named text":     {named("a"), "a"},
		"unsigned":       {uint8(9), int64(9)},
		"float32":        {float32(0.5), 0.5},
		"bytes":          {[]byte("hi"), "aGk="},
		"time":           {time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 8*3600)), "2026-01-01 19:04:05"},
		"reference":      {Many2One{ID: 3, Name: "x"}, int64(3)},
		"no reference":   {Many2One{}, false},
		"nil list":       {[]int64(nil), []any{}},
		"nil domain":     {Domain(nil), []any{}},
		"commands":       {[]Command{Set(1, 2), Link(3), Unlink(4), Clear(), Delete(5)}, []any{[]any{int64(6), int64(0), []any{int64(1), int64(2)}}, []any{int64(4), int64(3)}, []any{int64(3), int64(4)}, []any{int64(5)}, []any{int64(2), int64(5)}}},
		"values in list": {[]Values{{"a": nil}}, []any{map[string]any{"a": false}}},
		"escaped key":    {map[string]any{"a<b>&": 1}, map[string]any{"a&lt;b&gt;&amp;": int64(1)}},
		"named keys":     {map[named]string{"k": "v"}, map[string]any{"k": "v"}},
	} {
		got, err := wireValue(c.in)
		if err != nil || !reflect.DeepEqual(got, c.out) {
			t.Errorf("%s: got %#v, %v; want %#v", name, got, err, c.out)
		}
	}
	for name, c := range map[string]any{
		"channel": make(chan int), "function": func() {}, "struct": struct{ A int }{1}, "number keys": map[int]string{1: "a"},
		"NaN": math.NaN(), "infinity": math.Inf(1), "too large": uint64(math.MaxUint64), "cycle": cycle, "inside": []any{map[string]any{"a": make(chan int)}},
	} {
		if got, err := wireValue(c); err == nil {
			t.Errorf("%s: got %#v, want an error", name, got)
		}
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for name := range expectations(f) {
		f.Add([]byte(recorded(f, name)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, _ := sanitise(raw)
		v, err := decodeAnswer(rpc{op: "x.y"}, body)
		if err == nil && v == nil {
			t.Error("neither a value nor an error")
		}
	})
}
