package bridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"dingbridge/odoo/odootest"
)

// loadsEntries says whether a call makes journal entries.
func loadsEntries(c odootest.Call) bool { return c.Model == "account.move" && c.Method == "load" }

func TestAVoucherIsMadeOnce(t *testing.T) {
	for name, how := range map[string]odootest.Failure{"the answer is lost": odootest.DropAfter, "the call is lost": odootest.DropBefore, "odoo is overloaded": odootest.SerializationFailure} {
		t.Run(name, func(t *testing.T) {
			a := claims(t)
			if a.odoo == nil {
				t.Skip("only the stand-in loses answers")
			}
			id := a.claim("交通")
			a.step()
			a.odoo.Fail(loadsEntries, 1, how)
			must(t, a.ding.Agree(id, ""))
			a.step()
			a.engine.Night(a.ctx)
			a.step()
			want(t, "entries", len(a.entries()), 1)
			want(t, "lines", strings.Count(strings.Join(a.entries(), ""), "; "), 4)
			want(t, "held", a.held(), "")
			a.settled()
		})
	}
	t.Run("the bridge ends while it is made", func(t *testing.T) {
		a := claims(t)
		if a.odoo == nil {
			t.Skip("only the stand-in can be watched")
		}
		id := a.claim("交通")
		a.step()
		must(t, a.ding.Agree(id, ""))
		must(t, a.ding.FlushEvents(a.ctx))
		a.odoo.Fail(loadsEntries, 1, odootest.DropAfter)
		ctx, end := context.WithCancel(a.ctx)
		a.odoo.OnCall(func(c odootest.Call) {
			if loadsEntries(c) {
				end()
			}
		})
		_ = a.engine.Step(ctx, 2*time.Second) // it was ended
		if ctx.Err() == nil {
			t.Fatal("no entry was made")
		}
		a.odoo.OnCall(nil)
		want(t, "entries when the bridge ended", len(a.entries()), 1)
		a.reopen()
		a.step()
		want(t, "entries", len(a.entries()), 1)
		want(t, "lines", strings.Count(a.entries()[0], "; "), 4)
		want(t, "held", a.held(), "")
		a.settled()
	})
}

// Cents that have no exact binary form add up all the same, and rows without tax have none.
func TestCentsOfAVoucher(t *testing.T) {
	a := claims(t)
	var rows []map[string]any
	for range 10 {
		rows = append(rows, map[string]any{"费用类型": "其他", "说明": "停车", "不含税金额": "0.10", "税额": "0.01"})
	}
	rows = append(rows, map[string]any{"费用类型": "其他", "说明": "打印", "不含税金额": "0.20"})
	id, err := a.ding.StartInstance("PROC", a.uLi, 0, map[string]any{"费用明细": rows})
	must(t, err)
	must(t, a.ding.Agree(id, ""))
	a.step()
	want(t, "held", a.held(), "")
	all := a.entries()
	want(t, "entries", len(all), 1)
	for _, part := range []string{"222101 0.1 0", "2241 0 1.3", "660203 0.2 0"} {
		if !strings.Contains(all[0], part) {
			t.Errorf("%q is missing in %s", part, all[0])
		}
	}
}
