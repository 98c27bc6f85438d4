package dingtalktest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// webhookClock is how far the timestamp of a signed message may be off.
const webhookClock = time.Hour

// Webhook is a group's own robot (自定义机器人).
type Webhook struct {
	Conversation string   // openConversationId
	Secret       string   // 加签; "" for none
	Keywords     []string // 自定义关键词: a message must have one of them; none: anything goes
	IPRefused    bool     // the caller's address is not on the robot's list
	Stopped      bool
}

// webhook is a robot with what it has sent.
type webhook struct {
	Webhook
	sent   []time.Time // within the minute
	barred time.Time   // limited until then
	uuids  map[string]bool
}

// AddWebhook adds a robot of its own to a group and returns the robot's address. Call it after Start.
func (s *Server) AddWebhook(w Webhook) (address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.ToLower(randomText(26))
	w.Keywords = slices.Clone(w.Keywords)
	put(&s.messages.webhooks, token, &webhook{Webhook: w, uuids: map[string]bool{}})
	return s.url + webhookSend + "?access_token=" + token
}

// EditWebhook changes a robot, known by its address.
func (s *Server) EditWebhook(address string, change func(*Webhook)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	if w := s.messages.webhooks[u.Query().Get("access_token")]; w != nil {
		change(&w.Webhook)
	}
}

// sendByWebhook is /robot/send (自定义机器人发送群消息).
func (s *Server) sendByWebhook(c *call) (any, *Refusal) {
	w := s.messages.webhooks[c.request.URL.Query().Get("access_token")]
	if w == nil {
		return nil, refuse(400101)
	}
	said := maps.Clone(c.params)
	delete(said, "msgUuid") // not what is said, but which saying of it
	text, err := plainJSON(map[string]any(said))
	if err != nil {
		return nil, refuse(40035)
	}
	group, no := s.admitWebhook(w, c)
	if no != nil {
		return nil, no
	}
	if no := s.checkWebhookBody(c.params, text); no != nil {
		return nil, no
	}
	if !s.chargePush(c.now) {
		return nil, refuse(90030)
	}
	if no := s.paceWebhook(w, c.now); no != nil {
		return nil, no
	}
	id := c.params.text("msgUuid")
	if id != "" && w.uuids[id] {
		return nil, nil // the message is there already
	}
	w.uuids[id] = true
	s.hand(&Message{
		Kind: ByWebhook, ID: id, At: c.now, Conversation: group.OpenConversationID, Content: text, Delivered: s.present(group),
	})
	return nil, nil
}

// admitWebhook asks whether the robot runs, whether its group is there, and what its security settings say.
func (s *Server) admitWebhook(w *webhook, c *call) (*Group, *Refusal) {
	group, said := s.conversation(w.Conversation), spoken(c.params[c.params.text("msgtype")])
	switch {
	case w.Stopped:
		return nil, refuse(400102)
	case group == nil || group.Disbanded:
		return nil, refuse(400013)
	case w.IPRefused:
		return nil, refusef(310000, "ip 203.0.113.7 not in whitelist")
	case len(w.Keywords) > 0 && !slices.ContainsFunc(w.Keywords, func(word string) bool { return strings.Contains(said, word) }):
		return nil, refusef(310000, "keywords not in content, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]")
	}
	if w.Secret == "" {
		return group, nil
	}
	query := c.request.URL.Query()
	timestamp := query.Get("timestamp")
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || c.now.Sub(time.UnixMilli(ms)).Abs() > webhookClock {
		return nil, refusef(310000, "invalid timestamp")
	}
	if query.Get("sign") != signRobot(timestamp, w.Secret) {
		return nil, refusef(310000, "sign not match")
	}
	return group, nil
}

// spoken is all the text in a message's content.
func spoken(v any) string {
	var out strings.Builder
	switch v := v.(type) {
	case string:
		return v + "\n"
	case map[string]any:
		for _, x := range v {
			out.WriteString(spoken(x))
		}
	case []any:
		for _, x := range v {
			out.WriteString(spoken(x))
		}
	}
	return out.String()
}

// signRobot is base64(HmacSHA256(key secret, timestamp + "\n" + secret)).
func signRobot(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(timestamp + "\n" + secret)) // a hash does not fail
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// paceWebhook limits a robot that says more than so much a minute, for some time.
func (s *Server) paceWebhook(w *webhook, now time.Time) *Refusal {
	if now.Before(w.barred) {
		s.rejected++
		return refuse(s.knobs.WebhookLimitCode)
	}
	w.sent = slices.DeleteFunc(w.sent, func(at time.Time) bool { return now.Sub(at) >= s.knobs.WebhookSpan })
	if len(w.sent) >= s.knobs.WebhookPerMinute {
		w.barred = now.Add(s.knobs.WebhookBar)
		s.rejected++
		return refuse(s.knobs.WebhookLimitCode)
	}
	w.sent = append(w.sent, now)
	return nil
}

// webhookTexts are the fields of each msgtype that must be there as texts.
var webhookTexts = map[string][]string{
	"text": {"content"}, "link": {"title", "text", "messageUrl"}, "markdown": {"title", "text"}, "actionCard": {"title", "text"}, "feedCard": nil,
}

// checkWebhookBody refuses a body that is no message of a webhook.
func (s *Server) checkWebhookBody(p params, text json.RawMessage) *Refusal {
	kind := p.text("msgtype")
	required, known := webhookTexts[kind]
	if !known {
		return refuse(400105)
	}
	body, ok := p[kind].(map[string]any)
	if !ok {
		return missing(40035, kind)
	}
	if no := checkTexts(params(body), required...); no != nil {
		return no
	}
	if no := checkWebhookLists(kind, params(body)); no != nil {
		return no
	}
	if at, ok := p.object("at"); ok && len(params(at).texts("atUserIds")) > 50 {
		return missing(40035, "atUserIds")
	}
	switch {
	case s.unsafeURL(string(text)):
		return refuse(430101)
	case s.sensitive(string(text)):
		return refuse(430102)
	}
	return nil
}

// checkWebhookLists looks at the buttons of a card and the links of a feed.
func checkWebhookLists(kind string, p params) *Refusal {
	field, keys := "links", []string{"title", "messageURL", "picURL"}
	switch {
	case kind == "actionCard" && !p.has("btns"):
		return checkTexts(p, "singleTitle", "singleURL")
	case kind == "actionCard":
		field, keys = "btns", []string{"title", "actionURL"}
		if orientation := p.text("btnOrientation"); orientation != "" && orientation != "0" && orientation != "1" {
			return missing(40035, "btnOrientation")
		}
	case kind != "feedCard":
		return nil
	}
	rows, ok := p.objects(field)
	if !ok || len(rows) == 0 {
		return missing(40035, field)
	}
	for _, row := range rows {
		if no := checkTexts(row, keys...); no != nil {
			return no
		}
	}
	return nil
}

// session is where a message to the robot can be answered.
type session struct {
	conversation string // "" for the conversation of one person with the robot
	userid       string
	end          time.Time
}

// sessionLifetime is how long a message to the robot can be answered.
const sessionLifetime = 90 * time.Minute

// sendBySession is /robot/sendBySession, the answer to a message that somebody sent to the robot (接收消息).
func (s *Server) sendBySession(c *call) (any, *Refusal) {
	to, ok := s.messages.sessions[c.request.URL.Query().Get("session")]
	if !ok || !c.now.Before(to.end) {
		return nil, refuse(300005)
	}
	text, err := plainJSON(map[string]any(c.params))
	if err != nil {
		return nil, refuse(40035)
	}
	if no := s.checkWebhookBody(c.params, text); no != nil {
		return nil, no
	}
	if !s.chargePush(c.now) {
		return nil, refuse(90030)
	}
	m := &Message{Kind: ByReply, At: c.now, Conversation: to.conversation, Content: text, Delivered: []string{to.userid}}
	if to.conversation != "" {
		group := s.conversation(to.conversation)
		if group == nil || group.Disbanded {
			return nil, refuse(400013)
		}
		m.Delivered = s.present(group)
	}
	s.hand(m)
	return nil, nil
}
