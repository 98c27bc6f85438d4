package bridge

import (
	"context"
	"crypto/sha256"
	"fmt"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// messageModel holds what is said about records. Its records are made by message_post of the document, which tells those whom it concerns.
const messageModel = "mail.message"

// messageID is the Message-Id under which a message is posted, and found again.
func messageID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("<dingbridge-%x@dingtalk>", sum[:16])
}

// postAll makes messages, each in the document it names.
func (s *odooSide) postAll(ctx context.Context, creations []*creation) {
	for _, c := range creations {
		c.id, c.err = s.post(ctx, c)
	}
}

// post makes one message (mail.thread: message_post). It is written in the name of its author, where there is one; otherwise email_from says
// who it was, which Odoo shows in the author's place.
func (s *odooSide) post(ctx context.Context, c *creation) (ID, error) {
	model, document := textOf(c.values["model"]), c.values["res_id"]
	if model == "" || document == nil {
		return "", reject("res_id", "a message names the document that it is about: model and res_id")
	}
	message := map[string]any{"message_type": "comment", "subtype": "mail.mt_comment", "message_id": messageID(c.key), "author_id": false}
	for name, v := range c.values {
		if name != "model" && name != "res_id" && v != nil {
			message[name] = v
		}
	}
	if message["author_id"] != false {
		delete(message, "email_from")
	}
	answer, err := s.client.Execute(ctx, model, "message_post", []any{[]any{document}}, message)
	if err != nil {
		return "", err
	}
	id, ok := answer.(int64)
	if !ok || id <= 0 {
		return "", &Failure{Class: FailRetry, Ambiguous: true, Side: mapping.Odoo, Words: fmt.Sprintf("message_post answered %v", answer)}
	}
	return odooID(id), nil
}

// findMessages looks for messages under their Message-Ids.
func (s *odooSide) findMessages(ctx context.Context, creations []*creation) error {
	ids := make([]string, len(creations))
	for i, c := range creations {
		ids[i] = messageID(c.key)
	}
	rows, err := s.client.SearchRead(ctx, messageModel, odoo.Domain{odoo.Cond("message_id", "in", ids)}, []string{"message_id"}, odoo.Options{Order: "id desc"})
	if err != nil {
		return err
	}
	at := make(map[string]int64, len(rows))
	for _, row := range rows {
		if id, ok := row["id"].(int64); ok {
			at[dingtalk.Object(row).Text("message_id")] = id
		}
	}
	for i, c := range creations {
		if id := at[ids[i]]; id > 0 {
			c.id, c.found = odooID(id), true
		}
	}
	return nil
}
