package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type health struct {
	dead   error
	ready  bool
	report any
}

func (h health) Live() error                       { return h.dead }
func (h health) Ready(context.Context) (bool, any) { return h.ready, h.report }

// ask sends a request and returns the status and the body.
func ask(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	return ask(t, req)
}

func TestMux(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "dingbridge_test"}))
	halted := map[string]string{"odoo": "wrong password"}
	for _, c := range []struct {
		name   string
		h      health
		path   string
		status int
		body   string
	}{
		{"alive", health{}, PathLive, 200, `{"live":true}`},
		{"dead", health{dead: errors.New("the worker stands still")}, PathLive, 503, `{"error":"the worker stands still","live":false}`},
		{"ready", health{ready: true}, PathReady, 200, `{"ready":true,"report":null}`},
		{"not ready", health{report: halted}, PathReady, 503, `{"ready":false,"report":{"odoo":"wrong password"}}`},
		{"a report that is no JSON", health{report: func() {}}, PathReady, 500, "internal error"},
		{"metrics", health{}, PathMetrics, 200, "dingbridge_test 0"},
		{"callback off", health{}, PathCallback, 404, "404 page not found"},
		{"elsewhere", health{}, "/", 404, "404 page not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(NewMux(Endpoints{Health: c.h, Metrics: registry}))
			defer server.Close()
			status, body := get(t, server.URL+c.path, "")
			if status != c.status || !strings.Contains(body, c.body) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// start serves until the test ends, and returns the base address.
func start(t *testing.T, cfg Config, mux http.Handler) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Listen(ctx, cfg, mux)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr().String()
}

func TestToken(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		if s, err := Listen(context.Background(), Config{Listen: listen}, http.NotFoundHandler()); !errors.Is(err, ErrNoToken) {
			t.Errorf("%s without a token: %v", listen, err)
			if s != nil {
				_ = s.listener.Close()
			}
		}
	}
	mux := NewMux(Endpoints{Health: health{ready: true, report: "why"}, Metrics: prometheus.NewRegistry(), Callback: http.NotFoundHandler()})
	mux.HandleFunc("GET /inside", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	const token = "s3cret token"
	protected := start(t, Config{Listen: "0.0.0.0:0", Token: token}, mux)
	protected = "http://127.0.0.1" + protected[strings.LastIndex(protected, ":"):]
	for _, c := range []struct {
		path, header string
		status       int
	}{
		{PathLive, "", 200},
		{PathReady, "", 200},
		{PathCallback, "", 404}, // its own business
		{PathMetrics, "", 401},
		{PathMetrics, "Bearer " + token, 200},
		{PathMetrics, "bearer " + token, 200},
		{PathMetrics, "Basic " + token, 401},
		{PathMetrics, "Bearer wrong", 401},
		{PathMetrics, "Bearer", 401},
		{PathMetrics, "Bearer " + token + "x", 401},
		{"/inside", "", 401},
		{"/inside", "Bearer " + token, 204},
		{"/healthz/", "", 401},
		{"/unknown", "", 401},
		{"//metrics", "", 401},
	} {
		if status, body := get(t, protected+c.path, c.header); status != c.status {
			t.Errorf("%s with %q: %d %s", c.path, c.header, status, body)
		} else if strings.Contains(body, token) {
			t.Errorf("%s prints the token", c.path)
		}
	}
	if _, body := get(t, protected+PathReady, ""); body != `{"ready":true}`+"\n" {
		t.Errorf("a stranger is told %s", body)
	}
	if _, body := get(t, protected+PathReady, "Bearer "+token); !strings.Contains(body, `"report":"why"`) {
		t.Errorf("who brings the token is told %s", body)
	}
	free := start(t, Config{Listen: "localhost:0"}, mux)
	if _, body := get(t, free+PathReady, ""); !strings.Contains(body, `"report":"why"`) {
		t.Errorf("this machine is told %s", body)
	}
	if status, _ := get(t, free+PathMetrics, ""); status != 200 {
		t.Errorf("metrics on this machine: %d", status)
	}
}

func TestServe(t *testing.T) {
	t.Run("the address is taken", func(t *testing.T) {
		base := start(t, Config{Listen: "127.0.0.1:0"}, http.NotFoundHandler())
		if err := Serve(context.Background(), Config{Listen: strings.TrimPrefix(base, "http://")}, http.NotFoundHandler()); err == nil {
			t.Error("served on a taken address")
		}
	})
	t.Run("requests in work are finished", func(t *testing.T) {
		entered, release := make(chan struct{}), make(chan struct{})
		mux := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-release
			_, _ = io.WriteString(w, "done")
		})
		ctx, cancel := context.WithCancel(context.Background())
		s, err := Listen(ctx, Config{Listen: "127.0.0.1:0", Grace: time.Minute}, mux)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		go func() {
			<-entered
			cancel()
			close(release)
		}()
		if status, body := get(t, "http://"+s.Addr().String(), ""); status != 200 || body != "done" {
			t.Errorf("%d %s", status, body)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Run("what lasts longer is cut", func(t *testing.T) {
		entered := make(chan struct{})
		mux := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancel(context.Background())
		s, err := Listen(ctx, Config{Listen: "127.0.0.1:0", Grace: time.Millisecond}, mux)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		go func() {
			<-entered
			cancel()
		}()
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.Addr().String(), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			t.Error("the request was not cut")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
