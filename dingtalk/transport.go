package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/hashicorp/go-retryablehttp"

	"dingbridge/fence"
	"dingbridge/redact"
)

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 16 << 20

// request is one call before it is sent.
type request struct {
	method  string
	path    string // key of the limiter, the statistics and the errors; its {…} stand for args, so that those hold no ids
	args    []string
	v1      bool // of the new generation: other host, other place for the token, other envelope
	query   url.Values
	body    any
	once    string // the x-client-token: what comes with the same one is the same call
	read    bool   // changes nothing, so the transport may repeat it
	noToken bool
	upload  *upload  // instead of a body
	base    string   // where it goes instead of the host of its generation
	secrets []string // that it carries besides the app's own: the answer's words may repeat them
}

type callKey struct{}

// callInfo travels with the context of a request down to the transports.
type callInfo struct {
	path string
	read bool
}

func infoOf(ctx context.Context) callInfo {
	info, _ := ctx.Value(callKey{}).(callInfo)
	return info
}

func defaultTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// newHTTP stacks, from the outside: resty (no retries of its own), retryablehttp, and one attempt = limiter + deadline.
func newHTTP(cfg Config, limits *limiters) *resty.Client {
	next := fence.Transport(cfg.HTTPTransport, func(ctx context.Context) bool { return !infoOf(ctx).read }, cfg.BeforeWrite)
	attempts := &attemptTransport{next: next, limits: limits, timeout: cfg.Timeout}
	retrying := &retryablehttp.RoundTripper{Client: &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: attempts, CheckRedirect: noRedirect},
		RetryMax:     cfg.Retries,
		RetryWaitMin: cfg.RetryWait,
		RetryWaitMax: cfg.RetryWait * 8,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: answerOrError,
	}}
	client := resty.NewWithClient(&http.Client{Transport: retrying, CheckRedirect: noRedirect})
	client.SetHeader("User-Agent", cfg.UserAgent)
	client.SetLogger(silent{}) // resty's own log lines would carry URLs
	return client
}

// noRedirect hands the redirect back as the answer: following it would carry the token to wherever it points.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// checkRetry repeats what never reached the far side, and reads after a server's failure. Refusals (4xx, errcodes) are never
// repeated here: they are for the caller, who sees all records.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	var refused *fence.Refused
	if errors.As(err, &refused) {
		return false, nil
	}
	if err != nil {
		var own *Error
		return !errors.As(err, &own) && (unsent(err) || infoOf(ctx).read), nil
	}
	return infoOf(ctx).read && resp.StatusCode >= 500, nil
}

// answerOrError hands on one of the two: net/http writes a line to standard error, past every logger, where it gets both.
func answerOrError(resp *http.Response, err error, _ int) (*http.Response, error) {
	if err != nil && resp != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp, err
}

// backoff doubles the pause; a Retry-After is left to the classification, which bounds it.
func backoff(low, high time.Duration, attempt int, _ *http.Response) time.Duration {
	return min(low<<min(attempt, 16), high)
}

// unsent reports that no connection came about, so that nothing can have taken effect.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// attemptTransport makes one attempt: it waits for the path's limiter, then bounds connecting, sending and reading the whole
// answer by one deadline. An answer that is cut short or too long is an error here, where reads can still be repeated.
type attemptTransport struct {
	next    http.RoundTripper
	limits  *limiters
	timeout time.Duration
}

func (t *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.limits.wait(req.Context(), infoOf(req.Context()).path); err != nil {
		closeBody(req)
		return nil, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("answer cut short: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("answer longer than %d bytes", maxAnswer)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

func (c *Client) read(ctx context.Context, path string, body Object) (Object, error) {
	return c.do(ctx, request{method: http.MethodPost, path: path, body: body, read: true})
}

func (c *Client) write(ctx context.Context, path string, body Object) (Object, error) {
	return c.do(ctx, request{method: http.MethodPost, path: path, body: body})
}

// do makes a call with the app's token and returns the answer's top level. A refused token is replaced and the call made once
// more: the gateway refuses it before anything is done, so this holds for writes too.
func (c *Client) do(ctx context.Context, r request) (Object, error) {
	for second := false; ; second = true {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		answer, failure := c.send(ctx, r, token)
		if failure == nil {
			return answer, nil
		}
		if !failure.tokenRefused() {
			return nil, failure
		}
		c.tokens.drop(token)
		if second {
			failure.Class, failure.Scope, failure.After = Halt, ScopeApp, c.cfg.pause(time.Minute)
			return nil, failure
		}
	}
}

// send makes a call once (the transport may repeat a read) and judges the answer.
func (c *Client) send(ctx context.Context, r request, token string) (Object, *Error) {
	if wait := c.bar.remaining(c.cfg.Now()); wait > 0 {
		return nil, &Error{Class: Halt, Scope: ScopeIP, After: wait, API: r.path, Message: "this address is barred by DingTalk, no call was made"}
	}
	if again := c.quota.refuse(r.path, c.cfg.Now()); again != nil {
		return nil, again
	}
	if err := ctx.Err(); err != nil {
		return nil, &Error{Class: Retry, API: r.path, Err: err}
	}
	resp, err := c.transmit(ctx, r, token)
	secrets := redact.New(append([]string{token, c.cfg.AppSecret}, r.secrets...)...)
	if err != nil {
		return nil, transportFailure(r, err, secrets)
	}
	answer, failure := judge(r, resp.StatusCode(), resp.Header(), resp.Body(), c.cfg.Now(), secrets)
	if failure == nil {
		c.limits.passed(r.path)
		c.quota.answered(ctx, r.path)
		return answer, nil
	}
	failure.After = c.cfg.pause(failure.After)
	switch {
	case failure.barred():
		c.bar.set(c.cfg.Now().Add(failure.After))
	case failure.throttled():
		failure.After = max(failure.After, c.limits.pushBack(r.path))
	case failure.Scope == ScopeCounted:
		c.quota.exhausted(failure, c.cfg.Now())
	case failure.Code != "" && !failure.quota():
		c.quota.answered(ctx, r.path)
	}
	return nil, failure
}

func (c *Client) transmit(ctx context.Context, r request, token string) (*resty.Response, error) {
	ctx = context.WithValue(ctx, callKey{}, callInfo{path: r.path, read: r.read})
	req := c.http.R().SetContext(ctx).SetHeader("Accept", "application/json")
	base := c.cfg.OAPI
	if r.v1 {
		base = c.cfg.API
	}
	if r.base != "" {
		base = r.base
	}
	for key, values := range r.query {
		req.QueryParam[key] = values
	}
	switch {
	case r.noToken:
	case r.v1:
		req.SetHeader("x-acs-dingtalk-access-token", token)
	default:
		req.SetQueryParam("access_token", token)
	}
	if r.body != nil {
		raw, err := marshal(r.body)
		if err != nil {
			return nil, &Error{Class: Reject, API: r.path, Message: "the request is not representable in JSON"}
		}
		req.SetHeader("Content-Type", "application/json").SetBody(raw)
	}
	if r.upload != nil {
		req.SetHeader("Content-Type", r.upload.contentType).SetBody(r.upload.body)
	}
	if r.once != "" {
		req.SetHeader(ClientToken, r.once)
	}
	return req.Execute(r.method, base+r.address())
}

// address is the path with every {…} replaced by its argument.
func (r request) address() string {
	var b strings.Builder
	rest := r.path
	for _, arg := range r.args {
		before, after, _ := strings.Cut(rest, "{")
		_, rest, _ = strings.Cut(after, "}")
		b.WriteString(before + url.PathEscape(arg))
	}
	return b.String() + rest
}

// transportFailure turns an error of the transport into an Error. http.Client prints the whole URL, token included: its wrapping is
// taken off, and whatever still shows a secret is reduced to its text without it.
func transportFailure(r request, err error, secrets *redact.Words) *Error {
	var own *Error
	if errors.As(err, &own) {
		own.API = r.path
		return own
	}
	for {
		wrapped, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = wrapped.Err
	}
	var refused *fence.Refused
	e := &Error{Class: Retry, API: r.path, Ambiguous: !r.read && !unsent(err) && !errors.As(err, &refused), Err: err}
	if s := secrets.Cut(err.Error(), maxMessage); s != err.Error() {
		e.Err = errors.New(s)
	}
	return e
}
