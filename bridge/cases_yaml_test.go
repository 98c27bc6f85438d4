package bridge_test

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
)

// badges is a second mapping on the same model and kind: one way, only those in its domain, other DingTalk fields. People are
// recognised by the badge number that both systems know already.
const badges = `mapping: badges
odoo:     {model: hr.employee, domain: [[barcode, "!=", false]]}
dingtalk: {kind: user}
direction: to_dingtalk
match: [job_number]
conflict: odoo
fields:
  - {odoo: barcode, dingtalk: job_number}
  - {dingtalk: org_email, value: "{{ barcode }}@mail.example.com"}
create: {dingtalk: false, odoo: false}
remove: {dingtalk: never, odoo: never}
leave:  keep
guard:  {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited, percent: 3}
`

func TestTwoMappingsOnEmployees(t *testing.T) {
	c := company(t)
	c.write("hr.employee", c.li, map[string]any{"barcode": "E002"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.JobNumber = "E002" }))
	c.step()
	c.reopen(append(presets(t), mapping.Source{File: "badges.yaml", Data: []byte(badges)})...)
	c.sync()
	want(t, "李四's mailbox", c.user(mobileLi).OrgEmail, "E002@mail.example.com")
	want(t, "张三's mailbox", c.user(mobileZhang).OrgEmail, "")
	// One edit concerns both mappings: each writes its own fields, one after the other.
	updates := c.ding.Calls(userUpdate)
	c.write("hr.employee", c.li, map[string]any{"barcode": "E777", "job_title": "架构师"})
	c.step()
	u := c.user(mobileLi)
	want(t, "job number", u.JobNumber, "E777")
	want(t, "mailbox", u.OrgEmail, "E777@mail.example.com")
	want(t, "title", u.Title, "架构师")
	want(t, "updates", c.ding.Calls(userUpdate)-updates, 2)
	// A one-way field restores drift on its target.
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.JobNumber = "E666" }))
	c.step()
	want(t, "job number after drift", c.user(mobileLi).JobNumber, "E777")
	want(t, "badge in odoo", text(c.employeeOf(c.li), "barcode"), "E777")
	// Somebody enters the second mapping's domain while DingTalk lacks his number: nothing to recognise him by, nothing breaks.
	c.write("hr.employee", c.zhang, map[string]any{"barcode": "E001", "work_location": "总部大楼"})
	c.step()
	want(t, "张三's place", c.user(mobileZhang).WorkPlace, "总部大楼")
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.JobNumber = "E001" }))
	c.step()
	want(t, "张三's mailbox", c.user(mobileZhang).OrgEmail, "E001@mail.example.com")
	want(t, "people in dingtalk", len(c.ding.Users()), 2)
	c.quiet()
}

// dropField takes a field pair out of the preset that has it.
func dropField(line string) func(string) string {
	return func(y string) string { return withoutTests(strings.Replace(y, line, "", 1)) }
}

// withoutTests cuts off the YAML tests, which name every field of the preset.
func withoutTests(y string) string {
	before, _, _ := strings.Cut(y, "\ntests:\n")
	return before + "\n"
}

const placeLine = "  - {odoo: work_location,      dingtalk: work_place}\n"

func TestYAMLGainsAField(t *testing.T) {
	c := company(t, dropField(placeLine))
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.WorkPlace = "上海" }))
	c.step()
	want(t, "李四's place before", c.user(mobileLi).WorkPlace, "")
	want(t, "张三's place before", text(c.employeeOf(c.zhang), "work_location"), "")
	c.reopen(presets(t)...)
	text1, counts := c.plan("employees")
	want(t, "writes planned", counts.Writes(), 2)
	if !strings.Contains(text1, bridge.ReasonFilled) {
		t.Errorf("a new field is a first meeting; the plan says\n%s", text1)
	}
	writes := c.ding.Writes()
	c.sync()
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "北京")
	want(t, "张三's place", text(c.employeeOf(c.zhang), "work_location"), "上海")
	want(t, "writes to dingtalk", c.ding.Writes()-writes, 1)
	c.quiet()
}

func TestYAMLGainsAFieldThatDiffersOnBothSides(t *testing.T) {
	c := company(t, dropField(placeLine))
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	must(t, c.ding.EditUser(c.uLi, func(u *dingtalktest.User) { u.WorkPlace = "上海" }))
	c.step()
	c.reopen(presets(t, holdConflicts)...)
	c.sync()
	want(t, "place in dingtalk", c.user(mobileLi).WorkPlace, "上海")
	want(t, "place in odoo", text(c.employeeOf(c.li), "work_location"), "北京")
	c.wantHeld("work_place")
	c.reopen(presets(t)...) // odoo wins, but what is held in conflict is for a person to decide
	c.sync()
	want(t, "place in dingtalk", c.user(mobileLi).WorkPlace, "上海")
	_, err := bridge.Resolve(c.ctx, c.store, c.set(), ref(mapping.Odoo, "hr.employee", c.li), "work_place", mapping.Odoo)
	must(t, err)
	c.step()
	want(t, "place in dingtalk", c.user(mobileLi).WorkPlace, "北京")
	want(t, "held", c.held(), "")
	c.quiet()
}

func TestYAMLChangesAConverter(t *testing.T) {
	table := func(y string) string {
		return withoutTests(strings.Replace(y, placeLine, "  - {odoo: work_location, dingtalk: work_place, values: {BJ: 北京, SH: 上海}}\n", 1))
	}
	c := company(t, table)
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	must(t, c.ding.EditUser(c.uZhang, func(u *dingtalktest.User) { u.WorkPlace = "SH" }))
	c.step()
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "BJ")
	want(t, "张三's place", text(c.employeeOf(c.zhang), "work_location"), "上海")
	// Without the table both sides are filled and differ: a first meeting of that field, in which Odoo wins.
	writes := c.ding.Writes()
	c.reopen(presets(t)...)
	text1, counts := c.plan("employees")
	want(t, "writes planned", counts.Writes(), 2)
	if !strings.Contains(text1, bridge.ReasonDiffers) {
		t.Errorf("a changed converter is a first meeting; the plan says\n%s", text1)
	}
	c.sync()
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "北京")
	want(t, "张三's place", c.user(mobileZhang).WorkPlace, "上海")
	want(t, "writes", c.ding.Writes()-writes, 2)
	c.quiet()
	// The table again: what DingTalk shows is in no row of it. Nothing is guessed and nothing is lost.
	writes = c.ding.Writes()
	c.reopen(presets(t, table)...)
	c.sync()
	want(t, "writes", c.ding.Writes()-writes, 0)
	want(t, "李四's place in odoo", text(c.employeeOf(c.li), "work_location"), "北京")
	c.wantHeld("work_place")
	for _, u := range []string{c.uLi, c.uZhang} {
		must(t, c.ding.EditUser(u, func(u *dingtalktest.User) {
			u.WorkPlace = map[string]string{"北京": "BJ", "上海": "SH"}[u.WorkPlace]
		}))
	}
	c.step()
	want(t, "held", c.held(), "")
	want(t, "李四's place in odoo", text(c.employeeOf(c.li), "work_location"), "北京")
	c.quiet()
}

func TestYAMLChangesNothingButComments(t *testing.T) {
	c := company(t)
	writes := c.ding.Writes()
	c.reopen(presets(t, func(y string) string { return "# a comment\n" + y })...)
	c.sync()
	want(t, "writes", c.ding.Writes()-writes, 0)
	c.quiet()
}

func rename(from, to string, carry bool) func(string) string {
	return func(y string) string {
		y = strings.ReplaceAll(y, "ref: "+from, "ref: "+to)
		y = strings.ReplaceAll(y, "links:    {"+from+":", "links:    {"+to+":")
		head := "mapping: " + to
		if carry {
			head += "\nrenamed_from: " + from
		}
		return strings.Replace(y, "mapping: "+from+"\n", head+"\n", 1)
	}
}

func TestMappingRenamed(t *testing.T) {
	c := company(t)
	// A change waits and a conflict-free hold exists while the name changes.
	c.write("hr.employee", c.li, map[string]any{"mobile_phone": "13711111111"})
	c.step()
	c.wantHeld("mobile cannot be changed")
	c.write("hr.employee", c.li, map[string]any{"job_title": "改名之后"})
	writes, people := c.ding.Writes(), len(c.ding.Users())
	c.reopen(presets(t, rename("employees", "staff", true))...)
	c.sync()
	want(t, "李四's title", c.user(mobileLi).Title, "改名之后")
	want(t, "writes", c.ding.Writes()-writes, 1)
	want(t, "people in dingtalk", len(c.ding.Users()), people)
	want(t, "people in odoo", len(c.peopleWith("13711111111")), 1)
	st, err := bridge.ReadStatus(c.ctx, c.store, []string{"departments", "staff"}, time.Now())
	must(t, err)
	if len(st.Held) != 1 || st.Held[0].Mapping != "staff" || st.Held[0].Field != "mobile" {
		t.Errorf("held after the renaming: %+v", st.Held)
	}
	want(t, "links of the new name", st.Mappings[1].Links[bridge.Linked], 2)
	c.quiet()
	// The line may stay in the file for ever.
	c.reopen()
	c.sync()
	want(t, "people in dingtalk", len(c.ding.Users()), people)
}

func TestMappingNameVanished(t *testing.T) {
	c := company(t)
	c.reopen(presets(t, rename("employees", "staff", false))...)
	err := c.engine.SyncOnce(c.ctx, nil, time.Second, nil)
	if err == nil || !strings.Contains(err.Error(), "employees") || !strings.Contains(err.Error(), "renamed_from") {
		t.Fatalf("a vanished mapping with links was accepted: %v", err)
	}
	writes := c.ding.Writes()
	// A person drops its links; the successor meets everybody anew and recognises them.
	n, err := bridge.ForgetMapping(c.ctx, c.store, "employees")
	must(t, err)
	want(t, "links forgotten", n, 2)
	c.sync()
	want(t, "writes", c.ding.Writes()-writes, 0)
	want(t, "people in dingtalk", len(c.ding.Users()), 2)
	want(t, "people in odoo", len(c.peopleWith(mobileLi)), 1)
	c.quiet()
}

func TestReloadSwapsMappingsUnderRun(t *testing.T) {
	c := company(t, dropField(placeLine))
	c.write("hr.employee", c.li, map[string]any{"work_location": "北京"})
	c.step()
	c.yaml = presets(t)
	must(t, c.engine.Reload(c.ctx, c.set()))
	c.sync()
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "北京")
	// A reload that loses a name is refused and the old mappings stay in force.
	c.yaml = presets(t, rename("employees", "staff", false))
	if err := c.engine.Reload(c.ctx, c.set()); err == nil {
		t.Fatal("a reload without employees was accepted although it has links")
	}
	c.yaml = presets(t)
	c.write("hr.employee", c.li, map[string]any{"work_location": "南京"})
	c.step()
	want(t, "李四's place", c.user(mobileLi).WorkPlace, "南京")
	c.quiet()
}
