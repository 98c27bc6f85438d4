package odoo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextsOfAllBytesDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		for i, b := range raw { // Python escapes these three
			if b == '<' || b == '>' || b == '&' {
				raw[i] = '_'
			}
		}
		v, _, err := decode(answerOf("<string>x" + string(raw) + "</string>"))
		if err != nil {
			t.Fatalf("%v in %q", err, raw)
		}
		if s, ok := v.(string); !ok || !utf8.ValidString(s) {
			t.Fatalf("got %#v", v)
		}
	})
}

func TestAppendText(t *testing.T) {
	for _, c := range []struct {
		in, out string
		n       int64
	}{
		{"plain 中文 😀\t\n", "plain 中文 😀\t\n", 0},
		{"a\x0bb", "a\uFFFDb", 1},
		{"\x00\x1b", "\uFFFD\uFFFD", 2},
		{"a\x7f\u0085b", "a\x7f\u0085b", 0},
		{"bad \xff\xfe utf", "bad \uFFFD\uFFFD utf", 2},
		{"cut \xe4\xb8", "cut \uFFFD\uFFFD", 2},
		{"\uFFFE\uFFFF", "\uFFFD\uFFFD", 2},
		{"\uFFFD", "\uFFFD", 0},
		{"&#8;&#x1F;&#xFFFE;&#xD800;&#1114112;", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", 5},
		{"&#10;&#xe4;&#32;&amp;&lt;", "\nä &<", 0},
	} {
		got, n, err := appendText(nil, []byte(c.in), true)
		if string(got) != c.out || n != c.n || err != nil {
			t.Errorf("%q: %q, %d, %v; want %q, %d", c.in, got, n, err, c.out, c.n)
		}
		if plain := isPlain([]byte(c.in)); plain != (c.in == c.out) {
			t.Errorf("isPlain(%q) = %v", c.in, plain)
		}
	}
	for _, in := range []string{"&", "&;", "&#;", "&#x;", "&#abc;", "&#-1;", "&#X41;", "&nbsp;", "&amp", "&#" + strings.Repeat("0", 40) + "65;"} {
		if got, _, err := appendText(nil, []byte(in), true); err == nil {
			t.Errorf("%q is read as %q", in, got)
		}
	}
	if got, _, err := appendText(nil, []byte("&amp;"), false); err != nil || string(got) != "&amp;" {
		t.Errorf("without references: %q, %v", got, err)
	}
}
