package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// diary is the small company whose people meet: 张三 and 李四 are users of Odoo, 王五 is one who is not in DingTalk.
type diary struct {
	*one
	userZhang, userLi                       int64
	partnerZhang, partnerLi, partnerOutside int64
}

// meetingsYAML is the preset with a guard that lets everything through.
func meetingsYAML(t *testing.T, edits ...func(string) string) mapping.Source {
	t.Helper()
	src, ok := mapping.Preset("meetings")
	if !ok {
		t.Fatal("no preset meetings")
	}
	text := string(src.Data)
	for _, edit := range edits {
		text = edit(text)
	}
	return mapping.Source{File: src.File, Data: []byte(text)}
}

// bornInDingTalk lets events come to Odoo as well.
func bornInDingTalk(yaml string) string {
	return strings.Replace(yaml, "create: {dingtalk: true}", "create: {dingtalk: true, odoo: true}", 1)
}

func newDiary(t *testing.T, edits ...func(string) string) *diary {
	t.Helper()
	w := newWorld(t, append(presets(t), meetingsYAML(t, edits...))...)
	d := &diary{one: staffed(w)}
	d.userZhang, d.partnerZhang = d.user0(d.zhang, "zhang", "张三", "zhang@example.com")
	d.userLi, d.partnerLi = d.user0(d.li, "li", "李四", "li@example.com")
	d.partnerOutside = w.people.Create("res.partner", map[string]any{"name": "王五", "email": "wang@example.org"})
	d.step()
	d.settled()
	d.later(2 * time.Second)
	return d
}

// user0 makes an employee a user of Odoo; setting the user overwrites the name and the address.
func (d *diary) user0(employee int64, login, name, email string) (user, partner int64) {
	d.t.Helper()
	user = d.internalUser(login)
	d.write("hr.employee", employee, map[string]any{"user_id": user})
	d.write("hr.employee", employee, map[string]any{"name": name, "work_email": email})
	return user, id64(d.t, text(d.people.Get("res.users", user), "partner_id"))
}

// internalUser is a user of Odoo, made if there is none of that login; a real Odoo keeps them.
func (d *diary) internalUser(login string) int64 {
	d.t.Helper()
	if d.odoo != nil {
		return d.odoo.AddUser(login, "secret", "base.group_user")
	}
	login = "diary-" + login
	if had := d.people.Search("res.users", []any{[]any{"login", "=", login}}); len(had) > 0 {
		return had[0]
	}
	return d.people.Create("res.users", map[string]any{"login": login, "name": login, "email": login + "@example.com"})
}

// meet makes a meeting in Odoo, organized by 李四 in the morning of 1 December in China.
func (d *diary) meet(name string, more map[string]any, partners ...int64) int64 {
	d.t.Helper()
	ids := []any{d.partnerLi}
	for _, p := range partners {
		ids = append(ids, p)
	}
	vals := map[string]any{
		"name": name, "start": "2026-12-01 02:00:00", "stop": "2026-12-01 03:00:00", "user_id": d.userLi, "partner_ids": []any{[]any{6, 0, ids}},
	}
	for k, v := range more {
		vals[k] = v
	}
	return d.people.Create("calendar.event", vals)
}

func (d *diary) meeting(id int64) map[string]any {
	d.t.Helper()
	rec := d.people.Get("calendar.event", id)
	if rec == nil {
		d.t.Fatalf("meeting %d is gone", id)
	}
	return rec
}

// event is the n-th event in DingTalk; there must be n+1 of them.
func (d *diary) event(n int) dingtalktest.CalendarEvent {
	d.t.Helper()
	all := d.ding.CalendarEvents()
	if len(all) != n+1 {
		d.t.Fatalf("%d events in DingTalk, want %d; held:\n%s", len(all), n+1, d.held())
	}
	return all[n]
}

func attending(e dingtalktest.CalendarEvent) string {
	var names []string
	for _, a := range e.Attendees {
		names = append(names, a.UserID)
	}
	return strings.Join(names, " ")
}

func (d *diary) explain(side mapping.Side, kind string, id any) string {
	d.t.Helper()
	xs, err := d.engine.Explain(d.ctx, ref(side, kind, id))
	must(d.t, err)
	var b strings.Builder
	for _, x := range xs {
		b.WriteString(x.String())
	}
	return b.String()
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
