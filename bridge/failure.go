package bridge

import (
	"context"
	"errors"
	"time"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// FailureClass says what to do with a failed call. The clients decide it, this file translates it, settle acts on it.
type FailureClass string

// The classes of failure.
const (
	FailRetry   FailureClass = "retry"   // later, by itself
	FailReject  FailureClass = "reject"  // held until the record changes
	FailMissing FailureClass = "missing" // a reference is not there yet
	FailPending FailureClass = "pending" // until an event (invitation accepted)
	FailHalt    FailureClass = "halt"    // a whole scope pauses; no attempts are spent
)

// Failure is a failed call as the engine sees it.
type Failure struct {
	Class     FailureClass
	Scope     string        // of a halt
	After     time.Duration // of a retry: not before
	Free      bool          // no attempt is spent: throttling, nothing is wrong with the record
	Side      mapping.Side  // whose failure it is, "" = the engine's own
	Ambiguous bool          // the call may have been carried out
	Modified  bool          // Odoo's optimistic lock refused: reconcile again at once
	Field     string        // the far side's name of the refused field
	Holder    ID            // who holds a refused unique value
	Words     string        // the far side's own words
	Err       error
}

func (f *Failure) Error() string { return f.Words }

func (f *Failure) Unwrap() error { return f.Err }

// classify translates a client's error. nil stays nil; what nobody knows is a retry.
func classify(err error) *Failure {
	if err == nil {
		return nil
	}
	var known *Failure
	if errors.As(err, &known) {
		return known
	}
	f := &Failure{Class: FailRetry, Words: err.Error(), Err: err}
	var oe *odoo.Error
	var de *dingtalk.Error
	switch {
	case errors.Is(err, ErrLeaseLost):
		f.Free = true // nothing is wrong with the record, nor with a far side; whoever is active now does it
	case errors.As(err, &oe):
		f.Class, f.Scope, f.After, f.Ambiguous = FailureClass(oe.Class.String()), oe.Scope, oe.After, oe.Ambiguous
		f.Modified = odoo.IsModified(err)
		f.Side = mapping.Odoo
		f.Field = oe.Field
		f.Words = oe.Message
		if f.Scope == "" && f.Class == FailHalt {
			f.Scope = "odoo"
		}
	case errors.As(err, &de):
		f.Class, f.Scope, f.After, f.Ambiguous = FailureClass(de.Class.String()), de.Scope, de.After, de.Ambiguous
		f.Field, f.Holder = de.Field, ID(de.Holder)
		f.Free = dingtalk.IsThrottled(err)
		f.Side = mapping.DingTalk
		if de.Class == dingtalk.Retry && de.Code == "" && de.Status == 0 && !de.Ambiguous && !errors.Is(err, context.Canceled) {
			f.Class, f.Scope = FailHalt, "dingtalk" // no answer at all, and nothing was sent that may have been carried out
		}
		f.Words = de.Message
		if de.Code != "" {
			f.Words = de.Code + " " + de.Message
		}
		if f.Scope == dingtalk.ScopeCounted {
			f.Words = wordsQuotaGone
			if de.Code != "" {
				f.Words += ": " + de.Code + " " + de.Message
			}
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Ambiguous = true
	}
	if f.Words == "" {
		f.Words = err.Error()
	}
	return f
}

// reject is a refusal the engine itself decided, in the words a person will read.
func reject(field, words string) *Failure {
	return &Failure{Class: FailReject, Field: field, Words: words}
}
