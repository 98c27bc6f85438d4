package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/odoo"
)

// app is what all commands share: where they read and write, the language, and the settings file.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	lang     language
	config   string
	now      func() time.Time // the daemon's clock; nil: the machine's
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, a *app, args []string) int {
	a.lang = languageOf(a.env)
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err != nil && !quiet(err) {
		_, _ = fmt.Fprintln(a.err, "dingbridge: "+a.words(err)) // with no standard error left, the exit code remains
	}
	return exitCode(err)
}

// newRoot is the tree of commands.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use: "dingbridge", Short: a.say(txtRoot), Long: a.say(txtRootLong),
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			words := a.say(txtUnknownCommand, args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				words += "; " + a.say(txtDidYouMean, strings.Join(near, ", "))
			}
			return usage(errors.New(words + "; " + a.say(txtSeeHelp)))
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().StringVarP(&a.config, "config", "c", "", a.say(txtConfigFlag))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, add := range commands {
		root.AddCommand(add(a))
	}
	markUsage(root)
	return root
}

// markUsage lets wrong arguments of all commands below one be errors of the command line.
func markUsage(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.Args != nil {
			check := cmd.Args
			cmd.Args = func(cmd *cobra.Command, args []string) error { return usage(check(cmd, args)) }
		}
		markUsage(cmd)
	}
}

// commands makes every command, in the order of the help text.
var commands = []func(*app) *cobra.Command{
	newRun, newPlan, newSync, newStatus, newExplain, newRetry, newRelease, newResolve, newLink, newForget, newEvents, newCheck, newTest, newSetup, newDemo, newSandbox, newVersion,
}

// say is a text in the person's language.
func (a *app) say(t text, args ...any) string { return t.in(a.lang, args...) }

// printf writes to standard output. A reader that went away is no reason to stop halfway through work.
func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

// tell writes one sentence to standard output.
func (a *app) tell(t text, args ...any) { a.printf("%s\n", a.say(t, args...)) }

// words is an error for a person: the far side's own words, and what may help.
func (a *app) words(err error) string {
	words := err.Error()
	if hint := a.hint(err); hint != "" {
		words += "\n" + hint
	}
	return words
}

// hint is what may help against a far side that is halted, "" when nothing is known.
func (a *app) hint(err error) string {
	var f *bridge.Failure
	var oe *odoo.Error
	var de *dingtalk.Error
	scope := ""
	switch {
	case errors.As(err, &f):
		scope = f.Scope
	case errors.As(err, &oe):
		scope = oe.Scope
	case errors.As(err, &de):
		scope = de.Scope
		if hint := a.callbackHint(de); hint != "" {
			return hint
		}
	}
	switch {
	case scope == "odoo":
		return a.say(txtHintOdoo)
	case scope == "credentials":
		return a.say(txtHintLogin)
	case scope == dingtalk.ScopeApp:
		return a.say(txtHintApp)
	case scope == dingtalk.ScopeIP:
		return a.say(txtHintIP)
	case scope == dingtalk.ScopeCounted:
		return a.say(txtHintQuota)
	case strings.HasPrefix(scope, "permission"):
		return a.say(txtHintPermission)
	}
	return ""
}
