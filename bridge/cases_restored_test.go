package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/odoo"
	"dingbridge/odoo/odootest"
)

// threeMeetings are as many as would look like a restored backup if they were gone.
func (d *diary) threeMeetings() []int64 {
	d.t.Helper()
	var out []int64
	for i := range 3 {
		out = append(out, d.meet(fmt.Sprintf("会议 %d", i), nil))
	}
	d.step()
	want(d.t, "events", len(d.ding.CalendarEvents()), 3)
	d.later(2 * time.Second)
	return out
}

// logIn is another program of the bridge's user that logs in.
func (w *world) logIn() {
	w.t.Helper()
	client, err := odoo.New(odoo.Config{URL: w.odooURL, Database: w.db, Login: w.login, Password: w.password})
	must(w.t, err)
	defer client.Close()
	_, err = client.Authenticate(w.ctx)
	must(w.t, err)
}

// refuses says that the database is not taken for the one that was, and why.
func (w *world) refuses(words string) {
	w.t.Helper()
	if err := w.engine.CheckDatabase(w.ctx); err == nil || !strings.Contains(err.Error(), words) {
		w.t.Fatalf("the database was accepted, or for another reason than %q: %v", words, err)
	}
}

func TestTheNewestMeetingsAreDeletedAllAtOnce(t *testing.T) {
	d := newDiary(t)
	ids := d.threeMeetings()
	must(t, d.people.Unlink("calendar.event", ids...))
	must(t, d.engine.CheckDatabase(d.ctx))
	d.step()
	for _, e := range d.ding.CalendarEvents() {
		want(t, "cancelled", e.Cancelled, true)
	}
	// Again, with the first ones still remembered, and by a bridge that was started meanwhile.
	more := []int64{d.meet("甲", nil), d.meet("乙", nil), d.meet("丙", nil)}
	d.step()
	must(t, d.people.Unlink("calendar.event", more...))
	d.reopen()
	must(t, d.engine.CheckDatabase(d.ctx))
	d.sync()
	want(t, "held", d.held(), "")
}

// The rows of a user's former logins are deleted from time to time.
func TestTheNewestMeetingsAreDeletedAfterAnotherLogin(t *testing.T) {
	d := newDiary(t)
	d.standIn()
	ids := d.threeMeetings()
	d.logIn()
	must(t, d.engine.CheckDatabase(d.ctx))
	d.odoo.ForgetLogins()
	must(t, d.people.Unlink("calendar.event", ids...))
	must(t, d.engine.CheckDatabase(d.ctx))
}

func TestARestoredBackupLacksTheNewestMeetings(t *testing.T) {
	for _, c := range []struct {
		name  string
		since func(*diary) // what happens after the backup was put back
		words string
	}{
		{"at once", func(*diary) {}, "this Odoo database does not know of it: a backup was restored"},
		{"a new start", func(d *diary) { d.reopen() }, "this Odoo database does not know of it: a backup was restored"},
		{"many logins", func(d *diary) {
			d.later(10 * time.Minute)
			for range 20 {
				d.logIn()
			}
		}, "this Odoo database does not know of it: a backup was restored"},
		{"many logins, all forgotten but the last", func(d *diary) {
			for range 20 {
				d.logIn()
			}
			d.odoo.ForgetLogins()
		}, "the 3 newest records of calendar.event are gone all at once, and nothing shows whether they were deleted or a backup was restored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary(t)
			d.standIn()
			backup := d.odoo.Snapshot()
			d.threeMeetings()
			must(t, d.odoo.Restore(backup))
			c.since(d)
			d.refuses(c.words)
			must(t, bridge.ConfirmDatabase(d.ctx, d.store))
			must(t, d.engine.CheckDatabase(d.ctx))
			must(t, d.engine.CheckDatabase(d.ctx))
		})
	}
}

// Without the right to leave a sign nobody can tell, and a person decides.
func TestNoSignCanBeLeft(t *testing.T) {
	d := newDiary(t)
	d.standIn()
	d.odoo.Fail(func(c odootest.Call) bool { return c.Model == "res.users.log" }, -1,
		odootest.Fault(4, "('Sorry, you are not allowed to create this kind of document.\n\n(Document model: res.users.log) - (Operation: create, User: 7)', None)"))
	must(t, d.people.Unlink("calendar.event", d.threeMeetings()...))
	d.refuses("nothing shows whether they were deleted or a backup was restored")
}

// Employees are archived: that the newest of them are deleted all at once is never taken for granted.
func TestTheNewestPeopleAreDeletedAllAtOnce(t *testing.T) {
	c := company(t)
	c.standIn()
	var ids []int64
	for i := range 20 {
		c.later(2 * time.Second)
		ids = append(ids, c.employee(fmt.Sprintf("员工 %d", i), number(i), map[string]any{"department_id": c.rd}))
	}
	c.step()
	must(t, c.people.Unlink("hr.employee", ids...))
	c.refuses("newest records of hr.employee are gone all at once: a backup was restored")
}

// A backup that lacks nothing but activities is noticed by the sign that is lost with them.
func TestARestoredBackupLacksTheNewestActivities(t *testing.T) {
	s := newSpoken(t, nil, "activity-assigned")
	partner := s.people.Create("res.partner", map[string]any{"name": "上海客户"})
	backup := s.odoo.Snapshot()
	for _, what := range []string{"一", "二", "三"} {
		_, err := s.asZhang.Create("mail.activity", map[string]any{
			"res_model_id": s.model("res.partner"), "res_id": partner, "user_id": s.uid("li"), "summary": what, "date_deadline": "2026-12-01", "activity_type_id": int64(2),
		})
		must(t, err)
	}
	s.step()
	must(t, s.odoo.Restore(backup))
	s.refuses("this Odoo database does not know of it: a backup was restored")
}
