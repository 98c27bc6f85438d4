package main

import (
	"errors"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
)

var (
	txtAllFlag    = tr("everything that is held, waits or fails", "所有挂起、等待或失败的记录")
	txtRetryWhich = tr("name one record (SIDE KIND ID), or --all", "请写明一条记录（SIDE KIND ID），或使用 --all")
	txtRetried    = tr("%d will be tried again.", "将重试 %d 项。")
	txtNextRun    = tr("No daemon is running: it happens with the next `dingbridge run` or `dingbridge sync`.", "守护进程没有运行：将在下一次 `dingbridge run` 或 `dingbridge sync` 时执行。")
)

func newRetry(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "retry [SIDE KIND ID | --all]", Short: a.say(txtRetry),
		Example: "  dingbridge retry odoo hr.employee 42\n  dingbridge retry --all",
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 3) == all || (len(args) != 0 && len(args) != 3) {
				return errors.New(a.say(txtRetryWhich))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var ref *bridge.Ref
			if !all {
				one, err := bridge.ParseRef(args[0], args[1], args[2])
				if err != nil {
					return usage(err)
				}
				ref = &one
			}
			return a.act(cmd.Context(), func(w *world) error {
				n, err := bridge.Retry(cmd.Context(), w.store, w.set, ref)
				if err == nil && n == 0 && ref != nil {
					return usage(errors.New(a.say(txtUnreadRecord, ref)))
				}
				if err == nil {
					a.tell(txtRetried, n)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, a.say(txtAllFlag))
	return cmd
}
