package odoo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/kolo/xmlrpc"
)

// answer is what the answer of one call turned out to be, while and after it is read.
type answer struct {
	call rpc
	rows rowSink // takes the items of a list; nil if they are kept in value

	value    any
	failure  *Error // a fault, or an answer that cannot be read
	refused  error  // what rows said
	replaced int64  // characters that XML does not allow
}

type answerKey struct{}

// decoding decodes an answer while it arrives, and to its end before anybody decides about it, so that one cut off half-way counts as
// lost. What is no XML-RPC is read in part and put back.
type decoding struct {
	next http.RoundTripper
	most int64
}

// errTooLarge is an answer over Config.MaxResponse, or with a part over the bounds of the decoder.
var errTooLarge = errors.New("the answer is too large")

// RoundTrip implements http.RoundTripper.
func (r decoding) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	a, asked := req.Context().Value(answerKey{}).(*answer)
	var page []byte
	switch {
	case !asked || !isXMLRPC(resp):
		page, err = io.ReadAll(io.LimitReader(resp.Body, maxErrorPage))
	case resp.ContentLength > r.most:
		err = tooLarge(r.most)
	default:
		err = a.read(&atMost{in: resp.Body, left: r.most, most: r.most})
	}
	if closing := resp.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(page))
	return resp, nil
}

func isXMLRPC(resp *http.Response) bool {
	return resp.StatusCode == http.StatusOK && strings.Contains(resp.Header.Get("Content-Type"), "xml")
}

// read decodes the answer. An error is one of the reader: the answer is lost.
func (a *answer) read(in io.Reader) error {
	*a = answer{call: a.call, rows: a.rows}
	var row func(Record) error
	if a.rows != nil {
		a.rows.begin()
		row = func(r Record) error {
			a.refused = a.rows.row(r)
			return a.refused
		}
	}
	d := newDecoder(in)
	v, err := d.answer(row)
	a.replaced = d.replaced
	var fault *xmlrpc.FaultError
	var malformed malformedError
	switch {
	case err == nil:
		a.value = v
	case a.refused != nil: // what is left of the answer does not matter
	case errors.As(err, &fault):
		a.failure = newFault(a.call, fault.Code, fault.String)
	case errors.As(err, &malformed):
		a.failure = a.call.malformed(malformed)
	default:
		return err
	}
	return nil
}

// atMost reads no more than it may; a longer input is errTooLarge.
type atMost struct {
	in         io.Reader
	left, most int64
}

// Read implements io.Reader.
func (r *atMost) Read(p []byte) (int, error) {
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1]
	}
	n, err := r.in.Read(p)
	if r.left -= int64(n); r.left < 0 {
		return 0, tooLarge(r.most)
	}
	return n, err
}

func tooLarge(most int64) error { return fmt.Errorf("%w: more than %d bytes", errTooLarge, most) }
