package odoo

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestLive checks this package's picture of Odoo against a real Odoo 12, where the environment names one. It works on records of
// its own and deletes them.
func TestLive(t *testing.T) {
	cfg := Config{
		URL: os.Getenv("DINGBRIDGE_TEST_ODOO_URL"), Database: os.Getenv("DINGBRIDGE_TEST_ODOO_DB"),
		Login: os.Getenv("DINGBRIDGE_TEST_ODOO_ADMIN"), Password: os.Getenv("DINGBRIDGE_TEST_ODOO_ADMIN_PASSWORD"),
	}
	if cfg.URL == "" {
		t.Skip("DINGBRIDGE_TEST_ODOO_URL names no Odoo")
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	v, err := c.Version(ctx)
	must(err)
	if v.Serie != "12.0" {
		t.Fatalf("this is Odoo %s", v.Serie)
	}
	fields, err := c.FieldsGet(ctx, "res.partner")
	must(err)
	row := []any{"dingbridge_live." + strconv.FormatInt(time.Now().UnixNano(), 36), "Live <中> & 😀\nx", 20}
	columns, once := []string{"id", "name", "ref"}, Context{"mode": "update", "noupdate": true}
	made, err := c.Load(ctx, "res.partner", columns, [][]any{row}, once)
	must(err)
	again, err := c.Load(ctx, "res.partner", columns, [][]any{row}, once)
	must(err)
	if len(made.IDs) != 1 || !slices.Equal(made.IDs, again.IDs) {
		t.Fatalf("loading twice: %+v, %+v", made, again)
	}
	id := made.IDs[0]
	defer func() { must(c.Unlink(ctx, "res.partner", []int64{id}, nil)) }()

	rows, err := c.Read(ctx, "res.partner", []int64{id}, []string{"name", "ref", "parent_id", "category_id", "active", "write_date", "phone"}, nil)
	must(err)
	got := map[string]any{}
	for name, wire := range rows[0] {
		got[name], err = Decode(fields[name], wire)
		must(err)
	}
	if got["name"] != row[1] || got["parent_id"] != nil || got["active"] != true || got["phone"] != nil {
		t.Errorf("read back %v", got)
	}
	seen := got["write_date"].(string)
	must(c.Write(ctx, "res.partner", []int64{id}, Values{"phone": "1", "category_id": []Command{Add(Values{"name": "live " + seen})}}, LockContext("res.partner", id, seen)))
	old := LockContext("res.partner", id, "2020-01-01 00:00:00")
	if err := c.Write(ctx, "res.partner", []int64{id}, Values{"phone": "2"}, old); !IsModified(err) || failure(t, err).Class != Retry {
		t.Errorf("the lock did not refuse: %v", err)
	}
	if err := c.Unlink(ctx, "res.partner", []int64{id}, old); !IsModified(err) {
		t.Errorf("the lock did not refuse: %v", err)
	}
	tags, err := c.Search(ctx, "res.partner.category", Domain{Cond("name", "=", "live "+seen)}, Options{})
	must(err)
	if len(tags) != 1 {
		t.Errorf("tags %v", tags)
	}
	must(c.Unlink(ctx, "res.partner.category", tags, nil))

	if _, err := c.Execute(ctx, "res.partner", "toggle_active", []any{[]int64{id}}, nil); !IsUnreadable(err) {
		t.Errorf("toggle_active: %v", err)
	}
	n, err := c.SearchCount(ctx, "res.partner", And(Domain{Cond("id", "=", id)}, Or(Domain{Cond("active", "=", true)}, Not(Domain{Cond("active", "=", true)}))), nil)
	must(err)
	if n != 1 {
		t.Errorf("%d records, the archived one was asked for", n)
	}
	for name, c := range map[string]struct {
		err   error
		class Class
		field string
	}{
		"unknown model": {second(c.Search(ctx, "no.such.model", nil, Options{})), Reject, ""},
		"unknown field": {second(c.Search(ctx, "res.partner", Domain{Cond("nope", "=", 1)}, Options{})), Reject, "nope"},
		"deleted":       {c.Write(ctx, "res.partner", []int64{1 << 30}, Values{"phone": "1"}, nil), Missing, ""},
		"no department": {second(c.Create(ctx, "hr.employee", Values{"name": "x", "department_id": 1 << 30}, nil)), Reject, "department_id"},
		"wrong option":  {c.Write(ctx, "res.partner", []int64{id}, Values{"lang": "xx_XX"}, nil), Reject, "lang"},
	} {
		if e := failure(t, c.err); e.Class != c.class || e.Field != c.field {
			t.Errorf("%s: %+v", name, e)
		}
	}
	count := 0
	for page, err := range c.Pages(ctx, "ir.model.fields", nil, []string{"name"}, 500, nil) {
		must(err)
		count += len(page)
	}
	if all, err := c.SearchCount(ctx, "ir.model.fields", nil, nil); err != nil || all != count || count < 1000 {
		t.Errorf("%d rows in pages, %d in all, %v", count, all, err)
	}
	if at, ok := c.ServerTime(); !ok || time.Since(at).Abs() > time.Hour {
		t.Errorf("server time %v", at)
	}
}

func second[T any](_ T, err error) error { return err }
