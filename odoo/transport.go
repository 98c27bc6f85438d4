package odoo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/kolo/xmlrpc"

	"dingbridge/fence"

	"dingbridge/redact"
)

const (
	maxWait      = 10 * time.Second // longest pause between two attempts of one call
	maxAfter     = time.Hour        // longest Retry-After that is believed
	maxErrorPage = 64 << 10         // bytes read of an answer that is no XML-RPC
)

// rpc names one XML-RPC call.
type rpc struct {
	service    string // common or object
	method     string // the XML-RPC method
	op         string // what errors call it: model.method
	repeatable bool   // it changes nothing, so that it may be sent again
}

// malformed is an answer that cannot be understood. What the call did is unknown.
func (call rpc) malformed(err error) *Error {
	return &Error{Class: Retry, Op: call.op, Ambiguous: !call.repeatable, Message: "the answer cannot be read: " + err.Error()}
}

// unexpected is a well-formed answer of a type the method does not have.
func (call rpc) unexpected(v any) *Error {
	return call.malformed(fmt.Errorf("a %T was not expected", v))
}

// rowSink takes the rows of an answer one by one. An answer that was cut off may be asked for again: its rows then begin anew.
type rowSink interface {
	begin()
	row(Record) error
}

// send makes the call and decodes its answer; with rows, which may be nil, the items of a list go there. Every failure is an *Error
// or what rows returned, and none contains the password.
func (c *Client) send(ctx context.Context, call rpc, params []any, rows rowSink) (any, error) {
	a := &answer{call: call, rows: rows}
	err := c.exchange(ctx, a, params)
	if err == nil && a.refused != nil {
		return nil, a.refused
	}
	if err != nil {
		err.Message = bounded(c.redact(err.Message))
		return nil, err
	}
	return a.value, nil
}

func (c *Client) redact(text string) string { return c.secrets.Text(text) }

func (c *Client) exchange(ctx context.Context, a *answer, params []any) *Error {
	call := a.call
	req, err := call.request(ctx, c.cfg.URL, params)
	if err != nil {
		return &Error{Class: Reject, Op: call.op, Message: "this cannot be sent: " + err.Error()}
	}
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return givenUp(call.op, err, false)
	}
	defer c.slots.Release(1)

	timed, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var seen progress
	req = req.WithContext(seen.trace(context.WithValue(timed, answerKey{}, a)))
	resp, err := c.http.Do(req)
	if err != nil {
		return c.lost(ctx, timed, call, err, seen.sent(err))
	}
	body, err := io.ReadAll(resp.Body) // it is in memory already, see decoding
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return c.lost(ctx, timed, call, err, true)
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.date.Store(at.Unix())
	}
	if !isXMLRPC(resp) {
		return call.noXMLRPC(resp, body, c.secrets)
	}
	c.sanitised.Add(a.replaced)
	return a.failure
}

func (call rpc) request(ctx context.Context, base string, params []any) (*retryablehttp.Request, error) {
	args, err := wireValue(params)
	if err != nil {
		return nil, err
	}
	req, err := xmlrpc.NewRequest(base+"/"+call.service, call.method, args)
	if err != nil {
		return nil, err
	}
	return retryablehttp.FromRequest(req.WithContext(ctx))
}

// newTransport is the default transport. Odoo itself closes every connection; a proxy before it may keep them.
func newTransport(parallel int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxConnsPerHost:        parallel,
		MaxIdleConnsPerHost:    parallel,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // Odoo does not compress, and a compressed answer could outgrow its bound
	}
}

// newHTTP is the client under all calls. Redirects are refused: following one would turn the POST into a GET.
func newHTTP(cfg Config) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     decoding{next: fence.Transport(cfg.HTTPTransport, changes, cfg.BeforeWrite), most: cfg.MaxResponse},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     max(cfg.Retries, 0),
		CheckRetry:   checkRetry,
		Backoff:      backoff(cfg.RetryWait),
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// callOf is the call that the request of the context makes.
func callOf(ctx context.Context) rpc {
	if a, _ := ctx.Value(answerKey{}).(*answer); a != nil {
		return a.call
	}
	return rpc{}
}

// changes says whether the call changes something. A login is not repeated either, but changes nothing.
func changes(ctx context.Context) bool {
	call := callOf(ctx)
	return call.service == "object" && !call.repeatable
}

// checkRetry decides whether a call is sent again: where no connection came about always, a 429 always (a proxy turned the call
// away), any other failure only for calls that change nothing.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil && notDialed(err) {
		return true, nil
	}
	if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
		return true, nil
	}
	if !callOf(ctx).repeatable || errors.Is(err, errTooLarge) {
		return false, nil
	}
	return err != nil || resp.StatusCode >= 500, nil
}

// backoff doubles the wait, spreads it over its upper half and follows Retry-After, all up to maxWait.
func backoff(first time.Duration) retryablehttp.Backoff {
	return func(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
		wait := min(first<<min(attempt, 10), maxWait)
		wait = wait/2 + rand.N(wait/2+1)
		if resp != nil {
			wait = max(wait, min(retryAfter(resp), maxWait))
		}
		return wait
	}
}

// retryAfter is the wait an answer asks for in seconds, 0 if it asks for none.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxAfter)
}

// progress knows how far a call came.
type progress struct{ asked, connected atomic.Bool }

func (p *progress) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	})
}

// sent reports whether the call may have reached Odoo. Without proof of the contrary it may.
func (p *progress) sent(err error) bool {
	if p.connected.Load() {
		return true
	}
	return !p.asked.Load() && !notDialed(err)
}

// notDialed reports whether the connection itself failed, so that nothing was sent.
func notDialed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// lost is a call without an answer.
func (c *Client) lost(ctx, timed context.Context, call rpc, err error, sent bool) *Error {
	var refused *fence.Refused
	if errors.As(err, &refused) {
		return &Error{Class: Retry, Op: call.op, Message: refused.Error(), Err: refused}
	}
	e := &Error{Class: Retry, Op: call.op, Ambiguous: sent && !call.repeatable, Err: withoutURL(err)}
	switch {
	case ctx.Err() != nil:
		return givenUp(call.op, ctx.Err(), e.Ambiguous)
	case errors.Is(err, errTooLarge):
		e.Class, e.Message = Reject, e.Err.Error()
	case timed.Err() != nil && sent:
		e.Err, e.Message = timed.Err(), "no answer within "+c.cfg.Timeout.String()
	case timed.Err() != nil:
		e.Class, e.Scope, e.Err, e.Message = Halt, ScopeOdoo, timed.Err(), "no connection within "+c.cfg.Timeout.String()
	case sent:
		e.Message = "the connection was lost before the answer came: " + e.Err.Error()
	default:
		e.Class, e.Scope, e.Message = Halt, ScopeOdoo, "Odoo cannot be reached: "+e.Err.Error()
	}
	return e
}

// givenUp is a call that the caller's own context ended.
func givenUp(op string, err error, ambiguous bool) *Error {
	return &Error{Class: Retry, Op: op, Ambiguous: ambiguous, Message: "given up: " + err.Error(), Err: err}
}

// withoutURL takes off the method and URL that net/http puts around an error.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// noXMLRPC is an answer of another kind: a proxy's, or the HTML page of an overloaded server (HTTP 500 when the connection pool
// is exhausted).
func (call rpc) noXMLRPC(resp *http.Response, body []byte, secrets *redact.Words) *Error {
	e := &Error{Class: Halt, Scope: ScopeOdoo, Op: call.op, After: retryAfter(resp), Message: "HTTP status " + strconv.Itoa(resp.StatusCode)}
	switch code := resp.StatusCode; {
	case code >= 500:
		e.Class, e.Scope, e.Ambiguous = Retry, "", !call.repeatable
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		e.Class, e.Scope = Retry, ""
	case code == http.StatusRequestEntityTooLarge:
		e.Class, e.Scope, e.Message = Reject, "", e.Message+": the call is too large for the proxy before Odoo"
	case code == http.StatusOK:
		e.Message = "the answer is " + strconv.Quote(resp.Header.Get("Content-Type")) + ", no XML: this is no XML-RPC address"
	case code >= 300 && code < 400:
		e.Message += ": the address redirects" + target(resp) + ", set that one"
	default:
		e.Message += ": this is no XML-RPC address of Odoo"
	}
	if text := strings.TrimSpace(string(body[:min(len(body), 4000)])); text != "" && !strings.HasPrefix(text, "<") {
		e.Message += ": " + secrets.Cut(strings.ToValidUTF8(text, "\uFFFD"), 200) // cut last: half a secret would not be found
	}
	return e
}

// target is where a redirect leads, without path and query.
func target(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return ""
	}
	return " to " + to.Scheme + "://" + to.Host
}
