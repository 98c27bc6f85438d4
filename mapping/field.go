package mapping

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Read returns the field's canonical value in a record of the side. A key the record lacks is Unknown; nil, "" and an empty
// list are Empty; a reference is the link it names, Unknown without one. The field of a pair with a Value is read
// plainly on the side that has it; its other side is Compute's. An error means that the raw value is not what the
// converter understands; the value is then Unknown.
func (f *Field) Read(side Side, rec Record, env Env) (Value, error) {
	if f.Lines != nil && side == DingTalk { // they have several tables, or none
		env.Record = rec
		return f.converter().Read(side, nil, env)
	}
	if f.Name(side) == "" {
		return UnknownValue, nil
	}
	raw, ok := f.raw(side, rec)
	if !ok {
		return UnknownValue, nil
	}
	return f.read(side, raw, rec, env)
}

// read is Read of a raw value that was found already.
func (f *Field) read(side Side, raw any, rec Record, env Env) (Value, error) {
	if rests, err := f.rests(side, rec); rests || err != nil {
		return UnknownValue, err
	}
	if side == DingTalk && f.ding.isComponent() {
		raw = alone(raw)
	}
	if _, own := f.Convert.(emptyReader); isEmpty(raw) && !own {
		return EmptyValue, nil
	}
	env.Record = rec
	return f.converter().Read(side, raw, env)
}

// rests reports whether the condition of a one-way pair is false, or cannot be told, for a record of its source.
func (f *Field) rests(side Side, rec Record) (bool, error) {
	if f.When == nil || f.Direction == Both || f.Direction.Allows(side) {
		return false, nil
	}
	holds, err := f.When.Bool(rec)
	if errors.Is(err, ErrUnknown) {
		return true, nil
	}
	return !holds, err
}

// Compute returns the value of a pair with a Value from a record of the other side: Unknown while its condition is false
// or a field it uses is not known.
func (f *Field) Compute(rec Record) (Value, error) {
	if f.Value == nil {
		return UnknownValue, nil
	}
	if rests, err := f.rests(f.source(), rec); rests || err != nil {
		return UnknownValue, err
	}
	v, err := f.Value.Text(rec)
	if c, ok := f.Convert.(normalizer); ok && v.IsKnown() {
		return c.normalize(v.Text)
	}
	return v, err
}

// normalizer is a converter that the text of a value: passes through on its way into a View.
type normalizer interface {
	normalize(text string) (Value, error)
}

// source is the side a one-way pair comes from.
func (f *Field) source() Side {
	if f.Direction == ToOdoo {
		return DingTalk
	}
	return Odoo
}

// Write returns the raw value that stands for v in the side's API; nil means empty. rec is the record just read, nil when
// one is created: converters that know only a part of a value keep the rest of it. env.Base is the field's base on that side.
//
// The error is a *MissingRef when v names a link without an id there yet; any other error says in plain words why the
// value cannot be written, and a repetition will not help.
func (f *Field) Write(side Side, v Value, rec Record, env Env) (any, error) {
	name := f.Name(side)
	if name == "" {
		return nil, fmt.Errorf("%s has no field in %s", f.Key, side)
	}
	if v.IsUnknown() {
		return nil, fmt.Errorf("%s is unknown and cannot be written", f.Key)
	}
	if f.Lines != nil && side == Odoo && rec != nil {
		return nil, fmt.Errorf("the lines of %s are made with their document and not changed afterwards", name)
	}
	c := f.converter()
	current, read := rec[name]
	if _, partial := c.(listConverter); partial && side == DingTalk && rec != nil && !read {
		return nil, fmt.Errorf("%s was not read, and writing it would replace what else it holds", name)
	}
	env.Record = rec
	var out any
	if _, own := c.(emptyWriter); own || v.IsKnown() {
		var err error
		if out, err = c.Write(side, v, current, env); err != nil {
			return nil, err
		}
	}
	if text, ok := out.(string); ok && side == DingTalk && f.inMarkdown() && !f.ownWords() {
		out = inert(inserted(text))
	}
	return out, f.accepts(side, out, rec)
}

// inMarkdown reports whether the pair is written to a field that DingTalk shows as markdown.
func (f *Field) inMarkdown() bool { return f.ding != nil && f.ding.Markdown && f.Writes(DingTalk) }

// ownWords reports whether what is written is the mapping's own words: those of a table of values, or made by an expression, which has seen
// to the record's.
func (f *Field) ownWords() bool {
	_, table := f.Convert.(*tableConverter)
	return table || f.Value != nil
}

// emptyWriter is a converter that gives Empty a raw form of its own: the none id, the rest of a list.
type emptyWriter interface{ writesEmpty() }

// accepts checks a raw value against the field table of the kind.
func (f *Field) accepts(side Side, out any, rec Record) error {
	if side != DingTalk || f.ding == nil {
		return nil
	}
	switch v := out.(type) {
	case nil:
		if rec != nil && !f.ding.Clear {
			return fmt.Errorf("%s cannot be emptied through DingTalk's API", f.DingName)
		}
	case string:
		if n := utf8.RuneCountInString(v); f.ding.MaxLen > 0 && n > f.ding.MaxLen {
			return fmt.Errorf("%s has %d characters and DingTalk takes %d", f.DingName, n, f.ding.MaxLen)
		}
	case []any:
		if f.ding.MaxLen > 0 && len(v) > f.ding.MaxLen {
			return fmt.Errorf("%s has %d entries and DingTalk takes %d", f.DingName, len(v), f.ding.MaxLen)
		}
	}
	return nil
}

// converter is the compiled converter, or the one that follows from a pair made by hand.
func (f *Field) converter() Converter {
	switch {
	case f.Convert != nil:
		return f.Convert
	case f.Lines != nil:
		return newLinesConverter(f)
	case f.Ref != "":
		return newRefConverter(f)
	default:
		return textConverter{}
	}
}

func isEmpty(raw any) bool {
	switch v := raw.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case []int64:
		return len(v) == 0
	case []string:
		return len(v) == 0
	}
	return false
}
