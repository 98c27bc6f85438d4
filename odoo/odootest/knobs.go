package odootest

import (
	"slices"
	"sync"
	"time"
)

// Call is one remote call as the journal keeps it. For the services "common" and "db" Model and UID are empty.
type Call struct {
	Time    time.Time
	Service string // "object", "common" or "db"
	UID     int64
	Model   string
	Method  string
	Args    []any          // the positional arguments of the method, decoded
	Kwargs  map[string]any // its keyword arguments
	Fault   string         // the fault answered ("class: message"), "" for a result
}

// Failure is a way for a call to go wrong; see Server.Fail.
type Failure struct {
	kind failureKind
	code int
	text string
}

type failureKind int

const (
	failFault failureKind = iota
	failHTTP
	failDropBefore
	failDropAfter
)

// The failures that need no argument.
var (
	HTTP502    = Failure{kind: failHTTP, code: 502, text: "Bad Gateway"}           // a proxy in front of Odoo gives up; the call does not run
	HTTP500    = Failure{kind: failHTTP, code: 500, text: "Internal Server Error"} // Odoo's HTML page when its pool is exhausted; the call does not run
	DropBefore = Failure{kind: failDropBefore, text: "connection cut"}             // the connection is cut before the call runs
	DropAfter  = Failure{kind: failDropAfter}                                      // the call runs and commits, its answer is lost
	// SerializationFailure is what Odoo answers after five retries of its own; nothing is written.
	SerializationFailure = Failure{failFault, 1, serializationFault().text}
	// DatabaseDown is the answer while PostgreSQL is stopped under Odoo.
	DatabaseDown = Failure{failFault, 1, databaseDown().text}
	// PoolFull is the answer when Odoo has no database connection left.
	PoolFull = Failure{failFault, 1, pythonFault("psycopg2.pool.PoolError", "The Connection Pool Is Full").text}
)

// Fault is a failure answered as an XML-RPC fault with this code and text; the call does not run.
func Fault(code int, text string) Failure { return Failure{kind: failFault, code: code, text: text} }

type knobs struct {
	mu          sync.Mutex
	latency     time.Duration
	failures    []*failing
	onCall      func(Call)
	holds       []*hold
	journal     []Call // a ring, oldest at journalNext once full
	journalNext int
	journalSize int
	down        bool
}

type hold struct {
	match    func(Call) bool
	released chan struct{}
}

type failing struct {
	match func(Call) bool
	left  int // negative: without end
	how   Failure
}

// Latency makes every call take at least d before it runs.
func (s *Server) Latency(d time.Duration) {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.latency = d
}

// Fail makes the next n calls that match go wrong (n < 0: all from now on). A nil match matches every call. Several failures may be
// set; the first that matches is used up first.
func (s *Server) Fail(match func(Call) bool, n int, how Failure) {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.failures = append(s.knobs.failures, &failing{match, n, how})
}

// Heal forgets every failure set by Fail.
func (s *Server) Heal() {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.failures = nil
}

// Hold keeps calls that match from committing: they run, their rows are locked, their stamp is that of their start, but nobody sees what
// they wrote and they do not answer until release is called. Calls that create manual models or fields cannot be held.
func (s *Server) Hold(match func(Call) bool) (release func()) {
	h := &hold{match, make(chan struct{})}
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.holds = append(s.knobs.holds, h)
	return sync.OnceFunc(func() {
		s.knobs.mu.Lock()
		defer s.knobs.mu.Unlock()
		s.knobs.holds = slices.DeleteFunc(s.knobs.holds, func(x *hold) bool { return x == h })
		close(h.released)
	})
}

// heldBy is the channel that releases a call; nil when nothing holds it.
func (s *Server) heldBy(c Call) <-chan struct{} {
	s.knobs.mu.Lock()
	holds := slices.Clone(s.knobs.holds)
	s.knobs.mu.Unlock()
	for _, h := range holds {
		if h.match(c) {
			return h.released
		}
	}
	return nil
}

// OnCall sets a hook that is called for each remote call before it runs, outside the database's lock: it may use the server, so a test
// can edit a record between a client's read and its write. nil removes it.
func (s *Server) OnCall(hook func(Call)) {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.onCall = hook
}

// Rule takes from the user with this login the sight of the model's records outside domain, as an ir.rule does: search does not
// find them, read and write of them fault (4, AccessError), exists still shows them. A nil domain takes the user's rules on the
// model away again.
func (s *Server) Rule(model, login string, domain []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if domain == nil {
		s.rules = slices.DeleteFunc(s.rules, func(r rule) bool { return r.model == model && r.login == login })
		return
	}
	plain, _ := plainValue(domain).([]any)
	s.rules = append(s.rules, rule{model, login, plain})
}

// Journal returns the remembered calls, oldest first.
func (s *Server) Journal() []Call {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	k := &s.knobs
	out := make([]Call, 0, len(k.journal))
	if len(k.journal) == k.journalSize {
		out = append(out, k.journal[k.journalNext:]...)
		return append(out, k.journal[:k.journalNext]...)
	}
	return append(out, k.journal...)
}

// Calls counts the remembered calls of a method on a model; "" stands for any.
func (s *Server) Calls(model, method string) int {
	n := 0
	for _, c := range s.Journal() {
		if (model == "" || c.Model == model) && (method == "" || c.Method == method) {
			n++
		}
	}
	return n
}

// ResetJournal forgets the calls so far.
func (s *Server) ResetJournal() {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	s.knobs.journal, s.knobs.journalNext = nil, 0
}

func (s *Server) record(c Call) {
	s.knobs.mu.Lock()
	defer s.knobs.mu.Unlock()
	k := &s.knobs
	if len(k.journal) < k.journalSize {
		k.journal = append(k.journal, c)
		return
	}
	k.journal[k.journalNext] = c
	k.journalNext = (k.journalNext + 1) % k.journalSize
}

// prepare looks up what the knobs have in store for a call. Matchers run outside the lock: they may look at the journal.
func (s *Server) prepare(c Call) (how Failure, failed, down bool, hook func(Call)) {
	s.knobs.mu.Lock()
	down, hook = s.knobs.down, s.knobs.onCall
	candidates := append([]*failing(nil), s.knobs.failures...)
	s.knobs.mu.Unlock()
	for _, f := range candidates {
		if f.match != nil && !f.match(c) {
			continue
		}
		s.knobs.mu.Lock()
		used := f.left == 0
		if f.left > 0 {
			f.left--
		}
		s.knobs.mu.Unlock()
		if !used {
			return f.how, true, down, hook
		}
	}
	return Failure{}, false, down, hook
}

// pause waits for the latency; false when the server closed meanwhile.
func (s *Server) pause() bool {
	s.knobs.mu.Lock()
	d := s.knobs.latency
	s.knobs.mu.Unlock()
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.halt:
		return false
	}
}
