package bridge

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// uploadMedia puts the ids of uploaded files in the place of the attachments that a message names. What was uploaded before it was
// interrupted is not uploaded again: the message must stay the same to the byte.
func (s *dingSide) uploadMedia(ctx context.Context, kind string, c *creation) error {
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		token, ok := c.values[name].(string)
		group, _, media := strings.Cut(name, ".")
		if !ok || !media || !strings.HasPrefix(token, mapping.MediaPrefix) {
			continue
		}
		if id, done := c.told.media[token]; done {
			c.values[name] = id
			continue
		}
		file, data, err := c.told.attachment(ctx, token)
		if err != nil {
			return err
		}
		if group == "file" && kind == dingtalk.WorkNoticeKind.Name && len(data) > dingtalk.MaxNoticeFile { // an upload may be larger
			return reject(name, fmt.Sprintf("the file %s has %d bytes, and a work notice takes %d", file, len(data), dingtalk.MaxNoticeFile))
		}
		id, err := s.client.Media.Upload(ctx, mediaType(group), file, data)
		if f := classify(err); f != nil {
			f.Field = name
			if f.Ambiguous { // an upload that nobody names is no harm
				f.Ambiguous = false
			}
			return f
		}
		c.told.media[token], c.values[name] = id, id
		if err := c.told.keep(); err != nil {
			return err
		}
	}
	return nil
}

// mediaType is the type of the file that a group of fields names.
func mediaType(group string) dingtalk.MediaType {
	switch group {
	case "voice":
		return dingtalk.MediaVoice
	case "video":
		return dingtalk.MediaVideo
	case "file":
		return dingtalk.MediaFile
	}
	return dingtalk.MediaImage
}

// attachment reads a file that stands in Odoo, by the value that names it. (datas is in base64: odoo/addons/base/models/ir_attachment.py.)
func (s *odooSide) attachment(ctx context.Context, token string) (name string, data []byte, err error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(token, mapping.MediaPrefix), 10, 64)
	if err != nil {
		return "", nil, reject("", fmt.Sprintf("%q names no attachment", token))
	}
	most := int64(dingtalk.MaxMedia(dingtalk.MediaFile))
	rows, err := s.client.SearchRead(ctx, "ir.attachment", odoo.Domain{odoo.Cond("id", "=", id)}, []string{"name", "datas_fname", "file_size"}, odoo.Options{})
	switch {
	case err != nil:
		return "", nil, err
	case len(rows) == 0:
		return "", nil, reject("", fmt.Sprintf("attachment %d is not in odoo, or the bridge's user may not see it", id))
	}
	if size, ok := rows[0]["file_size"].(int64); ok && size > most {
		return "", nil, reject("", fmt.Sprintf("attachment %d has %d bytes, and dingtalk takes %d", id, size, most))
	}
	name, _ = rows[0]["datas_fname"].(string)
	if name == "" {
		name, _ = rows[0]["name"].(string)
	}
	rows, err = s.client.SearchRead(ctx, "ir.attachment", odoo.Domain{odoo.Cond("id", "=", id)}, []string{"datas"}, odoo.Options{})
	if err != nil || len(rows) == 0 {
		return name, nil, err
	}
	switch raw := rows[0]["datas"].(type) {
	case string:
		data, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(raw), ""))
	case []byte:
		data = raw
	}
	if err != nil {
		err = reject("", fmt.Sprintf("attachment %d cannot be read: %v", id, err))
	}
	return name, data, err
}
