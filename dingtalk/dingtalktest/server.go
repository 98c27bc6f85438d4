package dingtalktest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is one corp with one internal app. Make it with New, serve it with Start (or put Handler behind a server of
// your own), end it with Close. All methods may be called from any goroutine.
type Server struct {
	corpID, appKey, appSecret string
	agentID                   int64
	now                       func() time.Time
	mux                       *http.ServeMux

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu          sync.Mutex
	knobs       Knobs
	dice        *rand.Rand
	dir         *directory
	scope       scope
	tokens      map[string]time.Time // app tokens and their ends
	token       string               // the present app token
	tokenSeq    int
	rates       map[string]*rate
	failures    []*failureRule
	bannedUntil time.Time
	use         use
	hook        func(Request)

	journal                               []*Request
	requestSeq, writes, counted, rejected int
	calls, sent, applied                  map[string]int

	approvals  approvals
	attendance []*AttendanceApproval // what it was told, in the order of the first time
	todos      shelf[Todo]
	calendar   calendar
	groups     groups

	login    login
	notices  notices
	messages messages
	events   eventLog
	push     pushTarget
	pusher   *http.Client
	closing  bool
	streams  streamHub
	timers   pump // short work at a given time
	lane     pump // first sends of callbacks, one after the other
	retries  pump // later sends of callbacks
	changed  chan struct{}
	url      string
	server   *http.Server
	listener net.Listener
}

// Option sets up a Server at New.
type Option func(*Server)

// WithCorp sets the CorpId (default ding0000test).
func WithCorp(corpID string) Option { return func(s *Server) { s.corpID = corpID } }

// WithApp sets the app's credentials (default dingtestkey, testsecret).
func WithApp(appKey, appSecret string) Option {
	return func(s *Server) { s.appKey, s.appSecret = appKey, appSecret }
}

// WithAgent sets the app's AgentId, which work notices need (default 1000001).
func WithAgent(id int64) Option { return func(s *Server) { s.agentID = id } }

// WithClock sets the server's clock (default time.Now). Tokens, tickets, bans, call rates, stale reads, leave
// records and event times follow it; waits of deliveries run in real time (see Knobs.Scale).
func WithClock(now func() time.Time) Option { return func(s *Server) { s.now = now } }

// New makes a corp with the root department 1, the default role group, and the default knobs.
func New(opts ...Option) *Server {
	s := &Server{
		corpID: "ding0000test", appKey: "dingtestkey", appSecret: "testsecret",
		agentID: 1000001, now: time.Now,
		knobs:  DefaultKnobs(),
		dice:   newDice(0),
		tokens: map[string]time.Time{},
		rates:  map[string]*rate{},
		calls:  map[string]int{}, sent: map[string]int{}, applied: map[string]int{},
		changed: make(chan struct{}),
		pusher:  newPusher(),
	}
	for _, opt := range opts {
		opt(s)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.dir = newDirectory(s.corpID, s.now())
	s.scope = scope{departments: map[int64]bool{rootID: true}, users: map[string]bool{}}
	s.events.run = strings.ToLower(randomText(12))
	s.approvals = newApprovals()
	s.todos, s.calendar, s.groups = newShelf[Todo](), newCalendar(), newGroups()
	s.streams.conns = map[string]*streamConn{}
	s.streams.tickets = map[string]ticket{}
	s.streams.awaiting = map[string]*delivery{}
	s.login.codes = map[string]loginCode{}
	s.login.tokens = map[string]userToken{}
	s.mux = s.routes()
	return s
}

func newDice(seed int64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0x64696e67)) }

// CorpID returns the CorpId.
func (s *Server) CorpID() string { return s.corpID }

// AppKey returns the app's key (Client ID).
func (s *Server) AppKey() string { return s.appKey }

// AppSecret returns the app's secret (Client Secret).
func (s *Server) AppSecret() string { return s.appSecret }

// AgentID returns the app's AgentId.
func (s *Server) AgentID() int64 { return s.agentID }

// Set changes the knobs; a new Seed starts the dice anew.
func (s *Server) Set(change func(*Knobs)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seed := s.knobs.Seed
	change(&s.knobs)
	if s.knobs.Seed != seed {
		s.dice = newDice(s.knobs.Seed)
	}
}

// Handler serves every host of DingTalk and the Stream endpoint; base URLs of all of them are the same.
func (s *Server) Handler() http.Handler { return s.mux }

// Start listens on addr ("" means a free port of 127.0.0.1) and returns the base URL, without a slash at its end.
func (s *Server) Start(addr string) (url string, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return "", errors.New("dingtalk stand-in: already started")
	}
	if s.ctx.Err() != nil {
		return "", errors.New("dingtalk stand-in: closed")
	}
	s.listener, err = (&net.ListenConfig{}).Listen(s.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("dingtalk stand-in: listen: %w", err)
	}
	s.url = "http://" + reachable(s.listener.Addr().String())
	s.server = &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second}
	server, listener := s.server, s.listener
	s.wg.Go(func() { // ends with Close
		// Serve ends with ErrServerClosed by Close; any other end shows as refused connections.
		_ = server.Serve(listener)
	})
	return s.url, nil
}

// reachable turns the address of a listener on all interfaces into one that can be dialled here.
func reachable(addr string) string {
	for _, all := range []string{"[::]:", "0.0.0.0:"} {
		if rest, ok := strings.CutPrefix(addr, all); ok {
			return "127.0.0.1:" + rest
		}
	}
	return addr
}

// URL is the base URL after Start, "" before.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Close ends everything the server runs: listener, Stream connections, deliveries. Events still under way stay in
// the journal as they are. Closing twice is harmless.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	s.closing = true
	server := s.server
	conns := s.streams.all()
	s.mu.Unlock()
	for _, c := range conns {
		c.drop()
	}
	if server != nil {
		// Close cuts open connections; its error is that of a listener already closed.
		_ = server.Close()
	}
	s.timers.stop()
	s.lane.stop()
	s.retries.stop()
	s.wg.Wait()
}

// bump wakes everybody who waits for a change; call it with the lock held.
func (s *Server) bump() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// waitFor blocks until done, called with the lock held, is true.
func (s *Server) waitFor(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errors.New("dingtalk stand-in: closed")
		}
	}
}
