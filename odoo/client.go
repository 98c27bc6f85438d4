// Package odoo is a client of Odoo 12 over XML-RPC (/xmlrpc/2/common and /xmlrpc/2/object).
//
// It says of every failure what to do about it (Error), never sends a write twice, and bounds everything that comes from outside.
// It knows nothing of DingTalk or of mappings.
package odoo

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/sync/semaphore"

	"dingbridge/redact"
)

// Config are the settings of a Client. URL, Database, Login and Password are required.
type Config struct {
	// URL is http(s)://host[:port][/prefix], without credentials.
	URL, Database, Login, Password string
	// Timeout bounds one call with all its repetitions, from the moment it got a slot; default 60 s, above the 31 s that Odoo may
	// spend on its own repetitions after serialization failures (odoo/service/model.py).
	Timeout time.Duration
	// Parallel is how many calls run at once, the others wait; default 4: Odoo 12 has no queue and falls over above a handful.
	Parallel int
	// MaxResponse bounds an answer in bytes; default 256 MiB.
	MaxResponse int64
	// RetryWait is the first pause before a repetition, doubled each time up to 10 s; default 500 ms.
	RetryWait time.Duration
	// Retries is how often a call is repeated (reads; writes only when no connection came about); default 2, below 0 never.
	Retries int
	// RefusalHold is how long after refused credentials every call fails at once without being sent; default 5 s, so that many
	// workers do not all try the same bad password. Ten refusals lock out everybody behind this address
	// (base.login_cooldown_after), so the caller has to pause much longer than that by itself.
	RefusalHold time.Duration
	// HTTPTransport carries the requests; default a transport of the client's own.
	HTTPTransport http.RoundTripper
	// BeforeWrite is asked right before a call that changes something is sent, with the call's context; its error keeps the call from being
	// sent and is the call's. It must be quick: see package fence. nil: nothing is asked.
	BeforeWrite func(context.Context) error
}

// Context is Odoo's call context. The client's own holds lang en_US, so that fault texts can be told apart; a call's entries win.
type Context map[string]any

// Values are field values to be written, by field name. See Client.Execute for how Go values travel.
type Values map[string]any

// Record is one row as decoded from the wire, by field name: int64, float64, bool, string, []any, map[string]any. Decode turns
// a value into what the field's type says.
type Record = map[string]any

// Options narrow a search. Zero values leave the choice to Odoo: no offset, no limit, the model's own order.
type Options struct {
	Offset, Limit int
	Order         string
	Context       Context
}

// Client calls one Odoo database as one user. It is safe for concurrent use.
type Client struct {
	cfg       Config
	http      *retryablehttp.Client
	secrets   *redact.Words // that an answer may repeat
	slots     *semaphore.Weighted
	now       func() time.Time
	sanitised atomic.Int64
	date      atomic.Int64 // Date header of the last answer, Unix seconds, 0 before the first

	login   chan struct{} // holds one token: one authentication at a time, and waiting for it ends with the caller's context
	uid     atomic.Int64
	refused atomic.Pointer[refusal]

	fieldsMu sync.Mutex
	fields   map[string]map[string]Field
}

// URL is the server's address, as it was given.
func (c *Client) URL() string { return strings.TrimSuffix(c.cfg.URL, "/xmlrpc/2") }

// New returns a client. It makes no call; the first one authenticates. A bad setting is an *Error of class Halt.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The reason may quote the URL with a password in it, so it is left out.
		return nil, &Error{Class: Halt, Scope: ScopeOdoo, Op: "settings", Message: "the URL must be http(s)://host[:port][/prefix] without user, query and fragment"}
	}
	if cfg.Database == "" || cfg.Login == "" || cfg.Password == "" {
		return nil, &Error{Class: Halt, Scope: ScopeCredentials, Op: "settings", Message: "database, login and password are required"}
	}
	cfg.URL = u.JoinPath("xmlrpc", "2").String()
	setDefault(&cfg.Timeout, time.Minute)
	setDefault(&cfg.Parallel, 4)
	setDefault(&cfg.MaxResponse, 256<<20)
	setDefault(&cfg.RetryWait, 500*time.Millisecond)
	setDefault(&cfg.RefusalHold, 5*time.Second)
	if cfg.Retries == 0 {
		cfg.Retries = 2
	}
	if cfg.HTTPTransport == nil {
		cfg.HTTPTransport = newTransport(cfg.Parallel)
	}
	c := &Client{
		cfg:     cfg,
		http:    newHTTP(cfg),
		secrets: redact.New(cfg.Password),
		slots:   semaphore.NewWeighted(int64(cfg.Parallel)),
		now:     time.Now,
		login:   make(chan struct{}, 1),
		fields:  map[string]map[string]Field{},
	}
	return c, nil
}

func setDefault[T ~int | ~int64](setting *T, value T) {
	if *setting <= 0 {
		*setting = value
	}
}

// Close gives back idle connections. The client can still be used.
func (c *Client) Close() { c.http.HTTPClient.CloseIdleConnections() }

// Version is what common.version answers (odoo/service/common.py): "12.0", "12.0" and [12, 0, 0, "final", 0, ""].
type Version struct {
	ServerVersion string
	Serie         string
	Info          []any
}

// Version asks the server for its version. It needs no login and works while PostgreSQL is down.
func (c *Client) Version(ctx context.Context) (Version, error) {
	call := rpc{service: "common", method: "version", op: "version", repeatable: true}
	v, err := c.send(ctx, call, nil, nil)
	if err != nil {
		return Version{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return Version{}, call.unexpected(v)
	}
	var out Version
	out.ServerVersion, _ = m["server_version"].(string)
	out.Serie, _ = m["server_serie"].(string)
	out.Info, _ = m["server_version_info"].([]any)
	return out, nil
}

// UID is the authenticated user's id, 0 before the first authentication and after refused credentials.
func (c *Client) UID() int64 { return c.uid.Load() }

// ServerTime is the Date header of the last answer, in whole seconds UTC; false before the first.
func (c *Client) ServerTime() (time.Time, bool) {
	s := c.date.Load()
	return time.Unix(s, 0).UTC(), s != 0
}

// Sanitised counts the characters of answers that XML does not allow and that became U+FFFD: Odoo writes stored control
// characters raw into its answers.
func (c *Client) Sanitised() int64 { return c.sanitised.Load() }

// Execute calls a method of a model with positional and named arguments (execute_kw, odoo/service/model.py) and returns what it
// answered: bool, int64, float64, string, []any or map[string]any. The first call authenticates. A method that is not known to
// only read is never sent twice; if its answer is lost the *Error is Ambiguous.
//
// Go values travel by kind: nil as false (Odoo's empty), time.Time as text "2006-01-02 15:04:05" in UTC, []byte as base64 text,
// Many2One as its id, slices and maps with text keys as such. Anything else is an *Error of class Reject and nothing is sent.
func (c *Client) Execute(ctx context.Context, model, method string, args []any, kwargs map[string]any) (any, error) {
	return c.execute(ctx, model, method, args, kwargs, nil)
}

// execute is Execute, but for the items of a list: they go to rows one by one if that is not nil.
func (c *Client) execute(ctx context.Context, model, method string, args []any, kwargs map[string]any, rows rowSink) (any, error) {
	call := rpc{service: "object", method: "execute_kw", op: model + "." + method, repeatable: onlyReads[method]}
	cx, ok := mergeContext(kwargs["context"])
	if !ok {
		return nil, &Error{Class: Reject, Op: call.op, Message: "the context is no map"}
	}
	uid, err := c.session(ctx)
	if err != nil {
		return nil, err
	}
	named := map[string]any{}
	maps.Copy(named, kwargs)
	named["context"] = cx
	if args == nil {
		args = []any{}
	}
	v, err := c.send(ctx, call, []any{c.cfg.Database, uid, c.cfg.Password, model, method, args, named}, rows)
	return v, c.noteRefusal(err)
}

// onlyReads are the stock methods that change nothing, so that a lost answer may be asked for again.
var onlyReads = map[string]bool{
	"search": true, "search_count": true, "search_read": true, "read": true, "read_group": true, "exists": true,
	"name_get": true, "name_search": true, "fields_get": true, "default_get": true, "export_data": true,
	"get_metadata": true, "check_access_rights": true, "context_get": true, "has_group": true,
	"xmlid_to_res_id": true, "xmlid_to_res_model_res_id": true,
}

// mergeContext lays a call's context over the client's own.
func mergeContext(own any) (merged Context, ok bool) {
	merged = Context{"lang": "en_US"}
	switch cx := own.(type) {
	case nil:
	case Context:
		maps.Copy(merged, cx)
	case map[string]any:
		maps.Copy(merged, cx)
	default:
		return nil, false
	}
	return merged, true
}
