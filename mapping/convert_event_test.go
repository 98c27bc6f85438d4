package mapping

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// meeting is a meeting of Odoo that begins on a Monday morning in China, with the fields that say how it recurs.
func meeting(more map[string]any) Record {
	rec := Record{
		"recurrency": true, "interval": int64(1), "end_type": "count", "count": int64(3), "final_date": nil, "month_by": "date", "day": int64(1),
		"byday": nil, "week_list": nil, "allday": false, "start": "2026-12-07 01:00:00", "stop": "2026-12-07 02:00:00", "rrule_type": "daily",
	}
	for _, day := range odooDays {
		rec[day] = false
	}
	for name, v := range more {
		rec[name] = v
	}
	return rec
}

var recurrencePair = &Field{
	Key: "recurrence", OdooName: "recurrency", DingName: "recurrence", Direction: Both, Convert: recurrenceConverter{},
	ding: &KindField{Type: typeJSON, Create: true, Update: true},
}

// TestRecurrenceRoundTrip writes every rule that both sides know to DingTalk and back, and finds the meeting as it was.
func TestRecurrenceRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 12))
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		rec := meeting(map[string]any{"interval": 1 + rnd.Int64N(12)})
		switch kind := []string{"daily", "weekly", "monthly", "monthly by day", "yearly"}[rnd.IntN(5)]; kind {
		case "weekly":
			rec["rrule_type"] = kind
			for _, day := range odooDays {
				rec[day] = rnd.IntN(2) == 0
			}
			rec[odooDays[rnd.IntN(7)]] = true
		case "monthly by day":
			rec["rrule_type"], rec["month_by"] = "monthly", "day"
			rec["byday"], rec["week_list"] = []string{"1", "2", "3", "4", "-1"}[rnd.IntN(5)], rruleDays[rnd.IntN(7)]
		case "monthly":
			rec["rrule_type"], rec["day"] = kind, 1+rnd.Int64N(31)
		default:
			rec["rrule_type"] = kind
		}
		if rec["count"] = 1 + rnd.Int64N(99); rnd.IntN(2) == 0 {
			rec["end_type"], rec["final_date"] = "end_date", fmt.Sprintf("2027-%02d-%02d", 1+rnd.IntN(12), 1+rnd.IntN(28))
		}
		env := Env{Zone: shanghai}
		rule := read(t, Odoo, rec, env)
		event := Record{"start": int64(1796605200000), "startDate": nil, "timeZone": "Asia/Shanghai"}
		event["recurrence"], err = recurrencePair.Write(DingTalk, rule, event, env)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		if back := read(t, DingTalk, event, env); back != rule {
			t.Fatalf("%s comes back from DingTalk as %s", rule, back)
		}
		parts, err := recurrencePair.Write(Odoo, rule, rec, env)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		again := meeting(parts.(Parts))
		if back := read(t, Odoo, again, env); back != rule {
			t.Fatalf("%s comes back from Odoo as %s", rule, back)
		}
	}
}

func read(t *testing.T, side Side, rec Record, env Env) Value {
	t.Helper()
	v, err := recurrencePair.Read(side, rec, env)
	if err != nil || !v.IsKnown() {
		t.Fatalf("%v is read from %s as %s: %v", rec, side, v, err)
	}
	return v
}

func TestRecurrencesThatOneSideCannotExpress(t *testing.T) {
	for rule, words := range map[string]string{
		"FREQ=MONTHLY;INTERVAL=1;BYDAY=5MO;COUNT=3":          "dingtalk: DingTalk has no series on the fifth weekday",
		"FREQ=DAILY;INTERVAL=400;COUNT=3":                    "dingtalk: DingTalk repeats at most every 365th time, not every 400th",
		"FREQ=DAILY;INTERVAL=1;COUNT=100":                    "dingtalk: DingTalk repeats at most 99 times, not 100",
		"FREQ=DAILY;INTERVAL=1":                              "odoo: it never ends",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU;COUNT=3": "odoo: its weeks begin on SU",
		"FREQ=MONTHLY;INTERVAL=1;BYDAY=2MO,2TU;COUNT=3":      "odoo: it comes on several weekdays of a month",
	} {
		var refused []string
		for _, side := range []Side{DingTalk, Odoo} {
			if _, err := recurrencePair.Write(side, Text(rule), nil, Env{}); err != nil {
				refused = append(refused, string(side)+": "+err.Error())
			}
		}
		if got := strings.Join(refused, "; "); !strings.HasPrefix(got, words) || len(refused) != 1 {
			t.Errorf("%s: %q, want %q", rule, got, words)
		}
	}
}

func TestWhatARuleLeavesOpenIsOfTheFirstMeeting(t *testing.T) {
	for _, c := range []struct {
		rec  map[string]any
		rule string
	}{
		{map[string]any{"rrule_type": "weekly"}, "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=3"},
		// In UTC it is still Sunday the 6th.
		{map[string]any{"rrule_type": "weekly", "start": "2026-12-06 20:00:00"}, "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=3"},
		{map[string]any{"rrule_type": "yearly", "start": "2026-12-06 20:00:00"}, "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=7;COUNT=3"},
		{map[string]any{"rrule_type": "monthly", "month_by": nil}, "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=7;COUNT=3"},
		// Of whole days the date is meant, whatever the zone.
		{map[string]any{"rrule_type": "yearly", "start": "2026-12-06 20:00:00", "allday": true}, "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=6;COUNT=3"},
		{map[string]any{"interval": int64(0)}, "FREQ=DAILY;INTERVAL=1;COUNT=3"},
	} {
		if got := read(t, Odoo, meeting(c.rec), Env{}); got.Text != c.rule {
			t.Errorf("%v is %s, want %s", c.rec, got, c.rule)
		}
	}
}

func TestDaysOfAnotherZone(t *testing.T) {
	weekly := map[string]any{
		"pattern": map[string]any{"type": "weekly", "interval": int64(1), "daysOfWeek": "sunday"}, "range": map[string]any{"type": "numbered", "numberOfOccurrences": int64(3)},
	}
	// Sunday evening in New York, Monday in China.
	event := Record{"start": int64(1796605200000), "startDate": nil, "timeZone": "America/New_York", "recurrence": weekly}
	if v, err := recurrencePair.Read(DingTalk, event, Env{}); err == nil {
		t.Errorf("its days are taken for those of China: %s", v)
	}
	event["start"] = int64(1796558400000) // Sunday morning, and evening in China
	if v, err := recurrencePair.Read(DingTalk, event, Env{}); err != nil || v.Text != "FREQ=WEEKLY;INTERVAL=1;BYDAY=SU;COUNT=3" {
		t.Errorf("%s, %v", v, err)
	}
}

func TestWhereAWeekBegins(t *testing.T) {
	for _, c := range []struct {
		interval int
		days     []string
		first    string
		want     string
	}{
		{1, []string{"MO", "SU"}, "sunday", ""},
		{2, []string{"MO", "SU"}, "sunday", "SU"},
		{2, []string{"MO", "SU"}, "monday", ""},
		{2, []string{"MO", "SU"}, "", "SU"}, // DingTalk's weeks begin on Sunday where nothing is said
		{2, []string{"SU"}, "sunday", ""},
		{2, []string{"MO", "FR"}, "sunday", ""},
		{3, []string{"MO", "WE"}, "tuesday", "TU"},
		{3, []string{"WE", "FR"}, "tuesday", ""},
	} {
		if got := beginOfWeek(rule{interval: c.interval, days: c.days}, c.first); got != c.want {
			t.Errorf("every %d weeks on %v, weeks from %s: %q, want %q", c.interval, c.days, c.first, got, c.want)
		}
	}
}

// answersRefs know three people by their unionids and by the numbers of their partners.
var answersRefs = testRefs{"employees": {"7": "li", "8": "zhang", "9": "wang"}}

func TestAnswersOfTheInvited(t *testing.T) {
	f := &Field{
		Key: "responses", OdooName: "attendee_ids", DingName: "responses", Direction: Both, Ref: "employees", Attribute: "unionid",
		Convert: responsesConverter{refConverter{mapping: "employees", attribute: "unionid", tells: true, person: pathPartner}},
	}
	env := Env{Refs: answersRefs}
	event := Record{"organizer": "li.unionid", "responses": map[string]any{
		"li.unionid": "accepted", "zhang.unionid": "declined", "wang.unionid": "needsAction", "stranger": "accepted",
	}}
	said, err := f.Read(DingTalk, event, env)
	if err != nil || said.Text != `["8 declined","9 needsAction"]` {
		t.Fatalf("%s, %v", said, err)
	}
	attendee := func(id, partner int64, state string) any {
		return map[string]any{"id": id, "partner_id": map[string]any{"id": partner, "name": ""}, "state": state}
	}
	// The organizer invited himself, and a contact is nobody in DingTalk.
	rec := Record{"user_id": map[string]any{"id": int64(7), "name": "李四"}, "attendee_ids": []any{
		attendee(70, 7, "accepted"), attendee(80, 8, "needsAction"), attendee(90, 9, "accepted"), attendee(99, 99, "accepted"),
	}}
	if v, err := f.Read(Odoo, rec, env); err != nil || v.Text != `["8 needsAction","9 accepted"]` {
		t.Errorf("%s, %v", v, err)
	}
	commands, err := f.Write(Odoo, AnswersValue(map[string]string{"8": "declined", "9": "accepted"}), rec, env)
	if got := fmt.Sprint(commands); err != nil || got != "[[1 80 map[state:declined]]]" {
		t.Errorf("%s, %v", got, err)
	}
	given, err := f.Write(DingTalk, AnswersValue(map[string]string{"8": "declined", "9": "accepted", "7": "declined"}), event, env)
	if got := fmt.Sprint(given); err != nil || got != "map[li.unionid:declined wang.unionid:accepted]" {
		t.Errorf("%s, %v", got, err)
	}
	// Who does not attend cannot answer.
	delete(event["responses"].(map[string]any), "wang.unionid")
	given, err = f.Write(DingTalk, AnswersValue(map[string]string{"9": "accepted"}), event, env)
	if got := fmt.Sprint(given); err != nil || got != "map[]" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestSpansThatCannotBe(t *testing.T) {
	for _, rec := range []Record{
		{"isAllDay": true, "startDate": "2026-12-24", "endDate": "2026-12-24"},
		{"isAllDay": true, "startDate": "24.12.2026", "endDate": "2026-12-25"},
		{"isAllDay": false, "start": int64(2000), "end": int64(1000)},
		{"isAllDay": false, "start": nil, "end": int64(1000)},
	} {
		if v, err := (spanConverter{}).Read(DingTalk, nil, Env{Record: rec}); err == nil {
			t.Errorf("%v is read as %s", rec, v)
		}
	}
	if _, err := (spanConverter{}).Write(Odoo, Text("tomorrow"), nil, Env{}); err == nil {
		t.Error("no span is written")
	}
	if got := (spanConverter{}).parts(Odoo); !slices.Contains(got, "allday") {
		t.Errorf("%v", got)
	}
}
