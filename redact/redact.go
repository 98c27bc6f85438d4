// Package redact takes secrets out of texts that are going to be printed, logged or kept: out of errors that quote a URL, and out of
// answers in which the far side repeats what it was sent.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Mark stands where a secret was.
const Mark = "[secret]"

// shortest is the length, in bytes, below which a secret is looked for as it is only: its other forms would be so short that they
// occur everywhere.
const shortest = 6

// Words finds secrets in texts. It is safe for concurrent use; a nil *Words finds user information in URLs only.
type Words struct {
	replace func() *strings.Replacer // made when first needed: most calls succeed and print nothing
}

// New makes Words of secrets; empty ones are left out. Each is found in every one of its Forms.
func New(secrets ...string) *Words {
	return &Words{sync.OnceValue(func() *strings.Replacer { return replacer(secrets) })}
}

func replacer(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		forms = append(forms, Forms(s)...)
	}
	// A replacer prefers the pair that was given first: the longest, so that no rest of a longer form remains.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, Mark)
	}
	return strings.NewReplacer(pairs...)
}

// userInfo is what stands before the host of a URL, such as user:password@.
var userInfo = regexp.MustCompile(`(://)[^/?#@\s"']*@`)

// Text is s without the secrets, and without user information in URLs.
func (w *Words) Text(s string) string {
	if w != nil {
		s = w.replace().Replace(s)
	}
	if strings.Contains(s, "://") {
		s = userInfo.ReplaceAllString(s, "${1}"+Mark+"@")
	}
	return s
}

// Cut is Text of s bounded to n characters. The bound is put on afterwards: before, it could leave half a secret that nobody finds.
func (w *Words) Cut(s string, n int) string {
	s = w.Text(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

// Forms are the ways a secret is written in URLs, JSON, XML, HTML, Go's and Python's quoted texts, hexadecimal, and base64, also
// within a longer text that was encoded. The secret itself is the first; there is none of an empty one.
func Forms(secret string) []string {
	if secret == "" {
		return nil
	}
	if len(secret) < shortest {
		return []string{secret}
	}
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("", secret).String()[1:],
		inJSON(secret, true), inJSON(secret, false), inXML(secret), html.EscapeString(secret),
		inside(strconv.Quote(secret)), inside(strconv.QuoteToASCII(secret)), inPython(secret),
		hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret),
	}
	for _, escaped := range forms[1:4] {
		forms = append(forms, lowerEscapes.ReplaceAllStringFunc(escaped, strings.ToLower))
	}
	forms = append(forms, inBase64(secret)...)
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(forms, func(f string) bool {
		had := seen[f]
		seen[f] = true
		return had
	})
}

var lowerEscapes = regexp.MustCompile(`%[0-9A-F]{2}`)

// inside is a quoted text without its quotes.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

func inJSON(s string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if enc.Encode(s) != nil { // never of a text
		return ""
	}
	return inside(strings.TrimSuffix(b.String(), "\n"))
}

func inXML(s string) string {
	var b bytes.Buffer
	if xml.EscapeText(&b, []byte(s)) != nil { // never of a buffer
		return ""
	}
	return b.String()
}

// inPython is how repr prints a text in single quotes.
func inPython(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }

// inBase64 are the characters of an encoding that depend on the secret alone, at each of the three places it may have in a longer
// text, in both alphabets. At the first place that is the encoding of the secret by itself, but for its last character.
func inBase64(s string) []string {
	var forms []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := enc.EncodeToString(append(make([]byte, before), s...))
			first, last := (before*8+5)/6, (before+len(s))*8/6
			forms = append(forms, text[first:last])
		}
	}
	return forms
}
