package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
)

// service is a daemon under test.
type service struct {
	*shell
	*editor
	url   string
	logs  *observer.ObservedLogs
	hup   chan os.Signal
	stop  context.CancelFunc
	ended chan error
}

// hastily shortens the engine's waits.
func hastily(o *bridge.Options) {
	o.QuotaEvery = 100 * time.Millisecond
	o.HaltBase, o.HaltMax, o.RetryBase, o.RetryMax = 50*time.Millisecond, 200*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond
}

// serve starts the daemon in this process; it ends with the test, within the time it promises.
func (s *shell) serve() *service {
	s.t.Helper()
	a, _, _ := s.app()
	w, err := a.open()
	must(s.t, err)
	w.tune = hastily
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	v := &service{shell: s, logs: logs, hup: make(chan os.Signal, 1), stop: stop, ended: make(chan error, 1)}
	v.editor = &editor{stage: s.stage, say: func(t text, args ...any) string { return t.in(english, args...) }}
	d := newDaemon(w, zap.New(core), v.hup)
	d.pace.gate = gateTimes{first: 20 * time.Millisecond, max: 100 * time.Millisecond, stream: time.Second}
	go func() { v.ended <- d.run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		begin := time.Now()
		if err, open := <-v.ended; open && err != nil {
			s.t.Errorf("the daemon ended: %v", err)
		}
		if took := time.Since(begin); took > d.pace.stop {
			s.t.Errorf("stopping took %s", took)
		}
		must(s.t, w.close())
	})
	select {
	case addr := <-d.listening:
		v.url = "http://" + addr
	case err := <-v.ended:
		close(v.ended)
		s.t.Fatalf("the daemon did not start: %v", err)
	}
	return v
}

// get asks the daemon's HTTP side.
func (v *service) get(path string) (status int, body string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.url+path, nil)
	must(v.t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	must(v.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	must(v.t, err)
	return resp.StatusCode, string(raw)
}

// ready waits until /readyz says so, or says what is halted.
func (v *service) ready(scope string) {
	v.t.Helper()
	v.until(v.t.Context(), "ready "+scope, func() bool {
		status, body := v.get("/readyz")
		var answer struct {
			Report readiness `json:"report"`
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return false
		}
		if scope == "" {
			return status == http.StatusOK
		}
		for _, h := range answer.Report.Halted {
			if strings.HasPrefix(h.Scope, scope) && h.Why != "" && status == http.StatusServiceUnavailable {
				return true
			}
		}
		return false
	})
}

// logged waits for a message whose fields contain the words.
func (v *service) logged(message, words string) {
	v.t.Helper()
	v.until(v.t.Context(), "log "+message+" "+words, func() bool {
		for _, e := range v.logs.FilterMessage(message).All() {
			raw, err := json.Marshal(e.ContextMap())
			if err == nil && strings.Contains(string(raw), words) {
				return true
			}
		}
		return false
	})
}

// equal waits until both stand-ins hold the same.
func (v *service) equal() {
	v.t.Helper()
	v.until(v.t.Context(), "both sides equal", func() bool { return len(v.shell.stage.differences()) == 0 })
}

// happen lets people do an edit and waits until it has arrived.
func (v *service) happen(next func() (edit, error)) {
	v.t.Helper()
	e, err := next()
	must(v.t, err)
	must(v.t, e.do())
	v.until(v.t.Context(), e.what, e.arrived)
}

func TestRunKeepsBothSidesInStep(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	v := s.serve()
	v.ready("")
	v.equal()
	for _, next := range []func() (edit, error){v.title, v.place, v.hireOdoo, v.hireDing, v.mobile, v.leave, v.rehire} {
		v.happen(next)
	}
	v.equal()
	if status, body := v.get("/healthz"); status != http.StatusOK || !strings.Contains(body, `"live":true`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := v.get("/metrics"); status != http.StatusOK || !strings.Contains(body, `dingbridge_links{mapping="employees"`) && !strings.Contains(body, "dingbridge_outcomes_total") {
		t.Errorf("%d %s", status, body)
	}
	s.want(exitOK, words("status"), "A daemon is running.", "employees: ")
	s.want(exitOK, words("status --health"))
	if dup := s.stage.ding.Duplicates(); len(dup) > 0 {
		t.Errorf("made twice: %v", dup)
	}
}

func TestCommandsBesideTheDaemon(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	v := s.serve()
	v.equal()
	s.want(exitOK, words("sync")) // follows the daemon until nothing is due
	out := unmarshal[syncOutput](t, s.want(exitOK, words("sync --json employees --wait")).out)
	if !out.Beside {
		t.Errorf("%+v", out)
	}
	s.want(exitOK, words("plan"), "In sync: nothing to do. Nothing was written.")
	s.want(exitOK, words("explain odoo hr.employee "+s.firstEmployee()), "linked | present | present")
	s.want(exitOK, words("retry --all"), "will be tried again")
	s.want(exitLocked, words("run"), "another dingbridge")

	// A change that the poll has not seen yet is found by the sweep the command asks for.
	e, err := v.title()
	must(t, err)
	must(t, e.do())
	s.want(exitOK, words("sync"))
	if !e.arrived() {
		t.Error("sync came back before the change had arrived")
	}
}

func TestPlanMarksWhatTheDaemonHasInWork(t *testing.T) {
	s := newShell(t, 45)
	a, _, _ := s.app()
	w, err := a.openStore()
	must(t, err)
	lease, err := w.store.Lock(t.Context()) // somebody is active, and stands still
	must(t, err)
	key := bridge.RecordKey("employees", "odoo", bridge.ID(s.firstEmployee()))
	must(t, w.store.Update(t.Context(), func(tx bridge.Tx) error { return tx.Touch(time.Time{}, key) }))
	s.want(exitOK, words("plan"), "(in work)")
	marked := 0
	for _, p := range unmarshal[planOutput](t, s.run("plan", "--json").out).Plans {
		if p.InWork {
			marked++
		}
	}
	if marked != 1 {
		t.Errorf("%d plans are marked", marked)
	}
	lease.Unlock()
	must(t, w.close())
}

func TestRunStaysUpWhileOdooIsDown(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	must(t, s.stage.odoo.Down(true))
	v := s.serve()
	v.ready("odoo")
	s.until(t.Context(), "status tells it", func() bool { return strings.Contains(s.run("status").out, "HALTED  odoo") })
	s.want(exitHalted, words("status --health"))
	s.want(exitHalted, words("sync"), "odoo")
	must(t, s.stage.odoo.Down(false))
	v.ready("")
	v.equal()
	if n := v.logs.FilterMessage("halted").Len(); n > 2 {
		t.Errorf("the same halt is told %d times", n)
	}
	must(t, s.stage.odoo.Down(true)) // and later
	v.ready("odoo")
	must(t, s.stage.odoo.Down(false))
	v.ready("")
	v.happen(v.title)
}

func TestRunStaysUpWithAWrongPassword(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.vars["DINGBRIDGE_ODOO_PASSWORD"] = "what-odoo-does-not-know"
	v := s.serve()
	v.ready("credentials")
	if _, body := v.get("/readyz"); strings.Contains(body, "what-odoo-does-not-know") {
		t.Error("the password is shown")
	}
	ids := s.stage.odoo.Search("res.users", []any{[]any{"login", "=", stageLogin}})
	must(t, s.stage.odoo.Write("res.users", ids[0], map[string]any{"password": "what-odoo-does-not-know"}))
	v.ready("")
	v.equal()
}

func TestRunStaysUpWithoutDingTalk(t *testing.T) {
	for name, c := range map[string]struct {
		knob  func(*dingtalktest.Knobs, bool)
		scope string
	}{
		"app stopped": {func(k *dingtalktest.Knobs, on bool) { k.AppStopped = on }, "app"},
		"not listed":  {func(k *dingtalktest.Knobs, on bool) { k.IPRefused = on }, "ip"},
		"permission missing": {func(k *dingtalktest.Knobs, on bool) {
			k.MissingPermissions = map[string]bool{"qyapi_get_department_list": on}
		}, "permission:qyapi_get_department_list"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, 45)
			s.mappings(openGuard)
			s.stage.ding.Set(func(k *dingtalktest.Knobs) { c.knob(k, true) })
			v := s.serve()
			v.ready(c.scope)
			if status, _ := v.get("/healthz"); status != http.StatusOK {
				t.Error("not alive")
			}
		})
	}
}

func TestRunWithAWrongSecret(t *testing.T) {
	s := newShell(t, 45)
	s.vars["DINGBRIDGE_DINGTALK_APP_SECRET"] = "a-wrong-secret"
	v := s.serve()
	v.ready("app")
	if _, body := v.get("/readyz"); strings.Contains(body, "a-wrong-secret") {
		t.Error("the secret is shown")
	}
}

func TestRunRefusesWrongMappingsAtTheStart(t *testing.T) {
	s := newShell(t, 0)
	s.vars["DINGBRIDGE_MAPPINGS"] = file(t, "staff.yaml", fiveMistakes)
	s.want(exitUsage, words("run"), "did you mean")
	s.vars["DINGBRIDGE_MAPPINGS"] = file(t, "staff.yaml", strings.Replace(staffMapping, "job_title", "x_not_there", 1))
	s.want(exitUsage, words("run"), "x_not_there") // only Odoo itself knows
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees"
	s.vars["DINGBRIDGE_HTTP_LISTEN"] = "0.0.0.0:0"
	s.want(exitUsage, words("run"), "http.token")
}

// TestRunWithAModelOfOnesOwn: only Odoo itself knows what was made in it.
func TestRunWithAModelOfOnesOwn(t *testing.T) {
	s := newShell(t, 45)
	trip := s.stage.odoo.Create("ir.model", map[string]any{"name": "Trips", "model": "x_trip", "state": "manual"})
	s.stage.odoo.Create("ir.model.access", map[string]any{"name": "x_trip", "model_id": trip, "perm_read": true, "perm_create": true})
	must(t, s.stage.odoo.Err())
	s.vars["DINGBRIDGE_MAPPINGS"] = "departments,employees," + file(t, "trips.yaml", `mapping: trips
odoo: {model: x_trip}
dingtalk: {kind: work_notice}
receivers: [everyone]
fields: [{dingtalk: text.content, value: "{{ x_name }}"}]
`)
	s.vars["DINGBRIDGE_DINGTALK_AGENT_ID"] = strconv.FormatInt(s.stage.ding.AgentID(), 10)
	s.want(exitOK, words("check"), "x_trip")
	v := s.serve()
	v.ready("")
	s.stage.odoo.Create("x_trip", map[string]any{"x_name": "上海"})
	must(t, s.stage.odoo.Err())
	v.until(t.Context(), "told", func() bool { return len(s.stage.ding.Notices()) == 1 })
}

const staffMapping = `mapping: staff
odoo: {model: hr.employee}
dingtalk: {kind: user}
direction: to_dingtalk
match: [mobile]
fields:
  - {odoo: name, dingtalk: name}
  - {odoo: mobile_phone, dingtalk: mobile, convert: phone_cn}
  - {odoo: job_title, dingtalk: title}
create: {dingtalk: false}
`

func TestReloadKeepsWhatIsInForceWhenAFileIsWrong(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	v := s.serve()
	v.equal()
	path := filepath.Join(filepath.Dir(s.vars["DINGBRIDGE_MAPPINGS"]), "employees.yaml")
	raw, err := os.ReadFile(path)
	must(t, err)
	good, _, _ := strings.Cut(string(raw), "\ntests:") // the examples name every field
	edit := func(from, to string) {
		must(t, os.WriteFile(path, []byte(strings.Replace(good, from, to, 1)), 0o600))
	}
	edit("dingtalk: title", "dingtalk: titel")
	v.logged("reload refused", "did you mean")
	v.happen(v.title) // the old mappings work on

	edit("  - {odoo: job_title,          dingtalk: title}\n", "")
	v.logged("reloaded", "employees")
	c, err := v.somebody(nil)
	must(t, err)
	before := v.member(c).Title
	must(t, v.admin.Write("hr.employee", c.id, map[string]any{"job_title": "不再同步", "work_location": "拉萨"}))
	v.until(t.Context(), "the place arrives", func() bool { return v.member(c).WorkPlace == "拉萨" })
	if v.member(c).Title != before {
		t.Error("the title was written although no mapping has it")
	}
	n := v.logs.FilterMessage("reloaded").Len()
	v.hup <- syscall.SIGHUP
	v.until(t.Context(), "SIGHUP reloads", func() bool { return v.logs.FilterMessage("reloaded").Len() > n })
}

func TestReloadTellsWhatNeedsARestart(t *testing.T) {
	s := newShell(t, 0)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(config, []byte("log: {level: info}\n"), 0o600))
	s.vars["DINGBRIDGE_CONFIG"] = config
	v := s.serve()
	v.ready("")
	must(t, os.WriteFile(config, []byte("log: {level: debug}\nstore: other.db\n"), 0o600))
	v.logged("settings changed that take effect with a restart", "log")
	must(t, os.WriteFile(config, []byte("log: {lvl: debug}\n"), 0o600))
	v.logged("reload refused", "log.lvl")
}

func TestRunTakesEventsByCallback(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.byCallback()
	v := s.serve()
	s.stage.ding.Callback(v.url+"/dingtalk/callback", callbackToken, callbackKey)
	must(t, s.stage.ding.CheckCallback(t.Context()))
	v.ready("")
	v.equal()
	v.happen(v.place)
	st := unmarshal[bridge.Status](t, s.run("status", "--json").out)
	if st.Events["user_modify_org"].Count == 0 {
		t.Errorf("no event was received: %+v", st.Events)
	}
}

func TestRunHearsWhatIsSaidToTheRobot(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.vars["DINGBRIDGE_MAPPINGS"] += ",channel-group,robot-to-channel"
	v := s.serve()
	v.ready("")
	var somebody string
	for _, u := range s.stage.ding.Users() {
		somebody = u.UserID
	}
	id, err := s.stage.ding.SayToRobot(somebody, "", "你好")
	must(t, err)
	must(t, s.stage.ding.WaitAnswered(t.Context(), id))
	st := unmarshal[bridge.Status](t, s.run("status", "--json").out)
	if st.Events[dingtalk.TopicRobot].Count != 1 {
		t.Errorf("it was not kept: %+v", st.Events)
	}
}

func TestRunTakesWhatDingTalkCouldNotDeliver(t *testing.T) {
	s := newShell(t, 45)
	s.mappings(openGuard)
	s.byCallback()
	s.stage.ding.Set(func(k *dingtalktest.Knobs) {
		k.PushTimeout, k.RetryFirst, k.RetrySecond, k.FailedListDelay = 50*time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond
	})
	s.stage.ding.Callback("http://127.0.0.1:1/nobody", callbackToken, callbackKey)
	member := s.stage.ding.AddUser(dingtalktest.User{Name: "吴浩", Mobile: "13700001234", Active: true})
	must(t, s.stage.ding.FlushEvents(t.Context()))
	v := s.serve()
	s.until(t.Context(), "the failed list is read", func() bool {
		return unmarshal[bridge.Status](t, s.run("status", "--json").out).Events["user_add_org"].Count > 0
	})
	v.until(t.Context(), member+" arrives", func() bool { return len(v.inOdoo("13700001234")) == 1 })
}
