package mapping

import (
	"fmt"
	"strconv"
	"strings"
)

// MediaPrefix is how the value of a media id begins as long as nothing was uploaded: then comes the id of an ir.attachment.
const MediaPrefix = "ir.attachment:"

// mediaConverter sends a file that stands in Odoo: DingTalk gets the id under which it was uploaded. Of several the first is meant.
type mediaConverter struct{}

func newMediaConverter(p pair) (Converter, string) {
	switch {
	case p.direction != ToDingTalk:
		return nil, `media uploads a file and brings none back; it needs "direction: to_dingtalk"`
	case p.odoo != nil && p.odoo.Relation != "" && p.odoo.Relation != "ir.attachment":
		return nil, "media needs a field that names attachments (ir.attachment), not " + p.odoo.Relation
	}
	return mediaConverter{}, p.fits("media", []string{"many2one", "one2many", "many2many"}, []string{typeText})
}

func (mediaConverter) Name() string { return "media" }

func (mediaConverter) Read(side Side, raw any, _ Env) (Value, error) {
	if side == DingTalk {
		text, ok := raw.(string)
		if !ok {
			return UnknownValue, unexpected(raw, "a media id")
		}
		return Text(text), nil
	}
	switch v := raw.(type) {
	case map[string]any:
		if id, ok := v["id"].(int64); ok {
			return Text(MediaPrefix + strconv.FormatInt(id, 10)), nil
		}
	case []int64:
		if len(v) > 0 {
			return Text(MediaPrefix + strconv.FormatInt(v[0], 10)), nil
		}
	}
	return UnknownValue, unexpected(raw, "an attachment")
}

func (mediaConverter) Write(side Side, v Value, _ any, _ Env) (any, error) {
	if side == Odoo || !strings.HasPrefix(v.Text, MediaPrefix) {
		return nil, fmt.Errorf("a media id cannot be written to Odoo")
	}
	return v.Text, nil
}
