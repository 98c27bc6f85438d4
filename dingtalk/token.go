package dingtalk

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const pathToken = "/v1.0/oauth2/accessToken"

const (
	tokenMargin  = 10 * time.Minute // refresh so long before the end (API 调用步骤详解)
	tokenRetry   = 30 * time.Second // after a failed refresh; bad credentials are not tried again sooner either
	tokenDefault = 2 * time.Hour    // documented life, should the answer not tell
)

// tokenSource keeps the app's access token. Within its life DingTalk hands out the same token again and prolongs it, so
// several processes with one AppKey do not disturb each other (获取企业内部应用的accessToken).
type tokenSource struct {
	c      *Client
	flight singleflight.Group

	mu      sync.Mutex
	token   string
	refresh time.Time // from here on a new one is fetched
	expires time.Time
	refused *Error // the last fetch was refused for the credentials
	again   time.Time
}

func newTokenSource(c *Client) *tokenSource { return &tokenSource{c: c} }

// get returns a token that lives. Any number of callers wait for one fetch; a caller whose ctx ends leaves the others
// waiting. A token near its end serves on while its successor is being fetched.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	token, fresh, err := s.cached()
	if err != nil || fresh {
		return token, err
	}
	done := s.flight.DoChan("token", func() (any, error) {
		if token, fresh, err := s.cached(); err != nil || fresh { // fetched while we came here
			return token, err
		}
		return s.fetch(context.WithoutCancel(ctx))
	})
	if token != "" {
		return token, nil
	}
	select {
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", &Error{Class: Retry, API: pathToken, Err: ctx.Err()}
	}
}

// cached returns the token at hand if it lives, and whether it need not be refreshed yet.
func (s *tokenSource) cached() (token string, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.cfg.Now()
	switch {
	case s.token != "" && now.Before(s.expires):
		return s.token, now.Before(s.refresh), nil
	case s.refused != nil && now.Before(s.again):
		refused := *s.refused
		return "", false, &refused
	}
	return "", false, nil
}

// fetch asks for a token. While the old one still lives, a failure only postpones the refresh.
func (s *tokenSource) fetch(ctx context.Context) (string, error) {
	answer, failure := s.c.send(ctx, request{
		method: http.MethodPost, path: pathToken, v1: true, noToken: true, read: true,
		body: Object{"appKey": s.c.cfg.AppKey, "appSecret": s.c.cfg.AppSecret},
	}, "")
	token := answer.Text("accessToken")
	if failure == nil && token == "" {
		failure = incomplete(pathToken, "no accessToken")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.cfg.Now()
	switch {
	case failure != nil && s.token != "" && now.Before(s.expires):
		s.refresh = now.Add(s.c.cfg.pause(tokenRetry))
		return s.token, nil
	case failure != nil:
		if failure.Class == Halt && failure.Scope == ScopeApp {
			s.refused, s.again = failure, now.Add(s.c.cfg.pause(tokenRetry))
		}
		return "", failure
	}
	life := tokenDefault
	if seconds, ok := answer.Int("expireIn"); ok && seconds > 0 {
		life = time.Duration(min(seconds, 86400)) * time.Second
	}
	s.token, s.refused = token, nil
	s.expires = now.Add(life)
	s.refresh = s.expires.Add(-min(tokenMargin, life/4))
	return token, nil
}

// current is the token at hand, "" for none.
func (s *tokenSource) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// drop forgets the token if it is still the one that was refused: of many calls refused together only the first makes a
// difference.
func (s *tokenSource) drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}
