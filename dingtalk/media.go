package dingtalk

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

const pathMediaUpload = "/media/upload"

// MediaType is the type of an uploaded file.
type MediaType string

// The types of media.
const (
	MediaImage MediaType = "image"
	MediaVoice MediaType = "voice"
	MediaVideo MediaType = "video"
	MediaFile  MediaType = "file"
)

const megabyte = 1 << 20

// MaxNoticeFile bounds a file in a work notice, in bytes (消息通知类型): less than may be uploaded.
const MaxNoticeFile = 10 * megabyte

// mediaRules are the limits of an upload (上传媒体文件): the size in bytes, and how the name must end.
var mediaRules = map[MediaType]struct {
	most    int
	endings []string
}{
	MediaImage: {20 * megabyte, []string{"jpg", "gif", "png", "bmp"}},
	MediaVoice: {2 * megabyte, []string{"amr", "mp3", "wav"}},
	MediaVideo: {20 * megabyte, []string{"mp4"}},
	MediaFile:  {20 * megabyte, []string{"doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "pdf", "rar"}},
}

// MaxMedia is the greatest size of an upload of the type, in bytes; 0 for a type that there is none of.
func MaxMedia(t MediaType) int { return mediaRules[t].most }

// MediaTypeOf is the type by which a file of that name can be uploaded; "" if DingTalk takes none such.
func MediaTypeOf(name string) MediaType {
	for _, t := range []MediaType{MediaImage, MediaVoice, MediaVideo, MediaFile} {
		if slices.Contains(mediaRules[t].endings, ending(name)) {
			return t
		}
	}
	return ""
}

// ending is how a file's name ends. There are two ways of writing jpg, of which the documents name one.
func ending(name string) string {
	if end := strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")); end != "jpeg" {
		return end
	}
	return "jpg"
}

// MediaService holds the call about files that messages carry. It counts against the monthly quota.
type MediaService struct{ c *Client }

// Upload uploads a file (上传媒体文件) and returns its media id, which any number of messages may use. The name says the format.
// The failure of a file that is too large has a MessageError for its cause.
func (s *MediaService) Upload(ctx context.Context, t MediaType, name string, data []byte) (mediaID string, err error) {
	rule, ok := mediaRules[t]
	switch {
	case !ok:
		return "", refuse(pathMediaUpload, "type", "%q is no type of media", cut(string(t), 40))
	case len(data) == 0:
		return "", refuse(pathMediaUpload, "media", "the file is empty")
	case !slices.Contains(rule.endings, ending(name)):
		return "", refuse(pathMediaUpload, "media", "%q: a name that ends in %s expected", cut(name, 80), strings.Join(rule.endings, ", "))
	case len(data) > rule.most:
		return "", exceeds(pathMediaUpload, "media", len(data), rule.most, fmt.Sprintf("%d bytes for an upload of type %s", len(data), t))
	}
	form, err := newUpload(t, name, data)
	if err != nil {
		return "", refuse(pathMediaUpload, "media", "the file cannot be put into a form")
	}
	answer, err := s.c.do(ctx, request{method: http.MethodPost, path: pathMediaUpload, upload: form})
	if err != nil {
		return "", err
	}
	return sentID(pathMediaUpload, "media_id", answer)
}

// upload is the body of a request that carries a file.
type upload struct {
	contentType string
	body        []byte
}

func newUpload(t MediaType, name string, data []byte) (*upload, error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if err := form.WriteField("type", string(t)); err != nil {
		return nil, err
	}
	name = path.Base(name)
	if end := path.Ext(name); strings.EqualFold(end, ".jpeg") {
		name = strings.TrimSuffix(name, end) + ".jpg"
	}
	part, err := form.CreateFormFile("media", name)
	if err != nil {
		return nil, err
	}
	if _, err := part.Write(data); err != nil {
		return nil, err
	}
	if err := form.Close(); err != nil {
		return nil, err
	}
	return &upload{contentType: form.FormDataContentType(), body: b.Bytes()}, nil
}
