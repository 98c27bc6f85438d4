package dingtalktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request's body.
const maxBody = 8 << 20

// endpoint is one API method.
type endpoint struct {
	path       string // pattern of http.ServeMux, without method
	method     string // GET or POST
	style      style
	permission string // permission point it needs
	open       bool   // works without an app token
	free       bool   // never counted against the quota
	contacts   bool   // counted only with Knobs.CountContacts
	write      bool
	secret     bool // the body carries secrets, or a file: not journalled
	upload     bool // the body is a multipart form
	run        func(*Server, *call) (any, *Refusal)
}

// call is one request on its way through an endpoint. Endpoints run with the server's lock held.
type call struct {
	params  params
	request *http.Request
	now     time.Time
	horizon time.Time // reads show the state of this time
}

// serve answers one request.
func (s *Server) serve(ep *endpoint, w http.ResponseWriter, r *http.Request) {
	req, p, parseErr := receive(ep, r)
	fail := s.arrive(req)
	if fail != nil && !fail.applied {
		s.misbehave(ep, req, fail, w, r)
		return
	}
	if !s.lag(r) {
		return
	}
	status, body := s.answer(ep, req, p, parseErr, r)
	if fail != nil {
		s.misbehave(ep, req, fail, w, r)
		return
	}
	s.send(w, r, status, body)
}

// arrive journals a request, shows it to the hook, and picks the failure it meets, if any.
func (s *Server) arrive(req *Request) *Failure {
	s.record(req)
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		hook(*req)
	}
	fail := s.failureFor(*req)
	if fail != nil {
		s.mu.Lock()
		req.Failure = fail.name
		s.mu.Unlock()
	}
	return fail
}

// receive reads a request into its journal line and its parameters.
func receive(ep *endpoint, r *http.Request) (*Request, params, error) {
	query := r.URL.Query()
	query.Del("access_token")
	for _, secret := range []string{"appsecret", "sign", "session"} {
		query.Del(secret)
	}
	req := &Request{Method: r.Method, Path: r.URL.Path, Query: query, Write: ep.write}
	contentType := r.Header.Get("Content-Type")
	req.form = strings.HasPrefix(contentType, "application/x-www-form-urlencoded")
	limit := int64(maxBody)
	if ep.upload {
		limit = maxUpload
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil {
		return req, nil, fmt.Errorf("read body: %w", err)
	}
	if !ep.secret {
		req.Body = body
	}
	if ep.upload {
		p, err := readUpload(contentType, body)
		if err != nil {
			p = nil // 43008, which is the method's to say
		}
		return req, p, nil
	}
	if r.Method == http.MethodGet {
		return req, fromValues(r.URL.Query()), nil
	}
	p, err := decodeParams(contentType, body)
	return req, p, err
}

// lag waits out Knobs.Latency; false means that the caller went away.
func (s *Server) lag(r *http.Request) bool {
	s.mu.Lock()
	latency := s.knobs.Latency
	s.mu.Unlock()
	if latency <= 0 {
		return true
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	return false
}

// banned is the body that is not an envelope.
type banned struct{}

// answer decides and applies one request; it is the only place that runs endpoints.
func (s *Server) answer(ep *endpoint, req *Request, p params, parseErr error, r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(s.bannedUntil) {
		s.rejected++
		req.Status, req.Code = http.StatusOK, "1111"
		return http.StatusOK, banned{}
	}
	c := &call{params: p, request: r, now: now, horizon: now.Add(-s.knobs.StaleReads)}
	for _, identity := range s.identities(req.Path, p) {
		s.sent[identity]++
	}
	no := s.admit(ep, r, now, parseErr, req.Body)
	var result any
	if no == nil {
		s.countCall(ep, now) // refused by the gateway is not counted; refused by the method is
		result, no = ep.run(s, c)
	}
	req.Applied = no == nil
	status, body := envelope(ep.style, fmt.Sprintf("req%08d", req.Seq), result, no)
	req.Status, req.Code = status, no.code(ep.style)
	return status, body
}

// admit is the gateway: everything that is checked before a method runs.
func (s *Server) admit(ep *endpoint, r *http.Request, now time.Time, parseErr error, body []byte) *Refusal {
	if r.Method != ep.method {
		if ep.style == v1 {
			return v1Refusal(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
		}
		if ep.method == http.MethodGet {
			return refuse(43001)
		}
		return refuse(43002)
	}
	if no := s.checkAccess(ep, r, now); no != nil {
		return no
	}
	if no := s.throttle(ep, now); no != nil {
		s.rejected++
		return no
	}
	if parseErr != nil {
		if ep.style == v1 {
			return v1Refusal(http.StatusBadRequest, "Missingbody", "body is mandatory for this action.")
		}
		return refuse(40038)
	}
	if ep.style == legacy && escapesUnicode(body) {
		return refuse(40033)
	}
	return nil
}

// escapesUnicode tells whether a JSON text has an escape \uxxxx; a backslash that is escaped itself begins none.
func escapesUnicode(body []byte) bool {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 || i+1 >= len(body) {
			return false
		}
		if body[i+1] == 'u' {
			return true
		}
		body = body[i+2:]
	}
}

// send writes an answer; a caller that went away is no error of ours.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, body any) {
	switch body := body.(type) {
	case banned:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"stand-in"}`)
	case redirect:
		http.Redirect(w, r, string(body), http.StatusFound)
	default:
		_ = writeJSON(w, status, body)
	}
}

// redirect is an answer that sends a browser elsewhere.
type redirect string

// misbehave answers as an injected failure says.
func (s *Server) misbehave(ep *endpoint, req *Request, fail *Failure, w http.ResponseWriter, r *http.Request) {
	switch {
	case fail.drop:
		panic(http.ErrAbortHandler) // net/http's way of cutting the connection
	case fail.hang:
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		panic(http.ErrAbortHandler)
	case fail.ban:
		s.outcome(req, http.StatusOK, "1111", true)
		s.send(w, r, http.StatusOK, banned{})
	case fail.status != 0:
		s.outcome(req, fail.status, strconv.Itoa(fail.status), false)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(fail.status)
		_, _ = fmt.Fprintf(w, "<html><body>%d %s</body></html>", fail.status, http.StatusText(fail.status))
	default:
		no := fail.refusal
		if fail.limit {
			s.mu.Lock()
			no = s.throttled(ep, s.now())
			s.mu.Unlock()
		}
		status, body := envelope(ep.style, fmt.Sprintf("req%08d", req.Seq), nil, no)
		s.outcome(req, status, no.code(ep.style), fail.limit)
		s.send(w, r, status, body)
	}
}

func (s *Server) outcome(req *Request, status int, code string, rejected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req.Status, req.Code = status, code
	if rejected {
		s.rejected++
	}
}

// unknown answers paths that do not exist, each host in its own way.
func unknown(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/topapi/"):
		name := "dingtalk.oapi." + strings.ReplaceAll(strings.TrimPrefix(path, "/topapi/"), "/", ".")
		text := "不合法ApiName，ApiName = " + name
		_ = writeJSON(w, http.StatusOK, map[string]any{
			"errcode": 22, "sub_msg": text, "errmsg": "Invalid method[submsg=" + text + "]", "request_id": "none",
		})
	case strings.HasPrefix(path, "/v1.0/"), strings.HasPrefix(path, "/v2.0/"):
		status, body := v1Refusal(http.StatusNotFound, "InvalidAction.NotFound",
			"Specified api is not found, please check your url and method.").v1Body("none")
		_ = writeJSON(w, status, body)
	default:
		_ = writeJSON(w, http.StatusOK, map[string]any{"errcode": 404, "errmsg": "请求的URI地址不存在"})
	}
}
