package odoo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kolo/xmlrpc"
)

// decode decodes an answer as a whole.
func decode(body string) (value any, replaced int64, err error) {
	d := newDecoder(strings.NewReader(body))
	value, err = d.answer(nil)
	return value, d.replaced, err
}

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
			got, replaced, err := decode(recorded(t, name))
			if replaced != want.Sanitised {
				t.Errorf("%d characters replaced, want %d", replaced, want.Sanitised)
			}
			if want.Fault != "" {
				var fault *xmlrpc.FaultError
				if !errors.As(err, &fault) || fault.Code != want.Code {
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

func TestValuesAreWhatPythonMakesOfThem(t *testing.T) {
	for body, want := range map[string]any{
		"<string></string>": "",
		"<string/>":         "",
		"":                  "",
		"  ":                "  ",
		"text":              "text",
		"a &lt;b&gt; &amp;amp; &quot;c&apos; &#20013;&#x6587;":   `a <b> &amp; "c' 中文`,
		"<string>a<!-- b -->c</string>":                          "ac",
		"<string><!-- b --></string>":                            "",
		"<string>a<![CDATA[<b>&amp;]]]]><![CDATA[>]]>c</string>": "a<b>&amp;]]>c",
		"<![CDATA[b]]>":                                             "b",
		"<string>a<?php b ?>c</string>":                             "ac",
		"<string>a\r\nb\rc&#13;\n</string>":                         "a\nb\nc\r\n",
		"<string>\x0b\xff\uFFFE&#8;&#xD800;&#99999999999;</string>": "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD",
		"<string attr='>' b=\"</string>\">x</string >":              "x",
		" <!-- a --> <int> -5\n</int> <!-- b --> ":                  int64(-5),
		"<i4>4</i4>":                     int64(4),
		"<i8>9223372036854775807</i8>":   int64(math.MaxInt64),
		"<ex:i8 xmlns:ex='x'>+8</ex:i8>": int64(8),
		"<boolean>0</boolean>":           false,
		"<boolean>1</boolean>":           true,
		"<double>-1.5e3</double>":        -1500.0,
		"<double> inf </double>":         math.Inf(1),
		"<double>1e999</double>":         math.Inf(1),
		"<nil/>":                         nil,
		"<nil></nil>":                    nil,
		"<ex:nil/>":                      nil,
		"<base64>aGk=\n</base64>":        "aGk=\n",
		"<dateTime.iso8601>20260102T03:04:05</dateTime.iso8601>": "20260102T03:04:05",
		"<array><data></data></array>":                           []any{},
		"<array><data/></array>":                                 []any{},
		"<array/>":                                               []any{},
		"<array></array>":                                        []any{},
		"<array><data><value/><value></value><value>a</value><value><int>1</int></value></data></array>": []any{"", "", "a", int64(1)},
		"<struct/>":         map[string]any{},
		"<struct></struct>": map[string]any{},
		"<struct><member><name>a</name><value>text</value></member><member><name>&amp;</name><value/></member></struct>":                                          map[string]any{"a": "text", "&": ""},
		"<struct><member><name>a</name><value>1</value></member><member><name/><value>2</value></member><member><name>a</name><value>3</value></member></struct>": map[string]any{"a": "3", "": "2"},
	} {
		got, _, err := decode(answerOf(body))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v; want %#v", body, got, err, want)
		}
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	nested := func(n int, open, shut string) string {
		return answerOf(strings.Repeat(open, n) + "<int>1</int>" + strings.Repeat(shut, n))
	}
	whole := answerOf("<string>a</string>")
	for name, c := range map[string]struct{ body, why string }{
		"deep arrays":       {nested(100_000, "<array><data><value>", "</value></data></array>"), "nested too deeply"},
		"deep structs":      {nested(maxDepth+1, "<struct><member><name>a</name><value>", "</value></member></struct>"), "nested too deeply"},
		"document type":     {"<!DOCTYPE x [<!ENTITY a 'b'>]>" + whole, "document type"},
		"own entity":        {answerOf("<string>&a;</string>"), "entity"},
		"bare ampersand":    {answerOf("<string>a & b</string>"), "entity"},
		"another encoding":  {"<?xml version='1.0' encoding='iso-8859-1'?>" + whole, "encoding"},
		"UTF-16":            {"\xFE\xFF\x00<\x00m", "text where none belongs"},
		"empty":             {"", "cut off"},
		"blank":             {" \n", "cut off"},
		"text":              {"Internal Server Error", "text where none belongs"},
		"another element":   {"<html></html>", "<html>"},
		"a call":            {"<methodCall></methodCall>", "<methodCall>"},
		"no value":          {"<methodResponse><params></params></methodResponse>", "</params>"},
		"neither":           {"<methodResponse></methodResponse>", "</methodResponse>"},
		"two params":        {strings.Replace(whole, "</param>", "</param><param><value>b</value></param>", 1), "<param>"},
		"a second answer":   {whole + whole, "after its end"},
		"text behind":       {whole + "x", "text where none belongs"},
		"a tag behind":      {whole + "<", "cut off"},
		"a comment behind":  {whole + "<!-- a", "cut off"},
		"no number":         {answerOf("<int>x</int>"), "64 bits"},
		"empty number":      {answerOf("<int/>"), "64 bits"},
		"huge number":       {answerOf("<i8>9223372036854775808</i8>"), "64 bits"},
		"no double":         {answerOf("<double>1,5</double>"), "no number"},
		"hexadecimal":       {answerOf("<double>0x1p-2</double>"), "no number"},
		"boolean word":      {answerOf("<boolean>true</boolean>"), "neither 0 nor 1"},
		"boolean 2":         {answerOf("<boolean>2</boolean>"), "neither 0 nor 1"},
		"full nil":          {answerOf("<nil>a</nil>"), "not empty"},
		"unknown type":      {answerOf("<bignum>1</bignum>"), "unknown type"},
		"two values":        {answerOf("<int>1</int><int>2</int>"), "<int>"},
		"text and type":     {answerOf("a<int>1</int>"), "text where none belongs"},
		"type and text":     {answerOf("<int>1</int>a"), "text where none belongs"},
		"tag in a text":     {answerOf("<string>a<b>c</b></string>"), "<b>"},
		"mismatched tags":   {answerOf("<array><data><value><int>1</int></data></value></array>"), "</data>"},
		"no member":         {answerOf("<struct><name>a</name></struct>"), "<name>"},
		"no name":           {answerOf("<struct><member><value>a</value></member></struct>"), "<value>"},
		"no member's value": {answerOf("<struct><member><name>a</name></member></struct>"), "</member>"},
		"text in a struct":  {answerOf("<struct>a</struct>"), "text where none belongs"},
		"CDATA in a struct": {answerOf("<struct><![CDATA[a]]></struct>"), "CDATA"},
		"long key":          {answerOf("<struct><member><name>" + strings.Repeat("a", maxName+1) + "</name><value/></member></struct>"), "too long"},
		"nameless tag":      {answerOf("< >"), "without a name"},
		"twice closed":      {answerOf("<string>a</string/>"), "closed twice"},
		"tag in a tag":      {answerOf("<string <int>a</string>"), "inside a tag"},
		"fault of text":     {recordedV1, "fault without a number"},
		"fault of a list":   {"<methodResponse><fault><value><array/></value></fault></methodResponse>", "fault without a number"},
		"secret tag":        {answerOf("<" + strings.Repeat("secret", 100) + ">"), "unknown type"},
	} {
		t.Run(name, func(t *testing.T) {
			v, _, err := decode(c.body)
			var malformed malformedError
			if !errors.As(err, &malformed) || !strings.Contains(err.Error(), c.why) || len(err.Error()) > 200 {
				t.Errorf("read as %v, %v; want a reason with %q", v, err, c.why)
			}
		})
	}
}

func TestAnAnswerCutAnywhereIsRefused(t *testing.T) {
	whole := strings.TrimSpace(recorded(t, "text-control-chars-in-list") + "<!-- end -->")
	if _, _, err := decode(whole); err != nil {
		t.Fatal(err)
	}
	complete := strings.Index(whole, "</methodResponse>") + len("</methodResponse>")
	for n := range whole {
		_, _, err := decode(whole[:n])
		if cut := errors.Is(err, errCut); cut != (n != complete && n != complete+len("\n")) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestTheSizeOfReadsDoesNotMatter(t *testing.T) {
	bodies := map[string]string{
		"adorned": answerOf("<struct><member><name>a&amp;</name><value><string>x\r\n&#20013;文<![CDATA[]]]]><!-- - --><?y ?>\x01z</string></value></member></struct>"),
	}
	for name := range expectations(t) {
		bodies[name] = recorded(t, name)
	}
	for name, body := range bodies {
		want, _, wantErr := decode(body)
		d := newDecoder(iotest.OneByteReader(strings.NewReader(body)))
		d.buf = d.buf[:1]
		got, err := d.answer(nil)
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: got %v, %v; want %v, %v", name, got, err, want, wantErr)
		}
	}
}

func TestAnErrorOfTheReaderIsNoVerdictAboutTheAnswer(t *testing.T) {
	whole := answerOf("<array><data><value><string>a</string></value></data></array>")
	for n := range whole {
		d := newDecoder(io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF)))
		if _, err := d.answer(nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("lost after %d bytes: %v", n, err)
		}
	}
}

func TestLongPartsAreRefused(t *testing.T) {
	long := strings.Repeat("a", 300<<10)
	for name, body := range map[string]string{
		"tag":         answerOf("<string " + long + ">a</string>"),
		"attribute":   answerOf("<string a='>" + long + "'>a</string>"),
		"comment":     answerOf("<!-- " + long + " -->"),
		"instruction": "<?xml " + long + "?>" + answerOf(""),
		"text":        answerOf(long),
		"joined":      answerOf(strings.Repeat(long[:80<<10]+"<!-- -->", 3)),
		"CDATA":       answerOf("<![CDATA[" + long + "]]>"),
		"endless":     answerOf("<string>" + long)[:290<<10],
	} {
		d := newDecoder(strings.NewReader(body))
		d.maxText = 200 << 10
		if _, err := d.answer(nil); !errors.Is(err, errTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if cap(d.buf) > 1<<20 {
			t.Errorf("%s: a buffer of %d bytes", name, cap(d.buf))
		}
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

func TestRowsComeOneByOne(t *testing.T) {
	refusal := errors.New("no")
	for name, c := range map[string]struct {
		body string
		most int // rows taken
		ids  []int64
		err  string
	}{
		"three":         {rowsAnswer(1, 2, 3), 9, []int64{1, 2, 3}, ""},
		"none":          {rowsAnswer(), 9, nil, ""},
		"no data":       {answerOf("<array/>"), 9, nil, ""},
		"refused":       {rowsAnswer(1, 2, 3), 1, []int64{1}, "no"},
		"cut":           {rowsAnswer(1, 2, 3)[:250], 9, []int64{1}, "cut off"},
		"no rows":       {answerOf("<array><data><value><int>1</int></value></data></array>"), 9, nil, "a row is a int64"},
		"a number":      {intAnswer(7), 9, nil, "no list of rows"},
		"an empty text": {answerOf(""), 9, nil, "no list of rows"},
		"nothing":       {strings.Replace(intAnswer(7), "<value><int>7</int></value>", "<value/>", 1), 9, nil, "no list of rows"},
		"a fault":       {faultAnswer(2, "x"), 9, nil, "x"},
	} {
		var ids []int64
		_, err := newDecoder(strings.NewReader(c.body)).answer(func(r Record) error {
			if len(ids) == c.most {
				return refusal
			}
			ids = append(ids, r["id"].(int64))
			return nil
		})
		if !reflect.DeepEqual(ids, c.ids) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %v, %v", name, ids, err)
		}
	}
}

func TestMemoryDoesNotGrowWithTheAnswer(t *testing.T) {
	var least, most uint64
	rows := 0
	_, err := newDecoder(manyRows(20_000)).answer(func(Record) error {
		if rows++; rows%2_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if least == 0 || m.HeapAlloc < least {
				least = m.HeapAlloc
			}
			most = max(most, m.HeapAlloc)
		}
		return nil
	})
	if err != nil || rows != 20_000 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if most-least > 256<<10 {
		t.Errorf("between %d and %d bytes in use", least, most)
	}
}
