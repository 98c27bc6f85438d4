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

	calls         *prometheus.CounterVec // class, mapping
	pushes        *prometheus.CounterVec // class
	quotaUsed     *prometheus.GaugeVec   // what
	quotaLimit    *prometheus.GaugeVec   // what
	quotaForecast *prometheus.GaugeVec   // what
	quotaPace     prometheus.Gauge
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
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Name: name, Help: help}, labels)
	}
	m.calls = counter("dingtalk_calls_total", "Calls that DingTalk answered, by class (counted against the monthly quota, or free) and by the mapping for which they were made.", "class", "mapping")
	m.pushes = counter("dingtalk_pushes_total", "Events that DingTalk pushed, and messages by the robots of groups, by class: counted, free, or withheld (without content).", "class")
	m.quotaUsed = gauge("quota_used", "Counted calls or pushes of this month that this bridge knows of.", "what")
	m.quotaLimit = gauge("quota_limit", "Counted calls or pushes a month that the settings name; 0: none is known.", "what")
	m.quotaForecast = gauge("quota_forecast", "Counted calls or pushes expected by the end of this month.", "what")
	m.quotaPace = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Name: "quota_pace", Help: "Pace of polls and sweeps that cost counted calls: 1 usual, 0 none before the month turns."})
	if reg != nil {
		reg.MustRegister(m.calls, m.pushes, m.quotaUsed, m.quotaLimit, m.quotaForecast, m.quotaPace)
		reg.MustRegister(m.guarded, m.halted, m.outcomes, m.failures, m.polls, m.events, m.sweeps, m.batches, m.dirty, m.links)
	}
	return m
}

// showQuota sets the gauges of the month's quotas.
func (m *Metrics) showQuota(st QuotaStatus) {
	for what, use := range map[string]QuotaUse{"calls": st.Calls, "pushes": st.Pushes} {
		m.quotaUsed.WithLabelValues(what).Set(float64(use.Used))
		m.quotaLimit.WithLabelValues(what).Set(float64(use.Limit))
		m.quotaForecast.WithLabelValues(what).Set(float64(use.Forecast))
	}
	m.quotaPace.Set(st.Pace)
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

// logUnsaved tells what was written although the store could not keep it: the history will not have it.
func (e *Engine) logUnsaved(m *mapping.Mapping, wave []*task, err error) {
	for _, t := range wave {
		for _, a := range t.wrote {
			e.Log.Error("written, but not kept in the store", zap.String("mapping", m.Name), zap.String("odoo", string(t.odoo.ID)), zap.String("dingtalk", string(t.ding.ID)),
				zap.String("op", string(a.change.Op)), zap.String("side", string(a.change.Side)), zap.String("reason", a.change.reasons(a.fields)), zap.Error(err))
		}
	}
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
