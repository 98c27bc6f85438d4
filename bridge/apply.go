package bridge

import (
	"errors"
	"fmt"

	"dingbridge/mapping"
)

// apply carries out the wave's changes: on each side creations first, then updates, then removals.
func (b *batch) apply(wave []*task) {
	if b.dry {
		return
	}
	if b.lookups != nil {
		b.lookups.create = true
	}
	for _, s := range []mapping.Side{mapping.DingTalk, mapping.Odoo} {
		b.applyCreates(s, wave)
		b.applyWrites(s, wave)
	}
}

// paused: writes of this mapping to the side are halted (a permission is missing, a quota is used up); the task waits with them.
func (b *batch) paused(t *task, s mapping.Side) bool {
	if f := b.e.halts.pausing(b.m.Name, s); f != nil {
		t.fail = f
		return true
	}
	return false
}

// putLinks stores links before the batch is over, all or none.
func (b *batch) putLinks(links ...*Link) error {
	return b.e.Store.Update(b.ctx, func(tx Tx) error {
		for _, l := range links {
			if err := tx.PutLink(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func isTaken(err error) bool { return errors.Is(err, ErrTaken) }

// textOf is a raw id as text.
func textOf(raw any) string {
	if raw == nil {
		return ""
	}
	return fmt.Sprint(raw)
}
