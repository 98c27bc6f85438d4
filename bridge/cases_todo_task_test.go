package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// workshop is the desk with a project whose tasks are to-dos.
type workshop struct {
	*desk
	project               int64
	open, done, elsewhere int64 // stages; the last one of another project
}

func newWorkshop(t *testing.T, edits ...func(string) string) *workshop {
	t.Helper()
	src, ok := mapping.Preset("task-todo")
	if !ok {
		t.Fatal("no preset task-todo")
	}
	text := string(src.Data)
	for _, edit := range edits {
		text = edit(text)
	}
	d := newDeskWith(t, []string{"project.group_project_user"}, []mapping.Source{{File: src.File, Data: []byte(text)}})
	w := &workshop{desk: d}
	w.project = d.people.Create("project.project", map[string]any{"name": "样机"})
	other := d.people.Create("project.project", map[string]any{"name": "别的"})
	stage := func(name string, sequence int64, fold bool, project int64) int64 {
		return d.people.Create("project.task.type", map[string]any{"name": name, "sequence": sequence, "fold": fold, "project_ids": []any{[]any{int64(6), int64(0), []any{project}}}})
	}
	w.open, w.elsewhere = stage("进行中", 1, false, w.project), stage("完成", 1, true, other)
	w.done = stage("完成", 5, true, w.project)
	stage("取消", 9, true, w.project)
	return w
}

// task gives 李四 something to do.
func (w *workshop) task(vals map[string]any) int64 {
	w.t.Helper()
	all := map[string]any{
		"name": "装配样机", "project_id": w.project, "stage_id": w.open, "user_id": w.userLi, "date_deadline": "2026-12-11", "description": "<p>三台</p>",
	}
	for k, v := range vals {
		all[k] = v
	}
	return w.people.Create("project.task", all)
}

func (w *workshop) of(task int64, field string) string {
	w.t.Helper()
	return text(w.people.Get("project.task", task), field)
}

func TestATaskIsATodo(t *testing.T) {
	w := newWorkshop(t)
	id := w.task(nil)
	w.step()
	todo := w.todo()
	want(t, "subject", todo.Subject, "装配样机")
	want(t, "description", todo.Description, "三台")
	want(t, "executor", strings.Join(todo.Executors, ","), w.uLi)
	if !strings.Contains(string(todo.DetailURL), "model=project.task") {
		t.Errorf("it leads to %s", todo.DetailURL)
	}
	w.later(10 * time.Minute)
	w.step()
	want(t, "counted calls to make it", w.ding.CountedCalls(), 1)

	w.write("project.task", id, map[string]any{"name": "装配样机两台", "date_deadline": "2026-12-14"})
	w.step()
	want(t, "subject", w.todo().Subject, "装配样机两台")
	w.ding.Set(func(k *dingtalktest.Knobs) { k.TodoTextEvents = true })
	must(t, w.ding.EditTodo(todo.ID, func(todo *dingtalktest.Todo) {
		todo.Subject, todo.Due = "装配样机（改）", time.Date(2026, 12, 20, 16, 30, 0, 0, time.UTC)
	}))
	w.later(time.Minute)
	w.step()
	want(t, "name", w.of(id, "name"), "装配样机（改）")
	want(t, "deadline, on the next day in China", w.of(id, "date_deadline"), "2026-12-21")

	must(t, w.ding.FinishTodo(w.uLi, todo.ID))
	w.step()
	want(t, "stage", w.of(id, "stage_id"), text(map[string]any{"s": w.done}, "s"))
	w.settled()
	want(t, "held", w.held(), "")

	w.write("project.task", id, map[string]any{"stage_id": w.open})
	w.step()
	want(t, "done after it was opened again", w.todo().Done, false)
	w.write("project.task", id, map[string]any{"stage_id": w.done})
	w.step()
	want(t, "done in odoo", w.todo().Done, true)
	w.settled()
}

func TestATaskThatIsDroppedAndTakenUpAgain(t *testing.T) {
	w := newWorkshop(t)
	archived, unassigned, deleted := w.task(nil), w.task(map[string]any{"name": "无人"}), w.task(map[string]any{"name": "删除"})
	w.task(map[string]any{"name": "早已完成", "stage_id": w.done})
	w.step()
	byName := map[string]string{}
	for _, todo := range w.todoN(3) {
		byName[todo.Subject] = todo.ID
	}
	w.write("project.task", archived, map[string]any{"active": false})
	w.write("project.task", unassigned, map[string]any{"user_id": false})
	must(t, w.ding.DeleteTodo(w.ding.Todos()[0].Creator, byName["删除"]))
	w.later(time.Minute)
	w.step()
	for _, todo := range w.todoN(3) {
		want(t, todo.Subject+" deleted", todo.Deleted, true)
	}
	want(t, "archived", w.of(deleted, "active"), "")
	w.settled()

	w.write("project.task", archived, map[string]any{"active": true})
	w.step()
	last := w.todoN(4)[3]
	want(t, "taken up again", last.Subject, "装配样机")
	if !strings.HasSuffix(last.SourceID, "-2") {
		t.Errorf("its key is %s", last.SourceID)
	}
	w.settled()
}

func TestATaskOfAProjectWithoutAStageForWhatIsDone(t *testing.T) {
	w := newWorkshop(t)
	w.people.Create("project.project", map[string]any{"name": "新"})
	fresh := w.people.Create("project.project", map[string]any{"name": "无阶段"})
	id := w.task(map[string]any{"project_id": fresh, "stage_id": false})
	w.step()
	must(t, w.ding.FinishTodo(w.uLi, w.todo().ID))
	w.step()
	w.wantHeld("the project 无阶段 has no folded stage")
	want(t, "stage", w.of(id, "stage_id"), "")
}

func TestTheStageOfADoneTaskMayBeNamed(t *testing.T) {
	w := newWorkshop(t, func(s string) string {
		return strings.Replace(s, "tests:", "  - {odoo: stage_id, value: \"'取消'\", when: \"done\", lookup: {model: project.task.type, by: name}}\ntests:", 1)
	})
	id := w.task(nil)
	w.step()
	must(t, w.ding.FinishTodo(w.uLi, w.todo().ID))
	w.step()
	stage := w.people.Get("project.task.type", id64(t, w.of(id, "stage_id")))
	want(t, "stage", text(stage, "name"), "取消")
	w.settled()
}

func TestATaskThatIsEditedAndDoneAtOnce(t *testing.T) {
	w := newWorkshop(t)
	id := w.task(nil)
	w.step()
	must(t, w.ding.EditTodo(w.todo().ID, func(todo *dingtalktest.Todo) { todo.Subject = "装配完的样机" }))
	must(t, w.ding.FinishTodo(w.uLi, w.todo().ID))
	w.write("project.task", id, map[string]any{"date_deadline": "2027-01-01"})
	w.later(time.Minute)
	w.step()
	want(t, "name", w.of(id, "name"), "装配完的样机")
	want(t, "stage", w.of(id, "stage_id"), text(map[string]any{"s": w.done}, "s"))
	w.settled()
}

func TestATaskIsDoneByAFieldOfItsOwn(t *testing.T) {
	w := newWorkshop(t, func(s string) string {
		s = strings.Replace(s, `{dingtalk: done, value: "stage_id.fold"}`, `{odoo: kanban_state, dingtalk: done, values: {"true": done, "false": normal}}`, 1)
		s = strings.Replace(s, "tests:", "  - {dingtalk: detailUrl, value: \"https://erp.example.com/t/{{ id }}\", on: create}\ntests:", 1)
		return s[:strings.Index(s, "tests:")]
	})
	id := w.task(nil)
	w.step()
	want(t, "link", strings.Contains(string(w.todo().DetailURL), `"https://erp.example.com/t/`+text(map[string]any{"id": id}, "id")+`"`), true)
	w.write("project.task", id, map[string]any{"kanban_state": "blocked"})
	w.step()
	want(t, "done while it is blocked", w.todo().Done, false)
	must(t, w.ding.FinishTodo(w.uLi, w.todo().ID))
	w.step()
	want(t, "state", w.of(id, "kanban_state"), "done")
	want(t, "stage", w.of(id, "stage_id"), text(map[string]any{"s": w.open}, "s"))
	w.settled()
	w.write("project.task", id, map[string]any{"kanban_state": "normal"})
	w.step()
	want(t, "done after it was opened again", w.todo().Done, false)
	w.write("project.task", id, map[string]any{"kanban_state": "done"})
	w.step()
	want(t, "done", w.todo().Done, true)
	w.settled()
}
