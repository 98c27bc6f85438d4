package bridge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"dingbridge/odoo"
)

// fingerprint tells this Odoo database and this corp from any other. A copy of the database, or a backup that was put back,
// must not be written to as if nothing had happened: its ids mean other people.
type fingerprint struct {
	URL      string `json:"url"`
	Database string `json:"database"`
	Mark     string `json:"mark"` // the name of an external id the bridge made there
	Corp     string `json:"corp"`
}

// Identity is where the engine works; the settings name it.
type Identity struct {
	OdooURL, Database, Corp string
}

// CheckDatabase compares the far sides with the fingerprint of the first start. A difference is a *Failure that halts the
// scope "database" until a person confirms it (ConfirmDatabase). Without the right to make an external id the database is
// recognised by its address and its newest records alone.
func (e *Engine) CheckDatabase(ctx context.Context) error {
	var stored fingerprint
	var raw string
	if err := e.Store.View(ctx, func(tx Tx) (err error) {
		raw, err = tx.Meta("fingerprint")
		return err
	}); err != nil {
		return err
	}
	marks, err := e.marks(ctx)
	if err != nil {
		return err
	}
	if raw == "" {
		return e.takeFingerprint(ctx)
	}
	if err := json.Unmarshal([]byte(raw), &stored); err != nil {
		return fmt.Errorf("the stored fingerprint: %w", err)
	}
	var differ string
	switch {
	case stored.Corp != e.Identity.Corp:
		differ = fmt.Sprintf("the store belongs to another DingTalk app or corp (%s, now %s)", stored.Corp, e.Identity.Corp)
	case stored.Mark != "" && !slices.Contains(marks, stored.Mark):
		differ = "this Odoo database lacks the bridge's mark: it is another one, or a backup from before the bridge was set up"
	case stored.URL != e.Identity.OdooURL || stored.Database != e.Identity.Database:
		differ = fmt.Sprintf("the bridge worked on %s %s; %s %s looks like a copy of it", stored.URL, stored.Database, e.Identity.OdooURL, e.Identity.Database)
	default:
		if differ, err = e.wentBack(ctx); err != nil {
			return err
		}
	}
	if differ != "" {
		return &Failure{Class: FailHalt, Scope: "database", Words: differ + "; nothing is written until you confirm it with: dingbridge release database"}
	}
	e.halts.worked("database")
	return nil
}

// marks are the bridge's own external ids in the database.
func (e *Engine) marks(ctx context.Context) ([]string, error) {
	rows, err := e.odoo.client.SearchRead(ctx, "ir.model.data",
		odoo.Domain{odoo.Cond("module", "=", externalModule), odoo.Cond("name", "=like", "fingerprint_%")}, []string{"name"}, odoo.Options{})
	if err != nil {
		if f := classify(err); f.Class == FailReject || f.Scope == "permission" {
			return nil, nil
		}
		return nil, err
	}
	var names []string
	for _, row := range rows {
		if name, ok := row["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// takeFingerprint marks the database at the first start, or after a person confirmed it.
func (e *Engine) takeFingerprint(ctx context.Context) error {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fmt.Errorf("making a mark: %w", err)
	}
	fp := fingerprint{URL: e.Identity.OdooURL, Database: e.Identity.Database, Corp: e.Identity.Corp, Mark: "fingerprint_" + hex.EncodeToString(b[:])}
	_, err := e.odoo.client.Create(ctx, "ir.model.data", odoo.Values{"module": externalModule, "name": fp.Mark, "model": "res.company", "res_id": 1, "noupdate": true}, nil)
	if err != nil {
		if f := classify(err); f.Class != FailReject && f.Scope != "permission" {
			return err
		}
		e.Log.Warn("the database could not be marked; it is recognised by its address alone", zap.String("reason", classify(err).Words))
		fp.Mark = ""
	}
	raw, err := json.Marshal(fp)
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, func(tx Tx) error { return tx.SetMeta("fingerprint", string(raw)) })
}

// ConfirmDatabase accepts the database and corp as they are now; the next check takes their fingerprint.
func (e *Engine) ConfirmDatabase(ctx context.Context) error { return ConfirmDatabase(ctx, e.Store) }

// ConfirmDatabase forgets the fingerprint in the store, so that the next check takes a new one.
func ConfirmDatabase(ctx context.Context, s Store) error {
	return s.Update(ctx, func(tx Tx) error {
		old, err := tx.MetaPrefix(witnessPrefix)
		if err != nil {
			return err
		}
		for key := range old {
			if err := tx.DeleteMeta(key); err != nil {
				return err
			}
		}
		if err := tx.DeleteMeta(signKey); err != nil {
			return err
		}
		return tx.DeleteMeta("fingerprint")
	})
}
