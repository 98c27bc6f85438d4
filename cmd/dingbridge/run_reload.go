package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// settleFiles is how long files must be quiet before they are read: an editor writes in several steps.
const settleFiles = 300 * time.Millisecond

// reloads puts changed mappings in force, on SIGHUP and when a file changes. A file that is wrong keeps the old ones in force, and
// the log says what is wrong with it.
func (d *daemon) reloads(ctx context.Context, engine *bridge.Engine) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { _ = watcher.Close() }() // nothing is written through it
	d.watch(watcher)
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	forced := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.hup:
			forced = true
			quiet.Reset(0)
		case ev := <-watcher.Events:
			if ev.Op != fsnotify.Chmod && d.concerns(ev.Name) {
				quiet.Reset(settleFiles)
			}
		case err := <-watcher.Errors:
			d.log.Warn("failed", zap.String("op", "watch"), zap.Error(err))
		case <-quiet.C:
			again := d.reload(ctx, engine, forced)
			if again {
				quiet.Reset(d.pace.gate.first)
				continue
			}
			forced = false
			d.watch(watcher)
		}
	}
}

// watch watches the folders of the settings and of all mapping files: a file that is replaced is another file.
func (d *daemon) watch(watcher *fsnotify.Watcher) {
	for _, dir := range d.folders() {
		if slices.Contains(watcher.WatchList(), dir) {
			continue
		}
		if err := watcher.Add(dir); err != nil {
			d.log.Warn("failed", zap.String("op", "watch"), zap.String("reason", err.Error()))
		}
	}
}

func (d *daemon) folders() []string {
	var dirs []string
	add := func(file string) {
		if dir := filepath.Dir(file); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if d.settings.file != "" {
		add(d.settings.file)
	}
	for _, src := range d.sources {
		if !strings.HasPrefix(src.File, "preset:") {
			add(src.File)
		}
	}
	for _, entry := range d.settings.Mappings {
		if strings.ContainsAny(entry, "*?[") {
			add(d.settings.path(entry))
		}
	}
	return dirs
}

// concerns says whether a changed path can be one of ours.
func (d *daemon) concerns(path string) bool {
	if d.settings.file != "" && filepath.Base(path) == filepath.Base(d.settings.file) {
		return true
	}
	ext := filepath.Ext(path)
	return ext == ".yaml" || ext == ".yml"
}

// reload reads settings and mappings again. It reports that Odoo did not answer and the reload has to be tried again.
func (d *daemon) reload(ctx context.Context, engine *bridge.Engine, forced bool) (again bool) {
	refuse := func(err error) {
		d.log.Error("reload refused", zap.String("reason", err.Error()), zap.String("in_force", "the mappings loaded before"))
	}
	fresh, err := loadSettings(d.settings.file, d.app.env)
	if err != nil {
		refuse(err)
		return false
	}
	sources, err := d.app.configured(fresh)
	if err != nil {
		refuse(err)
		return false
	}
	if changed := needRestart(d.settings, fresh); len(changed) > 0 {
		d.log.Warn("settings changed that take effect with a restart", zap.Strings("keys", changed))
	}
	if !forced && sameSources(sources, d.sources) && maps.Equal(fresh.ProcessCodes, d.settings.ProcessCodes) {
		return false
	}
	if set, complaints := mapping.Load(sources, offline()); set == nil {
		refuse(complaints.Errors()) // wrong without asking Odoo
		return false
	}
	d.odoo.ForgetFields()
	set, complaints, err := loadLive(ctx, d.odoo, sources)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		d.log.Warn("reload waits", zap.String("reason", err.Error()))
		return true
	case set == nil:
		refuse(complaints.Errors())
		return false
	}
	set, more := d.app.withSettings(set, fresh, true)
	if complaints = append(complaints, more...); set == nil {
		refuse(complaints.Errors())
		return false
	}
	d.logComplaints(complaints)
	if err := engine.Reload(ctx, set); err != nil {
		if !errors.Is(err, context.Canceled) {
			refuse(err)
		}
		return false
	}
	d.inbox.hear(set)
	d.sources = sources
	d.settings.Mappings, d.settings.ProcessCodes, d.settings.codeAt = fresh.Mappings, fresh.ProcessCodes, fresh.codeAt
	d.log.Info("reloaded", zap.Strings("mappings", mappingNames(set)))
	d.compareForms(set)
	return false
}

func sameSources(a, b []mapping.Source) bool {
	return slices.EqualFunc(a, b, func(x, y mapping.Source) bool { return x.File == y.File && bytes.Equal(x.Data, y.Data) })
}

// needRestart names the parts of the settings that differ and that only a new process takes up.
func needRestart(old, fresh *Settings) []string {
	var keys []string
	add := func(key string, differs bool) {
		if differs {
			keys = append(keys, key)
		}
	}
	add("odoo", old.Odoo != fresh.Odoo)
	add("dingtalk", !reflect.DeepEqual(old.DingTalk, fresh.DingTalk))
	add("store", old.Store != fresh.Store)
	add("standby", old.StandBy != fresh.StandBy)
	add("http", old.HTTP != fresh.HTTP)
	add("log", old.Log != fresh.Log)
	add("poll", old.Poll != fresh.Poll)
	add("sweep", old.Sweep != fresh.Sweep)
	add("overlap", old.Overlap != fresh.Overlap)
	add("retention", old.Retention != fresh.Retention)
	return keys
}
