package bridge

import (
	"context"
	"slices"
	"strconv"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// byAttribute is a field of a mapping by which its links can be found.
type byAttribute struct{ mapping, attribute string }

// LinkBy implements mapping.Refs: by an attribute that the referred mapping keeps of its objects, or by the user or partner whom an employee
// is in Odoo.
func (r *refs) LinkBy(mappingName string, side mapping.Side, attribute, value string) (string, bool) {
	if side == mapping.Odoo {
		return r.linkOfPerson(mappingName, attribute, value)
	}
	at := byAttribute{mappingName, attribute}
	links, read := r.by[at]
	if !read {
		links = map[string]string{}
		if err := r.store.View(r.ctx, func(tx Tx) error {
			for l, err := range tx.Links(mappingName) {
				if err != nil {
					return err
				}
				if v := l.Bases[mapping.DingTalk][attribute].Value; v.IsKnown() && refersTo(l.State) {
					links[v.Text] = l.Ref()
					r.links[l.Ref()] = l
				}
			}
			return nil
		}); err != nil {
			r.fail(err)
			return "", false
		}
		r.by[at] = links
	}
	link := links[value]
	return link, link != ""
}

// learnAttributes keeps what was read for LinkBy current.
func (r *refs) learnAttributes(l *Link) {
	for at, links := range r.by {
		if v := l.Bases[mapping.DingTalk][at.attribute].Value; at.mapping == l.Mapping && v.IsKnown() && refersTo(l.State) {
			links[v.Text] = l.Ref()
		}
	}
}

// awaitAttribute is the pseudo record that is woken when a link with this attribute is made.
func awaitAttribute(mappingName, attribute, value string) Await {
	return Await{Mapping: mappingName, ID: ID(attribute + " " + value)}
}

// awaitBy is what somebody waits for whom LinkBy does not find: the link of the employee, or one with the attribute. Nobody waits for a user
// who is no employee.
func (r *refs) awaitBy(mappingName string, side mapping.Side, attribute, value string) []Await {
	if side == mapping.DingTalk {
		return []Await{awaitAttribute(mappingName, attribute, value)}
	}
	var out []Await
	for _, employee := range r.employees(attribute, value) {
		out = append(out, Await{Mapping: mappingName, Side: mapping.Odoo, ID: odooID(employee)})
	}
	return out
}

// peopleAt is what a batch knows of the users or partners whom employees are.
type peopleAt struct {
	employees map[int64][]int64 // by the id at the path's end
	ends      map[ID]string     // by employee; "" for none
}

func (r *refs) peopleAt(path string) *peopleAt {
	p := r.people[path]
	if p == nil {
		p = &peopleAt{employees: map[int64][]int64{}, ends: map[ID]string{}}
		r.people[path] = p
	}
	return p
}

// linkOfPerson is the link of the employee whom the path leads to this user or partner: of several, the first that is linked.
func (r *refs) linkOfPerson(mappingName, path, id string) (string, bool) {
	for _, employee := range r.employees(path, id) {
		if link, ok := r.LinkOf(mappingName, mapping.Odoo, strconv.FormatInt(employee, 10)); ok {
			return link, true
		}
	}
	return "", false
}

// employees are those whom the path leads to the id.
func (r *refs) employees(path, id string) []int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	p := r.peopleAt(path)
	if _, known := p.employees[n]; !known {
		if err := r.readEmployees(path, []int64{n}); err != nil {
			r.fail(err)
			return nil
		}
	}
	return p.employees[n]
}

// readEmployees asks Odoo who the users or partners are.
func (r *refs) readEmployees(path string, ids []int64) error {
	found, err := r.odoo.employeesAt(r.ctx, path, ids)
	if err != nil {
		return err
	}
	p := r.peopleAt(path)
	for _, id := range ids {
		p.employees[id] = found[id]
	}
	return nil
}

// leadsTo is where the path leads from an employee.
func (r *refs) leadsTo(path string, employee ID) (string, bool) {
	p := r.peopleAt(path)
	if _, known := p.ends[employee]; !known {
		if err := r.readEnds(path, []ID{employee}); err != nil {
			r.fail(err)
			return "", false
		}
	}
	return p.ends[employee], p.ends[employee] != ""
}

func (r *refs) readEnds(path string, employees []ID) error {
	ids, err := parseIDs(employees)
	if err != nil {
		return err
	}
	found, err := r.odoo.readRecords(r.ctx, "hr.employee", ids, []string{path})
	if err != nil {
		return err
	}
	p := r.peopleAt(path)
	for _, n := range ids {
		p.ends[odooID(n)] = ""
		if end := recordID(found[n][path]); end > 0 {
			p.ends[odooID(n)] = strconv.FormatInt(end, 10)
		}
	}
	return nil
}

// prefetchPeople reads at once who the users and partners are that records name on Odoo's side, or the people whom they name in DingTalk.
func (r *refs) prefetchPeople(m *mapping.Mapping, s mapping.Side, records []mapping.Record) error {
	for _, f := range m.Fields {
		if f.Person == "" || f.Name(s) == "" {
			continue
		}
		var err error
		if s == mapping.Odoo {
			err = r.prefetchEmployees(f, records)
		} else {
			err = r.prefetchEnds(f, records)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *refs) prefetchEmployees(f *mapping.Field, records []mapping.Record) error {
	p := r.peopleAt(f.Person)
	var ask []int64
	for _, rec := range records {
		for _, id := range refIDs(rec[f.OdooName]) {
			n, err := strconv.ParseInt(id, 10, 64)
			if _, known := p.employees[n]; err == nil && !known && !slices.Contains(ask, n) {
				ask = append(ask, n)
			}
		}
	}
	if len(ask) == 0 {
		return nil
	}
	if err := r.readEmployees(f.Person, ask); err != nil {
		return err
	}
	var employees []ID
	for _, n := range ask {
		for _, employee := range p.employees[n] {
			employees = append(employees, odooID(employee))
			p.ends[odooID(employee)] = strconv.FormatInt(n, 10)
		}
	}
	return r.ask(f.Ref, mapping.Odoo, employees)
}

func (r *refs) prefetchEnds(f *mapping.Field, records []mapping.Record) error {
	p := r.peopleAt(f.Person)
	var ask []ID
	for _, rec := range records {
		for _, id := range refIDs(rec[f.DingName]) {
			link, ok := r.byID[Await{Mapping: f.Ref, Side: mapping.DingTalk, ID: ID(id)}]
			l := r.links[link]
			if !ok || l == nil || l.Odoo == "" {
				continue
			}
			if _, known := p.ends[l.Odoo]; !known && !slices.Contains(ask, l.Odoo) {
				ask = append(ask, l.Odoo)
			}
		}
	}
	if len(ask) == 0 {
		return nil
	}
	return r.readEnds(f.Person, ask)
}

// employeesAt are the active employees whom the path leads to each of the ids: a user, or a partner behind a user.
func (s *odooSide) employeesAt(ctx context.Context, path string, ids []int64) (map[int64][]int64, error) {
	users := map[int64]int64{} // user → id at the path's end
	if path == "user_id.partner_id" {
		rows, err := s.client.SearchRead(ctx, "res.users", odoo.Domain{odoo.Cond("partner_id", "in", ids)}, []string{"partner_id"}, odoo.Options{Order: "id"})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if id, ok := row["id"].(int64); ok {
				users[id] = idOf(row["partner_id"])
			}
		}
	} else {
		for _, id := range ids {
			users[id] = id
		}
	}
	out := map[int64][]int64{}
	if len(users) == 0 {
		return out, nil
	}
	asked := make([]int64, 0, len(users))
	for id := range users {
		asked = append(asked, id)
	}
	slices.Sort(asked)
	rows, err := s.client.SearchRead(ctx, "hr.employee", odoo.Domain{odoo.Cond("user_id", "in", asked)}, []string{"user_id"}, odoo.Options{Order: "id"})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		end := users[idOf(row["user_id"])]
		if id, ok := row["id"].(int64); ok && end > 0 {
			out[end] = append(out[end], id)
		}
	}
	return out, nil
}
