package dingtalktest

import (
	"maps"
	"net/http"
	"slices"
)

// The limits of groups (documents 创建群会话, 创建群, 更新群).
const (
	groupName     = 20
	groupMembers  = 1000
	internalGroup = 2
)

// groupOptionNames are the keys of managementOptions, which the old API takes beside the others.
var groupOptionNames = []string{
	"mentionAllAuthority", "showHistoryType", "validationType", "searchable", "chatBannedType", "managementType",
}

// groupRefusal is a refusal that both generations of the API know.
func groupRefusal(code int, v1, message string) *Refusal {
	return &Refusal{Code: code, v1: v1, status: http.StatusBadRequest, Message: message}
}

// noGroup is the answer about a group that is not there. No document says which code that is.
func noGroup() *Refusal { return groupRefusal(49000, "parameter.invalid", "群会话不存在") }

func badGroup(name string) *Refusal {
	return groupRefusal(40035, "parameter.invalid", "输入参数错误:"+name)
}

func groupForbidden(message string) *Refusal {
	return groupRefusal(49004, "permession.checkFailed", message)
}

// appGroup finds a group that an app made, by its chatid.
func (s *Server) appGroup(chatID string) (*Group, *Refusal) {
	g := s.groups.now[chatID]
	if g == nil || !g.ByAPI || g.Disbanded {
		return nil, noGroup()
	}
	return g, nil
}

// readOptions reads the settings of a group, nested or not.
func readOptions(p params, g *Group) *Refusal {
	if nested, ok := p.object("managementOptions"); ok {
		p = nested
	}
	for _, name := range groupOptionNames {
		if !p.has(name) {
			continue
		}
		n, ok := p.number(name)
		if !ok || n < 0 || n > 1 {
			return badGroup(name)
		}
		put(&g.Options, name, n)
	}
	return nil
}

// members checks people who are put into a group by one call.
func (s *Server) members(p params, key string) ([]string, *Refusal) {
	if !p.has(key) {
		return nil, nil
	}
	if _, isList := p[key].([]any); !isList {
		return nil, badGroup(key)
	}
	list := p.texts(key)
	if len(list) > s.knobs.GroupCallMembers || !s.allKnown(list) {
		return nil, badGroup(key)
	}
	return list, nil
}

func goodName(name string, most int) bool { n := len([]rune(name)); return n > 0 && n <= most }

// createGroup is POST /v1.0/im/group/create (创建群会话), and POST /chat/create (创建群).
func (s *Server) createGroup(c *call) (any, *Refusal) {
	p := c.params
	g := &Group{Name: p.text("name"), Owner: p.text("owner"), Icon: p.text("icon"), Tag: internalGroup, ByAPI: true}
	people, no := s.members(p, "useridlist")
	if no != nil {
		return nil, no
	}
	g.Members = people
	owner := s.dir.users[g.Owner]
	switch {
	case !goodName(g.Name, groupName):
		return nil, badGroup("name")
	case owner == nil:
		return nil, badGroup("owner")
	case !s.personInScope(owner):
		return nil, groupForbidden("群主不在应用可见性内")
	case !slices.Contains(people, g.Owner):
		return nil, badGroup("useridlist")
	}
	if tag, ok := p.number("conversationTag"); p.has("conversationTag") && (!ok || tag != internalGroup) {
		return nil, groupForbidden("权限校验失败") // an ordinary group needs a permission of its own
	}
	if no := readOptions(p, g); no != nil {
		return nil, no
	}
	s.admitGroup(g, c.now)
	return topLevel{"conversationTag": g.Tag, "openConversationId": g.OpenConversationID, "chatid": g.ChatID}, nil
}

// updateGroup is POST /v1.0/im/group/update (更新群会话), and POST /chat/update (更新群).
func (s *Server) updateGroup(c *call) (any, *Refusal) {
	p := c.params
	old, no := s.appGroup(p.text("chatid"))
	if no != nil {
		return nil, no
	}
	next := old.clone()
	if p.has("name") {
		next.Name = p.text("name")
	}
	if p.has("icon") {
		next.Icon = p.text("icon")
	}
	if no := readOptions(p, next); no != nil {
		return nil, no
	}
	added, no := s.members(p, "add_useridlist")
	if no != nil {
		return nil, no
	}
	next.join(added)
	gone := p.texts("del_useridlist")
	if p.has("owner") {
		next.Owner = p.text("owner")
	}
	switch {
	case !goodName(next.Name, groupName):
		return nil, badGroup("name")
	case len(next.Members) > groupMembers:
		return nil, badGroup("add_useridlist")
	case slices.Contains(gone, next.Owner) || slices.ContainsFunc(added, func(id string) bool { return slices.Contains(gone, id) }):
		return nil, badGroup("del_useridlist")
	case !slices.Contains(next.Members, next.Owner):
		return nil, badGroup("owner")
	}
	next.leave(gone)
	s.changeGroup(old, groupChange{byAPI: true}, func(g *Group) { *g = *next })
	return topLevel{"success": true}, nil
}

// getGroup is GET /chat/get (查询群信息).
func (s *Server) getGroup(c *call) (any, *Refusal) {
	g := s.groups.at(c.params.text("chatid"), c.horizon)
	if g == nil || !g.ByAPI || g.Disbanded && s.knobs.DisbandedGone {
		return nil, groupRefusal(s.knobs.NoGroupCode, "parameter.invalid", "群会话不存在")
	}
	info := map[string]any{
		"name": g.Name, "owner": g.Owner, "useridlist": nonNil(g.Members), "conversationTag": g.Tag, "status": 1,
	}
	if g.Icon != "" {
		info["icon"] = g.Icon
	}
	if g.Disbanded {
		info["status"] = 2
	}
	for _, name := range groupOptionNames {
		info[name] = g.Options[name]
	}
	maps.DeleteFunc(info, func(name string, _ any) bool { return slices.Contains(s.knobs.GroupLacks, name) })
	return topLevel{"chat_info": info}, nil
}

// openConversation is POST /v1.0/im/chat/{chatId}/convertToOpenConversationId (获取群会话的OpenConversationId).
func (s *Server) openConversation(c *call) (any, *Refusal) {
	g := s.groups.at(c.request.PathValue("chatId"), c.horizon)
	if g == nil || !g.ByAPI {
		return nil, noGroup()
	}
	return map[string]any{"openConversationId": g.OpenConversationID}, nil
}

// openGroup finds a living group by the open conversation id under a key.
func (s *Server) openGroup(c *call, key string) (*Group, *Refusal) {
	if !c.params.has(key) {
		return nil, badGroup(key)
	}
	return s.appGroup(s.groups.byOpen[c.params.text(key)])
}

// groupAdmins is POST /v1.0/im/subAdministrators (批量设置企业群管理员); success is a text.
func (s *Server) groupAdmins(c *call) (any, *Refusal) {
	g, no := s.openGroup(c, "openConversationId")
	if no != nil {
		return nil, no
	}
	people := c.params.texts("userIds")
	role, _ := c.params.number("role")
	outside := func(id string) bool { return !slices.Contains(g.Members, id) }
	if len(people) == 0 || slices.ContainsFunc(people, outside) || role != 2 && role != 3 {
		return nil, badGroup("userIds, role")
	}
	s.changeGroup(g, groupChange{byAPI: true}, func(g *Group) {
		g.Admins = slices.DeleteFunc(g.Admins, func(id string) bool { return slices.Contains(people, id) })
		if role == 2 {
			g.Admins = append(g.Admins, people...)
		}
	})
	return map[string]any{"success": "true"}, nil
}
