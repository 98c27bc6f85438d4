package mapping

import (
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
)

// What an expression of a digest names: the records that are gathered for one person, how many they are, and the day.
const (
	digestRecords = "records"
	digestCount   = "count"
	digestDate    = "date"
)

// digestScope is what the expressions of a digest may name. Within a loop over the records, .name is the name of each.
func digestScope(model string, fields map[string]OdooField) *scope {
	s := newScope("digest of " + model)
	row := types.Map{"id": types.Int64}
	for name, f := range fields {
		row[name] = odooValueKind(f.Type).exprType()
	}
	s.add(digestCount, kindInt)
	s.add(digestDate, kindText)
	s.kinds[digestRecords] = kindAny
	s.types[digestRecords] = types.Array(row)
	s.says()
	delete(s.kinds, RecordURL)
	delete(s.types, RecordURL)
	return s
}

// column notes which field of the gathered records a loop names.
func (p *patcher) column(n *ast.MemberNode) {
	key, constant := n.Property.(*ast.StringNode)
	if _, row := n.Node.(*ast.PointerNode); row && constant && p.scope.kinds[digestCount] == kindInt {
		p.columns = append(p.columns, key.Value)
	}
}

// Columns are the fields of the gathered records that a digest names; sorted.
func (m *Mapping) columns() []string {
	seen := map[string]bool{}
	for _, f := range m.Fields {
		if f.Value != nil {
			for _, name := range f.Value.columns {
				seen[name] = true
			}
		}
	}
	return keysOf(seen)
}

// DigestRecord is the record of the expressions of a digest: what was gathered for one person at a time, in the zone.
func (m *Mapping) DigestRecord(rows []Record, at time.Time, zone *time.Location) Record {
	list := make([]any, len(rows))
	for i, rec := range rows {
		row := make(map[string]any, len(rec))
		for name, v := range rec {
			row[name] = v
			if formed, ok := m.Message.kinds[name].form(v); ok {
				row[name] = formed
			}
		}
		list[i] = row
	}
	return Record{digestRecords: list, digestCount: int64(len(rows)), digestDate: at.In(zone).Format(time.DateOnly)}
}
