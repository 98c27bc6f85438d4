package dingtalktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The limits of the list of ids (document 获取审批实例ID列表).
const (
	listSize    = 20
	listUsers   = 10
	listMost    = 10_000
	listSpan    = 120 * 24 * time.Hour
	listHistory = 365 * 24 * time.Hour
)

// idsQuery is a query for instances in either generation of the API.
type idsQuery struct {
	code     string
	from, to time.Time
	ended    bool // to was given
	users    []string
	statuses []string
	at, size int64
}

// instanceIDs is POST /v1.0/workflow/processes/instanceIds/query (获取审批实例ID列表).
func (s *Server) instanceIDs(c *call) (any, *Refusal) {
	p := c.params
	if no := v1Required(p, "processCode", "startTime", "nextToken", "maxResults"); no != nil {
		return nil, no
	}
	q := idsQuery{code: p.text("processCode"), users: p.texts("userIds"), statuses: p.texts("statuses"), to: c.now}
	if no := q.readWindow(p, "startTime", "endTime"); no != nil {
		return nil, no
	}
	var ok bool
	if q.at, ok = p.number("nextToken"); !ok || q.at < 0 {
		return nil, v1Refusal(http.StatusBadRequest, "invalidNextToken", "nextToken不合法")
	}
	if q.size, ok = p.number("maxResults"); !ok || q.size < 1 || q.size > listSize {
		return nil, v1Refusal(http.StatusBadRequest, "invalidMaxResults", "maxResults不合法")
	}
	list, next, no := s.findIDs(&q, c)
	if no != nil {
		return nil, no
	}
	result := map[string]any{"list": list}
	if next > 0 {
		result["nextToken"] = strconv.FormatInt(next, 10)
	}
	return map[string]any{"success": true, "result": result}, nil
}

// oldInstanceIDs is /topapi/processinstance/listids (获取审批实例ID列表).
func (s *Server) oldInstanceIDs(c *call) (any, *Refusal) {
	p := c.params
	q := idsQuery{code: p.text("process_code"), users: p.texts("userid_list"), to: c.now, size: 10}
	if no := q.readWindow(p, "start_time", "end_time"); no != nil {
		return nil, no
	}
	var ok bool
	if p.has("cursor") {
		if q.at, ok = p.number("cursor"); !ok || q.at < 0 {
			return nil, missing(400002, "cursor")
		}
	}
	if p.has("size") {
		if q.size, ok = p.number("size"); !ok || q.size < 1 || q.size > listSize {
			return nil, missing(400002, "size")
		}
	}
	list, next, no := s.findIDs(&q, c)
	if no != nil {
		return nil, no
	}
	result := map[string]any{"list": list}
	if next > 0 {
		result["next_cursor"] = next
	}
	return result, nil
}

func (q *idsQuery) readWindow(p params, from, to string) *Refusal {
	ms, ok := p.number(from)
	if !ok || ms <= 0 {
		return flowRefusal(400002, "invalidInstanceListIdsStartTime", "%s不合法", from)
	}
	q.from = time.UnixMilli(ms)
	if p.has(to) {
		if ms, ok = p.number(to); !ok || ms <= 0 {
			return flowRefusal(400002, "invalidEndTime", "%s不合法", to)
		}
		q.to, q.ended = time.UnixMilli(ms), true
	}
	return nil
}

// findIDs is one page of the instances that started inside a window; next is 0 at the end.
func (s *Server) findIDs(q *idsQuery, c *call) (page []string, next int64, no *Refusal) {
	if no := s.checkQuery(q, c.now); no != nil {
		return nil, 0, no
	}
	ids := s.matching(q, c)
	to := min(q.at+q.size, int64(len(ids)))
	if to < int64(len(ids)) {
		next = to
	}
	if q.at >= listMost {
		return nil, 0, flowRefusal(400002, "invalidNextToken", "超过%d条", listMost)
	}
	return nonNil(ids[min(q.at, to):to]), next, nil
}

func (s *Server) checkQuery(q *idsQuery, now time.Time) *Refusal {
	oldest := now.Add(-listHistory)
	if !q.ended {
		oldest = now.Add(-listSpan)
	}
	switch {
	case s.approvals.templates[q.code] == nil:
		return flowRefusal(830001, "invalidProcessCode", "审批模板不存在")
	case q.from.Before(oldest):
		return flowRefusal(400002, "invalidInstanceListIdsStartTime", "开始时间超出范围")
	case q.ended && (q.to.Before(q.from) || q.to.Sub(q.from) > listSpan):
		return flowRefusal(400002, "invalidEndTime", "结束时间超出范围")
	case len(q.users) > listUsers:
		return flowRefusal(400002, "invalidUserIds", "userIds超过%d个", listUsers)
	}
	for _, status := range q.statuses {
		if !slices.Contains([]string{StatusRunning, StatusTerminated, StatusCompleted}, status) {
			return invalid("statuses")
		}
	}
	return nil
}

// matching is every instance of a query, without those that the list does not show yet.
func (s *Server) matching(q *idsQuery, c *call) []string {
	var ids []string
	for _, id := range s.approvals.order {
		in := s.seen(id, c.horizon)
		switch {
		case in == nil || in.Code != q.code, in.Created.Before(q.from), in.Created.After(q.to),
			len(q.users) > 0 && !slices.Contains(q.users, in.Originator),
			len(q.statuses) > 0 && !slices.Contains(q.statuses, in.Status),
			c.now.Sub(in.Created) < s.knobs.InstanceListLag:
			continue
		}
		ids = append(ids, id)
	}
	if !s.knobs.InstancesOldestFirst {
		slices.Reverse(ids)
	}
	return ids
}

// todoNumbers is GET /v1.0/workflow/processes/todoTasks/numbers (获取用户待审批数量).
func (s *Server) todoNumbers(c *call) (any, *Refusal) {
	if no := v1Required(c.params, "userId"); no != nil {
		return nil, no
	}
	n, no := s.countTodo(c.params.text("userId"))
	if no != nil {
		return nil, no
	}
	return map[string]any{"result": n}, nil
}

// oldTodoNumber is /topapi/process/gettodonum (获取用户待审批数量).
func (s *Server) oldTodoNumber(c *call) (any, *Refusal) {
	n, no := s.countTodo(c.params.text("userid"))
	if no != nil {
		return nil, no
	}
	return topLevel{"count": n}, nil
}

func (s *Server) countTodo(userid string) (int, *Refusal) {
	if s.dir.users[userid] == nil {
		return 0, flowRefusal(60121, "userNotExist", "用户不存在")
	}
	n := 0
	for _, in := range s.approvals.instances {
		if !in.Deleted && in.openTaskOf(userid) >= 0 {
			n++
		}
	}
	return n, nil
}
