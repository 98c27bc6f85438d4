package main

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// The levels of a finding.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelError   = "error"
)

// finding is one thing check --live found out about a server.
type finding struct {
	Level   string `json:"level"`
	Side    string `json:"side"`
	Message string `json:"message"`

	halts bool // nothing of this side can work
}

func (f finding) String() string { return f.Level + ": " + f.Side + ": " + f.Message }

var (
	txtOdooLogin    = tr("Odoo %s, logged in as %s (user %d)", "Odoo %s，已用 %s 登录（用户 %d）")
	txtOdooVersion  = tr("this is Odoo %s; the bridge is made for 12.0", "这是 Odoo %s；本桥接为 12.0 而写")
	txtOdooMay      = tr("%s: may %s", "%s：有权限：%s")
	txtOdooMayNot   = tr("%s: may not %s: %s", "%s：没有权限：%s：%s")
	txtDingToken    = tr("the app's credentials work", "应用凭证有效")
	txtDingScope    = tr("contacts scope: departments %v, %d people, fields %s", "通讯录范围：部门 %v，人员 %d 名，字段 %s")
	txtDingNoScope  = tr("the app may see nobody: set its contacts scope (通讯录权限范围) in the console", "应用看不到任何人：请在开放平台设置「通讯录权限范围」")
	txtDingRead     = tr("%s can be read", "可以读取：%s")
	txtDingReadNot  = tr("%s cannot be read: %s", "无法读取：%s：%s")
	txtDingPoint    = tr("%s; the permission point %s is missing", "%s；缺少权限点 %s")
	txtDingWrite    = tr("%s can be written", "可以写入：%s")
	txtDingWriteNot = tr("%s cannot be written: %s", "无法写入：%s：%s")
	txtDingField    = tr("mapping %s: nobody of %d people shows %s; the permission %s seems to be missing", "映射 %s：%d 人中没有一人带有 %s；看来缺少权限「%s」")
	txtDingNobody   = tr("there is nobody in the departments looked at, so that field permissions cannot be told", "所查部门里没有人，无法判断字段权限")
	txtDingOutside  = tr("mapping %s: department %d cannot be read: %s", "映射 %s：无法读取部门 %d：%s")
	txtChecking     = tr("asking", "正在检查")
)

// checkLive checks the mappings against the servers, and what the bridge's user and app may do there. Nothing is changed.
func (a *app) checkLive(ctx context.Context, sources []mapping.Source, asJSON bool) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	w := &world{app: a, settings: s, sources: sources, pace: ownPace()}
	if err := w.connect(); err != nil {
		return err
	}
	defer w.ding.Close()
	bar := newProgress(a.err)
	bar.show(a.say(txtChecking)+" Odoo", 0, 0)
	set, complaints, findings := w.checkOdoo(ctx)
	if set != nil {
		bar.show(a.say(txtChecking)+" DingTalk", 0, 0)
		coded, wrong := a.withSettings(set, s, true)
		complaints = append(complaints, wrong...)
		if coded == nil {
			coded = set // all else is told too
		}
		findings = append(findings, w.checkDingTalk(ctx, coded)...)
		wrong, more := w.checkTemplates(ctx, coded)
		complaints, findings = append(complaints, wrong...), append(findings, more...)
		if len(complaints.Errors()) > 0 {
			set = nil
		}
	}
	bar.clear()
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.reportCheck(set, complaints, findings, asJSON)
}

func (w *world) found(level, side string, t text, args ...any) finding {
	return finding{Level: level, Side: side, Message: w.app.say(t, args...)}
}

// broken is the finding of a side that does not answer or does not let us in.
func (w *world) broken(side string, err error) finding {
	return finding{Level: levelError, Side: side, Message: w.app.words(err), halts: true}
}

// checkOdoo logs in, checks the mappings by Odoo's own fields, and asks for every right they need. When Odoo does not answer,
// the mappings are checked by a stock Odoo's fields, so that DingTalk can be asked all the same.
func (w *world) checkOdoo(ctx context.Context) (*mapping.Set, mapping.Complaints, []finding) {
	var findings []finding
	version, err := w.odoo.Version(ctx)
	if err == nil {
		_, err = w.odoo.Authenticate(ctx)
	}
	var set *mapping.Set
	var complaints mapping.Complaints
	if err == nil {
		if version.Serie != "12.0" {
			findings = append(findings, w.found(levelWarning, "odoo", txtOdooVersion, version.Serie))
		}
		findings = append(findings, w.found(levelOK, "odoo", txtOdooLogin, version.ServerVersion, w.settings.Odoo.Login, w.odoo.UID()))
		set, complaints, err = loadLive(ctx, w.odoo, w.sources)
	}
	if err != nil {
		set, complaints = mapping.Load(w.sources, offline())
		return set, complaints, append(findings, w.broken("odoo", err))
	}
	if set == nil {
		return nil, complaints, findings
	}
	return set, complaints, append(findings, w.checkRights(ctx, set)...)
}

// oneLine joins the lines of the far side's words.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// checkDingTalk fetches a token, reads the contacts scope, and tries each call the kinds need.
func (w *world) checkDingTalk(ctx context.Context, set *mapping.Set) []finding {
	if _, err := w.ding.Token(ctx); err != nil {
		return []finding{w.broken("dingtalk", err)}
	}
	findings := []finding{w.found(levelOK, "dingtalk", txtDingToken)}
	scopes, err := w.ding.Contacts.Scopes(ctx)
	if err != nil {
		return append(findings, w.broken("dingtalk", err))
	}
	findings = append(findings, w.found(levelOK, "dingtalk", txtDingScope, scopes.Departments, len(scopes.Users), strings.Join(scopes.UserFields, ", ")))
	if len(scopes.Departments)+len(scopes.Users) == 0 {
		return append(findings, w.found(levelError, "dingtalk", txtDingNoScope))
	}
	for _, m := range set.Mappings {
		for _, id := range m.Departments {
			if _, err := w.ding.Departments.Get(ctx, id); err != nil && id > 1 {
				findings = append(findings, w.found(levelError, "dingtalk", txtDingOutside, m.Name, id, dingWords(err)))
			}
		}
	}
	if len(set.ByKind("department")) > 0 {
		findings = append(findings, w.checkDepartments(ctx, scopes)...)
	}
	if len(set.ByKind("user")) > 0 {
		findings = append(findings, w.checkUsers(ctx, set, scopes)...)
	}
	if len(set.ByKind("approval")) > 0 {
		findings = append(findings, w.checkApprovals(ctx)...)
	}
	if len(set.ByKind(dingtalk.TodoKind.Name)) > 0 {
		findings = append(findings, w.checkTodos(ctx)...)
	}
	if len(set.ByKind(dingtalk.GroupKind.Name)) > 0 {
		findings = append(findings, w.checkGroups(ctx)...)
	}
	findings = append(findings, w.checkCalendar(ctx, set)...)
	return append(findings, w.checkMessages(ctx, set)...)
}

// checkTodos tries reading the to-dos of nobody, and deleting one that does not exist. Each is a counted call.
func (w *world) checkTodos(ctx context.Context) []finding {
	nothing := "dingbridge-check-" + strings.ToLower(rand.Text())
	ask := func(err error) error {
		if understood(err) {
			return nil
		}
		return err
	}
	_, err := w.ding.Todos.Find(ctx, nothing, func(dingtalk.Object) bool { return true })
	findings := []finding{w.tried("todo", txtDingRead, txtDingReadNot, ask(err))}
	err = w.ding.Todos.Delete(ctx, nothing, nothing)
	return append(findings, w.tried("todo", txtDingWrite, txtDingWriteNot, ask(err)))
}

// checkApprovals tries reading an approval and withdrawing one, neither of which exists: with the permissions the answer is "not found".
func (w *world) checkApprovals(ctx context.Context) []finding {
	nothing := "dingbridge-check-" + strings.ToLower(rand.Text())
	_, err := w.ding.Approvals.Get(ctx, nothing)
	findings := []finding{w.tried("workflow/processInstances", txtDingRead, txtDingReadNot, err)}
	err = w.ding.Approvals.Terminate(ctx, nothing, "", "")
	return append(findings, w.tried("workflow/processInstances", txtDingWrite, txtDingWriteNot, err))
}

// tried turns the outcome of one call into a finding; a missing permission is named.
func (w *world) tried(what string, good, bad text, err error) finding {
	var de *dingtalk.Error
	switch {
	case err == nil || dingtalk.IsNotFound(err) || dingtalk.IsOutOfScope(err):
		return w.found(levelOK, "dingtalk", good, what)
	case errors.As(err, &de) && len(de.RequiredScopes) > 0:
		return w.found(levelError, "dingtalk", bad, what, w.app.say(txtDingPoint, dingWords(err), strings.Join(de.RequiredScopes, ", ")))
	default:
		return w.found(levelError, "dingtalk", bad, what, dingWords(err))
	}
}

func dingWords(err error) string {
	var de *dingtalk.Error
	if errors.As(err, &de) && de.Message != "" {
		return strings.TrimSpace(de.Code + " " + oneLine(de.Message))
	}
	return err.Error()
}

// someDepartment is a department the app may see.
func someDepartment(scopes dingtalk.Scopes) int64 {
	if len(scopes.Departments) > 0 {
		return scopes.Departments[0]
	}
	return 1
}

func (w *world) checkDepartments(ctx context.Context, scopes dingtalk.Scopes) []finding {
	id := someDepartment(scopes)
	_, err := w.ding.Departments.ListSub(ctx, id)
	findings := []finding{w.tried("department/listsub", txtDingRead, txtDingReadNot, err)}
	_, err = w.ding.Departments.Get(ctx, id)
	findings = append(findings, w.tried("department/get", txtDingRead, txtDingReadNot, err))
	// No department has this id: with the permission the answer is "not found", and nothing is changed either way.
	err = w.ding.Departments.Update(ctx, dingtalk.Object{"dept_id": noDepartment, "name": "dingbridge"})
	return append(findings, w.tried("department/update", txtDingWrite, txtDingWriteNot, err))
}

// noDepartment is an id beyond those DingTalk gives out.
const noDepartment = int64(1)<<31 - 7

// sampleSize is how many people are looked at to tell which fields the app may see.
const sampleSize = 50

func (w *world) checkUsers(ctx context.Context, set *mapping.Set, scopes dingtalk.Scopes) []finding {
	sample, err := w.sample(ctx, scopes)
	findings := []finding{w.tried("user/list", txtDingRead, txtDingReadNot, err)}
	nobody := "dingbridge-check-" + strings.ToLower(rand.Text())
	_, err = w.ding.Users.Get(ctx, nobody)
	findings = append(findings, w.tried("user/get", txtDingRead, txtDingReadNot, err))
	_, err = w.ding.Users.GetByMobile(ctx, "13000000000")
	findings = append(findings, w.tried("user/getbymobile", txtDingRead, txtDingReadNot, err))
	now := time.Now()
	for _, err = range w.ding.Contacts.LeaveRecords(ctx, now.Add(-time.Hour), now) {
		break // the first page says whether it may be read
	}
	findings = append(findings, w.tried("empLeaveRecords", txtDingRead, txtDingReadNot, err))
	// Nobody has this userid: with the permission the answer is "not found", and nothing is changed either way.
	err = w.ding.Users.Update(ctx, dingtalk.Object{"userid": nobody, "title": "dingbridge"})
	findings = append(findings, w.tried("user/update", txtDingWrite, txtDingWriteNot, err))
	return append(findings, w.checkFields(set, scopes, sample)...)
}

// sample reads some people of the departments the app may see.
func (w *world) sample(ctx context.Context, scopes dingtalk.Scopes) ([]dingtalk.Object, error) {
	var people []dingtalk.Object
	from := func(dept int64) error {
		for u, err := range w.ding.Users.List(ctx, dept) {
			if err != nil {
				return err
			}
			if people = append(people, u); len(people) >= sampleSize {
				break
			}
		}
		return nil
	}
	if err := from(someDepartment(scopes)); err != nil {
		return nil, err
	}
	for d, err := range w.ding.Departments.Walk(ctx, scopes.Departments) {
		if err != nil || len(people) >= sampleSize {
			break // what keeps departments from being read is told by checkDepartments
		}
		id, _ := d.Int("dept_id")
		if err := from(id); err != nil {
			return people, err
		}
	}
	return people, nil
}

// checkFields looks for mapped fields that need a permission and that nobody shows.
func (w *world) checkFields(set *mapping.Set, scopes dingtalk.Scopes, sample []dingtalk.Object) []finding {
	if len(sample) == 0 {
		return []finding{w.found(levelWarning, "dingtalk", txtDingNobody)}
	}
	granted := map[string]bool{}
	for _, kf := range dingtalk.UserKind.Fields {
		shown := slices.ContainsFunc(sample, func(o dingtalk.Object) bool { return o.Text(kf.Name) != "" })
		if kf.Permission != "" && (shown || slices.Contains(scopes.UserFields, kf.Name)) {
			granted[kf.Permission] = true
		}
	}
	var findings []finding
	for _, m := range set.ByKind("user") {
		for _, f := range m.Fields {
			kf, ok := dingtalk.UserKind.Field(f.DingName)
			if !ok || kf.Permission == "" || granted[kf.Permission] {
				continue
			}
			level := levelWarning
			if kf.Required {
				level = levelError
			}
			findings = append(findings, w.found(level, "dingtalk", txtDingField, m.Name, len(sample), kf.Name, kf.Permission))
		}
	}
	return findings
}
