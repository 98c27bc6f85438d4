// Package dingtalk speaks to DingTalk (钉钉): its OpenAPI in both generations (oapi.dingtalk.com and api.dingtalk.com), the
// Stream channel of events, and the encrypted HTTP callback.
//
// It knows nothing of Odoo, keeps nothing on disk, never repeats a write whose outcome is open, and decides no policy: every
// failure is an Error that says what to do about it, and the caller does it.
package dingtalk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
)

// The public hosts of DingTalk.
const (
	DefaultOAPI  = "https://oapi.dingtalk.com"
	DefaultAPI   = "https://api.dingtalk.com"
	DefaultLogin = "https://login.dingtalk.com"
)

// Config are the settings of a Client. AppKey and AppSecret are required.
type Config struct {
	OAPI, API, Login string // base URLs; default the public hosts
	AppKey           string // the Client ID
	AppSecret        string // the Client Secret
	CorpID           string
	AgentID          int64  // the app's AgentId in the corp, for work notices
	RobotCode        string // of the enterprise robot; default AppKey, the code of the app's own robot

	// QPS is the rate allowed per API path (app × API, 调用频率限制); 0: 20, the standard edition's; below 0: no limit here.
	QPS float64
	// Timeout bounds one attempt, from connecting to the last byte of the answer; default 15 s. A call whose outcome is
	// unknown has settled on the far side once Timeout has passed, give or take a margin.
	Timeout time.Duration
	// Retries is how often a read is repeated after a connection error or a 5xx answer (writes: only if no connection came
	// about); default 2, below 0: never. RetryWait is the first pause, doubled each time; default 300 ms.
	Retries   int
	RetryWait time.Duration
	// MaxPause bounds every pause the client prescribes after a failure: throttled, barred, quota used up, credentials refused.
	// Default: as long as DingTalk asks for.
	MaxPause time.Duration
	// WebhookSpan is in which time a webhook takes WebhookPerMinute messages; default a minute.
	WebhookSpan time.Duration
	// HTTPTransport carries the requests; default a transport of its own with bounded connections and the environment's proxy.
	HTTPTransport http.RoundTripper
	// BeforeWrite is asked right before a call that changes something is sent, with the call's context; its error keeps the call from being
	// sent and is the call's. It must be quick: see package fence. nil: nothing is asked.
	BeforeWrite func(context.Context) error
	// Now is the clock of token lifetimes and bars; default time.Now.
	Now func() time.Time
	// Counted and Free correct the documents, as editions differ: API paths, beginnings of API paths ending in a slash, and types
	// of events that do, and do not, count against the corp's monthly quotas. The longest entry decides.
	Counted, Free []string
	// Zone is where the month of the quotas turns; default UTC+8.
	Zone *time.Location
	// OldApprovals makes the calls about approvals by the API before v1.0, for an app that was granted that one only.
	OldApprovals bool
	// OldGroups makes groups by the API before v1.0 (/chat/create, /chat/update), for an app that was granted that one only.
	OldGroups bool
	// UserAgent, default "dingbridge".
	UserAgent string
}

// Client calls DingTalk for one app. It is safe for concurrent use.
type Client struct {
	Users       *UserService
	Departments *DepartmentService
	Roles       *RoleService
	Contacts    *ContactService
	Callbacks   *CallbackService
	Approvals   *ApprovalService
	Attendance  *AttendanceService
	Todos       *TodoService
	Calendars   *CalendarService
	Groups      *GroupService
	SceneGroups *SceneGroupService

	Notices       *NoticeService
	Media         *MediaService
	Robots        *RobotService
	Webhooks      *WebhookService
	Dings         *DingService
	Conversations *ConversationService

	cfg    Config
	http   *resty.Client
	web    http.RoundTripper // for what is no API call: the Stream's connection
	limits *limiters
	tokens *tokenSource
	bar    bar
	quota  quota
}

// New returns a client. It makes no call; the first one fetches a token.
func New(cfg Config) (*Client, error) {
	if cfg.AppKey == "" || cfg.AppSecret == "" {
		return nil, errors.New("dingtalk: AppKey and AppSecret are required")
	}
	for _, base := range []struct {
		url      *string
		fallback string
	}{{&cfg.OAPI, DefaultOAPI}, {&cfg.API, DefaultAPI}, {&cfg.Login, DefaultLogin}} {
		if err := normaliseBase(base.url, base.fallback); err != nil {
			return nil, err
		}
	}
	cfg.QPS = or(cfg.QPS, 20)
	cfg.Timeout = or(cfg.Timeout, 15*time.Second)
	cfg.Retries = max(or(cfg.Retries, 2), 0)
	cfg.RetryWait = or(cfg.RetryWait, 300*time.Millisecond)
	cfg.UserAgent = or(cfg.UserAgent, "dingbridge")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = standardZone
	}
	if err := checkNames(cfg.Counted, cfg.Free); err != nil {
		return nil, err
	}
	if cfg.HTTPTransport == nil {
		cfg.HTTPTransport = defaultTransport()
	}
	c := &Client{cfg: cfg, web: cfg.HTTPTransport, limits: newLimiters(cfg)}
	c.quota.counted, c.quota.free, c.quota.zone = cfg.Counted, cfg.Free, cfg.Zone
	c.http = newHTTP(cfg, c.limits)
	c.tokens = newTokenSource(c)
	c.Users = &UserService{c}
	c.Departments = &DepartmentService{c}
	c.Roles = &RoleService{c}
	c.Contacts = &ContactService{c}
	c.Callbacks = &CallbackService{c}
	c.Approvals = &ApprovalService{c}
	c.Attendance = &AttendanceService{c}
	c.Todos = &TodoService{c}
	c.Calendars = &CalendarService{c}
	c.Groups = &GroupService{c: c}
	c.SceneGroups = &SceneGroupService{c}
	c.Notices = &NoticeService{c}
	c.Media = &MediaService{c}
	c.Robots = &RobotService{c}
	c.Webhooks = newWebhookService(c)
	c.Dings = &DingService{c}
	c.Conversations = &ConversationService{c}
	return c, nil
}

// pause bounds a pause.
func (cfg *Config) pause(d time.Duration) time.Duration {
	if cfg.MaxPause > 0 {
		return min(d, cfg.MaxPause)
	}
	return d
}

func normaliseBase(base *string, fallback string) error {
	*base = strings.TrimRight(or(*base, fallback), "/")
	u, err := url.Parse(*base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" {
		return errors.New("dingtalk: a base URL must be http(s)://host[:port][/path] without credentials")
	}
	return nil
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Token returns the app's access token, fetching or refreshing it as needed (获取企业内部应用的accessToken).
func (c *Client) Token(ctx context.Context) (string, error) { return c.tokens.get(ctx) }

// Throttle sets every limiter to this fraction (0 < fraction <= 1) of the configured rate, for a second process that works
// beside the one that owns the budget.
func (c *Client) Throttle(fraction float64) { c.limits.throttle(fraction) }

// LoginURL returns the configured base of the sign-in pages.
func (c *Client) LoginURL() string { return c.cfg.Login }

// Close closes idle connections.
func (c *Client) Close() {
	if t, ok := c.web.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
