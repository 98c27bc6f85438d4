package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/bridge/web"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// The halts of the source of events.
const (
	haltStream     = "stream"
	haltFailedList = "failed list" // see run_failed.go
)

// inbox keeps events durably from the first moment on, also before the engine runs.
type inbox struct {
	store  bridge.Store
	corp   string // events of another corp are dropped; "" takes all
	log    *zap.Logger
	now    func() time.Time
	zone   *time.Location
	counts func(eventType string) bool // against the quota of pushes
	engine atomic.Pointer[bridge.Engine]
	topics atomic.Pointer[[]string] // callback topics that the mappings in force ask for
	unkept atomic.Bool              // an event came that the store could not keep: DingTalk sends it again, but only for a minute

	mu        sync.Mutex
	connected chan struct{} // closed at the first connection of the stream; nil without a stream
}

// hear lets the next connection of the stream ask for what the mappings want beside events: what people say to the robot.
func (in *inbox) hear(set *mapping.Set) {
	var topics []string
	if len(set.ByKind(dingtalk.RobotInboxKind.Name)) > 0 {
		topics = append(topics, dingtalk.TopicRobot)
	}
	in.topics.Store(&topics)
}

// wanted are the topics to ask for.
func (in *inbox) wanted() []string {
	if topics := in.topics.Load(); topics != nil {
		return *topics
	}
	return nil
}

// AddEvent implements web.Inbox. Events are kept whoever is active: no lease is needed.
func (in *inbox) AddEvent(ctx context.Context, ev bridge.InboxEvent) (fresh bool, err error) {
	ctx = bridge.WithLease(ctx, nil)
	defer func() {
		if err != nil && ctx.Err() == nil {
			in.unkept.Store(true)
		}
	}()
	if e := in.engine.Load(); e != nil {
		return e.AddEvent(ctx, ev)
	}
	if ev.Received.IsZero() {
		ev.Received = in.now()
	}
	fresh, _, err = bridge.KeepEvent(ctx, in.store, ev, in.zone, in.counts)
	return fresh, err
}

// take keeps an event of the client.
func (in *inbox) take(ctx context.Context, ev dingtalk.Event, via string) error {
	if in.corp != "" && ev.CorpID != "" && ev.CorpID != in.corp {
		in.log.Warn("event of another corp dropped", zap.String("op", "event"), zap.String("corp", ev.CorpID))
		return nil
	}
	_, err := in.AddEvent(ctx, bridge.InboxEvent{ID: ev.ID, Type: ev.Type, Born: ev.Born, Received: in.now().UTC(), Via: via, Data: ev.Data})
	return err
}

// missed lets the engine look at everything; before it runs there is no need: it begins with that.
func (in *inbox) missed(gap bool) {
	if e := in.engine.Load(); e != nil {
		e.MissedEvents(gap)
	}
}

// keepAgain waits until the store can be written after it could not keep an event; then everything is compared.
func (in *inbox) keepAgain(ctx context.Context, every time.Duration) {
	for pause(ctx, every) {
		if !in.unkept.Load() {
			continue
		}
		err := in.store.Update(ctx, func(tx bridge.Tx) error {
			return tx.SetMeta("events not kept", in.now().UTC().Format(time.RFC3339Nano))
		})
		if err == nil {
			in.unkept.Store(false)
			in.missed(true)
		}
	}
}

// expect prepares for the events of the mode: those of a stream have a first connection.
func (in *inbox) expect(mode string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.connected = nil
	if mode == "stream" {
		in.connected = make(chan struct{})
	}
}

// hasConnected says that the stream is connected.
func (in *inbox) hasConnected() {
	in.mu.Lock()
	defer in.mu.Unlock()
	select {
	case <-in.connected:
	default:
		close(in.connected)
	}
}

// connect waits for the stream's first connection, but not for long: a first sweep that comes after it misses nothing.
func (in *inbox) connect(ctx context.Context, patience time.Duration) {
	in.mu.Lock()
	connected := in.connected
	in.mu.Unlock()
	if connected == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-connected:
	case <-timer.C:
	}
}

// mux serves health and metrics, and the callback where events come by HTTP.
func (d *daemon) mux() (*http.ServeMux, error) {
	endpoints := web.Endpoints{Health: d.health, Metrics: d.registry, Logger: d.log}
	if d.settings.DingTalk.Mode == "callback" {
		crypter, err := newOwners(d.settings)
		if err != nil {
			return nil, usage(err)
		}
		endpoints.Callback, err = web.NewCallback(web.CallbackConfig{
			Inbox: d.inbox, Crypter: crypter, Window: d.settings.DingTalk.Callback.Window, Registry: d.registry, Logger: d.log, Now: d.pace.now,
		})
		if err != nil {
			return nil, err
		}
	}
	return web.NewMux(endpoints), nil
}

// events brings DingTalk's events into the inbox, the way the settings name, until ctx ends.
func (d *daemon) events(ctx context.Context) error {
	switch d.settings.DingTalk.Mode {
	case "stream":
		return d.stream(ctx)
	case "callback":
		d.drainFailed(ctx)
	}
	return nil
}

// stream receives events over a connection of ours. After a gap everything is looked at: what happened meanwhile is unknown.
func (d *daemon) stream(ctx context.Context) error {
	config := dingtalk.StreamConfig{
		Client: d.ding, Logger: d.log, Further: d.inbox.wanted,
		Handler: func(ctx context.Context, ev dingtalk.Event) error { return d.inbox.take(ctx, ev, bridge.ViaStream) },
		OnState: func(s dingtalk.StreamState) {
			d.health.feeds(d.settings.DingTalk.Mode, s.Connected, s.Reason)
			if !s.Connected {
				why := s.Reason
				if s.Err != nil {
					why += ": " + s.Err.Error()
				}
				d.health.halt(haltStream, why, d.pace.gate.max)
				return
			}
			d.health.clear(haltStream)
			// What happened between two connections is told nowhere, not even when they overlap; and a connection that was lost, silent or
			// sent away may have swallowed events before.
			d.inbox.missed(s.Gap > 0 || s.Reason != dingtalk.StreamRecycled)
			d.inbox.hasConnected()
		},
	}
	if d.pace.stream != nil {
		d.pace.stream(&config)
	}
	stream, err := dingtalk.NewStream(config)
	if err != nil {
		return err
	}
	if err := stream.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// owners decrypts callbacks of subscriptions made in the console, which carry the AppKey, and of those registered by the old API,
// which carry the CorpId; answers carry what the last request did.
type owners struct {
	crypters []*dingtalk.Crypter
	last     atomic.Int32
}

func newOwners(s *Settings) (*owners, error) {
	o := &owners{}
	for _, owner := range []string{s.DingTalk.AppKey, s.DingTalk.CorpID} {
		if owner == "" {
			continue
		}
		c, err := dingtalk.NewCrypter(s.DingTalk.Callback.Token.Reveal(), s.DingTalk.Callback.AESKey.Reveal(), owner)
		if err != nil {
			return nil, err
		}
		o.crypters = append(o.crypters, c)
	}
	return o, nil
}

// Decrypt implements web.Crypter.
func (o *owners) Decrypt(signature, timestamp, nonce, encrypt string) (plain []byte, err error) {
	for i, c := range o.crypters {
		plain, err = c.Decrypt(signature, timestamp, nonce, encrypt)
		if err == nil {
			o.last.Store(int32(i))
		}
		if !errors.Is(err, dingtalk.ErrOwner) {
			break
		}
	}
	return plain, err
}

// Encrypt implements web.Crypter.
func (o *owners) Encrypt(msg []byte) (dingtalk.Reply, error) {
	return o.crypters[o.last.Load()].Encrypt(msg)
}
