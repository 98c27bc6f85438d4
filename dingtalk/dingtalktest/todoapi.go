package dingtalktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of to-dos (documents 创建钉钉待办任务, 更新钉钉待办任务, 查询企业下用户待办列表).
const (
	todoSubject     = 1024
	todoDescription = 4096
	todoPeople      = 1000
	todoURL         = 1024 // bytes
	todoHistory     = 180 * 24 * time.Hour
)

// todoText reads an optional text of limited length into its place.
func todoText(p params, key string, most int, into *string) string {
	if !p.has(key) {
		return ""
	}
	if *into = p.text(key); len([]rune(*into)) > most {
		return key + " is oversize"
	}
	return ""
}

// readTodo reads what a creation and a change have in common; the answer is what is wrong with it.
func (s *Server) readTodo(p params, t *Todo) string {
	if wrong := todoText(p, "subject", todoSubject, &t.Subject); wrong != "" {
		return wrong
	}
	if wrong := todoText(p, "description", todoDescription, &t.Description); wrong != "" {
		return wrong
	}
	if p.has("dueTime") {
		ms, ok := p.number("dueTime")
		if !ok || ms <= 0 {
			return "dueTime is invalid"
		}
		t.Due = time.UnixMilli(ms).UTC()
	}
	for _, list := range []struct {
		key, name string
		into      *[]string
	}{{"executorIds", "executors", &t.Executors}, {"participantIds", "participants", &t.Participants}} {
		if !p.has(list.key) {
			continue
		}
		if _, isList := p[list.key].([]any); !isList {
			return list.name + " is invalid"
		}
		unions := p.texts(list.key)
		if len(unions) > todoPeople {
			return list.name + " is oversize"
		}
		people, ok := s.byUnion(unions)
		if !ok {
			return list.name + " is invalid"
		}
		*list.into = people
	}
	return ""
}

// todoOperator is who a call is made for: the owner that the path names, and the operator, who must be members.
func (s *Server) todoOperator(c *call, code string) (userid string, no *Refusal) {
	owner := s.dir.byUnion[c.request.PathValue("unionId")]
	operator := c.request.URL.Query().Get("operatorId")
	if owner == "" || operator != "" && s.dir.byUnion[operator] == "" {
		return "", v1Refusal(http.StatusBadRequest, code, "unionId is invalid")
	}
	return owner, nil
}

// createTodo is POST /v1.0/todo/users/{unionId}/tasks (创建钉钉待办任务).
func (s *Server) createTodo(c *call) (any, *Refusal) {
	const code = "todo.taskCreate.paramError"
	bad := func(message string) (any, *Refusal) { return nil, v1Refusal(http.StatusBadRequest, code, message) }
	owner, no := s.todoOperator(c, code)
	if no != nil {
		return nil, no
	}
	t := &Todo{SourceID: c.params.text("sourceId"), Creator: owner, Type: c.params.text("todoType"), ByAPI: true}
	if c.params.text("subject") == "" {
		return bad("subject is null")
	}
	if wrong := s.readTodo(c.params, t); wrong != "" {
		return bad(wrong)
	}
	if creator := c.params.text("creatorId"); creator != "" {
		if t.Creator = s.dir.byUnion[creator]; t.Creator == "" {
			return bad("creatorId is invalid")
		}
	}
	if links, ok := c.params.object("detailUrl"); ok {
		t.DetailURL = json.RawMessage(jsonText(links))
		if len(asText(links["appUrl"])) > todoURL || len(asText(links["pcUrl"])) > todoURL {
			return bad("detailUrl is oversize")
		}
	} else if !s.knobs.DetailURLOptional {
		return bad("detailUrl is null")
	}
	if t.Priority, _ = c.params.number("priority"); t.Priority != 0 && !slices.Contains([]int64{10, 20, 30, 40}, t.Priority) {
		return bad("priority is invalid")
	}
	if twin := s.todoBySource(t.SourceID); twin != "" {
		if s.knobs.TaskExistsNamesIt {
			return bad(fmt.Sprintf("task existed, sourceId is %s, taskId is %s", t.SourceID, twin))
		}
		return bad("task exist")
	}
	s.admitTodo(t, c.now)
	return s.showCreatedTodo(t), nil
}

// todoBySource finds the to-do that took a sourceId, also one that is done, and one that was deleted unless Knobs.DeletedTodoFreesSource.
func (s *Server) todoBySource(sourceID string) string {
	if sourceID == "" {
		return ""
	}
	for _, id := range s.todos.order {
		if t := s.todos.now[id]; t.SourceID == sourceID && (!t.Deleted || !s.knobs.DeletedTodoFreesSource) {
			return id
		}
	}
	return ""
}

// showCreatedTodo is the answer to a creation, which has names of its own.
func (s *Server) showCreatedTodo(t *Todo) map[string]any {
	out := map[string]any{
		"id": t.ID, "subject": t.Subject, "description": t.Description, "done": t.Done, "executorIds": s.unionsOf(t.Executors...),
		"participantIds": s.unionsOf(t.Participants...), "source": "dingbridge", "createdTime": t.Created.UnixMilli(),
		"modifiedTime": t.Modified.UnixMilli(), "creatorId": s.unionOf(t.Creator), "modifierId": s.unionOf(t.Creator), "bizTag": t.bizTag(),
		"requestId": "todo-" + t.ID, "priority": t.Priority,
	}
	if t.SourceID != "" {
		out["sourceId"] = t.SourceID
	}
	if t.DetailURL != nil {
		out["detailUrl"] = t.DetailURL
	}
	if !t.Due.IsZero() {
		out["dueTime"] = t.Due.UnixMilli()
	}
	return out
}

// workTodo finds the to-do of a call; apps may only touch those of apps.
func (s *Server) workTodo(c *call, code string) (*Todo, *Refusal) {
	if _, no := s.todoOperator(c, code); no != nil {
		return nil, no
	}
	t := s.todos.now[c.request.PathValue("taskId")]
	switch {
	case t == nil || t.Deleted:
		return nil, noTodo(code)
	case !t.ByAPI:
		return nil, v1Refusal(http.StatusBadRequest, code, "task not belong to bizTag")
	}
	return t, nil
}

// updateTodo is PUT /v1.0/todo/users/{unionId}/tasks/{taskId} (更新钉钉待办任务).
func (s *Server) updateTodo(c *call) (any, *Refusal) {
	const code = "todo.taskUpdate.paramError"
	t, no := s.workTodo(c, code)
	if no != nil {
		return nil, no
	}
	draft := t.clone()
	if wrong := s.readTodo(c.params, draft); wrong != "" {
		return nil, v1Refusal(http.StatusBadRequest, code, wrong)
	}
	done, told := c.params.flag("done")
	if c.params.has("done") && !told {
		return nil, v1Refusal(http.StatusBadRequest, code, "done is invalid")
	}
	no = s.changeTodo(t.ID, true, func(next *Todo) {
		next.Subject, next.Description, next.Due = draft.Subject, draft.Description, draft.Due
		next.Executors, next.Participants = draft.Executors, draft.Participants
		if told {
			next.setDone(done)
		}
	})
	return map[string]any{"result": no == nil}, no
}

// executorStatus is PUT /v1.0/todo/users/{unionId}/tasks/{taskId}/executorStatus (更新钉钉待办执行者状态).
func (s *Server) executorStatus(c *call) (any, *Refusal) {
	const code = "todo.taskExecutorStatusUpdate.paramError"
	t, no := s.workTodo(c, code)
	if no != nil {
		return nil, no
	}
	rows, ok := c.params.objects("executorStatusList")
	if !ok || len(rows) == 0 || len(rows) > todoPeople {
		return nil, v1Refusal(http.StatusBadRequest, code, "executorStatusList is invalid")
	}
	for _, row := range rows {
		if _, told := row.flag("isDone"); !told || !slices.Contains(t.Executors, s.dir.byUnion[row.text("id")]) {
			return nil, noExecutor(row.text("id"))
		}
	}
	no = s.changeTodo(t.ID, true, func(next *Todo) {
		for _, row := range rows {
			done, _ := row.flag("isDone")
			next.share(s.dir.byUnion[row.text("id")], done)
		}
	})
	return map[string]any{"result": no == nil}, no
}

// deleteTodo is DELETE /v1.0/todo/users/{unionId}/tasks/{taskId} (删除钉钉待办任务).
func (s *Server) deleteTodo(c *call) (any, *Refusal) {
	t, no := s.workTodo(c, "todo.taskDelete.paramError")
	if no != nil {
		return nil, no
	}
	no = s.removeTodo(t.ID, true)
	return map[string]any{"result": no == nil, "requestId": "todo-" + t.ID}, no
}

// queryTodos is POST /v1.0/todo/users/{unionId}/org/tasks/query (查询企业下用户待办列表): what apps made with a detailUrl.
func (s *Server) queryTodos(c *call) (any, *Refusal) {
	const code = "todo.orgTaskQuery.paramError"
	person := s.dir.byUnion[c.request.PathValue("unionId")]
	if person == "" {
		return nil, v1Refusal(http.StatusBadRequest, code, "unionId is invalid")
	}
	from := int64(0)
	if token := c.params.text("nextToken"); token != "" {
		var ok bool
		if from, ok = c.params.number("nextToken"); !ok || from < 0 {
			return nil, v1Refusal(http.StatusBadRequest, code, "nextToken is invalid")
		}
	}
	cards, to := []any{}, from
	for ; to < int64(len(s.todos.order)) && len(cards) < max(s.knobs.TodoPage, 1); to++ {
		t := s.todos.at(s.todos.order[to], c.horizon)
		if t != nil && s.listed(t, person, c) {
			cards = append(cards, s.showTodo(t, person))
		}
	}
	out := map[string]any{"todoCards": cards, "nextToken": nil}
	if to < int64(len(s.todos.order)) {
		out["nextToken"] = strconv.FormatInt(to, 10)
	}
	return out, nil
}

// doneFor is whether a list shows the to-do as done: to an executor his own share.
func (s *Server) doneFor(t *Todo, person string) bool {
	if slices.Contains(t.Executors, person) && !s.knobs.TodoDoneOverall {
		return t.Done || slices.Contains(t.Finished, person)
	}
	return t.Done
}

// listed tells whether a query of a person's to-dos shows t.
func (s *Server) listed(t *Todo, person string, c *call) bool {
	if t.Deleted || !t.ByAPI || t.DetailURL == nil {
		return false
	}
	roles := map[string]bool{
		"creator": t.Creator == person, "executor": slices.Contains(t.Executors, person), "participant": slices.Contains(t.Participants, person),
	}
	if !roles["creator"] && !roles["executor"] && !roles["participant"] || !anyRoles(c.params["roleTypes"], roles) {
		return false
	}
	done := s.doneFor(t, person)
	if want, told := c.params.flag("isDone"); told && want != done {
		return false
	}
	if kind := c.params.text("todoType"); kind != "" && kind != t.Type {
		return false
	}
	return !done || c.now.Sub(t.Modified) <= todoHistory
}

// anyRoles evaluates roleTypes: one of the lists, and every role in it.
func anyRoles(v any, roles map[string]bool) bool {
	lists, ok := v.([]any)
	if !ok || len(lists) == 0 {
		return true
	}
	return slices.ContainsFunc(lists, func(list any) bool {
		all, ok := list.([]any)
		return ok && !slices.ContainsFunc(all, func(role any) bool { return !roles[strings.ToLower(asText(role))] })
	})
}

func (s *Server) showTodo(t *Todo, person string) map[string]any {
	out := s.showCreatedTodo(t)
	for _, name := range []string{"id", "description", "done", "executorIds", "participantIds", "source", "modifierId", "requestId"} {
		delete(out, name)
	}
	out["taskId"], out["isDone"], out["todoType"] = t.ID, s.doneFor(t, person), t.Type
	return out
}
