package mapping

import (
	"time"

	"go.yaml.in/yaml/v4"
)

// odooExample compiles the record of Odoo in an example; nil when it is not given.
func (b *builder) odooExample(n *yaml.Node) Record {
	if n != nil && n.Kind == yaml.MappingNode && b.m.Message.Digest() {
		return b.digestExample(n)
	}
	return b.record(n, Odoo)
}

// digestExample compiles the record of a digest in an example: records, which are of the model, and the date on which they are told. What a
// record does not give of the fields that the digest names is empty.
func (b *builder) digestExample(n *yaml.Node) Record {
	var rows []Record
	var day time.Time
	b.file.pairs(n, func(key, value *yaml.Node) {
		switch key.Value {
		case digestRecords:
			rows = b.digestRows(value)
		case digestDate:
			var err error
			if day, err = time.ParseInLocation(time.DateOnly, value.Value, china); err != nil {
				b.wrongType(value, "a date such as 2026-12-01")
			}
		default:
			b.errorf(at(key), "the record of a digest has %s and %s, not %q", digestRecords, digestDate, key.Value)
		}
	})
	return b.m.DigestRecord(rows, day, china)
}

func (b *builder) digestRows(n *yaml.Node) []Record {
	if n.Kind != yaml.SequenceNode {
		b.wrongType(n, "a list of records")
		return nil
	}
	var rows []Record
	for _, item := range n.Content {
		item, ok := b.resolve(item)
		if !ok {
			return rows
		}
		row := b.record(item, Odoo)
		for _, name := range b.m.columns() {
			if _, given := row[name]; !given && row != nil {
				row[name] = nil
			}
		}
		rows = append(rows, row)
	}
	return rows
}
