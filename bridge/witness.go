package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

// witnesses is how many newest records of a model are remembered to notice a restored backup; so many of them that are gone all at once
// are noticed.
const (
	witnesses    = 20
	fewWitnesses = 3
)

// wentBack looks for a restored backup: a write_date never goes back, a sign of life is not lost, and the newest records do not all vanish
// at once, unless a sign of life shows that they were deleted.
func (e *Engine) wentBack(ctx context.Context) (string, error) {
	life, differ, err := e.signOfLife(ctx)
	if err != nil || differ != "" {
		return differ, err
	}
	for _, model := range e.models() {
		known, err := e.witnessesOf(ctx, model)
		if err != nil {
			return "", err
		}
		if len(known) == 0 {
			continue
		}
		ids := slices.Sorted(maps.Keys(known))
		rows, err := e.odoo.client.SearchRead(ctx, model, odoo.Domain{odoo.Cond("id", "in", ids)}, []string{"write_date"}, odoo.Options{Context: odoo.Context{"active_test": false}})
		if err != nil {
			return "", err
		}
		for _, row := range rows {
			id, _ := row["id"].(int64)
			now, _ := row["write_date"].(string)
			if strings.Compare(now, known[id]) < 0 {
				return fmt.Sprintf("%s %d was written at %s and now says %s: a backup was restored", model, id, known[id], now), nil
			}
		}
		if len(rows) > 0 {
			continue
		}
		words, suspect := e.suspect(model, ids, life)
		if !suspect {
			continue
		}
		hidden, err := e.odoo.client.Exists(ctx, model, ids)
		if err != nil {
			return "", err
		}
		if len(hidden) == 0 {
			return words, nil
		}
	}
	return "", nil
}

// suspect says whether it looks like a restored backup that these newest records of a model are gone, and in which words. People and
// departments are archived and not deleted, so that it always does. Others are deleted all day: of those that were seen before a sign of
// life that is still there it is certain, because a backup that holds the sign holds them too, unless they were deleted before.
func (e *Engine) suspect(model string, ids []int64, life lifeSign) (string, bool) {
	if e.keptForGood(model) {
		return fmt.Sprintf("the %d newest records of %s are gone all at once: a backup was restored", len(ids), model), len(ids) >= fewWitnesses
	}
	open := life.open(model, ids)
	words := fmt.Sprintf("the %d newest records of %s are gone all at once, and nothing shows whether they were deleted or a backup was restored", len(open), model)
	return words, len(open) >= fewWitnesses && model != activityModel // whose records are gone once they are done
}

// keptForGood says whether nobody deletes records of the model as a matter of course.
func (e *Engine) keptForGood(model string) bool {
	return slices.ContainsFunc(e.mappings().ByModel(model), func(m *mapping.Mapping) bool { return m.Kind == "user" || m.Kind == "department" })
}

const witnessPrefix = "witness/"

// witnessesOf are the newest records of a model that were seen, by id, with when they were written.
func (e *Engine) witnessesOf(ctx context.Context, model string) (known map[int64]string, err error) {
	err = e.Store.View(ctx, func(tx Tx) error {
		raw, err := tx.Meta(witnessPrefix + model)
		if err == nil {
			known, err = readWitnesses(model, raw)
		}
		return err
	})
	return known, err
}

func readWitnesses(model, raw string) (map[int64]string, error) {
	known := map[int64]string{}
	if raw == "" {
		return known, nil
	}
	if err := json.Unmarshal([]byte(raw), &known); err != nil {
		return nil, fmt.Errorf("the stored witnesses of %s: %w", model, err)
	}
	return known, nil
}

// bearWitness remembers the newest rows a poll saw.
func bearWitness(tx Tx, model string, rows map[int64]string) error {
	if len(rows) == 0 {
		return nil
	}
	raw, err := tx.Meta(witnessPrefix + model)
	if err != nil {
		return err
	}
	known, err := readWitnesses(model, raw)
	if err != nil {
		return err
	}
	for id, stamp := range rows {
		known[id] = stamp
	}
	keepNewest(known)
	out, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return tx.SetMeta(witnessPrefix+model, string(out))
}

// keepNewest drops all rows but the last written.
func keepNewest(known map[int64]string) {
	ids := make([]int64, 0, len(known))
	for id := range known {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int { return strings.Compare(known[b], known[a]) })
	for _, id := range ids[min(len(ids), witnesses):] {
		delete(known, id)
	}
}
