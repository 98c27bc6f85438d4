package dingtalktest

import (
	"slices"
	"strconv"
)

// sceneTitle is the limit of a scene group's title (document 创建场景群).
const sceneTitle = 30

// createScene is POST /v1.0/im/sceneGroup/create (创建场景群). The same uuid again is the same group.
func (s *Server) createScene(c *call) (any, *Refusal) {
	p := c.params
	g := &Group{
		Name: p.text("title"), Owner: p.text("owner_user_id"), Icon: p.text("icon"), Template: p.text("template_id"), UUID: p.text("uuid"),
		Members: p.texts("user_ids"), Admins: p.texts("subadmin_ids"), ByAPI: true,
	}
	owner := s.dir.users[g.Owner]
	switch {
	case !goodName(g.Name, sceneTitle):
		return nil, badGroup("title")
	case g.Template == "":
		return nil, badGroup("template_id")
	case owner == nil || !s.allKnown(g.Members) || !s.allKnown(g.Admins):
		return nil, badGroup("owner_user_id, user_ids, subadmin_ids")
	case !s.personInScope(owner):
		return nil, groupForbidden("群主不在应用可见性内")
	}
	g.join(g.Admins)
	for _, id := range s.groups.order {
		if known := s.groups.now[id]; g.UUID != "" && known.UUID == g.UUID {
			return sceneIDs(known), nil
		}
	}
	if no := readSceneOptions(p, g); no != nil {
		return nil, no
	}
	return sceneIDs(s.admitGroup(g, c.now)), nil
}

func sceneIDs(g *Group) map[string]any {
	return map[string]any{"open_conversation_id": g.OpenConversationID, "chat_id": g.ChatID}
}

// readSceneOptions reads management_options, whose names differ from those of other groups.
func readSceneOptions(p params, g *Group) *Refusal {
	options, ok := p.object("management_options")
	if p.has("management_options") && !ok {
		return badGroup("management_options")
	}
	for name, v := range options {
		n, ok := asNumber(v)
		if !ok || n < 0 || n > 1 {
			return badGroup(name)
		}
		put(&g.Options, name, n)
	}
	return nil
}

// sceneGroup finds a living scene group.
func (s *Server) sceneGroup(c *call, key string) (*Group, *Refusal) {
	g, no := s.openGroup(c, key)
	if no == nil && g.Template == "" {
		return nil, noGroup()
	}
	return g, no
}

// updateScene is POST /v1.0/im/sceneGroup/update (更新场景群).
func (s *Server) updateScene(c *call) (any, *Refusal) {
	old, no := s.sceneGroup(c, "open_conversation_id")
	if no != nil {
		return nil, no
	}
	next := old.clone()
	for key, into := range map[string]*string{"title": &next.Name, "owner_user_id": &next.Owner, "icon": &next.Icon} {
		if c.params.has(key) {
			*into = c.params.text(key)
		}
	}
	if !goodName(next.Name, sceneTitle) || !slices.Contains(next.Members, next.Owner) {
		return nil, badGroup("title, owner_user_id")
	}
	if no := readSceneOptions(c.params, next); no != nil {
		return nil, no
	}
	s.changeGroup(old, groupChange{byAPI: true}, func(g *Group) { *g = *next })
	return map[string]any{"success": true}, nil
}

// disbandScene is POST /v1.0/im/chat/scenegroup/disband (解散场景群).
func (s *Server) disbandScene(c *call) (any, *Refusal) {
	g, no := s.sceneGroup(c, "openConversationId")
	if no != nil {
		return nil, no
	}
	s.changeGroup(g, groupChange{byAPI: true}, func(g *Group) { g.Disbanded = true })
	return map[string]any{"success": true}, nil
}

// sceneMembers is the people of a call about members, by userid or unionid.
func (s *Server) sceneMembers(c *call) ([]string, bool) {
	byUnion, ok := s.byUnion(c.params.texts("union_ids"))
	people := slices.Concat(c.params.texts("user_ids"), byUnion)
	return people, ok && len(people) > 0 && s.allKnown(people)
}

// addSceneMembers is POST /v1.0/im/sceneGroup/member/add (添加场景群成员).
func (s *Server) addSceneMembers(c *call) (any, *Refusal) {
	g, no := s.sceneGroup(c, "open_conversation_id")
	if no != nil {
		return nil, no
	}
	people, ok := s.sceneMembers(c)
	next := g.clone()
	next.join(people)
	if !ok || len(next.Members) > groupMembers {
		return nil, badGroup("user_ids, union_ids")
	}
	s.changeGroup(g, groupChange{byAPI: true}, func(g *Group) { *g = *next })
	return map[string]any{"success": true}, nil
}

// removeSceneMembers is POST /v1.0/im/sceneGroup/member/delete (删除场景群成员).
func (s *Server) removeSceneMembers(c *call) (any, *Refusal) {
	g, no := s.sceneGroup(c, "open_conversation_id")
	if no != nil {
		return nil, no
	}
	people, ok := s.sceneMembers(c)
	if !ok || slices.Contains(people, g.Owner) {
		return nil, badGroup("user_ids, union_ids")
	}
	s.changeGroup(g, groupChange{byAPI: true}, func(g *Group) { g.leave(people) })
	return map[string]any{"success": true}, nil
}

// listSceneMembers is POST /v1.0/im/sceneGroups/members/batchQuery (查询场景群成员). The document says that pages may be of another size than
// asked for; Knobs.SceneMembersPage makes them so.
func (s *Server) listSceneMembers(c *call) (any, *Refusal) {
	if !c.params.has("openConversationId") {
		return nil, badGroup("openConversationId")
	}
	g := s.groups.at(s.groups.byOpen[c.params.text("openConversationId")], c.horizon)
	size, ok := c.params.number("maxResults")
	if g == nil || !g.ByAPI || g.Template == "" || g.Disbanded {
		return nil, noGroup()
	}
	from, okFrom := c.params.number("nextToken")
	if !ok || size < 1 || c.params.text("nextToken") != "" && (!okFrom || from < 0) {
		return nil, badGroup("maxResults, nextToken")
	}
	if s.knobs.SceneMembersPage > 0 {
		size = int64(s.knobs.SceneMembersPage)
	} else {
		size = groupMembers // up to a thousand members come at once
	}
	to := min(from+size, int64(len(g.Members)))
	out := map[string]any{
		"success": true, "memberUserIds": g.Members[min(from, to):to], "unionIdList": s.unionsOf(g.Members[min(from, to):to]...),
		"hasMore": to < int64(len(g.Members)),
	}
	if to < int64(len(g.Members)) {
		out["nextToken"] = strconv.FormatInt(to, 10)
	}
	return out, nil
}
