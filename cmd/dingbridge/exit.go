package main

import (
	"context"
	"errors"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
	"dingbridge/odoo"
)

// The exit codes; docs/commands.md lists them.
const (
	exitOK     = 0
	exitError  = 1 // something failed
	exitUsage  = 2 // a wrong command line, bad settings, or a mapping file with errors
	exitHalted = 3 // a far side cannot be reached or refuses the credentials
	exitRemain = 4 // done, but something is held, waits for a release, or differs
	exitLocked = 5 // another dingbridge is active on the store
)

// failure is an error that knows its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// usage marks an error of the command line or the settings.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &failure{code: exitUsage, err: err}
}

// errRemain ends a command that succeeded but left something for a person; what, it has told already.
var errRemain = &failure{code: exitRemain, err: errors.New("something is left for a person to decide")}

// quiet says that the command has told everything itself and only the exit code remains.
func quiet(err error) bool {
	var told *toldError
	return errors.Is(err, errRemain) || errors.As(err, &told)
}

// toldError is a failure whose words the command has printed already.
type toldError struct{ code int }

func (e *toldError) Error() string { return "told" }

// exitCode is the process's exit code for what a command returned.
func exitCode(err error) int {
	var known *failure
	var told *toldError
	var complaints mapping.Complaints
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &told):
		return told.code
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, bridge.ErrLocked):
		return exitLocked
	case errors.As(err, &complaints):
		return exitUsage
	case unreachable(err):
		return exitHalted
	default:
		return exitError
	}
}

// unreachable says whether the error is about a whole far side: not there, or not letting us in.
func unreachable(err error) bool {
	var f *bridge.Failure
	var oe *odoo.Error
	var de *dingtalk.Error
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &f) && f.Class == bridge.FailHalt:
		return true
	case errors.As(err, &oe):
		return oe.Class == odoo.Halt
	case errors.As(err, &de):
		return de.Class == dingtalk.Halt || de.Status == 0 && de.Code == "" && de.Err != nil
	}
	return false
}
