package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// DefaultListen is reachable from this machine only.
const DefaultListen = "127.0.0.1:8460"

// ErrNoToken is returned when the address can be reached from outside and no token protects it.
var ErrNoToken = errors.New("listening beyond this machine needs http.token")

// Config says where and how to listen. The zero value listens on DefaultListen; a duration of 0 is its default.
type Config struct {
	Listen string // host:port
	// Token is what callers send as "Authorization: Bearer …" on every path but health, readiness and the callback. It is
	// required when Listen is not a loopback address, and asked for wherever it is set. Readiness tells why only to who sends it.
	Token         string
	HeaderTimeout time.Duration // for the request's header, 5 s
	ReadTimeout   time.Duration // for the whole request, 15 s
	WriteTimeout  time.Duration // for the answer, 30 s
	IdleTimeout   time.Duration // between requests, 60 s
	Grace         time.Duration // for requests in work when stopping, 5 s
	Logger        *zap.Logger   // nil: silence
}

// Server is bound to its address, so that nobody else can take it, and serves once Run is called.
type Server struct {
	listener net.Listener
	http     *http.Server
	grace    time.Duration
}

// Serve listens and serves until ctx ends, then lets the requests in work finish. It returns nil after such an end.
func Serve(ctx context.Context, cfg Config, mux http.Handler) error {
	s, err := Listen(ctx, cfg, mux)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Listen binds the address. ErrNoToken (errors.Is) means that it is reachable from outside and unprotected.
func Listen(ctx context.Context, cfg Config, mux http.Handler) (*Server, error) {
	cfg = cfg.withDefaults()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	// What counts is the address that was bound, not how it was written.
	if at, ok := l.Addr().(*net.TCPAddr); cfg.Token == "" && (!ok || !at.IP.IsLoopback()) {
		return nil, errors.Join(fmt.Errorf("%w (%s)", ErrNoToken, cfg.Listen), l.Close())
	}
	errorLog, err := zap.NewStdLogAt(cfg.Logger, zap.WarnLevel)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &Server{listener: l, grace: cfg.Grace, http: &http.Server{
		Handler:           protect(cfg.Token, mux),
		ReadHeaderTimeout: cfg.HeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          errorLog,
	}}, nil
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.HeaderTimeout, 5*time.Second)
	set(&c.ReadTimeout, 15*time.Second)
	set(&c.WriteTimeout, 30*time.Second)
	set(&c.IdleTimeout, time.Minute)
	set(&c.Grace, 5*time.Second)
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return c
}

// Addr is the bound address, with the real port where 0 was asked for.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, once. Requests in work have the grace period to finish; what lasts longer is cut.
func (s *Server) Run(ctx context.Context) error {
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed = s.http.Serve(s.listener)
	}()
	select {
	case <-ended:
		return fmt.Errorf("serve HTTP: %w", failed)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := s.http.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-ended
	return err
}

// open are the paths that strangers may ask: the callback is protected by its signature, health by telling nothing.
var open = map[string]bool{PathCallback: true, PathLive: true, PathReady: true}

// strangerKey marks the context of a request that did not bring the token.
type strangerKey struct{}

func stranger(ctx context.Context) bool { return ctx.Value(strangerKey{}) != nil }

// protect asks for the bearer token (RFC 6750) wherever it is set.
func protect(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token)) // of equal length, so that the comparison tells nothing about it
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			if !open[r.URL.Path] {
				w.Header().Set("WWW-Authenticate", `Bearer realm="dingbridge"`)
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), strangerKey{}, true))
		}
		next.ServeHTTP(w, r)
	})
}
