package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for released builds; others tell the commit they were made from.
var version = ""

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.say(txtVersion), Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			a.printf("dingbridge %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// versionText is the release, or the commit, or "devel".
func versionText() string {
	if version != "" {
		return version
	}
	commit, dirty := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "+"
			}
		}
	}
	if commit == "" {
		return "devel"
	}
	return commit + dirty
}
