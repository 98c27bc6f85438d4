package main

import (
	"context"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// showHeld prints what plan and explain say of a leave that is held, without the records themselves.
func (d *demo) showHeldLeave(ctx context.Context, leave int64) error {
	engine, err := d.world.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	d.printf("\n$ dingbridge plan leave-approval\n")
	counts, err := engine.PlanMappings(ctx, []string{"leave-approval"}, func(p *bridge.Plan) error { d.printf("%s", p); return nil }, nil)
	if err != nil {
		return err
	}
	id := strconv.FormatInt(leave, 10)
	d.printf("%s\n\n$ dingbridge explain odoo hr.leave %s\n", d.planEnd(counts, []string{"leave-approval"}), id)
	all, err := engine.Explain(ctx, bridge.Ref{Side: mapping.Odoo, Kind: "hr.leave", ID: bridge.ID(id)})
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Mapping == "leave-approval" {
			for line := range strings.Lines(x.String()) {
				if !strings.HasPrefix(line, "    ") {
					d.printf("%s", line)
				}
			}
		}
	}
	return engine.KeepQuota(ctx)
}

// showEntry prints the lines of the last journal entry.
func (o *office) showEntry(context.Context) error {
	moves := o.odoo.Search("account.move", []any{})
	last := moves[0]
	for _, id := range moves {
		last = max(last, id)
	}
	for _, id := range o.odoo.Search("account.move.line", []any{[]any{"move_id", "=", last}}) {
		rec := o.odoo.Get("account.move.line", id)
		debit, _ := rec["debit"].(float64)
		credit, _ := rec["credit"].(float64)
		code := textOf(o.odoo.Get("account.account", pairID(rec["account_id"]))["code"])
		o.print("          %-8s %10.2f %10.2f  %s\n", code, debit, credit, strings.TrimSpace(textOf(rec["name"])))
	}
	return nil
}
