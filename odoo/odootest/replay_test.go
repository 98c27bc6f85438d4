package odootest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// replayFloor is how many captures the replay has reached: fewer is a regression.
const replayFloor = 392

// scene is a stretch of the recorded session that is replayed on one database.
type scene struct {
	prepare func(*replay)
	names   string // captures in the order they are replayed
}

// before is done just before a capture: what the recorded server had been through by then.
var before = map[string]func(*replay){}

// ignored are members of the answer that no two servers share.
var ignored = map[string][]string{}

// replay is a server being fed captures.
type replay struct {
	t *testing.T
	s *Server
}

// seq sets a model's sequence, so that the next record gets the recorded id.
func (r *replay) seq(model string, next int64) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.db.table(model).next = next
}

// restamp makes the seeded records as old as those of the recording.
func (r *replay) restamp() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for name, t := range r.s.db.tables {
		for id, old := range t.rows {
			if old.created == installed {
				fresh := old.clone(r.s.db.models[name])
				fresh.created = stampOf(r.s.clock())
				fresh.written = fresh.created
				t.rows[id] = fresh
			}
		}
	}
}

// make creates a record with a given id.
func (r *replay) make(model string, id int64, vals map[string]any) {
	r.t.Helper()
	r.seq(model, id)
	if got := r.s.Create(model, vals); got != id {
		r.t.Fatalf("create %s %v: id %d, want %d: %v", model, vals, got, id, r.s.Err())
	}
}

func (r *replay) write(model string, id int64, vals map[string]any) {
	r.t.Helper()
	if err := r.s.Write(model, id, vals); err != nil {
		r.t.Fatalf("write %s %d: %v", model, id, err)
	}
}

// user makes a user with the recorded id, password and partner id.
func (r *replay) user(login string, id, partner int64, groups ...string) {
	r.t.Helper()
	r.seq("res.users", id)
	r.seq("res.partner", partner)
	if got := r.s.AddUser(login, "pw12345678", groups...); got != id {
		r.t.Fatalf("user %s: id %d, want %d: %v", login, got, id, r.s.Err())
	}
}

func TestReplay(t *testing.T) {
	all := captures(t)
	var covered, missed []string
	for i, sc := range scenes {
		now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
		r := &replay{t, New(WithClock(func() time.Time { now = now.Add(1337 * time.Microsecond); return now }))}
		r.restamp()
		if sc.prepare != nil {
			sc.prepare(r)
		}
		for name := range strings.FieldsSeq(sc.names) {
			if slices.Contains(covered, name) {
				t.Errorf("scene %d: %s is replayed twice", i, name)
			}
			if prep := before[name]; prep != nil {
				prep(r)
			}
			if diff := r.play(name); diff != "" {
				t.Errorf("%s: %s", name, diff)
				continue
			}
			covered = append(covered, name)
		}
	}
	for _, name := range all {
		if !slices.Contains(covered, name) {
			missed = append(missed, name)
		}
	}
	t.Logf("captures replayed: %d of %d; not covered: %s", len(covered), len(all), strings.Join(missed, " "))
	if len(covered) < replayFloor {
		t.Errorf("%d captures replayed, %d before", len(covered), replayFloor)
	}
}

func captures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/wire/*.response.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".response.xml")
	}
	return files
}

// play feeds one recorded request to the server and compares the answers; "" is agreement.
func (r *replay) play(name string) string {
	r.t.Helper()
	request, err := os.ReadFile(filepath.Join("testdata/wire", name+".request.xml"))
	if err != nil && !os.IsNotExist(err) { // a GET has none
		r.t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata/wire", name+".response.xml"))
	if err != nil {
		r.t.Fatal(err)
	}
	got := r.s.dispatch(serviceOf(name), request, strings.HasPrefix(name, "xmlrpc1-"), "127.0.0.1")
	if got.cut {
		return "no answer"
	}
	if bytes.Equal(got.body, want) {
		return ""
	}
	wantValue, wantFault, wantErr := decodeAnswer(want)
	gotValue, gotFault, gotErr := decodeAnswer(got.body)
	switch {
	case wantErr != nil || gotErr != nil:
		if fmt.Sprint(wantErr) == fmt.Sprint(gotErr) && wantErr != nil {
			return ""
		}
		return fmt.Sprintf("malformed: got %v, want %v", gotErr, wantErr)
	case wantFault != gotFault:
		return fmt.Sprintf("fault\n got %s\nwant %s", gotFault, wantFault)
	}
	g, w := normal(gotValue, ignored[name]), normal(wantValue, ignored[name])
	if reflect.DeepEqual(g, w) {
		return ""
	}
	return fmt.Sprintf("\n got %s\nwant %s", short(pyRepr(g)), short(pyRepr(w)))
}

func short(s string) string {
	if len(s) > 3000 {
		return s[:3000] + "…"
	}
	return s
}

func serviceOf(name string) string {
	for prefix, service := range map[string]string{"common-": "common", "xmlrpc1-version": "common", "db-list": "db", "db-exist": "db", "db-server": "db", "fault-db-down-auth": "common", "object-unknown-service": "nope"} {
		if strings.HasPrefix(name, prefix) {
			return service
		}
	}
	return "object"
}

// decodeAnswer reads a <methodResponse>. A fault comes as "code: its telling line".
func decodeAnswer(body []byte) (value any, faultText string, err error) {
	d := &decoder{in: body}
	if err := d.prolog(); err != nil {
		return nil, "", err
	}
	if err := d.open("methodResponse"); err != nil {
		return nil, "", err
	}
	kind, _, err := d.tag()
	if err != nil {
		return nil, "", err
	}
	if kind == "fault" {
		if err := d.open("value"); err != nil {
			return nil, "", err
		}
		v, err := d.value()
		if err != nil {
			return nil, "", err
		}
		f := v.(map[string]any)
		return nil, fmt.Sprintf("%v: %s", f["faultCode"], telling(pyStr(f["faultString"]))), nil
	}
	params, err := d.params()
	if err != nil || len(params) != 1 {
		return nil, "", fmt.Errorf("params: %d %w", len(params), err)
	}
	return params[0], "", nil
}

var (
	port    = regexp.MustCompile(`port \d+`)
	address = regexp.MustCompile(`0x[0-9a-f]+`)
	export  = regexp.MustCompile(`^(__export__\.\w+)_[0-9a-f]{8}$`)
	moment  = regexp.MustCompile(`2026-11-23 \d\d:\d\d:\d\d`)
	base64s = regexp.MustCompile(`^[A-Za-z0-9+/=]{60,}$`)
)

// telling is the part of a fault's text that says what is wrong: all of it, or of a traceback the line with the exception.
func telling(text string) string {
	if strings.HasPrefix(text, "Traceback") {
		inside := false
		for line := range strings.SplitSeq(text, "\n") { // chained exceptions: the last one counts
			switch {
			case strings.HasPrefix(line, "Traceback"):
				inside = true
			case inside && !strings.HasPrefix(line, " "):
				text, inside = line, false
			}
		}
	}
	return moment.ReplaceAllString(address.ReplaceAllString(port.ReplaceAllString(text, "port N"), "0xN"), "<now>")
}

// normal makes two answers comparable: moments of the recording, pictures and what is ignored become placeholders.
func normal(v any, ignore []string) any {
	switch v := v.(type) {
	case string:
		if base64s.MatchString(v) {
			return "<binary>"
		}
		return moment.ReplaceAllString(export.ReplaceAllString(v, "${1}_N"), "<now>")
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(v[i], ignore)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if !slices.Contains(ignore, k) {
				out[k] = normal(x, ignore)
			}
		}
		return out
	}
	return v
}
