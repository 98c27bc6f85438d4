package bridge_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"dingbridge/bridge"
	"dingbridge/bridge/store"
	"dingbridge/bridge/store/pgtest"
	"dingbridge/dingtalk"
	"dingbridge/dingtalk/dingtalktest"
	"dingbridge/mapping"
	"dingbridge/odoo"
	"dingbridge/odoo/odootest"
	"dingbridge/odoo/stock"
)

// people edit Odoo: directly in the stand-in, or over XML-RPC as the administrator of a real one.
type people interface {
	Create(model string, vals map[string]any) int64
	Write(model string, id int64, vals map[string]any) error
	Unlink(model string, ids ...int64) error
	Get(model string, id int64) map[string]any
	Search(model string, domain []any) []int64
	// Press presses a button of a record's form.
	Press(model, button string, id int64) error
}

// colleagues are people in the stand-in.
type colleagues struct{ *odootest.Server }

// Press implements people, as the administrator.
func (c colleagues) Press(model, button string, id int64) error {
	_, err := c.As("admin").Call(model, button, []any{[]any{id}}, nil)
	return err
}

// world is one Odoo, one DingTalk, and the bridge between them.
type world struct {
	t        *testing.T
	ctx      context.Context
	people   people
	odoo     *odootest.Server // nil when a real Odoo is used
	ding     *dingtalktest.Server
	odooURL  string
	db       string
	login    string
	password string
	path     string // of the store, or its address
	store    bridge.Store
	engine   *bridge.Engine
	live     atomic.Pointer[bridge.Engine] // the same, for what runs beside the test
	client   *dingtalk.Client
	yaml     []mapping.Source
	options  func(*bridge.Options)
	log      *zap.Logger
	dingURL  string
	oldAPI   bool          // of approvals
	custom   []string      // models of one's own that mappings may name
	groups   []string      // of the bridge's user, beside those for people
	skew     atomic.Int64  // of the stand-ins' clocks, and of the client's
	behind   time.Duration // of the client's clock, behind the others
}

// newWorld starts both sides; the bridge is started by its own methods. The two presets are in force, with the guard wide open
// unless yaml says otherwise.
func newWorld(t *testing.T, yaml ...mapping.Source) *world {
	t.Helper()
	return newWorldAs(t, nil, yaml...)
}

// newWorldAs is newWorld with further groups for the bridge's user in Odoo.
func newWorldAs(t *testing.T, groups []string, yaml ...mapping.Source) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), path: newStorePath(t), yaml: yaml, log: zap.NewNop(), groups: groups}
	if os.Getenv("DINGBRIDGE_TEST_LOG") != "" {
		w.log = zaptest.NewLogger(t)
	}
	if len(yaml) == 0 {
		w.yaml = presets(t)
	}
	w.startOdoo()
	w.ding = dingtalktest.New(dingtalktest.WithClock(w.now))
	url, err := w.ding.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(w.ding.Close)
	w.ding.Set(func(k *dingtalktest.Knobs) { k.Scale(0.01); k.ReaddWithin24hPending = false })
	w.dingURL = url
	w.reconnect()
	w.open()
	return w
}

// reconnect makes the client anew.
func (w *world) reconnect() {
	w.t.Helper()
	var err error
	w.client, err = dingtalk.New(dingtalk.Config{
		OAPI: w.dingURL, API: w.dingURL, Login: w.dingURL, OldApprovals: w.oldAPI, AppKey: w.ding.AppKey(), AppSecret: w.ding.AppSecret(), AgentID: w.ding.AgentID(),
		CorpID: w.ding.CorpID(), QPS: -1, Timeout: 5 * time.Second,
		Now: func() time.Time { return w.now().Add(-w.behind) }, RetryWait: time.Millisecond, BeforeWrite: bridge.CheckLease,
	})
	must(w.t, err)
	w.t.Cleanup(w.client.Close)
}

// newStorePath is where a world keeps its state: in a file, or where DINGBRIDGE_TEST_STORE=postgres asks for it, in a database.
func newStorePath(t *testing.T) string {
	t.Helper()
	if os.Getenv("DINGBRIDGE_TEST_STORE") == "postgres" {
		return pgtest.Start(t)
	}
	return filepath.Join(t.TempDir(), "store.db")
}

// needsFile skips a test on any other store.
func (w *world) needsFile(why string) {
	w.t.Helper()
	if store.IsPostgres(w.path) {
		w.t.Skip("only with a file: " + why)
	}
}

// presets are the two presets with a guard that lets everything through.
func presets(t *testing.T, edits ...func(string) string) []mapping.Source {
	t.Helper()
	var out []mapping.Source
	for _, name := range []string{"departments", "employees"} {
		src, ok := mapping.Preset(name)
		if !ok {
			t.Fatalf("no preset %s", name)
		}
		text := openGuard(string(src.Data))
		for _, edit := range edits {
			text = edit(text)
		}
		out = append(out, mapping.Source{File: src.File, Data: []byte(text)})
	}
	return out
}

func (w *world) startOdoo() {
	w.t.Helper()
	if url := os.Getenv("DINGBRIDGE_TEST_ODOO_URL"); url != "" {
		w.odooURL, w.db = url, os.Getenv("DINGBRIDGE_TEST_ODOO_DB")
		w.login, w.password = os.Getenv("DINGBRIDGE_TEST_ODOO_LOGIN"), os.Getenv("DINGBRIDGE_TEST_ODOO_PASSWORD")
		if reset := os.Getenv("DINGBRIDGE_TEST_ODOO_RESET"); reset != "" {
			out, err := exec.CommandContext(w.ctx, "sh", "-c", reset).CombinedOutput()
			if err != nil {
				w.t.Fatalf("%s: %v\n%s", reset, err, out)
			}
		}
		admin, err := odoo.New(odoo.Config{URL: url, Database: w.db, Login: os.Getenv("DINGBRIDGE_TEST_ODOO_ADMIN"), Password: os.Getenv("DINGBRIDGE_TEST_ODOO_ADMIN_PASSWORD")})
		must(w.t, err)
		w.people = realPeople{w.t, admin}
		w.empty()
		return
	}
	w.odoo = odootest.New(odootest.WithClock(w.now))
	url, err := w.odoo.Start("127.0.0.1:0")
	must(w.t, err)
	w.t.Cleanup(w.odoo.Close)
	w.odoo.AddUser("bridge", "secret-of-the-bridge", append([]string{"base.group_user", "hr.group_hr_user", "base.group_partner_manager"}, w.groups...)...)
	w.odooURL, w.db, w.login, w.password = url, "o12", "bridge", "secret-of-the-bridge"
	w.people = colleagues{w.odoo}
	w.empty()
}

// empty archives what a fresh database holds: an administrator without a mobile and two departments.
func (w *world) empty() {
	w.t.Helper()
	for _, model := range []string{"hr.employee", "hr.department"} {
		for _, id := range w.people.Search(model, []any{}) {
			must(w.t, w.people.Write(model, id, map[string]any{"active": false}))
		}
	}
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

// later moves the stand-ins' clocks on: what follows happens in another second.
func (w *world) later(d time.Duration) {
	if w.odoo == nil && d < 5*time.Second { // a real server has a clock of its own
		<-time.After(d)
		return
	}
	w.skew.Add(int64(d))
}

// open opens the store and builds an engine on it.
func (w *world) open() {
	w.t.Helper()
	var err error
	w.store, err = store.Open(w.path)
	must(w.t, err)
	st := w.store
	w.t.Cleanup(func() { _ = st.Close() }) // a test may have closed it already
	client, err := odoo.New(odoo.Config{URL: w.odooURL, Database: w.db, Login: w.login, Password: w.password, RetryWait: time.Millisecond, Timeout: 30 * time.Second, BeforeWrite: bridge.CheckLease})
	must(w.t, err)
	set, complaints := mapping.Load(w.yaml, bridge.Schema(liveFields(w, client), true))
	if set == nil {
		w.t.Fatalf("mappings: %v", complaints)
	}
	o := bridge.Options{
		Store: w.store, Odoo: client, DingTalk: w.client, Mappings: set, Log: w.log,
		Identity: bridge.Identity{OdooURL: w.odooURL, Database: w.db, Corp: w.ding.CorpID()},
		Poll:     50 * time.Millisecond, StaleWindow: 50 * time.Millisecond, SecondLook: 100 * time.Millisecond, SettleOdoo: 100 * time.Millisecond, SettleDing: 100 * time.Millisecond,
		RetryBase: 20 * time.Millisecond, RetryMax: 200 * time.Millisecond, HaltBase: 20 * time.Millisecond, HaltMax: 100 * time.Millisecond,
	}
	if w.options != nil {
		w.options(&o)
	}
	w.engine, err = bridge.New(o)
	must(w.t, err)
	w.live.Store(w.engine)
}

func liveFields(w *world, c *odoo.Client) func(string) (map[string]odoo.Field, bool) {
	return func(model string) (map[string]odoo.Field, bool) {
		if _, known := stock.Fields(model); !known && !slices.Contains(w.custom, model) {
			return nil, false
		}
		f, err := c.FieldsGet(w.ctx, model)
		return f, err == nil
	}
}

// sync brings both sides in step once, and waits for retries that are due soon.
func (w *world) sync() {
	w.t.Helper()
	must(w.t, w.engine.SyncOnce(w.ctx, nil, 3*time.Second, nil))
}

// plan returns the printed plan and its counts.
func (w *world) plan(names ...string) (string, bridge.PlanCounts) {
	w.t.Helper()
	text := ""
	counts, err := w.engine.PlanMappings(w.ctx, names, func(p *bridge.Plan) error { text += p.String(); return nil }, nil)
	must(w.t, err)
	return text, counts
}

// settled fails the test unless a plan finds nothing to write and a further sync writes nothing in DingTalk.
func (w *world) settled() {
	w.t.Helper()
	text, counts := w.plan()
	if counts.Writes() != 0 || counts.Links != 0 {
		w.t.Fatalf("not settled: %s\n%s", counts, text)
	}
}

func (w *world) department(name string, parent, manager int64) int64 {
	vals := map[string]any{"name": name}
	if parent > 0 {
		vals["parent_id"] = parent
	}
	if manager > 0 {
		vals["manager_id"] = manager
	}
	return w.people.Create("hr.department", vals)
}

func (w *world) employee(name, mobile string, vals map[string]any) int64 {
	all := map[string]any{"name": name, "mobile_phone": mobile}
	for k, v := range vals {
		all[k] = v
	}
	return w.people.Create("hr.employee", all)
}

// user is the DingTalk user with the mobile.
func (w *world) user(mobile string) dingtalktest.User {
	w.t.Helper()
	for _, u := range w.ding.Users() {
		if u.Mobile == mobile {
			return u
		}
	}
	w.t.Fatalf("nobody in DingTalk has the mobile %s", mobile)
	return dingtalktest.User{}
}

// unit is the DingTalk department with the name.
func (w *world) unit(name string) dingtalktest.Department {
	w.t.Helper()
	for _, d := range w.ding.Departments() {
		if d.Name == name {
			return d
		}
	}
	w.t.Fatalf("no department %s in DingTalk", name)
	return dingtalktest.Department{}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// realPeople are people in a real Odoo.
type realPeople struct {
	t      *testing.T
	client *odoo.Client
}

func (p realPeople) Create(model string, vals map[string]any) int64 {
	p.t.Helper()
	id, err := p.client.Create(p.t.Context(), model, vals, nil)
	must(p.t, err)
	return id
}

func (p realPeople) Write(model string, id int64, vals map[string]any) error {
	return p.client.Write(p.t.Context(), model, []int64{id}, vals, nil)
}

func (p realPeople) Unlink(model string, ids ...int64) error {
	return p.client.Unlink(p.t.Context(), model, ids, nil)
}

func (p realPeople) Get(model string, id int64) map[string]any {
	p.t.Helper()
	fields, ok := stock.Fields(model)
	if !ok {
		p.t.Fatalf("no stock model %s", model)
	}
	var names []string
	for name, f := range fields {
		if f.Store && f.Type != "binary" {
			names = append(names, name)
		}
	}
	rows, err := p.client.SearchRead(p.t.Context(), model, odoo.Domain{odoo.Cond("id", "=", id)}, names, odoo.Options{Context: odoo.Context{"active_test": false, "virtual_id": false}})
	must(p.t, err)
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

// Press implements people.
func (p realPeople) Press(model, button string, id int64) error {
	_, err := p.client.CallMethod(p.t.Context(), model, button, []int64{id}, nil, nil)
	return err
}

func (p realPeople) Search(model string, domain []any) []int64 {
	p.t.Helper()
	ids, err := p.client.Search(p.t.Context(), model, domain, odoo.Options{Context: odoo.Context{"active_test": false, "virtual_id": false}})
	must(p.t, err)
	return ids
}

// text is a field of a record as text, "" when empty; a many2one is its id.
func text(rec map[string]any, field string) string {
	switch v := rec[field].(type) {
	case nil, bool:
		if v == true {
			return "true"
		}
		return ""
	case []any:
		if len(v) == 0 {
			return ""
		}
		return fmt.Sprint(v[0])
	default:
		return fmt.Sprint(v)
	}
}

func id64(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	must(t, err)
	return n
}

// set is the mappings in force.
func (w *world) set() *mapping.Set {
	w.t.Helper()
	client, err := odoo.New(odoo.Config{URL: w.odooURL, Database: w.db, Login: w.login, Password: w.password})
	must(w.t, err)
	set, complaints := mapping.Load(w.yaml, bridge.Schema(liveFields(w, client), true))
	if set == nil {
		w.t.Fatalf("mappings: %v", complaints)
	}
	return set
}
