package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// odooSide reads and writes Odoo records for the engine.
type odooSide struct {
	client   *odoo.Client
	pageSize int
	now      func() time.Time
	zone     *time.Location
	webURL   string // of Odoo as people open it

	xmlMu sync.Mutex
	xml   map[string]int64 // records by their external ids; 0: there is none
}

// externalModule is the module name of the external ids the bridge creates.
const externalModule = "dingbridge"

// Look implements side. A record is gone only when Odoo's own exists(), which no record rule narrows, leaves it out while it
// answers for another record of the model (odoo/models.py: exists).
func (s *odooSide) Look(ctx context.Context, m *mapping.Mapping, ids []ID, _ map[ID]dingtalk.Object) (map[ID]Seen, error) {
	nums, err := parseIDs(ids)
	if err != nil {
		return nil, err
	}
	out := make(map[ID]Seen, len(ids))
	if len(nums) == 0 {
		return out, nil
	}
	// What a record is and that it is in the domain are read at once: a draft must not be told of because it was published a moment later.
	inside, err := s.read(ctx, m, odoo.And(s.domain(m), odoo.Domain{odoo.Cond("id", "in", nums)}))
	if err != nil {
		return nil, err
	}
	for _, seen := range inside {
		out[seen.ID] = seen
	}
	rest := slices.DeleteFunc(slices.Clone(nums), func(n int64) bool { _, found := out[odooID(n)]; return found })
	if len(s.domain(m)) > 0 && len(rest) > 0 {
		outside, err := s.read(ctx, m, odoo.Domain{odoo.Cond("id", "in", rest)})
		if err != nil {
			return nil, err
		}
		for _, seen := range outside {
			if seen.Existence == Present {
				seen.Existence = Outside
			}
			out[seen.ID] = seen
		}
	}
	return out, s.absent(ctx, m, nums, out)
}

// read fetches the mapping's fields of the records in the domain, archived ones included.
func (s *odooSide) read(ctx context.Context, m *mapping.Mapping, d odoo.Domain) ([]Seen, error) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		return nil, err
	}
	rows, err := odoo.SearchReadAs(ctx, s.client, m.Model, d, s.fieldNames(m, fields), odoo.Options{Order: "id", Context: readContext(m)}, seenBy(m, fields))
	if err != nil {
		return nil, err
	}
	return rows, s.complete(ctx, m, rows)
}

// complete adds what the mapping reads beyond the record itself: what paths lead to, and the lines of one2manys.
func (s *odooSide) complete(ctx context.Context, m *mapping.Mapping, rows []Seen) error {
	records := make([]mapping.Record, 0, len(rows))
	for _, seen := range rows {
		if seen.Record != nil {
			records = append(records, seen.Record)
		}
	}
	if err := s.fillPaths(ctx, m.Model, m.OdooFields(), records); err != nil {
		return err
	}
	s.fillURLs(m, records)
	return s.fillLines(ctx, m, records)
}

// News reads the records that others wrote since the time, by Odoo's clock: what the index does not know yet.
func (s *odooSide) News(ctx context.Context, m *mapping.Mapping, since time.Time) ([]Seen, error) {
	theirs := odoo.Domain{odoo.Cond("write_date", ">=", since.UTC().Format(odooTime)), odoo.Cond("write_uid", "!=", s.client.UID())}
	return s.read(ctx, m, odoo.And(s.domain(m), theirs))
}

// absent decides about the ids a read left out: deleted, or only hidden from the bridge's user.
func (s *odooSide) absent(ctx context.Context, m *mapping.Mapping, nums []int64, out map[ID]Seen) error {
	var missing []int64
	var control int64
	for _, n := range nums {
		if _, ok := out[odooID(n)]; ok {
			control = n
		} else {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if control == 0 {
		any, err := s.client.Search(ctx, m.Model, nil, odoo.Options{Limit: 1, Context: readContext(m)})
		if err != nil {
			return err
		}
		if len(any) > 0 {
			control = any[0]
		}
	}
	controlled := control != 0
	if !controlled && mayBeLast(m.Kind) {
		var err error
		if controlled, err = s.answers(ctx); err != nil {
			return err
		}
	}
	ask := missing
	if control != 0 {
		ask = append(append([]int64{}, missing...), control)
	}
	exist, err := s.client.Exists(ctx, m.Model, ask)
	if err != nil {
		return err
	}
	here := make(map[int64]bool, len(exist))
	for _, n := range exist {
		here[n] = true
	}
	for _, n := range missing {
		id := odooID(n)
		switch {
		case here[n]:
			out[id] = Seen{ID: id, Existence: Unseen, Why: "exists, but the bridge's user may not see it"}
		case controlled && (control == 0 || here[control]):
			out[id] = Seen{ID: id, Existence: Gone, Why: "deleted in odoo"}
		default:
			out[id] = Seen{ID: id, Existence: Unseen, Why: "not answered, and no other record answers either"}
		}
	}
	return nil
}

// mayBeLast says whether it is nothing unusual that the last record of such a model is deleted, as it would be of people and departments.
func mayBeLast(kind string) bool { return kind != "user" && kind != "department" && kind != "role" }

// answers says whether Odoo knows the bridge's own user: the evidence that its word about a model without any record can be believed.
func (s *odooSide) answers(ctx context.Context) (bool, error) {
	uid := s.client.UID()
	exist, err := s.client.Exists(ctx, "res.users", []int64{uid})
	return slices.Contains(exist, uid), err
}

// List implements side: everything in the mapping's domain, archived records included, by id.
func (s *odooSide) List(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error) {
	return s.list(ctx, m, s.domain(m), page)
}

// list hands over what is in a domain.
func (s *odooSide) list(ctx context.Context, m *mapping.Mapping, domain odoo.Domain, page func([]Seen) error) (Listing, error) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	for seen, err := range odoo.PagesAs(ctx, s.client, m.Model, domain, s.fieldNames(m, fields), s.pageSize, readContext(m), seenBy(m, fields)) {
		if err != nil {
			return l, err
		}
		l.Count += len(seen)
		if err := s.complete(ctx, m, seen); err != nil {
			return l, err
		}
		if err := page(seen); err != nil {
			return l, err
		}
	}
	l.Complete = true
	return l, nil
}

// Find implements side: an external id that exists names the record that was created.
func (s *odooSide) Find(ctx context.Context, m *mapping.Mapping, creations []*creation) error {
	if m.Model == messageModel {
		return s.findMessages(ctx, creations)
	}
	names := make([]string, len(creations))
	for i, c := range creations {
		names[i] = externalName(c.key)
	}
	rows, err := s.client.SearchRead(ctx, "ir.model.data",
		odoo.Domain{odoo.Cond("module", "=", externalModule), odoo.Cond("name", "in", names), odoo.Cond("model", "=", m.Model)},
		[]string{"name", "res_id"}, odoo.Options{})
	if err != nil {
		return err
	}
	at := make(map[string]int64, len(rows))
	for _, row := range rows {
		name, _ := row["name"].(string)
		id, _ := row["res_id"].(int64)
		at[name] = id
	}
	for i, c := range creations {
		if id := at[names[i]]; id > 0 {
			c.id, c.found = odooID(id), true
		}
	}
	return nil
}

// fieldNames are the fields to read: the mapping's, and those the engine itself looks at.
func (s *odooSide) fieldNames(m *mapping.Mapping, fields map[string]odoo.Field) []string {
	names := heads(m.OdooFields())
	if about, other := documents[m.Model]; other && m.Message != nil {
		names = append(names, about[:]...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	for _, own := range slices.Concat([]string{"active", "create_date", "write_date"}, odooModels[m.Model].fields, errandFields(m), receiverFields(m)) {
		if _, has := fields[own]; has && !contains(names, own) {
			names = append(names, own)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return m.Model == activityModel && name == coveredField })
}

// seenBy is seenOdoo for the rows of the mapping's model.
func seenBy(m *mapping.Mapping, fields map[string]odoo.Field) func(odoo.Record) (Seen, error) {
	return func(row odoo.Record) (Seen, error) {
		seen, err := seenOdoo(fields, row)
		if err != nil {
			return seen, fmt.Errorf("%s: %w", m.Model, err)
		}
		if judge := odooModels[m.Model].judge; judge != nil && seen.Record != nil {
			judge(m, &seen)
		}
		return seen, nil
	}
}

// seenOdoo decodes one row by the types of its fields, in place.
func seenOdoo(fields map[string]odoo.Field, row odoo.Record) (Seen, error) {
	id, ok := row["id"].(int64)
	if !ok {
		return Seen{}, fmt.Errorf("a row without an id: %v", row["id"])
	}
	rec := mapping.Record(row)
	for name, wire := range row {
		v, err := odoo.Decode(fields[name], wire)
		if err != nil {
			return Seen{ID: odooID(id), Existence: Unseen, Why: fmt.Sprintf("field %s cannot be read: %v", name, err)}, nil
		}
		if pair, is := v.(odoo.Many2One); is {
			v = map[string]any{"id": pair.ID, "name": pair.Name}
		}
		rec[name] = v
	}
	rec["id"] = id
	seen := Seen{ID: odooID(id), Existence: Present, Record: rec}
	if active, has := rec["active"].(bool); has && !active {
		seen.Existence = Archived
	}
	seen.Created, _ = rec["create_date"].(string)
	seen.Written, _ = rec["write_date"].(string)
	return seen, nil
}

func odooID(n int64) ID { return ID(strconv.FormatInt(n, 10)) }

func parseIDs(ids []ID) ([]int64, error) {
	out := make([]int64, 0, len(ids))
	var bad []error
	for _, id := range ids {
		n, err := strconv.ParseInt(string(id), 10, 64)
		if err != nil {
			bad = append(bad, fmt.Errorf("not an odoo id: %q", id))
			continue
		}
		out = append(out, n)
	}
	return out, errors.Join(bad...)
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
