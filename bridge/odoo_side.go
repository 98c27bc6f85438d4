package bridge

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// odooSide reads and writes Odoo records for the engine.
type odooSide struct {
	client   *odoo.Client
	pageSize int
}

// externalModule is the module name of the external ids the bridge creates.
const externalModule = "dingbridge"

// Look implements side. A record is gone only when Odoo's own exists(), which no record rule narrows, leaves it out while it
// answers for another record of the model (odoo/models.py: exists).
func (s *odooSide) Look(ctx context.Context, m *mapping.Mapping, ids []ID) (map[ID]Seen, error) {
	nums, err := parseIDs(ids)
	if err != nil {
		return nil, err
	}
	out := make(map[ID]Seen, len(ids))
	if len(nums) == 0 {
		return out, nil
	}
	rows, err := s.read(ctx, m, odoo.Domain{odoo.Cond("id", "in", nums)})
	if err != nil {
		return nil, err
	}
	inDomain, err := s.inDomain(ctx, m, nums)
	if err != nil {
		return nil, err
	}
	for _, seen := range rows {
		if seen.Existence == Present && inDomain != nil && !inDomain[seen.ID] {
			seen.Existence = Outside
		}
		out[seen.ID] = seen
	}
	return out, s.absent(ctx, m, nums, out)
}

// read fetches the mapping's fields of the records in the domain, archived ones included.
func (s *odooSide) read(ctx context.Context, m *mapping.Mapping, d odoo.Domain) ([]Seen, error) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		return nil, err
	}
	rows, err := s.client.SearchRead(ctx, m.Model, d, s.fieldNames(m, fields), odoo.Options{Order: "id", Context: readContext(m)})
	if err != nil {
		return nil, err
	}
	out := make([]Seen, 0, len(rows))
	for _, row := range rows {
		seen, err := seenOdoo(fields, row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Model, err)
		}
		out = append(out, seen)
	}
	return out, nil
}

// inDomain returns which of the ids are in the mapping's domain; nil when the mapping has none.
func (s *odooSide) inDomain(ctx context.Context, m *mapping.Mapping, nums []int64) (map[ID]bool, error) {
	if len(m.Domain) == 0 {
		return nil, nil
	}
	d := odoo.And(odoo.Domain(m.Domain), odoo.Domain{odoo.Cond("id", "in", nums)})
	found, err := s.client.Search(ctx, m.Model, d, odoo.Options{Context: readContext(m)})
	if err != nil {
		return nil, err
	}
	in := make(map[ID]bool, len(found))
	for _, id := range found {
		in[odooID(id)] = true
	}
	return in, nil
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
		case control != 0 && here[control]:
			out[id] = Seen{ID: id, Existence: Gone, Why: "deleted in odoo"}
		default:
			out[id] = Seen{ID: id, Existence: Unseen, Why: "not answered, and no other record answers either"}
		}
	}
	return nil
}

// List implements side: everything in the mapping's domain, archived records included, by id.
func (s *odooSide) List(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	for rows, err := range s.client.Pages(ctx, m.Model, odoo.Domain(m.Domain), s.fieldNames(m, fields), s.pageSize, readContext(m)) {
		if err != nil {
			return l, err
		}
		seen := make([]Seen, 0, len(rows))
		for _, row := range rows {
			one, err := seenOdoo(fields, row)
			if err != nil {
				return l, fmt.Errorf("%s: %w", m.Model, err)
			}
			seen = append(seen, one)
		}
		l.Count += len(seen)
		if err := page(seen); err != nil {
			return l, err
		}
	}
	l.Complete = true
	return l, nil
}

// Find implements side: an external id that exists names the record that was created.
func (s *odooSide) Find(ctx context.Context, m *mapping.Mapping, creations []*creation) error {
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

// Create implements side through load with an external id: it creates if absent, and a repeat leaves a person's later edits
// alone (noupdate). Rows are grouped by the columns they fill, because load takes one header.
func (s *odooSide) Create(ctx context.Context, m *mapping.Mapping, creations []*creation) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		failAll(creations, err)
		return
	}
	groups := map[string][]*creation{}
	for _, c := range creations {
		groups[strings.Join(columnsOf(c, fields), "\x00")] = append(groups[strings.Join(columnsOf(c, fields), "\x00")], c)
	}
	keys := make([]string, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		s.load(ctx, m, fields, groups[k])
	}
}

// load sends one call; a row Odoo refuses by number is taken out with Odoo's words, a refusal without a number is halved.
func (s *odooSide) load(ctx context.Context, m *mapping.Mapping, fields map[string]odoo.Field, group []*creation) {
	if len(group) == 0 {
		return
	}
	cx := odoo.Context{}
	for k, v := range m.Context {
		cx[k] = v
	}
	cx["tz"], cx["mode"], cx["noupdate"] = "UTC", "update", true
	columns := columnsOf(group[0], fields)
	rows := make([][]any, len(group))
	for i, c := range group {
		row := []any{externalModule + "." + externalName(c.key)}
		for _, name := range columns[1:] {
			bare := strings.TrimSuffix(name, "/.id")
			row = append(row, loadCell(c.values[bare]))
		}
		rows[i] = row
	}
	res, err := s.client.Load(ctx, m.Model, columns, rows, cx)
	if err != nil {
		s.loadFailed(ctx, m, fields, group, err)
		return
	}
	if len(res.IDs) == len(group) {
		for i, c := range group {
			c.id = odooID(res.IDs[i])
		}
		return
	}
	refused := map[int]odoo.LoadMessage{}
	for _, msg := range res.Messages {
		if msg.Record >= 0 && msg.Record < len(group) && msg.Type != "warning" {
			if _, told := refused[msg.Record]; !told {
				refused[msg.Record] = msg
			}
		}
	}
	if len(refused) == 0 {
		words := "load created nothing and gave no reason"
		if len(res.Messages) > 0 {
			words = res.Messages[0].Message
		}
		s.loadFailed(ctx, m, fields, group, reject("", words))
		return
	}
	var rest []*creation
	for i, c := range group {
		if msg, bad := refused[i]; bad {
			c.err = reject(msg.Field, msg.Message)
		} else {
			rest = append(rest, c)
		}
	}
	s.load(ctx, m, fields, rest)
}

// loadFailed gives the error to one row, or halves the call when the error may be one row's fault.
func (s *odooSide) loadFailed(ctx context.Context, m *mapping.Mapping, fields map[string]odoo.Field, group []*creation, err error) {
	if len(group) == 1 || classify(err).Class != FailReject {
		failAll(group, err)
		return
	}
	s.load(ctx, m, fields, group[:len(group)/2])
	s.load(ctx, m, fields, group[len(group)/2:])
}

// Write implements side. Each record is one call under Odoo's optimistic lock; the client bounds how many run at once.
func (s *odooSide) Write(ctx context.Context, m *mapping.Mapping, writes []*write) {
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		for _, w := range writes {
			w.err = err
		}
		return
	}
	var wg sync.WaitGroup
	for _, w := range writes {
		wg.Go(func() { w.err = s.writeOne(ctx, m, fields, w) })
	}
	wg.Wait()
}

func (s *odooSide) writeOne(ctx context.Context, m *mapping.Mapping, fields map[string]odoo.Field, w *write) error {
	id, err := strconv.ParseInt(string(w.id), 10, 64)
	if err != nil {
		return reject("", "not an odoo id: "+string(w.id))
	}
	cx := odoo.Context{}
	if w.seen.Written != "" {
		cx = odoo.LockContext(m.Model, id, w.seen.Written)
	}
	for k, v := range m.Context {
		cx[k] = v
	}
	if w.op == OpDelete {
		return unreadableIsDone(s.client.Unlink(ctx, m.Model, []int64{id}, cx))
	}
	vals := odoo.Values{}
	for name, raw := range w.values {
		vals[name] = writeValue(fields[name], raw)
	}
	switch w.op {
	case OpArchive:
		vals["active"] = false
	case OpUnarchive:
		vals["active"] = true
	}
	// Setting user_id overwrites name and work_email with the user's (addons/hr): it goes first, the others after it.
	if user, has := vals["user_id"]; has && m.Model == "hr.employee" && len(vals) > 1 {
		delete(vals, "user_id")
		if err := unreadableIsDone(s.client.Write(ctx, m.Model, []int64{id}, odoo.Values{"user_id": user}, cx)); err != nil {
			return err
		}
		delete(cx, "__last_update")
	}
	if _, has := vals["manager_id"]; has && m.Model == "hr.department" {
		return s.writeManager(ctx, id, vals, cx)
	}
	return unreadableIsDone(s.client.Write(ctx, m.Model, []int64{id}, vals, cx))
}

// writeManager sets a department's manager without the cascade that rewrites parent_id of its people (addons/hr:
// _update_employee_manager): what they had is read before and put back after, where it changed.
func (s *odooSide) writeManager(ctx context.Context, department int64, vals odoo.Values, cx odoo.Context) error {
	people := odoo.Domain{odoo.Cond("department_id", "=", department)}
	opts := odoo.Options{Context: odoo.Context{"active_test": false}}
	before, err := s.client.SearchRead(ctx, "hr.employee", people, []string{"parent_id"}, opts)
	if err != nil {
		return err
	}
	if err := unreadableIsDone(s.client.Write(ctx, "hr.department", []int64{department}, vals, cx)); err != nil {
		return err
	}
	after, err := s.client.SearchRead(ctx, "hr.employee", people, []string{"parent_id"}, opts)
	if err != nil {
		return err
	}
	had := make(map[any]any, len(before))
	for _, row := range before {
		had[row["id"]] = parentID(row["parent_id"])
	}
	restore := map[any][]int64{} // old parent → people
	for _, row := range after {
		old, known := had[row["id"]]
		if n, ok := row["id"].(int64); ok && known && old != parentID(row["parent_id"]) {
			restore[old] = append(restore[old], n)
		}
	}
	for parent, ids := range restore {
		if err := unreadableIsDone(s.client.Write(ctx, "hr.employee", ids, odoo.Values{"parent_id": parent}, nil)); err != nil {
			return fmt.Errorf("putting back the managers of %d people after the department's manager was set: %w", len(ids), err)
		}
	}
	return nil
}

// parentID is the id of a many2one pair on the wire, or false.
func parentID(wire any) any {
	if pair, ok := wire.([]any); ok && len(pair) > 0 {
		return pair[0]
	}
	return false
}

// fieldNames are the fields to read: the mapping's, and those the engine itself looks at.
func (s *odooSide) fieldNames(m *mapping.Mapping, fields map[string]odoo.Field) []string {
	names := append([]string{}, m.OdooFields()...)
	for _, own := range []string{"active", "create_date", "write_date"} {
		if _, has := fields[own]; has && !contains(names, own) {
			names = append(names, own)
		}
	}
	return names
}

// seenOdoo decodes one row by the types of its fields.
func seenOdoo(fields map[string]odoo.Field, row odoo.Record) (Seen, error) {
	id, ok := row["id"].(int64)
	if !ok {
		return Seen{}, fmt.Errorf("a row without an id: %v", row["id"])
	}
	rec := make(mapping.Record, len(row))
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

// writeValue is the wire form of one raw value: Odoo clears with false, a many2one is a bare id.
func writeValue(f odoo.Field, raw any) any {
	switch v := raw.(type) {
	case nil:
		return false
	case string:
		if f.Type == "many2one" {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n
			}
		}
	case []int64:
		return []any{odoo.Set(v...)}
	}
	return raw
}

// loadCell is a value as load takes it: everything is text there.
func loadCell(raw any) any {
	switch v := raw.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "1"
		}
		return "0"
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// columnsOf is load's header for one creation: the external id, then its fields; a many2one by database id.
func columnsOf(c *creation, fields map[string]odoo.Field) []string {
	names := make([]string, 0, len(c.values)+1)
	for name := range c.values {
		if fields[name].Type == "many2one" {
			name += "/.id"
		}
		names = append(names, name)
	}
	sort.Strings(names)
	return append([]string{"id"}, names...)
}

// externalName makes a creation key fit for ir.model.data: what is not a letter, digit, - or _ becomes _ and its hex code.
func externalName(key string) string {
	var b strings.Builder
	for _, r := range key {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "_%x_", r)
		}
	}
	return b.String()
}

func readContext(m *mapping.Mapping) odoo.Context {
	cx := odoo.Context{}
	for k, v := range m.Context {
		cx[k] = v
	}
	cx["active_test"] = false
	return cx
}

// unreadableIsDone: a result Odoo cannot marshal means that the call ran and was committed; the read-back verifies it.
func unreadableIsDone(err error) error {
	if odoo.IsUnreadable(err) {
		return nil
	}
	return err
}

func failAll(creations []*creation, err error) {
	for _, c := range creations {
		if c.err == nil && c.id == "" {
			c.err = err
		}
	}
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
