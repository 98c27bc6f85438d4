package dingtalktest

import (
	"strings"
	"testing"
	"time"
)

func TestScaleKeepsTheServersClock(t *testing.T) {
	k := DefaultKnobs()
	k.Scale(0.001)
	if k.RetryFirst != 10*time.Millisecond || k.RedeliverAfter != 3*time.Millisecond || k.TokenLife != 2*time.Hour ||
		k.TicketLife != 90*time.Second || k.PushTimeout != 2500*time.Millisecond {
		t.Errorf("scaled: %+v", k)
	}
}

func TestWritingKnobs(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) {
		k.CustomFields = map[string]bool{"爱好": true}
		k.OrgMailbox, k.CreatedActive, k.KeepLostManagers = false, true, true
	})
	boss := b.AddUser(User{UserID: "boss", Name: "n"})
	b.ok(userCreate, newcomer(object{"extension": object{"爱好": "x", "别的": "y"}, "org_email": "a@corp.example", "manager_userid": boss}))
	u, _ := b.User("u1")
	if u.Extension != `{"爱好":"x"}` || u.OrgEmail != "" || !u.Active {
		t.Errorf("unknown custom fields are dropped, the mailbox is off, active at once: %+v", u)
	}
	if err := b.RemoveUser("boss"); err != nil {
		t.Fatal(err)
	}
	if u, _ = b.User("u1"); u.ManagerUserID != "boss" {
		t.Errorf("KeepLostManagers: %+v", u)
	}
	b.ok(userUpdate, object{"userid": "u1", "title": "t"}) // a lost manager does not stand in the way of other fields
	b.Set(func(k *Knobs) { k.UnknownFieldsRefused = true })
	b.refused("60122", userUpdate, object{"userid": "u1", "extension": object{"别的": "y"}})
}

func TestLimits(t *testing.T) {
	b := start(t)
	dept := b.AddDepartment(Department{Name: "A"})
	b.AddUser(User{UserID: "u0", Name: "n", Departments: []int64{dept}})
	b.Set(func(k *Knobs) { k.MaxDepartments, k.MaxDepartmentMembers = 1, 1 })
	b.refused("60110", deptCreate, object{"name": "B", "parent_id": 1})
	b.refused("40023", userCreate, newcomer(object{"dept_id_list": dept}))
	b.ok(userUpdate, object{"userid": "u0", "title": "t"}) // who is in stays in
	b.Set(func(k *Knobs) { k.MaxHeadcount = 1 })
	b.refused("40024", userCreate, newcomer(nil))
}

func TestEventKnobs(t *testing.T) {
	b := start(t)
	b.Set(func(k *Knobs) { k.EventWithoutChange, k.ModifyAfterAdd, k.DiffInfoArray = true, true, false })
	b.ok(userCreate, newcomer(nil))
	b.ok(userUpdate, object{"userid": "u1", "name": "张三"})
	dept := b.AddDepartment(Department{Name: "A"})
	b.ok(deptUpdate, object{"dept_id": dept, "name": "A"})
	if got := strings.Join(b.types(), " "); got != "user_add_org user_modify_org user_modify_org org_dept_create org_dept_modify" {
		t.Errorf("events: %s", got)
	}
	if data := string(b.Events()[1].Data); !strings.Contains(data, `"diffInfo":{"curr":`) {
		t.Errorf("diffInfo as the document prints it: %s", data)
	}
}

func TestConsoleRefusals(t *testing.T) {
	b := start(t)
	b.AddUser(User{UserID: "u1", Name: "n", Mobile: "13800000001"})
	if id := b.AddUser(User{UserID: "u2", Name: "n", Mobile: "+86-13800000001"}); id != "" {
		t.Errorf("the number is taken: %s", id)
	}
	if id := b.AddDepartment(Department{Name: "a-b"}); id != 0 {
		t.Errorf("a bad name: %d", id)
	}
	for name, err := range map[string]error{
		"edit nobody":         b.EditUser("nobody", func(*User) {}),
		"edit to no name":     b.EditUser("u1", func(u *User) { u.Name = "" }),
		"remove nobody":       b.RemoveUser("nobody"),
		"activate nobody":     b.Activate("nobody"),
		"edit no department":  b.EditDepartment(5, func(*Department) {}),
		"rename the root":     b.EditDepartment(1, func(d *Department) { d.Name = "x" }),
		"remove the root":     b.RemoveDepartment(1, true),
		"assign unknown role": b.AssignRole(5, "u1"),
		"rename unknown role": b.RenameRole(5, "x"),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "dingtalk refuses with ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.EditUser("u1", func(u *User) { u.Mobile, u.LeaderIn = "13800000002", []int64{1} }); err != nil {
		t.Fatal(err)
	}
	b.refused("60121", "/topapi/v2/user/getbymobile", object{"mobile": "13800000002"}) // not yet active
	if u, _ := b.User("u1"); u.Mobile != "13800000002" || len(u.LeaderIn) != 1 {
		t.Errorf("an administrator changes numbers and managers: %+v", u)
	}
}
