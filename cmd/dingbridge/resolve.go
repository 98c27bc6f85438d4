package main

import (
	"errors"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

var (
	txtTakeFlag  = tr("the side whose value stands: odoo or dingtalk", "以哪一边的值为准：odoo 或 dingtalk")
	txtTakeWhich = tr("--take must be odoo or dingtalk", "--take 必须是 odoo 或 dingtalk")
	txtResolved  = tr("%d fields are decided: %s stands.", "已裁决 %d 个字段：以 %s 为准。")
)

func newResolve(a *app) *cobra.Command {
	var take string
	cmd := &cobra.Command{
		Use: "resolve --take odoo|dingtalk SIDE KIND ID [FIELD]", Short: a.say(txtResolve), Args: cobra.RangeArgs(3, 4),
		Example: "  dingbridge resolve --take odoo odoo hr.employee 42 email",
		RunE: func(cmd *cobra.Command, args []string) error {
			side := mapping.Side(take)
			if side != mapping.Odoo && side != mapping.DingTalk {
				return usage(errors.New(a.say(txtTakeWhich)))
			}
			ref, err := bridge.ParseRef(args[0], args[1], args[2])
			if err != nil {
				return usage(err)
			}
			field := ""
			if len(args) == 4 {
				field = args[3]
			}
			return a.act(cmd.Context(), func(w *world) error {
				n, err := bridge.Resolve(cmd.Context(), w.store, w.set, ref, field, side)
				if err == nil {
					a.tell(txtResolved, n, side)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&take, "take", "", a.say(txtTakeFlag))
	return cmd
}
