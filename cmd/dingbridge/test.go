package main

import (
	"github.com/spf13/cobra"

	"dingbridge/mapping"
)

var (
	txtTestsPassed = tr("Examples: %d, all hold.", "示例 %d 个，全部通过。")
	txtTestsFailed = tr("Examples: %[2]d, failing: %[1]d.", "示例 %[2]d 个，不通过 %[1]d 个。")
	txtNoTests     = tr("There are no examples: a mapping gives them under `tests`.", "没有示例：请在映射的 tests 中给出。")
)

func newTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "test [FILE…]", Short: a.say(txtTest),
		RunE: func(_ *cobra.Command, files []string) error {
			sources, err := a.mappingSources(files)
			if err != nil {
				return err
			}
			set, complaints := mapping.Load(sources, offline())
			if set == nil {
				return complaints.Errors()
			}
			return a.runTests(set)
		},
	}
}

// runTests prints one line for each example that does not hold.
func (a *app) runTests(set *mapping.Set) error {
	results := mapping.RunTests(set)
	failed := 0
	for _, r := range results {
		if r.OK() {
			continue
		}
		failed++
		for _, words := range r.Failures {
			a.printf("%s: %s/%s: %s\n", r.Pos, r.Mapping, r.Test, words)
		}
	}
	switch {
	case len(results) == 0:
		a.tell(txtNoTests)
	case failed > 0:
		a.tell(txtTestsFailed, failed, len(results))
		return &toldError{code: exitError}
	default:
		a.tell(txtTestsPassed, len(results))
	}
	return nil
}
