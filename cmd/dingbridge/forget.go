package main

import (
	"errors"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
)

var (
	txtForgetFlag  = tr("all links of a mapping", "某个映射的全部关联")
	txtForgetWhich = tr("name one record (SIDE KIND ID), or --mapping NAME", "请写明一条记录（SIDE KIND ID），或使用 --mapping NAME")
	txtForgot      = tr("%d links dropped; nothing was changed on either side.", "已删除 %d 个关联；两边的数据都没有改动。")
)

func newForget(a *app) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "forget [SIDE KIND ID | --mapping NAME]", Short: a.say(txtForget),
		Example: "  dingbridge forget odoo hr.employee 42\n  dingbridge forget --mapping employees",
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 3) == (name != "") || (len(args) != 0 && len(args) != 3) {
				return errors.New(a.say(txtForgetWhich))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var ref bridge.Ref
			if name == "" {
				var err error
				if ref, err = bridge.ParseRef(args[0], args[1], args[2]); err != nil {
					return usage(err)
				}
			}
			return a.act(cmd.Context(), func(w *world) (err error) {
				var n int
				if name != "" {
					n, err = bridge.ForgetMapping(cmd.Context(), w.store, name)
				} else {
					n, err = bridge.ForgetRecord(cmd.Context(), w.store, w.set, ref)
				}
				if err == nil {
					a.tell(txtForgot, n)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&name, "mapping", "", a.say(txtForgetFlag))
	return cmd
}
