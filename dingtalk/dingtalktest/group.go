package dingtalktest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Group is a group of an internal conversation (群会话).
type Group struct {
	ChatID             string // made when empty
	OpenConversationID string // made when empty
	Name               string
	Owner              string   // a userid
	Members            []string // userids, the owner among them
	Admins             []string
	Tag                int64 // conversationTag, 2 = internal
	Icon               string
	Options            map[string]int64 // by the names of managementOptions, such as searchable
	Template           string           // of a scene group (场景群)
	UUID               string           // likewise: what the app called it
	ByAPI              bool             // an app made it; the API shows and changes no other
	NoRobot            bool             // the app's robot is no member
	Disbanded          bool
	Created            time.Time
}

// groups is all about groups that needs the server's lock.
type groups struct {
	shelf[Group]
	byOpen map[string]string // chatids by open conversation id
}

func newGroups() groups { return groups{shelf: newShelf[Group](), byOpen: map[string]string{}} }

func (g Group) clone() *Group {
	g.Members, g.Admins, g.Options = slices.Clone(g.Members), slices.Clone(g.Admins), maps.Clone(g.Options)
	return &g
}

// AddGroup makes a group as a person does in DingTalk and returns its chatid. The API neither shows nor changes it.
func (s *Server) AddGroup(g Group) (chatID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.ByAPI = false
	return s.admitGroup(g.clone(), s.now()).ChatID
}

func (s *Server) admitGroup(g *Group, now time.Time) *Group {
	h := &s.groups
	h.seq++
	if g.ChatID == "" {
		g.ChatID = fmt.Sprintf("chat%s%06d", s.events.run, h.seq)
	}
	if g.OpenConversationID == "" {
		g.OpenConversationID = fmt.Sprintf("cid%s+/%06d==", s.events.run, h.seq)
	}
	if g.Tag == 0 {
		g.Tag = internalGroup
	}
	if !slices.Contains(g.Members, g.Owner) {
		g.Members = slices.Insert(g.Members, 0, g.Owner)
	}
	g.Created = now
	h.put(g.ChatID, g, now, s.knobs.StaleReads)
	h.byOpen[g.OpenConversationID] = g.ChatID
	return g
}

// groupChange is one change of a group, by a person or by an app.
type groupChange struct {
	by    string // the userid of the person, "" for an app
	byAPI bool
}

// eventKeys are what all events of groups carry.
func (s *Server) eventKeys(g *Group, by groupChange, now time.Time) map[string]any {
	data := map[string]any{
		"timeStamp": now.UnixMilli(), "chatId": g.ChatID, "corpId": s.corpID, "openConversationId": g.OpenConversationID,
	}
	if by.by != "" {
		data["operator"], data["operatorUnionId"] = by.by, s.unionOf(by.by)
	}
	return data
}

// changeGroup makes the next version of a group and emits an event for each thing that changed.
func (s *Server) changeGroup(old *Group, by groupChange, edit func(*Group)) {
	next := old.clone()
	edit(next)
	now := s.now()
	s.groups.put(next.ChatID, next, now, s.knobs.StaleReads)
	joined := slices.DeleteFunc(slices.Clone(next.Members), func(id string) bool { return slices.Contains(old.Members, id) })
	left := slices.DeleteFunc(slices.Clone(old.Members), func(id string) bool { return slices.Contains(next.Members, id) })
	quit := slices.Equal(left, []string{by.by})
	emit := func(eventType string, more map[string]any) {
		data := s.eventKeys(next, by, now)
		maps.Copy(data, more)
		s.echo(by.byAPI, eventType, data)
	}
	if len(joined) > 0 {
		emit("chat_add_member", map[string]any{"eventType": "chat_add_member", "userId": joined, "unionId": s.unionsOf(joined...)})
	}
	if len(left) > 0 && !quit {
		emit("chat_remove_member", map[string]any{"userId": left, "unionId": s.unionsOf(left...)})
	}
	if quit {
		emit("chat_quit", nil)
	}
	if next.Name != old.Name {
		emit("chat_update_title", map[string]any{"title": next.Name})
	}
	if next.Owner != old.Owner {
		data := s.eventKeys(next, by, now)
		data["owner"] = next.Owner
		if !s.knobs.OwnerEventNamesChat {
			delete(data, "chatId")
		}
		delete(data, "operator")
		s.echo(by.byAPI, "chat_update_owner", data)
	}
	if next.Disbanded && !old.Disbanded {
		emit("chat_disband", nil)
	}
}

// act lets a member do something to a group.
func (s *Server) act(userid, chatID string, may func(*Group) bool, edit func(*Group)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups.now[chatID]
	switch {
	case g == nil || g.Disbanded:
		return noGroup()
	case !slices.Contains(g.Members, userid) || may != nil && !may(g):
		return v1Refusal(http.StatusForbidden, "permession.checkFailed", userid+" may not do that in the group")
	}
	s.changeGroup(g, groupChange{by: userid}, edit)
	return nil
}

// RenameGroup lets a member rename a group. The error is a *Refusal.
func (s *Server) RenameGroup(userid, chatID, name string) error {
	return s.act(userid, chatID, nil, func(g *Group) { g.Name = name })
}

// AddMember lets a member add people to a group. The error is a *Refusal.
func (s *Server) AddMember(userid, chatID string, userids ...string) error {
	return s.act(userid, chatID, nil, func(g *Group) { g.join(userids) })
}

func (g *Group) join(userids []string) {
	for _, id := range userids {
		if !slices.Contains(g.Members, id) {
			g.Members = append(g.Members, id)
		}
	}
}

func (g *Group) leave(userids []string) {
	gone := func(id string) bool { return slices.Contains(userids, id) }
	g.Members, g.Admins = slices.DeleteFunc(g.Members, gone), slices.DeleteFunc(g.Admins, gone)
}

// RemoveMember lets the owner or an administrator remove people from a group, not the owner. The error is a *Refusal.
func (s *Server) RemoveMember(userid, chatID string, userids ...string) error {
	may := func(g *Group) bool {
		return (g.Owner == userid || slices.Contains(g.Admins, userid)) && !slices.Contains(userids, g.Owner)
	}
	return s.act(userid, chatID, may, func(g *Group) { g.leave(userids) })
}

// QuitGroup lets a member leave a group; the owner must hand it over first. The error is a *Refusal.
func (s *Server) QuitGroup(userid, chatID string) error {
	return s.act(userid, chatID, func(g *Group) bool { return g.Owner != userid }, func(g *Group) { g.leave([]string{userid}) })
}

// ChangeOwner lets the owner hand a group over to another member. The error is a *Refusal.
func (s *Server) ChangeOwner(userid, chatID, owner string) error {
	may := func(g *Group) bool { return g.Owner == userid && slices.Contains(g.Members, owner) }
	return s.act(userid, chatID, may, func(g *Group) { g.Owner = owner })
}

// Disband lets the owner end a group. The error is a *Refusal.
func (s *Server) Disband(userid, chatID string) error {
	return s.act(userid, chatID, func(g *Group) bool { return g.Owner == userid }, func(g *Group) { g.Disbanded = true })
}

// leaveGroups takes somebody who leaves the corp out of its groups; the next member follows him as owner, and the last one's group ends.
func (s *Server) leaveGroups(userid string) {
	for _, id := range s.groups.order {
		g := s.groups.now[id]
		if g.Disbanded || !slices.Contains(g.Members, userid) {
			continue
		}
		s.changeGroup(g, groupChange{}, func(g *Group) {
			g.leave([]string{userid})
			if g.Owner == userid && len(g.Members) > 0 {
				g.Owner = g.Members[0]
			}
			g.Disbanded = len(g.Members) == 0
		})
	}
}

// Group returns a group as it is now, whatever StaleReads shows to the API.
func (s *Server) Group(chatID string) (Group, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups.now[chatID]
	if g == nil {
		return Group{}, false
	}
	return *g.clone(), true
}

// Groups returns all groups, disbanded ones included, in the order of coming.
func (s *Server) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Group, 0, len(s.groups.order))
	for _, id := range s.groups.order {
		out = append(out, *s.groups.now[id].clone())
	}
	return out
}

// twinGroups counts the groups that apps made alike: same owner and name.
func (s *Server) twinGroups(counts map[string]int) {
	for _, g := range s.groups.now {
		if g.ByAPI && !g.Disbanded {
			counts["group "+g.Owner+"/"+g.Name]++
		}
	}
}
