package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// compareForms lets the mappings be compared with the forms of their templates, soon and beside all other work.
func (d *daemon) compareForms(set *mapping.Set) {
	select {
	case <-d.inForce: // those before them matter no more
	default:
	}
	d.inForce <- set
}

// compareLoop compares the mappings that come in force with their forms, until the context ends. Nothing waits for it: DingTalk may
// take its time, or not answer.
func (d *daemon) compareLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case set := <-d.inForce:
			d.tellForms(ctx, set)
		}
	}
}

// tellForms logs what does not fit between the mappings and their forms, errors too: the mappings are in force all the same, and what is
// sent is checked again when an approval starts. So is a form that cannot be read now.
func (d *daemon) tellForms(ctx context.Context, set *mapping.Set) {
	op := zap.String("op", "template")
	found, failed := templatesOf(ctx, d.ding, set)
	for _, code := range sortedKeys(failed) {
		switch err := failed[code]; {
		case ctx.Err() != nil:
			return
		case errors.Is(err, dingtalk.ErrNotInOldAPI):
			d.log.Info("template not compared", op, zap.String("process_code", code), zap.String("reason", err.Error()))
		case !dingtalk.IsNotFound(err):
			d.log.Warn("template not read", op, zap.String("process_code", code), zap.String("reason", err.Error()))
		}
	}
	for _, c := range lintTemplates(set, found, failed) {
		d.log.Warn("mapping", op, zap.String("reason", c.Message), zap.String("position", c.Position.String()))
	}
}
