package odoo

import (
	"context"
	"errors"
	"time"
)

// refusal is when and how Odoo refused the credentials.
type refusal struct {
	at  time.Time
	err *Error
}

// Authenticate asks Odoo to log in and keeps the uid. Refused credentials are an *Error of class Halt, scope "credentials"; Odoo
// does not say whether the login or the password is wrong, the user archived, or the address in its cool-down after ten failures
// (odoo/addons/base/models/res_users.py: _assert_can_auth). The client never tries twice by itself. A call of this method always
// asks, also while Config.RefusalHold makes Execute fail at once, and on success ends that.
func (c *Client) Authenticate(ctx context.Context) (int64, error) {
	if err := c.lockLogin(ctx); err != nil {
		return 0, err
	}
	defer c.unlockLogin()
	return c.authenticate(ctx)
}

// session returns the uid, logging in once for all who ask at the same time.
func (c *Client) session(ctx context.Context) (int64, error) {
	if err := c.holdOff(); err != nil {
		return 0, err
	}
	if uid := c.uid.Load(); uid > 0 {
		return uid, nil
	}
	if err := c.lockLogin(ctx); err != nil {
		return 0, err
	}
	defer c.unlockLogin()
	if err := c.holdOff(); err != nil {
		return 0, err
	}
	if uid := c.uid.Load(); uid > 0 {
		return uid, nil
	}
	return c.authenticate(ctx)
}

// authenticate makes the one call; the caller holds the login lock.
func (c *Client) authenticate(ctx context.Context) (int64, error) {
	call := rpc{service: "common", method: "authenticate", op: "authenticate"}
	v, err := c.send(ctx, call, []any{c.cfg.Database, c.cfg.Login, c.cfg.Password, map[string]any{}}, nil)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Ambiguous = false // logging in changes nothing
		}
		return 0, c.noteRefusal(err)
	}
	switch uid := v.(type) {
	case int64:
		c.uid.Store(uid)
		c.refused.Store(nil)
		return uid, nil
	case bool:
		return 0, c.noteRefusal(&Error{
			Class: Halt, Scope: ScopeCredentials, Op: "authenticate",
			Message: "Odoo refuses the login " + bounded(c.redact(c.cfg.Login)) + ": wrong login or password, archived user, or too many failures from this address",
		})
	}
	return 0, call.unexpected(v)
}

// noteRefusal remembers refused credentials, so that the next calls need not ask.
func (c *Client) noteRefusal(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Class == Halt && e.Scope == ScopeCredentials {
		c.uid.Store(0)
		c.refused.Store(&refusal{at: c.now(), err: e})
	}
	return err
}

// holdOff is the last refusal of the credentials while Config.RefusalHold lasts.
func (c *Client) holdOff() error {
	r := c.refused.Load()
	if r == nil {
		return nil
	}
	left := c.cfg.RefusalHold - c.now().Sub(r.at)
	if left <= 0 {
		return nil
	}
	again := *r.err
	again.After = left
	again.Ambiguous = false
	return &again
}

func (c *Client) lockLogin(ctx context.Context) error {
	select {
	case c.login <- struct{}{}:
		return nil
	case <-ctx.Done():
		return givenUp("authenticate", ctx.Err(), false)
	}
}

func (c *Client) unlockLogin() { <-c.login }
