package dingtalktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Todo is a to-do (待办). People in it are userids, though the API names them by unionid.
type Todo struct {
	ID           string // made when empty
	SourceID     string // of the app that made it
	Subject      string
	Description  string
	Creator      string
	Executors    []string
	Participants []string
	Due          time.Time // zero: none
	DetailURL    json.RawMessage
	Priority     int64
	Type         string   // TODO (default), READ
	Finished     []string // the executors who have done their share
	Done         bool     // all have, or it was done for everybody
	ByAPI        bool     // an app made it: a work to-do (工作待办)
	Deleted      bool
	Created      time.Time
	Modified     time.Time
	DoneAt       time.Time
}

func (t Todo) clone() *Todo {
	t.Executors, t.Participants, t.Finished = slices.Clone(t.Executors), slices.Clone(t.Participants), slices.Clone(t.Finished)
	t.DetailURL = slices.Clone(t.DetailURL)
	return &t
}

// people are those whom a to-do concerns.
func (t *Todo) people() []string {
	all := slices.Concat([]string{t.Creator}, t.Executors, t.Participants)
	slices.Sort(all)
	return slices.Compact(all)
}

// bizTag is what kind of to-do events and lists call it.
func (t *Todo) bizTag() string {
	if t.ByAPI {
		return "isv_dingtalkTodo"
	}
	return "dingtalkPersonalTodo"
}

// AddTodo makes a to-do as a person does in DingTalk and returns its id. The API does not show it (document 查询企业下用户待办列表).
func (s *Server) AddTodo(t Todo) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ByAPI = false
	return s.admitTodo(t.clone(), s.now())
}

// admitTodo stores a to-do and tells of it.
func (s *Server) admitTodo(t *Todo, now time.Time) string {
	h := &s.todos
	h.seq++
	if t.ID == "" {
		t.ID = fmt.Sprintf("task%s%06d", s.events.run, h.seq)
	}
	if t.Type == "" {
		t.Type = "TODO"
	}
	t.Created, t.Modified = now, now
	h.put(t.ID, t, now, s.knobs.StaleReads)
	s.emitTodo(t, "todo_task_create", t.ByAPI)
	return t.ID
}

func (s *Server) emitTodo(t *Todo, eventType string, byAPI bool, also ...string) {
	people := slices.Concat(t.people(), also)
	data := map[string]any{"taskId": t.ID, "unionIdList": s.unionsOf(people...)}
	if eventType != "todo_task_delete" {
		data["bizTag"] = t.bizTag()
	}
	s.echo(byAPI, eventType, data)
}

// EditTodo changes a to-do as its creator does in DingTalk. The error is a *Refusal.
func (s *Server) EditTodo(id string, edit func(*Todo)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.changeTodo(id, false, edit))
}

// changeTodo makes the next version of a to-do and tells of it as the documents of the events say: when its status, its executors or its
// participants changed.
func (s *Server) changeTodo(id string, byAPI bool, edit func(*Todo)) *Refusal {
	old := s.todos.now[id]
	if old == nil || old.Deleted {
		return noTodo("todo.taskUpdate.paramError")
	}
	next := old.clone()
	edit(next)
	now := s.now()
	next.Modified = now
	next.Finished = slices.DeleteFunc(next.Finished, func(id string) bool { return !slices.Contains(next.Executors, id) })
	if next.Done && next.DoneAt.IsZero() {
		next.DoneAt = now
	} else if !next.Done {
		next.DoneAt = time.Time{}
	}
	s.todos.put(id, next, now, s.knobs.StaleReads)
	told := next.Done != old.Done || !slices.Equal(next.Finished, old.Finished) || !slices.Equal(next.Executors, old.Executors) ||
		!slices.Equal(next.Participants, old.Participants)
	if told || s.knobs.TodoTextEvents {
		s.emitTodo(next, "todo_task_update", byAPI, old.people()...)
	}
	return nil
}

// share says whether an executor has done his share; the to-do is done when all have.
func (t *Todo) share(userid string, done bool) {
	t.Finished = slices.DeleteFunc(t.Finished, func(id string) bool { return id == userid })
	if done {
		t.Finished = append(t.Finished, userid)
	}
	t.Done = len(t.Finished) == len(t.Executors)
}

// setDone sets the share of everybody.
func (t *Todo) setDone(done bool) {
	t.Done, t.Finished = done, nil
	if done {
		t.Finished = slices.Clone(t.Executors)
	}
}

// FinishTodo lets an executor tick off his share. The error is a *Refusal.
func (s *Server) FinishTodo(userid, id string) error { return s.tick(userid, id, true) }

// ReopenTodo lets an executor take his tick back. The error is a *Refusal.
func (s *Server) ReopenTodo(userid, id string) error { return s.tick(userid, id, false) }

func (s *Server) tick(userid, id string, done bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.todos.now[id]; t != nil && !slices.Contains(t.Executors, userid) {
		return noExecutor(userid)
	}
	return asError(s.changeTodo(id, false, func(t *Todo) { t.share(userid, done) }))
}

// DeleteTodo lets its creator delete a to-do in DingTalk. The error is a *Refusal.
func (s *Server) DeleteTodo(userid, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.todos.now[id]; t != nil && t.Creator != userid {
		return v1Refusal(http.StatusBadRequest, "todo.taskDelete.paramError", "operator is not the creator")
	}
	return asError(s.removeTodo(id, false))
}

func (s *Server) removeTodo(id string, byAPI bool) *Refusal {
	old := s.todos.now[id]
	if old == nil || old.Deleted {
		return noTodo("todo.taskDelete.paramError")
	}
	next := old.clone()
	next.Deleted = true
	s.todos.put(id, next, s.now(), s.knobs.StaleReads)
	s.emitTodo(next, "todo_task_delete", byAPI)
	return nil
}

// Todo returns a to-do as it is now, whatever StaleReads shows to the API.
func (s *Server) Todo(id string) (Todo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.todos.now[id]
	if t == nil {
		return Todo{}, false
	}
	return *t.clone(), true
}

// Todos returns all to-dos, deleted ones included, in the order of coming.
func (s *Server) Todos() []Todo {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Todo, 0, len(s.todos.order))
	for _, id := range s.todos.order {
		out = append(out, *s.todos.now[id].clone())
	}
	return out
}

func noTodo(code string) *Refusal { return v1Refusal(http.StatusBadRequest, code, "task not exist") }

func noExecutor(userid string) *Refusal {
	return v1Refusal(http.StatusBadRequest, "todo.taskExecutorStatusUpdate.paramError", "not an executor: "+userid)
}
