package dingtalk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func collect[T any](t *testing.T, seq func(func(T, error) bool)) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// spans prints the spans that were asked for, in days from the clock's now, with the token.
func spans(f *far, path, start, end, token string, now time.Time) (out []string) {
	for _, c := range f.called(path) {
		day := func(key string) float64 {
			at, sent := c.body[key].(float64)
			if !sent {
				return math.Inf(1)
			}
			return (at - float64(now.UnixMilli())) / (24 * 3600 * 1000)
		}
		out = append(out, fmt.Sprintf("%g..%g @%v", day(start), day(end), c.body[token]))
	}
	return out
}

func TestIDsByPagesAndSpans(t *testing.T) {
	f, clock := newFar(t), newClock()
	f.on(pathInstanceIDs, inTurn(
		ok(`{"success":true,"result":{"list":["i1","i2"],"nextToken":"20"}}`), ok(`{"success":true,"result":{"list":["i3"]}}`),
		ok(`{"success":true,"result":{"list":["i3","i4"]}}`), ok(`{"success":true,"result":{}}`)))
	now := clock.now()
	got := collect(t, f.client(clock.set).Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.AddDate(0, 0, -300), Statuses: []string{"RUNNING"}}))
	if fmt.Sprint(got) != "[i1 i2 i3 i4]" {
		t.Errorf("%v", got)
	}
	want := []string{"-300..-180 @0", "-300..-180 @20", "-180..-60 @0", "-60..+Inf @0"}
	if asked := spans(f, pathInstanceIDs, "startTime", "endTime", "nextToken", now); !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	if c := f.last(pathInstanceIDs); fmt.Sprintf("%v %v %v %v", c.body["maxResults"], c.body["statuses"], c.body["userIds"], c.body["processCode"]) != "20 [RUNNING] <nil> p" {
		t.Error(c.raw)
	}
}

func TestIDsOfManyOriginators(t *testing.T) {
	f, clock := newFar(t), newClock()
	f.on(pathInstanceIDs, func(c call) reply {
		return reply{body: fmt.Sprintf(`{"result":{"list":["i%d"]}}`, c.n)}
	})
	users := make([]string, 23)
	for i := range users {
		users[i] = fmt.Sprint("u", i)
	}
	got := collect(t, f.client(clock.set).Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: clock.now().Add(1), To: clock.now().Add(2), Users: users}))
	if c := f.last(pathInstanceIDs); c.body["startTime"] != float64(clock.now().UnixMilli()) || c.body["endTime"] != float64(clock.now().UnixMilli()+1) {
		t.Errorf("the span lost what is less than a millisecond: %s", c.raw)
	}
	var asked []int
	for _, c := range f.called(pathInstanceIDs) {
		asked = append(asked, len(c.body["userIds"].([]any)))
	}
	if len(got) != 3 || !slices.Equal(asked, []int{10, 10, 3}) {
		t.Errorf("%v %v", got, asked)
	}
}

func TestIDsInTheOldAPI(t *testing.T) {
	f, clock := newFar(t), newClock()
	f.on(pathOldIDs, inTurn(ok(`{"errcode":0,"result":{"list":["i1"],"next_cursor":20}}`), ok(`{"errcode":0,"result":{"list":["i2"]}}`)))
	now := clock.now()
	got := collect(t, f.client(clock.set, oldApprovals).Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.Add(-time.Hour), Users: []string{"u1", "u2"}}))
	want := fmt.Sprintf(`{"cursor":20,"process_code":"p","size":20,"start_time":%d,"userid_list":"u1,u2"}`, now.Add(-time.Hour).UnixMilli())
	if fmt.Sprint(got) != "[i1 i2]" || f.last(pathOldIDs).raw != want {
		t.Errorf("%v %s", got, f.last(pathOldIDs).raw)
	}
}

// DingTalk shows 10 000 of a query: a span with as many is asked for in halves, and nothing comes twice.
func TestIDsOfMoreThanAreShown(t *testing.T) {
	f, clock := newFar(t), newClock()
	now := clock.now()
	f.on(pathInstanceIDs, func(c call) reply {
		from, to := int64(c.body["startTime"].(float64)), now.UnixMilli()
		if end, sent := c.body["endTime"].(float64); sent {
			to = int64(end)
		}
		page := int(c.body["nextToken"].(float64))
		var ids []string
		for i := page; i < page+20; i++ { // one instance in every second
			if at := from + int64(i)*1000; at <= to {
				ids = append(ids, fmt.Sprintf("%q", fmt.Sprint(at)))
			}
		}
		next := ""
		if len(ids) == 20 {
			next = fmt.Sprintf(`,"nextToken":"%d"`, page+20)
		}
		return reply{body: fmt.Sprintf(`{"result":{"list":[%s]%s}}`, strings.Join(ids, ","), next)}
	})
	got := collect(t, f.client(clock.set).Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.Add(-12_000 * time.Second)}))
	slices.Sort(got)
	if len(got) != 12_001 || len(slices.Compact(got)) != 12_001 {
		t.Errorf("%d ids", len(got))
	}
}

func TestIDsTooOldOrBroken(t *testing.T) {
	f, clock := newFar(t), newClock()
	c := f.client(clock.set)
	now := clock.now()
	old := last(c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.AddDate(0, 0, -366)}))
	if e := failure(t, old); e.Class != Reject || e.Field != "from" || !strings.Contains(e.Message, "365 days") || !strings.Contains(e.Message, "2025-08-22T10:00:00Z") {
		t.Errorf("%v", e)
	}
	if e := failure(t, last(c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now, To: now.Add(-1)}))); e.Field != "to" {
		t.Errorf("%v", e)
	}
	if len(f.called(pathInstanceIDs)) != 0 {
		t.Error("a call was made")
	}
	f.on(pathInstanceIDs, ok(`{"result":{"list":[]}}`))
	if ids := collect(t, c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.AddDate(0, 0, -365)})); len(ids) != 0 {
		t.Error(ids)
	}
	if first := f.called(pathInstanceIDs)[0].body["startTime"].(float64); int64(first) != now.AddDate(0, 0, -365).Add(time.Minute).UnixMilli() {
		t.Errorf("a whole year back, from %v", first)
	}
	for name, answer := range map[string]answerFunc{
		"no result": ok(`{"success":true}`), "the same page for ever": ok(`{"result":{"list":["i"],"nextToken":"7"}}`), "no id": ok(`{"result":{"list":[""]}}`),
	} {
		f.on(pathInstanceIDs, answer)
		if e := failure(t, last(c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.Add(-time.Hour)}))); e.Class != Retry {
			t.Errorf("%s: %v", name, e)
		}
	}
	f.on(pathInstanceIDs, ok(`{"result":{"list":["i1","i2"]}}`))
	for range c.Approvals.IDs(bg(), IDsQuery{ProcessCode: "p", From: now.AddDate(0, 0, -300)}) {
		break // and nothing more is asked for
	}
}
