package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of the list of instances (获取审批实例ID列表).
const (
	idsPage  = 20
	idsUsers = 10
	idsSpan  = 120 * 24 * time.Hour
	idsReach = 365 * 24 * time.Hour
	idsMost  = 10_000           // in one walk through the pages
	idsUnit  = time.Millisecond // of the times of a query
	idsEdge  = time.Minute      // how far clocks may differ at the far end of idsReach
)

// Get reads one instance (获取单个审批实例详情). IsNotFound: there is none, or it was deleted.
//
// The new API shows times without seconds as 2022-08-31T11:52Z. No document says whether that is UTC; it is taken for it. For exact
// times use those of events. The old API shows them as of China.
func (s *ApprovalService) Get(ctx context.Context, id string) (Instance, error) {
	if s.old() {
		return s.getOld(ctx, id)
	}
	if err := checkInstanceID(pathInstances, id); err != nil {
		return Instance{}, err
	}
	answer, err := s.get(ctx, pathInstances, url.Values{"processInstanceId": {id}})
	if err != nil {
		return Instance{}, err
	}
	return instanceOf(pathInstances, id, answer.object("result"))
}

// instanceOf reads an instance by the names of the new API.
func instanceOf(api, id string, o Object) (Instance, error) {
	if o == nil || o.Text("status") == "" {
		return Instance{}, incomplete(api, "no instance")
	}
	in := Instance{
		ID: id, Title: o.Text("title"), BusinessID: o.Text("businessId"), Originator: o.Text("originatorUserId"),
		DeptID: o.Text("originatorDeptId"), Status: strings.ToUpper(o.Text("status")), Result: strings.ToLower(o.Text("result")),
		BizAction: strings.ToUpper(or(o.Text("bizAction"), "NONE")), Main: o.Text("mainProcessInstanceId"),
		Attached: o.IDs("attachedProcessInstanceIds"), Created: moment(o["createTime"]), Finished: moment(o["finishTime"]),
	}
	if in.Result == "none" {
		in.Result = ""
	}
	for _, row := range o.Rows("formComponentValues") {
		in.Form = append(in.Form, FormValue{
			ID: row.Text("id"), Alias: row.Text("bizAlias"), Name: row.Text("name"), Type: row.Text("componentType"),
			Value: row.Text("value"), ExtValue: row.Text("extValue"),
		})
	}
	for _, row := range o.Rows("operationRecords") {
		in.Steps = append(in.Steps, Step{
			UserID: row.Text("userId"), At: moment(row["date"]), Type: row.Text("type"), Result: row.Text("result"), Remark: row.Text("remark"),
			Activity: row.Text("activityId"), Name: row.Text("showName"), CC: row.IDs("ccUserIds"),
		})
	}
	for _, row := range o.Rows("tasks") {
		in.Tasks = append(in.Tasks, Task{
			ID: row.Text("taskId"), UserID: row.Text("userId"), Status: row.Text("status"), Result: row.Text("result"),
			Created: moment(row["createTime"]), Finished: moment(row["finishTime"]), Activity: row.Text("activityId"),
		})
	}
	return in, nil
}

// moment reads a time of an approval: as instant does, or as 2006-01-02 15:04[:05] of China; the zero time if it is neither.
func moment(v any) time.Time {
	s := text(v)
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, s, standardZone); err == nil {
			return t.UTC()
		}
	}
	return instant(v)
}

// IDsQuery says which instances IDs yields: those of one template that were started between the two instants.
type IDsQuery struct {
	ProcessCode string
	From, To    time.Time // From at most 365 days back, less the clocks' difference of a minute; the zero To is no end
	Users       []string  // the originators; none: all
	Statuses    []string  // RUNNING, TERMINATED, COMPLETED; none: all. The old API cannot tell them apart

	open bool // no end is sent: whether DingTalk takes one in the future is not documented, and its clock may be ahead of ours
}

// IDs yields the ids of instances by when they were started (获取审批实例ID列表), each once, in no particular order. There is no way to ask
// what has changed since. Spans over 120 days, more than 10 originators, and more than 10 000 instances are asked for piecewise.
// After an error the iteration ends, and what was yielded is not the whole.
func (s *ApprovalService) IDs(ctx context.Context, q IDsQuery) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		now := s.c.cfg.Now()
		if q.To.IsZero() {
			q.To, q.open = now, true
		}
		if err := s.checkIDs(q, now); err != nil {
			yield("", err)
			return
		}
		if edge := now.Add(idsEdge - idsReach); q.From.Before(edge) {
			q.From = edge
		}
		q.From, q.To = q.From.Truncate(idsUnit), q.To.Add(idsUnit-1).Truncate(idsUnit)
		groups := slices.Collect(slices.Chunk(q.Users, idsUsers))
		if len(groups) == 0 {
			groups = [][]string{nil}
		}
		for _, users := range groups {
			piece := q
			piece.Users = users
			w := &idsWalk{s: s, seen: map[string]bool{}, yield: yield}
			for piece.From = q.From; ; piece.From = piece.To {
				piece.To = piece.From.Add(idsSpan)
				last := !piece.To.Before(q.To)
				if last {
					piece.To = q.To
				}
				piece.open = last && q.open && piece.To.Sub(piece.From) < idsSpan-time.Hour
				if !w.walk(ctx, piece) {
					return
				}
				if last {
					break
				}
			}
		}
	}
}

func (s *ApprovalService) checkIDs(q IDsQuery, now time.Time) error {
	path := s.idsPath()
	switch earliest := now.Add(-idsReach); {
	case q.ProcessCode == "":
		return refuse(path, "process_code", "required")
	case q.From.IsZero():
		return refuse(path, "from", "required")
	case q.From.Before(earliest.Add(-idsEdge)):
		return refuse(path, "from", "DingTalk lists the instances of the last 365 days only, those since %s; asked for were those since %s",
			earliest.UTC().Format(time.RFC3339), q.From.UTC().Format(time.RFC3339))
	case q.To.Before(q.From):
		return refuse(path, "to", "before from")
	case s.old() && len(q.Statuses) > 0:
		return notInOldAPI(path)
	}
	return nil
}

func (s *ApprovalService) idsPath() string {
	if s.old() {
		return pathOldIDs
	}
	return pathInstanceIDs
}

// idsWalk walks through the pages of queries of one group of originators.
type idsWalk struct {
	s     *ApprovalService
	seen  map[string]bool // two spans meet in one instant
	yield func(string, error) bool
}

// walk yields what the query finds, and halves its span when that is as much as DingTalk shows at all. false: the end was asked for.
func (w *idsWalk) walk(ctx context.Context, q IDsQuery) bool {
	n := 0
	for v, err := range w.s.idPages(ctx, q) {
		if err != nil {
			w.yield("", err)
			return false
		}
		id := text(v)
		if id == "" {
			w.yield("", incomplete(w.s.idsPath(), "an empty id"))
			return false
		}
		if !w.seen[id] {
			w.seen[id] = true
			if !w.yield(id, nil) {
				return false
			}
		}
		if n++; n == idsMost {
			break
		}
	}
	if n < idsMost {
		return true
	}
	half := (q.To.Sub(q.From) / 2).Truncate(idsUnit)
	if half < idsUnit {
		w.yield("", incomplete(w.s.idsPath(), "more instances in one instant than can be listed"))
		return false
	}
	first, second := q, q
	first.To, second.From = q.From.Add(half), q.From.Add(half)
	first.open = false
	return w.walk(ctx, first) && w.walk(ctx, second)
}

func (s *ApprovalService) idPages(ctx context.Context, q IDsQuery) iter.Seq2[any, error] {
	if s.old() {
		return s.idPagesOld(ctx, q)
	}
	return s.c.underResult(ctx, "list", "nextToken", func(token string) request {
		body := Object{
			"processCode": q.ProcessCode, "startTime": q.From.UnixMilli(), "endTime": q.To.UnixMilli(),
			"nextToken": tokenNumber(token), "maxResults": idsPage,
		}
		if q.open {
			delete(body, "endTime")
		}
		if len(q.Users) > 0 {
			body["userIds"] = q.Users
		}
		if len(q.Statuses) > 0 {
			body["statuses"] = q.Statuses
		}
		return request{method: http.MethodPost, path: pathInstanceIDs, v1: true, body: body, read: true}
	})
}

// tokenNumber is a token as requests carry it: answers print the numbers as texts.
func tokenNumber(token string) any {
	if n, ok := integer(token); ok {
		return n
	}
	return token
}
