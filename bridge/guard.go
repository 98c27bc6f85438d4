package bridge

import (
	"math"
	"slices"
	"strings"
	"sync"

	"dingbridge/mapping"
)

// budget is what the Guard allows of one risk a day; negative = no limit. Creates and updates: the larger of the count and
// the percentage of the linked records. Clears and removals: the smaller, but at least one, so that a small company is not
// asked about every leaver.
func budget(g mapping.Guard, r Risk, linked int) int {
	share := int(math.Ceil(g.Percent / 100 * float64(linked)))
	count := map[Risk]int{RiskCreate: g.Creates, RiskUpdate: g.Updates, RiskClear: g.Clears, RiskRemove: g.Removals}[r]
	switch {
	case count < 0:
		return -1
	case r == RiskCreate || r == RiskUpdate:
		return max(count, share)
	default:
		if g.Percent > 0 {
			count = min(count, max(share, 1))
		}
		return count
	}
}

// guard keeps back what goes over the day's budget and reserves the rest in the transaction that commits the intents. In a
// printed plan it only marks what would wait.
func (b *batch) guard(wave []*task) error {
	if b.dry {
		return b.guardDry(wave)
	}
	return b.e.Store.Update(b.ctx, func(tx Tx) error {
		items, err := tx.CountGuard(b.m.Name)
		if err != nil {
			return err
		}
		left, err := b.budgets(tx)
		if err != nil {
			return err
		}
		used := map[Risk]int{}
		for _, t := range wave {
			if t.fail != nil || t.plan == nil || (len(t.plan.Changes) == 0 && items == 0) {
				continue
			}
			if err := b.guardTask(tx, t, left, used, items > 0); err != nil {
				return err
			}
			if err := b.intend(tx, t); err != nil {
				return err
			}
		}
		for r, n := range used {
			if err := tx.Reserve(b.m.Name, b.e.day(), r, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// budgets is what is left of today for each risk; a missing risk has no limit.
func (b *batch) budgets(tx Tx) (map[Risk]int, error) {
	spent, err := tx.Spent(b.m.Name, b.e.day())
	if err != nil {
		return nil, err
	}
	linked, err := b.e.linked.of(tx, b.m.Name, len(b.tasks))
	if err != nil {
		return nil, err
	}
	met, err := tx.Meta(metKey(b.m.Name))
	if err != nil {
		return nil, err
	}
	b.met = met != ""
	left := map[Risk]int{}
	for _, r := range []Risk{RiskCreate, RiskUpdate, RiskClear, RiskRemove, firstCreate, firstUpdate} {
		if all := budget(b.m.Guard, Risk(strings.TrimPrefix(string(r), "first ")), linked); all >= 0 {
			left[r] = max(all-spent[r], 0)
		}
	}
	return left, nil
}

// linkCounts remembers how many linked records a mapping has, because counting them for every batch would make each dearer the more
// there are. They are counted again once as many records were worked on as make a hundredth of them.
type linkCounts struct {
	mu sync.Mutex
	by map[string]linkCount
}

type linkCount struct{ linked, worked int }

// of returns the number for a batch of so many records.
func (c *linkCounts) of(tx Tx, name string, records int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.by[name]
	if last.worked += records; !known || last.worked > last.linked/100 {
		states, err := tx.CountLinks(name)
		if err != nil {
			return 0, err
		}
		last = linkCount{linked: states[Linked]}
	}
	if c.by == nil {
		c.by = map[string]linkCount{}
	}
	c.by[name] = last
	return last.linked, nil
}

// The first meeting of two filled systems has an account of its own, of the same size: it must not use up the budget of the day's
// ordinary changes.
const (
	firstCreate Risk = "first create"
	firstUpdate Risk = "first update"
)

// metKey is set once the first meeting of a mapping has been worked through.
func metKey(name string) string { return "met/" + name }

// account is the budget a change draws on.
func (b *batch) account(c *Change, r Risk) Risk {
	switch {
	case r == RiskCreate && !b.met:
		return firstCreate
	case r == RiskUpdate && !slices.ContainsFunc(c.Fields, func(f FieldChange) bool {
		return f.Reason != ReasonFilled && !strings.HasPrefix(f.Reason, ReasonDiffers)
	}):
		return firstUpdate
	}
	return r
}

// guardTask splits the task's changes into what may go now and what waits for a person. items says that the mapping has waiting or
// released items at all.
func (b *batch) guardTask(tx Tx, t *task, left, used map[Risk]int, items bool) error {
	var keep []string
	allow := func(c *Change, r Risk) (bool, error) {
		from := b.account(c, r)
		n, limited := left[from]
		var waits, released bool
		var err error
		if items {
			waits, released, err = tx.GuardState(t.guardKey(b.m), r, c.Hash())
		}
		switch {
		case err != nil:
			return false, err
		case waits:
			return false, nil // a new day's budget is no release
		case released:
			t.released = append(t.released, release{r, c.Hash()})
			keep = append(keep, c.Hash())
			return true, nil
		case limited && n == 0:
			return false, nil
		case limited:
			left[from]--
		}
		used[from]++
		t.spent = append(t.spent, from)
		return true, nil
	}
	var now []*Change
	hold := func(c *Change, r Risk) error {
		list, err := tx.GuardWait(GuardItem{Mapping: b.m.Name, Key: t.guardKey(b.m), Hash: c.Hash(), Risk: r, Text: t.plan.changeText(c), Created: b.now})
		if err != nil {
			return err
		}
		keep = append(keep, c.Hash())
		t.plan.Over = append(t.plan.Over, Waiting{Change: c, Risk: r, List: list})
		return nil
	}
	for _, c := range t.plan.Changes {
		if c.tells() {
			now = append(now, c)
			continue
		}
		rest, clears := splitClears(c)
		for _, part := range []struct {
			c *Change
			r Risk
		}{{rest, c.Risk()}, {clears, RiskClear}} {
			if part.c == nil {
				continue
			}
			ok, err := allow(part.c, part.r)
			if err != nil {
				return err
			}
			if ok {
				now = append(now, part.c)
			} else if err := hold(part.c, part.r); err != nil {
				return err
			}
		}
	}
	t.plan.Changes = mergeUpdates(now)
	if len(t.plan.Over) > 0 && len(t.plan.Changes) == 0 {
		t.plan.Retire = ""
	}
	if !items {
		return nil // the only ones are those that were just added
	}
	return tx.DropWaiting(t.guardKey(b.m), keep...)
}

// release is a person's release that a task makes use of.
type release struct {
	risk Risk
	hash string
}

// guardKey is the name under which the Guard knows a record. It stays the same when a stranger becomes a link.
func (t *task) guardKey(m *mapping.Mapping) Key {
	if t.odoo.ID != "" {
		return RecordKey(m.Name, mapping.Odoo, t.odoo.ID)
	}
	return RecordKey(m.Name, mapping.DingTalk, t.ding.ID)
}

// settleGuard uses up the releases of what was done, and gives back the budget of what was certainly not.
func (b *batch) settleGuard(tx Tx, t *task) error {
	if len(t.wrote) > 0 || (t.fail != nil && t.fail.Ambiguous) {
		for _, r := range t.released {
			if _, err := tx.TakeRelease(t.guardKey(b.m), r.risk, r.hash); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range t.spent {
		if err := tx.Reserve(b.m.Name, b.e.day(), r, -1); err != nil {
			return err
		}
	}
	return nil
}

// guardDry marks what a release would be needed for, without touching the store.
func (b *batch) guardDry(wave []*task) error {
	return b.e.Store.View(b.ctx, func(tx Tx) error {
		if b.e.dryLeft == nil {
			b.e.dryLeft = map[string]map[Risk]int{}
		}
		if b.e.dryLeft[b.m.Name] == nil {
			left, err := b.budgets(tx)
			if err != nil {
				return err
			}
			b.e.dryLeft[b.m.Name] = left
		}
		left := b.e.dryLeft[b.m.Name]
		for _, t := range wave {
			if t.fail != nil || t.plan == nil {
				continue
			}
			var within []*Change
			for _, c := range t.plan.Changes {
				if c.tells() {
					within = append(within, c)
					continue
				}
				rest, clears := splitClears(c)
				for _, part := range []*Change{rest, clears} {
					if part == nil {
						continue
					}
					r := part.Risk()
					if part == clears {
						r = RiskClear
					}
					from := b.account(part, r)
					if n, limited := left[from]; limited && n == 0 {
						t.plan.Over = append(t.plan.Over, Waiting{Change: part, Risk: r})
						continue
					} else if limited {
						left[from]--
					}
					within = append(within, part)
				}
			}
			t.plan.Changes = mergeUpdates(within)
		}
		return nil
	})
}

// splitClears takes the clearing fields out of an update; they draw on their own budget.
func splitClears(c *Change) (rest, clears *Change) {
	if c.Op != OpUpdate {
		return c, nil
	}
	var keep, clear []FieldChange
	for _, f := range c.Fields {
		if f.Clears() {
			clear = append(clear, f)
		} else {
			keep = append(keep, f)
		}
	}
	with := func(fields []FieldChange) *Change {
		if len(fields) == 0 {
			return nil
		}
		part := *c
		part.Fields = fields
		return &part
	}
	return with(keep), with(clear)
}

// mergeUpdates joins the updates of one target into one call again.
func mergeUpdates(changes []*Change) []*Change {
	var out []*Change
	for _, c := range changes {
		i := slices.IndexFunc(out, func(o *Change) bool { return o.Op == OpUpdate && c.Op == OpUpdate && o.Side == c.Side })
		if i < 0 {
			out = append(out, c)
			continue
		}
		joined := *out[i]
		joined.Fields = append(slices.Clone(joined.Fields), c.Fields...)
		out[i] = &joined
	}
	return out
}
