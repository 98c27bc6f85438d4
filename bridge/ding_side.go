package bridge

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// dingSide reads and writes DingTalk objects for the engine.
type dingSide struct {
	client   *dingtalk.Client
	parallel int
	now      func() time.Time
	evidence *evidence
	made     *recently // what we made: DingTalk may not show it yet
	granted  *granted

	webhooks map[string]dingtalk.Webhook // of groups' own robots, by the names that mappings use
	noticed  struct {
		mu sync.Mutex
		at []noticed // of the last minute
	}
	store     Store // of the links of what stands in people's lists and calendars, and of what was said to the robot
	todos     todos
	calendars calendars
	unionids  sync.Map // by userid
	templates templates
	names     sync.Map // of people the mappings do not know, by userid
}

func newDingSide(c *dingtalk.Client, parallel int, now func() time.Time, stale time.Duration) *dingSide {
	return &dingSide{client: c, parallel: parallel, now: now, evidence: newEvidence(now, stale), made: newRecently(stale), granted: newGranted()}
}

// rootDepartment is the id of the whole company; it is no record of a mapping (获取部门列表).
const rootDepartment = "1"

// object reads one object of a kind.
func (s *dingSide) object(ctx context.Context, kind string, id ID) (dingtalk.Object, error) {
	switch kind {
	case "user":
		return s.client.Users.Get(ctx, string(id))
	case "department":
		n, err := strconv.ParseInt(string(id), 10, 64)
		if err != nil {
			return nil, reject("", "not a department id: "+string(id))
		}
		return s.client.Departments.Get(ctx, n)
	case "approval_template":
		return s.templateObject(ctx, id)
	case "group":
		return s.client.Groups.Get(ctx, string(id))
	default:
		return nil, reject("", "kind "+kind+" cannot be read yet")
	}
}

// Look implements side. Not found alone is no evidence of removal: a leave or remove event, a leave record, or a complete
// listing that lacks the object must say so too. Out of scope (50002, 50004) is unknown.
func (s *dingSide) Look(ctx context.Context, m *mapping.Mapping, ids []ID, had map[ID]dingtalk.Object) (map[ID]Seen, error) {
	kind, _ := dingtalk.KindByName(m.Kind)
	switch {
	case m.Approval != nil:
		return s.lookInstances(ctx, ids)
	case kind.List == dingtalk.ListOwn:
		return s.lookTodos(ctx, m, ids)
	case kind.Payload:
		return s.lookKept(ctx, kind, ids)
	case m.Kind == calendarKind:
		return s.lookEvents(ctx, m, ids, had)
	case !kind.Read:
		return unread(ids), nil
	}
	answers, err := lookEach(ctx, s.parallel, ids, func(ctx context.Context, id ID) (answer, error) {
		if o, read := had[id]; read {
			return answer{object: o}, nil
		}
		o, err := s.object(ctx, m.Kind, id)
		if f := classify(err); f != nil && f.Class == FailHalt && !dingtalk.IsOutOfScope(err) {
			return answer{}, err
		}
		return answer{o, err}, nil
	})
	if err != nil {
		return nil, err
	}
	objects := make([]dingtalk.Object, 0, len(ids))
	for _, id := range ids {
		if o := answers[id].object; o != nil {
			objects = append(objects, o)
		}
	}
	granted, err := s.granted.prove(ctx, s, kind, objects)
	if err != nil {
		return nil, err
	}
	out := make(map[ID]Seen, len(ids))
	for _, id := range ids {
		object := answers[id].object
		if why := answers[id].err; why != nil {
			out[id] = s.notFound(ctx, m, id, why)
			continue
		}
		if why := goneBy(m.Kind, object); why != "" {
			out[id] = Seen{ID: id, Existence: Gone, Why: why}
			continue
		}
		s.evidence.saw(m.Kind, id)
		seen := Seen{ID: id, Existence: Present, Record: recordOf(kind, object, granted, false)}
		in, err := s.inScope(ctx, m, object)
		if err != nil {
			return nil, err
		}
		if !in {
			seen = Seen{ID: id, Existence: Unseen, Why: "outside the departments of the mapping"}
		}
		if until, gone := s.evidence.freshUntil(m.Kind, id); gone {
			seen = Seen{ID: id, Existence: Unseen, Why: "removed a moment ago; dingtalk may still show it", Until: until}
		}
		out[id] = seen
	}
	return out, nil
}

// inScope says whether an object stands below one of the departments the mapping is limited to.
func (s *dingSide) inScope(ctx context.Context, m *mapping.Mapping, o dingtalk.Object) (bool, error) {
	if len(m.Departments) == 0 || slices.Contains(m.Departments, 1) {
		return true, nil
	}
	departments := o.IDs("dept_id_list")
	if m.Kind == "department" {
		departments = []string{o.Text("dept_id")}
	}
	for _, d := range departments {
		n, err := strconv.ParseInt(d, 10, 64)
		if err != nil {
			continue
		}
		chain, err := s.client.Departments.Parents(ctx, n)
		if err != nil {
			if dingtalk.IsNotFound(err) || dingtalk.IsOutOfScope(err) {
				continue
			}
			return false, err
		}
		if slices.ContainsFunc(append(chain, n), func(id int64) bool { return slices.Contains(m.Departments, id) }) {
			return true, nil
		}
	}
	return false, nil
}

// notFound weighs the evidence for an object that does not answer.
func (s *dingSide) notFound(ctx context.Context, m *mapping.Mapping, id ID, err error) Seen {
	if dingtalk.IsOutOfScope(err) {
		return Seen{ID: id, Existence: Unseen, Why: "outside the app's contact scope"}
	}
	if !dingtalk.IsNotFound(err) {
		return Seen{ID: id, Existence: Unseen, Fail: classify(err)}
	}
	if why := s.evidence.of(m.Kind, id); why != "" {
		return Seen{ID: id, Existence: Gone, Why: why}
	}
	if m.Kind == "user" {
		left, lerr := s.evidence.leavers(ctx, s)
		if f := classify(lerr); f != nil && f.Scope == dingtalk.ScopeCounted {
			return Seen{ID: id, Existence: Unseen, Fail: f} // the quota comes back: then it can be told
		}
		if lerr != nil {
			return Seen{ID: id, Existence: Unseen, Why: "not found; the leave records cannot be read: " + classify(lerr).Words}
		}
		if at, has := left[id]; has && s.evidence.leftAfter(id, at) {
			return Seen{ID: id, Existence: Gone, Why: "left on " + at.UTC().Format(time.RFC3339) + " (leave record)"}
		}
	}
	why := "not found, but nothing says that it was removed"
	if m.Kind == "group" {
		why += "; dingtalk shows only groups that an app made"
	}
	seen := Seen{ID: id, Existence: Unseen, NotFound: true, Why: why}
	if until, young := s.made.ends(RecordKey(m.Kind, mapping.DingTalk, id), s.now()); young {
		seen.Why, seen.Until = "made a moment ago; dingtalk may not show it yet", until
	}
	return seen
}

// List implements side by walking the departments the app may see; a person in several departments comes once.
func (s *dingSide) List(ctx context.Context, m *mapping.Mapping, page func([]Seen) error) (Listing, error) {
	if kind, _ := dingtalk.KindByName(m.Kind); kind.List == dingtalk.ListNone {
		return Listing{Why: "dingtalk has no list of " + m.Kind}, nil
	}
	switch m.Kind {
	case todoKind:
		return s.listTodos(ctx, m, page)
	case "approval_template":
		return s.listTemplates(ctx, page)
	case calendarKind:
		return s.listEvents(ctx, m, page)
	}
	scopes, unknown, err := s.scopes(ctx)
	if err != nil {
		return Listing{}, err
	}
	l := Listing{Scope: fmt.Sprint(scopes.Departments, len(scopes.Users), m.Departments), Why: unknown}
	roots := scopes.Departments
	if len(m.Departments) > 0 {
		roots = m.Departments
	}
	var departments []dingtalk.Object
	for d, err := range s.client.Departments.Walk(ctx, roots) {
		if err != nil {
			return l, err
		}
		departments = append(departments, d)
	}
	switch m.Kind {
	case "department":
		err = s.listDepartments(ctx, roots, departments, &l, page)
	case "user":
		err = s.listUsers(ctx, roots, scopes, m, departments, &l, page)
	default:
		err = reject("", "kind "+m.Kind+" cannot be listed yet")
	}
	l.Complete = err == nil && l.Why == ""
	return l, err
}

// scopes asks what the app may see. Where DingTalk does not say it, the whole corporation is walked, and absence from that list is
// evidence of nothing.
func (s *dingSide) scopes(ctx context.Context) (scopes dingtalk.Scopes, unknown string, err error) {
	scopes, err = s.client.Contacts.Scopes(ctx)
	f := classify(err)
	if f == nil || f.Class == FailRetry || stopsAll(f.Scope) {
		return scopes, "", err
	}
	return dingtalk.Scopes{Departments: []int64{1}}, "the app's contact scope cannot be read: " + f.Words, nil
}

func (s *dingSide) listDepartments(ctx context.Context, roots []int64, departments []dingtalk.Object, l *Listing, page func([]Seen) error) error {
	kind := dingtalk.DepartmentKind
	seen := make([]Seen, 0, len(departments))
	add := func(o dingtalk.Object, fromList bool) {
		id := ID(o.Text(kind.IDField))
		if id != rootDepartment {
			seen = append(seen, Seen{ID: id, Existence: Present, Record: recordOf(kind, o, nil, fromList)})
		}
	}
	for _, root := range roots {
		if root <= 1 {
			continue
		}
		o, err := s.client.Departments.Get(ctx, root)
		if err != nil {
			return err
		}
		add(o, false)
	}
	listed := map[ID]bool{}
	for _, sn := range seen {
		listed[sn.ID] = true
	}
	for _, d := range departments {
		if !listed[ID(d.Text(kind.IDField))] {
			add(d, true)
		}
	}
	l.Count = len(seen)
	return page(seen)
}

// listUsers reads the direct members of every department, several departments at a time.
func (s *dingSide) listUsers(ctx context.Context, roots []int64, scopes dingtalk.Scopes, m *mapping.Mapping, departments []dingtalk.Object, l *Listing, page func([]Seen) error) error {
	ids := slices.Clone(roots)
	for _, d := range departments {
		if n, ok := d.Int("dept_id"); ok && !slices.Contains(roots, n) {
			ids = append(ids, n)
		}
	}
	var mu sync.Mutex
	known := map[ID]bool{}
	granted := map[string]bool{} // proved by this very listing
	emit := func(objects []dingtalk.Object) error {
		mu.Lock()
		defer mu.Unlock()
		for p := range s.granted.proved(dingtalk.UserKind, objects) {
			granted[p] = true
		}
		seen := make([]Seen, 0, len(objects))
		for _, o := range objects {
			id := ID(o.Text("userid"))
			if id == "" || known[id] {
				continue
			}
			known[id] = true
			seen = append(seen, Seen{ID: id, Existence: Present, Record: recordOf(dingtalk.UserKind, o, granted, true)})
		}
		l.Count += len(seen)
		return page(seen)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(s.parallel, 8))
	for _, id := range ids {
		g.Go(func() error {
			var rows []dingtalk.Object
			for o, err := range s.client.Users.List(gctx, id) {
				if err != nil {
					return err
				}
				rows = append(rows, o)
				if len(rows) == 500 {
					if err := emit(rows); err != nil {
						return err
					}
					rows = rows[:0]
				}
			}
			return emit(rows)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if len(m.Departments) > 0 {
		return nil
	}
	return s.listSingleUsers(ctx, scopes.Users, known, emit)
}

// listSingleUsers reads the people the app may see one by one, beside the departments of its scope.
func (s *dingSide) listSingleUsers(ctx context.Context, users []string, known map[ID]bool, emit func([]dingtalk.Object) error) error {
	for _, u := range users {
		if known[ID(u)] {
			continue
		}
		o, err := s.client.Users.Get(ctx, u)
		if err != nil {
			if dingtalk.IsNotFound(err) {
				continue
			}
			return err
		}
		if err := emit([]dingtalk.Object{o}); err != nil {
			return err
		}
	}
	return nil
}

// recordOf normalises an object: nil is empty, an absent key is unknown. What absence means is in the kind's field table.
func recordOf(kind dingtalk.Kind, o dingtalk.Object, granted map[string]bool, fromList bool) mapping.Record {
	rec := make(mapping.Record, len(o)+8)
	for name, v := range o {
		rec[name] = v
	}
	for _, f := range kind.Fields {
		if _, has := o[f.Name]; has {
			continue
		}
		reads := f.Get
		if fromList {
			reads = f.List
		}
		if !reads {
			continue
		}
		if f.Absent == dingtalk.Empty || (f.Permission != "" && granted[f.Permission]) {
			rec[f.Name] = nil
		}
	}
	return rec
}
