package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// start starts the daemon.
func (d *demo) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	daemon := newDaemon(d.world, d.inner.logger(d.world.settings), nil)
	over := make(chan error, 1)
	go func() {
		err := daemon.run(ctx)
		over <- err
		if ctx.Err() == nil {
			d.ended <- err
		}
	}()
	d.stop = sync.OnceValue(func() error { cancel(); return <-over })
}

// The guard of the demo's mappings: the first meeting trips it, then it is raised, so that the day is long enough for a demo.
const (
	demoGuardFirst = "guard:  {creates: 50, updates: unlimited, clears: 20, removals: 5, percent: 3}"
	demoGuardLater = "guard:  {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}"
)

// writeMappings writes the presets of people as files, with another guard.
func (d *demo) writeMappings(dir, guard string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d.files = dir
	for _, name := range []string{"departments", "employees"} {
		src, _ := mapping.Preset(name)
		lines := strings.Split(string(src.Data), "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "guard:") {
				lines[i] = guard
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			return err
		}
	}
	if d.mappings == nil {
		return nil
	}
	more, err := d.mappings(d)
	if err != nil {
		return err
	}
	for name, text := range more {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// raiseGuard edits the mapping files under the running daemon and waits until it has taken them up.
func (d *demo) raiseGuard(ctx context.Context, ended <-chan error) error {
	edited := time.Now()
	if err := d.writeMappings(d.files, demoGuardLater); err != nil {
		return err
	}
	err := d.await(ctx, ended, demoArriveWithin, 2*demoLook, func() bool {
		st, err := bridge.ReadStatus(ctx, d.world.store, d.names, time.Now())
		return err == nil && !slices.ContainsFunc(st.Mappings, func(m bridge.MappingStatus) bool {
			return m.Statement == nil || m.Statement.At.Before(edited)
		})
	})
	if err == nil {
		d.tell(txtDemoGuard)
	}
	return err
}

// open opens the daemon's world, with the settings as they are.
func (d *demo) open() (err error) {
	if d.world, err = d.inner.open(); err == nil {
		d.world.tune = d.tune
	}
	return err
}

// restart ends the daemon and starts it with the settings as they are now.
func (d *demo) restart(ctx context.Context) error {
	if err := errors.Join(d.stop(), d.world.close()); err != nil {
		return err
	}
	if err := d.open(); err != nil {
		return err
	}
	if err := d.world.live(ctx); err != nil {
		return err
	}
	d.start(ctx)
	return nil
}

// prepare does what an administrator does first: setup, then plan.
func (d *demo) prepare(ctx context.Context) (err error) {
	if err := d.open(); err != nil {
		return err
	}
	admin, err := odoo.New(odoo.Config{URL: d.stage.odooURL, Database: stageDatabase, Login: stageAdmin, Password: stageAdmin})
	if err != nil {
		return err
	}
	d.printf("\n$ dingbridge setup\n")
	if err := d.setup(ctx, admin, setupFields(d.world.set), true); err != nil {
		return err
	}
	if err := d.world.live(ctx); err != nil {
		return err
	}
	d.names = mappingNames(d.world.set)
	engine, err := d.world.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	d.printf("\n$ dingbridge plan | tail -1\n")
	bar := newProgress(d.err)
	counts, err := engine.PlanMappings(ctx, nil, func(*bridge.Plan) error { return nil }, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	d.printf("%s\n\n$ dingbridge run\n", d.planEnd(counts, nil))
	return nil
}
