package mapping

import (
	"fmt"
	"strings"
)

// Lookups finds Odoo records that no mapping links.
type Lookups interface {
	// Find returns the id of the one record of the lookup's model whose field By is the value. The error says in plain words
	// why there is not exactly one, or is a fault of Odoo.
	Find(l *Lookup, value string) (id int64, err error)
}

// lookupConverter joins a many2one with a text: the canonical value is the text that the record has in one field, without blanks
// around it. A record holds that text under the path to it, Field.readName.
type lookupConverter struct {
	lookup *Lookup
	table  *tableConverter // DingTalk's text to the text looked up; nil when they are the same
}

func (lookupConverter) Name() string { return "lookup" }

func (c lookupConverter) Read(side Side, raw any, env Env) (Value, error) {
	text, ok := plainText(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a text")
	}
	text = strings.TrimSpace(text)
	if c.table != nil && text != "" {
		return c.table.Read(side, text, env)
	}
	return Text(text), nil
}

func (c lookupConverter) normalize(text string) (Value, error) { return c.Read(DingTalk, text, Env{}) }

func (c lookupConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	switch {
	case side == Odoo && env.Lookups == nil:
		return nil, fmt.Errorf("no %s can be looked up here", c.lookup.Model)
	case side == Odoo:
		id, err := env.Lookups.Find(c.lookup, v.Text)
		if err != nil {
			return nil, err
		}
		return id, nil
	case c.table != nil:
		return c.table.Write(side, v, current, env)
	}
	return v.Text, nil
}

// readName is the key under which a record of the side has the field: the text of a lookup lies behind the many2one.
func (f *Field) readName(side Side) string {
	if side == Odoo && f.Lookup != nil && f.OdooName != "" {
		return f.OdooName + "." + f.Lookup.By
	}
	return f.Name(side)
}

// raw is what a record of the side holds of the field; false when it is not known.
func (f *Field) raw(side Side, rec Record) (any, bool) {
	name := f.readName(side)
	raw, ok := rec[name]
	if plain, has := rec[f.Name(side)]; !ok && has && plain == nil { // nothing lies behind an empty many2one
		return nil, true
	}
	return raw, ok
}
