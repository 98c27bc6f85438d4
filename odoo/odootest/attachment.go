package odootest

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

func init() {
	behaviours["ir.attachment"] = &behaviour{
		beforeCreate: func(_ *env, _ *model, vals values) error { return attachmentMeta(vals) },
		beforeWrite:  func(e *env, _ *model, _ []int64, vals values) (*env, error) { return e, attachmentMeta(vals) },
		inverse:      map[string]bool{"datas": true},
		compute: map[string]func(*env, *model, *row) any{
			"datas": func(_ *env, m *model, r *row) any { return r.at(m.field("db_datas")) },
		},
	}
}

// attachmentMeta derives what Odoo derives from a file's content. The content itself stays in db_datas, whatever store_fname says.
func attachmentMeta(vals values) error {
	v, given := vals["datas"]
	if !given {
		return nil
	}
	if _, isBlob := v.(blob); isBlob {
		return rawFault("TypeError: argument should be a bytes-like object or ASCII string, not 'Binary'")
	}
	c, err := convert{f: &field{typ: "binary"}}.binary(v)
	if err != nil {
		return err
	}
	text, _ := c.(string)
	raw, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(text))
	if err != nil {
		return pythonFault("binascii.Error", "Incorrect padding")
	}
	sum := sha1.Sum(raw)
	digest := hex.EncodeToString(sum[:])
	delete(vals, "datas")
	vals["db_datas"], vals["checksum"], vals["file_size"], vals["store_fname"] = text, digest, int64(len(raw)), digest[:2]+"/"+digest
	if !truthy(vals["mimetype"]) {
		kind, _, _ := strings.Cut(http.DetectContentType(raw), ";")
		vals["mimetype"] = kind
	}
	return nil
}
