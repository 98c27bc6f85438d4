package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// Create implements side through load with an external id: it creates if absent, and a repeat leaves a person's later edits
// alone (noupdate). Rows are grouped by the columns they fill, because load takes one header.
func (s *odooSide) Create(ctx context.Context, m *mapping.Mapping, creations []*creation) {
	if m.Model == messageModel {
		s.postAll(ctx, creations)
		return
	}
	fields, err := s.client.FieldsGet(ctx, m.Model)
	if err != nil {
		failAll(creations, err)
		return
	}
	groups := map[string][]*creation{}
	for _, c := range creations {
		columns, err := s.columnsOf(ctx, c, fields)
		if err != nil {
			c.err = err
			continue
		}
		key := strings.Join(columns, "\x00")
		groups[key] = append(groups[key], c)
	}
	keys := make([]string, 0, len(groups))
	for k := range groups {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		s.load(ctx, m, strings.Split(k, "\x00"), groups[k])
	}
}

// load sends one call; a row Odoo refuses by number is taken out with Odoo's words, a refusal without a number is halved.
func (s *odooSide) load(ctx context.Context, m *mapping.Mapping, columns []string, group []*creation) {
	if len(group) == 0 {
		return
	}
	cx := odoo.Context{}
	for k, v := range m.Context {
		cx[k] = v
	}
	cx["tz"], cx["mode"], cx["noupdate"] = "UTC", "update", true
	cx["active_test"] = false // a reference to an archived record is looked up with it (odoo/addons/base/models/ir_fields.py)
	rows := make([][]any, 0, len(group))
	for _, c := range group {
		rows = append(rows, loadRows(c, columns)...)
	}
	res, err := s.client.Load(ctx, m.Model, columns, rows, cx)
	if err != nil {
		s.loadFailed(ctx, m, columns, group, err)
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
		s.loadFailed(ctx, m, columns, group, reject("", words))
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
	s.load(ctx, m, columns, rest)
}

// loadFailed gives the error to one row, or halves the call when the error may be one row's fault.
func (s *odooSide) loadFailed(ctx context.Context, m *mapping.Mapping, columns []string, group []*creation, err error) {
	if len(group) == 1 || classify(err).Class != FailReject {
		failAll(group, err)
		return
	}
	s.load(ctx, m, columns, group[:len(group)/2])
	s.load(ctx, m, columns, group[len(group)/2:])
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
	restore, err := s.guardManagers(ctx, m, writes)
	if err != nil {
		for _, w := range writes {
			w.err = err
		}
		return
	}
	var wg sync.WaitGroup
	for _, w := range writes {
		wg.Go(func() { w.err = perDocument(m, s.writeOne(ctx, m, fields, w)) })
	}
	wg.Wait()
	restore()
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
	switch {
	case w.op == OpFinish && m.Model == taskModel:
		return s.finishTask(ctx, id, cx)
	case w.op == OpFinish:
		return s.finishActivity(ctx, id, w, cx)
	}
	if w.op == OpNote {
		return s.note(ctx, m.Model, id, w.mark, w.text)
	}
	vals := odoo.Values{}
	decided := "" // the field that methods change
	for name, raw := range w.values {
		if m.Approval.Transition(name) != nil {
			decided = name
			continue
		}
		vals[name] = writeValue(fields[name], raw)
		if want, several := raw.([]int64); several && fields[name].Type == "many2many" {
			if had, read := w.seen.Record[name].([]int64); read {
				vals[name] = difference(had, want)
			}
		}
	}
	if decided != "" {
		if len(vals) > 0 {
			if err := unreadableIsDone(s.client.Write(ctx, m.Model, []int64{id}, vals, cx)); err != nil {
				return err
			}
			cx = nil
		}
		return s.transit(ctx, m, id, m.Approval.Transition(decided), textOf(w.values[decided]), w, cx)
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
	return unreadableIsDone(s.client.Write(ctx, m.Model, []int64{id}, vals, cx))
}

// guardManagers undoes what setting a department's manager does beside: it makes the new manager the parent_id of the department's people
// (addons/hr: _update_employee_manager). What they have is read before the writes; restore puts it back after them, where it has become
// the new manager, and gives its failure to the department's write.
func (s *odooSide) guardManagers(ctx context.Context, m *mapping.Mapping, writes []*write) (restore func(), err error) {
	setting := map[int64]*write{} // by department
	if m.Model == "hr.department" {
		for _, w := range writes {
			id, err := strconv.ParseInt(string(w.id), 10, 64)
			if _, has := w.values["manager_id"]; has && err == nil {
				setting[id] = w
			}
		}
	}
	if len(setting) == 0 {
		return func() {}, nil
	}
	before, err := s.managersIn(ctx, slices.Sorted(maps.Keys(setting)))
	if err != nil {
		return nil, err
	}
	return func() {
		done := slices.DeleteFunc(slices.Sorted(maps.Keys(setting)), func(id int64) bool { return setting[id].err != nil })
		after, err := s.managersIn(ctx, done)
		if err == nil {
			err = s.putBack(ctx, setting, before, after)
		}
		if err != nil {
			for _, id := range done {
				setting[id].err = err
			}
		}
	}, nil
}

// managed is a person's department and parent_id; 0 is none.
type managed struct{ department, parent int64 }

// managersIn reads the people of the departments, by id.
func (s *odooSide) managersIn(ctx context.Context, departments []int64) (map[int64]managed, error) {
	rows, err := s.client.SearchRead(ctx, "hr.employee", odoo.Domain{odoo.Cond("department_id", "in", departments)},
		[]string{"department_id", "parent_id"}, odoo.Options{Context: odoo.Context{"active_test": false}})
	if err != nil {
		return nil, err
	}
	out := make(map[int64]managed, len(rows))
	for _, row := range rows {
		if id, ok := row["id"].(int64); ok {
			out[id] = managed{idOf(row["department_id"]), idOf(row["parent_id"])}
		}
	}
	return out, nil
}

// putBack gives people the manager back whom a department's new manager has displaced.
func (s *odooSide) putBack(ctx context.Context, setting map[int64]*write, before, after map[int64]managed) error {
	lost := map[int64][]int64{} // old parent → people
	for _, id := range slices.Sorted(maps.Keys(after)) {
		was, known := before[id]
		w := setting[after[id].department]
		if !known || w == nil || w.err != nil || was.parent == after[id].parent {
			continue
		}
		if set, _ := strconv.ParseInt(textOf(w.values["manager_id"]), 10, 64); set == after[id].parent { // "" is 0: nobody
			lost[was.parent] = append(lost[was.parent], id)
		}
	}
	for parent, ids := range lost {
		value := any(parent)
		if parent == 0 {
			value = false
		}
		if err := unreadableIsDone(s.client.Write(ctx, "hr.employee", ids, odoo.Values{"parent_id": value}, nil)); err != nil {
			return fmt.Errorf("putting back the managers of %d people after their department's manager was set: %w", len(ids), err)
		}
	}
	return nil
}

// idOf is the id of a many2one pair on the wire, 0 for none.
func idOf(wire any) int64 {
	if pair, ok := wire.([]any); ok && len(pair) > 0 {
		id, _ := pair[0].(int64)
		return id
	}
	return 0
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

// difference are the commands that make one list of records another: whoever came meanwhile stays.
func difference(had, want []int64) []any {
	commands := []any{}
	for _, id := range want {
		if !slices.Contains(had, id) {
			commands = append(commands, odoo.Link(id))
		}
	}
	for _, id := range had {
		if !slices.Contains(want, id) {
			commands = append(commands, odoo.Unlink(id))
		}
	}
	return commands
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
	case []int64:
		ids := make([]string, len(v))
		for i, id := range v {
			ids[i] = strconv.FormatInt(id, 10)
		}
		return strings.Join(ids, ",")
	default:
		return fmt.Sprint(v)
	}
}

// columnsOf is load's header for one creation: the external id, then its fields; a many2one by database id, lines by their own fields.
func (s *odooSide) columnsOf(ctx context.Context, c *creation, fields map[string]odoo.Field) ([]string, error) {
	names := make([]string, 0, len(c.values)+1)
	lines := linesOf(c.values)
	for name := range c.values {
		if some, are := lines[name]; are {
			columns, err := s.lineColumns(ctx, name, fields[name], some)
			if err != nil {
				return nil, err
			}
			names = append(names, columns...)
			continue
		}
		names = append(names, byID(name, fields[name]))
	}
	sort.Strings(names)
	return append([]string{"id"}, names...), nil
}

// byID is load's column for a field; records are named by their database ids (odoo/addons/base/models/ir_fields.py).
func byID(name string, f odoo.Field) string {
	if f.Type == "many2one" || f.Type == "many2many" {
		return name + "/.id"
	}
	return name
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
