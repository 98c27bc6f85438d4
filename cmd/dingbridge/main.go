// Command dingbridge keeps an Odoo 12 database and a DingTalk (钉钉) organisation in step. Every file of this package is one
// command, or what several commands share: settings, texts, exit codes, progress, and the wiring of the packages below.
//
// It decides nothing about records: that belongs to package bridge.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// garbage is how much the heap may grow before it is cleaned up, in percent of what is in use. Go's own 100 would make the sweep of a
// large company take half as much memory again. GOGC in the environment decides otherwise.
const garbage = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, &app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}
