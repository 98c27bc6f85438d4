package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// free are the API paths, and the types of events, that do not count against the corp's monthly quotas of calls and of pushes
// (计费模型说明, 不纳入调用量限制的接口清单, 不纳入使用量限制的事件清单). An entry ending in a slash stands for everything below it. What is
// not here counts.
var free = names{
	"/v1.0/oauth2/", "/gettoken", "/sso/gettoken", "/get_jsapi_ticket", // tokens and sign-in
	pathStreamOpen,
	pathWebhook, pathSessionWebhook, // they count against the quota of pushes, and go on when that of calls is used up
	pathScopes, "/v1.0/contact/", "/topapi/extcontact/",
	"/topapi/v2/user/", "/topapi/user/", "/topapi/inactive/user/",
	"/topapi/v2/department/",
	"/topapi/role/", "/role/",

	"user_add_org", "user_modify_org", "user_leave_org", "user_active_org",
	"org_dept_create", "org_dept_modify", "org_dept_remove", "org_change",
	"label_user_change", "label_conf_add", "label_conf_modify", "label_conf_del",
	"org_admin_add", "org_admin_remove",
}

// names is a list of API paths, prefixes of API paths that end in a slash, and types of events.
type names []string

// covers returns the length of the longest entry that covers the name, 0 when none does.
func (l names) covers(name string) int {
	longest := 0
	for _, entry := range l {
		if name == entry || strings.HasSuffix(entry, "/") && strings.HasPrefix(name, entry) {
			longest = max(longest, len(entry))
		}
	}
	return longest
}

// checkNames refuses lists that contradict each other.
func checkNames(counted, free []string) error {
	var errs []error
	for _, name := range slices.Concat(counted, free) {
		if name == "" || strings.ContainsAny(name, " \t?*") {
			errs = append(errs, fmt.Errorf("dingtalk: %q is neither a path, a beginning of paths that ends in a slash, nor a type of event", name))
		}
	}
	for _, name := range counted {
		if slices.Contains(free, name) {
			errs = append(errs, fmt.Errorf("dingtalk: %s cannot be both counted and free", name))
		}
	}
	return errors.Join(errs...)
}

// CallCount is how often a path was called for a caller.
type CallCount struct {
	Caller  string // as WithCaller said, "" when it said nothing
	Path    string
	Counted bool // against the monthly quota of calls
	Push    bool // against that of pushes: a message by a webhook
	N       int64
}

type callerKey struct{}

// WithCaller names for whom the calls of the context are made; TakeCalls tells it.
func WithCaller(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callerKey{}, name)
}

// quota counts the answered calls, and knows whether the month's quota is used up.
type quota struct {
	counted, free names // what the settings say otherwise
	zone          *time.Location

	mu      sync.Mutex
	calls   map[CallCount]int64 // keys without N
	learned map[string]bool     // paths that DingTalk counts, whatever the documents say: it refused them for the quota
	until   time.Time           // counted calls wait
	ends    time.Time           // the month in which the quota was used up; zero: it is not
	refusal *Error              // the last one for the quota
}

// turnMargin is how long after the month has turned by our clock counted calls are tried again: DingTalk's may be behind.
const turnMargin = time.Minute

// standardZone is where DingTalk's month turns. No document says so; its dates are those of China.
var standardZone = time.FixedZone("UTC+8", 8*3600)

// counts says whether calls of a path, or events of a type, count.
func (q *quota) counts(name string) bool {
	q.mu.Lock()
	learned := q.learned[name]
	q.mu.Unlock()
	if learned {
		return true
	}
	return counts(name, q.counted, q.free)
}

// counts says whether a path or a type of events counts: as the settings say, else as the documents do.
func counts(name string, counted, uncounted names) bool {
	if yes, no := counted.covers(name), uncounted.covers(name); yes != no {
		return yes > no
	}
	return free.covers(name) == 0
}

// Counts says whether calls of an API path, or pushes of events of a type, count against the corp's monthly quota where Config.Counted
// and Config.Free are these: what Client.Counts says as long as DingTalk has not taught the client otherwise.
func Counts(name string, counted, uncounted []string) bool { return counts(name, counted, uncounted) }

// answered notes a call that DingTalk carried out, or refused for its contents. A counted one proves that there is quota.
func (q *quota) answered(ctx context.Context, path string) {
	caller, _ := ctx.Value(callerKey{}).(string)
	counted := q.counts(path)
	push := !counted && (path == pathWebhook || path == pathSessionWebhook) && q.free.covers(path) == 0
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.calls == nil {
		q.calls = map[CallCount]int64{}
	}
	q.calls[CallCount{Caller: caller, Path: path, Counted: counted, Push: push}]++
	if counted {
		q.until, q.ends = time.Time{}, time.Time{}
	}
}

// exhausted notes that a call was refused because the quota is used up. Counted calls wait as long as the refusal says, but not
// beyond the month; that is written into it.
func (q *quota) exhausted(refusal *Error, now time.Time) {
	counts := q.counts(refusal.API)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !counts {
		if q.learned == nil {
			q.learned = map[string]bool{}
		}
		q.learned[refusal.API] = true
	}
	q.ends = monthEnd(now, q.zone).Add(turnMargin)
	refusal.After = min(refusal.After, q.ends.Sub(now))
	q.until = now.Add(refusal.After)
	kept := *refusal
	q.refusal = &kept
}

// gone is the refusal that stands, with how long counted calls still wait (0 or less: one may be tried); nil while there is quota.
func (q *quota) gone(now time.Time) *Error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !now.Before(q.ends) {
		return nil
	}
	again := *q.refusal
	again.After = q.until.Sub(now)
	return &again
}

// refuse is the answer to a call of the path that would be refused, nil when it may be made.
func (q *quota) refuse(path string, now time.Time) *Error {
	again := q.gone(now)
	if again == nil || again.After <= 0 || !q.counts(path) {
		return nil
	}
	again.API = path
	return again
}

// monthEnd is when the month of the instant ends in the zone.
func monthEnd(now time.Time, zone *time.Location) time.Time {
	y, m, _ := now.In(zone).Date()
	return time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
}

// Counts says whether calls of the API path, or pushes of events of the type, count against the corp's monthly quota: as the
// settings say, else as the documents do. A path that was refused because the quota is used up counts from then on.
func (c *Client) Counts(name string) bool { return c.quota.counts(name) }

// listPaths are the calls by which a kind is listed; of approvals, by the new API and by the old.
var listPaths = map[string][]string{
	DepartmentKind.Name:       {pathDepartmentListSub},
	UserKind.Name:             {pathDepartmentListSub, pathUserList},
	RoleKind.Name:             {pathRoleList, pathRoleMembers},
	ApprovalKind.Name:         {pathInstanceIDs, pathInstances, pathOldIDs, pathOldGet},
	ApprovalTemplateKind.Name: {pathTemplates, pathOldTemplates},
	TodoKind.Name:             {pathTodoQuery},
	CalendarEventKind.Name:    {pathCalendarEvents},
	GroupKind.Name:            {pathGroupGet}, // there is no list: each is read
}

// ListCounts says whether listing the objects of a kind costs counted calls.
func (c *Client) ListCounts(kind string) bool {
	return slices.ContainsFunc(listPaths[kind], c.quota.counts)
}

// QuotaGone returns how DingTalk refused the last call because the month's quota is used up, with how long counted calls still wait.
// It returns nil when a counted call has been answered or the month has turned since, or none was ever refused.
func (c *Client) QuotaGone() *Error { return c.quota.gone(c.cfg.Now()) }

// TakeCalls returns the calls that were answered since it was called last, or since New. Throttled calls, those refused for the
// quota, and those without an answer are not among them, as DingTalk does not count them (计费模型说明). The quota is the whole corp's:
// what counts here is a lower bound of what is used.
func (c *Client) TakeCalls() []CallCount {
	c.quota.mu.Lock()
	defer c.quota.mu.Unlock()
	out := make([]CallCount, 0, len(c.quota.calls))
	for call, n := range c.quota.calls {
		call.N = n
		out = append(out, call)
	}
	c.quota.calls = nil
	return out
}
