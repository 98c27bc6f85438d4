package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dingbridge/redact"
)

func TestText(t *testing.T) {
	w := redact.New("pa&ss'wörd\"+/\\", "", "pa&ss", "ab1")
	for given, want := range map[string]string{
		"":                              "",
		"nothing":                       "nothing",
		"pa&ss'wörd\"+/\\":              "[secret]",
		"x pa&ss y":                     "x [secret] y", // shorter than the other, and a part of it
		"ab1 AB1":                       "[secret] AB1",
		"pa&amp;ss&#39;w":               "pa&amp;ss&#39;w", // too short for its other forms
		"dial http://bob:x@h:1/p?q":     "dial http://[secret]@h:1/p?q",
		"http://h/a@b and mail a@b.org": "http://h/a@b and mail a@b.org",
		"http://u:p@a http://u:p@b":     "http://[secret]@a http://[secret]@b",
	} {
		if got := w.Text(given); got != want {
			t.Errorf("%q: %q, not %q", given, got, want)
		}
	}
	var none *redact.Words
	if got := none.Text("a://b:c@d"); got != "a://[secret]@d" {
		t.Error(got)
	}
}

// Whatever the secret is and whatever stands around it, nothing of these writings of it remains.
func TestEveryWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[ -~密钥]{6,40}`).Draw(t, "secret")
		around := rapid.StringMatching(`[a-z]{0,7}`)
		before, after := around.Draw(t, "before"), around.Draw(t, "after")
		w := redact.New(secret)
		for name, write := range map[string]func(string) string{
			"plain":  func(s string) string { return s },
			"query":  url.QueryEscape,
			"path":   url.PathEscape,
			"user":   func(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") },
			"lower":  func(s string) string { return lower(url.QueryEscape(s)) },
			"html":   html.EscapeString,
			"json":   func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) },
			"quoted": func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] },
			"hex":    func(s string) string { return fmt.Sprintf("%x", s) },
		} {
			text := before + write(secret) + after
			got := w.Text(text)
			if strings.Contains(got, write(secret)) || !strings.Contains(got, redact.Mark) {
				t.Errorf("%s of %q: %q", name, secret, got)
			}
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			text := enc.EncodeToString([]byte(before + secret + after))
			if got := w.Text(text); !strings.Contains(got, redact.Mark) {
				t.Errorf("base64 of %q within %q: %q", secret, before+after, got)
			}
		}
	})
}

func lower(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			b.WriteString(strings.ToLower(s[i : i+3]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// A bound that is put on first would leave the half of a secret that no longer looks like one.
func TestCutLeavesNoHalf(t *testing.T) {
	w := redact.New("0123456789abcdef")
	for n := range 60 {
		got := w.Cut(strings.Repeat("文", 20)+"0123456789abcdef"+strings.Repeat("x", 20), n)
		if strings.Contains(got, "01") {
			t.Errorf("%d: %s", n, got)
		}
		if count := len([]rune(got)); count > n+1 {
			t.Errorf("%d characters, not %d", count, n)
		}
	}
}
