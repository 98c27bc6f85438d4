package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dingbridge/bridge"
	"dingbridge/bridge/store/pgtest"
)

// sharedShell is a shell whose store is a PostgreSQL database, with short waits.
func sharedShell(t *testing.T, people int) *shell {
	t.Helper()
	url := pgtest.Start(t)
	s := newShell(t, people)
	s.mappings(openGuard)
	s.vars["DINGBRIDGE_STORE"] = url
	s.vars["DINGBRIDGE_STANDBY_BEAT"], s.vars["DINGBRIDGE_STANDBY_TAKEOVER"], s.vars["DINGBRIDGE_STANDBY_POLL"] = "100ms", "1500ms", "50ms"
	return s
}

// role is what the daemon's /readyz says it is, with its status code.
func (v *service) role() (int, string) {
	v.t.Helper()
	status, body := v.get("/readyz")
	var answer struct {
		Report readiness `json:"report"`
	}
	must(v.t, json.Unmarshal([]byte(body), &answer))
	return status, answer.Report.Role
}

// becomes waits until the daemon is ready in the role.
func (v *service) becomes(role string) {
	v.t.Helper()
	v.until(v.t.Context(), "the daemon is "+role, func() bool {
		status, is := v.role()
		return status == http.StatusOK && is == role
	})
}

func TestStandByTakesOverInOrder(t *testing.T) {
	s := sharedShell(t, 45)
	first := s.serve()
	first.becomes(roleActive)
	second := s.serve()
	second.becomes(roleStandBy)
	s.soon("both sides equal", func() bool { return len(s.stage.differences()) == 0 })
	if status, body := second.get("/healthz"); status != http.StatusOK {
		t.Errorf("a stand-by is not sound: %s", body)
	}
	if _, body := second.get("/metrics"); !strings.Contains(body, "dingbridge_active 0") {
		t.Error("the metric does not say that it stands by")
	}
	if _, body := first.get("/metrics"); !strings.Contains(body, "dingbridge_active 1") {
		t.Error("the metric does not say that it is active")
	}
	s.until(t.Context(), "status names both", func() bool {
		out := s.run("status").out
		return strings.Contains(out, "A daemon is running.") && strings.Contains(out, "active  ") && strings.Contains(out, "standing by  ")
	})
	s.want(exitOK, words("status --health"))
	s.want(exitOK, words("sync"))
	first.happen(first.title)

	first.stop()
	must(t, <-first.ended)
	close(first.ended)
	second.becomes(roleActive)
	second.happen(second.title)
	second.happen(second.hireOdoo)
	if n := s.stage.ding.Duplicates(); len(n) > 0 {
		t.Errorf("made twice: %v", n)
	}
}

func TestLostLeaseMakesAStandBy(t *testing.T) {
	s := sharedShell(t, 45)
	v := s.serve()
	v.becomes(roleActive)
	s.soon("both sides equal", func() bool { return len(s.stage.differences()) == 0 })
	c, err := pgx.Connect(t.Context(), s.vars["DINGBRIDGE_STORE"])
	must(t, err)
	_, err = c.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
	must(t, err)
	must(t, c.Close(t.Context()))
	v.logged("lease lost", "no longer the active one")
	v.logged("takes over", "stand by") // nobody else is there
	v.becomes(roleActive)
	v.happen(v.title)
	v.happen(v.leave)
}

func TestRunStaysUpWithoutItsDatabase(t *testing.T) {
	server, err := pgtest.New("")
	if err != nil {
		pgtest.Start(t) // says so, in its way
		t.Fatal(err)
	}
	s := sharedShell(t, 0)
	s.vars["DINGBRIDGE_STORE"], err = server.Database()
	must(t, err)
	v := s.serve()
	v.becomes(roleActive)
	must(t, server.Stop())
	v.ready("store")
	s.soon("a stand-by", func() bool { _, role := v.role(); return role == roleStandBy }) // its engine may have noticed first
	if status, body := v.get("/healthz"); status != http.StatusOK {
		t.Errorf("nothing is wrong with the process, but: %s", body)
	}
}

func TestEventsReachAStandBy(t *testing.T) {
	s := sharedShell(t, 45)
	s.byCallback()
	first := s.serve()
	first.becomes(roleActive)
	second := s.serve()
	second.becomes(roleStandBy)
	s.soon("both sides equal", func() bool { return len(s.stage.differences()) == 0 })
	s.stage.ding.Callback(second.url+"/dingtalk/callback", callbackToken, callbackKey)
	must(t, s.stage.ding.CheckCallback(t.Context()))
	second.happen(second.place)
	st := unmarshal[bridge.Status](t, s.run("status", "--json").out)
	if st.Events["user_modify_org"].Count == 0 || len(st.Replicas) != 2 {
		t.Errorf("%+v, %+v", st.Events, st.Replicas)
	}
}

func TestNobodyStandsByAtAFile(t *testing.T) {
	s := newShell(t, 0)
	v := s.serve()
	v.ready("")
	s.want(exitLocked, words("run"), "another dingbridge")
	s.vars["DINGBRIDGE_STORE"] = filepath.Join(t.TempDir(), "other.db")
	s.want(exitError, words("status --health"))
}

func TestTheStoresPasswordIsNotShown(t *testing.T) {
	const password = "Store-Password-Pw61NdKe"
	p := newPlanted(t, 0)
	url := strings.Replace(pgtest.Start(t), "dingbridge@", "dingbridge:"+password+"@", 1)
	p.vault.plant("store's password", password)
	for where, address := range map[string]string{
		"all well": url, "no such database": strings.Replace(url, "/test", "/nowhere", 1), "no such host": "postgres://u:" + password + "@127.0.0.1:1/d?connect_timeout=1",
		"no such port": "postgres://u:" + password + "@127.0.0.1:port/d", "no such parameter": "postgres://u@h/d?sslmode=" + password,
	} {
		p.vars["DINGBRIDGE_STORE"] = address
		for _, line := range []string{"status", "status --json", "sync", "release all"} {
			got := p.command(where, line)
			if (where == "all well") != (got.code == exitOK) {
				t.Errorf("%s: %s: exit code %d: %s", where, line, got.code, got.err)
			}
		}
		if where != "all well" {
			p.command(where, "run")
		}
	}
	p.vars["DINGBRIDGE_STORE"] = url
	log, base, stop := p.serve()
	p.until(t.Context(), "the daemon works", func() bool { return strings.Contains(log.String(), `"working"`) })
	p.pages("all well", base)
	stop()
	if !strings.Contains(log.String(), "postgres://dingbridge@") {
		t.Error("the log does not say which store it is")
	}
	p.vault.search(t, "the log", log.String())
}
