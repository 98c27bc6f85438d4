package bridge

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"dingbridge/mapping"
)

// Metrics are the engine's Prometheus counters and gauges.
type Metrics struct {
	outcomes *prometheus.CounterVec   // mapping, op, side
	failures *prometheus.CounterVec   // mapping, class
	polls    *prometheus.CounterVec   // model, result
	events   *prometheus.CounterVec   // type
	sweeps   *prometheus.HistogramVec // mapping
	batches  *prometheus.HistogramVec // mapping
	dirty    *prometheus.GaugeVec     // mapping
	links    *prometheus.GaugeVec     // mapping, state
	guarded  *prometheus.GaugeVec     // mapping
	halted   prometheus.Gauge
}

// NewMetrics registers the engine's metrics; with a nil registry they count for nobody.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const ns = "dingbridge"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help}, labels)
	}
	m := &Metrics{
		outcomes: counter("outcomes_total", "What was done, by mapping, operation and target side.", "mapping", "op", "side"),
		failures: counter("failures_total", "Failed work, by mapping and class of failure.", "mapping", "class"),
		polls:    counter("polls_total", "Polls of Odoo models, by model and result.", "model", "result"),
		events:   counter("events_total", "DingTalk events taken from the inbox, by type.", "type"),
		sweeps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Name: "sweep_seconds", Help: "Duration of sweeps.",
			Buckets: prometheus.ExponentialBuckets(0.1, 3, 10),
		}, []string{"mapping"}),
		batches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Name: "batch_seconds", Help: "Duration of reconciled batches.",
			Buckets: prometheus.ExponentialBuckets(0.005, 3, 10),
		}, []string{"mapping"}),
		dirty: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Name: "work_dirty", Help: "Keys that are to be reconciled."}, []string{"mapping"}),
		links: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Name: "links", Help: "Links by state."}, []string{"mapping", "state"}),
	}
	m.guarded = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Name: "guard_items", Help: "Operations that wait for a release, or were released and not done yet."}, []string{"mapping"})
	m.halted = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Name: "halted", Help: "Scopes that pause."})
	if reg != nil {
		reg.MustRegister(m.guarded, m.halted, m.outcomes, m.failures, m.polls, m.events, m.sweeps, m.batches, m.dirty, m.links)
	}
	return m
}

// logOutcome tells one thing that was done, in the words of the plan.
func (e *Engine) logOutcome(r HistoryRow) {
	e.Metrics.outcomes.WithLabelValues(r.Mapping, r.Op, string(r.Side)).Inc()
	if r.Op == "hold" || r.Op == "wait" {
		return // told once by logHold, or by the list in status
	}
	fields := make([]string, 0, len(r.After))
	for name := range r.After {
		fields = append(fields, name)
	}
	slices.Sort(fields)
	e.Log.Info(r.Op, zap.String("mapping", r.Mapping), zap.String("odoo", string(r.Odoo)), zap.String("dingtalk", string(r.Ding)),
		zap.String("op", r.Op), zap.String("side", string(r.Side)), zap.String("reason", r.Reason), zap.Strings("fields", fields))
}

// logFailure tells a failed piece of work once per attempt; halts tell themselves.
func (e *Engine) logFailure(m *mapping.Mapping, t *task, f *Failure) {
	e.Metrics.failures.WithLabelValues(m.Name, string(f.Class)).Inc()
	if f.Class == FailHalt || f.Modified {
		return
	}
	attempt := 0
	if len(t.works) > 0 {
		attempt = t.works[0].Attempts + 1
	}
	e.Log.Warn("failed", zap.String("mapping", m.Name), zap.String("odoo", string(t.odoo.ID)), zap.String("dingtalk", string(t.ding.ID)),
		zap.String("op", string(f.Class)), zap.String("reason", f.Words), zap.Int("attempt", attempt), zap.Bool("outcome_unknown", f.Ambiguous))
}

// logHold tells a new hold.
func (e *Engine) logHold(m *mapping.Mapping, t *task, n Note) {
	e.Log.Warn("held", zap.String("mapping", m.Name), zap.String("odoo", string(t.odoo.ID)), zap.String("dingtalk", string(t.ding.ID)),
		zap.String("op", "hold"), zap.String("reason", n.Reason))
}

func (e *Engine) timed(h *prometheus.HistogramVec, label string) func() {
	start := time.Now()
	return func() { h.WithLabelValues(label).Observe(time.Since(start).Seconds()) }
}
