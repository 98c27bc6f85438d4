package dingtalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// at fills the {…} of a path.
func at(path string, args ...string) string { return request{path: path, args: args}.address() }

func newTodo(more Object) Object {
	todo := Object{
		"sourceId": "s1", "subject": "审批 PO00042", "creatorId": "A+b/c=", "executorIds": []string{"B", "C"}, "dueTime": int64(1617675000000),
		"detailUrl": map[string]any{"pcUrl": "https://erp.example.com/web#id=42"}, "isOnlyShowExecutor": true, "priority": 20,
	}
	for name, v := range more {
		todo[name] = v
	}
	return todo
}

func TestTodoCreate(t *testing.T) {
	f := newFar(t)
	path := "/v1.0/todo/users/A+b/c=/tasks" // as it arrives, unescaped
	f.on(path, ok(`{"id":"task1","subject":"审批 PO00042","done":false,"createdTime":1617675000001,"creatorId":"A+b/c=","requestId":"r"}`))
	made, err := f.client().Todos.Create(bg(), newTodo(nil))
	if err != nil || made["taskId"] != "task1" || made["done"] != false || made["createdTime"] != int64(1617675000001) {
		t.Fatalf("%v %v", made, err)
	}
	c := f.last(path)
	if fmt.Sprint(c.body["executorIds"]) != "[B C]" || c.body["priority"] != float64(20) || c.query.Get("operatorId") != "A+b/c=" {
		t.Errorf("%s %v", c.raw, c.query)
	}
	for name, todo := range map[string]Object{
		"subject":     newTodo(Object{"subject": strings.Repeat("长", 1025)}),
		"description": newTodo(Object{"description": strings.Repeat("x", 4097)}),
		"detailUrl":   newTodo(Object{"detailUrl": map[string]any{"pcUrl": "https://x/" + strings.Repeat("长", 400)}}),
		"executorIds": newTodo(Object{"executorIds": make1001()}),
		"creatorId":   newTodo(Object{"creatorId": nil}),
		"done":        newTodo(Object{"done": true}),
	} {
		if e := failure(t, second(f.client().Todos.Create(bg(), todo))); e.Class != Reject || e.Field != name {
			t.Errorf("%s: %v", name, e)
		}
	}
	for _, links := range []any{"https://x", map[string]any{}, nil} {
		if e := failure(t, second(f.client().Todos.Create(bg(), newTodo(Object{"detailUrl": links})))); e.Field != "detailUrl" {
			t.Errorf("%v: %v", links, e)
		}
	}
	if n := len(f.called(path)); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func make1001() []string {
	ids := make([]string, 1001)
	for i := range ids {
		ids[i] = fmt.Sprint("u", i)
	}
	return ids
}

func TestTodoFailures(t *testing.T) {
	body := func(code, message string) string {
		return fmt.Sprintf(`{"code":%q,"message":%q,"requestid":"r"}`, code, message)
	}
	for _, c := range []struct {
		status        int
		code, message string
		want          Error
	}{
		{400, "todo.taskCreate.paramError", "task exist", Error{Class: Reject, Field: "sourceId"}},
		{400, "todo.taskCreate.paramError", "task existed, sourceId is s1, taskId is task7f", Error{Class: Reject, Field: "sourceId", Holder: "task7f"}},
		{400, "todo.taskCreate.paramError", "subject is oversize", Error{Class: Reject, Field: "subject"}},
		{400, "todo.taskCreate.paramError", "description is oversize", Error{Class: Reject, Field: "description"}},
		{400, "todo.taskCreate.paramError", "executors is oversize", Error{Class: Reject, Field: "executorIds"}},
		{400, "todo.taskCreate.paramError", "participants is oversize", Error{Class: Reject, Field: "participantIds"}},
		{400, "todo.taskCreate.paramError", "dueTime is invalid", Error{Class: Reject, Field: "dueTime"}},
		{400, "todo.taskUpdate.paramError", "task not exist", Error{Class: Missing}},
		{400, "todo.taskUpdate.paramError", "task not belong to bizTag", Error{Class: Reject}},
		{400, "todo.taskCreate.lockError", "lock", Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
		{400, "todo.taskCreate.flowControlError", "flow", Error{Class: Retry, After: time.Minute, nature: throttleAnswer}},
		{500, "todo.taskCreate.systemError", "system", Error{Class: Retry, After: 2 * time.Second, Ambiguous: true}},
	} {
		f := newFar(t)
		path := at(pathTodo, "A", "t1")
		f.on(path, status(c.status, body(c.code, c.message)))
		e := failure(t, f.client().Todos.Update(bg(), "A", Object{"taskId": "t1", "subject": "x"}))
		if e.Class != c.want.Class || e.Field != c.want.Field || e.Holder != c.want.Holder || e.After != c.want.After || e.Ambiguous != c.want.Ambiguous {
			t.Errorf("%s %s: %+v", c.code, c.message, e)
		}
		if IsThrottled(e) != c.want.throttled() {
			t.Errorf("%s: throttled %t", c.code, IsThrottled(e))
		}
		if e.API != pathTodo || strings.Contains(e.Error(), "t1") {
			t.Errorf("an error names the call, not whom it is about: %v", e)
		}
		if IsNotFound(e) != (c.want.Class == Missing) || IsExists(e) != (c.want.Field == "sourceId") {
			t.Errorf("%s %s: not found %t, exists %t", c.code, c.message, IsNotFound(e), IsExists(e))
		}
		if n := len(f.called(path)); n != 1 {
			t.Errorf("%s: a write was sent %d times", c.code, n)
		}
	}
}

func TestTodoWrites(t *testing.T) {
	f := newFar(t)
	path, share := at(pathTodo, "A", "t1"), at(pathTodoDone, "A", "t1")
	f.on(path, ok(`{"result":true}`))
	f.on(share, ok(`{"result":true}`))
	c := f.client()
	if err := c.Todos.Update(bg(), "A", Object{"taskId": "t1", "done": true, "executorIds": "B,C"}); err != nil {
		t.Fatal(err)
	}
	if got := f.last(path); fmt.Sprint(got.body) != "map[done:true executorIds:[B C]]" || got.query.Get("operatorId") != "A" {
		t.Errorf("%v %v", got.body, got.query)
	}
	if err := c.Todos.Update(bg(), "A", Object{"taskId": "t1", "participantIds": []string{}}); err != nil || f.last(path).raw != `{"participantIds":[]}` {
		t.Errorf("%v %s", err, f.last(path).raw)
	}
	if err := c.Todos.SetDone(bg(), "A", "t1", true, make1001()...); err != nil || len(f.called(share)) != 2 {
		t.Errorf("%v after %d calls", err, len(f.called(share)))
	}
	if got := f.last(share).raw; got != `{"executorStatusList":[{"id":"u1000","isDone":true}]}` {
		t.Error(got)
	}
	if err := c.Todos.Delete(bg(), "A", "t1"); err != nil || f.last(path).query.Get("operatorId") != "A" {
		t.Error(err)
	}
	f.on(path, ok(`{"result":false}`))
	if e := failure(t, c.Todos.Delete(bg(), "A", "t1")); e.Class != Retry || !e.Ambiguous {
		t.Error(e)
	}
	calls := len(f.called(path))
	for _, err := range []error{
		c.Todos.Update(bg(), "A", Object{"taskId": "..", "subject": "x"}), c.Todos.Update(bg(), "", Object{"taskId": "t1"}),
		c.Todos.Update(bg(), "A", Object{"taskId": "t1", "priority": 10}), c.Todos.Delete(bg(), "A", "a\nb"), c.Todos.Delete(bg(), "A", ""),
	} {
		if e := failure(t, err); e.Class != Reject {
			t.Error(e)
		}
	}
	if len(f.called(path)) != calls {
		t.Error("a call was made")
	}
}

func TestTodoList(t *testing.T) {
	f := newFar(t)
	path := at(pathTodoQuery, "B")
	f.on(path, inTurn(
		ok(`{"nextToken":"10","todoCards":[{"taskId":"t1","subject":"a","isDone":true,"sourceId":"s1"}]}`),
		ok(`{"nextToken":"20","todoCards":[]}`), ok(`{"nextToken":null,"todoCards":[{"taskId":"t2","dueTime":"5"}]}`)))
	done := true
	var got []string
	for todo, err := range f.client().Todos.List(bg(), "B", TodoQuery{Done: &done, Roles: []string{"executor", "creator"}, Type: "TODO"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %v %v", todo["taskId"], todo["done"], todo["dueTime"]))
	}
	if !slices.Equal(got, []string{"t1 true <nil>", "t2 true 5"}) {
		t.Errorf("%q", got)
	}
	calls := f.called(path)
	if calls[0].raw != `{"isDone":true,"roleTypes":[["executor"],["creator"]],"todoType":"TODO"}` || calls[2].body["nextToken"] != "20" {
		t.Errorf("%s %s", calls[0].raw, calls[2].raw)
	}
	f.on(path, ok(`{"nextToken":"10","todoCards":[]}`))
	if e := failure(t, lastTodo(f.client())); e.Class != Retry {
		t.Errorf("a list that does not go on: %v", e)
	}
	f.on(path, inTurn(status(502, "<html>"), ok(`{"todoCards":[]}`)))
	if _, err := f.client().Todos.Find(bg(), "B", func(Object) bool { return true }); !IsNotFound(err) {
		t.Errorf("a read is repeated, and finds nothing: %v", err)
	}
}

func lastTodo(c *Client) (last error) {
	for _, err := range c.Todos.List(bg(), "B", TodoQuery{}) {
		last = err
	}
	return last
}

// TestPathsWithIDs: limits, statistics and quotas go by the call, not by whom it is about.
func TestPathsWithIDs(t *testing.T) {
	f := newFar(t)
	for _, person := range []string{"A", "B"} {
		f.on(at(pathTodoQuery, person), ok(`{"todoCards":[]}`))
	}
	c := f.client()
	for _, person := range []string{"A", "B", "B"} {
		for _, err := range c.Todos.List(WithCaller(bg(), "todos"), person, TodoQuery{}) {
			t.Error(err)
		}
	}
	if got := taken(c); !strings.Contains(got, "todos "+pathTodoQuery+" counted 3") {
		t.Error(got)
	}
	if !c.ListCounts("todo") || !c.ListCounts("calendar_event") || !c.ListCounts("group") || c.ListCounts("robot_inbox") || !c.Counts(pathGroupGet) || !c.Counts("todo_task_update") {
		t.Error("what counts")
	}
	for path, want := range map[string]string{
		at(pathTodo, "a/b", "c?d#e{f}"):     "/v1.0/todo/users/a%2Fb/tasks/c%3Fd%23e%7Bf%7D",
		at(pathScopes):                      pathScopes,
		at(pathCalendarRespond, "{x}", "y"): "/v1.0/calendar/users/%7Bx%7D/calendars/primary/events/y/respond",
	} {
		if path != want {
			t.Errorf("%s, want %s", path, want)
		}
	}
	create := "/v1.0/todo/users/A+b/c=/tasks"
	f.on(create, func(call) reply { return reply{drop: true} })
	if e := failure(t, second(c.Todos.Create(bg(), newTodo(nil)))); !e.Ambiguous || e.Class != Retry || strings.Contains(e.Error(), "A+b") {
		t.Errorf("%v", e)
	}
	if n := len(f.called(create)); n != 1 {
		t.Errorf("a creation was sent %d times", n)
	}
}

func TestEventsOfPeople(t *testing.T) {
	read := func(typ, data string) Event { return Event{Type: typ, Data: []byte(data)} }
	todo := read("todo_task_update", `{"UnionIdList":["A","B","A"],"bizTag":"x","taskId":"task1"}`)
	if !slices.Equal(todo.UnionIDs(), []string{"A", "B"}) || !slices.Equal(todo.TodoIDs(), []string{"task1"}) {
		t.Errorf("%v %v", todo.UnionIDs(), todo.TodoIDs())
	}
	if ids := read("bpms_task_change", `{"taskId":811165}`).TodoIDs(); ids != nil {
		t.Errorf("the task of an approval: %v", ids)
	}
	event := read("calendar_event_change", `{"calendarEventId":"e1","unionIdList":["A"],"changeType":"cancelled","operator":{"type":"user"}}`)
	if !slices.Equal(event.CalendarEventIDs(), []string{"e1"}) || !slices.Equal(event.UnionIDs(), []string{"A"}) {
		t.Errorf("%v", event)
	}
	group := read("chat_add_member", `{"ChatId":"c1","OpenConversationId":"o=","UserId":["u1"],"UnionId":["A"],"Operator":"u2","OperatorUnionId":"B"}`)
	if !slices.Equal(group.GroupIDs(), []string{"c1"}) || !slices.Equal(group.OpenConversationIDs(), []string{"o="}) ||
		!slices.Equal(group.UserIDs(), []string{"u1"}) || !slices.Equal(group.UnionIDs(), []string{"A"}) {
		t.Errorf("%v", group)
	}
}
