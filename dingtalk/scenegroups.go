package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"unicode/utf8"
)

// The paths of the calls about scene groups. disband is spelt unlike the others.
const (
	pathSceneCreate  = "/v1.0/im/sceneGroup/create"
	pathSceneUpdate  = "/v1.0/im/sceneGroup/update"
	pathSceneDisband = "/v1.0/im/chat/scenegroup/disband"
	pathSceneAdd     = "/v1.0/im/sceneGroup/member/add"
	pathSceneRemove  = "/v1.0/im/sceneGroup/member/delete"
	pathSceneMembers = "/v1.0/im/sceneGroups/members/batchQuery"
)

// Limits of scene groups. How many people one call takes no document says.
const (
	maxSceneTitle    = 30
	scenePerCall     = 100
	sceneMembersPage = 1000
)

// SceneGroupService holds the calls about groups made from a template (场景群; permission qyapi_chat_manage), in which a robot can be from
// the start. All of them count against the monthly quota.
type SceneGroupService struct{ c *Client }

// SceneGroup is a scene group to be made.
type SceneGroup struct {
	Title      string // at most 30 characters
	TemplateID string // of the template, as the developer console shows it
	Owner      string // a userid
	Members    []string
	Admins     []string
	Icon       string // a media id
	// UUID makes a repeated creation known: with the same one, the same group.
	UUID    string
	Options Object // management_options, as 更新场景群 lists them
}

// Create makes a scene group (创建场景群). With a UUID a creation whose outcome is open may be repeated. More than 100 members are added by
// further calls: when one of those fails the group is returned together with the error.
func (s *SceneGroupService) Create(ctx context.Context, group SceneGroup) (CreatedGroup, error) {
	if err := checkSceneTitle(pathSceneCreate, group.Title); err != nil {
		return CreatedGroup{}, err
	}
	if err := checkPathIDs(pathSceneCreate, "template_id", group.TemplateID, "owner_user_id", group.Owner); err != nil {
		return CreatedGroup{}, err
	}
	first := group.Members[:min(len(group.Members), scenePerCall)]
	body := Object{"title": group.Title, "template_id": group.TemplateID, "owner_user_id": group.Owner, "user_ids": slices.Concat([]string{}, first)}
	if len(group.Admins) > 0 {
		body["subadmin_ids"] = group.Admins
	}
	for name, v := range map[string]string{"icon": group.Icon, "uuid": group.UUID} {
		if v != "" {
			body[name] = v
		}
	}
	if len(group.Options) > 0 {
		body["management_options"] = group.Options
	}
	answer, err := s.c.do(ctx, request{method: http.MethodPost, path: pathSceneCreate, v1: true, body: body})
	if err != nil {
		return CreatedGroup{}, err
	}
	made := CreatedGroup{ChatID: answer.Text("chat_id"), OpenConversationID: answer.Text("open_conversation_id")}
	if made.OpenConversationID == "" {
		return CreatedGroup{}, &Error{
			Class: Retry, Ambiguous: true, API: pathSceneCreate, Status: http.StatusOK, Message: "the answer names no open_conversation_id",
		}
	}
	return made, s.AddMembers(ctx, made.OpenConversationID, group.Members[len(first):]...)
}

func checkSceneTitle(api, title string) error {
	if n := utf8.RuneCountInString(title); n == 0 || n > maxSceneTitle {
		return refuse(api, "title", "%d characters, 1 to %d are allowed", n, maxSceneTitle)
	}
	return nil
}

// SceneChange is what changes of a scene group; what is empty stays as it is.
type SceneChange struct {
	Title, Owner, Icon string
	Options            Object
}

// Update changes a scene group (更新场景群).
func (s *SceneGroupService) Update(ctx context.Context, openConversationID string, change SceneChange) error {
	body := Object{}
	for name, v := range map[string]string{"title": change.Title, "owner_user_id": change.Owner, "icon": change.Icon} {
		if v != "" {
			body[name] = v
		}
	}
	if change.Title != "" {
		if err := checkSceneTitle(pathSceneUpdate, change.Title); err != nil {
			return err
		}
	}
	if len(change.Options) > 0 {
		body["management_options"] = change.Options
	}
	return s.change(ctx, pathSceneUpdate, openConversationID, body)
}

func (s *SceneGroupService) change(ctx context.Context, path, openConversationID string, body Object) error {
	if err := checkPathIDs(path, "openConversationId", openConversationID); err != nil {
		return err
	}
	body["open_conversation_id"] = openConversationID
	if path == pathSceneDisband {
		body = Object{"openConversationId": openConversationID}
	}
	answer, err := s.c.do(ctx, request{method: http.MethodPost, path: path, v1: true, body: body})
	if err != nil {
		return err
	}
	return succeeded(path, answer)
}

// Disband ends a scene group (解散场景群).
func (s *SceneGroupService) Disband(ctx context.Context, openConversationID string) error {
	return s.change(ctx, pathSceneDisband, openConversationID, Object{})
}

// AddMembers adds people to a scene group (添加场景群成员), in calls of at most 100; a group holds 1000.
func (s *SceneGroupService) AddMembers(ctx context.Context, openConversationID string, userIDs ...string) error {
	return s.members(ctx, pathSceneAdd, openConversationID, userIDs)
}

// RemoveMembers takes people out of a scene group (删除场景群成员), in calls of at most 100.
func (s *SceneGroupService) RemoveMembers(ctx context.Context, openConversationID string, userIDs ...string) error {
	return s.members(ctx, pathSceneRemove, openConversationID, userIDs)
}

func (s *SceneGroupService) members(ctx context.Context, path, openConversationID string, userIDs []string) error {
	for some := range slices.Chunk(userIDs, scenePerCall) {
		if err := s.change(ctx, path, openConversationID, Object{"user_ids": some}); err != nil {
			return err
		}
	}
	return nil
}

// Members yields the userids of those in a scene group (查询场景群成员), each once. A page may hold more or fewer than asked for. After an
// error the iteration ends, and what was yielded is not the whole.
func (s *SceneGroupService) Members(ctx context.Context, openConversationID string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := checkPathIDs(pathSceneMembers, "openConversationId", openConversationID); err != nil {
			yield("", err)
			return
		}
		seen := map[string]bool{}
		for page, err := range s.c.pages(ctx, func(token string) request {
			body := Object{"openConversationId": openConversationID, "maxResults": sceneMembersPage}
			if token != "" {
				body["nextToken"] = token
			}
			return request{method: http.MethodPost, path: pathSceneMembers, v1: true, body: body, read: true}
		}) {
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range page.IDs("memberUserIds") {
				if seen[id] {
					continue
				}
				seen[id] = true
				if !yield(id, nil) {
					return
				}
			}
		}
	}
}
