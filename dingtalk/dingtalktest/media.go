package dingtalktest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"slices"
	"strings"
	"time"
)

// maxUpload bounds the body of an upload.
const maxUpload = 32 << 20

// Media is an uploaded file.
type Media struct {
	ID   string // media_id
	Type string // image, voice, video, file
	Name string
	Size int
	Data []byte
	At   time.Time
}

// mediaRules are the sizes and formats of each type (document 上传媒体文件).
var mediaRules = map[string]struct {
	most    int
	formats []string
}{
	"image": {20 << 20, []string{"jpg", "gif", "png", "bmp"}},
	"voice": {2 << 20, []string{"amr", "mp3", "wav"}},
	"video": {20 << 20, []string{"mp4"}},
	"file":  {20 << 20, []string{"doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "pdf", "rar"}},
}

// Media returns the uploaded files, oldest first.
func (s *Server) Media() []Media {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Media, 0, len(s.messages.media))
	for _, m := range s.messages.media {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Media) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// readUpload reads a form with a file: its fields, and the file as data and name.
func readUpload(contentType string, body []byte) (params, error) {
	kind, attributes, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return nil, errors.New("no multipart form")
	}
	p := params{}
	form := multipart.NewReader(bytes.NewReader(body), attributes["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			p["name"], p["data"] = part.FileName(), data
			continue
		}
		p[part.FormName()] = string(data)
	}
}

// uploadMedia is /media/upload (上传媒体文件).
func (s *Server) uploadMedia(c *call) (any, *Refusal) {
	if c.params == nil {
		return nil, refuse(43008)
	}
	kind := c.params.text("type")
	if kind == "" {
		kind = c.request.URL.Query().Get("type")
	}
	rule, ok := mediaRules[kind]
	data, _ := c.params["data"].([]byte)
	name := c.params.text("name")
	switch {
	case !ok:
		return nil, refuse(40004)
	case len(data) == 0:
		return nil, refuse(41005)
	case !slices.Contains(rule.formats, strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))):
		return nil, refuse(40005)
	case len(data) > rule.most:
		return nil, refuse(40006)
	}
	m := &Media{ID: s.newKey("@lAL"), Type: kind, Name: name, Size: len(data), Data: data, At: c.now}
	put(&s.messages.media, m.ID, m)
	return topLevel{"type": kind, "media_id": m.ID, "created_at": c.now.UnixMilli()}, nil
}
