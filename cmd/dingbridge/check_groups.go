package main

import (
	"context"
	"crypto/rand"
	"strings"

	"dingbridge/dingtalk"
)

// checkGroups tries reading a group, and changing one, neither of which exists. Each is a counted call.
func (w *world) checkGroups(ctx context.Context) []finding {
	nothing := "dingbridge-check-" + strings.ToLower(rand.Text())
	ask := func(err error) error {
		if understood(err) {
			return nil
		}
		return err
	}
	_, err := w.ding.Groups.Get(ctx, nothing)
	findings := []finding{w.tried("chat", txtDingRead, txtDingReadNot, ask(err))}
	err = w.ding.Groups.Update(ctx, dingtalk.Object{"chatid": nothing, "name": "dingbridge"})
	return append(findings, w.tried("im/group", txtDingWrite, txtDingWriteNot, ask(err)))
}
