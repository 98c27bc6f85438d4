// Package fence stops an HTTP request that cannot be taken back at the last moment, when whoever sends it has lost the right to.
package fence

import (
	"context"
	"io"
	"net/http"
)

// Refused is the error of a request that was stopped: the far side has not got it.
type Refused struct{ Err error }

func (r *Refused) Error() string { return "not sent: " + r.Err.Error() }

// Unwrap returns why.
func (r *Refused) Unwrap() error { return r.Err }

// Transport asks check twice about every request that applies names: before the request is handed to next, where check may take its time,
// and again when the first byte of its body is about to be written, after a connection was found. The error of either is the request's, as
// *Refused. What remains is the moment between the second answer and the system call that writes. A request without a body is asked about
// once. next alone is returned when there is nothing to check.
func Transport(next http.RoundTripper, applies func(context.Context) bool, check func(context.Context) error) http.RoundTripper {
	if check == nil {
		return next
	}
	return transport{next: next, applies: applies, check: check}
}

type transport struct {
	next    http.RoundTripper
	applies func(context.Context) bool
	check   func(context.Context) error
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if !t.applies(ctx) {
		return t.next.RoundTrip(req)
	}
	if err := t.check(ctx); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper closes it, whatever happens
		}
		return nil, &Refused{err}
	}
	if req.Body == nil || req.Body == http.NoBody {
		return t.next.RoundTrip(req)
	}
	guarded := req.Clone(ctx)
	guarded.Body = &body{ReadCloser: req.Body, check: t.check, ctx: ctx}
	if again := req.GetBody; again != nil {
		guarded.GetBody = func() (io.ReadCloser, error) {
			b, err := again()
			if err != nil {
				return nil, err
			}
			return &body{ReadCloser: b, check: t.check, ctx: ctx}, nil
		}
	}
	return t.next.RoundTrip(guarded)
}

// body asks before its first byte.
type body struct {
	io.ReadCloser
	check func(context.Context) error
	ctx   context.Context
	asked bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if !b.asked {
		b.asked = true
		if err := b.check(b.ctx); err != nil {
			return 0, &Refused{err}
		}
	}
	return b.ReadCloser.Read(p)
}
