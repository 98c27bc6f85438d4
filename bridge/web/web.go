// Package web is the bridge's HTTP face: liveness, readiness, metrics, and the address DingTalk pushes events to.
//
// It knows neither the engine nor the store: what it reports comes from a Health, and what it receives goes into an Inbox.
package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// The addresses.
const (
	PathLive     = "/healthz"
	PathReady    = "/readyz"
	PathMetrics  = "/metrics"
	PathCallback = "/dingtalk/callback"
)

// Health tells how the bridge is.
type Health interface {
	// Live returns why the process should be restarted, or nil.
	Live() error
	// Ready reports whether everything that is configured is working, and what is halted and why, as a value for JSON. It must
	// not call the far sides: it is asked every few seconds.
	Ready(ctx context.Context) (ok bool, report any)
}

// Endpoints are what NewMux serves. Health and Metrics are needed.
type Endpoints struct {
	Health   Health
	Metrics  prometheus.Gatherer
	Callback http.Handler // nil: events do not come by HTTP
	Logger   *zap.Logger  // nil: silence
}

// NewMux puts the endpoints on their paths. Further handlers may be added to the mux; Serve protects them.
func NewMux(e Endpoints) *http.ServeMux {
	log := e.Logger
	if log == nil {
		log = zap.NewNop()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+PathLive, func(w http.ResponseWriter, _ *http.Request) {
		if err := e.Health.Live(); err != nil {
			answer(w, log, http.StatusServiceUnavailable, map[string]any{"live": false, "error": err.Error()})
			return
		}
		answer(w, log, http.StatusOK, map[string]any{"live": true})
	})
	mux.HandleFunc("GET "+PathReady, func(w http.ResponseWriter, r *http.Request) {
		ok, report := e.Health.Ready(r.Context())
		status := http.StatusOK
		if !ok {
			status = http.StatusServiceUnavailable
		}
		told := map[string]any{"ready": ok}
		if !stranger(r.Context()) { // the reasons name servers and permissions
			told["report"] = report
		}
		answer(w, log, status, told)
	})
	mux.Handle("GET "+PathMetrics, promhttp.HandlerFor(e.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	if e.Callback != nil {
		mux.Handle(PathCallback, e.Callback)
	}
	return mux
}

// answer writes the value as JSON.
func answer(w http.ResponseWriter, log *zap.Logger, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		log.Error("an answer cannot be written as JSON", zap.Error(err))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		log.Debug("the caller left before its answer", zap.Error(err))
	}
}
