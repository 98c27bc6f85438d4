package dingtalktest

import "slices"

// The most receivers of a DING in the app, and of one by SMS or telephone.
const (
	dingAppUsers   = 200
	dingPhoneUsers = 20
)

// sendDing is POST /v1.0/robot/ding/send (发送DING消息).
func (s *Server) sendDing(c *call) (any, *Refusal) {
	if code := c.params.text("robotCode"); code != s.appKey {
		return nil, badMessage("invalid.chatbotId", "机器人不合法")
	}
	kind, ok := c.params.number("remindType")
	users, most := c.params.texts("receiverUserIdList"), dingAppUsers
	if kind > 1 {
		most = dingPhoneUsers
	}
	switch {
	case !ok || kind < 1 || kind > 3:
		return nil, badMessage("miss.param.remindType", "remindType不合法")
	case c.params.text("content") == "":
		return nil, badMessage("miss.param.content", "content不能为空")
	case len(users) == 0:
		return nil, badMessage("miss.staffId", "接收人不能为空")
	case len(users) > most:
		return nil, badMessage("ding.receivercount.limit", "接收人数超过上限")
	case s.sensitive(c.params.text("content")):
		return nil, badMessage("contain.notAllowed.content", "内容包含违规信息")
	}
	used := s.messages.dings.of(c.now.In(china).Format("2006-01"))
	if s.knobs.DingQuota > 0 && *used >= s.knobs.DingQuota {
		return nil, badMessage("ding.serverquota.insufficient", "DING额度不足")
	}
	*used++
	content, err := plainJSON(map[string]any{"content": c.params.text("content"), "remindType": kind})
	if err != nil {
		return nil, badMessage("send.ding.exception", "发送失败")
	}
	m := &Message{Kind: ByDing, ID: s.newKey("ding"), At: c.now, Content: content}
	m.Delivered, m.Invalid = s.people(users)
	failed := map[string]any{}
	if len(m.Invalid) > 0 {
		failed["用户不存在"] = m.Invalid
	}
	if kind > 1 {
		var mute []string
		m.Delivered = slices.DeleteFunc(m.Delivered, func(id string) bool {
			without := s.dir.users[id].Mobile == ""
			if without {
				mute = append(mute, id)
			}
			return without
		})
		if len(mute) > 0 {
			failed["手机号不存在"] = mute
		}
	}
	s.hand(m)
	return map[string]any{"openDingId": m.ID, "failedList": failed}, nil
}

// recallDing is POST /v1.0/robot/ding/recall (撤回已经发送的DING消息).
func (s *Server) recallDing(c *call) (any, *Refusal) {
	if code := c.params.text("robotCode"); code != s.appKey {
		return nil, badMessage("invalid.chatbotId", "机器人不合法")
	}
	id := c.params.text("openDingId")
	i := slices.IndexFunc(s.messages.list, func(m *Message) bool { return m.Kind == ByDing && m.ID == id })
	if i < 0 {
		return nil, badMessage("miss.param.openDingId", "openDingId不合法")
	}
	s.messages.list[i].Recalled = true
	s.recall(ByDing, id)
	return map[string]any{"openDingId": id}, nil
}
