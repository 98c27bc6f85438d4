package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"dingbridge/bridge"
	"dingbridge/bridge/web"
	"dingbridge/mapping"
)

func newRun(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: a.say(txtRun), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := a.open()
			if err != nil {
				return err
			}
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			d := newDaemon(w, a.logger(w.settings), hup)
			err = d.run(cmd.Context())
			if errors.Is(err, errStuck) {
				return err // something still uses the store: let the process end, it survives that
			}
			return errors.Join(err, w.close())
		},
	}
}

// logger writes to standard error as the settings say: JSON lines with stable keys (mapping odoo dingtalk op reason attempt ms).
func (a *app) logger(s *Settings) *zap.Logger {
	level, err := zapcore.ParseLevel(s.Log.Level)
	if err != nil {
		level = zapcore.InfoLevel // the settings were checked
	}
	enc := zap.NewProductionEncoderConfig()
	enc.TimeKey, enc.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if s.Log.Format == "console" {
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(a.err)), level))
}

// daemon is the program that stays: the engine, what feeds it with events, and what tells how it is.
type daemon struct {
	*world
	log      *zap.Logger
	registry *prometheus.Registry
	metrics  *bridge.Metrics // of every engine this process runs, one after the other
	inbox    *inbox
	health   *health
	hup      <-chan os.Signal
	inForce  chan *mapping.Set // to be compared with their forms

	listening chan string // receives the HTTP address once it is bound; for tests
}

func newDaemon(w *world, log *zap.Logger, hup <-chan os.Signal) *daemon {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	d := &daemon{world: w, log: log, registry: registry, hup: hup, inForce: make(chan *mapping.Set, 1), listening: make(chan string, 1)}
	d.inbox = &inbox{store: w.store, corp: w.settings.DingTalk.CorpID, log: log, now: w.pace.now, zone: w.zone, counts: w.ding.Counts}
	if set, _ := mapping.Load(w.sources, offline()); set != nil { // the stream connects before Odoo has confirmed them
		d.inbox.hear(set)
	}
	d.health = newHealth(w.store, w.pace.now)
	d.metrics = bridge.NewMetrics(registry)
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "dingbridge", Name: "active", Help: "1 while this process is the active one on the store, 0 while it stands by.",
	}, d.health.active))
	return d
}

// errStuck says that something did not stop in time.
var errStuck = &failure{code: exitError, err: errors.New("something did not stop in time")}

// run keeps both sides in step until ctx ends, or stands by while another process does. It stays up whatever the far sides do; it ends
// with an error when the store belongs to another process and nobody can stand by at it, the address is taken, or a mapping is wrong at
// the start.
func (d *daemon) run(ctx context.Context) error {
	lease, err := d.firstLease(ctx)
	if err != nil {
		return err
	}
	unlock := func() {
		if lease != nil {
			lease.Unlock()
		}
	}
	mux, err := d.mux()
	if err != nil {
		unlock()
		return err
	}
	server, err := web.Listen(ctx, web.Config{Listen: d.settings.HTTP.Listen, Token: d.settings.HTTP.Token.Reveal(), Logger: d.log}, mux)
	if err != nil {
		unlock()
		return usage(err)
	}
	d.listening <- server.Addr().String()
	d.log.Info("started", zap.String("version", versionText()), zap.String("listen", server.Addr().String()), zap.Stringer("store", d.settings.Store))

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx) })
	g.Go(func() error { d.health.beat(ctx); return nil })
	g.Go(func() error { d.notifySystemd(ctx); return nil })
	g.Go(func() error { return d.lead(ctx, lease) })
	return d.wait(ctx, g)
}

// wait waits for the end; after the context has ended, not longer than the pace allows.
func (d *daemon) wait(ctx context.Context, g *errgroup.Group) error {
	ended := make(chan error, 1)
	go func() { ended <- g.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		limit := time.NewTimer(d.pace.stop)
		defer limit.Stop()
		select {
		case err = <-ended:
		case <-limit.C:
			d.log.Error("stopped", zap.String("reason", errStuck.Error()))
			return errStuck
		}
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	d.log.Info("stopped", zap.Error(err))
	return err
}

// pause waits; false when the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// work waits for mappings that Odoo's own fields confirm, then runs the engine and reloads the mappings when they change.
func (d *daemon) work(ctx context.Context, first bool) error {
	set, err := d.confirmed(ctx, first)
	if err != nil {
		return err
	}
	d.set = set
	d.inbox.hear(set)
	engine, err := d.engine(d.log, d.metrics)
	if err != nil {
		return err
	}
	d.inbox.connect(ctx, d.pace.gate.stream)
	d.inbox.engine.Store(engine)
	defer d.inbox.engine.Store(nil)
	d.health.started(engine)
	d.log.Info("working", zap.Strings("mappings", mappingNames(set)))
	d.compareForms(set)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return engine.Run(ctx) })
	g.Go(func() error { d.compareLoop(ctx); return nil })
	g.Go(func() error { engine.ServeRequests(ctx, d.pace.requests); return nil })
	g.Go(func() error { return d.reloads(ctx, engine) })
	return g.Wait()
}

// confirmed returns the mappings as Odoo's own fields check them. While Odoo does not answer it waits and says so in health; a
// mapping that is wrong when Odoo answers at once ends the daemon at its first start, later it is a halt that a corrected file ends.
func (d *daemon) confirmed(ctx context.Context, first bool) (*mapping.Set, error) {
	wait, told := d.pace.gate.first, ""
	for try := 0; ; try++ {
		set, complaints, err := loadLive(ctx, d.odoo, d.sources)
		if err == nil && set != nil {
			coded, more := d.app.withSettings(set, d.settings, true)
			set, complaints = coded, append(complaints, more...)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && set != nil:
			d.logComplaints(complaints)
			d.health.clear("odoo", "credentials", "mappings")
			if told != "" {
				d.log.Info("goes on", zap.String("scope", told))
			}
			return set, nil
		case err == nil && try == 0 && first:
			return nil, complaints.Errors()
		}
		scope, why := "mappings", complaints.Errors().Error()
		if err != nil {
			scope, why = "odoo", err.Error()
			if f := odooScope(err); f == "credentials" {
				scope, wait = f, d.pace.gate.max // ten wrong passwords lock out everybody behind this address
			}
		}
		if told != scope {
			told = scope
			d.log.Warn("halted", zap.String("scope", scope), zap.String("reason", why))
		}
		d.health.halt(scope, why, wait)
		d.awaitChange(ctx, wait)
		wait = min(2*wait, d.pace.gate.max)
	}
}

// logComplaints tells what is wrong with the mappings, one line each.
func (d *daemon) logComplaints(complaints mapping.Complaints) {
	for _, c := range complaints {
		d.log.Warn("mapping", zap.String("reason", c.Message), zap.String("position", c.Position.String()))
	}
}

// awaitChange waits, and reads the mappings again, and which they are; a SIGHUP ends the wait.
func (d *daemon) awaitChange(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-d.hup:
	}
	fresh, err := loadSettings(d.settings.file, d.app.env)
	var sources []mapping.Source
	if err == nil {
		sources, err = fresh.MappingSources()
	}
	if err == nil {
		d.sources, d.settings.Mappings = sources, fresh.Mappings
		d.settings.ProcessCodes, d.settings.codeAt = fresh.ProcessCodes, fresh.codeAt
	} else {
		d.log.Warn("reload refused", zap.String("reason", err.Error()))
	}
	d.odoo.ForgetFields()
}

// publish leaves what is halted, and how events come, in the store whenever it changed, for `dingbridge status`.
func (d *daemon) publish(ctx context.Context) {
	halts, feeds := "", ""
	put := func(ctx context.Context, last *string, now any, write func() error) {
		if text := fmt.Sprint(now); text != *last {
			if err := write(); err != nil {
				if ctx.Err() == nil {
					d.log.Warn("failed", zap.String("op", "publish"), zap.String("reason", err.Error()))
				}
				return
			}
			*last = text
		}
	}
	putHalted := func(ctx context.Context, halted []bridge.Halted) {
		put(ctx, &halts, halted, func() error { return bridge.PublishHalted(ctx, d.store, halted) })
	}
	for {
		putHalted(ctx, d.health.halted())
		feed := d.health.fed()
		put(ctx, &feeds, feed, func() error { return bridge.PublishFeed(ctx, d.store, feed) })
		if !pause(ctx, d.pace.publish) {
			break
		}
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	putHalted(ending, nil)
}
