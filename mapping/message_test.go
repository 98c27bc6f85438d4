package mapping

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyMessage uses every key of messages.
const everyMessage = `
mapping: orders
odoo: {model: sale.order, domain: [[state, in, [sale, done]]]}
dingtalk: {kind: work_notice}
start: now
leave: recall
once: state + string(user_id.id)
result: note
create: {dingtalk: {when: amount_total > 1000}}
receivers:
  - {path: user_id}
  - followers
  - {userid: boss}
  - {except: write_uid}
fields:
  - {dingtalk: markdown.title, value: "{{ name }}"}
  - {dingtalk: markdown.text,  value: "{{ name }}: {{ short(markdown(note), 20) }} {{ plain(note) }} {{ record_url }}"}
tests:
  - name: an order
    odoo: {name: SO001, note: "<p>请<b>尽快</b>发货</p>", record_url: "https://erp.example.com/web#id=7"}
    writes: {dingtalk: {markdown.title: SO001, markdown.text: "SO001: 请**尽快**发货 请尽快发货 https://erp.example.com/web#id=7"}}
---
mapping: joined
odoo: {model: hr.employee, domain: [[create_date, ">=", "{{ today() - 1 }}"]]}
dingtalk: {kind: person_message}
schedule: mon,thu 09:00,17:30
window: 90m
receivers: [{chain: parent_id, levels: 2}, {path: child_ids}, {except: department_id}]
fields: [{odoo: name, dingtalk: text.content}]
---
mapping: robot
odoo: {model: sale.order, domain: [[state, "=", cancel]]}
dingtalk: {kind: robot_message, webhook: 运维群}
fields: [{dingtalk: text.content, value: "'取消：' + name"}]
---
mapping: digest
odoo: {model: mail.activity, domain: [[date_deadline, "<", "{{ today() }}"]]}
dingtalk: {kind: ding}
schedule: workdays 09:00
group_by: user_id
fields:
  - {dingtalk: content, value: "{{ date }}: {{ count }}\n{{ join(map(records, '- ' + .date_deadline + ' ' + .activity_type_id.name + ' ' + .res_name), '\\n') }}"}
tests:
  - name: two
    odoo:
      date: 2026-12-01
      records:
        - {date_deadline: 2026-11-25, activity_type_id: [2, 电话], res_name: SO001}
        - {date_deadline: "2026-11-26"}
    writes: {dingtalk: {content: "2026-12-01: 2\n- 2026-11-25 电话 SO001\n- 2026-11-26  "}}
---
mapping: all
odoo: {model: hr.department, domain: [[note, "!=", false]]}
dingtalk: {kind: work_notice}
receivers: everyone
fields: [{odoo: note, dingtalk: text.content}]
---
mapping: some
odoo: {model: hr.department, domain: [[note, "=", false]]}
dingtalk: {kind: work_notice}
receivers: [{path: manager_id}, {members: parent_id}, {department: 17}, followers]
fields: [{odoo: name, dingtalk: text.content}]
`

// loadSound loads what nothing is complained about, not even as a doubt.
func loadSound(t *testing.T, text string) *Set {
	t.Helper()
	set, complaints := Load([]Source{{File: "test.yaml", Data: []byte(text)}}, testSchema(t))
	if len(complaints) > 0 {
		t.Fatalf("complaints:\n%s", complaints)
	}
	return set
}

func TestMessageKeysAreCompiled(t *testing.T) {
	set := loadSound(t, everyMessage)
	orders, joined, robot, digest := set.Mappings[0], set.Mappings[1], set.Mappings[2], set.Mappings[3]
	all, some := set.Mappings[4], set.Mappings[5]
	people := func(list []Person) (out []Person) {
		for _, p := range list {
			if p.Pos.Line == 0 {
				t.Errorf("%+v has no place", p)
			}
			p.Pos = Position{}
			out = append(out, p)
		}
		return out
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"receivers", people(orders.Message.Receivers), []Person{{Path: "user_id"}, {Followers: true}, {Userid: "boss"}, {Except: "write_uid"}}},
		{"paths", people(joined.Message.Receivers), []Person{{Chain: "parent_id", Levels: 2}, {Path: "child_ids"}, {Except: "department_id"}}},
		{"everyone", people(all.Message.Receivers), []Person{{Everyone: true}}},
		{"departments", people(some.Message.Receivers), []Person{{Path: "manager_id"}, {Members: "parent_id"}, {Department: 17}, {Followers: true}}},
		{"once", orders.Message.Once.Source, "state + string(user_id.id)"},
		{"result", []ResultRule{orders.Message.Result, joined.Message.Result}, []ResultRule{ResultNote, ResultNone}},
		{"leave", []LeaveRule{orders.Leave, joined.Leave}, []LeaveRule{LeaveRecall, LeaveKeep}},
		{"told when it says nothing of it", []bool{joined.CreateDingTalk.Allowed, joined.CreateDingTalk.When == nil}, []bool{true, true}},
		{"condition", orders.CreateDingTalk.When.Source, "amount_total > 1000"},
		{"schedule", joined.Message.Schedule.String(), "mon,thu 09:00,17:30"},
		{"no schedule", orders.Message.Schedule, (*Schedule)(nil)},
		{"window", joined.Message.Window, 90 * time.Minute},
		{"webhook", robot.Message.Webhook, "运维群"},
		{"group_by", []string{digest.Message.GroupBy, orders.Message.GroupBy}, []string{"user_id", ""}},
		{"digests", []bool{digest.Message.Digest(), orders.Message.Digest(), (*Message)(nil).Digest()}, []bool{true, false, false}},
		{"guard", orders.Guard, messageGuard},
		{"read from Odoo", orders.OdooFields(), []string{"amount_total", "name", "note", "state", "user_id"}},
		{"read for a digest", digest.OdooFields(), []string{"activity_type_id", "date_deadline", "res_name", "user_id"}},
		{"other kinds", load(t, employeesWith("{odoo: work_email, dingtalk: email}")).Message, (*Message)(nil)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, c.got, c.want)
		}
	}
	for _, r := range RunTests(set) {
		if !r.OK() {
			t.Errorf("%s: %v", r.Test, r.Failures)
		}
	}
	if d := loadSound(t, strings.Replace(everyMessage, "create: {dingtalk: {when: amount_total > 1000}}", "create: {dingtalk: false}", 1)).Mappings[0]; d.CreateDingTalk.Allowed {
		t.Error("create: false is overruled")
	}
}

func TestASecondMessageOfTheSameModelIsNoCollision(t *testing.T) {
	one := strings.SplitN(everyMessage, "---", 2)[0]
	loadSound(t, one+"---"+strings.Replace(one, "mapping: orders", "mapping: orders-again", 1))
}

func TestRecordURLOfAnExampleIsSeen(t *testing.T) {
	set := loadSound(t, strings.Replace(everyMessage, `https://erp.example.com/web#id=7"}}`, `https://erp.example.com/web#id=8"}}`, 1))
	results := RunTests(set)
	if len(results) != 2 || len(results[0].Failures) != 1 || !strings.Contains(results[0].Failures[0], "id=7") {
		t.Errorf("%+v", results)
	}
}

func TestDigestRecord(t *testing.T) {
	digest := loadSound(t, everyMessage).Mappings[3]
	rows := []Record{
		{"date_deadline": "2026-11-25", "activity_type_id": map[string]any{"id": int64(2), "name": "电话"}, "res_name": "SO001", "user_id": map[string]any{"id": int64(9), "name": "李四"}},
		{"date_deadline": "2026-11-26", "activity_type_id": nil, "res_name": nil},
	}
	at := time.Date(2026, 11, 26, 17, 0, 0, 0, time.UTC) // the next day in China
	v, err := digest.Fields[0].Compute(digest.DigestRecord(rows, at, shanghai(t)))
	if want := "2026-11-27: 2\n- 2026-11-25 电话 SO001\n- 2026-11-26  "; err != nil || v.Text != want {
		t.Errorf("%q, %v, want %q", v.Text, err, want)
	}
}

func TestShort(t *testing.T) {
	m := load(t, `
mapping: a
odoo: {model: sale.order}
dingtalk: {kind: work_notice}
receivers: followers
fields: [{dingtalk: text.content, value: "short(name, amount_total < 0 ? 0 : int(amount_total))"}]
`)
	for _, c := range []struct {
		text   any
		length float64
		want   string
	}{
		{"采购订单", 4, "采购订单"}, {"采购订单", 3, "采购…"}, {"采购订单", 1, "…"}, {"", 1, ""}, {nil, 1, ""}, {"ab", 9, "ab"},
	} {
		if v, err := m.Fields[0].Compute(Record{"name": c.text, "amount_total": c.length}); err != nil || v.Text != c.want {
			t.Errorf("%v, %v: %q, %v", c.text, c.length, v.Text, err)
		}
	}
	if _, err := m.Fields[0].Compute(Record{"name": "a", "amount_total": -1.0}); err == nil || !strings.Contains(err.Error(), "length") {
		t.Errorf("no length: %v", err)
	}
}

func TestSchedules(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	china := shanghai(t)
	for _, c := range []struct {
		schedule        string
		zone            *time.Location
		now, last, next string
	}{
		{"workdays 09:00", china, "2026-11-26 09:00", "2026-11-26 09:00", "2026-11-27 09:00"}, // a Thursday
		{"workdays 09:00", china, "2026-11-26 08:59", "2026-11-25 09:00", "2026-11-26 09:00"},
		{"workdays 09:00", china, "2026-11-28 12:00", "2026-11-27 09:00", "2026-11-30 09:00"}, // over a weekend
		{"Workdays  9:00", china, "2026-11-30 08:00", "2026-11-27 09:00", "2026-11-30 09:00"},
		{"daily 17:00,08:30", china, "2026-11-26 12:00", "2026-11-26 08:30", "2026-11-26 17:00"},
		{"daily 08:30,17:00", china, "2026-11-26 23:59", "2026-11-26 17:00", "2026-11-27 08:30"},
		{"daily 00:00", china, "2026-12-31 12:00", "2026-12-31 00:00", "2027-01-01 00:00"},
		{"mon,thu 09:00", china, "2026-11-26 10:00", "2026-11-26 09:00", "2026-11-30 09:00"},
		{"sun 09:00", china, "2026-11-26 10:00", "2026-11-22 09:00", "2026-11-29 09:00"},
		{"sat,workdays 09:00", china, "2026-11-27 10:00", "2026-11-27 09:00", "2026-11-28 09:00"},
		{"1,15 09:00", china, "2026-11-26 10:00", "2026-11-15 09:00", "2026-12-01 09:00"},
		{"31 09:00", china, "2026-02-27 10:00", "2026-01-31 09:00", "2026-02-28 09:00"}, // the last day of a shorter month
		{"31 09:00", china, "2026-02-28 10:00", "2026-02-28 09:00", "2026-03-31 09:00"},
		{"31 09:00", china, "2028-02-29 08:00", "2028-01-31 09:00", "2028-02-29 09:00"},
		{"29,30 09:00", china, "2026-02-28 10:00", "2026-02-28 09:00", "2026-03-29 09:00"}, // both are the 28th, once
		{"31 09:00", china, "2026-04-30 09:00", "2026-04-30 09:00", "2026-05-31 09:00"},
		// The clocks are put forward from 02:00 to 03:00 on 2026-03-29, and back from 03:00 to 02:00 on 2026-10-25.
		{"daily 09:00", berlin, "2026-03-28 10:00", "2026-03-28 09:00", "2026-03-29 09:00"},
		{"daily 09:00", berlin, "2026-10-25 08:00", "2026-10-24 09:00", "2026-10-25 09:00"},
		{"daily 02:30", berlin, "2026-03-29 01:00", "2026-03-28 02:30", "2026-03-29 03:30"},
		{"daily 02:30,03:00", berlin, "2026-03-29 01:00", "2026-03-28 03:00", "2026-03-29 03:00"},
		{"daily 02:30,03:00", berlin, "2026-03-29 03:10", "2026-03-29 03:00", "2026-03-29 03:30"},
		{"daily 02:30", berlin, "2026-10-25 03:00", "2026-10-25 02:30", "2026-10-26 02:30"},
		{"daily 00:00", berlin, "2026-10-25 12:00", "2026-10-25 00:00", "2026-10-26 00:00"},
	} {
		s, problem := ParseSchedule(c.schedule)
		if problem != "" {
			t.Errorf("%s: %s", c.schedule, problem)
			continue
		}
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, now := range []time.Time{now, now.UTC()} { // the clock's own zone does not matter
			if last, next := s.Last(now, c.zone).Format("2006-01-02 15:04"), s.Next(now, c.zone).Format("2006-01-02 15:04"); last != c.last || next != c.next {
				t.Errorf("%s at %s: %s, then %s; want %s, %s", c.schedule, c.now, last, next, c.last, c.next)
			}
		}
	}
}

// TestScheduleIsWithoutGaps walks through two years: each time is the last one until the next, and the clocks that are put forward or back
// take none away and give none twice.
func TestScheduleIsWithoutGaps(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Asia/Shanghai", "America/Sao_Paulo", "Africa/Cairo", "Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for schedule, want := range map[string]int{"daily 00:00,02:30": 2 * 731, "sun 00:30": 104, "1,31 23:30": 48} {
			s, _ := ParseSchedule(schedule)
			at := time.Date(2023, 12, 31, 23, 45, 0, 0, zone)
			end := time.Date(2025, 12, 31, 23, 45, 0, 0, zone)
			count := 0
			for {
				next := s.Next(at, zone)
				if !next.After(at) || next.After(end) {
					break
				}
				if last := s.Last(next, zone); !last.Equal(next) {
					t.Fatalf("%s, %s: at %s the last one is %s", name, schedule, next, last)
				}
				if last := s.Last(next.Add(-time.Second), zone); count > 0 && !last.Equal(at) {
					t.Fatalf("%s, %s: before %s the last one is %s, not %s", name, schedule, next, last, at)
				}
				at = next
				count++
			}
			if count != want {
				t.Errorf("%s, %s: %d times, want %d", name, schedule, count, want)
			}
		}
	}
}

func TestNoSchedules(t *testing.T) {
	for _, text := range []string{
		"", "daily", "09:00", "daily 09:00 17:00", "daily 09:00,", ",mon 09:00", "mon-fri 09:00", "monday 09:00", "0 09:00", "32 09:00", "-1 09:00", "1.5 09:00",
		"daily 24:00", "daily 9", "daily 09:60", "daily 09:00:00", "daily 9am", "mon,1 09:00", "daily,31 09:00", "*/5 * * * *", "每天 09:00", "daily 09：00",
	} {
		if s, problem := ParseSchedule(text); s != nil || problem == "" {
			t.Errorf("%q is %v, %q", text, s, problem)
		}
	}
}

func TestDomainAt(t *testing.T) {
	m := load(t, `
mapping: a
odoo:
  model: hr.leave
  domain:
    - "|"
    - [request_date_from, "=", "{{ today() }}"]
    - "!"
    - [request_date_to, in, ["{{ today() + 3 }}", "{{today()-1}}", "2026-01-01", [x]]]
    - [date_from, ">=", "{{ today() }}"]
    - [date_from, "<", "{{ today() }}"]
    - [date_to, "<=", "{{ today() + 1 }}"]
    - [date_to, ">", "{{ today() }}"]
    - [employee_id.create_date, ">=", "{{ today() }}"]
    - [employee_id.birthday, ">=", "{{ today() + 365 }}"]
    - [state, "=", confirm]
    - [number_of_days, ">", 0.5]
dingtalk: {kind: work_notice}
schedule: daily 09:00
receivers: {path: employee_id}
fields: [{dingtalk: text.content, value: name}]
`)
	china := shanghai(t)
	at := time.Date(2026, 11, 26, 17, 0, 0, 0, time.UTC) // 01:00 of the 27th in China
	want := []any{
		"|",
		[]any{"request_date_from", "=", "2026-11-27"},
		"!",
		[]any{"request_date_to", "in", []any{"2026-11-30", "2026-11-26", "2026-01-01", []any{"x"}}},
		[]any{"date_from", ">=", "2026-11-26 16:00:00"},
		[]any{"date_from", "<", "2026-11-26 16:00:00"},
		[]any{"date_to", "<=", "2026-11-28 15:59:59"},
		[]any{"date_to", ">", "2026-11-27 15:59:59"},
		[]any{"employee_id.create_date", ">=", "2026-11-26 16:00:00"},
		[]any{"employee_id.birthday", ">=", "2027-11-27"},
		[]any{"state", "=", "confirm"},
		[]any{"number_of_days", ">", 0.5},
	}
	if got := m.DomainAt(at, china); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
	before := slices.Clone(m.Domain)
	if got := m.DomainAt(at.Add(-24*time.Hour), time.UTC); !reflect.DeepEqual(got[1], []any{"request_date_from", "=", "2026-11-25"}) {
		t.Errorf("another day: %v", got)
	}
	if !reflect.DeepEqual(m.Domain, before) {
		t.Errorf("the mapping's own domain changed: %v", m.Domain)
	}
	plain := load(t, employeesWith("{odoo: work_email, dingtalk: email}"))
	if got := plain.DomainAt(at, china); got != nil {
		t.Errorf("no domain is %v", got)
	}
}

func TestDaysOfAZoneThatSkipsMidnight(t *testing.T) {
	zone, err := time.LoadLocation("America/Sao_Paulo") // 2018-11-04 began at 01:00
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2018, 11, 3, 12, 0, 0, 0, zone)
	for day, want := range map[dayFromToday]string{
		{days: 1}:                          "2018-11-04",
		{days: 0, clock: true, last: true}: "2018-11-04 02:59:59",
		{days: 1, clock: true, last: true}: "2018-11-05 01:59:59",
	} {
		if got := day.at(now); got != want {
			t.Errorf("%+v: %s, want %s", day, got, want)
		}
	}
}

func TestTodayOfALookupIsRefused(t *testing.T) {
	text := strings.Replace(approvalOf("x_trip", "both", `{odoo: x_leave_type_id, dingtalk: form.假期类型, lookup: {model: hr.leave.type, by: name, domain: [[create_date, "<", "{{ today() }}"]]}}`), "DIRECTION", "direction: both", 1)
	_, complaints := Load([]Source{{File: "test.yaml", Data: []byte(text)}}, testSchema(t))
	if got := complaints.Error(); !strings.Contains(got, "today() belongs to a mapping of messages") {
		t.Error(got)
	}
}

func TestJSONSchemaOfMessages(t *testing.T) {
	s := compiledSchema(t)
	for _, doc := range documents(t, Source{Data: []byte(everyMessage)}) {
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
	}
	for name, change := range map[string][2]string{
		"word":       {"receivers: everyone", "receivers: everybody"},
		"person":     {"{department: 17}", "{departments: 17}"},
		"number":     {"{department: 17}", "{department: all}"},
		"nobody":     {"receivers: [{chain: parent_id, levels: 2}, {path: child_ids}, {except: department_id}]", "receivers: []"},
		"result":     {"result: note", "result: chatter"},
		"leave":      {"leave: recall", "leave: delete"},
		"window":     {"window: 90m", "window: soon"},
		"list":       {"schedule: mon,thu 09:00,17:30", "schedule: [mon, thu]"},
		"webhook":    {"webhook: 运维群", "webhook: {name: 运维群}"},
		"group_by":   {"group_by: user_id", "group_by: [user_id]"},
		"expression": {"once: state + string(user_id.id)", "once: {value: state}"},
	} {
		text := strings.Replace(everyMessage, change[0], change[1], 1)
		if text == everyMessage {
			t.Fatalf("%s: the change does not apply", name)
		}
		if !slices.ContainsFunc(documents(t, Source{Data: []byte(text)}), func(doc any) bool { return s.Validate(doc) != nil }) {
			t.Errorf("%s is accepted", name)
		}
	}
}

// FuzzSchedule reads anything as a schedule. It must not panic; what is a schedule reads the same again, and has times around every moment.
func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"workdays 09:00", "daily 08:30,17:00", "mon,thu 9:00", "1,15,31 23:59", "sun,sun 00:00,00:00", "31 02:30", "daily"} {
		f.Add(text, int64(1_800_000_000))
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		s, problem := ParseSchedule(text)
		if (s == nil) != (problem != "") {
			t.Fatalf("%v, %q", s, problem)
		}
		if s == nil {
			return
		}
		if again, problem := ParseSchedule(s.String()); problem != "" || !reflect.DeepEqual(again, s) {
			t.Errorf("%+v, then %+v, %s", s, again, problem)
		}
		now := time.Unix(unix%(1<<34), 0)
		last, next := s.Last(now, zone), s.Next(now, zone)
		if last.After(now) || !next.After(now) || next.Sub(last) > 32*24*time.Hour {
			t.Errorf("%s at %s: %s, then %s", s, now, last, next)
		}
	})
}
