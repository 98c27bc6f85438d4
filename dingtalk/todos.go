package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The paths of the calls about to-dos.
const (
	pathTodoCreate = "/v1.0/todo/users/{unionId}/tasks"
	pathTodo       = "/v1.0/todo/users/{unionId}/tasks/{taskId}"
	pathTodoDone   = "/v1.0/todo/users/{unionId}/tasks/{taskId}/executorStatus"
	pathTodoQuery  = "/v1.0/todo/users/{unionId}/org/tasks/query"
)

// Limits of to-dos (创建钉钉待办任务, 更新钉钉待办任务, 更新钉钉待办执行者状态).
const (
	maxTodoPeople = 1000
	maxTodoURL    = 1024 // bytes
)

// TodoService holds the calls about work to-dos (工作待办; permissions Todo.Todo.Read, Todo.Todo.Write). People are named by unionid.
// All of them count against the monthly quota.
type TodoService struct{ c *Client }

// Create adds a to-do (创建钉钉待办任务) from the fields of TodoKind marked Create and returns it with its taskId. A sourceId that was used
// before is IsExists, with the taskId as Holder where DingTalk tells it: so a creation whose outcome is open may be repeated with the same.
// Nobody sees a to-do with isOnlyShowExecutor and without executors.
func (s *TodoService) Create(ctx context.Context, todo Object) (Object, error) {
	body, err := TodoKind.encodeCreate(pathTodoCreate, todo)
	if err != nil {
		return nil, err
	}
	if err := checkTodoURLs(todo["detailUrl"]); err != nil {
		return nil, err
	}
	answer, err := s.c.do(ctx, todoRequest(http.MethodPost, pathTodoCreate, text(body["creatorId"]), TodoKind.arrays(body)))
	if err != nil {
		return nil, err
	}
	made := answer
	for name, as := range map[string]string{"id": "taskId", "done": "isDone"} { // this answer has names of its own
		if v, ok := made[name]; ok {
			made[as] = v
			delete(made, name)
		}
	}
	made = TodoKind.decode(made)
	if made.Text("taskId") == "" {
		return nil, &Error{Class: Retry, Ambiguous: true, API: pathTodoCreate, Status: http.StatusOK, Message: "the answer names no id"}
	}
	return made, nil
}

func checkTodoURLs(v any) error {
	links, ok := v.(map[string]any)
	if s, isText := v.(string); isText {
		links, ok = jsonText(s).(map[string]any)
	}
	if !ok {
		return refuse(pathTodoCreate, "detailUrl", "an object with appUrl and pcUrl expected")
	}
	for _, name := range []string{"appUrl", "pcUrl"} {
		if n := len(text(links[name])); n > maxTodoURL {
			return refuse(pathTodoCreate, "detailUrl", "%s of %d bytes, at most %d are allowed", name, n, maxTodoURL)
		}
	}
	if text(links["appUrl"]) == "" && text(links["pcUrl"]) == "" {
		return refuse(pathTodoCreate, "detailUrl", "required")
	}
	return nil
}

// todoRequest is a write in the name of a person, who is also the owner that the path names.
func todoRequest(method, path, person string, body any, args ...string) request {
	return request{
		method: method, path: path, args: append([]string{person}, args...), v1: true, query: url.Values{"operatorId": {person}}, body: body,
	}
}

// Update changes the fields given and leaves all others alone (更新钉钉待办任务), in the name of operator, the creator as a rule; taskId says
// which to-do. done sets it for everybody. No document says how a field is emptied. IsNotFound: there is none of that id.
func (s *TodoService) Update(ctx context.Context, operator string, todo Object) error {
	body, err := TodoKind.encodeUpdate(pathTodo, todo, nil)
	if err != nil {
		return err
	}
	id := text(body["taskId"])
	if err := checkPathIDs(pathTodo, "operator", operator, "taskId", id); err != nil {
		return err
	}
	delete(body, "taskId")
	return s.confirm(ctx, todoRequest(http.MethodPut, pathTodo, operator, TodoKind.arrays(body), id))
}

// SetDone says of executors that they have done their share, or have not (更新钉钉待办执行者状态), in the name of operator. A to-do is done
// when all of them have.
func (s *TodoService) SetDone(ctx context.Context, operator, taskID string, done bool, executors ...string) error {
	if err := checkPathIDs(pathTodoDone, "operator", operator, "taskId", taskID); err != nil {
		return err
	}
	for some := range slices.Chunk(executors, maxTodoPeople) {
		rows := make([]Object, len(some))
		for i, id := range some {
			rows[i] = Object{"id": id, "isDone": done}
		}
		if err := s.confirm(ctx, todoRequest(http.MethodPut, pathTodoDone, operator, Object{"executorStatusList": rows}, taskID)); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes a to-do for everybody (删除钉钉待办任务), in the name of operator. One already gone is IsNotFound.
func (s *TodoService) Delete(ctx context.Context, operator, taskID string) error {
	if err := checkPathIDs(pathTodo, "operator", operator, "taskId", taskID); err != nil {
		return err
	}
	return s.confirm(ctx, todoRequest(http.MethodDelete, pathTodo, operator, nil, taskID))
}

// confirm makes a write whose answer must say result: true.
func (s *TodoService) confirm(ctx context.Context, r request) error {
	answer, err := s.c.do(ctx, r)
	if err != nil {
		return err
	}
	if done, told := boolean(answer["result"]); told && !done {
		return &Error{Class: Retry, Ambiguous: true, API: r.path, Status: http.StatusOK, Message: "the answer says that nothing came of it"}
	}
	return nil
}

// TodoQuery narrows a list of to-dos; the zero value asks for all that DingTalk shows.
type TodoQuery struct {
	Done  *bool
	Roles []string // of the person, any of them: executor, creator, participant
	Type  string   // TODO, READ
}

// List yields the to-dos of a person (查询企业下用户待办列表) with the fields of TodoKind marked List: those that apps made with a detailUrl,
// and of the done ones those of the last 180 days. What people made in DingTalk is not shown. After an error the iteration ends, and what
// was yielded is not the whole.
func (s *TodoService) List(ctx context.Context, person string, q TodoQuery) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPathIDs(pathTodoQuery, "person", person); err != nil {
			yield(nil, err)
			return
		}
		for page, err := range s.c.pages(ctx, func(token string) request { return q.request(person, token) }) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range page.Rows("todoCards") {
				todo := TodoKind.decode(row)
				if _, told := todo["done"]; !told && q.Done != nil { // as was asked for
					todo["done"] = *q.Done
				}
				if !yield(todo, nil) {
					return
				}
			}
		}
	}
}

func (q TodoQuery) request(person, token string) request {
	body := Object{}
	if token != "" {
		body["nextToken"] = token
	}
	if q.Done != nil {
		body["isDone"] = *q.Done
	}
	if q.Type != "" {
		body["todoType"] = q.Type
	}
	if len(q.Roles) > 0 { // any of the lists, each of whose roles must hold
		roles := make([][]string, len(q.Roles))
		for i, role := range q.Roles {
			roles[i] = []string{role}
		}
		body["roleTypes"] = roles
	}
	return request{method: http.MethodPost, path: pathTodoQuery, args: []string{person}, v1: true, body: body, read: true}
}

// Find returns the first to-do of a person that is meant, those still open first. IsNotFound: the lists show none, which includes one done
// more than 180 days ago.
func (s *TodoService) Find(ctx context.Context, person string, meant func(Object) bool) (Object, error) {
	for _, done := range []bool{false, true} {
		for todo, err := range s.List(ctx, person, TodoQuery{Done: &done}) {
			if err != nil {
				return nil, err
			}
			if meant(todo) {
				return todo, nil
			}
		}
	}
	return nil, &Error{Class: Missing, API: pathTodoQuery, Status: http.StatusOK, Message: "no such to-do in the person's lists"}
}

// checkPathIDs refuses ids, given as name and id in turn, that cannot stand in a path.
func checkPathIDs(api string, namesAndIDs ...string) error {
	for pair := range slices.Chunk(namesAndIDs, 2) {
		name, id := pair[0], pair[1]
		if id == "" || id == "." || id == ".." || len(id) > 512 || strings.ContainsAny(id, "\n\r") {
			return refuse(api, name, "%q is not an id", cut(id, 40))
		}
	}
	return nil
}
