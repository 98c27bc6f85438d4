package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"dingbridge/odoo"
)

// lifeSign is a row that the bridge left in Odoo after it had seen some records. While it is there, no backup from before it was restored.
type lifeSign struct {
	ID int64  `json:"id"`
	At string `json:"at"` // its create_date
	By int64  `json:"by"` // whose row it is: nobody else sees it
	// Seen are the newest records, by model, that had been seen when it was made.
	Seen map[string][]int64 `json:"seen"`
}

// signs is what this process knows about leaving signs of life.
type signs struct {
	mu      sync.Mutex
	refused bool // odoo takes none
}

// loginModel has a row for each login. Every user may make rows and read his own, nobody may write or delete them; Odoo itself deletes, now
// and then, those of a user who has a newer one (odoo/addons/base/models/res_users.py: ResUsersLog).
const loginModel = "res.users.log"

// signKey is where the store keeps the sign of life.
const signKey = "life"

// open are those of the records of a model that were not seen before the sign.
func (l lifeSign) open(model string, ids []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return slices.Contains(l.Seen[model], id) })
}

// signOfLife returns the last sign of life if it is still there, the zero one if nobody knows, and what is wrong if it never was in this
// database: the newest row of a user is never deleted, and no id is given twice.
func (e *Engine) signOfLife(ctx context.Context) (lifeSign, string, error) {
	last, err := e.storedSign(ctx)
	if err != nil || last.ID == 0 || last.By != e.odoo.client.UID() {
		return lifeSign{}, "", err
	}
	own := odoo.Domain{odoo.Cond("create_uid", "=", e.odoo.client.UID())}
	rows, err := e.readSigns(ctx, odoo.And(own, odoo.Domain{odoo.Cond("id", ">=", last.ID)}), "id")
	if err != nil {
		return lifeSign{}, "", err
	}
	if len(rows) == 0 {
		if rows, err = e.readSigns(ctx, own, "id desc"); err != nil || len(rows) == 0 {
			return lifeSign{}, "", err
		}
	}
	first := rows[0]
	switch {
	case first.ID == last.ID && first.At == last.At:
		if newest := rows[len(rows)-1]; newest.ID != last.ID { // the older one may be deleted
			last.ID, last.At = newest.ID, newest.At
			return last, "", e.storeSign(ctx, last)
		}
		return last, "", nil
	case first.ID > last.ID:
		at, err := time.Parse(odooTime, last.At)
		if err != nil {
			return lifeSign{}, "", fmt.Errorf("the stored sign of life: %w", err)
		}
		late := odoo.Cond("create_date", ">", at.Add(e.Overlap).Format(odooTime))
		given, err := e.readSigns(ctx, odoo.And(own, odoo.Domain{odoo.Cond("id", "<", last.ID), late}), "id")
		if err != nil || len(given) == 0 {
			return lifeSign{}, "", err // deleted, since there is a newer one
		}
	}
	return lifeSign{}, fmt.Sprintf("the bridge logged in at %s and this Odoo database does not know of it: a backup was restored", last.At), nil
}

// readSigns reads the user's rows in the domain.
func (e *Engine) readSigns(ctx context.Context, d odoo.Domain, order string) ([]lifeSign, error) {
	rows, err := e.odoo.client.SearchRead(ctx, loginModel, d, []string{"create_date"}, odoo.Options{Order: order})
	if f := classify(err); f != nil && (f.Class == FailReject || f.Scope == odoo.ScopePermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]lifeSign, 0, len(rows))
	for _, row := range rows {
		id, _ := row["id"].(int64)
		at, _ := row["create_date"].(string)
		out = append(out, lifeSign{ID: id, At: at})
	}
	return out, nil
}

// leaveSign leaves a sign of life when so many records of a model were seen since the last one that it would look like a restored backup
// if they were deleted.
func (e *Engine) leaveSign(ctx context.Context, model string) error {
	if e.keptForGood(model) {
		return nil
	}
	e.signs.mu.Lock()
	defer e.signs.mu.Unlock()
	if e.signs.refused {
		return nil
	}
	last, err := e.storedSign(ctx)
	if err != nil {
		return err
	}
	known, err := e.witnessesOf(ctx, model)
	if err != nil || len(last.open(model, slices.Collect(maps.Keys(known)))) < fewWitnesses {
		return err
	}
	next := lifeSign{Seen: map[string][]int64{}}
	if err := e.Store.View(ctx, func(tx Tx) error {
		all, err := tx.MetaPrefix(witnessPrefix)
		for key, raw := range all {
			model := strings.TrimPrefix(key, witnessPrefix)
			known, err := readWitnesses(model, raw)
			if err != nil {
				return err
			}
			next.Seen[model] = slices.Sorted(maps.Keys(known))
		}
		return err
	}); err != nil {
		return err
	}
	next.ID, err = e.odoo.client.Create(ctx, loginModel, odoo.Values{}, nil)
	if f := classify(err); f != nil && (f.Class == FailReject || f.Scope == odoo.ScopePermission) {
		e.signs.refused = true
		e.Log.Warn("no sign of life can be left in odoo; many records that are deleted at once may look like a restored backup", zap.String("reason", f.Words))
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := e.readSigns(ctx, odoo.Domain{odoo.Cond("id", "=", next.ID)}, "id")
	if err != nil || len(rows) == 0 {
		return err
	}
	next.At, next.By = rows[0].At, e.odoo.client.UID()
	return e.storeSign(ctx, next)
}

func (e *Engine) storedSign(ctx context.Context) (l lifeSign, err error) {
	err = e.Store.View(ctx, func(tx Tx) error {
		raw, err := tx.Meta(signKey)
		if err != nil || raw == "" {
			return err
		}
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			return fmt.Errorf("the stored sign of life: %w", err)
		}
		return nil
	})
	return l, err
}

func (e *Engine) storeSign(ctx context.Context, l lifeSign) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, func(tx Tx) error { return tx.SetMeta(signKey, string(raw)) })
}
