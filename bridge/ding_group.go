package bridge

import (
	"context"
	"slices"

	"dingbridge/dingtalk"
)

// goneBy is what an object that answers says of its own end; "" while it lives. A group that was disbanded is still shown (查询群信息).
func goneBy(kind string, o dingtalk.Object) string {
	if status, ok := o.Int("status"); kind == "group" && ok && status == dingtalk.GroupDisbanded {
		return "disbanded in dingtalk"
	}
	return ""
}

// wordsGroupLost is why a group whose creation got no answer is not made again.
const wordsGroupLost = "no answer came when the group was made, and dingtalk has no list of groups in which it could be found; " +
	"if it is there: dingbridge link, with its chatid; if it is not: dingbridge retry"

// createGroup makes a group. One that was made although not everybody could be added is there: the two meet, and who is missing is added.
func (s *dingSide) createGroup(ctx context.Context, c *creation) error {
	made, err := s.client.Groups.Create(ctx, dingtalk.Object(c.values))
	if made.ChatID == "" {
		return err
	}
	c.id, c.found = ID(made.ChatID), err != nil
	return nil
}

// writeGroup changes a group. Of the members only the difference to what was read is sent: who came meanwhile stays. A new owner is a
// member first, and who leaves, leaves last.
func (s *dingSide) writeGroup(ctx context.Context, w *write, o dingtalk.Object) error {
	chatID := string(w.id)
	had := dingtalk.Object(w.seen.Record).IDs("useridlist")
	owner := o.Text("owner")
	var added, gone []string
	if want, told := o["useridlist"]; told {
		delete(o, "useridlist")
		added, gone = differ(had, dingtalk.Object{"ids": want}.IDs("ids"))
	}
	if owner != "" && !slices.Contains(had, owner) && !slices.Contains(added, owner) {
		added = append(added, owner)
	}
	if err := s.client.Groups.AddMembers(ctx, chatID, added...); err != nil {
		return err
	}
	if len(o) > 1 {
		if err := s.client.Groups.Update(ctx, o); err != nil {
			return err
		}
	}
	if owner == "" {
		owner = dingtalk.Object(w.seen.Record).Text("owner")
	}
	others := slices.DeleteFunc(slices.Clone(gone), func(id string) bool { return id == owner })
	if err := s.client.Groups.RemoveMembers(ctx, chatID, others...); err != nil {
		return err
	}
	if len(others) < len(gone) {
		return reject("useridlist", "the owner "+owner+" cannot be taken out of the group; another member must own it first")
	}
	return nil
}

// differ is who must be added to a list, and who taken out of it, to make it another.
func differ(had, want []string) (added, gone []string) {
	added = slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(had, id) })
	gone = slices.DeleteFunc(slices.Clone(had), func(id string) bool { return slices.Contains(want, id) })
	return added, gone
}
