package odootest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const versionCall = `<?xml version='1.0'?><methodCall><methodName>version</methodName><params></params></methodCall>`

const shortCall = `<?xml version='1.0'?><methodCall><methodName>execute_kw</methodName></methodCall>`

var size = strconv.Itoa(len(versionCall))

func start(t *testing.T, opts ...Option) (*Server, string) {
	t.Helper()
	s := New(opts...)
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, url
}

// raw sends bytes and returns all that comes back until the server closes.
func raw(t *testing.T, url, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestHTTP10AndClosedConnections(t *testing.T) {
	_, url := start(t)
	answer := raw(t, url, "POST /xmlrpc/2/common HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Type: text/xml\r\nContent-Length: "+size+"\r\n\r\n"+versionCall)
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.0 200 OK\r\n") || !strings.Contains(head, "Server: Werkzeug") || !strings.Contains(body, "12.0") {
		t.Errorf("answer: %s", answer)
	}
}

func TestBodiesAndPaths(t *testing.T) {
	_, url := start(t)
	for _, c := range []struct{ name, request, want string }{
		{"chunked is read as empty", "POST /xmlrpc/2/common HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(versionCall)), 16) + "\r\n" + versionCall + "\r\n0\r\n\r\n", "no element found: line 1, column 0"},
		{"a GET faults with status 200", "GET /xmlrpc/2/common HTTP/1.1\r\nHost: x\r\n\r\n", "no element found"},
		{"no content type is fine", "POST /xmlrpc/2/common HTTP/1.0\r\nContent-Length: " + size + "\r\n\r\n" + versionCall, "server_serie"},
		{"a form is a 500", "POST /xmlrpc/2/common HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " + size + "\r\n\r\n" + versionCall, "HTTP/1.0 500 "},
		{"JSON is a 400", "POST /xmlrpc/2/common HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " + size + "\r\n\r\n" + versionCall, "HTTP/1.0 400 "},
		{"a double slash is a 404", "POST /xmlrpc//2/common HTTP/1.0\r\nContent-Length: " + size + "\r\n\r\n" + versionCall, "HTTP/1.0 404 "},
		{"the old path has string codes", "POST /xmlrpc/object HTTP/1.0\r\nContent-Length: " + strconv.Itoa(len(shortCall)) + "\r\n\r\n" + shortCall, "tuple index out of range"},
	} {
		if answer := raw(t, url, c.request); !strings.Contains(answer, c.want) {
			t.Errorf("%s: got %s", c.name, answer)
		}
	}
}

func TestHandlerWithoutHijack(t *testing.T) {
	rec := httptest.NewRecorder()
	New().Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/xmlrpc/2/common", strings.NewReader(versionCall)))
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "protocol_version") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func post(url string) (string, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/xmlrpc/2/common", strings.NewReader(versionCall))
	if err != nil {
		return "", err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	return resp.Status + " " + line, err
}

func TestDownRefusesConnections(t *testing.T) {
	s, url := start(t)
	if err := s.Down(true); err != nil {
		t.Fatal(err)
	}
	if _, err := post(url); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("down: %v", err)
	}
	if err := s.Down(false); err != nil {
		t.Fatal(err)
	}
	if got, err := post(url); err != nil || !strings.HasPrefix(got, "200") {
		t.Errorf("up again: %s %v", got, err)
	}
}

func TestFailures(t *testing.T) {
	s, url := start(t)
	version := func(c Call) bool { return c.Service == "common" && c.Method == "version" }
	s.Fail(version, 1, HTTP502)
	if got, _ := post(url); !strings.HasPrefix(got, "502") {
		t.Errorf("HTTP502: %s", got)
	}
	s.Fail(version, 2, DropBefore)
	for range 2 {
		if got, err := post(url); err == nil {
			t.Errorf("dropped, yet %s", got)
		}
	}
	s.Fail(func(Call) bool { return false }, -1, HTTP502)
	if got, err := post(url); err != nil {
		t.Errorf("healed: %s %v", got, err)
	}
	if n := len(s.Journal()); n != 4 {
		t.Errorf("journal: %d calls", n)
	}
}

func TestLatencyEndsWithClose(t *testing.T) {
	s, url := start(t)
	s.Latency(time.Hour)
	done := make(chan error, 1)
	arrived := make(chan struct{})
	s.Fail(func(Call) bool { close(arrived); return false }, 1, HTTP502)
	go func() { _, err := post(url); done <- err }()
	<-arrived
	s.Close()
	if err := <-done; err == nil {
		t.Error("a call outlived the server")
	}
}

func TestJournalIsARing(t *testing.T) {
	s := New(WithJournal(3))
	for range 5 {
		s.dispatch("common", []byte(versionCall), false, "h")
	}
	if n := len(s.Journal()); n != 3 {
		t.Errorf("%d calls kept", n)
	}
	s.ResetJournal()
	if n := len(s.Journal()); n != 0 {
		t.Errorf("%d calls kept after a reset", n)
	}
}
