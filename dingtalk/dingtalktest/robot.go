package dingtalktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of the enterprise robot (documents 批量发送人与机器人会话中机器人消息, 机器人发送群聊消息).
const (
	robotUsers      = 20
	robotParamBytes = 15000
	robotKeys       = 20 // of a recall
	robotLifetime   = 24 * time.Hour
)

// robotTemplates are the msgKeys with the keys that msgParam must have.
var robotTemplates = map[string][]string{
	"sampleText": {"content"}, "sampleMarkdown": {"title", "text"}, "sampleImageMsg": {"photoURL"},
	"sampleLink":        {"text", "title", "picUrl", "messageUrl"},
	"sampleActionCard":  {"title", "text", "singleTitle", "singleURL"},
	"sampleActionCard2": withButtons(2, "actionTitle", "actionURL"), "sampleActionCard3": withButtons(3, "actionTitle", "actionURL"),
	"sampleActionCard4": withButtons(4, "actionTitle", "actionURL"), "sampleActionCard5": withButtons(5, "actionTitle", "actionURL"),
	"sampleActionCard6": withButtons(2, "buttonTitle", "buttonUrl"),
	"sampleAudio":       {"mediaId", "duration"}, "sampleFile": {"mediaId", "fileName", "fileType"},
	"sampleVideo": {"duration", "videoMediaId", "videoType", "picMediaId"},
}

func withButtons(n int, title, url string) []string {
	keys := []string{"title", "text"}
	for i := 1; i <= n; i++ {
		keys = append(keys, title+strconv.Itoa(i), url+strconv.Itoa(i))
	}
	return keys
}

// robotFileTypes are what sampleFile takes.
var robotFileTypes = []string{"xlsx", "pdf", "zip", "rar", "doc", "docx"}

// newKey makes an id. It holds characters that a URL must escape.
func (s *Server) newKey(prefix string) string {
	s.messages.seq++
	return fmt.Sprintf("%s%s+/%08d=", prefix, s.events.run, s.messages.seq)
}

// checkRobot compares robotCode with the app's.
func (s *Server) checkRobot(p params) *Refusal {
	switch code := p.text("robotCode"); {
	case code == "":
		return badMessage("invalidParameter.robotCode.empty", "robotCode不能为空")
	case code != s.appKey:
		return badMessage("invalidParameter.robotCode.notExsit", "robotCode不存在")
	case s.knobs.RobotStopped:
		return badMessage("bot.stopped", "机器人已停用")
	}
	return nil
}

// robotContent checks msgKey and msgParam and returns them as a message keeps them.
func (s *Server) robotContent(p params) (json.RawMessage, *Refusal) {
	key := p.text("msgKey")
	required, ok := robotTemplates[key]
	if !ok {
		return nil, badMessage("invalidParameter.msgKey.invalid", "msgKey不合法")
	}
	text, isText := p["msgParam"].(string)
	if len(text) > robotParamBytes {
		return nil, badMessage("invalidParameter.msgParam.tooLong", "msgParam过长")
	}
	values, err := parseObject(text)
	if err != nil || !isText {
		return nil, badMessage("invalidParameter.msgParam.invalid", "msgParam不合法")
	}
	if no := s.checkParam(key, required, values); no != nil {
		return nil, no
	}
	switch {
	case s.sensitive(text):
		return nil, badMessage("contain.notAllowed.text", "消息包含违规内容")
	case s.unsafeURL(text):
		return nil, badMessage("contain.unsafe.url", "消息包含不安全的链接")
	}
	content, err := plainJSON(map[string]any{"msgKey": key, "msgParam": text})
	if err != nil {
		return nil, badMessage("invalidParameter.msgParam.invalid", "msgParam不合法")
	}
	return content, nil
}

// checkParam wants every key of the template as a text, and media that were uploaded.
func (s *Server) checkParam(key string, required []string, values map[string]any) *Refusal {
	bad := badMessage("invalidParameter.param.invalid", "消息参数不合法")
	for _, name := range required {
		if v, ok := values[name].(string); !ok || v == "" {
			return bad
		}
	}
	for _, v := range values {
		if _, ok := v.(string); !ok {
			return bad
		}
	}
	for name, kind := range map[string]string{"mediaId": map[string]string{"sampleAudio": "voice", "sampleFile": "file"}[key], "videoMediaId": "video", "picMediaId": "image"} {
		if id, given := values[name]; given {
			if m := s.messages.media[asText(id)]; m == nil || m.Type != kind {
				return bad
			}
		}
	}
	if photo := asText(values["photoURL"]); strings.HasPrefix(photo, "@") && s.messages.media[photo] == nil {
		return bad
	}
	if key == "sampleFile" && !slices.Contains(robotFileTypes, asText(values["fileType"])) {
		return bad
	}
	return nil
}

// robotToPersons is POST /v1.0/robot/oToMessages/batchSend (批量发送人与机器人会话中机器人消息).
func (s *Server) robotToPersons(c *call) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	users := c.params.texts("userIds")
	switch {
	case len(users) == 0:
		return nil, badMessage("invalidParameter.userIds.empty", "userIds不能为空")
	case len(users) > robotUsers:
		return nil, badMessage("invalidParameter.userIds.overMax", "userIds超过上限")
	}
	content, no := s.robotContent(c.params)
	if no != nil {
		return nil, no
	}
	m := &Message{Kind: ByRobot, ID: s.newKey("rob"), At: c.now, Content: content}
	var reached []string
	reached, m.Invalid = s.people(users)
	for _, id := range reached {
		if s.knobs.RobotThrottled[id] {
			m.Throttled = append(m.Throttled, id)
		} else if !s.knobs.Unreachable[id] {
			m.Delivered = append(m.Delivered, id)
		}
	}
	left := map[string]any{"invalidStaffIdList": nonNil(m.Invalid), "flowControlledStaffIdList": nonNil(m.Throttled)}
	if s.knobs.KeylessToNobody && len(reached) == len(m.Throttled) {
		return left, nil
	}
	s.hand(m)
	left["processQueryKey"] = m.ID
	return left, nil
}

// robotToGroup is POST /v1.0/robot/groupMessages/send (机器人发送群聊消息).
func (s *Server) robotToGroup(c *call) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	group, no := s.robotGroup(c.params)
	if no != nil {
		return nil, no
	}
	content, no := s.robotContent(c.params)
	if no != nil {
		return nil, no
	}
	m := &Message{
		Kind: ByRobotInGroup, ID: s.newKey("grp"), At: c.now, Conversation: group.OpenConversationID, Content: content, Delivered: s.present(group),
	}
	s.hand(m)
	return map[string]any{"processQueryKey": m.ID}, nil
}

// robotGroup finds the group of a request.
func (s *Server) robotGroup(p params) (*Group, *Refusal) {
	id := p.text("openConversationId")
	switch g := s.conversation(id); {
	case id == "":
		return nil, badMessage("miss.openConversationId", "openConversationId不能为空")
	case g == nil || g.NoRobot:
		return nil, badMessage("invalid.openConversationId", "openConversationId不合法")
	case g.Disbanded:
		return nil, badMessage("group.disbanded", "群已解散")
	default:
		return g, nil
	}
}

// robotMessage finds a message of the robot; it is known for a day.
func (s *Server) robotMessage(c *call, kind, key string) (*Message, string) {
	i := slices.IndexFunc(s.messages.list, func(m *Message) bool { return m.Kind == kind && m.ID == key })
	switch {
	case i < 0:
		return nil, "robot.processQueryKey.invalid"
	case c.now.Sub(s.messages.list[i].At) > robotLifetime:
		return nil, "robot.processQueryKey.expired"
	}
	return s.messages.list[i], ""
}

// robotReadStatus is GET /v1.0/robot/oToMessages/readStatus (批量查询人与机器人会话机器人消息是否已读).
func (s *Server) robotReadStatus(c *call) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	m, why := s.robotMessage(c, ByRobot, c.params.text("processQueryKey"))
	if m == nil {
		return nil, badMessage(why, "processQueryKey不合法或已过期")
	}
	list := []any{}
	for _, id := range m.Delivered {
		status := "UNREAD"
		if slices.Contains(m.Read, id) {
			status = "READ"
		}
		list = append(list, map[string]any{"name": s.nameOf(id), "userId": id, "readStatus": status})
	}
	return map[string]any{"sendStatus": sendStatus(m), "messageReadInfoList": list}, nil
}

// sendStatus is the state of a message.
func sendStatus(m *Message) string {
	if m.Recalled {
		return "RECALLED"
	}
	return "SUCCESS"
}

// robotGroupRead is POST /v1.0/robot/groupMessages/query (查询企业机器人群聊消息用户已读状态).
func (s *Server) robotGroupRead(c *call) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	m, why := s.robotMessage(c, ByRobotInGroup, c.params.text("processQueryKey"))
	if m == nil || m.Conversation != c.params.text("openConversationId") {
		return nil, badMessage(orText(why, "invalid.openConversationId"), "processQueryKey不合法或已过期")
	}
	size, ok := c.params.number("maxResults")
	if !c.params.has("maxResults") {
		size, ok = 200, true
	}
	from := int64(0)
	if c.params.text("nextToken") != "" && ok {
		from, ok = c.params.number("nextToken")
	}
	if !ok || size < 1 || size > 200 || from < 0 || from > int64(len(m.Read)) {
		return nil, badMessage("invalidParameter.param.invalid", "分页参数不合法")
	}
	end := min(from+size, int64(len(m.Read)))
	out := map[string]any{"sendStatus": sendStatus(m), "readUserIds": nonNil(m.Read[from:end]), "hasMore": end < int64(len(m.Read))}
	if end < int64(len(m.Read)) {
		out["nextToken"] = strconv.FormatInt(end, 10)
	}
	return out, nil
}

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// robotRecallPersons is POST /v1.0/robot/otoMessages/batchRecall (批量撤回人与机器人会话中机器人消息).
func (s *Server) robotRecallPersons(c *call) (any, *Refusal) { return s.robotRecall(c, ByRobot, "") }

// robotRecallGroup is POST /v1.0/robot/groupMessages/recall (企业机器人撤回内部群消息).
func (s *Server) robotRecallGroup(c *call) (any, *Refusal) {
	conversation := c.params.text("openConversationId")
	if conversation == "" {
		return nil, badMessage("miss.openConversationId", "openConversationId不能为空")
	}
	return s.robotRecall(c, ByRobotInGroup, conversation)
}

func (s *Server) robotRecall(c *call, kind, conversation string) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	keys := c.params.texts("processQueryKeys")
	if len(keys) == 0 || len(keys) > robotKeys {
		return nil, badMessage("invalidParameter.param.invalid", "processQueryKeys不合法")
	}
	done, failed := []string{}, map[string]any{}
	for _, key := range keys {
		m, why := s.robotMessage(c, kind, key)
		if m == nil || m.Conversation != conversation {
			failed[key] = orText(why, "invalid.openConversationId")
			continue
		}
		m.Recalled = true
		s.recall(kind, key)
		done = append(done, key)
	}
	return map[string]any{"successResult": done, "failedResult": failed}, nil
}

// robotFileURL is POST /v1.0/robot/messageFiles/download (下载机器人接收消息的文件内容).
func (s *Server) robotFileURL(c *call) (any, *Refusal) {
	if no := s.checkRobot(c.params); no != nil {
		return nil, no
	}
	code := c.params.text("downloadCode")
	if !slices.ContainsFunc(s.messages.inbox, func(said *Said) bool { return said.DownloadCode == code && code != "" }) {
		return nil, badMessage("invalidParameter.param.invalid", "downloadCode不合法")
	}
	expires := c.now.Add(fileLifetime).UnixMilli()
	return map[string]any{"downloadUrl": fmt.Sprintf("http://%s/approval-files/%s?expires=%d", c.request.Host, code, expires)}, nil
}
