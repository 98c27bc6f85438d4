package main

import (
	"context"
	"errors"
)

var txtUnreadRecord = tr("no mapping reads %s", "没有映射涉及 %s")

// act opens the store for a command that only leaves a decision there, and says when the decision takes effect if no daemon is
// there to see it at once.
func (a *app) act(ctx context.Context, do func(*world) error) error {
	w, err := a.openStore()
	if err != nil {
		return err
	}
	if err := do(w); err != nil {
		return errors.Join(err, w.close())
	}
	running, err := w.running(ctx)
	if err == nil && !running {
		a.tell(txtNextRun)
	}
	return errors.Join(err, w.close())
}
