package bridge

import (
	"context"
	"slices"
	"time"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// polledRows are the rows of Odoo that a poll reads to see which records of a model were written.
type polledRows struct {
	model string // of the rows
	about string // the field that names the record; "": the rows are the records
	of    string // the model of the records
}

// attendeeModel has who is invited to a meeting. An answer to the invitation moves its row and not the meeting's.
const attendeeModel = "calendar.attendee"

// rowsOf is what is read of the model: its records, and the rows beside them that the mappings read too.
func (e *Engine) rowsOf(model string) []polledRows {
	out := []polledRows{{model: model, of: model}}
	answers := func(f *mapping.Field) bool { return f.Answers() && f.Writes(mapping.DingTalk) }
	if slices.ContainsFunc(e.polledBy(model), func(m *mapping.Mapping) bool { return slices.ContainsFunc(m.Fields, answers) }) {
		out = append(out, polledRows{model: attendeeModel, about: "event_id", of: model})
	}
	return out
}

// writtenSince reads the records whose rows were written since the time, with when the last of their rows was.
func (e *Engine) writtenSince(ctx context.Context, r polledRows, floor time.Time) (map[int64]string, error) {
	rows := map[int64]string{}
	domain := odoo.Domain{odoo.Cond("write_date", ">=", floor.Format(odooTime))}
	fields := []string{"write_date"}
	if r.about != "" {
		fields = append(fields, r.about)
	}
	for page, err := range odoo.PagesAs(ctx, e.odoo.client, r.model, domain, fields, e.PageSize, readsOf(r.model), r.stampOf) {
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			if row.id > 0 && row.written != "" {
				rows[row.id] = max(rows[row.id], row.written)
			}
		}
		if len(page) < e.PageSize {
			break // what a record deleted in this moment keeps from showing, the overlap of the next poll shows
		}
	}
	return rows, nil
}

// stamped is what a poll keeps of a row.
type stamped struct {
	id      int64
	written string
}

func (r polledRows) stampOf(row odoo.Record) (s stamped, _ error) {
	s.id, _ = row["id"].(int64)
	if r.about != "" {
		s.id = idOf(row[r.about])
	}
	s.written, _ = row["write_date"].(string)
	return s, nil
}
