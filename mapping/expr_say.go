package mapping

import (
	"fmt"

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
	expr.Function("markdown", htmlFunction("markdown", markdownHTML), new(func(any) string)),
	expr.Function("plain", htmlFunction("plain", PlainHTML), new(func(any) string)),
	expr.Function("short", shortText, new(func(any, int) string), new(func(any, int64) string)),
}

// htmlFunction makes a function of expressions from one that reads html.
func htmlFunction(name string, read func(string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		text, ok := plainText(args[0])
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, unexpected(args[0], "a text"))
		}
		return read(text), nil
	}
}

// shortText is the beginning of a text, with an ellipsis where something was left out. A length is in characters.
func shortText(args ...any) (any, error) {
	text, ok := plainText(args[0])
	if !ok {
		return nil, fmt.Errorf("short: %w", unexpected(args[0], "a text"))
	}
	n, ok := plainInt(args[1])
	if !ok || n < 1 {
		return nil, fmt.Errorf("short: %w", unexpected(args[1], "a length"))
	}
	runes := []rune(text)
	if int64(len(runes)) <= n {
		return text, nil
	}
	return string(runes[:n-1]) + "…", nil
}
