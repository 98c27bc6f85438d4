package odootest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is one Odoo 12 process with one database. All methods are safe for concurrent use.
type Server struct {
	clock    func() time.Time
	database string
	bare     bool
	knobs    knobs

	mu       sync.Mutex // guards the database and what follows: a call holds it from its first read to its commit
	db       *database
	rules    []rule
	age      int              // counts restores
	locks    map[rowKey]*Tx   // rows written by transactions still open
	cached   map[int64]string // passwords that were right once (res.users' __uid_cache)
	failures map[string]failures
	lastErr  error

	onTransaction func(Transaction)

	listenMu sync.Mutex
	addr     string
	http     *http.Server
	serving  sync.WaitGroup
	halt     chan struct{} // closed by Close: calls that wait give up
}

type failures struct {
	count int
	last  time.Time
}

// Option adjusts a Server at creation.
type Option func(*Server)

// WithClock replaces the wall clock: transaction stamps, log-in times and the Date header follow it.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.clock = now } }

// WithDatabase names the database; "o12" if not given.
func WithDatabase(name string) Option { return func(s *Server) { s.database = name } }

// WithJournal sets how many calls the journal remembers; 4096 if not given.
func WithJournal(calls int) Option { return func(s *Server) { s.knobs.journalSize = max(calls, 1) } }

// WithoutHR leaves out the employee (Administrator) and the two departments (Administration, Sales) that the hr module itself
// brings (addons/hr/data/hr_data.xml), so that a test meets only the people it makes.
func WithoutHR() Option { return func(s *Server) { s.bare = true } }

// New returns a server with a fresh database: user admin with password admin (id 2), company 1 "My Company", language en_US, the
// groups, rights and fields of the recorded modules.
func New(opts ...Option) *Server {
	s := &Server{
		clock: time.Now, database: "o12", locks: map[rowKey]*Tx{}, cached: map[int64]string{},
		failures: map[string]failures{}, halt: make(chan struct{}),
	}
	s.knobs.journalSize = 4096
	for _, o := range opts {
		o(s)
	}
	s.db = freshDatabase().clone()
	if s.bare {
		s.fail(s.transact(superuser, func(e *env) error {
			if err := e.unlink(e.model("hr.employee"), []int64{1}); err != nil {
				return err
			}
			return e.unlink(e.model("hr.department"), []int64{1, 2})
		}))
	}
	return s
}

// answer is what a call sends back: a body, an HTTP error, or nothing at all.
type answer struct {
	body   []byte
	status int // of an HTTP error; 0 = 200
	cut    bool
}

// dispatch runs one XML-RPC call with the knobs applied.
func (s *Server) dispatch(service string, body []byte, v1 bool, host string) answer {
	name, params, err := decodeCall(body)
	if err != nil {
		return faultAnswer(err, v1)
	}
	call := describeCall(s.clock(), service, name, params)
	how, failed, down, hook := s.prepare(call)
	if down || !s.pause() {
		return answer{cut: true}
	}
	if hook != nil {
		hook(call)
	}
	if failed && how.kind != failDropAfter {
		call.Fault = how.text
		s.record(call)
		switch how.kind {
		case failHTTP:
			return answer{status: how.code, body: []byte(httpErrorPage(how.code))}
		case failDropBefore:
			return answer{cut: true}
		}
		return answer{body: encodeFault(&fault{code: how.code, text: how.text}, v1)}
	}
	result, err := s.run(call, name, params, host, s.heldBy(call))
	var out []byte
	if err == nil { // what cannot be told is a fault too, after the work is done
		if out, err = encodeResult(result); err != nil {
			err = rawFault(err.Error())
		}
	}
	if err != nil {
		call.Fault = err.Error()
	}
	s.record(call)
	switch {
	case failed || errors.Is(err, errHalted):
		return answer{cut: true}
	case err != nil:
		return faultAnswer(err, v1)
	}
	return answer{body: out}
}

func httpErrorPage(code int) string {
	if code == http.StatusInternalServerError {
		return serverErrorPage
	}
	text := http.StatusText(code)
	return fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body><center><h1>%d %s</h1></center></body>\r\n</html>\r\n", code, text, code, text)
}

func faultAnswer(err error, v1 bool) answer {
	var f *fault
	if !errors.As(err, &f) {
		f = rawFault("Exception: " + err.Error())
	}
	return answer{body: encodeFault(f, v1)}
}

// describeCall is what the journal and the matchers see; passwords are not in it.
func describeCall(now time.Time, service, name string, params []any) Call {
	c := Call{Time: now, Service: service, Method: name}
	if service != "object" || len(params) < 5 {
		return c
	}
	c.UID, _ = toInt(params[1])
	c.Model, _ = params[3].(string)
	c.Method, _ = params[4].(string)
	if name == "execute" {
		c.Args = params[5:]
		return c
	}
	if len(params) > 5 {
		c.Args, _ = params[5].([]any)
	}
	if len(params) > 6 {
		if kwargs, ok := params[6].(map[string]any); ok {
			c.Kwargs = plainValues(kwargs) // a copy: the lock in the context is consumed by the call
		}
	}
	return c
}

func (s *Server) run(call Call, name string, params []any, host string, held <-chan struct{}) (any, error) {
	switch call.Service {
	case "common":
		return s.common(name, params, host)
	case "object":
		return s.object(call, name, params, host, held)
	case "db":
		return s.dbService(name, params)
	}
	return nil, rawFault("UnboundLocalError: local variable 'dispatch' referenced before assignment")
}

func (s *Server) common(name string, params []any, host string) (any, error) {
	switch name {
	case "version":
		return values{
			"server_version": "12.0", "server_version_info": []any{int64(12), int64(0), int64(0), "final", int64(0), ""},
			"server_serie": "12.0", "protocol_version": int64(1),
		}, nil
	case "about":
		return "See http://openerp.com", nil
	case "login", "authenticate":
		want := map[string]int{"login": 3, "authenticate": 4}[name]
		if len(params) != want {
			return nil, pythonFault("TypeError", fmt.Sprintf("exp_%s() takes %d positional arguments but %d were given", name, want, len(params)))
		}
		return s.authenticate(params, host)
	}
	return nil, rawFault("Exception: Method not found: " + name)
}

func (s *Server) dbService(name string, params []any) (any, error) {
	switch name {
	case "list":
		return []any{s.database}, nil
	case "server_version":
		return "12.0", nil
	case "db_exist":
		return len(params) > 0 && params[0] == s.database, nil
	}
	return nil, rawFault("KeyError: " + pyQuote("exp_"+name))
}

func (s *Server) object(call Call, name string, params []any, host string, held <-chan struct{}) (any, error) {
	if len(params) < 3 {
		return nil, rawFault("IndexError: tuple index out of range")
	}
	if name != "execute" && name != "execute_kw" {
		return nil, rawFault("NameError: Method not available " + name)
	}
	uid, err := s.check(params[0], params[1], params[2], host)
	if err != nil {
		return nil, err
	}
	model, method, args, kwargs, err := objectArgs(name, params[3:])
	if err != nil {
		return nil, err
	}
	var result any
	work := func(e *env) (err error) {
		result, err = e.execute(model, method, args, kwargs)
		return err
	}
	if held != nil {
		err = s.slowly(uid, call, held, work)
	} else {
		err = s.transactFor(uid, call, work)
	}
	return result, err
}

func objectArgs(name string, rest []any) (model, method string, args []any, kwargs map[string]any, err error) {
	want := map[string]int{"execute": 2, "execute_kw": 3}[name]
	if len(rest) < want {
		missing := []string{"obj", "method", "args"}[len(rest)]
		return "", "", nil, nil, pythonFault("TypeError", name+"() missing 1 required positional argument: "+pyQuote(missing))
	}
	model, method = pyStr(rest[0]), pyStr(rest[1])
	if name == "execute" {
		return model, method, rest[2:], nil, nil
	}
	args, ok := rest[2].([]any)
	if !ok {
		return "", "", nil, nil, rawFault("TypeError: execute() argument after * must be an iterable, not " + pyType(rest[2]))
	}
	if len(rest) > 3 && truthy(rest[3]) {
		if kwargs, ok = rest[3].(map[string]any); !ok {
			return "", "", nil, nil, rawFault("TypeError: execute() argument after ** must be a mapping, not " + pyType(rest[3]))
		}
	}
	return model, method, args, kwargs, nil
}

const (
	cooldownAfter = 10               // base.login_cooldown_after
	cooldownFor   = 60 * time.Second // base.login_cooldown_duration
)

func (s *Server) cooling(host string) bool {
	f := s.failures[host]
	return f.count >= cooldownAfter && s.clock().Sub(f.last) < cooldownFor
}

func (s *Server) failedLogin(host string) {
	s.failures[host] = failures{s.failures[host].count + 1, s.clock()}
}

// authenticate answers the user's id, or False for anything wrong: no fault. Archived users cannot log in.
func (s *Server) authenticate(params []any, host string) (any, error) {
	if params[0] != s.database {
		return nil, noDatabase(pyStr(params[0]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cooling(host) {
		return false, nil
	}
	e := newEnv(s.newTx(), superuser)
	users := e.model("res.users")
	ids, err := e.search(users, []any{[]any{"login", "=", params[1]}}, searchOptions{})
	if err != nil {
		return nil, err
	}
	password, _ := params[2].(string)
	if len(ids) == 0 || !e.passwordOf(ids[0], password) {
		s.failedLogin(host)
		return false, nil
	}
	delete(s.failures, host)
	t := s.newTx()
	if _, err := newEnv(t, ids[0]).create(e.model(loginModel), nil); err != nil {
		t.rollback()
		return nil, err
	}
	t.commit()
	return ids[0], nil
}

// passwordOf compares with the stored password or the OAuth token, which Odoo takes for one.
func (e *env) passwordOf(uid int64, given string) bool {
	m := e.model("res.users")
	r := e.row(m.name, uid)
	return given != "" && (r.str(hidden(m)) == given || r.str(m.field("oauth_access_token")) == given)
}

// check is odoo/service/security.py: the credentials of every call. An archived user passes; a wrong id is a TypeError, not a denial.
func (s *Server) check(db, user, password any, host string) (int64, error) {
	if db != s.database {
		return 0, noDatabase(pyStr(db))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	given, _ := password.(string)
	if given == "" {
		return 0, accessDenied()
	}
	uid, isInt := user.(int64)
	if !isInt {
		return 0, pythonFault("psycopg2.errors.UndefinedFunction", "operator does not exist: integer = boolean\n"+
			"LINE 1: SELECT COALESCE(password, '') FROM res_users WHERE id=false\n"+strings.Repeat(" ", 61)+"^\n"+
			"HINT:  No operator matches the given name and argument types. You might need to add explicit type casts.\n")
	}
	e := newEnv(s.newTx(), superuser)
	if e.row("res.users", uid) == nil {
		return 0, rawFault("TypeError: cannot unpack non-iterable NoneType object")
	}
	valid := e.passwordOf(uid, given)
	if valid && s.cached[uid] == given {
		return uid, nil
	}
	if s.cooling(host) {
		f := accessDenied()
		f.text = "Too many login failures, please wait a bit before trying again."
		return 0, f
	}
	if !valid {
		s.failedLogin(host)
		return 0, accessDenied()
	}
	delete(s.failures, host)
	s.cached[uid] = given
	return uid, nil
}
