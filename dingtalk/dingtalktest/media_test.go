package dingtalktest

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// postRaw sends a request of the old host as it is and returns the answer.
func (b *bench) postRaw(path string, query url.Values, contentType string, body []byte) object {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.decode(data)
}

// uploaded sends a file and returns the answer.
func (b *bench) uploaded(kind, name, content string) object {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("media", name)
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	if err := form.WriteField("type", kind); err != nil {
		b.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.postRaw("/media/upload", url.Values{"access_token": {b.token}}, form.FormDataContentType(), body.Bytes())
}

func (b *bench) upload(kind, name, content string) (mediaID string) {
	b.t.Helper()
	out := b.uploaded(kind, name, content)
	if code(out) != "0" {
		b.t.Fatalf("%v", out)
	}
	return asText(out["media_id"])
}

func TestUploads(t *testing.T) {
	b := start(t)
	b.upload("image", "a.PNG", "png\x00")
	b.upload("file", "报价.pdf", "pdf")
	for want, file := range map[string][3]string{
		"40004": {"music", "a.mp3", "x"}, "40005": {"image", "a.pdf", "x"}, "41005": {"image", "a.png", ""}, "40006": {"voice", "a.mp3", strings.Repeat("x", 2<<20+1)},
	} {
		if out := b.uploaded(file[0], file[1], file[2]); code(out) != want {
			t.Errorf("%s: %v", want, out)
		}
	}
	if out := b.postRaw("/media/upload", url.Values{"access_token": {b.token}}, "application/json", []byte(`{}`)); code(out) != "43008" {
		t.Errorf("%v", out)
	}
	if out := b.postRaw("/media/upload", url.Values{}, "application/json", []byte(`{}`)); code(out) != "41001" {
		t.Errorf("%v", out)
	}
	media := b.Media()
	if len(media) != 2 || string(media[0].Data) != "png\x00" || media[1].Name != "报价.pdf" || media[1].Type != "file" {
		t.Errorf("%+v", media)
	}
	for _, r := range b.Journal() {
		if r.Path == "/media/upload" && len(r.Body) > 0 {
			t.Error("the journal keeps files")
		}
	}
}
