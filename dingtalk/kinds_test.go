package dingtalk

import (
	"strings"
	"testing"
)

func TestKindTables(t *testing.T) {
	for _, k := range Kinds() {
		if found, ok := KindByName(k.Name); !ok || found.Name != k.Name {
			t.Errorf("%s is not found by name", k.Name)
		}
		id, ok := k.Field(k.IDField)
		if !ok || id.Type != ID || id.Get != (k.Read || k.Payload) || id.List != (k.List != ListNone && k.List != ListWindow) {
			t.Errorf("%s: id field %+v", k.Name, id)
		}
		if k.Read && len(k.Events) == 0 && k.List == ListNone {
			t.Errorf("%s has neither events nor a list", k.Name)
		}
		if key, ok := k.Field(k.Key); k.Key != "" && k.Key != ClientToken && (!ok || !key.Create || !key.Unique) {
			t.Errorf("%s: key %+v", k.Name, key)
		}
		names := map[string]bool{}
		for _, f := range k.Fields {
			where := k.Name + "." + f.Name
			if names[f.Name] || names[f.ReadName()] {
				t.Errorf("%s twice", where)
			}
			names[f.Name], names[f.ReadName()] = true, true
			if !f.Create && !f.Update && !f.Get && !f.List && f.Name != k.IDField { // the id may be the answer to a creation only
				t.Errorf("%s appears nowhere", where)
			}
			if f.Required && !f.Create {
				t.Errorf("%s is required but not taken", where)
			}
			if f.Clear != ClearNever && !f.Update {
				t.Errorf("%s can be cleared but not updated", where)
			}
			if f.Permission != "" && f.Absent != Unknown {
				t.Errorf("%s: want of permission makes absence ambiguous", where)
			}
			if f.Ref != "" {
				other, ok := KindByName(f.Ref)
				if !ok || (f.Type != ID && f.Type != IDList) {
					t.Errorf("%s refers to %q", where, f.Ref)
				}
				if by, ok := other.Field(f.RefBy); f.RefBy != "" && (!ok || by.Type != ID || !by.Get) {
					t.Errorf("%s refers by %q", where, f.RefBy)
				}
			}
			if f.Numeric && f.Type != ID && f.Type != IDList {
				t.Errorf("%s is numeric but no id", where)
			}
		}
	}
	if _, ok := KindByName("cat"); ok {
		t.Error("a kind of that name")
	}
	if _, ok := UserKind.Field("cat"); ok {
		t.Error("a field of that name")
	}
}

// The facts a mapping is checked against, spot by spot as the documents state them.
func TestKindFacts(t *testing.T) {
	user := func(name string) Field { f, _ := UserKind.Field(name); return f }
	dept := func(name string) Field { f, _ := DepartmentKind.Field(name); return f }
	if f := user("mobile"); !f.CreateOnly() || !f.Required || !f.Unique || f.Absent != Unknown || f.Permission == "" {
		t.Errorf("mobile %+v", f)
	}
	if f := user("manager_userid"); f.List || !f.Get || f.Clear != ClearForce || f.Ref != "user" || f.CreateOnly() {
		t.Errorf("manager_userid %+v: lists do not carry it", f)
	}
	for _, name := range []string{"title", "work_place", "remark"} {
		if user(name).Clear != ClearEmptyString {
			t.Errorf("%s", name)
		}
	}
	for _, name := range []string{"telephone", "email", "mobile", "userid"} {
		if f := user(name); !f.Unique || f.Clear != ClearNever {
			t.Errorf("%s %+v", name, f)
		}
	}
	for _, name := range []string{"email", "work_place", "remark", "extension"} {
		if f := user(name); f.Permission != permPersonal {
			t.Errorf("%s %+v", name, f)
		}
	}
	for _, name := range []string{"role_list", "leader_in_dept"} {
		if f := user(name); f.List || !f.Get || f.Create || f.Update {
			t.Errorf("%s %+v", name, f)
		}
	}
	if f := dept("dept_manager_userid_list"); f.Create || !f.Update || f.Clear != ClearForceEmpty || f.Ref != "user" {
		t.Errorf("managers %+v", f)
	}
	if f := dept("code"); f.Create || !f.Update || f.MaxLen != 30 {
		t.Errorf("code %+v", f)
	}
	if f := dept("source_identifier"); !f.Create || !f.Update || !f.Get {
		t.Errorf("source_identifier %+v", f)
	}
	if user("senior_mode").ReadName() != "senior" || user("name").ReadName() != "name" {
		t.Error("ReadName")
	}
}

// A message's content is one group of fields, and what some kinds share has one name.
func TestMessageKinds(t *testing.T) {
	for _, k := range []Kind{WorkNoticeKind, PersonMessageKind, GroupMessageKind, RobotMessageKind, ConversationMessageKind} {
		if k.Read || k.List != ListNone || !k.Create {
			t.Errorf("%s: %+v", k.Name, k)
		}
		for _, name := range []string{"text.content", "markdown.title", "markdown.text", "link.messageUrl", "action_card.btn_json_list"} {
			if f, ok := k.Field(name); !ok || !f.Create || f.Update || f.Required {
				t.Errorf("%s.%s: %+v", k.Name, name, f)
			}
		}
	}
	for _, k := range Kinds() {
		for _, f := range k.Fields {
			if shown := f.Name == "markdown.text" || f.Name == "action_card.markdown"; f.Markdown != shown {
				t.Errorf("%s.%s is shown as markdown: %t", k.Name, f.Name, f.Markdown)
			}
		}
	}
	for _, f := range WorkNoticeKind.Fields {
		if bar := strings.HasPrefix(f.Name, "oa.status_bar."); f.Update != bar {
			t.Errorf("%s: an update changes the status bar only", f.Name)
		}
	}
	if _, ok := ConversationMessageKind.Field("oa.status_bar.status_value"); ok {
		t.Error("an ordinary message has no status bar")
	}
}
