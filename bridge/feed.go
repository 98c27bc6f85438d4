package bridge

import (
	"context"
	"encoding/json"
	"time"
)

// Feed is how events reach the running daemon.
type Feed struct {
	Mode      string    `json:"mode"`             // stream, callback or off
	Connected bool      `json:"connected"`        // stream: there is a connection; callback: the address is served
	Since     time.Time `json:"since"`            // of that
	Reason    string    `json:"reason,omitempty"` // stream: of its last change, as dingtalk.StreamState
}

const metaFeed = "feed"

// PublishFeed leaves in the store how events reach this process, where ReadStatus of another process finds it.
func PublishFeed(ctx context.Context, s Store, f Feed) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx Tx) error { return tx.SetMeta(metaFeed, string(raw)) })
}

// readFeed reads what a running daemon published; nil when it has not yet.
func readFeed(tx Tx) (*Feed, error) {
	raw, err := tx.Meta(metaFeed)
	if err != nil || raw == "" {
		return nil, err
	}
	f := &Feed{}
	return f, json.Unmarshal([]byte(raw), f)
}
