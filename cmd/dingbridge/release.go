package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
)

var (
	txtReleaseWhich = tr("%q is neither the number of a list, nor all, nor database; `dingbridge status` shows the lists", "%q 既不是清单编号，也不是 all 或 database；用 `dingbridge status` 查看清单")
	txtNoList       = tr("there is no list %d that waits; `dingbridge status` shows the lists", "没有等待放行的清单 %d；用 `dingbridge status` 查看清单")
	txtNoLists      = tr("Nothing waits for a release.", "没有等待放行的操作。")
	txtReleased     = tr("List %d: %d operations released; each happens if it is still the same.", "清单 %d：已放行 %d 项操作；只有内容未变的才会执行。")
	txtConfirmed    = tr("The Odoo database and the DingTalk app as they are now will be taken as the right ones.", "将以当前的 Odoo 数据库与钉钉应用为准。")
)

func newRelease(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "release LIST|all|database", Short: a.say(txtRelease), Args: cobra.ExactArgs(1),
		Example: "  dingbridge release 3\n  dingbridge release all\n  dingbridge release database",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := strconv.ParseInt(args[0], 10, 64)
			if args[0] != "all" && args[0] != "database" && (err != nil || list <= 0) {
				return usage(errors.New(a.say(txtReleaseWhich, args[0])))
			}
			return a.act(cmd.Context(), func(w *world) error {
				switch args[0] {
				case "database":
					if err := bridge.ConfirmDatabase(cmd.Context(), w.store); err != nil {
						return err
					}
					a.tell(txtConfirmed)
					return nil
				case "all":
					return w.releaseAll(cmd.Context())
				default:
					return w.release(cmd.Context(), list)
				}
			})
		},
	}
}

func (w *world) release(ctx context.Context, list int64) error {
	n, err := bridge.Release(ctx, w.store, list)
	switch {
	case err != nil:
		return err
	case n == 0:
		return usage(errors.New(w.app.say(txtNoList, list)))
	}
	w.app.tell(txtReleased, list, n)
	return nil
}

func (w *world) releaseAll(ctx context.Context) error {
	lists, err := waitingLists(ctx, w.store)
	if err != nil {
		return err
	}
	for _, list := range lists {
		if err := w.release(ctx, list); err != nil {
			return err
		}
	}
	if len(lists) == 0 {
		w.app.tell(txtNoLists)
	}
	return nil
}

// waitingLists are the numbers of the guard's lists that wait for a person.
func waitingLists(ctx context.Context, s bridge.Store) ([]int64, error) {
	lists := map[int64]bool{}
	err := s.View(ctx, func(tx bridge.Tx) error {
		items, err := tx.GuardItems(0)
		for _, it := range items {
			lists[it.List] = true
		}
		return err
	})
	return sortedKeys(lists), err
}
