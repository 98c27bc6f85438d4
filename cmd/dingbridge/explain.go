package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"dingbridge/bridge"
)

func newExplain(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain SIDE KIND ID", Short: a.say(txtExplain), Args: cobra.ExactArgs(3),
		Example: "  dingbridge explain odoo hr.employee 42\n  dingbridge explain dingtalk user zhangsan",
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := bridge.ParseRef(args[0], args[1], args[2])
			if err != nil {
				return usage(err)
			}
			w, err := a.open()
			if err != nil {
				return err
			}
			return errors.Join(w.explain(cmd.Context(), ref, asJSON), w.close())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	return cmd
}

func (w *world) explain(ctx context.Context, ref bridge.Ref, asJSON bool) error {
	if err := w.live(ctx); err != nil {
		return err
	}
	if beside, err := w.running(ctx); err != nil {
		return err
	} else if beside {
		w.ding.Throttle(besideFraction)
	}
	engine, err := w.engine(zap.NewNop(), nil)
	if err != nil {
		return err
	}
	bar := newProgress(w.app.err)
	bar.show(ref.String(), 0, 0)
	all, err := engine.Explain(ctx, ref)
	err = errors.Join(err, engine.KeepQuota(ctx))
	bar.clear()
	if err != nil {
		return err
	}
	if asJSON {
		return w.app.json(all)
	}
	for i, x := range all {
		if i > 0 {
			w.app.printf("\n")
		}
		w.app.printf("%s", x)
	}
	return nil
}
