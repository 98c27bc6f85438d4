package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

// Bounds on a request before its signature is known to be right.
const (
	maxBody     = 1 << 20
	maxQuery    = 1 << 10 // of the raw query, in bytes: three short values
	maxSigned   = 64      // of a signature: 40 hexadecimal digits
	maxInFlight = 32      // requests whose body is read or whose event is kept
)

// Inbox keeps events durably. fresh is false for an event that was kept before.
type Inbox interface {
	AddEvent(ctx context.Context, e bridge.InboxEvent) (fresh bool, err error)
}

// Crypter is the callback encryption; *dingtalk.Crypter is one. Decrypt returns dingtalk.ErrSignature, dingtalk.ErrDecrypt or
// dingtalk.ErrOwner (errors.Is).
type Crypter interface {
	Decrypt(signature, timestamp, nonce, encrypt string) ([]byte, error)
	Encrypt(msg []byte) (dingtalk.Reply, error)
}

// CallbackConfig is what a callback handler needs. Inbox and Crypter are required; a zero value elsewhere is its default.
type CallbackConfig struct {
	Inbox   Inbox
	Crypter Crypter
	// Window is how far the signed timestamp may be from now, in either direction; 1 h. DingTalk repeats a failed delivery after 10
	// and 30 more seconds (HTTP回调概述); whether with a new signature is not documented.
	Window time.Duration
	// Remember is how many signatures of the window are kept to recognise a repeated request; 50,000.
	Remember int
	// Deadline is the time to receive a request, and again that to keep its event; 2 s, because DingTalk waits 2.5 s for the answer
	// (开发事件推送服务).
	Deadline time.Duration
	Now      func() time.Time // time.Now
	Registry prometheus.Registerer
	Logger   *zap.Logger
}

// Callback answers POST /dingtalk/callback (开发事件推送服务): it checks the signature, decrypts, keeps the event in the Inbox and only
// then answers the encrypted "success". A request that was answered so before is answered so again and nothing else is done: DingTalk
// may have lost the answer, and somebody who recorded the request gains nothing. Anything else is a status that DingTalk takes as a
// failed delivery and repeats. Every request is counted by its outcome in dingbridge_callback_requests_total.
type Callback struct {
	cfg      CallbackConfig
	replays  *replays
	refusals *refusals
	slots    *semaphore.Weighted
	outcomes *prometheus.CounterVec
}

// NewCallback makes the handler; an error is a duplicate registration of its metrics.
func NewCallback(cfg CallbackConfig) (*Callback, error) {
	if cfg.Window <= 0 {
		cfg.Window = time.Hour
	}
	if cfg.Remember <= 0 {
		cfg.Remember = 50_000
	}
	if cfg.Deadline <= 0 {
		cfg.Deadline = 2 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	c := &Callback{
		cfg:      cfg,
		replays:  newReplays(cfg.Remember),
		refusals: newRefusals(cfg.Logger),
		slots:    semaphore.NewWeighted(maxInFlight),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dingbridge_callback_requests_total",
			Help: "Requests to the DingTalk callback address by outcome.",
		}, []string{"outcome"}),
	}
	for _, o := range outcomes {
		c.outcomes.WithLabelValues(string(o)) // so that each exists from the start
	}
	if cfg.Registry != nil {
		if err := cfg.Registry.Register(c.outcomes); err != nil {
			return nil, fmt.Errorf("metrics of the callback: %w", err)
		}
	}
	return c, nil
}

// outcome is how a request ended: a closed set, because it is a metric's label.
type outcome string

const (
	kept      outcome = "kept"
	duplicate outcome = "duplicate" // an event that was there already: answered the same
	checked   outcome = "check_url"
	badMethod outcome = "method"
	tooLarge  outcome = "too_large"
	malformed outcome = "malformed"
	stale     outcome = "stale"
	unsigned  outcome = "signature"
	unread    outcome = "decrypt"
	foreign   outcome = "owner"
	replayed  outcome = "replay" // a request that was answered before, answered the same
	busy      outcome = "busy"
	noEvent   outcome = "event"
	unkept    outcome = "store"
	unsealed  outcome = "encrypt"
	crashed   outcome = "panic"
)

var outcomes = []outcome{
	kept, duplicate, checked, badMethod, tooLarge, malformed, stale, unsigned, unread, foreign, replayed, busy, noEvent, unkept, unsealed, crashed,
}

// refusal is a request that is not answered with success. The words are for the log and for the answer: they never
// contain anything of the request.
type refusal struct {
	outcome outcome
	status  int
	words   string
	cause   error // for the log only
}

func (r *refusal) Error() string { return r.words }

func refuse(o outcome, status int, words string, cause error) *refusal {
	return &refusal{outcome: o, status: status, words: words, cause: cause}
}

// ServeHTTP implements http.Handler.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result, reply, refused := c.guarded(w, r)
	if refused != nil {
		c.outcomes.WithLabelValues(string(refused.outcome)).Inc()
		c.refusals.tell(refused, c.cfg.Now())
		if refused.outcome == badMethod {
			w.Header().Set("Allow", http.MethodPost)
		}
		http.Error(w, refused.words, refused.status)
		return
	}
	c.outcomes.WithLabelValues(string(result)).Inc()
	answer(w, c.cfg.Logger, http.StatusOK, reply)
}

// guarded turns a panic below into a refusal.
func (c *Callback) guarded(w http.ResponseWriter, r *http.Request) (result outcome, reply dingtalk.Reply, refused *refusal) {
	defer func() {
		if p := recover(); p != nil {
			refused = refuse(crashed, http.StatusInternalServerError, "internal error", fmt.Errorf("panic: %T", p)) // its text might quote the event
			c.cfg.Logger.Error("callback panicked", zap.Stack("stack"))
		}
	}()
	return c.handle(w, r)
}

func (c *Callback) handle(w http.ResponseWriter, r *http.Request) (outcome, dingtalk.Reply, *refusal) {
	in, refused := c.readQuery(r)
	if refused != nil {
		return "", dingtalk.Reply{}, refused
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.Deadline)
	defer cancel()
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return "", dingtalk.Reply{}, refuse(busy, http.StatusServiceUnavailable, "too many requests at once", nil)
	}
	defer c.slots.Release(1)
	if refused := c.readBody(w, r, &in); refused != nil {
		return "", dingtalk.Reply{}, refused
	}
	plain, err := c.cfg.Crypter.Decrypt(in.signature, in.timestamp, in.nonce, in.encrypt)
	switch {
	case errors.Is(err, dingtalk.ErrSignature):
		return "", dingtalk.Reply{}, refuse(unsigned, http.StatusForbidden, "the signature does not match", nil)
	case err != nil: // answered alike: whoever knows the token but not the key learns nothing about what a ciphertext holds
		o := unread
		if errors.Is(err, dingtalk.ErrOwner) {
			o = foreign
		}
		return "", dingtalk.Reply{}, refuse(o, http.StatusBadRequest, "cannot be decrypted", nil)
	}
	if c.replays.known(in.signature) {
		return c.success(replayed)
	}
	result, refused := c.keep(r.Context(), plain)
	if refused != nil {
		return "", dingtalk.Reply{}, refused
	}
	// Only signed requests are remembered, so that strangers cannot push anything out; and only those whose event is kept, so that
	// one that comes twice at once is not acknowledged before.
	c.replays.add(in.signature, c.cfg.Now(), in.at.Add(c.cfg.Window))
	return c.success(result)
}

// keep stores the event.
func (c *Callback) keep(ctx context.Context, plain []byte) (outcome, *refusal) {
	e, err := dingtalk.ParseCallback(plain)
	if err != nil {
		return "", refuse(noEvent, http.StatusBadRequest, "not an event", nil)
	}
	if e.Type == "check_url" {
		return checked, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Deadline)
	defer cancel()
	fresh, err := c.cfg.Inbox.AddEvent(ctx, bridge.InboxEvent{
		ID: e.ID, Type: e.Type, Born: e.Born, Received: c.cfg.Now().UTC(), Via: bridge.ViaCallback, Data: e.Data,
	})
	switch {
	case err != nil:
		return "", refuse(unkept, http.StatusServiceUnavailable, "the event could not be kept", err)
	case fresh:
		return kept, nil
	}
	return duplicate, nil
}

// success seals the answer that DingTalk waits for.
func (c *Callback) success(result outcome) (outcome, dingtalk.Reply, *refusal) {
	reply, err := c.cfg.Crypter.Encrypt([]byte("success"))
	if err != nil {
		return "", dingtalk.Reply{}, refuse(unsealed, http.StatusInternalServerError, "the answer could not be encrypted", err)
	}
	return result, reply, nil
}

// input is what a callback request carries.
type input struct {
	signature, timestamp, nonce, encrypt string
	at                                   time.Time
}

// readQuery checks what can be checked without reading the body.
func (c *Callback) readQuery(r *http.Request) (input, *refusal) {
	if r.Method != http.MethodPost {
		return input{}, refuse(badMethod, http.StatusMethodNotAllowed, "only POST", nil)
	}
	if len(r.URL.RawQuery) > maxQuery {
		return input{}, refuse(malformed, http.StatusBadRequest, "the query is too long", nil)
	}
	if r.ContentLength > maxBody {
		return input{}, refuse(tooLarge, http.StatusRequestEntityTooLarge, "the body is too long", nil)
	}
	q := r.URL.Query()
	in := input{timestamp: q.Get("timestamp"), nonce: q.Get("nonce"), signature: q.Get("signature")}
	if in.signature == "" {
		in.signature = q.Get("msg_signature") // the documents use both names
	}
	if in.signature == "" || len(in.signature) > maxSigned || in.timestamp == "" || in.nonce == "" {
		return input{}, refuse(malformed, http.StatusBadRequest, "signature, timestamp or nonce is missing", nil)
	}
	number, err := strconv.ParseInt(in.timestamp, 10, 64)
	if err != nil {
		return input{}, refuse(malformed, http.StatusBadRequest, "the timestamp is not a number", nil)
	}
	in.at = signedAt(number)
	if off := c.cfg.Now().Sub(in.at).Abs(); off > c.cfg.Window {
		return input{}, refuse(stale, http.StatusForbidden, "the timestamp is too far from now", nil)
	}
	return in, nil
}

// readBody reads the ciphertext. A body that comes too slowly ends early: DingTalk would have given up.
func (c *Callback) readBody(w http.ResponseWriter, r *http.Request, in *input) *refusal {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(c.cfg.Deadline)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return refuse(malformed, http.StatusBadRequest, "the body ended early", nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return refuse(tooLarge, http.StatusRequestEntityTooLarge, "the body is too long", nil)
	}
	if err != nil {
		return refuse(malformed, http.StatusBadRequest, "the body ended early", nil)
	}
	var sealed struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &sealed); err != nil || sealed.Encrypt == "" {
		return refuse(malformed, http.StatusBadRequest, "the body has no encrypt", nil)
	}
	in.encrypt = sealed.Encrypt
	return nil
}

// signedAt reads the timestamp: milliseconds as DingTalk sends them, or seconds as in the documents' example.
func signedAt(number int64) time.Time {
	if number > -1e11 && number < 1e11 {
		return time.Unix(number, 0)
	}
	return time.UnixMilli(number)
}
