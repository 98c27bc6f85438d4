package odootest

import (
	"slices"
	"strings"
	"testing"
)

// activity makes one on a purchase order and returns its id.
func (o *office) activity(order int64, more vals) int64 {
	o.Helper()
	v := vals{"res_model_id": o.s.Search("ir.model", []any{[]any{"model", "=", "purchase.order"}})[0], "res_id": order, "activity_type_id": 4, "summary": "回电"}
	for k, x := range more {
		v[k] = x
	}
	id, err := o.bridge.Create(ctx(), "mail.activity", v, nil)
	o.must(err)
	return id
}

func (o *office) lastMessage() int64 {
	ids := o.s.Search("mail.message", nil)
	return slices.Max(append(ids, 0))
}

func TestDoneAndCancelledActivities(t *testing.T) {
	o := newOffice(t)
	order := o.order()
	stamp := o.s.WriteDate("purchase.order", order)
	id := o.activity(order, vals{"note": "<p>打给供应商</p>"})
	got := o.s.Get("mail.activity", id)
	if got["create_uid"].([]any)[1] != "OdooBot" || got["create_user_id"].([]any)[1] != "bridge" || got["state"] != "today" || got["res_model"] != "purchase.order" {
		t.Errorf("made: %v", got)
	}
	if !o.s.WriteDate("purchase.order", order).Equal(stamp) {
		t.Error("an activity moved the document's write_date")
	}
	last := o.lastMessage()
	answer, err := o.bridge.Execute(ctx(), "mail.activity", "action_feedback", []any{[]int64{id}}, vals{"feedback": "说过了 &amp; <b>好</b>"})
	o.must(err)
	msg := o.s.Get("mail.message", answer.(int64))
	if answer.(int64) <= last || msg["subtype_id"].([]any)[1] != "Activities" || msg["mail_activity_type_id"].([]any)[1] != "To Do" || msg["model"] != "purchase.order" ||
		msg["res_id"] != order || msg["message_type"] != "notification" || msg["author_id"].([]any)[1] != "bridge" {
		t.Errorf("left behind: %v", msg)
	}
	for _, want := range []string{"<span>To Do</span> done", "<span>回电</span>", "打给供应商", "说过了 &amp; <b>好</b>"} {
		if !strings.Contains(msg["body"].(string), want) {
			t.Errorf("no %s in %v", want, msg["body"])
		}
	}
	_, err = o.bridge.Execute(ctx(), "mail.activity", "action_feedback", []any{[]int64{id}}, nil)
	if err == nil || !strings.Contains(err.Error(), "Record does not exist or has been deleted") {
		t.Errorf("done twice: %v", err)
	}
	answer, err = o.bridge.Execute(ctx(), "mail.activity", "action_done", []any{[]int64{o.activity(order, nil)}}, vals{"context": vals{"default_author_id": o.partner("zhang")}})
	o.must(err)
	msg = o.s.Get("mail.message", answer.(int64))
	if msg["author_id"].([]any)[0] != o.partner("zhang") || msg["create_uid"].([]any)[1] != "bridge" || !strings.HasPrefix(msg["email_from"].(string), "bridge") {
		t.Errorf("done for 张三: %v", msg)
	}
	cancelled := o.activity(order, nil)
	last = o.lastMessage()
	o.must(o.bridge.Unlink(ctx(), "mail.activity", []int64{cancelled}, nil))
	if now := o.lastMessage(); now != last {
		t.Errorf("a cancelled activity left message %v", o.s.Get("mail.message", now))
	}
	err = o.bridge.Write(ctx(), "mail.activity", []int64{cancelled}, vals{"summary": "x"}, nil)
	if err == nil || !strings.Contains(err.Error(), "Missing document(s)") {
		t.Errorf("written after it went: %v", err)
	}
	gone := o.activity(order, nil)
	o.press("purchase.order", order, "button_cancel")
	o.must(o.s.Unlink("purchase.order", order))
	if o.s.Get("mail.activity", gone) != nil {
		t.Error("the activity outlived its document")
	}
}

func TestWhoMayTouchActivities(t *testing.T) {
	o := newOffice(t)
	order := o.order()
	o.s.AddUser("plain", "plain-password", "base.group_user")
	buyer := o.s.AddUser("buyer", "buyer-password", "purchase.group_purchase_user")
	plain := o.client("plain", "plain-password")
	uid := o.s.Search("res.users", []any{[]any{"login", "=", "plain"}})[0]
	id := o.activity(order, nil)
	model := o.s.Search("ir.model", []any{[]any{"model", "=", "purchase.order"}})[0]

	refused := func(what string, err error, words string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := plain.Create(ctx(), "mail.activity", vals{"res_model_id": model, "res_id": order}, nil)
	refused("made without the right to write", err, "Document model: purchase.order")
	refused("written", plain.Write(ctx(), "mail.activity", []int64{id}, vals{"summary": "x"}, nil), "Operation: write")
	refused("cancelled", plain.Unlink(ctx(), "mail.activity", []int64{id}, nil), "Operation: write")
	_, err = plain.Execute(ctx(), "mail.activity", "action_feedback", []any{[]int64{id}}, nil)
	refused("done", err, "Operation: write")
	refused("assigned to one who may not read", o.bridge.Write(ctx(), "mail.activity", []int64{id}, vals{"user_id": uid}, nil), "Assigned user plain has no access")
	if rows, err := plain.Read(ctx(), "mail.activity", []int64{id}, []string{"res_name"}, nil); err != nil || len(rows) != 1 {
		t.Errorf("not readable: %v %v", rows, err)
	}

	last := o.lastMessage()
	o.clock.Advance(2e9)
	before := o.s.WriteDate("mail.activity", id)
	o.must(o.bridge.Write(ctx(), "mail.activity", []int64{id}, vals{"user_id": buyer}, nil))
	if o.s.WriteDate("mail.activity", id).Equal(before) {
		t.Error("reassigning did not move write_date")
	}
	told := o.s.Get("mail.message", o.lastMessage())
	if told["id"].(int64) == last || told["model"] != false || !strings.HasSuffix(told["subject"].(string), "回电 assigned to you") {
		t.Errorf("told: %v", told)
	}
	partner := o.s.Get("res.users", buyer)["partner_id"].([]any)[0].(int64)
	if followers := o.s.Get("purchase.order", order)["message_partner_ids"].([]int64); !slices.Contains(followers, partner) {
		t.Errorf("the assignee does not follow: %v", followers)
	}
	if got, err := o.client("buyer", "buyer-password").Execute(ctx(), "mail.activity", "action_done", []any{[]int64{id}}, nil); err != nil || o.s.Get("mail.message", got.(int64))["author_id"].([]any)[1] != "buyer" {
		t.Errorf("done by the assignee: %v %v", got, err)
	}
}
