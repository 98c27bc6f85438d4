package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/bridge/store/pgtest"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo/odootest"
)

// The scaled waits that the daemon's settings name; those that they do not name are in cmd/dingbridge/pace_chaos.go.
const (
	pollEvery   = 60 * time.Millisecond
	overlap     = 3 * time.Second // Odoo shows whole seconds: a transaction may take two
	slowest     = 1500 * time.Millisecond
	odooTimeout = 1200 * time.Millisecond
	dingTimeout = 800 * time.Millisecond
	staleWindow = 150 * time.Millisecond
	staleReads  = 60 * time.Millisecond
	beatEvery   = 50 * time.Millisecond
	takeover    = 400 * time.Millisecond
	patience    = 25 * time.Second // until both sides agree again; far above what it takes
	founders    = 24               // people a world begins with
	firstUnits  = 5
)

const login, password, database = "bridge", "secret-of-the-bridge", "o12"

// world is two stand-ins, the daemons between them, and the people who edit both sides.
type world struct {
	t       *testing.T
	ctx     context.Context
	seed    uint64
	rng     *rand.Rand
	dir     string
	odoo    *odootest.Server
	odooURL string
	ding    *dingtalktest.Server
	daemons []*daemon
	store   bridge.Store
	ledger  *ledger
	traffic *traffic
	report  *report
	mode    string // of events: stream or callback
	disk    *disk  // under the store of one daemon

	leaves     []*leave
	moments    *moments          // of leaves in Odoo
	endedBy    map[string]string // how people ended an approval in DingTalk
	heldLeaves []string          // why some are held, as of the last comparison
	days       int               // of leaves given away

	kinds       []string // what people work with beside them
	chores      *chores
	newsMu      sync.Mutex
	news        []*news
	newsroom    string            // the address of the group's robot
	quiets      []time.Time       // when both sides agreed and nothing was left to do
	lostAnswers map[string]bool   // whether an answer was lost to what is held
	userids     map[string]string // whose they are or were, by the tag

	round   int
	serial  int // makes every written value unique
	began   time.Time
	killed  bool // a process died in this round, or the disk, and with it what was not yet in the history
	lossy   bool // events were lost, or somebody deleted in Odoo: only a comparison finds that
	slow    sync.WaitGroup
	struck  []string // the faults of this round
	done    []string // what people and faults did, for the report of a failure
	doneMu  sync.Mutex
	hooksMu sync.Mutex
	onOdoo  []func(odootest.Call) bool // each is asked until it says true once
	onDing  []func(dingtalktest.Request) bool
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newWorld starts both sides with some people, and the daemons.
func newWorld(t *testing.T, seed uint64, replicas int, r *report) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "dingbridge-world-*")
	must(t, err)
	kinds, err := kindsOf()
	must(t, err)
	w := &world{
		t: t, ctx: t.Context(), seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), dir: dir,
		kinds: kinds, chores: &chores{users: map[string]staff{}, now: map[int64][]choreMoment{}}, userids: map[string]string{}, lostAnswers: map[string]bool{}, moments: newMoments(), endedBy: map[string]string{}, ledger: newLedger(), traffic: newTraffic(), report: r, mode: []string{"stream", "stream", "callback"}[seed%3],
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs and the store are kept in %s", dir)
			return
		}
		_ = os.RemoveAll(dir) // a leftover in the temporary folder does no harm
	})
	w.startSides()
	w.found()
	w.foundOffice()
	if w.plays(kindNews) {
		w.foundNewspaper()
	}
	w.startDaemons(replicas)
	return w
}

func (w *world) startSides() {
	w.odoo = odootest.New(odootest.WithoutHR(), odootest.WithJournal(64))
	url, err := w.odoo.Start("127.0.0.1:0")
	must(w.t, err)
	w.t.Cleanup(w.odoo.Close)
	user := w.odoo.AddUser(login, password, "base.group_user", "hr.group_hr_user", "base.group_partner_manager", "hr_holidays.group_hr_holidays_manager")
	w.odooURL = url
	w.ding = dingtalktest.New()
	_, err = w.ding.Start("127.0.0.1:0")
	must(w.t, err)
	w.t.Cleanup(w.ding.Close)
	w.ding.Set(func(k *dingtalktest.Knobs) {
		k.Scale(0.01)
		k.ReaddWithin24hPending = false
		k.CreatedActive = true
		k.Seed = int64(w.seed)
		k.FailedListDelay = 50 * time.Millisecond
	})
	w.odoo.OnCall(w.odooCalled)
	w.odoo.OnTransaction(func(t odootest.Transaction) {
		w.moments.told(t, user)
		w.chores.told(t, user)
	})
	w.ding.OnRequest(w.dingAsked)
}

// mappings writes the two presets, with the guard wide open and removals on both sides, to files of the world. note is a comment: another
// one is another file with the same meaning.
func (w *world) mappings(dir, note string) (string, error) {
	var files []string
	for _, name := range []string{"departments", "employees"} {
		src, ok := mapping.Preset(name)
		if !ok {
			return "", fmt.Errorf("no preset %s", name)
		}
		text := string(src.Data)
		for _, change := range [][2]string{
			{"guard:  {creates: 50, updates: 200, clears: 20, removals: 5, percent: 3}", "guard:  {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited, percent: 3}"},
			{"remove: {dingtalk: never, odoo: archive}", "remove: {dingtalk: delete, odoo: archive}"},
		} {
			if !strings.Contains(text, change[0]) {
				return "", fmt.Errorf("the preset %s has no %q", name, change[0])
			}
			text = strings.Replace(text, change[0], change[1], 1)
		}
		file := filepath.Join(dir, name+".yaml")
		fresh := file + ".new"
		if err := os.WriteFile(fresh, []byte("# "+note+"\n"+text), 0o600); err != nil {
			return "", err
		}
		if err := os.Rename(fresh, file); err != nil {
			return "", err
		}
		files = append(files, file)
	}
	more := map[string]string{"leaves": leaveMappings}
	if w.plays(kindNews) {
		more["news"] = newsMappings
	}
	if w.plays(kindTodos) {
		text, err := todosYAML()
		if err != nil {
			return "", err
		}
		more["todos"] = text
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		file := filepath.Join(dir, name+".yaml")
		files = append(files, file)
		if err := writeOnce(file, more[name]); err != nil {
			return "", err
		}
	}
	return strings.Join(files, ","), nil
}

func (w *world) startDaemons(replicas int) {
	w.t.Helper()
	files, err := w.mappings(w.dir, "as the world began")
	must(w.t, err)
	address := w.storeAddress(replicas)
	for i := range replicas {
		env := map[string]string{
			"ODOO_URL": w.odooURL, "ODOO_DATABASE": database, "ODOO_LOGIN": login, "ODOO_PASSWORD": password, "ODOO_TIMEOUT": odooTimeout.String(),
			"DINGTALK_OAPI": w.ding.URL(), "DINGTALK_API": w.ding.URL(), "DINGTALK_LOGIN": w.ding.URL(), "DINGTALK_QPS": "-1",
			"DINGTALK_APP_KEY": w.ding.AppKey(), "DINGTALK_APP_SECRET": w.ding.AppSecret(), "DINGTALK_CORP_ID": w.ding.CorpID(),
			"DINGTALK_TIMEOUT": dingTimeout.String(), "DINGTALK_STALE_WINDOW": staleWindow.String(), "DINGTALK_MODE": w.mode, "DINGTALK_QUOTA_CALLS": "0",
			"DINGTALK_CALLBACK_TOKEN": callbackToken, "DINGTALK_CALLBACK_AES_KEY": callbackKey,
			"STORE": address, "STANDBY_BEAT": beatEvery.String(), "STANDBY_TAKEOVER": takeover.String(), "STANDBY_POLL": beatEvery.String(), "LOG_LEVEL": "info", "POLL": pollEvery.String(), "OVERLAP": overlap.String(), "MAPPINGS": files,
		}
		if w.plays(kindNews) {
			maps.Copy(env, w.newsSettings())
		}
		w.daemons = append(w.daemons, newDaemon(w.t, "daemon"+strconv.Itoa(i+1), w.dir, env))
	}
	w.t.Cleanup(func() {
		for _, d := range w.daemons {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			if err := d.stop(ctx); err != nil {
				w.t.Errorf("stopping: %v\n%s", err, d.tail(20))
				_ = d.signal(os.Kill)
			}
			cancel()
		}
		if w.store != nil {
			if err := w.store.Close(); err != nil {
				w.t.Error(err)
			}
		}
		w.disk.remove()
	})
	for _, d := range w.daemons {
		must(w.t, d.start())
	}
	w.awaitStart()
	if replicas > 1 {
		w.store, err = store.OpenPostgres(address)
	} else {
		w.store, err = store.OpenSQLite(address)
	}
	must(w.t, err)
	if w.mode == "callback" {
		front := httptest.NewServer(balancer(w.daemons))
		w.t.Cleanup(front.Close)
		w.ding.Callback(front.URL+"/dingtalk/callback", callbackToken, callbackKey)
		must(w.t, w.ding.CheckCallback(w.ctx))
	}
}

// storeAddress is a file for one daemon, a database of PostgreSQL for several.
func (w *world) storeAddress(replicas int) string {
	if replicas > 1 {
		w.disk = &disk{}
		return pgtest.Start(w.t)
	}
	w.disk = newDisk(filepath.Join(w.dir, "disk"), w.seed%2 == 0)
	return filepath.Join(w.disk.dir, "store.db")
}

// balancer stands before the daemons as a load balancer does: a request goes to the first that takes it.
func balancer(daemons []*daemon) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		for _, d := range daemons {
			if !d.alive() {
				continue
			}
			req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+d.addr+r.URL.RequestURI(), bytes.NewReader(body))
			if err != nil {
				http.Error(rw, err.Error(), http.StatusBadRequest)
				return
			}
			req.Header = r.Header.Clone()
			answer, err := http.DefaultClient.Do(req)
			if err != nil {
				continue
			}
			rw.WriteHeader(answer.StatusCode)
			_, _ = io.Copy(rw, answer.Body) // who asked may have gone
			_ = answer.Body.Close()
			return
		}
		http.Error(rw, "no daemon", http.StatusBadGateway)
	})
}

// The secrets of the callback, as the console shows them.
const (
	callbackToken = "chaos-token"
	callbackKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// awaitStart waits until one of the daemons works.
func (w *world) awaitStart() {
	w.t.Helper()
	if !w.until(patience, func() bool {
		return slices.ContainsFunc(w.daemons, func(d *daemon) bool { return d.working(w.ctx) })
	}) {
		w.t.Fatalf("no daemon works after %s\n%s", patience, w.daemons[0].tail(30))
	}
}

// until looks again and again until the condition holds; false when it does not within the time.
func (w *world) until(within time.Duration, holds func() bool) bool {
	ctx, cancel := context.WithTimeout(w.ctx, within)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// wait lets time pass while everybody works.
func (w *world) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.ctx.Done():
	}
}

// tell notes what was done, for the report of a failure.
func (w *world) tell(format string, args ...any) {
	w.doneMu.Lock()
	defer w.doneMu.Unlock()
	w.done = append(w.done, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// odooCalled sees every call of the bridge to Odoo before it runs.
func (w *world) odooCalled(c odootest.Call) {
	ask(w, &w.onOdoo, c)
	if isOdooWrite(c) {
		w.traffic.odooWrote(c)
	}
}

// dingAsked sees every request of the bridge to DingTalk before it runs.
func (w *world) dingAsked(r dingtalktest.Request) {
	ask(w, &w.onDing, r)
	w.traffic.dingAsked(r)
}

// ask asks each hook until it says true once.
func ask[T any](w *world, hooks *[]func(T) bool, one T) {
	w.hooksMu.Lock()
	list := slices.Clone(*hooks)
	w.hooksMu.Unlock()
	for i, hook := range list {
		if hook == nil || !hook(one) {
			continue
		}
		w.hooksMu.Lock()
		if i < len(*hooks) {
			(*hooks)[i] = nil
		}
		w.hooksMu.Unlock()
	}
}

func (w *world) unhook() {
	w.hooksMu.Lock()
	defer w.hooksMu.Unlock()
	w.onOdoo, w.onDing = nil, nil
}

func isOdooWrite(c odootest.Call) bool {
	if !strings.HasPrefix(c.Model, "hr.") && c.Model != activities {
		return false
	}
	switch c.Method {
	case "write", "create", "unlink", "load", "toggle_active", "message_post":
		return true
	}
	return strings.HasPrefix(c.Method, "action_") // a decision about a leave
}

// odooWrote enters a write to Odoo.
func (tr *traffic) odooWrote(c odootest.Call) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if c.Method != "message_post" { // a note may follow when both sides agree
		tr.writes++
	}
	if c.Method != "write" || len(c.Args) < 2 {
		tr.odooWrites = append(tr.odooWrites, write{id: c.Model + " " + c.Method + fmt.Sprint(firstIDs(c.Args)), at: time.Now()})
		return
	}
	ids, _ := c.Args[0].([]any)
	values, _ := c.Args[1].(map[string]any)
	cx, _ := c.Kwargs["context"].(map[string]any)
	locks, _ := cx["__last_update"].(map[string]any)
	for _, id := range ids {
		lock, _ := locks[fmt.Sprintf("%s,%v", c.Model, id)].(string)
		lock, _, _ = strings.Cut(lock, ".")
		tr.odooWrites = append(tr.odooWrites, write{id: fmt.Sprintf("%s %v", c.Model, id), values: values, at: time.Now(), locked: lock})
	}
}

// dingAsked enters a request to DingTalk.
func (tr *traffic) dingAsked(r dingtalktest.Request) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	params := r.Params()
	userid := fmt.Sprint(params["userid"])
	shown := time.Now().Add(-tr.stale)
	switch {
	case r.Path == "/topapi/v2/user/get":
		tr.dingReads["user "+userid] = shown
	case r.Path == "/topapi/v2/department/get":
		tr.dingReads[fmt.Sprint("unit ", params["dept_id"])] = shown
	case r.Path == "/topapi/v2/user/update":
		tr.dingWrites = append(tr.dingWrites, write{id: "user " + userid, values: maps.Clone(params), at: time.Now(), read: tr.dingReads["user "+userid]})
	case r.Path == "/topapi/v2/department/update":
		id := fmt.Sprint("unit ", params["dept_id"])
		tr.dingWrites = append(tr.dingWrites, write{id: id, values: maps.Clone(params), at: time.Now(), read: tr.dingReads[id]})
	}
	if r.Write {
		tr.writes++
		what := r.Path
		if _, id, ok := strings.Cut(r.Path, "/tasks/"); ok {
			what = "todo " + id
		}
		if !strings.HasSuffix(r.Path, "/update") { // entered above
			tr.dingWrites = append(tr.dingWrites, write{id: what, values: params, at: time.Now()})
		}
	}
}

// errNotThere says that what an edit was to change is not there on that side at the moment.
var errNotThere = errors.New("not there")

// script is what was done in the round.
func (w *world) script() string {
	w.doneMu.Lock()
	defer w.doneMu.Unlock()
	return strings.Join(w.done, "\n")
}
