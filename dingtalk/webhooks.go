package dingtalk

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The paths of the webhooks of robots: of a group's own robot, and of the conversation in which the enterprise robot was spoken to.
const (
	pathWebhook        = "/robot/send"
	pathSessionWebhook = "/robot/sendBySession"
)

// The rule of a webhook (自定义机器人发送群消息): so many messages a minute, else none for some time.
const (
	WebhookPerMinute = 20
	WebhookBar       = 10 * time.Minute
)

// Webhook is the address of a group's own robot (自定义机器人). It prints as its name: whoever knows the address can write to the group.
type Webhook struct {
	name          string
	base          string
	token, secret string
}

// NewWebhook reads a webhook's address as DingTalk shows it, https://oapi.dingtalk.com/robot/send?access_token=…. secret is that of the
// signature (加签), "" where the robot has none. name is what errors call it. The error does not show the address.
func NewWebhook(name, address, secret string) (Webhook, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || !strings.HasSuffix(u.Path, pathWebhook) {
		return Webhook{}, fmt.Errorf("dingtalk: webhook %s: an address https://…%s?access_token=… expected", name, pathWebhook)
	}
	token := u.Query().Get("access_token")
	if token == "" {
		return Webhook{}, fmt.Errorf("dingtalk: webhook %s: the address has no access_token", name)
	}
	base := u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, pathWebhook)
	return Webhook{name: name, base: base, token: token, secret: secret}, nil
}

// Name is what errors call the webhook.
func (w Webhook) Name() string { return w.name }

// String is the name.
func (w Webhook) String() string { return "webhook " + w.name }

// Format prints the name for every verb, so that none shows the secrets.
func (w Webhook) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, w.String()) } // fmt has no way to take the error

// sign is the query of a signed call: the signature is base64(HmacSHA256(key secret, timestamp + "\n" + secret)).
func (w Webhook) sign(now time.Time) url.Values {
	if w.secret == "" {
		return nil
	}
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	return url.Values{"timestamp": {timestamp}, "sign": {robotSign(timestamp, w.secret)}}
}

func robotSign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret)) // a hash does not fail
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// WebhookService holds the calls by webhooks. They count against the monthly quota of pushes, not that of calls.
type WebhookService struct {
	c *Client

	mu    sync.Mutex
	paces map[string]*pace // by token
}

func newWebhookService(c *Client) *WebhookService {
	return &WebhookService{c: c, paces: map[string]*pace{}}
}

// Send writes into the group of a webhook (自定义机器人发送群消息), from the fields of RobotMessageKind. With a msgUuid an Ambiguous failure
// is settled by sending the same again: DingTalk takes it once.
//
// A webhook takes WebhookPerMinute messages a minute. One more is not sent: it fails with Halt of the webhook's scope until there is
// room. A robot that DingTalk has limited is left alone for WebhookBar in the same way. IsThrottled holds for both.
func (s *WebhookService) Send(ctx context.Context, w Webhook, message Object) error {
	body, err := webhookBody(pathWebhook, message)
	if err != nil {
		return err
	}
	if w.token == "" {
		return &Error{Class: Reject, API: pathWebhook, Message: "no webhook"}
	}
	if wait := s.pace(w).take(s.c.cfg.Now()); wait > 0 {
		return w.limited(s.c.cfg.pause(wait), fmt.Sprintf("%d messages a minute are allowed, no call was made", WebhookPerMinute))
	}
	query := w.sign(s.c.cfg.Now())
	_, failure := s.c.send(ctx, request{
		method: http.MethodPost, path: pathWebhook, base: w.base, query: query, body: body, secrets: []string{w.secret, query.Get("sign")},
	}, w.token)
	if failure == nil {
		return nil
	}
	w.judge(failure, s.c.cfg.pause)
	if failure.throttled() && failure.Scope == w.scope() {
		s.pace(w).bar(s.c.cfg.Now().Add(failure.After))
	}
	return failure
}

// Room is how many messages Send would send by a webhook now.
func (s *WebhookService) Room(w Webhook) int { return s.pace(w).room(s.c.cfg.Now()) }

// Sent tells of all messages that were sent by a webhook within the minute, in order, those of other processes too: Send keeps within
// WebhookPerMinute of all.
func (s *WebhookService) Sent(w Webhook, at ...time.Time) { s.pace(w).recall(s.c.cfg.Now(), at) }

// Reply writes into the conversation of a message that somebody sent to the enterprise robot (see RobotMessage), until its webhook
// expires, from the fields of RobotMessageKind. Only addresses of DingTalk's own host are called.
func (s *WebhookService) Reply(ctx context.Context, to RobotMessage, message Object) error {
	const api = pathSessionWebhook
	body, err := webhookBody(api, message)
	if err != nil {
		return err
	}
	address := to.sessionWebhook
	session, ok := strings.CutPrefix(address, s.c.cfg.OAPI+api+"?")
	query, err := url.ParseQuery(session)
	if !ok || err != nil || query.Get("session") == "" {
		return &Error{Class: Reject, API: api, Message: "the message carries no address of DingTalk to answer to"}
	}
	if !to.SessionEnds.IsZero() && !s.c.cfg.Now().Before(to.SessionEnds) {
		return &Error{Class: Reject, API: api, Message: "the time to answer the message has passed"}
	}
	_, failure := s.c.send(ctx, request{
		method: http.MethodPost, path: api, query: query, body: body, noToken: true, secrets: []string{query.Get("session")},
	}, "")
	if failure == nil {
		return nil
	}
	// What would halt a webhook ends with this conversation's.
	if (Webhook{}).judge(failure, s.c.cfg.pause); failure.Scope == ScopeWebhook {
		failure.Class, failure.Scope = Reject, ""
		if failure.throttled() {
			failure.Class = Retry
		}
	}
	return failure
}

func (w Webhook) scope() string { return ScopeWebhook + w.name }

func (w Webhook) limited(after time.Duration, message string) *Error {
	return &Error{
		Class: Halt, Scope: w.scope(), After: after, API: pathWebhook, Message: message, nature: throttleAnswer,
	}
}

// webhookCodes are the codes of a webhook (自定义机器人发送群消息, and what is seen in practice: 130101, 660026, 300005, 90030).
// A Halt without a scope is the webhook's.
var webhookCodes = map[string]verdict{
	"410100": {class: Halt, after: WebhookBar, nature: throttleAnswer},
	"130101": {class: Halt, after: WebhookBar, nature: throttleAnswer},
	"660026": {class: Halt, after: WebhookBar, nature: throttleAnswer},
	"90030":  {class: Halt, scope: scopeThisAPI, after: haltQuota, nature: quotaAnswer},

	// The robot is not there, not running, or its group is gone.
	"400101": {class: Halt, after: haltConfig}, "300005": {class: Halt, after: haltConfig}, "40014": {class: Halt, after: haltConfig},
	"400102": {class: Halt, after: haltConfig}, "400106": {class: Halt, after: haltConfig}, "400013": {class: Halt, after: haltConfig},

	"400105": vReject, "43004": vReject,
	"430101": vReject, "430102": vReject, "430103": vReject, "430104": vReject, // 内容 filter
}

// judge classifies the failure of a call by the webhook.
func (w Webhook) judge(e *Error, bounded func(time.Duration) time.Duration) {
	v, ok := webhookCodes[e.Code]
	if e.Code == "310000" {
		v, ok = securityVerdict(e.Message), true
	}
	if !ok {
		return
	}
	v.apply(e, request{path: pathWebhook}, nil)
	e.After = bounded(e.After)
	if e.Class == Halt && e.Scope == "" {
		e.Scope = w.scope()
	}
}

// securityVerdict tells the four cases of 310000 apart, which only its words do. That the keywords are missing is about the message; a
// timestamp, a signature or an address that is refused would be with every other message too.
func securityVerdict(message string) verdict {
	if securityWords.MatchString(message) {
		return verdict{class: Halt, after: haltConfig}
	}
	return vReject
}

// securityWords are whole words: an "ip" stands in "description" as well.
var securityWords = regexp.MustCompile(`(?i)\b(timestamp|sign|signature|ip|whitelist)\b|时间戳|签名|白名单`)

func (s *WebhookService) pace(w Webhook) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.paces[w.token]
	if p == nil {
		p = &pace{span: or(s.c.cfg.WebhookSpan, time.Minute)}
		s.paces[w.token] = p
	}
	return p
}

// pace keeps a webhook within WebhookPerMinute.
type pace struct {
	span  time.Duration // of the minute
	mu    sync.Mutex
	sent  [WebhookPerMinute]time.Time // a ring
	next  int                         // the oldest
	until time.Time                   // DingTalk limits the robot
}

// take takes one message's turn, or tells how long there is none.
func (p *pace) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.until.Sub(now); wait > 0 {
		return wait
	}
	if oldest := p.sent[p.next]; p.recent(oldest, now) {
		return oldest.Add(p.span).Sub(now)
	}
	p.sent[p.next] = now
	p.next = (p.next + 1) % len(p.sent)
	return 0
}

// room is how many turns there are now.
func (p *pace) room(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.After(now) {
		return 0
	}
	return len(p.sent) - p.taken(now)
}

// taken is how many turns were taken within the minute.
func (p *pace) taken(now time.Time) (n int) {
	for _, sent := range p.sent {
		if p.recent(sent, now) {
			n++
		}
	}
	return n
}

// recall takes the turns that were taken, if they are more than those that are known.
func (p *pace) recall(now time.Time, sent []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent = sent[max(0, len(sent)-len(p.sent)):]; len(sent) > p.taken(now) {
		p.sent, p.next = [WebhookPerMinute]time.Time{}, 0
		copy(p.sent[len(p.sent)-len(sent):], sent)
	}
}

// recent says whether a turn was taken within the minute. A clock that was set back takes no turns away.
func (p *pace) recent(sent, now time.Time) bool {
	wait := sent.Add(p.span).Sub(now)
	return wait > 0 && wait <= p.span
}

func (p *pace) bar(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until) {
		p.until = until
	}
}
