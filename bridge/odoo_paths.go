package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// heads are the fields to ask a model for: of a path its first one.
func heads(names []string) []string {
	var out []string
	for _, name := range names {
		head, _, _ := strings.Cut(name, ".")
		if !slices.Contains(out, head) {
			out = append(out, head)
		}
	}
	return out
}

// readRecords reads fields of records by id, archived ones too; a name may be a path over many2ones. A record that the user may not see
// is missing.
func (s *odooSide) readRecords(ctx context.Context, model string, ids []int64, names []string) (map[int64]mapping.Record, error) {
	out := make(map[int64]mapping.Record, len(ids))
	fields, err := s.client.FieldsGet(ctx, model)
	if err != nil || len(ids) == 0 {
		return out, err
	}
	for some := range slices.Chunk(ids, s.pageSize) {
		domain := odoo.Domain{odoo.Cond("id", "in", some)}
		rows, err := odoo.SearchReadAs(ctx, s.client, model, domain, heads(names), odoo.Options{Context: readsOf(model)},
			func(row odoo.Record) (Seen, error) { return seenOdoo(fields, row) })
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if n, ok := row.Record["id"].(int64); ok {
				out[n] = row.Record
			}
		}
	}
	records := make([]mapping.Record, 0, len(out))
	for _, rec := range out {
		records = append(records, rec)
	}
	return out, s.fillPaths(ctx, model, names, records)
}

// fillPaths adds to records, which have the heads, what their paths lead to: under the path itself. Each model on the way is read once for
// all of them. What the user may not see stays unknown.
func (s *odooSide) fillPaths(ctx context.Context, model string, names []string, records []mapping.Record) error {
	tails := map[string][]string{} // by head
	for _, name := range names {
		if head, tail, path := strings.Cut(name, "."); path && !slices.Contains(tails[head], tail) {
			tails[head] = append(tails[head], tail)
		}
	}
	if len(tails) == 0 || len(records) == 0 {
		return nil
	}
	fields, err := s.client.FieldsGet(ctx, model)
	if err != nil {
		return err
	}
	for head, rest := range tails {
		f, ok := fields[head]
		if !ok || f.Type != "many2one" {
			return reject("", fmt.Sprintf("%s of %s is no reference to one record", head, model))
		}
		var ids []int64
		for _, rec := range records {
			if n := recordID(rec[head]); n > 0 && !slices.Contains(ids, n) {
				ids = append(ids, n)
			}
		}
		found, err := s.readRecords(ctx, f.Relation, ids, rest)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", head, model, err)
		}
		for _, rec := range records {
			ref, read := rec[head]
			to, seen := found[recordID(ref)]
			for _, tail := range rest {
				switch {
				case !read:
				case ref == nil:
					rec[head+"."+tail] = nil
				case seen:
					if v, has := to[tail]; has {
						rec[head+"."+tail] = v
					}
				}
			}
		}
	}
	return nil
}

// recordID is the id of a many2one as a Record holds it; 0 for none.
func recordID(v any) int64 {
	if m, ok := v.(map[string]any); ok {
		n, _ := m["id"].(int64)
		return n
	}
	return 0
}

// follow returns the model that a path of many2ones leads to, and the records it leads to from these. At its end may be several.
func (s *odooSide) follow(ctx context.Context, model string, ids []int64, path string) (string, []int64, error) {
	found, err := s.readRecords(ctx, model, ids, []string{path})
	if err != nil {
		return "", nil, err
	}
	var to []int64
	for _, id := range ids {
		at := []int64{recordID(found[id][path])}
		if several, ok := found[id][path].([]int64); ok {
			at = several
		}
		for _, n := range at {
			if n > 0 && !slices.Contains(to, n) {
				to = append(to, n)
			}
		}
	}
	model, err = s.modelAt(ctx, model, path)
	return model, to, err
}

// modelAt is the model that a path leads to.
func (s *odooSide) modelAt(ctx context.Context, model, path string) (string, error) {
	for name := range strings.SplitSeq(path, ".") {
		fields, err := s.client.FieldsGet(ctx, model)
		if err != nil {
			return "", err
		}
		if fields[name].Relation == "" {
			return "", reject("", fmt.Sprintf("%s of %s refers to no record", name, model))
		}
		model = fields[name].Relation
	}
	return model, nil
}

// employeesOf are the employees behind records of people: users and partners by their user, departments by their manager. Active
// employees only: whom nobody employs any more decides nothing.
func (s *odooSide) employeesOf(ctx context.Context, model string, ids []int64) ([]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	switch model {
	case "hr.employee":
		return ids, nil
	case "hr.department":
		_, managers, err := s.follow(ctx, model, ids, "manager_id")
		return managers, err
	case "res.users":
		return s.employeesOfUsers(ctx, ids)
	case "res.partner":
		users, err := s.client.SearchRead(ctx, "res.users", odoo.Domain{odoo.Cond("partner_id", "in", ids)}, []string{"partner_id"}, odoo.Options{Order: "id"})
		if err != nil {
			return nil, err
		}
		by := map[int64]int64{}
		for _, row := range users {
			id, _ := row["id"].(int64)
			if partner := idOf(row["partner_id"]); by[partner] == 0 {
				by[partner] = id
			}
		}
		var of []int64
		for _, id := range ids {
			if by[id] > 0 {
				of = append(of, by[id])
			}
		}
		return s.employeesOfUsers(ctx, of)
	}
	return nil, reject("", "a "+model+" is nobody who can be asked")
}

// employeesOfUsers are the employees of users, in their order: of several that one user has, the first.
func (s *odooSide) employeesOfUsers(ctx context.Context, users []int64) ([]int64, error) {
	if len(users) == 0 {
		return nil, nil
	}
	rows, err := s.client.SearchRead(ctx, "hr.employee", odoo.Domain{odoo.Cond("user_id", "in", users)}, []string{"user_id"}, odoo.Options{Order: "id"})
	if err != nil {
		return nil, err
	}
	by := map[int64]int64{}
	for _, row := range rows {
		id, _ := row["id"].(int64)
		if user := idOf(row["user_id"]); by[user] == 0 {
			by[user] = id
		}
	}
	var out []int64
	for _, user := range users {
		if by[user] > 0 {
			out = append(out, by[user])
		}
	}
	return out, nil
}
