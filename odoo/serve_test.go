package odoo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kolo/xmlrpc"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "p4ss'wörd <&>"

// heard is one request as the server read it.
type heard struct {
	path, method string
	params       []any
	header       http.Header
}

// model and modelMethod are what an execute_kw names.
func (h heard) model() string         { return fmt.Sprint(h.params[3]) }
func (h heard) modelMethod() string   { return fmt.Sprint(h.params[4]) }
func (h heard) args() []any           { return h.params[5].([]any) }
func (h heard) named() map[string]any { return h.params[6].(map[string]any) }

// reply is what the server does; the zero value answers true.
type reply struct {
	status  int    // default 200
	kind    string // content type, default Odoo's
	header  string // further header lines
	body    string
	drop    bool            // close without an answer
	cut     int             // send so many bytes of the body, then close
	unsized bool            // no Content-Length
	wait    <-chan struct{} // before answering
}

// server answers as Odoo 12 does: HTTP/1.0, the connection closed after each answer, bodies without Content-Length not read.
type server struct {
	*httptest.Server
	t      *testing.T
	answer func(n int, h heard) reply

	mu    sync.Mutex
	calls []heard
}

// serve starts a server that lets everybody in as user 7 and answers execute_kw as told; n counts those from 1.
func serve(t *testing.T, answer func(n int, h heard) reply) *server {
	t.Helper()
	s := &server{t: t, answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("reading a request: %v", err)
	}
	h := heard{path: r.URL.Path, header: r.Header}
	if h.method, h.params, err = decodeRequest(body); err != nil {
		s.t.Errorf("a request cannot be decoded: %v\n%s", err, body)
	}
	s.mu.Lock()
	s.calls = append(s.calls, h)
	n := 0
	for _, c := range s.calls {
		if c.method == h.method {
			n++
		}
	}
	s.mu.Unlock()
	out := reply{body: intAnswer(7)}
	switch {
	case r.ContentLength <= 0:
		out = reply{body: faultAnswer(1, "xml.parsers.expat.ExpatError: no element found: line 1, column 0")}
	case h.method == "execute_kw" || s.answer != nil && h.method == "version":
		out = s.answer(n, h)
	case h.method == "authenticate" && h.params[2] != password:
		out = reply{body: answerOf("<boolean>0</boolean>")}
	}
	if out.wait != nil {
		<-out.wait
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		s.t.Errorf("hijacking: %v", err)
		return
	}
	defer func() { _ = conn.Close() }()
	if !out.drop {
		_, _ = conn.Write(out.bytes()) // the client may have gone
	}
}

func (r reply) bytes() []byte {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.kind == "" {
		r.kind = "text/xml; charset=utf-8"
	}
	if r.body == "" {
		r.body = answerOf("<boolean>1</boolean>")
	}
	head := fmt.Sprintf("HTTP/1.0 %d %s\r\nContent-Type: %s\r\nServer: Werkzeug/0.11.15 Python/3.7.16\r\nDate: Mon, 23 Nov 2026 17:53:30 GMT\r\n%s",
		r.status, strings.ToUpper(http.StatusText(r.status)), r.kind, r.header)
	if !r.unsized {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(r.body))
	}
	if r.cut > 0 {
		r.body = r.body[:r.cut]
	}
	return []byte(head + "\r\n" + r.body)
}

func (s *server) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c.method == method {
			n++
		}
	}
	return n
}

func (s *server) last() heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

// client connects to the server; change may be nil.
func (s *server) client(change func(*Config)) *Client {
	s.t.Helper()
	cfg := Config{URL: s.URL, Database: "o12", Login: "bridge", Password: password, RetryWait: time.Millisecond, Timeout: 20 * time.Second}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		s.t.Fatalf("New: %v", err)
	}
	s.t.Cleanup(c.Close)
	return c
}

var paramTag = regexp.MustCompile(`(?s)<param>(.*?)</param>`)

// decodeRequest reads a methodCall.
func decodeRequest(body []byte) (method string, params []any, err error) {
	_, rest, _ := strings.Cut(string(body), "<methodName>")
	method, _, ok := strings.Cut(rest, "</methodName>")
	if !ok {
		return "", nil, errors.New("no method name")
	}
	for _, p := range paramTag.FindAllStringSubmatch(string(body), -1) {
		var v any
		if err := xmlrpc.Response(p[1]).Unmarshal(&v); err != nil {
			return "", nil, err
		}
		params = append(params, withoutNil(v))
	}
	return method, params, nil
}

func answerOf(value string) string {
	return "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>" + value + "</value>\n</param>\n</params>\n</methodResponse>\n"
}

func intAnswer(n int64) string { return answerOf(fmt.Sprintf("<int>%d</int>", n)) }

// rowsAnswer are records with nothing but an id.
func rowsAnswer(ids ...int64) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "<value><struct>\n<member>\n<name>id</name>\n<value><int>%d</int></value>\n</member>\n</struct></value>\n", id)
	}
	return answerOf("<array><data>\n" + b.String() + "</data></array>")
}

func faultAnswer(code int, text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return fmt.Sprintf("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>%d</int></value>\n</member>\n"+
		"<member>\n<name>faultString</name>\n<value><string>%s</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n", code, text)
}

// recorded is the body of an answer that a real Odoo 12 gave.
func recorded(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/answers/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// failure is the *Error in err.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

// refusing is a transport whose first connections are refused.
func refusing(times int) http.RoundTripper {
	var mu sync.Mutex
	dialer := &net.Dialer{}
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		times--
		refuse := times >= 0
		mu.Unlock()
		if refuse {
			addr = "127.0.0.1:1"
		}
		return dialer.DialContext(ctx, network, addr)
	}}
}

// recordedRequest is the body of a call that Python's xmlrpc.client made.
func recordedRequest(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/requests/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
