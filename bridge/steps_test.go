package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// listen connects the bridge to DingTalk's Stream until the test ends.
func (w *world) listen() {
	w.t.Helper()
	stream, err := dingtalk.NewStream(dingtalk.StreamConfig{
		Client: w.client, Topics: []string{dingtalk.TopicRobot}, BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond,
		Handler: func(ctx context.Context, ev dingtalk.Event) error {
			_, err := w.live.Load().AddEvent(ctx, bridge.InboxEvent{ID: ev.ID, Type: ev.Type, Born: ev.Born, Data: ev.Data, Via: "stream"})
			return err
		},
	})
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = stream.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
	must(w.t, w.ding.WaitStream(w.ctx, 1))
}

// step lets every event arrive, polls Odoo once, and works until nothing is due.
func (w *world) step() {
	w.t.Helper()
	must(w.t, w.ding.FlushEvents(w.ctx))
	must(w.t, w.engine.Step(w.ctx, 2*time.Second))
	must(w.t, w.ding.FlushEvents(w.ctx)) // the echoes of our own writes
	must(w.t, w.engine.Step(w.ctx, 2*time.Second))
}

// reopen is a restart of the bridge on the same store, with other mappings if given.
func (w *world) reopen(yaml ...mapping.Source) {
	w.t.Helper()
	must(w.t, w.store.Close())
	if len(yaml) > 0 {
		w.yaml = yaml
	}
	w.open()
}

// one is a small company both sides agree on: two departments and two people.
type one struct {
	*world
	hq, rd      int64 // departments in Odoo
	zhang, li   int64 // employees in Odoo
	uHQ, uRD    int64 // departments in DingTalk
	uZhang, uLi string
}

const (
	mobileZhang = "13800000001"
	mobileLi    = "13800000002"
)

func company(t *testing.T, edits ...func(string) string) *one {
	t.Helper()
	return staffed(newWorld(t, presets(t, edits...)...))
}

// staffed puts the small company into a world.
func staffed(w *world) *one {
	w.t.Helper()
	c := &one{world: w}
	c.hq = w.department("总部", 0, 0)
	c.rd = w.department("研发部", c.hq, 0)
	c.zhang = w.employee("张三", mobileZhang, map[string]any{"department_id": c.hq, "work_email": "zhang@example.com", "job_title": "经理"})
	c.li = w.employee("李四", mobileLi, map[string]any{"department_id": c.rd, "parent_id": c.zhang, "job_title": "工程师", "work_email": "li@example.com"})
	w.sync()
	c.uHQ, c.uRD = w.unit("总部").ID, w.unit("研发部").ID
	c.uZhang, c.uLi = w.user(mobileZhang).UserID, w.user(mobileLi).UserID
	w.listen()
	w.step()
	return c
}

func (w *world) write(model string, id int64, vals map[string]any) {
	w.t.Helper()
	must(w.t, w.people.Write(model, id, vals))
}

func (w *world) employeeOf(id int64) map[string]any {
	w.t.Helper()
	rec := w.people.Get("hr.employee", id)
	if rec == nil {
		w.t.Fatalf("employee %d is gone", id)
	}
	return rec
}

// want fails unless got is want.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// held returns the reasons of everything held, one a line.
func (w *world) held() string {
	w.t.Helper()
	var b strings.Builder
	for _, h := range w.status().Held {
		fmt.Fprintf(&b, "%s %s/%s %s: %s\n", h.Mapping, h.Odoo, h.Ding, h.Field, h.Reason)
	}
	return b.String()
}

func (w *world) wantHeld(words ...string) {
	w.t.Helper()
	held := w.held()
	for _, word := range words {
		if !strings.Contains(held, word) {
			w.t.Errorf("nothing held says %q:\n%s", word, held)
		}
	}
}

func ref(side mapping.Side, kind string, id any) bridge.Ref {
	return bridge.Ref{Side: side, Kind: kind, ID: bridge.ID(fmt.Sprint(id))}
}
