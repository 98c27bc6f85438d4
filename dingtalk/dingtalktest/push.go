package dingtalktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pushTarget is where callbacks go.
type pushTarget struct {
	url, token, aesKey, owner string
	tags                      []string // event types of a registration by API; nil means all
}

func (t pushTarget) wants(eventType string) bool {
	return t.tags == nil || slices.Contains(t.tags, eventType)
}

// Callback sets the push mode HTTP with the app's key as owner key, as saved in the developer console; an empty url
// ends it. Unlike the console it sends no check_url; see CheckCallback.
func (s *Server) Callback(url, token, aesKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push = pushTarget{url: url, token: token, aesKey: aesKey, owner: s.appKey}
}

// CheckCallback sends check_url as the console does before it saves; an error says why the answer was not good.
func (s *Server) CheckCallback(ctx context.Context) error {
	s.mu.Lock()
	target := s.push
	s.mu.Unlock()
	return s.checkURL(ctx, target)
}

func (s *Server) checkURL(ctx context.Context, target pushTarget) error {
	return s.post(ctx, target, map[string]any{"EventType": "check_url"})
}

// sendPush makes one attempt to deliver by callback and arranges what follows from it.
func (s *Server) sendPush(d *delivery) {
	s.mu.Lock()
	if d.done || s.push.url == "" {
		s.settle(d, EventUnheard)
		s.mu.Unlock()
		return
	}
	target, body := s.push, s.pushBody(d.event)
	d.sends++
	d.event.Sends++
	s.mu.Unlock()

	err := s.post(s.ctx, target, body)

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.settle(d, EventDelivered)
	case d.sends == 1:
		s.retries.after(s.knobs.RetryFirst, func() { s.sendPush(d) })
	case d.sends == 2:
		s.retries.after(s.knobs.RetrySecond, func() { s.sendPush(d) })
	default:
		s.giveUp(d, true)
	}
}

// pushBody is an event as callbacks carry it: flat, with the data's keys beside EventType.
func (s *Server) pushBody(e *Event) map[string]any {
	body := map[string]any{
		"EventType": e.Type, "EventTime": e.Born.UnixMilli(), "CorpId": s.corpID, "BizId": e.ID[len(e.ID)-8:],
	}
	if !s.knobs.EventIDAbsent {
		body["eventId"] = e.ID
	}
	if s.charge(e) {
		maps.Copy(body, quotaBody())
		return body
	}
	data, err := parseObject(string(e.Data))
	if err != nil {
		return body
	}
	for key, value := range data {
		if s.knobs.UpperCamelEvents && freeEvents[e.Type] {
			key = strings.ToUpper(key[:1]) + key[1:]
		}
		if key == "unionIdList" && strings.HasPrefix(e.Type, "todo_task_") { // as their documents print callbacks
			key = "UnionIdList"
		}
		body[key] = value
	}
	return body
}

// post sends one encrypted callback; nil means that the answer was the encrypted word success, in time.
func (s *Server) post(ctx context.Context, target pushTarget, body map[string]any) error {
	s.mu.Lock()
	timeout, now := s.knobs.PushTimeout, s.now()
	s.mu.Unlock()
	key, err := newEnvelopeKey(target.token, target.aesKey, target.owner)
	if err != nil {
		return err
	}
	msg, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	sealed, err := key.seal(msg)
	if err != nil {
		return err
	}
	timestamp, nonce := strconv.FormatInt(now.UnixMilli(), 10), randomText(8)
	signature := key.sign(timestamp, nonce, sealed)
	query := url.Values{"signature": {signature}, "msg_signature": {signature}, "timestamp": {timestamp}, "nonce": {nonce}}
	separator := "?"
	if strings.Contains(target.url, "?") {
		separator = "&"
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	payload, err := json.Marshal(map[string]string{"encrypt": sealed})
	if err != nil {
		return fmt.Errorf("encode callback: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.url+separator+query.Encode(), bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.pusher.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("callback answer: %w", err)
	}
	return checkReply(key, resp.StatusCode, answer)
}

// errUnreachable is a callback that got no answer at all.
var errUnreachable = errors.New("callback unreachable")

// checkReply tells whether an answer to a callback is the signed and encrypted word success.
func checkReply(key envelopeKey, status int, body []byte) error {
	if status != http.StatusOK {
		return fmt.Errorf("callback answered with status %d", status)
	}
	var reply struct {
		Signature string      `json:"msg_signature"`
		TimeStamp json.Number `json:"timeStamp"`
		Nonce     string      `json:"nonce"`
		Encrypt   string      `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return fmt.Errorf("callback answer: %w", err)
	}
	if !key.signed(reply.Signature, reply.TimeStamp.String(), reply.Nonce, reply.Encrypt) {
		return errors.New("callback answer: signature does not fit")
	}
	text, err := key.open(reply.Encrypt)
	if err != nil {
		return fmt.Errorf("callback answer: %w", err)
	}
	if string(text) != "success" {
		return errors.New("callback answer: not success")
	}
	return nil
}

// newPusher is the HTTP client of callbacks; it keeps no connections, so that Close leaves nothing behind.
func newPusher() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
