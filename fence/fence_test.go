package fence

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

var errGone = errors.New("the right is gone")

// far counts the requests it got whole.
func far(t *testing.T) (url string, got *atomic.Int32) {
	got = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil && string(body) == "write" {
			got.Add(1)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func post(t *testing.T, client *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte("write")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return err
}

func always(context.Context) bool { return true }

func TestNothingIsSentOnceTheRightIsGone(t *testing.T) {
	url, got := far(t)
	for refuseAt := range int32(4) { // two questions a request; the last round refuses the second one of a connection used before
		got.Store(0)
		var asked atomic.Int32
		next := &http.Transport{}
		client := &http.Client{Transport: Transport(next, always, func(context.Context) error {
			if asked.Add(1) > refuseAt {
				return errGone
			}
			return nil
		})}
		sent := 0
		for range 2 {
			err := post(t, client, url)
			var refused *Refused
			switch {
			case err == nil:
				sent++
			case !errors.Is(err, errGone) || !errors.As(err, &refused):
				t.Errorf("refused at %d: %v", refuseAt, err)
			}
		}
		if want := int(refuseAt) / 2; sent != want || int(got.Load()) != want {
			t.Errorf("refused at %d: %d were sent and %d arrived, not %d", refuseAt, sent, got.Load(), want)
		}
		next.CloseIdleConnections()
	}
}

func TestWhatMayBeRepeatedIsNotAskedAbout(t *testing.T) {
	url, got := far(t)
	next := &http.Transport{}
	defer next.CloseIdleConnections()
	client := &http.Client{Transport: Transport(next, func(context.Context) bool { return false }, func(context.Context) error { return errGone })}
	if err := post(t, client, url); err != nil || got.Load() != 1 {
		t.Errorf("%v, %d arrived", err, got.Load())
	}
	if Transport(next, always, nil) != http.RoundTripper(next) {
		t.Error("without a question the transport is not the one it was given")
	}
}

func TestARewoundBodyIsAskedAboutAgain(t *testing.T) {
	asked := 0
	stub := roundTripper(func(req *http.Request) (*http.Response, error) {
		if _, err := io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		again, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		_, err = io.ReadAll(again)
		return nil, err
	})
	tr := Transport(stub, always, func(context.Context) error {
		if asked++; asked > 2 {
			return errGone
		}
		return nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", strings.NewReader("write"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.RoundTrip(req); !errors.Is(err, errGone) {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
