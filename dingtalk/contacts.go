package dingtalk

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	pathScopes       = "/auth/scopes"
	pathLeaveRecords = "/v1.0/contact/empLeaveRecords"
)

// leaveWindow is the longest span that one query for leave records may cover (查询离职记录列表).
const leaveWindow = 365 * 24 * time.Hour

// ContactService holds the calls about the address book as a whole. None of them counts against the monthly quota.
type ContactService struct{ c *Client }

// LeaveRecord says that a person left the corp.
type LeaveRecord struct {
	UserID, Name string
	// Reason is "oapi" (by an app), "cancel", "leave", "delete" or "unknown".
	Reason            string
	StateCode, Mobile string
	LeaveTime         time.Time
}

// LeaveRecords yields who left between the two instants (查询离职记录列表, permission Contact.Common.Read); a zero to means now.
// Longer spans than a year are asked for piecewise. After an error the iteration ends, and what was yielded is not the whole.
func (s *ContactService) LeaveRecords(ctx context.Context, from, to time.Time) iter.Seq2[LeaveRecord, error] {
	if to.IsZero() {
		to = s.c.cfg.Now()
	}
	return func(yield func(LeaveRecord, error) bool) {
		if from.IsZero() {
			yield(LeaveRecord{}, refuse(pathLeaveRecords, "startTime", "required"))
			return
		}
		for start := from; start.Before(to); start = start.Add(leaveWindow) {
			end := start.Add(leaveWindow)
			if end.After(to) {
				end = to
			}
			query := url.Values{
				"startTime":  {start.UTC().Format(time.RFC3339)},
				"endTime":    {end.UTC().Format(time.RFC3339)},
				"maxResults": {"50"},
				"nextToken":  {"0"},
			}
			for row, err := range s.c.byToken(ctx, pathLeaveRecords, query, "records") {
				if err != nil {
					yield(LeaveRecord{}, err)
					return
				}
				if !yield(leaveRecord(row), nil) {
					return
				}
			}
		}
	}
}

func leaveRecord(row Object) LeaveRecord {
	return LeaveRecord{
		UserID: row.Text("userId"), Name: row.Text("name"), Reason: row.Text("leaveReason"),
		StateCode: row.Text("stateCode"), Mobile: row.Text("mobile"), LeaveTime: instant(row["leaveTime"]),
	}
}

// instant reads a time given as ISO 8601 or as Unix milliseconds; the zero time if it is neither.
func instant(v any) time.Time {
	s := text(v)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return milliseconds(s)
}

// Scopes is what the administrator lets the app see of the address book.
type Scopes struct {
	UserFields  []string // fields of people
	Departments []int64  // whole subtrees; [1] is the whole corp
	Users       []string // people granted one by one
}

// Scopes returns the app's contacts scope (获取通讯录权限范围).
func (s *ContactService) Scopes(ctx context.Context) (Scopes, error) {
	answer, err := s.c.do(ctx, request{method: http.MethodGet, path: pathScopes, read: true})
	if err != nil {
		return Scopes{}, err
	}
	orgs := answer.object("auth_org_scopes")
	if orgs == nil {
		return Scopes{}, incomplete(pathScopes, "no auth_org_scopes")
	}
	return Scopes{
		UserFields:  answer.IDs("auth_user_field"),
		Departments: numbers(orgs["authed_dept"]),
		Users:       orgs.IDs("authed_user"),
	}, nil
}

// numbers reads a list of numeric ids.
func numbers(v any) []int64 {
	var out []int64
	for _, id := range idList(v) {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}
