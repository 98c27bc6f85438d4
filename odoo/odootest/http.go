package odootest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxRequest bounds a request body; the real server took 64 MB and more.
const maxRequest = 64 << 20

// Handler answers as Odoo's werkzeug does: /xmlrpc/2/{common,object,db} and the older /xmlrpc/ with string fault codes, HTTP/1.0,
// the connection closed after every answer, a body without Content-Length read as empty. Where the connection cannot be taken
// over (httptest.ResponseRecorder) the answer is an ordinary one.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	version, service, ok := route(r.URL.Path)
	if !ok {
		s.reply(w, http.StatusNotFound, "text/html", []byte(htmlPage("404 Not Found", "Not Found",
			"The requested URL was not found on the server.  If you entered the URL manually please check your spelling and try again.")))
		return
	}
	switch r.Header.Get("Content-Type") {
	case "application/x-www-form-urlencoded":
		s.reply(w, http.StatusInternalServerError, "text/html", []byte(serverErrorPage))
		return
	case "application/json":
		s.reply(w, http.StatusBadRequest, "text/html", []byte(htmlPage("400 Bad Request", "Bad Request", "Invalid JSON data")))
		return
	}
	body, err := readBody(r)
	if err != nil {
		return // the client has gone away
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	answer := s.dispatch(service, body, version == 1, host)
	switch {
	case answer.cut:
		s.cut(w)
	case answer.status != 0:
		s.reply(w, answer.status, "text/html", answer.body)
	default:
		s.reply(w, http.StatusOK, "text/xml; charset=utf-8", answer.body)
	}
}

// readBody reads a body that has a length; one that comes in chunks is discarded and read as empty, as werkzeug 0.11 does.
func readBody(r *http.Request) ([]byte, error) {
	if slices.Contains(r.TransferEncoding, "chunked") || r.ContentLength <= 0 {
		_, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxRequest))
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err == nil && int64(len(body)) < r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return body, err
}

func route(path string) (version int, service string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/xmlrpc/")
	version = 1
	if v2, is := strings.CutPrefix(rest, "2/"); is {
		version, rest = 2, v2
	}
	return version, rest, ok && rest != "" && !strings.Contains(rest, "/")
}

const serverErrorPage = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<title>500 Internal Server Error</title>
<h1>Internal Server Error</h1>
<p>The server encountered an internal error and was unable to complete your request.  Either the server is overloaded or there is an error in the application.</p>
`

func htmlPage(title, head, text string) string {
	return "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n<title>" + title + "</title>\n<h1>" + head + "</h1>\n<p>" + text + "</p>\n"
}

// reply writes an HTTP/1.0 answer and closes the connection.
func (s *Server) reply(w http.ResponseWriter, status int, contentType string, body []byte) {
	conn, ok := hijack(w)
	if !ok {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Connection", "close")
		w.WriteHeader(status)
		_, _ = w.Write(body) // the reader may be gone
		return
	}
	defer conn.Close()
	head := fmt.Sprintf("HTTP/1.0 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nServer: Werkzeug/0.11.15 Python/3.7.16\r\nDate: %s\r\n\r\n",
		status, strings.ToUpper(http.StatusText(status)), contentType, len(body), s.clock().UTC().Format(http.TimeFormat))
	_, _ = conn.Write(append([]byte(head), body...)) // the reader may be gone
}

// cut ends the connection without an answer.
func (s *Server) cut(w http.ResponseWriter) {
	if conn, ok := hijack(w); ok {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as a killed worker causes
		}
		_ = conn.Close()
	}
}

func hijack(w http.ResponseWriter) (net.Conn, bool) {
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil, false
	}
	conn, _, err := h.Hijack()
	return conn, err == nil
}

// Start serves on addr ("127.0.0.1:0" picks a port) and returns the base URL. Close ends it.
func (s *Server) Start(addr string) (url string, err error) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	select {
	case <-s.halt:
		return "", errors.New("odootest: the server was closed")
	default:
	}
	if s.addr != "" {
		return "", errors.New("odootest: already started")
	}
	if err := s.listen(addr); err != nil {
		return "", err
	}
	return "http://" + s.addr, nil
}

func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("odootest: %w", err)
	}
	s.addr = l.Addr().String()
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	s.http.SetKeepAlivesEnabled(false)
	s.serving.Add(1)
	go func(h *http.Server) {
		defer s.serving.Done()
		_ = h.Serve(l) // always ErrServerClosed: Close and Down end it
	}(s.http)
	return nil
}

func (s *Server) stop() {
	if s.http != nil {
		_ = s.http.Close() // nothing to be done about a listener that will not close
		s.http = nil
	}
	s.serving.Wait()
}

// Close ends what Start began, for good: calls that wait are cut, the others end by themselves. The direct methods go on working.
func (s *Server) Close() {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	select {
	case <-s.halt:
	default:
		close(s.halt)
	}
	s.stop()
	s.addr = ""
}

// Down takes the server away and brings it back: connections are refused where Start listens, and cut where Handler is used. The
// error is that of listening again.
func (s *Server) Down(down bool) error {
	s.knobs.mu.Lock()
	s.knobs.down = down
	s.knobs.mu.Unlock()
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	switch {
	case s.addr == "":
	case down:
		s.stop()
	case s.http == nil:
		return s.listen(s.addr)
	}
	return nil
}
