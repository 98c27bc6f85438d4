package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// StreamConfig are the settings of a Stream. Client and Handler are required. Durations of 0 take the default; for those
// marked so, below 0 switches the thing off.
type StreamConfig struct {
	Client *Client // its credentials, addresses and transport
	// Handler must keep the event durably and return nil; only then is it acknowledged. An error, a panic or running out of
	// its ctx makes DingTalk send the event again. It is called concurrently, in no order, with repetitions.
	Handler func(context.Context, Event) error
	// OnState is told of every change of the connection, one call at a time; it must not block for long. May be nil.
	OnState func(StreamState)
	Logger  *zap.Logger // default: none
	UA      string      // how this program calls itself to DingTalk; default the client's user agent

	// Topics are callback topics to take besides all events, such as /v1.0/im/bot/messages/get. Their frames reach Handler as
	// Events with the topic for a type and, of a robot's message, the msgId for an ID.
	Topics []string
	// Further are topics that are asked for at every connection: they may change while the Stream runs. May be nil.
	Further func() []string

	Parallel    int           // events handled at once; what comes beyond is asked for again later; default 32
	AckTimeout  time.Duration // deadline of Handler; DingTalk waits 3 s (资源合理使用建议); default 2.5 s
	DialTimeout time.Duration // of the web socket's handshake; default 10 s
	PingEvery   time.Duration // web socket pings; default 1 min; may be off
	PongWait    time.Duration // default 5 s
	IdleTimeout time.Duration // without any application frame the connection is replaced; default 10 min; may be off
	Recycle     time.Duration // age at which a connection is replaced; default 2 h; may be off
	Drain       time.Duration // how long a replaced connection may finish its events; default 5 s
	BackoffMin  time.Duration // first pause between attempts, doubled each time; default 3 s
	BackoffMax  time.Duration // default 60 s
}

// StreamRecycled is the reason of a new connection that took the place of an old one which had nothing wrong with it.
const StreamRecycled = "recycle"

// StreamState is a change of the Stream's connection.
type StreamState struct {
	Connected bool
	// First connection since Run began: what happened while the program was not running is unknown.
	First bool
	// Gap is how long there was no connection before this one (with First: since Run began); 0 where the new one took over from
	// the old. How long DingTalk keeps events for somebody who is not connected is not documented: after a gap, read everything.
	Gap time.Duration
	// Reason of a new connection, or of a loss: "start", "lost", "disconnect" (asked for by the server), "idle", "recycle",
	// "failed" (connecting did not succeed).
	Reason string
	Err    error
}

// Stream receives events over a web socket that this side opens (Stream 模式): no public address, no encryption of its own.
// Delivery is at least once, unordered, and not guaranteed over gaps.
type Stream struct {
	cfg   StreamConfig
	slots chan struct{}
	asked sync.Map // topics that were asked for
}

// NewStream checks the settings. Nothing happens before Run.
func NewStream(cfg StreamConfig) (*Stream, error) {
	if cfg.Client == nil || cfg.Handler == nil {
		return nil, errors.New("dingtalk: a Stream needs a Client and a Handler")
	}
	if cfg.OnState == nil {
		cfg.OnState = func(StreamState) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	cfg.UA = or(cfg.UA, cfg.Client.cfg.UserAgent)
	cfg.Parallel = max(or(cfg.Parallel, 32), 1)
	cfg.AckTimeout = or(cfg.AckTimeout, 2500*time.Millisecond)
	cfg.DialTimeout = or(cfg.DialTimeout, 10*time.Second)
	cfg.PingEvery = or(cfg.PingEvery, time.Minute)
	cfg.PongWait = or(cfg.PongWait, 5*time.Second)
	cfg.IdleTimeout = or(cfg.IdleTimeout, 10*time.Minute)
	cfg.Recycle = or(cfg.Recycle, 2*time.Hour)
	cfg.Drain = or(cfg.Drain, 5*time.Second)
	cfg.BackoffMin = or(cfg.BackoffMin, 3*time.Second)
	cfg.BackoffMax = max(or(cfg.BackoffMax, time.Minute), cfg.BackoffMin)
	return &Stream{cfg: cfg, slots: make(chan struct{}, cfg.Parallel)}, nil
}

// Run keeps a connection open until ctx ends, whose error it returns, having stopped everything it started. A connection that
// the server asks to leave, that is idle or old is closed only when its successor stands.
func (s *Stream) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()

	r := &streamRun{stream: s, lost: time.Now(), reason: "start", first: true}
	for ctx.Err() == nil {
		next, err := s.connect(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.failed(err)
				r.wait(ctx, r.pause(err))
			}
			continue
		}
		conns.Go(func() { next.run(ctx) })
		r.takeOver(next)
		if soon := r.watch(ctx); soon && r.tries > 0 {
			r.wait(ctx, r.pause(nil))
		} else {
			r.tries++
		}
	}
	return ctx.Err()
}

// streamRun is the state of one Run; it is used by its goroutine alone.
type streamRun struct {
	stream  *Stream
	current *streamConn // nil while there is no connection
	lost    time.Time   // when the last one was
	reason  string      // why a connection is being made
	first   bool
	tries   int
}

// takeOver makes next the current connection and lets the one before finish.
func (r *streamRun) takeOver(next *streamConn) {
	state := StreamState{Connected: true, First: r.first, Reason: r.reason}
	r.checkEnded()
	if r.current != nil {
		close(r.current.retire)
	} else {
		state.Gap = time.Since(r.lost)
	}
	r.current, r.first = next, false
	r.stream.cfg.Logger.Info("stream connected",
		zap.String("reason", state.Reason), zap.Duration("gap", state.Gap))
	r.stream.cfg.OnState(state)
}

// watch waits until the current connection ends or should be replaced. It reports whether that came so soon that the
// connection does not prove the far side to be well: a first time is forgiven, then pauses are due.
func (r *streamRun) watch(ctx context.Context) (soon bool) {
	c := r.current
	select {
	case <-ctx.Done():
		return false
	case reason := <-c.replace:
		r.reason = reason
		r.stream.cfg.Logger.Info("stream to be replaced", zap.String("reason", reason))
	case <-c.ended:
		r.checkEnded()
	}
	soon = time.Since(c.since) < r.stream.cfg.BackoffMax
	if !soon {
		r.tries = 0
	}
	return soon
}

// checkEnded notes that the current connection is no more.
func (r *streamRun) checkEnded() {
	if r.current == nil {
		return
	}
	select {
	case <-r.current.ended:
	default:
		return
	}
	err := r.current.err
	r.lost = r.current.endedAt
	r.current, r.reason = nil, "lost"
	r.stream.cfg.Logger.Warn("stream lost", zap.Error(err))
	r.stream.cfg.OnState(StreamState{Reason: "lost", Err: err})
}

func (r *streamRun) failed(err error) {
	r.checkEnded()
	r.stream.cfg.Logger.Warn("stream cannot connect", zap.Error(err), zap.Int("attempt", r.tries+1))
	if r.current == nil {
		r.stream.cfg.OnState(StreamState{Reason: "failed", Err: err})
	}
}

// pause grows from BackoffMin to BackoffMax, with up to 20 % on top; after a halt it is BackoffMax at once, so that what somebody
// puts right is noticed soon.
func (r *streamRun) pause(err error) time.Duration {
	d := min(r.stream.cfg.BackoffMin<<min(r.tries, 20), r.stream.cfg.BackoffMax)
	r.tries++
	if e, ok := errors.AsType[*Error](err); ok && e.Class == Halt {
		d = r.stream.cfg.BackoffMax
	}
	return d + rand.N(d/5+1)
}

// wait pauses; the current connection may end meanwhile.
func (r *streamRun) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		var ended chan struct{}
		if r.current != nil {
			ended = r.current.ended
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-ended:
			r.checkEnded()
		}
	}
}

// call runs the handler. A panic in it is the failure of one event, not of the program.
func (s *Stream) call(ctx context.Context, e Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AckTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			// Its text might quote the event.
			s.cfg.Logger.Error("stream handler panicked", zap.String("panic", fmt.Sprintf("%T", p)), zap.ByteString("stack", debug.Stack()))
			err = fmt.Errorf("handler panicked: %T", p)
		}
	}()
	return s.cfg.Handler(ctx, e)
}

// topics are the callback topics to ask for now. What was asked for once is taken until the end: a connection that asked may still be open.
func (s *Stream) topics() []string {
	topics := slices.Clone(s.cfg.Topics)
	if s.cfg.Further != nil {
		topics = append(topics, s.cfg.Further()...)
	}
	slices.Sort(topics)
	topics = slices.Compact(topics)
	for _, topic := range topics {
		s.asked.Store(topic, true)
	}
	return topics
}

func (s *Stream) takes(topic string) bool {
	_, asked := s.asked.Load(topic)
	return asked
}
