package bridge

import (
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// odooModel is what is particular about reading a model of Odoo.
type odooModel struct {
	context odoo.Context                  // of every read
	fields  []string                      // read beside those of a mapping
	judge   func(*mapping.Mapping, *Seen) // says what a row means, beside its values
}

const meetingModel = "calendar.event"

var odooModels = map[string]odooModel{
	// A search gives each meeting of a series an id of its own, a text such as 4-20261221020000, unless it is told not to (addons/calendar:
	// _search). The bridge only knows the series.
	meetingModel: {context: odoo.Context{"virtual_id": false}, fields: []string{"privacy", "recurrent_id", "recurrent_id_date"}, judge: judgeMeeting},
}

// judgeMeeting: Odoo shows a private meeting to others with its times only, as if all else were empty, archived too, and not even as
// private (addons/calendar: read). A meeting of a series that was moved by itself is a record of its own, which names the series; one that
// was cancelled by itself likewise, archived.
func judgeMeeting(m *mapping.Mapping, seen *Seen) {
	rec := seen.Record
	switch {
	case rec["create_date"] == nil && rec["privacy"] == nil:
		*seen = Seen{ID: seen.ID, Existence: Unseen, Why: "private: Odoo shows the bridge's user no more than that somebody is busy"}
	case m.Kind == calendarKind && idOfInteger(rec["recurrent_id"]) != "":
		seen.Single = &single{series: ID(idOfInteger(rec["recurrent_id"])), origin: textOf(rec["recurrent_id_date"])}
	}
}

// idOfInteger is the id that an integer field names; "" for none.
func idOfInteger(v any) string {
	if n, ok := v.(int64); ok && n > 0 {
		return textOf(n)
	}
	return ""
}

// readsOf is the context of a read of the model: archived records too, and no records that do not exist.
func readsOf(model string) odoo.Context {
	cx := odoo.Context{"active_test": false}
	for k, v := range odooModels[model].context {
		cx[k] = v
	}
	return cx
}

func readContext(m *mapping.Mapping) odoo.Context {
	cx := odoo.Context{}
	for k, v := range m.Context {
		cx[k] = v
	}
	for k, v := range readsOf(m.Model) {
		cx[k] = v
	}
	return cx
}
