package bridge

import (
	"context"
	"sync"
	"time"

	"dingbridge/dingtalk"
)

// evidence remembers what said that a DingTalk object is gone: an event, a leave record, or a complete listing without it.
// It is kept in memory only: the sweep at the next start gathers it again.
type evidence struct {
	mu      sync.Mutex
	now     func() time.Time
	stale   time.Duration         // DingTalk may show what was so long ago
	why     map[string]indication // kind + "/" + id
	refuted map[string]time.Time  // likewise: as of when it was seen, or made, last
	left    map[ID]time.Time
	leftAt  time.Time
	leftErr error
}

// indication is what said that an object is gone, and when.
type indication struct {
	words string
	at    time.Time
}

// leaveWindow is how far back leave records are read when somebody is missing (查询离职记录列表 allows 365 days a call).
const leaveWindow = 364 * 24 * time.Hour

// leaveCache is how long the answer serves further people of the same moment.
const leaveCache = 15 * time.Second

func newEvidence(now func() time.Time, stale time.Duration) *evidence {
	return &evidence{now: now, stale: stale, why: map[string]indication{}, refuted: map[string]time.Time{}}
}

// note records evidence about an object.
func (e *evidence) note(kind string, id ID, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.why[kind+"/"+string(id)] = indication{why, e.now()}
}

// saw: the object answered. What it showed may be a moment old, so evidence of that moment stands.
func (e *evidence) saw(kind string, id ID) { e.refute(kind, id, e.now().Add(-e.stale)) }

// refute forgets evidence from before the time: the object was there.
func (e *evidence) refute(kind string, id ID, asOf time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := kind + "/" + string(id)
	if e.why[key].at.Before(asOf) {
		delete(e.why, key)
	}
	if kind == "user" && asOf.After(e.refuted[key]) {
		e.refuted[key] = asOf
	}
}

// freshUntil says until when an object that answers may only be shown from before its removal; false when nothing said of late that it
// is gone.
func (e *evidence) freshUntil(kind string, id ID) (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	gone, has := e.why[kind+"/"+string(id)]
	until := gone.at.Add(e.stale)
	return until, has && until.After(e.now())
}

// leftAfter says whether a leave record is newer than the last sight of the person.
func (e *evidence) leftAfter(id ID, at time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen, ok := e.refuted["user/"+string(id)]
	return !ok || !at.Before(seen.Truncate(time.Second))
}

func (e *evidence) of(kind string, id ID) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.why[kind+"/"+string(id)].words
}

// leavers reads the leave records of the last year, at most once in leaveCache.
func (e *evidence) leavers(ctx context.Context, s *dingSide) (map[ID]time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := s.now()
	if !e.leftAt.IsZero() && now.Sub(e.leftAt) < leaveCache {
		return e.left, e.leftErr
	}
	left := map[ID]time.Time{}
	var failed error
	for r, err := range s.client.Contacts.LeaveRecords(ctx, now.Add(-leaveWindow), now.Add(time.Second)) {
		if err != nil {
			failed = err
			break
		}
		if at, has := left[ID(r.UserID)]; !has || r.LeaveTime.After(at) {
			left[ID(r.UserID)] = r.LeaveTime
		}
	}
	e.left, e.leftErr, e.leftAt = left, failed, now
	return e.left, e.leftErr
}

// granted knows which permissions the app has, by having seen a field that needs one. The field's absence on another object
// means empty only while some object shows it in the same breath: a permission that was taken back must not look like clearing.
type granted struct {
	mu      sync.Mutex
	control map[string]ID // permission → an object that showed a field of it last time
}

func newGranted() *granted { return &granted{control: map[string]ID{}} }

// proved returns the permissions that these objects prove, and remembers which object to ask next time.
func (g *granted) proved(kind dingtalk.Kind, objects []dingtalk.Object) map[string]bool {
	out := map[string]bool{}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range objects {
		for _, f := range kind.Fields {
			if f.Permission != "" && o.Text(f.Name) != "" {
				out[f.Permission] = true
				g.control[kind.Name+f.Permission] = ID(o.Text(kind.IDField))
			}
		}
	}
	return out
}

// prove is proved, after reading the control object again for each permission that an object lacks a field of and that no
// object of the batch proves.
func (g *granted) prove(ctx context.Context, s *dingSide, kind dingtalk.Kind, objects []dingtalk.Object) (map[string]bool, error) {
	out := g.proved(kind, objects)
	for _, f := range kind.Fields {
		if f.Permission == "" || out[f.Permission] {
			continue
		}
		g.mu.Lock()
		id := g.control[kind.Name+f.Permission]
		g.mu.Unlock()
		if id == "" {
			continue
		}
		o, err := s.object(ctx, kind.Name, id)
		switch {
		case err == nil && o.Text(f.Name) != "":
			out[f.Permission] = true
		case err == nil:
			for p := range g.proved(kind, []dingtalk.Object{o}) {
				out[p] = true
			}
		case !dingtalk.IsNotFound(err) && !dingtalk.IsOutOfScope(err):
			return nil, err
		}
		if !out[f.Permission] {
			g.mu.Lock()
			delete(g.control, kind.Name+f.Permission)
			g.mu.Unlock()
		}
	}
	return out, nil
}
