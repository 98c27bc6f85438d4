package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// settings loads the settings: the file of --config or DINGBRIDGE_CONFIG, else config.yaml where there is one, else the
// environment alone. The language they name is spoken from then on.
func (a *app) settings() (*Settings, error) {
	file := a.config
	if file == "" {
		file = a.env("DINGBRIDGE_CONFIG")
	}
	if file == "" {
		file = defaultConfig
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			file = ""
		}
	}
	s, err := loadSettings(file, a.env)
	if err != nil {
		return nil, usage(err)
	}
	if s.Language == string(chinese) {
		a.lang = chinese
	}
	return s, nil
}

// defaultConfig is the settings file of the working directory.
const defaultConfig = "config.yaml"

// world is what a command works with.
type world struct {
	app      *app
	settings *Settings
	zone     *time.Location
	store    bridge.Store
	odoo     *odoo.Client
	ding     *dingtalk.Client
	sources  []mapping.Source
	set      *mapping.Set

	pace pace
	tune func(*bridge.Options) // for tests: shorter waits than the settings have
}

// openStore opens the store alone, with the mappings as far as they can be read without a server: enough for commands that
// act through the store.
func (a *app) openStore() (*world, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	w := &world{app: a, settings: s, pace: ownPace()}
	if a.now != nil {
		w.pace.now = a.now
	}
	if w.zone, err = s.Location(); err != nil {
		return nil, usage(err)
	}
	if w.sources, err = a.configured(s); err != nil {
		return nil, err
	}
	set, complaints := mapping.Load(w.sources, offline())
	if set == nil {
		return nil, complaints.Errors()
	}
	if w.set, complaints = a.withSettings(set, s, false); w.set == nil {
		return nil, complaints.Errors()
	}
	w.store, err = store.Open(s.Store.Reveal(), store.WithClock(w.pace.now),
		store.WithStandBy(store.StandBy{Beat: s.StandBy.Beat, Stale: s.StandBy.Takeover}))
	if err != nil {
		return nil, err
	}
	return w, nil
}

// open opens the store and makes both clients. It calls neither side.
func (a *app) open() (*world, error) {
	w, err := a.openStore()
	if err != nil {
		return nil, err
	}
	if err := w.connect(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// connect makes the clients from the settings.
func (w *world) connect() (err error) {
	if err := w.settings.Missing(); err != nil {
		return usage(err)
	}
	if w.odoo, err = newOdoo(w.settings, w.pace); err != nil {
		return usage(err)
	}
	w.ding, err = newDingTalk(w.settings, w.zone, w.pace)
	return usage(err)
}

func newOdoo(s *Settings, p pace) (*odoo.Client, error) {
	return odoo.New(odoo.Config{
		URL: s.Odoo.URL, Database: s.Odoo.Database, Login: s.Odoo.Login, Password: s.Odoo.Password.Reveal(),
		Timeout: s.Odoo.Timeout, Parallel: s.Odoo.Parallel, RetryWait: p.httpWait, RefusalHold: p.longestPause, BeforeWrite: bridge.CheckLease,
	})
}

func newDingTalk(s *Settings, zone *time.Location, p pace) (*dingtalk.Client, error) {
	return dingtalk.New(dingtalk.Config{
		OAPI: s.DingTalk.OAPI, API: s.DingTalk.API, Login: s.DingTalk.Login,
		AppKey: s.DingTalk.AppKey, AppSecret: s.DingTalk.AppSecret.Reveal(), CorpID: s.DingTalk.CorpID, AgentID: int64(s.DingTalk.AgentID), RobotCode: s.DingTalk.RobotCode,
		QPS: s.DingTalk.QPS, Timeout: s.DingTalk.Timeout, UserAgent: "dingbridge/" + versionText(), RetryWait: p.httpWait, MaxPause: p.longestPause, WebhookSpan: p.webhookSpan, Now: p.now,
		Counted: s.DingTalk.Quota.Counted, Free: s.DingTalk.Quota.Free, Zone: zone,
		BeforeWrite: bridge.CheckLease, OldApprovals: s.DingTalk.Approvals == "old",
	})
}

// close gives everything back.
func (w *world) close() error {
	if w.ding != nil {
		w.ding.Close()
	}
	return w.store.Close()
}

// live puts the mappings in force as Odoo's own description of its fields checks and types them. Process codes that are for nothing are
// told on standard error.
func (w *world) live(ctx context.Context) error {
	set, complaints, err := loadLive(ctx, w.odoo, w.sources)
	switch {
	case err != nil:
		return err
	case set == nil:
		return complaints.Errors()
	}
	if w.set, complaints = w.app.withSettings(set, w.settings, true); w.set == nil {
		return complaints.Errors()
	}
	for _, c := range complaints {
		_, _ = fmt.Fprintln(w.app.err, c) // with no standard error left, the work remains
	}
	return nil
}

// engine makes an engine over the world, with the settings' rhythm.
func (w *world) engine(log *zap.Logger, metrics *bridge.Metrics) (*bridge.Engine, error) {
	return bridge.New(w.engineOptions(log, metrics))
}

func (w *world) engineOptions(log *zap.Logger, metrics *bridge.Metrics) bridge.Options {
	s := w.settings
	o := bridge.Options{
		Store: w.store, Odoo: w.odoo, DingTalk: w.ding, Mappings: w.set, Log: log, Metrics: metrics, Zone: w.zone, Now: w.pace.now,
		Identity: bridge.Identity{OdooURL: s.Odoo.URL, Database: s.Odoo.Database, Corp: s.DingTalk.AppKey},
		Poll:     s.Poll, SweepAt: time.Duration(s.Sweep), Overlap: s.Overlap, StaleWindow: s.DingTalk.StaleWindow,
		SettleOdoo: s.Odoo.Timeout + w.pace.settleMargin,
		SettleDing: s.DingTalk.Timeout + w.pace.settleMargin,
		Quota:      w.quotaLimits(),
		Webhooks:   s.DingTalk.Webhooks, WebURL: s.Odoo.WebURL,
		Retention: bridge.Retention{History: days(s.Retention.HistoryDays), Inbox: days(s.Retention.InboxDays)},
	}
	if w.pace.engine != nil {
		w.pace.engine(&o)
	}
	if w.tune != nil {
		w.tune(&o)
	}
	return o
}

// quotaLimits are the quotas that the settings name.
func (w *world) quotaLimits() bridge.QuotaLimits {
	q := w.settings.DingTalk.Quota
	return bridge.QuotaLimits{Calls: q.Calls, Pushes: q.Pushes}
}

// days is a number of days; 0 keeps everything.
func days(n int) time.Duration {
	if n == 0 {
		return 100 * 365 * 24 * time.Hour
	}
	return time.Duration(n) * 24 * time.Hour
}

// running says whether a daemon is active on the store.
func (w *world) running(ctx context.Context) (bool, error) {
	replicas, err := w.store.Replicas(ctx)
	return slices.ContainsFunc(replicas, func(r bridge.Replica) bool { return r.Active }), err
}
