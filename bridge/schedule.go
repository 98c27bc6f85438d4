package bridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"dingbridge/mapping"
)

// tickKey is the meta key of the last time of the schedule that was seen to.
func tickKey(name string) string { return "tick/" + name }

// toldLate is how late what was due while nothing ran is still told, where the mapping does not say.
const toldLate = 4 * time.Hour

// scheduleLoop tells what is told at times of day.
func (e *Engine) scheduleLoop(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.sweptOnce:
	}
	for ctx.Err() == nil {
		changed := e.reloads()
		next := e.Now().Add(time.Hour) // however the clock goes
		for _, m := range e.mappings().Mappings {
			if m.Message == nil || m.Message.Schedule == nil {
				continue
			}
			if err := e.tellOnTime(ctx, m); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				next = earlier(next, e.Now().Add(max(e.trouble(err, "searching "+m.Name), e.HaltBase)))
				continue
			}
			next = earlier(next, m.Message.Schedule.Next(e.Now(), e.Zone))
		}
		e.awaitReload(ctx, changed, next)
	}
	return nil
}

// awaitReload waits for the time, a reload, a jump of the clock, or the end.
func (e *Engine) awaitReload(ctx context.Context, changed <-chan struct{}, at time.Time) {
	timer := time.NewTimer(max(at.Sub(e.Now()), 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-e.jumped:
	case <-timer.C:
	}
}

// tellOnTime makes what the mapping's domain holds due, if a time of its schedule has come that was not seen to. One that passed long ago,
// while nothing ran, is left out and told as left out. The first time that a mapping is seen, it waits for the next one.
func (e *Engine) tellOnTime(ctx context.Context, m *mapping.Mapping) error {
	tick := m.Message.Schedule.Last(e.Now(), e.Zone)
	var saved string
	if err := e.Store.View(ctx, func(tx Tx) (err error) {
		saved, err = tx.Meta(tickKey(m.Name))
		return err
	}); err != nil {
		return err
	}
	done, err := time.Parse(time.RFC3339, saved)
	window := m.Message.Window
	if window == 0 {
		window = toldLate
	}
	switch {
	case saved != "" && err != nil:
		return fmt.Errorf("the stored %s: %w", tickKey(m.Name), err)
	case saved != "" && !tick.After(done):
		return nil
	case saved == "" || e.Now().Sub(tick) > window:
		return e.leaveOut(ctx, m, tick, saved != "")
	}
	keys, err := e.due(ctx, m, tick)
	if err != nil {
		return err
	}
	if err := e.Store.Update(ctx, func(tx Tx) error {
		if err := tx.Touch(time.Time{}, keys...); err != nil {
			return err
		}
		return tx.SetMeta(tickKey(m.Name), tick.UTC().Format(time.RFC3339))
	}); err != nil {
		return err
	}
	e.Log.Info("due", zap.String("mapping", m.Name), zap.String("op", "schedule"), zap.Time("tick", tick), zap.Int("records", len(keys)))
	e.nudge()
	return nil
}

// leaveOut notes that nothing is told for a time of the schedule.
func (e *Engine) leaveOut(ctx context.Context, m *mapping.Mapping, tick time.Time, tell bool) error {
	return e.Store.Update(ctx, func(tx Tx) error {
		if tell {
			reason := "due at " + tick.In(e.Zone).Format("2006-01-02 15:04") + ", when nothing ran; too late to be told now (window)"
			e.Log.Warn("left out", zap.String("mapping", m.Name), zap.String("op", "schedule"), zap.String("reason", reason))
			if err := tx.AppendHistory(HistoryRow{At: e.Now(), Mapping: m.Name, Op: "skip", Reason: reason, Version: m.Version}); err != nil {
				return err
			}
		}
		return tx.SetMeta(tickKey(m.Name), tick.UTC().Format(time.RFC3339))
	})
}

// due are the keys of what is to be told at a time: of the records that are in the domain, or left it since; of a digest one for each person.
func (e *Engine) due(ctx context.Context, m *mapping.Mapping, tick time.Time) ([]Key, error) {
	if m.Message.Digest() {
		people, err := e.odoo.gather(ctx, m, 0, tick)
		if err != nil {
			return nil, err
		}
		var keys []Key
		for _, id := range people.order {
			keys = append(keys, RecordKey(m.Name, mapping.Odoo, digestID(id, tick)))
		}
		return keys, nil
	}
	s := newSweep(ctx, e, m)
	s.ticked = true
	if _, err := s.listOdoo(ctx, func(page []Seen) error { return s.occurrencePage(ctx, page) }); err != nil {
		return nil, err
	}
	if err := s.leavers(ctx); err != nil {
		return nil, err
	}
	return s.keys, nil
}

// digestID is the id under which a digest stands in the place of a record: the person, and the time of the schedule.
func digestID(person int64, tick time.Time) ID {
	return ID(strconv.FormatInt(person, 10) + "@" + tick.UTC().Format("20060102T1504Z"))
}

// readDigestID is what digestID made the id of.
func readDigestID(id ID) (person int64, tick time.Time, err error) {
	who, when, ok := strings.Cut(string(id), "@")
	if person, err = strconv.ParseInt(who, 10, 64); err == nil && ok {
		tick, err = time.Parse("20060102T1504Z", when)
	}
	if err != nil || !ok {
		return 0, tick, fmt.Errorf("%q is no digest's id, such as 7@20261126T0100Z", id)
	}
	return person, tick, nil
}

// isDigestID says whether a digest, and no record, has the id.
func isDigestID(id ID) bool {
	_, _, err := readDigestID(id)
	return err == nil
}

// lookForDigests gathers the records of each digest anew: what was done since the time of the schedule is not told any more.
func (b *batch) lookForDigests() {
	for _, t := range b.tasks {
		if t.fail != nil || t.odoo.ID == "" {
			continue
		}
		person, tick, err := readDigestID(t.odoo.ID)
		if err != nil {
			t.fail = &Failure{Class: FailReject, Words: err.Error(), Err: err}
			continue
		}
		found, err := b.e.odoo.gather(b.ctx, b.m, person, tick)
		if err != nil {
			t.fail = classify(err)
			continue
		}
		t.odoo = Seen{ID: t.odoo.ID, Existence: Outside}
		if rows := found.rows[person]; len(rows) > 0 {
			t.odoo.Existence, t.odoo.Record = Present, b.m.DigestRecord(rows, tick, b.e.Zone)
		}
	}
	b.e.worked(mapping.Odoo)
}
