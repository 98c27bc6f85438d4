package main

import (
	"context"
	"crypto/rand"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// checkCalendar tries reading an event and cancelling one, neither of which exists, in the calendar of nobody. Each is a counted call.
func (w *world) checkCalendar(ctx context.Context, set *mapping.Set) []finding {
	if len(set.ByKind(dingtalk.CalendarEventKind.Name)) == 0 {
		return nil
	}
	nothing := "dingbridge-check-" + strings.ToLower(rand.Text())
	ask := func(err error) error {
		if understood(err) {
			return nil
		}
		return err
	}
	_, err := w.ding.Calendars.Get(ctx, nothing, nothing)
	findings := []finding{w.tried("calendar", txtDingRead, txtDingReadNot, ask(err))}
	err = w.ding.Calendars.Delete(ctx, nothing, nothing, dingtalk.CalendarOptions{})
	return append(findings, w.tried("calendar", txtDingWrite, txtDingWriteNot, ask(err)))
}
