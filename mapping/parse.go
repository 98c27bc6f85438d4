package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds on what a mapping file may hold, against mistakes and alias bombs.
const (
	maxFileBytes = 1 << 20
	maxNodes     = 200_000
	maxDocuments = 500
	maxFields    = 1000 // of one mapping; no model has so many
	maxComplaint = 1000 // about one file
)

// file is one source while it is parsed and checked; it collects the complaints about it.
type file struct {
	name       string
	lines      []string // the text, for places inside of a scalar
	nodes      int      // visited so far
	complaints Complaints
}

func (f *file) position(p place) Position {
	return Position{File: f.name, Line: max(p.line, 1), Column: max(p.column, 1)}
}

func (f *file) errorf(p place, format string, args ...any) { f.complain(Error, p, format, args) }

func (f *file) warnf(p place, format string, args ...any) { f.complain(Warning, p, format, args) }

func (f *file) complain(level Level, p place, format string, args []any) {
	switch {
	case len(f.complaints) > maxComplaint:
		return
	case len(f.complaints) == maxComplaint: // an error even after warnings: what is left out may be one
		level, format, args = Error, "there is more to complain about than is told", nil
	}
	c := Complaint{Position: f.position(p), Level: level, Message: fmt.Sprintf(format, args...)}
	f.complaints = append(f.complaints, c)
}

// parse reads the documents of one source. Documents with complaints are returned as far as they could be read, so that
// the checks that follow can say more.
func parse(src Source) (*file, []*document) {
	f := &file{name: src.File}
	if len(src.Data) > maxFileBytes {
		f.errorf(place{}, "the file is larger than %d bytes", maxFileBytes)
		return f, nil
	}
	f.lines = strings.Split(string(src.Data), "\n")
	decoder := yaml.NewDecoder(bytes.NewReader(src.Data))
	var docs []*document
	for len(docs) < maxDocuments {
		var root yaml.Node
		err := decoder.Decode(&root)
		if errors.Is(err, io.EOF) {
			return f, docs
		}
		if err != nil {
			f.syntax(err)
			return f, docs
		}
		if len(root.Content) == 0 || isNull(root.Content[0]) { // an empty document, e.g. only a comment
			continue
		}
		d := &document{file: f, node: root.Content[0]}
		f.decode(root.Content[0], reflect.ValueOf(d).Elem(), nil)
		docs = append(docs, d)
	}
	f.errorf(docs[len(docs)-1].at, "the file has more than %d documents", maxDocuments)
	return f, docs
}

// syntax complains in the words of the YAML parser, and adds what usually causes them in a mapping file.
func (f *file) syntax(err error) {
	var p place
	message := err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		p = place{le.Mark.Line, le.Mark.Column}
		message = le.Message
	}
	if p.line > len(f.lines) { // reported behind the end
		p = place{len(f.lines), 1}
	}
	hint := ""
	if text := f.line(p.line); strings.Contains(text, "[&") || strings.Contains(text, "[|") || strings.Contains(text, ", |") || strings.Contains(text, ", &") {
		hint = `; in a domain, "&" and "|" must stand in quotes`
	} else if strings.HasPrefix(text, "\t") {
		hint = "; indent with spaces"
	}
	f.errorf(p, "this is not YAML: %s%s", message, hint)
}

func (f *file) line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return f.lines[n-1]
}

// resolve follows an alias and counts the nodes visited; false when there are too many.
func (f *file) resolve(n *yaml.Node) (*yaml.Node, bool) {
	f.nodes++
	if f.nodes > maxNodes {
		if f.nodes == maxNodes+1 {
			f.errorf(at(n), "the file has more than %d values, aliases counted each time", maxNodes)
		}
		return nil, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, n.Alias != nil
	}
	return n, true
}

// inside returns the place of a character of a scalar: rune offset runes into its text. It is exact for plain and quoted
// texts on one line and for literal blocks; elsewhere it is the place of the scalar.
func (f *file) inside(s str, runes int) place {
	n := s.node
	if n == nil {
		return s.place
	}
	text := []rune(s.v)
	runes = min(runes, len(text))
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.LiteralStyle:
		return f.insideLiteral(n, string(text[:runes]))
	case yaml.FoldedStyle:
		return s.place
	}
	source := []rune(f.line(n.Line))
	i := n.Column - 1
	quote := rune(0)
	if i < len(source) && (source[i] == '"' || source[i] == '\'') {
		quote = source[i]
		i++
	}
	for k := range runes {
		if i >= len(source) { // the scalar goes on in another line
			return s.place
		}
		i += escapeWidth(source[i:], quote, text[k])
	}
	return place{n.Line, i + 1}
}

// escapeWidth returns how many runes of the source stand for one rune of a scalar's text.
func escapeWidth(source []rune, quote, r rune) int {
	switch {
	case quote == '\'' && r == '\'':
		return 2
	case quote == '"' && source[0] == '\\' && len(source) > 1:
		switch source[1] {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		return 2
	}
	return 1
}

func (f *file) insideLiteral(n *yaml.Node, before string) place {
	rows := strings.Split(before, "\n")
	first := f.line(n.Line + 1)
	indent := len(first) - len(strings.TrimLeft(first, " "))
	return place{n.Line + len(rows), indent + len([]rune(rows[len(rows)-1])) + 1}
}
