package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

var txtLinked = tr("odoo %s %s and dingtalk %s %s are one.", "odoo %s %s 与 dingtalk %s %s 已关联为同一对象。")

func newLink(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "link MAPPING ODOO_ID DINGTALK_ID", Short: a.say(txtLink), Args: cobra.ExactArgs(3),
		Example: "  dingbridge link employees 42 zhangsan",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.act(cmd.Context(), func(w *world) error {
				m, ok := w.set.Get(args[0])
				if !ok {
					return usage(errors.New(a.say(txtUnknownMapping, args[0], strings.Join(mappingNames(w.set), ", "))))
				}
				if _, err := bridge.ParseRef(string(mapping.Odoo), m.Model, args[1]); err != nil {
					return usage(err)
				}
				if err := bridge.LinkRecords(cmd.Context(), w.store, m, bridge.ID(args[1]), bridge.ID(args[2])); err != nil {
					return fmt.Errorf("%s: %w", m.Name, err)
				}
				a.tell(txtLinked, m.Model, args[1], m.Kind, args[2])
				return nil
			})
		},
	}
}
