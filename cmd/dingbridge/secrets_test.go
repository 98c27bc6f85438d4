package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/redact"
)

// The secrets that the test chooses; tokens and tickets are the stand-in's. Those of DingTalk hold characters that every writing shows
// in a way of its own.
const (
	plantedAppSecret = `App/Sec+ret "Q&<7vKx'=\`
	plantedPassword  = `Odoo/Pass+word "9f&<J2'=\m`
	plantedWrong     = "Wrong-Password-Tz81WbNc"
	plantedAdmin     = "Admin-Password-Rk55YpHd"
	plantedToken     = "CallbackTokenUy6GbVs"
	plantedKey       = "PlantedAesKeyWnE3hC7tQz0sXy1uJm8oKl4iAb9dFg"
	plantedHTTP      = "Http-Token-Lo93FeZa"
	plantedURL       = "Url-Password-Hx20DwMi"
	plantedRobot     = "SEC+Robot/Sec \"ret&<3qPz'=\\"
)

// odooPasswords are what Odoo is told.
var odooPasswords = []string{plantedPassword, plantedWrong, plantedAdmin}

// planted is a shell whose every secret is in the vault, with a mirror before each stand-in.
type planted struct {
	*shell
	vault      *vault
	odoo, ding *mirror
	dir        string // of the store
}

func newPlanted(t *testing.T, people int) *planted {
	t.Helper()
	p := &planted{shell: newShell(t, people, dingtalktest.WithApp("dingplantedkey", plantedAppSecret)), vault: newVault(), dir: t.TempDir()}
	p.odoo, p.ding = newMirror(t, p.vault, p.stage.odooURL), newMirror(t, p.vault, p.stage.dingURL)
	p.stage.odoo.AddUser("planted", plantedPassword, "base.group_user", "hr.group_hr_user")
	p.stage.odoo.AddUser("planted-admin", plantedAdmin, "base.group_user", "base.group_system", "hr.group_hr_user")
	for name, secret := range map[string]string{
		"app secret": plantedAppSecret, "password": plantedPassword, "wrong password": plantedWrong, "administrator's password": plantedAdmin,
		"callback token": plantedToken, "callback key": plantedKey, "HTTP token": plantedHTTP, "password in a URL": plantedURL,
	} {
		p.vault.plant(name, secret)
	}
	maps.Copy(p.vars, map[string]string{
		"DINGBRIDGE_ODOO_URL": p.odoo.url, "DINGBRIDGE_ODOO_LOGIN": "planted", "DINGBRIDGE_ODOO_PASSWORD": plantedPassword,
		"DINGBRIDGE_DINGTALK_OAPI": p.ding.url, "DINGBRIDGE_DINGTALK_API": p.ding.url,
		"DINGBRIDGE_DINGTALK_APP_KEY": "dingplantedkey", "DINGBRIDGE_DINGTALK_APP_SECRET": plantedAppSecret,
		"DINGBRIDGE_DINGTALK_CALLBACK_TOKEN": plantedToken, "DINGBRIDGE_DINGTALK_CALLBACK_AES_KEY": plantedKey,
		"DINGBRIDGE_HTTP_TOKEN": plantedHTTP, "DINGBRIDGE_LOG_LEVEL": "debug", "DINGBRIDGE_STORE": filepath.Join(p.dir, "state.db"),
		"DINGBRIDGE_SETUP_LOGIN": "planted-admin", "DINGBRIDGE_SETUP_PASSWORD": plantedAdmin,
	})
	p.mappings(openGuard)
	return p
}

// command runs a command line, for a while at most, and searches all it printed.
func (p *planted) command(where, line string) answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	a, out, errs := p.app()
	code := execute(ctx, a, words(line))
	p.vault.search(p.t, where+": dingbridge "+line, out.String()+errs.String())
	return answer{code, out.String(), errs.String()}
}

// files searches the bytes of the store and of what lies beside it.
func (p *planted) files() {
	p.t.Helper()
	found, err := filepath.Glob(filepath.Join(p.dir, "*"))
	must(p.t, err)
	if len(found) == 0 {
		p.t.Error("there is no store")
	}
	for _, f := range found {
		data, err := os.ReadFile(f)
		must(p.t, err)
		p.vault.search(p.t, filepath.Base(f), string(data))
	}
}

var everyCommand = []string{
	"version", "check", "check --live", "check --live --json", "setup", "setup --yes", "plan", "plan --json", "sync", "status", "status --json",
	"status --health", "explain odoo hr.employee 1", "retry --all", "release all", "test", "demo --help",
	"events", "events --json", "events test --wait 1ms", "events show",
}

// everyRegistration are the commands that send the callback's token and aes_key to DingTalk, and have them sent back.
var everyRegistration = []string{"events register", "events show", "events show --json", "events update", "events test", "events delete"}

// No command shows a secret, whatever the far sides do and say, nor is one in the store.
func TestNoCommandShowsASecret(t *testing.T) {
	p := newPlanted(t, 45)
	p.withRobot()
	for _, line := range everyCommand {
		p.command("all well", line)
	}
	p.note("搬家")
	if got := p.command("a message is sent", "sync"); got.code != exitOK || len(p.stage.ding.Messages()) != 1 {
		t.Errorf("%d messages: %s%s", len(p.stage.ding.Messages()), got.out, got.err)
	}
	p.vars["DINGBRIDGE_DINGTALK_MODE"] = "callback"
	p.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = newReceiver(t, plantedToken, plantedKey, p.stage.ding.CorpID(), p.stage.ding.AppKey())
	for _, line := range everyRegistration {
		if got := p.command("registering", line); got.code != exitOK {
			t.Errorf("%s: %s", line, got.err)
		}
	}
	delete(p.vars, "DINGBRIDGE_DINGTALK_MODE")
	p.files()
	p.vars["DINGBRIDGE_ODOO_PASSWORD"] = plantedWrong
	p.command("wrong password", "plan")
	p.command("wrong password", "check --live")
	p.vars["DINGBRIDGE_DINGTALK_APP_SECRET"] = plantedWrong
	p.command("wrong secret", "check --live")
	p.vars["DINGBRIDGE_SETUP_PASSWORD"] = plantedWrong
	p.command("wrong administrator", "setup")
	p.files()
}

func TestNoCommandShowsASecretWhenAFarSideRepeatsIt(t *testing.T) {
	var wg sync.WaitGroup // commands wait for their repetitions most of the time
	var redacted atomic.Int32
	during := func(name string, m func(*planted) *mirror, f fault) {
		p := newPlanted(t, 0)
		p.command("before "+name, "sync")
		m(p).set(f)
		wg.Go(func() {
			p.vars["DINGBRIDGE_DINGTALK_CALLBACK_URL"] = "https://bridge.example.com/dingtalk/callback"
			for _, line := range []string{"check --live", "check --live --json", "setup", "plan", "sync", "status", "events register", "events show", "events delete"} {
				p.vars["DINGBRIDGE_DINGTALK_MODE"] = "stream"
				if strings.HasPrefix(line, "events") {
					p.vars["DINGBRIDGE_DINGTALK_MODE"] = "callback"
				}
				got := p.command(name, line)
				if strings.Contains(got.out+got.err, redact.Mark) || strings.Contains(got.out+got.err, "***") {
					redacted.Add(1)
				}
				if strings.Contains(got.out+got.err, "lookup "+otherHost) {
					t.Errorf("%s: a redirect was followed", name)
				}
			}
			if m(p).answered() == 0 {
				t.Errorf("%s: nobody met the fault", name)
			}
			p.files()
		})
	}
	for name, f := range allFaults(dingFaults) {
		during("DingTalk: "+name, func(p *planted) *mirror { return p.ding }, f)
	}
	for name, f := range allFaults(odooFaults) {
		during("Odoo: "+name, func(p *planted) *mirror { return p.odoo }, f)
	}
	wg.Wait()
	if redacted.Load() < 20 {
		t.Errorf("only %d answers held a secret that was taken out: the far sides did not repeat them", redacted.Load())
	}
}

func allFaults(own map[string]fault) map[string]fault {
	all := maps.Clone(faults)
	maps.Copy(all, own)
	return all
}

// Settings that are wrong are explained without their secrets.
func TestNoSettingsErrorShowsASecret(t *testing.T) {
	v := newVault()
	v.plant("password in a URL", plantedURL)
	v.plant("password", plantedPassword)
	v.plant("callback key", plantedKey)
	withUser := "http://bob:" + plantedURL + "@127.0.0.1:1"
	for name, vars := range map[string]map[string]string{
		"odoo.url":        {"DINGBRIDGE_ODOO_URL": withUser},
		"odoo.url broken": {"DINGBRIDGE_ODOO_URL": withUser + ":x:y"},
		"dingtalk.api":    {"DINGBRIDGE_DINGTALK_API": withUser},
		"http.listen":     {"DINGBRIDGE_HTTP_LISTEN": withUser},
		"proxy":           {"HTTPS_PROXY": "http://bob:" + plantedURL + "@[::1"},
		"proxy in lower":  {"http_proxy": "http://bob:" + plantedURL + "@host:port"},
		"aes_key":         {"DINGBRIDGE_DINGTALK_CALLBACK_AES_KEY": plantedKey + "x"},
		"duration":        {"DINGBRIDGE_ODOO_PASSWORD": plantedPassword, "DINGBRIDGE_POLL": "5"},
		"both":            {"DINGBRIDGE_ODOO_PASSWORD": plantedPassword, "DINGBRIDGE_ODOO_PASSWORD_FILE": "x"},
	} {
		s := offlineShell(t)
		maps.Copy(s.vars, vars)
		for _, line := range []string{"check", "plan", "status", "run"} {
			got := s.run(words(line)...)
			v.search(t, name+": dingbridge "+line, got.out+got.err)
			if got.code == exitOK && line == "plan" {
				t.Errorf("%s: dingbridge %s ended well", name, line)
			}
		}
	}
	for name, text := range map[string]string{
		"a tab":              "odoo:\n\tpassword: " + plantedPassword,
		"no colon":           "odoo:\n  password " + plantedPassword + "\n  login: x",
		"two colons":         "odoo: password: " + plantedPassword,
		"an open quote":      "odoo:\n  password: \"" + plantedPassword,
		"an unknown escape":  "odoo:\n  password: \"\\" + plantedPassword + "\"",
		"an unknown anchor":  "odoo:\n  password: *" + plantedPassword,
		"a strange mark":     "odoo:\n  password: @" + plantedPassword,
		"a percent":          "odoo:\n  password: %" + plantedPassword,
		"a list":             "odoo:\n  password: [" + plantedPassword + "]",
		"keys":               "odoo:\n  password: {" + plantedPassword + ": x}",
		"a section":          "odoo: " + plantedPassword,
		"a wrong key":        "odoo:\n  pasword: " + plantedPassword,
		"twice":              "odoo:\n  password: " + plantedWrong + "\n  password: " + plantedPassword,
		"a tag":              "odoo:\n  password: !" + plantedPassword + " x",
		"a wrong tag":        "odoo:\n  password: !!int " + plantedPassword,
		"a wrong time":       "odoo:\n  password: !!timestamp '" + plantedPassword + "'",
		"a number elsewhere": "odoo:\n  password: " + plantedWrong + "\n  parallel: many\n",
		"a URL":              "odoo:\n  url: http://bob:" + plantedURL + "@host\n",
		"a file name":        "odoo:\n  password_file: [x]\n  password: " + plantedPassword,
	} {
		s := offlineShell(t)
		s.vars["DINGBRIDGE_CONFIG"] = file(t, "config.yaml", text)
		got := s.run("plan")
		v.search(t, name, got.out+got.err)
		if got.code == exitOK {
			t.Errorf("%s: ended well", name)
		}
	}
}

// log is a writer that can be read while it is written to.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// serve runs the daemon, with its own logger, until the returned function is called, and returns its log and address.
func (p *planted) serve() (l *log, base string, stop func()) {
	p.t.Helper()
	l = &log{}
	a, _, _ := p.app()
	a.err = l
	w, err := a.open()
	must(p.t, err)
	w.tune = hastily
	d := newDaemon(w, a.logger(w.settings), nil)
	d.pace.gate = gateTimes{first: 20 * time.Millisecond, max: 100 * time.Millisecond, stream: time.Second}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("the daemon ended: %v", err)
		}
		must(p.t, w.close())
	})
	p.t.Cleanup(stop)
	return l, "http://" + <-d.listening, stop
}

// pages searches what the daemon serves, with the token and without.
func (p *planted) pages(where, base string) {
	p.t.Helper()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/", "/dingtalk/callback?signature=" + plantedToken, "/metrics?token=" + plantedHTTP} {
		for _, token := range []string{"", "Bearer " + plantedHTTP, "Bearer x"} {
			req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, base+path, http.NoBody)
			must(p.t, err)
			req.Header.Set("Authorization", token)
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			must(p.t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(resp.Body)
			must(p.t, err)
			must(p.t, resp.Body.Close())
			p.vault.search(p.t, where+" "+path, fmt.Sprint(resp.Header, body.String()))
		}
	}
}

// The daemon shows no secret in its log, also with every detail, nor on its pages, nor in its store, through the faults of either side;
// and nobody's number or address is in the log.
func TestTheDaemonShowsNoSecret(t *testing.T) {
	barring := func(name string) bool { return strings.HasPrefix(name, "a page") || name == "token" } // no call is made for minutes
	for mode, of := range map[string]struct{ ding, odoo map[string]fault }{
		"callback": {allFaults(dingFaults), allFaults(odooFaults)},
		"stream":   {map[string]fault{"closed stream": dingFaults["closed stream"], "a page": faults["a page"]}, nil},
	} {
		t.Run(mode, func(t *testing.T) {
			p := newPlanted(t, 45)
			p.vars["DINGBRIDGE_DINGTALK_MODE"] = mode
			l, base, stop := p.serve()
			p.until(t.Context(), "the daemon works", func() bool { return len(p.stage.differences()) == 0 })
			p.pages("all well", base)
			during := func(name string, m *mirror, f fault) {
				m.set(f)
				for i, id := range p.stage.staff[:3] { // what an edit makes the daemon ask
					must(t, p.stage.admin.Write("hr.employee", id, map[string]any{"job_title": name + fmt.Sprint(i)}))
				}
				p.stage.ding.DropStreams()
				p.until(t.Context(), "the daemon meets "+name, func() bool { return m.answered() > 0 })
				p.pages(name, base)
				p.command(name, "status --json")
				m.set(nil)
			}
			for name, f := range of.odoo {
				during("Odoo: "+name, p.odoo, f)
			}
			for name, f := range of.ding {
				if !barring(name) && (name != "closed stream" || mode == "stream") {
					during("DingTalk: "+name, p.ding, f)
				}
			}
			during("DingTalk: a page", p.ding, of.ding["a page"])
			stop()
			p.vault.search(t, "the log", l.String())
			p.files()
			for _, person := range p.stage.co.people {
				for _, private := range []string{person.name, person.email, bareMobile(person.mobile)} {
					if private != "" && strings.Contains(l.String(), private) {
						t.Errorf("%s is in the log", private)
					}
				}
			}
		})
	}
}
