package odootest

import (
	"fmt"
	"reflect"
	"time"
)

// Session is a person working in Odoo, without XML-RPC and its journal: each call is one transaction. A call that writes a row of an
// open Tx waits for it, so do not write such rows from the goroutine that is to commit.
type Session struct {
	s     *Server
	login string
}

// As returns the session of the user with this login.
func (s *Server) As(login string) *Session { return &Session{s, login} }

// Create makes a record with Go values (see Server.Create) and returns its id. Errors are the faults an XML-RPC call would get.
func (p *Session) Create(model string, vals map[string]any) (id int64, err error) {
	err = p.do(model, func(e *env, m *modelType) error {
		id, err = e.create(m, plainValues(vals))
		return err
	})
	return id, err
}

// Write changes a record.
func (p *Session) Write(model string, id int64, vals map[string]any) error {
	return p.do(model, func(e *env, m *modelType) error { return e.write(m, []int64{id}, plainValues(vals)) })
}

// Unlink deletes records.
func (p *Session) Unlink(model string, ids ...int64) error {
	return p.do(model, func(e *env, _ *modelType) error {
		_, err := e.execute(model, "unlink", []any{idList(ids)}, nil)
		return err
	})
}

// Call runs any public method as execute_kw would.
func (p *Session) Call(model, method string, args []any, kwargs map[string]any) (result any, err error) {
	list, _ := plainValue(args).([]any)
	err = p.do(model, func(e *env, _ *modelType) error {
		result, err = e.execute(model, method, list, plainValues(kwargs))
		return err
	})
	return result, err
}

// Get reads a record as the person sees it; nil when it is not there or hidden.
func (p *Session) Get(model string, id int64) (out map[string]any) {
	err := p.do(model, func(e *env, m *modelType) error {
		rows, err := e.read(m, []int64{id}, nil, true)
		for _, r := range rows {
			out = r.plain()
		}
		return err
	})
	if err != nil {
		return nil
	}
	return out
}

// Search returns the ids of the matching records the person sees, archived ones included, in the model's order.
func (p *Session) Search(model string, domain []any) (ids []int64, err error) {
	list, _ := plainValue(domain).([]any)
	err = p.do(model, func(e *env, m *modelType) error {
		ids, err = e.with("active_test", false).search(m, list, searchOptions{})
		return err
	})
	return ids, err
}

// modelType keeps the type's name usable where a parameter is called model.
type modelType = model

func (p *Session) do(name string, work func(*env, *modelType) error) error {
	uid, err := p.s.uidOf(p.login)
	if err != nil {
		return err
	}
	return p.s.transact(uid, func(e *env) error {
		m := e.model(name)
		if m == nil {
			return userFault("Object %s doesn't exist", name)
		}
		return work(e, m)
	})
}

func (s *Server) uidOf(login string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := newEnv(s.newTx(), superuser)
	m := e.model("res.users")
	for _, id := range e.rows(m.name).sorted() {
		if e.row(m.name, id).str(m.field("login")) == login {
			return id, nil
		}
	}
	return 0, fmt.Errorf("odootest: no user with login %q", login)
}

// admin is who the Server's own Create, Write, Unlink, Get and Search act as.
const admin = "admin"

// Create makes a record as the administrator and returns its id. Values are plain Go: strings, numbers, booleans, nil or false for
// empty, time.Time for datetimes, an id for a many2one, slices of commands ([]any{6, 0, []int64{1, 2}}) for x2many. A refusal
// gives 0, and Err tells why; use As("admin").Create to have the error at once.
func (s *Server) Create(model string, vals map[string]any) int64 {
	id, err := s.As(admin).Create(model, vals)
	s.fail(err)
	if err != nil {
		return 0
	}
	return id
}

// Write changes a record as the administrator.
func (s *Server) Write(model string, id int64, vals map[string]any) error {
	return s.As(admin).Write(model, id, vals)
}

// Unlink deletes records as the administrator.
func (s *Server) Unlink(model string, ids ...int64) error { return s.As(admin).Unlink(model, ids...) }

// Get reads every field of a record as OdooBot: what read answers, many2one as []any{id, name}, empty as false, datetimes as text; nil when
// there is no such record.
func (s *Server) Get(model string, id int64) (out map[string]any) {
	s.fail(s.transact(superuser, func(e *env) error {
		m := e.model(model)
		if m == nil {
			return userFault("Object %s doesn't exist", model)
		}
		rows, err := e.read(m, []int64{id}, nil, true)
		for _, r := range rows {
			out = r.plain()
		}
		return err
	}))
	return out
}

// Search returns the ids of all matching records, archived ones included, in the model's order.
func (s *Server) Search(model string, domain []any) []int64 {
	var ids []int64
	list, _ := plainValue(domain).([]any)
	s.fail(s.transact(superuser, func(e *env) error {
		m := e.model(model)
		if m == nil {
			return userFault("Object %s doesn't exist", model)
		}
		found, err := e.with("active_test", false).search(m, list, searchOptions{})
		ids = found
		return err
	}))
	return ids
}

// WriteDate is a record's write_date with the microseconds that no answer shows; zero when there is no such record.
func (s *Server) WriteDate(model string, id int64) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.db.table(model).rows[id]; r != nil {
		return r.written.Time()
	}
	return time.Time{}
}

// AddUser makes a user with exactly these groups (by external id, such as "base.group_user" or "hr.group_hr_user", and what they imply) and
// an e-mail address, and returns the id; 0 when it is refused (see Err).
func (s *Server) AddUser(login, password string, groups ...string) (id int64) {
	s.fail(s.transact(superuser, func(e *env) error {
		ids := []any{}
		for _, g := range groups {
			_, gid := e.xmlID(g)
			if gid == 0 {
				return pythonFault("ValueError", "External ID not found in the system: "+g)
			}
			ids = append(ids, gid)
		}
		var err error
		id, err = e.create(e.model("res.users"), values{
			"login": login, "name": login, "password": password, "email": login + "@example.com", "company_id": int64(1),
			"company_ids": []any{[]any{int64(6), int64(0), []any{int64(1)}}}, "groups_id": []any{[]any{int64(6), int64(0), ids}},
		})
		return err
	}))
	return id
}

// Err is the latest error of the direct methods that return none; nil if there was none.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

func (s *Server) fail(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = err
}

// plain is a read's row as a map.
func (r dict) plain() map[string]any {
	out := make(map[string]any, len(r.keys))
	for i, k := range r.keys {
		out[k] = r.vals[i]
	}
	return out
}

func plainValues(vals map[string]any) map[string]any {
	out := make(map[string]any, len(vals))
	for k, v := range vals {
		out[k] = plainValue(v)
	}
	return out
}

// plainValue turns Go values into the ones a decoded request has: int64, float64, string, bool, nil, []any, map[string]any.
func plainValue(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, stamp:
		return v
	case time.Time:
		return stampOf(v).String()
	case map[string]any:
		return plainValues(v)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return int64(r.Uint())
	case reflect.Float32, reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Bool:
		return r.Bool()
	case reflect.Slice, reflect.Array:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = plainValue(r.Index(i).Interface())
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range r.MapKeys() {
			out[k.String()] = plainValue(r.MapIndex(k).Interface())
		}
		return out
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		return plainValue(r.Elem().Interface())
	}
	return fmt.Sprint(v)
}
