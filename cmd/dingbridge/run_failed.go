package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

// metaFailedList says in the store when DingTalk's list of undelivered events was asked for last.
const metaFailedList = "failed list"

// drainFailed fetches the events DingTalk could not deliver, at the start and every few minutes.
func (d *daemon) drainFailed(ctx context.Context) {
	var unkept []dingtalk.Event // read, and so perhaps no more on the list
	for {
		err := d.takeFailed(ctx, &unkept)
		wait := d.failedWait(ctx)
		if len(unkept) > 0 {
			wait = min(wait, d.pace.publish) // the store is in trouble; nobody else has them
		}
		switch {
		case err == nil:
			d.health.clear(haltFailedList)
		case ctx.Err() == nil && d.health.halt(haltFailedList, err.Error(), wait):
			d.log.Warn("halted", zap.String("scope", haltFailedList), zap.String("reason", err.Error()))
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// takeFailed keeps what was left over, then reads the list and keeps what it holds, a page before the next. Reading may take entries off
// the list (获取推送失败的事件列表): where nothing can be kept nothing is read, and what was read and could not be kept is left over.
func (d *daemon) takeFailed(ctx context.Context, unkept *[]dingtalk.Event) error {
	if err := d.keepFailed(ctx, unkept); err != nil {
		return err
	}
	if err := d.store.Update(ctx, func(tx bridge.Tx) error {
		return tx.SetMeta(metaFailedList, d.pace.now().UTC().Format(time.RFC3339Nano))
	}); err != nil {
		return err
	}
	for page, err := range d.ding.Callbacks.Failed(ctx) {
		if err != nil {
			return err
		}
		d.log.Info("undelivered events fetched", zap.String("op", haltFailedList), zap.Int("events", len(page)))
		*unkept = page
		if err := d.keepFailed(ctx, unkept); err != nil {
			return err
		}
	}
	return nil
}

// keepFailed keeps the events in their order; those that could not be kept remain.
func (d *daemon) keepFailed(ctx context.Context, unkept *[]dingtalk.Event) error {
	for len(*unkept) > 0 {
		if err := d.inbox.take(ctx, (*unkept)[0], bridge.ViaFailedList); err != nil {
			return err
		}
		*unkept = (*unkept)[1:]
	}
	return nil
}

// failedEvery is the rhythm in which the list is read: the settings', else one that is slower where reading costs a counted call.
func (w *world) failedEvery(counted bool) time.Duration {
	switch every := w.settings.DingTalk.Callback.FailedEvery; {
	case every > 0:
		return every
	case counted:
		return w.pace.failedCount
	}
	return w.pace.failedList
}

// failedWait is the wait before the list is read again. Where that costs a counted call it is the longer the faster the month's are used
// up.
func (d *daemon) failedWait(ctx context.Context) time.Duration {
	counted := d.ding.Callbacks.FailedCounts()
	every := d.failedEvery(counted)
	if !counted {
		return every
	}
	now := d.pace.now()
	if gone := d.ding.QuotaGone(); gone != nil {
		return max(gone.After, every)
	}
	quota, err := bridge.ReadQuota(ctx, d.store, now, d.zone, d.quotaLimits())
	if err != nil {
		return every // the engine tells of a store in trouble
	}
	return quota.Soonest(now, every).Sub(now)
}
