package dingtalk

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// The paths of the calls about groups.
const (
	pathGroupCreate    = "/v1.0/im/group/create"
	pathGroupUpdate    = "/v1.0/im/group/update"
	pathGroupAdmins    = "/v1.0/im/subAdministrators"
	pathGroupOpenID    = "/v1.0/im/chat/{chatId}/convertToOpenConversationId"
	pathGroupGet       = "/chat/get"
	pathGroupCreateOld = "/chat/create"
	pathGroupUpdateOld = "/chat/update"
)

// Limits of groups. Those of members are of the old documents (创建群, 更新群); those of v1.0 give none.
const (
	groupMembersPerCall = 40
	maxGroupMembers     = 1000
	maxKnownGroups      = 10_000
)

// groupInternal is the conversationTag of an internal group, the only sort that every app may make.
const groupInternal = 2

// groupOptions are the settings that requests of v1.0 hold in managementOptions.
var groupOptions = []string{
	"mentionAllAuthority", "showHistoryType", "validationType", "searchable", "chatBannedType", "managementType",
}

// GroupService holds the calls about internal groups (企业内部群; permissions qyapi_chat_manage, qyapi_chat_read). Only groups that an app
// made can be read and changed. All of them count against the monthly quota.
type GroupService struct {
	c *Client

	mu   sync.Mutex
	open map[string]string // open conversation ids, which never change, by chatid
}

// CreatedGroup is the answer to a creation.
type CreatedGroup struct{ ChatID, OpenConversationID string }

// Create makes a group (创建群会话) from the fields of GroupKind marked Create; the owner is always a member. Nothing makes a repetition
// known: after an Ambiguous failure there may be a group that nobody can find by a call. More than 40 members are added by further
// calls: when one of those fails the group is returned together with the error.
func (s *GroupService) Create(ctx context.Context, group Object) (CreatedGroup, error) {
	body, err := GroupKind.encodeCreate(pathGroupCreate, group)
	if err != nil {
		return CreatedGroup{}, err
	}
	body = GroupKind.arrays(body)
	members := idList(body["useridlist"])
	owner := text(body["owner"])
	members = slices.Insert(slices.DeleteFunc(members, func(id string) bool { return id == owner }), 0, owner)
	first := members[:min(len(members), groupMembersPerCall)]
	body["useridlist"] = first
	if _, told := body["conversationTag"]; !told {
		body["conversationTag"] = int64(groupInternal)
	}
	answer, err := s.c.do(ctx, s.request(pathGroupCreate, pathGroupCreateOld, body))
	if err != nil {
		return CreatedGroup{}, err
	}
	made := CreatedGroup{ChatID: answer.Text("chatid"), OpenConversationID: answer.Text("openConversationId")}
	if made.ChatID == "" {
		return CreatedGroup{}, &Error{Class: Retry, Ambiguous: true, API: pathGroupCreate, Status: http.StatusOK, Message: "the answer names no chatid"}
	}
	s.learn(made.ChatID, made.OpenConversationID)
	return made, s.AddMembers(ctx, made.ChatID, members[len(first):]...)
}

// request is a write about a group, by whichever API the app was granted.
func (s *GroupService) request(path, old string, body Object) request {
	if s.c.cfg.OldGroups {
		return request{method: http.MethodPost, path: old, body: body}
	}
	options := Object{}
	for _, name := range groupOptions {
		if v, ok := body[name]; ok {
			options[name] = v
			delete(body, name)
		}
	}
	if len(options) > 0 {
		body["managementOptions"] = options
	}
	return request{method: http.MethodPost, path: path, v1: true, body: body}
}

// Get reads one group (查询群信息). IsNotFound: there is none, or no app made it; a group that was disbanded may still be there, with the
// status 2. The open conversation id is asked for once, by a call of its own.
func (s *GroupService) Get(ctx context.Context, chatID string) (Object, error) {
	if err := checkPathIDs(pathGroupGet, "chatid", chatID); err != nil {
		return nil, err
	}
	answer, err := s.c.do(ctx, request{method: http.MethodGet, path: pathGroupGet, query: url.Values{"chatid": {chatID}}, read: true})
	if err != nil {
		return nil, err
	}
	group := answer.object("chat_info")
	if group == nil {
		return nil, incomplete(pathGroupGet, "no chat_info")
	}
	group = GroupKind.decode(group)
	group["chatid"] = chatID
	if n, told := group.Int("status"); told && n == GroupDisbanded {
		return group, nil
	}
	if group.Text("openConversationId") == "" {
		open, err := s.OpenConversationID(ctx, chatID)
		if err != nil {
			return nil, err
		}
		group["openConversationId"] = open
	}
	return group, nil
}

// GroupDisbanded is the status of a group that was disbanded.
const GroupDisbanded = 2

// OpenConversationID returns the id by which robots and events know a group (获取群会话的OpenConversationId). It never changes, so each is
// asked for once.
func (s *GroupService) OpenConversationID(ctx context.Context, chatID string) (string, error) {
	if err := checkPathIDs(pathGroupOpenID, "chatid", chatID); err != nil {
		return "", err
	}
	s.mu.Lock()
	known := s.open[chatID]
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	answer, err := s.c.do(ctx, request{method: http.MethodPost, path: pathGroupOpenID, args: []string{chatID}, v1: true, read: true})
	if err != nil {
		return "", err
	}
	open := answer.Text("openConversationId")
	if open == "" {
		return "", incomplete(pathGroupOpenID, "no openConversationId")
	}
	s.learn(chatID, open)
	return open, nil
}

func (s *GroupService) learn(chatID, open string) {
	if open == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil || len(s.open) >= maxKnownGroups {
		s.open = map[string]string{}
	}
	s.open[chatID] = open
}

// Update changes the fields given and leaves all others alone (更新群会话); chatid says which group. With useridlist the group is read, who
// is missing is added, then everything else is changed, and at last the others are removed: so a new owner is a member in time.
func (s *GroupService) Update(ctx context.Context, group Object) error {
	body, err := GroupKind.encodeUpdate(pathGroupUpdate, group, nil)
	if err != nil {
		return err
	}
	chatID := text(body["chatid"])
	var added, gone []string
	if members, told := body["useridlist"]; told {
		delete(body, "useridlist")
		if added, gone, err = s.difference(ctx, chatID, idList(members), text(body["owner"])); err != nil {
			return err
		}
	}
	if err := s.AddMembers(ctx, chatID, added...); err != nil {
		return err
	}
	if len(body) > 1 {
		if err := s.update(ctx, maps.Clone(body)); err != nil {
			return err
		}
	}
	return s.RemoveMembers(ctx, chatID, gone...)
}

// difference is who must be added to a group, and who removed, so that its members are these and the owner to be.
func (s *GroupService) difference(ctx context.Context, chatID string, want []string, owner string) (added, gone []string, err error) {
	now, err := s.Get(ctx, chatID)
	if err != nil {
		return nil, nil, err
	}
	if owner == "" {
		owner = now.Text("owner")
	}
	had := now.IDs("useridlist")
	if owner != "" && !slices.Contains(want, owner) {
		want = append(want, owner)
	}
	added = slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(had, id) })
	gone = slices.DeleteFunc(slices.Clone(had), func(id string) bool { return slices.Contains(want, id) })
	return added, gone, nil
}

func (s *GroupService) update(ctx context.Context, body Object) error {
	r := s.request(pathGroupUpdate, pathGroupUpdateOld, body)
	answer, err := s.c.do(ctx, r)
	if err != nil {
		return err
	}
	return succeeded(r.path, answer)
}

// succeeded judges an answer that says success: true, which may be a text.
func succeeded(api string, answer Object) error {
	if done, told := boolean(answer["success"]); told && !done {
		return &Error{Class: Retry, Ambiguous: true, API: api, Status: http.StatusOK, Message: "the answer says that nothing came of it"}
	}
	return nil
}

// AddMembers adds people to a group (更新群会话), in calls of at most 40.
func (s *GroupService) AddMembers(ctx context.Context, chatID string, userIDs ...string) error {
	return s.members(ctx, chatID, "add_useridlist", userIDs)
}

// RemoveMembers takes people out of a group (更新群会话), in calls of at most 40. The owner cannot be removed.
func (s *GroupService) RemoveMembers(ctx context.Context, chatID string, userIDs ...string) error {
	return s.members(ctx, chatID, "del_useridlist", userIDs)
}

func (s *GroupService) members(ctx context.Context, chatID, key string, userIDs []string) error {
	if err := checkPathIDs(pathGroupUpdate, "chatid", chatID); err != nil {
		return err
	}
	for some := range slices.Chunk(userIDs, groupMembersPerCall) {
		if err := s.update(ctx, Object{"chatid": chatID, key: some}); err != nil {
			return err
		}
	}
	return nil
}

// SetAdmins makes people administrators of a group, or ends that (批量设置企业群管理员).
func (s *GroupService) SetAdmins(ctx context.Context, chatID string, admins bool, userIDs ...string) error {
	open, err := s.OpenConversationID(ctx, chatID)
	if err != nil {
		return err
	}
	role := 3
	if admins {
		role = 2
	}
	answer, err := s.c.do(ctx, request{
		method: http.MethodPost, path: pathGroupAdmins, v1: true, body: Object{"openConversationId": open, "userIds": userIDs, "role": role},
	})
	if err != nil {
		return err
	}
	return succeeded(pathGroupAdmins, answer)
}
