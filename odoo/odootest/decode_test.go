package odootest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeForms(t *testing.T) {
	wrap := func(v string) string {
		return "<?xml version='1.0'?>\n<!-- c --><methodCall><methodName>m</methodName><params><param>" + v + "</param></params></methodCall>"
	}
	for in, want := range map[string]any{
		"<value>plain</value>":     "plain",
		"<value/>":                 "",
		"<value></value>":          "",
		"<value><string/></value>": "",
		"<value><string>a&lt;b&#x4e2d;<![CDATA[<&>]]></string></value>":                   "a<b中<&>",
		"<value><string>a\r\nb\rc</string></value>":                                       "a\nb\nc",
		"<value><i8>3000000000</i8></value>":                                              int64(3000000000),
		"<value><boolean>1</boolean></value>":                                             true,
		"<value><double>1.5</double></value>":                                             1.5,
		"<value><nil/></value>":                                                           nil,
		"<value><ex:nil/></value>":                                                        nil,
		"<value><array><data/></array></value>":                                           []any{},
		"<value><array><data><value><int>1</int></value></data></array></value>":          []any{int64(1)},
		"<value><struct><member><name>k</name><value>v</value></member></struct></value>": map[string]any{"k": "v"},
		"<value><struct/></value>":                                                        map[string]any{},
	} {
		name, params, err := decodeCall([]byte(wrap(in)))
		if err != nil || name != "m" || len(params) != 1 || !reflect.DeepEqual(params[0], want) {
			t.Errorf("%s: %q %#v %v, want %#v", in, name, params, err, want)
		}
	}
	for in, want := range map[string]string{
		"<value><int>x</int></value>":                    "invalid literal for int()",
		"<value><double>x</double></value>":              "could not convert string to float",
		"<value><boolean>2</boolean></value>":            "bad boolean value",
		"<value><string>&nope;</string></value>":         "undefined entity",
		"<value><string>&#xFFFF;</string></value>":       "reference to invalid character number",
		"<value><int>1</string></value>":                 "mismatched tag",
		"<value><string>a</string></value><value></par>": "mismatched tag",
		strings.Repeat("<value><array><data>", 500):      "RecursionError",
	} {
		if _, _, err := decodeCall([]byte(wrap(in))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in[:min(len(in), 60)], err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(versionCall))
	f.Add([]byte("<methodCall><methodName/><params><param><value><array><data><value/></data></array></value></param></params></methodCall>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		name, params, err := decodeCall(body)
		if err != nil {
			return
		}
		if _, err := encodeResult(append([]any{name}, params...)); err != nil && !strings.Contains(err.Error(), "marshal") && !errors.Is(err, errIntLimit) {
			t.Error(err)
		}
	})
}

func TestPythonRepr(t *testing.T) {
	for want, v := range map[string]any{
		"1e-05": 1e-5, "0.0001": 1e-4, "1e+16": 1e16, "123456789.0": 123456789.0, "nan": nan(),
		`'it\'s "x"'`: `it's "x"`, `"it's"`: "it's", `'\n\x01\u200b中'`: "\n\x01\u200b中", "['a', None, True]": []any{"a", nil, true}, "{'k': 1}": map[string]any{"k": int64(1)},
	} {
		if got := pyRepr(v); got != want {
			t.Errorf("%#v: %s, want %s", v, got, want)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }
