package bridge

import (
	"fmt"
	"net/url"
	"time"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// chatterModel holds what is said about records. Its rows come and stay: none enters a domain that it was not in from the beginning.
const chatterModel = "mail.message"

// domain is the mapping's domain as it is now. What the bridge's own user said is outside every mapping of the chatter that does not name who
// said it: it would be told of what it told.
func (s *odooSide) domain(m *mapping.Mapping) odoo.Domain { return s.domainAt(m, s.now()) }

// domainAt is the mapping's domain as it is at a time.
func (s *odooSide) domainAt(m *mapping.Mapping, at time.Time) odoo.Domain {
	d := odoo.Domain(m.DomainAt(at, s.zone))
	if m.Message == nil || m.Model != chatterModel || namesField(d, "create_uid") || namesField(d, "author_id") {
		return d
	}
	return odoo.And(d, odoo.Domain{odoo.Cond("create_uid", "!=", s.client.UID())})
}

func namesField(d odoo.Domain, name string) bool {
	for _, item := range d {
		if term, ok := item.([]any); ok && len(term) == 3 && term[0] == name {
			return true
		}
	}
	return false
}

// documents are the models whose records are about another one, by the fields that name its model and its id.
var documents = map[string][2]string{chatterModel: {"model", "res_id"}, "mail.activity": {"res_model", "res_id"}}

// fillURLs gives records that are told of, and those that become to-dos, the address under which people find them; a message of the chatter, and an activity, that of its document.
func (s *odooSide) fillURLs(m *mapping.Mapping, records []mapping.Record) {
	if m.Message == nil && m.Kind != todoKind {
		return
	}
	for _, rec := range records {
		model, id := m.Model, rec["id"]
		if about, other := documents[m.Model]; other {
			if document := textOf(rec[about[0]]); document != "" {
				model, id = document, rec[about[1]]
			}
		}
		rec[mapping.RecordURL] = fmt.Sprintf("%s/web#id=%v&model=%s&view_type=form", s.webURL, id, url.QueryEscape(model))
	}
}
