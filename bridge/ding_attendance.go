package bridge

import (
	"context"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// unread stands for objects of a kind that cannot be read: only what was written is known of them.
func unread(ids []ID) map[ID]Seen {
	out := make(map[ID]Seen, len(ids))
	for _, id := range ids {
		out[id] = Seen{ID: id, Existence: Present, Record: mapping.Record{}, NotFound: true, Why: "cannot be read; what was written stands"}
	}
	return out
}

// tellAttendance tells a leave, overtime or trip that was decided elsewhere; the same approve_id again replaces it (通知审批通过).
func (s *dingSide) tellAttendance(ctx context.Context, id ID, values map[string]any) error {
	o := dingtalk.Object{}
	for name, v := range values {
		if v != nil {
			o[name] = v
		}
	}
	o["approve_id"] = string(id)
	return s.client.Attendance.FinishApproval(ctx, o)
}
