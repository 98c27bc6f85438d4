package dingtalk_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// crew is a stand-in with three people and a client; unionids hold what must be escaped in a path.
func crew(t *testing.T) (*dingtalktest.Server, *dingtalk.Client) {
	t.Helper()
	s, c := standIn(t)
	for _, id := range []string{"ann", "bob", "cho"} {
		if s.AddUser(dingtalktest.User{UserID: id, Name: id, UnionID: union(id)}) == "" {
			t.Fatal(id)
		}
	}
	return s, c
}

func union(id string) string { return "x/" + id + "+?=" }

// all collects what a list yields.
func all[T any](t *testing.T, list iter.Seq2[T, error], show func(T) string) (out []string) {
	t.Helper()
	for v, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, show(v))
	}
	return out
}

// sameCounts: both sides agree on what the calls of a test cost.
func sameCounts(t *testing.T, s *dingtalktest.Server, c *dingtalk.Client) {
	t.Helper()
	counted := int64(0)
	for _, call := range c.TakeCalls() {
		if call.Counted {
			counted += call.N
		}
		if strings.Contains(call.Path, "x/") {
			t.Errorf("an id in the statistics: %s", call.Path)
		}
	}
	if counted == 0 || counted != int64(s.CountedCalls()) {
		t.Errorf("the client counted %d calls, the stand-in %d", counted, s.CountedCalls())
	}
}

func newTodo(source string) dingtalk.Object {
	return dingtalk.Object{
		"sourceId": source, "subject": "s " + source, "creatorId": union("ann"), "executorIds": []string{union("bob"), union("cho")},
		"detailUrl": map[string]any{"appUrl": "https://erp.example.com/m", "pcUrl": "https://erp.example.com/web#id=42"},
	}
}

func TestStandInTodos(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	s.Set(func(k *dingtalktest.Knobs) { k.TodoPage = 2 })
	s.AddTodo(dingtalktest.Todo{Subject: "by hand", Creator: "bob", Executors: []string{"bob"}})
	for i := range 5 {
		must(c.Todos.Create(ctx, newTodo(fmt.Sprint("s", i))))(t)
	}
	id := must(c.Todos.Create(ctx, newTodo("last")))(t).Text("taskId")
	show := func(o dingtalk.Object) string { return fmt.Sprint(o["sourceId"], " ", o["done"]) }
	if got := all(t, c.Todos.List(ctx, union("bob"), dingtalk.TodoQuery{}), show); strings.Join(got, ",") != "s0 false,s1 false,s2 false,s3 false,s4 false,last false" {
		t.Errorf("what people made is not shown: %q", got)
	}
	if err := c.Todos.Update(ctx, union("ann"), dingtalk.Object{"taskId": id, "subject": "other", "dueTime": 1_900_000_000_000}); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishTodo("bob", id); err != nil {
		t.Fatal(err)
	}
	find := func(person string) dingtalk.Object {
		t.Helper()
		return must(c.Todos.Find(ctx, union(person), func(o dingtalk.Object) bool { return o["sourceId"] == "last" }))(t)
	}
	if bob, cho := find("bob"), find("cho"); bob["done"] != true || cho["done"] != false || bob["subject"] != "other" || bob["dueTime"] != int64(1_900_000_000_000) ||
		bob["creatorId"] != union("ann") || bob["taskId"] != id {
		t.Errorf("%v %v", bob, cho)
	}
	if err := c.Todos.SetDone(ctx, union("ann"), id, true, union("cho")); err != nil {
		t.Fatal(err)
	}
	if todo, _ := s.Todo(id); !todo.Done {
		t.Errorf("%+v", todo)
	}
	if err := c.Todos.Delete(ctx, union("ann"), id); err != nil {
		t.Fatal(err)
	}
	if err := c.Todos.Delete(ctx, union("ann"), id); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	sameCounts(t, s, c)
}

// TestStandInTodoIsMadeOnce: after an answer that was lost, and one that never came, the same sourceId finds what was made.
func TestStandInTodoIsMadeOnce(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	var e *dingtalk.Error
	for i, how := range []dingtalktest.Failure{dingtalktest.DropAfter, dingtalktest.DropBefore, dingtalktest.Status(502)} {
		source := fmt.Sprint("s", i)
		s.Fail(dingtalktest.AnyWrite, 1, how)
		if _, err := c.Todos.Create(ctx, newTodo(source)); !errors.As(err, &e) || e.Class != dingtalk.Retry || !e.Ambiguous {
			t.Errorf("%d: %v", i, err)
		}
		_, err := c.Todos.Create(ctx, newTodo(source))
		if exists := dingtalk.IsExists(err); exists != (i == 0) || !exists && err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	s.Set(func(k *dingtalktest.Knobs) { k.TaskExistsNamesIt = true })
	if _, err := c.Todos.Create(ctx, newTodo("s0")); !errors.As(err, &e) || e.Holder != s.Todos()[0].ID || e.Field != "sourceId" {
		t.Errorf("%v", err)
	}
	if n := len(s.Todos()); n != 3 {
		t.Errorf("%d to-dos", n)
	}
}

func newMeeting(summary string) dingtalk.Object {
	start := time.Date(2026, 8, 24, 2, 0, 0, 0, time.UTC)
	return dingtalk.Object{
		"organizer": union("ann"), "summary": summary, "start": start.UnixMilli(), "end": start.Add(time.Hour).UnixMilli(), "timeZone": "Europe/Paris",
		"attendees": []string{union("bob"), union("cho")}, "optionalAttendees": []string{union("cho")}, "location": "A1", "description": "d",
		"reminders": []any{5, 60}, "onlineMeeting": true,
	}
}

func TestStandInCalendar(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	none := dingtalk.CalendarOptions{}
	rule := dingtalk.Recurrence{Type: "weekly", Interval: 1, DaysOfWeek: []string{"monday", "wednesday"}, Count: 5}
	event := newMeeting("m")
	event["recurrence"] = rule.Object()
	id := must(c.Calendars.Create(ctx, event, dingtalk.CalendarOptions{Token: "t"}))(t).Text("id")
	for _, knobs := range []func(*dingtalktest.Knobs){
		func(*dingtalktest.Knobs) {}, func(k *dingtalktest.Knobs) { k.CalendarTimesUTC, k.OrganizerUnlisted = true, true },
	} {
		s.Set(knobs)
		got := must(c.Calendars.Get(ctx, union("bob"), id))(t)
		for name, want := range event {
			switch name {
			case "attendees", "optionalAttendees":
				if !slices.Equal(got.IDs(name), event.IDs(name)) {
					t.Errorf("%s: %v", name, got[name])
				}
			case "reminders", "recurrence":
				if fmt.Sprint(got[name]) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", name, got[name], want)
				}
			default:
				if got[name] != want {
					t.Errorf("%s: %v, want %v", name, got[name], want)
				}
			}
		}
	}
	from := time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)
	days := all(t, c.Calendars.View(ctx, union("bob"), from, from.AddDate(2, 0, 0)), func(o dingtalk.Object) string {
		at, _ := o.Int("start")
		return time.UnixMilli(at).UTC().Format("01-02 15:04 ") + fmt.Sprint(o["seriesMasterId"] == id)
	})
	if strings.Join(days, ",") != "08-24 02:00 true,08-26 02:00 true,08-31 02:00 true,09-02 02:00 true,09-07 02:00 true" {
		t.Errorf("%q", days)
	}
	if err := c.Calendars.Update(ctx, dingtalk.Object{
		"id": id, "organizer": union("ann"), "isAllDay": true, "startDate": "2026-08-24", "endDate": "2026-08-26", "attendees": []string{union("cho")},
	}, none, "location"); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.CalendarEvent(id); !e.AllDay || e.EndDate != "2026-08-26" || len(e.Attendees) != 1 || !e.Attendees[0].Optional || e.Location != "" || e.Description != "d" {
		t.Errorf("%+v", e)
	}
	if err := c.Calendars.Update(ctx, dingtalk.Object{"id": id, "organizer": union("ann"), "endDate": "2026-08-25"}, none); err != nil {
		t.Fatal(err)
	}
	if e, _ := s.CalendarEvent(id); e.StartDate != "2026-08-24" || e.EndDate != "2026-08-25" {
		t.Errorf("%+v", e)
	}
	if err := c.Calendars.Respond(ctx, union("cho"), id, dingtalk.Accepted); err != nil {
		t.Fatal(err)
	}
	if got := must(c.Calendars.Get(ctx, union("ann"), id))(t); fmt.Sprint(got["responses"]) != fmt.Sprint(map[string]any{union("cho"): "accepted"}) {
		t.Errorf("%v", got["responses"])
	}
	// An update answers in the names of those who attend; that one of them is refused does not stop the others.
	said := map[string]any{union("ann"): "declined", union("bob"): "accepted", union("cho"): "tentative"}
	var refused *dingtalk.Error
	if err := c.Calendars.Update(ctx, dingtalk.Object{"id": id, "organizer": union("ann"), "responses": said}, none); !errors.As(err, &refused) || refused.Field != "responses" {
		t.Errorf("%v", err)
	}
	if e, _ := s.CalendarEvent(id); len(e.Attendees) != 1 || e.Attendees[0].Response != "tentative" {
		t.Errorf("%+v", e)
	}
	if err := c.Calendars.Update(ctx, dingtalk.Object{"id": id, "organizer": union("cho"), "summary": "x"}, none); err == nil || dingtalk.IsNotFound(err) {
		t.Errorf("an attendee changes it: %v", err)
	}
	if err := c.Calendars.Delete(ctx, union("cho"), id, none); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Calendars.Get(ctx, union("cho"), id); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	if err := c.Calendars.Delete(ctx, union("ann"), id, dingtalk.CalendarOptions{NoPush: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Calendars.Delete(ctx, union("ann"), id, none); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	sameCounts(t, s, c)
}

func TestStandInCalendarChanges(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	s.Set(func(k *dingtalktest.Knobs) { k.EventsPerDay = 1000 })
	for i := range 250 {
		s.AddEvent(dingtalktest.CalendarEvent{Organizer: "bob", Summary: fmt.Sprint(i), AllDay: true, StartDate: "2026-08-24", EndDate: "2026-08-25"})
	}
	var seen []string
	sync := func(since string) dingtalk.CalendarSync {
		t.Helper()
		seen = nil
		return must(c.Calendars.Changes(ctx, union("bob"), since, time.Time{}, func(o dingtalk.Object) error {
			seen = append(seen, o.Text("summary")+" "+o.Text("status"))
			return nil
		}))(t)
	}
	at := sync("")
	if !at.Full || len(seen) != 250 {
		t.Errorf("%+v, %d events", at, len(seen))
	}
	events := s.CalendarEvents()
	must(c.Calendars.Create(ctx, newMeeting("new"), dingtalk.CalendarOptions{}))(t)
	if err := errors.Join(s.DeleteEvent("bob", events[3].ID), s.EditEvent(events[5].ID, func(e *dingtalktest.CalendarEvent) { e.Summary = "changed" })); err != nil {
		t.Fatal(err)
	}
	next := sync(at.Token)
	if next.Full || strings.Join(seen, ",") != "3 cancelled,changed confirmed,new confirmed" {
		t.Errorf("%+v %q", next, seen)
	}
	if at = sync(next.Token); at.Full || seen != nil {
		t.Errorf("%+v %q", at, seen)
	}
	s.ExpireSyncTokens()
	if at = sync(at.Token); !at.Full || len(seen) != 251 {
		t.Errorf("an expired token: %+v, %d events", at, len(seen))
	}
}

// TestStandInEventIsMadeOnce: the same token gives the same event, however often and whatever became of the answers.
func TestStandInEventIsMadeOnce(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	s.Set(func(k *dingtalktest.Knobs) { k.EventsPerDay = 2 })
	var e *dingtalk.Error
	s.Fail(dingtalktest.AnyWrite, 1, dingtalktest.DropAfter)
	if _, err := c.Calendars.Create(ctx, newMeeting("m"), dingtalk.CalendarOptions{Token: "t"}); !errors.As(err, &e) || !e.Ambiguous {
		t.Errorf("%v", err)
	}
	for range 2 {
		if made := must(c.Calendars.Create(ctx, newMeeting("m"), dingtalk.CalendarOptions{Token: "t"}))(t); made["id"] != s.CalendarEvents()[0].ID {
			t.Errorf("%v", made)
		}
	}
	must(c.Calendars.Create(ctx, newMeeting("n"), dingtalk.CalendarOptions{Token: "u"}))(t)
	if _, err := c.Calendars.Create(ctx, newMeeting("o"), dingtalk.CalendarOptions{Token: "v"}); !errors.As(err, &e) || e.Code != "flowLimit" || e.Class != dingtalk.Retry || e.After <= 0 {
		t.Errorf("the third of the day: %v", err)
	}
	if n := len(s.CalendarEvents()); n != 2 || len(s.Duplicates()) != 0 {
		t.Errorf("%d events, duplicates %v", n, s.Duplicates())
	}
}

func TestStandInOldGroups(t *testing.T) {
	s, _ := crew(t)
	c := client(t, dingtalk.Config{OAPI: s.URL(), API: s.URL(), AppKey: s.AppKey(), AppSecret: s.AppSecret(), QPS: -1, OldGroups: true})
	made := must(c.Groups.Create(t.Context(), dingtalk.Object{"name": "g", "owner": "ann", "useridlist": []string{"bob"}, "searchable": 1}))(t)
	if err := c.Groups.Update(t.Context(), dingtalk.Object{"chatid": made.ChatID, "useridlist": []string{"cho"}, "searchable": 0}); err != nil {
		t.Fatal(err)
	}
	if g := must(c.Groups.Get(t.Context(), made.ChatID))(t); !slices.Equal(g.IDs("useridlist"), []string{"ann", "cho"}) || g["searchable"] != int64(0) {
		t.Errorf("%v", g)
	}
	if err := c.Groups.Update(t.Context(), dingtalk.Object{"chatid": "none", "name": "x"}); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	if s.Calls("/v1.0/im/group/create")+s.Calls("/v1.0/im/group/update") != 0 || s.Calls("/chat/update") != 4 {
		t.Errorf("%d calls", s.Calls("/chat/update"))
	}
}

func TestStandInGroups(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	var people []string
	for i := range 90 {
		people = append(people, s.AddUser(dingtalktest.User{Name: fmt.Sprint("n", i)}))
	}
	made := must(c.Groups.Create(ctx, dingtalk.Object{"name": "项目", "owner": "ann", "useridlist": people, "mentionAllAuthority": 1}))(t)
	g := must(c.Groups.Get(ctx, made.ChatID))(t)
	if g["name"] != "项目" || g["owner"] != "ann" || len(g.IDs("useridlist")) != 91 || g["openConversationId"] != made.OpenConversationID || g["mentionAllAuthority"] != int64(1) {
		t.Errorf("%v", g)
	}
	if err := c.Groups.Update(ctx, dingtalk.Object{"chatid": made.ChatID, "name": "新", "owner": "bob", "useridlist": []string{"cho"}}); err != nil {
		t.Fatal(err)
	}
	if now, _ := s.Group(made.ChatID); now.Name != "新" || now.Owner != "bob" || !slices.Equal(now.Members, []string{"cho", "bob"}) {
		t.Errorf("%+v", now)
	}
	if err := errors.Join(c.Groups.SetAdmins(ctx, made.ChatID, true, "cho"), s.RenameGroup("cho", made.ChatID, "人改的"), s.AddMember("bob", made.ChatID, "ann"), s.Disband("bob", made.ChatID)); err != nil {
		t.Fatal(err)
	}
	if g = must(c.Groups.Get(ctx, made.ChatID))(t); g["status"] != int64(dingtalk.GroupDisbanded) || g["name"] != "人改的" {
		t.Errorf("%v", g)
	}
	if _, err := c.Groups.Get(ctx, "none"); !dingtalk.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	scene := must(c.SceneGroups.Create(ctx, dingtalk.SceneGroup{Title: "客户群", TemplateID: "tpl", Owner: "ann", Members: people, UUID: "u"}))(t)
	if again := must(c.SceneGroups.Create(ctx, dingtalk.SceneGroup{Title: "客户群", TemplateID: "tpl", Owner: "ann", Members: people, UUID: "u"}))(t); again != scene {
		t.Errorf("%+v %+v", again, scene)
	}
	s.Set(func(k *dingtalktest.Knobs) { k.SceneMembersPage = 7 })
	if got := all(t, c.SceneGroups.Members(ctx, scene.OpenConversationID), func(id string) string { return id }); len(got) != 91 {
		t.Errorf("%d members", len(got))
	}
	if err := errors.Join(
		c.SceneGroups.Update(ctx, scene.OpenConversationID, dingtalk.SceneChange{Title: "x", Options: dingtalk.Object{"only_admin_can_ding": 1}}),
		c.SceneGroups.RemoveMembers(ctx, scene.OpenConversationID, people...), c.SceneGroups.Disband(ctx, scene.OpenConversationID),
	); err != nil {
		t.Error(err)
	}
	if now, _ := s.Group(scene.ChatID); !now.Disbanded || now.Name != "x" || now.Options["only_admin_can_ding"] != 1 || len(now.Members) != 1 {
		t.Errorf("%+v", now)
	}
	sameCounts(t, s, c)
}

// TestStandInEventsName: what the stand-in pushes is understood: which to-do, event or group, and who is concerned.
func TestStandInEventsName(t *testing.T) {
	s, c := crew(t)
	ctx := t.Context()
	todo := must(c.Todos.Create(ctx, newTodo("s1")))(t).Text("taskId")
	event := must(c.Calendars.Create(ctx, newMeeting("m"), dingtalk.CalendarOptions{}))(t).Text("id")
	group := must(c.Groups.Create(ctx, dingtalk.Object{"name": "g", "owner": "ann", "useridlist": []string{"bob"}}))(t)
	if err := errors.Join(s.FinishTodo("bob", todo), s.RespondEvent("cho", event, "tentative"), s.AddMember("bob", group.ChatID, "cho"), s.ChangeOwner("ann", group.ChatID, "bob")); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]dingtalk.Kind{"todo": dingtalk.TodoKind, "calendar": dingtalk.CalendarEventKind, "chat": dingtalk.GroupKind}
	named := map[string]int{}
	for _, e := range s.Events() {
		family, _, _ := strings.Cut(e.Type, "_")
		kind, ours := kinds[family]
		if !ours {
			continue
		}
		if !slices.Contains(kind.Events, e.Type) {
			t.Errorf("%s is not an event of %s", e.Type, kind.Name)
		}
		named[e.Type]++
		got := dingtalk.Event{Type: e.Type, Data: e.Data}
		ids := slices.Concat(got.TodoIDs(), got.CalendarEventIDs(), got.OpenConversationIDs())
		if !slices.Equal(ids, []string{map[string]string{"todo": todo, "calendar": event, "chat": group.OpenConversationID}[family]}) {
			t.Errorf("%s names %q", e.Type, ids)
		}
		people := map[string][]string{
			"todo": {union("ann"), union("bob"), union("cho")}, "calendar": {union("ann"), union("bob"), union("cho")}, "chat": {union("cho")},
		}[family]
		if e.Type != "chat_update_owner" && !slices.Equal(got.UnionIDs(), people) {
			t.Errorf("%s concerns %q", e.Type, got.UnionIDs())
		}
	}
	if fmt.Sprint(named) != "map[calendar_event_change:2 chat_add_member:1 chat_update_owner:1 todo_task_create:1 todo_task_update:1]" {
		t.Errorf("%v", named)
	}
}
