package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// Options are what an Engine needs. Zero durations and sizes get the defaults named beside them.
type Options struct {
	Store    Store
	Odoo     *odoo.Client
	DingTalk *dingtalk.Client
	Mappings *mapping.Set
	Log      *zap.Logger
	Metrics  *Metrics         // nil: none
	Now      func() time.Time // time.Now
	Zone     *time.Location   // Asia/Shanghai
	Identity Identity         // of the Odoo database and the corp

	Poll         time.Duration // 5s: how often each model is polled
	SweepAt      time.Duration // 2h10m after midnight in Zone: the nightly sweep
	Overlap      time.Duration // 5m: how far below the greatest write_date a poll reads again
	SecondLook   time.Duration // 15s: when a row that was written is looked at once more, for a transaction of the same second
	StaleWindow  time.Duration // 5s: how long DingTalk may answer with the value from before our write
	SettleOdoo   time.Duration // 65s: Odoo's call deadline plus a margin; earlier, a creation of unknown outcome is not looked up
	SettleDing   time.Duration // 20s: likewise for DingTalk
	BatchSize    int           // 100 records a batch
	PageSize     int           // 500 Odoo records a page
	Parallel     int           // 16 DingTalk calls at once
	RetryBase    time.Duration // 2s: the first wait after a failure; doubled up to RetryMax
	RetryMax     time.Duration // 5m
	MaxAttempts  int           // 12: then the record is held
	HaltBase     time.Duration // 5s: the first probe after a halt; doubled up to HaltMax
	HaltMax      time.Duration // 1m; also the least between two tries of a password
	DeepEvery    time.Duration // 1s: ten linked records are read one by one in this time after a gap, for what no list shows
	Reread       time.Duration // 10m: the soonest that a running approval is read again although no event came; then at half its age
	Withdrawable time.Duration // 16s: DingTalk withdraws no approval in its first 15 seconds
	ResultAfter  time.Duration // 5m: how long after a notice DingTalk is asked who got it, where a mapping wants to know
	Asleep       time.Duration // 15s: a process that did not run for so long has missed events (DingTalk sends one for a minute)
	Retention    Retention

	Webhooks map[string]dingtalk.Webhook // of groups' own robots, by the names that mappings use
	WebURL   string                      // of Odoo as people open it, for the links in messages; "" = the address the bridge uses

	Quota         QuotaLimits
	QuotaEvery    time.Duration // 5s: how often the ledger of calls is written; a crash loses what was counted since
	SweepWithheld time.Duration // 15m: the least between two sweeps while events come without content
}

// Retention says how long rows are kept.
type Retention struct {
	History time.Duration // 365 days
	Inbox   time.Duration // 7 days
}

func (o *Options) defaults() {
	setDuration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	setInt := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	setDuration(&o.Poll, 5*time.Second)
	setDuration(&o.SweepAt, 2*time.Hour+10*time.Minute)
	setDuration(&o.Overlap, 5*time.Minute)
	setDuration(&o.SecondLook, 15*time.Second)
	setDuration(&o.StaleWindow, 5*time.Second)
	setDuration(&o.SettleOdoo, 65*time.Second)
	setDuration(&o.SettleDing, 20*time.Second)
	setDuration(&o.RetryBase, 2*time.Second)
	setDuration(&o.RetryMax, 5*time.Minute)
	setDuration(&o.HaltBase, 5*time.Second)
	setDuration(&o.HaltMax, time.Minute)
	setDuration(&o.DeepEvery, time.Second)
	setDuration(&o.ResultAfter, 5*time.Minute)
	setDuration(&o.Asleep, 15*time.Second)
	setDuration(&o.Reread, 10*time.Minute)
	setDuration(&o.Withdrawable, 16*time.Second)
	setDuration(&o.QuotaEvery, 5*time.Second)
	setDuration(&o.SweepWithheld, 15*time.Minute)
	setDuration(&o.Retention.History, 365*24*time.Hour)
	setDuration(&o.Retention.Inbox, 7*24*time.Hour)
	setInt(&o.BatchSize, 100)
	setInt(&o.PageSize, 500)
	setInt(&o.Parallel, 16)
	setInt(&o.MaxAttempts, 12)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Zone == nil {
		o.Zone = time.FixedZone("Asia/Shanghai", 8*3600)
	}
}

// Engine keeps the two sides in step. It is made once; Run makes it live, Plan and Sync use it for one pass.
type Engine struct {
	Options
	odoo   *odooSide
	ding   *dingSide
	set    atomic.Pointer[mapping.Set]
	halts  *halts
	index  *index
	wake   chan struct{}         // work may be due
	jumped chan struct{}         // the clock jumped: a time of a schedule may have come
	told   *recently             // keys an event named: DingTalk may still show what was before it
	ended  *recently             // keys of approvals that an event said have ended
	wrote  *recently             // keys written to DingTalk by us: the event that follows is their echo
	lease  atomic.Pointer[Lease] // of Run or SyncOnce; nil before
	ledger quotaLedger
	polls  pollState
	signs  signs
	polled *polled

	linked  linkCounts              // for the Guard
	dryLeft map[string]map[Risk]int // of a printed plan: what is left of the budgets, by mapping

	mu     sync.Mutex
	listed map[string]bool // mappings of which both sides were listed in this process: only then strangers are acted on
	swept  map[string]bool // of these, the mappings whose sweep has also touched all that it found
	sweeps *sweepQueue
	reload chan struct{} // closed and replaced by every reload

	turns      turns
	metOnce    map[string]bool // mappings whose first meeting is known to be over; the worker's own
	firstSweep sync.Once
	sweptOnce  chan struct{} // closed when the first sweep has tried every mapping
}

// New returns an Engine over its clients and store. It calls nobody.
func New(o Options) (*Engine, error) {
	if o.Store == nil || o.Odoo == nil || o.DingTalk == nil || o.Mappings == nil {
		return nil, errors.New("an engine needs a store, both clients and mappings")
	}
	o.defaults()
	var e *Engine
	local := o.Now
	o.Now = func() time.Time { // the store's clock, where it has one: what one process stored, its successor compares with now
		if l := e.lease.Load(); l != nil {
			return (*l).Now(local)
		}
		return local()
	}
	e = &Engine{
		Options: o,
		odoo:    &odooSide{client: o.Odoo, pageSize: o.PageSize, now: o.Now, zone: o.Zone, webURL: strings.TrimRight(cmp.Or(o.WebURL, o.Odoo.URL()), "/")},
		ding:    newDingSide(o.DingTalk, o.Parallel, o.Now, o.StaleWindow),
		halts:   newHalts(o.Now, o.Log, o.HaltBase, o.HaltMax),
		index:   newIndex(),
		wake:    make(chan struct{}, 1),
		jumped:  make(chan struct{}, 1),
		told:    newRecently(o.StaleWindow),
		ended:   newRecently(o.StaleWindow),
		wrote:   newRecently(o.StaleWindow),
		listed:  map[string]bool{},
		swept:   map[string]bool{},
		sweeps:  newSweepQueue(),
		polled:  newPolled(),
		ledger:  quotaLedger{unkept: map[QuotaCount]int64{}},
		reload:  make(chan struct{}),

		sweptOnce: make(chan struct{}), metOnce: map[string]bool{},
	}
	e.ding.webhooks = o.Webhooks
	e.ding.store = o.Store
	e.set.Store(o.Mappings)
	return e, nil
}

// mappings returns the mappings in force.
func (e *Engine) mappings() *mapping.Set { return e.set.Load() }

// side returns the adapter of one far system.
func (e *Engine) side(s mapping.Side) side {
	if s == mapping.Odoo {
		return e.odoo
	}
	return e.ding
}

// settleAfter is how long after a creation was sent its outcome can be looked up.
func (o *Options) settleAfter(s mapping.Side) time.Duration {
	if s == mapping.Odoo {
		return o.SettleOdoo
	}
	return o.SettleDing
}

// nudge tells the worker that something may be due.
func (e *Engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// ready says whether strangers of the mapping may be matched and created: both sides were listed once in this process.
func (e *Engine) ready(m *mapping.Mapping) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.listed[m.Name]
}

// setListed says that both sides were listed, unless a reload has put another mapping in place meanwhile.
func (e *Engine) setListed(m *mapping.Mapping) { e.setDone(m, e.listed) }

// setSwept says that all which a sweep found was touched.
func (e *Engine) setSwept(m *mapping.Mapping) { e.setDone(m, e.swept) }

func (e *Engine) setDone(m *mapping.Mapping, done map[string]bool) {
	if e.current(m) {
		e.mu.Lock()
		defer e.mu.Unlock()
		done[m.Name] = true
	}
}

// notReady takes both back: the mapping has changed.
func (e *Engine) notReady(m *mapping.Mapping) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listed, m.Name)
	delete(e.swept, m.Name)
}

// wasSwept says whether setSwept was called since the mapping is in force.
func (e *Engine) wasSwept(m *mapping.Mapping) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.swept[m.Name]
}

// day is today's date in the configured zone: the Guard's day.
func (e *Engine) day() string { return e.Now().In(e.Zone).Format(time.DateOnly) }

// Touch makes keys due now.
func (e *Engine) Touch(ctx context.Context, keys ...Key) error {
	if err := e.Store.Update(ctx, func(tx Tx) error { return tx.Touch(time.Time{}, keys...) }); err != nil {
		return fmt.Errorf("touching %d keys: %w", len(keys), err)
	}
	e.nudge()
	return nil
}

// reloads returns a channel that is closed by the next reload.
func (e *Engine) reloads() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reload
}

func (e *Engine) reloaded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.reload)
	e.reload = make(chan struct{})
}
