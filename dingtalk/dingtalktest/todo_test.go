package dingtalktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// crew adds people whose unionids are their names in capitals.
func (b *bench) crew(names ...string) {
	b.t.Helper()
	b.Quiet(func() {
		for _, name := range names {
			if b.AddUser(User{UserID: name, Name: name, UnionID: strings.ToUpper(name)}) == "" {
				b.t.Fatalf("%s was not added", name)
			}
		}
	})
}

// makeTodo makes a to-do of ann for bob and cho and returns its id.
func (b *bench) makeTodo(more object) string {
	b.t.Helper()
	body := object{"subject": "s", "creatorId": "ANN", "executorIds": []string{"BOB", "CHO"}, "detailUrl": object{"pcUrl": "https://x"}}
	for key, value := range more {
		body[key] = value
	}
	return asText(b.v1("POST", todoPaths+"ANN/tasks", body, 200, "operatorId", "ANN")["id"])
}

func (b *bench) refusedTodo(want, method, path string, body object) {
	b.t.Helper()
	out := b.v1(method, path, body, 400, "operatorId", "ANN")
	if got := asText(out["code"]) + ": " + asText(out["message"]); !strings.HasPrefix(got, want) {
		b.t.Errorf("%s %s: want %s, got %s", method, path, want, got)
	}
}

// heard are the events so far without those that Quiet muted.
func (b *bench) heard() []Event {
	return slices.DeleteFunc(b.Events(), func(e Event) bool { return e.State == EventMuted })
}

func (b *bench) heardTypes() []string {
	var out []string
	for _, e := range b.heard() {
		out = append(out, e.Type)
	}
	return out
}

// toldOf lists the events so far: type, one value of the data, and the unionids.
func (b *bench) toldOf(key string) []string {
	var out []string
	for _, e := range b.heard() {
		data := b.decode(e.Data)
		text := e.Type
		if v := asText(data[key]); v != "" {
			text += " " + v
		}
		out = append(out, text)
	}
	return out
}

func TestTodoLife(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	id := b.makeTodo(object{"sourceId": "s1", "dueTime": b.clock.now().UnixMilli(), "priority": 20})
	path := todoPaths + "ANN/tasks/" + id
	must(t, b.FinishTodo("bob", id))
	if got, _ := b.Todo(id); got.Done || !slices.Equal(got.Finished, []string{"bob"}) {
		t.Errorf("one of two: %+v", got)
	}
	b.v1("PUT", path+"/executorStatus", object{"executorStatusList": []object{{"id": "CHO", "isDone": true}}}, 200, "operatorId", "ANN")
	if got, _ := b.Todo(id); !got.Done || got.DoneAt.IsZero() {
		t.Errorf("both: %+v", got)
	}
	must(t, b.ReopenTodo("cho", id))
	b.v1("PUT", path, object{"subject": "other"}, 200, "operatorId", "ANN")
	b.v1("PUT", path, object{"done": true, "executorIds": []string{"BOB"}}, 200, "operatorId", "ANN")
	got, _ := b.Todo(id)
	if got.Subject != "other" || !got.Done || !slices.Equal(got.Executors, []string{"bob"}) || !slices.Equal(got.Finished, []string{"bob"}) {
		t.Errorf("updated: %+v", got)
	}
	b.v1("DELETE", path, nil, 200, "operatorId", "ANN")
	b.refusedTodo("todo.taskDelete.paramError: task not exist", "DELETE", path, nil)
	b.refusedTodo("todo.taskUpdate.paramError: task not exist", "PUT", path, object{"done": true})
	want := []string{"todo_task_create", "todo_task_update", "todo_task_update", "todo_task_update", "todo_task_update", "todo_task_delete"}
	if got := b.heardTypes(); !slices.Equal(got, want) {
		t.Errorf("a changed subject is not told: %v", got)
	}
	last := b.decode(b.heard()[4].Data)
	if asText(last["unionIdList"]) != `["ANN","BOB","CHO"]` || asText(last["taskId"]) != id || last["bizTag"] == nil || last["sourceId"] != nil {
		t.Errorf("who was an executor is told: %v", last)
	}
	b.Set(func(k *Knobs) { k.TodoTextEvents, k.NoEchoes = true, true })
	id = b.makeTodo(object{"sourceId": "s2"})
	must(t, b.EditTodo(id, func(t *Todo) { t.Subject = "x" }))
	if got := b.heardTypes(); len(got) != 7 || got[6] != "todo_task_update" {
		t.Errorf("knobs: %v", got)
	}
}

func TestTodoIsRefused(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	id := b.makeTodo(object{"sourceId": "s1"})
	own := b.AddTodo(Todo{Subject: "by hand", Creator: "ann", Executors: []string{"bob"}})
	create := todoPaths + "ANN/tasks"
	with := func(key string, value any) object {
		body := object{"subject": "s", "detailUrl": object{"pcUrl": "https://x"}}
		body[key] = value
		return body
	}
	for _, c := range []struct {
		want, method, path string
		body               object
	}{
		{"todo.taskCreate.paramError: task exist", "POST", create, with("sourceId", "s1")},
		{"todo.taskCreate.paramError: subject is null", "POST", create, with("subject", "")},
		{"todo.taskCreate.paramError: subject is oversize", "POST", create, with("subject", strings.Repeat("长", 1025))},
		{"todo.taskCreate.paramError: description is oversize", "POST", create, with("description", strings.Repeat("x", 4097))},
		{"todo.taskCreate.paramError: dueTime is invalid", "POST", create, with("dueTime", "soon")},
		{"todo.taskCreate.paramError: executors is invalid", "POST", create, with("executorIds", []string{"ZOE"})},
		{"todo.taskCreate.paramError: executors is invalid", "POST", create, with("executorIds", "BOB,CHO")},
		{"todo.taskCreate.paramError: executors is oversize", "POST", create, with("executorIds", make([]string, 0))},
		{"todo.taskCreate.paramError: detailUrl is null", "POST", create, object{"subject": "s"}},
		{"todo.taskCreate.paramError: detailUrl is oversize", "POST", create, with("detailUrl", object{"pcUrl": strings.Repeat("x", 1025)})},
		{"todo.taskCreate.paramError: priority is invalid", "POST", create, with("priority", 15)},
		{"todo.taskCreate.paramError: unionId is invalid", "POST", todoPaths + "ZOE/tasks", with("x", 1)},
		{"todo.taskUpdate.paramError: task not belong to bizTag", "PUT", create + "/" + own, object{"done": true}},
		{"todo.taskDelete.paramError: task not belong to bizTag", "DELETE", create + "/" + own, nil},
		{"todo.taskUpdate.paramError: done is invalid", "PUT", create + "/" + id, object{"done": "maybe"}},
		{"todo.taskExecutorStatusUpdate.paramError", "PUT", create + "/" + id + "/executorStatus", object{"executorStatusList": []object{{"id": "ANN", "isDone": true}}}},
		{"todo.taskExecutorStatusUpdate.paramError", "PUT", create + "/" + id + "/executorStatus", object{}},
		{"todo.orgTaskQuery.paramError: nextToken is invalid", "POST", todoPaths + "ANN/org/tasks/query", object{"nextToken": "x"}},
	} {
		if c.want == "todo.taskCreate.paramError: executors is oversize" {
			many := make([]string, 1001)
			for i := range many {
				many[i] = fmt.Sprint("U", i)
			}
			c.body["executorIds"] = many
		}
		b.refusedTodo(c.want, c.method, c.path, c.body)
	}
	if n := len(b.Todos()); n != 2 {
		t.Errorf("%d to-dos", n)
	}
	if b.FinishTodo("ann", id) == nil || b.DeleteTodo("bob", id) == nil || b.FinishTodo("bob", "none") == nil {
		t.Error("acts of the wrong people")
	}
	must(t, b.DeleteTodo("ann", id))
	b.refusedTodo("todo.taskCreate.paramError: task exist", "POST", create, with("sourceId", "s1"))
	b.Set(func(k *Knobs) { k.TaskExistsNamesIt = true })
	b.refusedTodo("todo.taskCreate.paramError: task existed, sourceId is s1, taskId is "+id, "POST", create, with("sourceId", "s1"))
	b.Set(func(k *Knobs) { k.DeletedTodoFreesSource, k.DetailURLOptional = true, true })
	b.makeTodo(object{"sourceId": "s1"})
	b.v1("POST", create, object{"subject": "without a link"}, 200)
	if got := b.Repeats()["todo sourceId s1"]; got != 5 {
		t.Errorf("repeats: %v", b.Repeats())
	}
	if len(b.Duplicates()) != 0 {
		t.Errorf("duplicates: %v", b.Duplicates())
	}
}

// list reads all pages of a person's to-dos: subject and whether they are done.
func (b *bench) list(person string, query object) []string {
	b.t.Helper()
	var out []string
	for token := any(nil); ; {
		body := object{"nextToken": token}
		for key, value := range query {
			body[key] = value
		}
		page := b.v1("POST", todoPaths+person+"/org/tasks/query", body, 200)
		for _, row := range page["todoCards"].([]any) {
			card := row.(object)
			out = append(out, fmt.Sprint(card["subject"], " ", card["isDone"]))
		}
		if token = page["nextToken"]; token == nil {
			return out
		}
	}
}

func TestTodoLists(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	b.Set(func(k *Knobs) { k.TodoPage, k.DetailURLOptional = 2, true })
	b.AddTodo(Todo{Subject: "by hand", Creator: "ann", Executors: []string{"bob"}})
	var ids []string
	for i := range 5 {
		ids = append(ids, b.makeTodo(object{"subject": fmt.Sprint(i)}))
	}
	b.makeTodo(object{"subject": "to read", "todoType": "READ", "executorIds": []string{}, "participantIds": []string{"BOB"}})
	b.v1("POST", todoPaths+"ANN/tasks", object{"subject": "no link", "creatorId": "ANN", "executorIds": []string{"BOB"}}, 200)
	must(t, b.FinishTodo("bob", ids[1]))
	for _, c := range []struct {
		person string
		query  object
		want   string
	}{
		{"BOB", nil, "0 false,1 true,2 false,3 false,4 false,to read false"},
		{"BOB", object{"isDone": true}, "1 true"},
		{"CHO", object{"isDone": true}, ""},
		{"ANN", object{"isDone": true}, ""},
		{"BOB", object{"roleTypes": [][]string{{"participant"}}}, "to read false"},
		{"BOB", object{"roleTypes": [][]string{{"creator"}, {"executor", "participant"}}}, ""},
		{"BOB", object{"todoType": "READ"}, "to read false"},
		{"ANN", object{"roleTypes": [][]string{{"creator"}}, "todoType": "TODO"}, "0 false,1 false,2 false,3 false,4 false"},
	} {
		if got := strings.Join(b.list(c.person, c.query), ","); got != c.want {
			t.Errorf("%s %v: %s", c.person, c.query, got)
		}
	}
	b.Set(func(k *Knobs) { k.TodoDoneOverall = true })
	if got := b.list("BOB", object{"isDone": true}); got != nil {
		t.Errorf("TodoDoneOverall: %v", got)
	}
	must(t, b.FinishTodo("cho", ids[1]))
	if got := b.list("BOB", object{"isDone": true}); len(got) != 1 {
		t.Errorf("all are done: %v", got)
	}
	b.clock.add(181 * 24 * time.Hour)
	b.login()
	if got := b.list("BOB", object{"isDone": true}); got != nil {
		t.Errorf("after 180 days: %v", got)
	}
	b.Set(func(k *Knobs) { k.StaleReads = time.Minute })
	b.makeTodo(object{"subject": "fresh"})
	if got := b.list("CHO", nil); slices.Contains(got, "fresh false") || len(got) != 4 {
		t.Errorf("stale: %v", got)
	}
}

func TestTodoCallbacksSpellTheirKey(t *testing.T) {
	b := start(t)
	b.crew("ann", "bob", "cho")
	r := newReceiver(t, "key")
	b.Callback(r.url, testToken, testAESKey)
	b.makeTodo(nil)
	b.flush()
	if got := r.events[0]; got["UnionIdList"] == nil || got["unionIdList"] != nil || got["EventType"] != "todo_task_create" {
		t.Errorf("%v", got)
	}
}
