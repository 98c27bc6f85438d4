package mapping

import (
	"fmt"
	"math"
	"strings"

	"github.com/expr-lang/expr"
)

// RecordURL is the name under which a record that is told of carries its address in Odoo's web client; of a chatter message it is that
// of its document.
const RecordURL = "record_url"

// says lets the expressions of a scope make texts for people: of html, and with a link to the record.
func (s *scope) says() {
	s.speaks = true
	s.add(RecordURL, kindText)
}

// speechFunctions are the functions of expressions that make texts for people.
var speechFunctions = []expr.Option{
	expr.Function("markdown", textFunction("markdown", markdownHTML), new(func(any) string)),
	expr.Function("plain", textFunction("plain", PlainHTML), new(func(any) string)),
	expr.Function("raw", textFunction("raw", strings.Clone), new(func(any) string)),
	expr.Function("short", shortFunction(shortText), new(func(any, int) string), new(func(any, int64) string)),
}

// textFunction makes a function of expressions from one that makes a text of another.
func textFunction(name string, read func(string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		text, ok := plainText(args[0])
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, unexpected(args[0], "a text"))
		}
		return read(text), nil
	}
}

// shortFunction makes a function of expressions from one that shortens a text to so many characters.
func shortFunction(shorten func(string, int) string) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		text, ok := plainText(args[0])
		if !ok {
			return nil, fmt.Errorf("short: %w", unexpected(args[0], "a text"))
		}
		n, ok := plainInt(args[1])
		if !ok || n < 1 {
			return nil, fmt.Errorf("short: %w", unexpected(args[1], "a length"))
		}
		return shorten(text, int(min(n, math.MaxInt32))), nil
	}
}

// shortText is the beginning of a text, at most so many characters, with an ellipsis where something was left out.
func shortText(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
