package main

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"dingbridge/mapping"
)

var (
	txtCheckedOK     = tr("Mappings in order: %d.", "没有问题的映射：%d 个。")
	txtCheckedErrors = tr("Errors: %d, warnings: %d.", "错误 %d 个，警告 %d 个。")
	txtLiveFlag      = tr("ask Odoo and DingTalk, with the settings' credentials", "使用设置中的账号连接 Odoo 与钉钉检查")
	txtSchemaFlag    = tr("print the JSON Schema of mapping files, for editors, and do nothing else", "只输出映射文件的 JSON Schema（供编辑器使用）")
)

func newCheck(a *app) *cobra.Command {
	var live, schema, skeleton, asJSON bool
	cmd := &cobra.Command{
		Use: "check [FILE…]", Short: a.say(txtCheck),
		RunE: func(cmd *cobra.Command, files []string) error {
			if schema {
				text, err := mapping.JSONSchema()
				if err != nil {
					return err
				}
				a.printf("%s", text)
				return nil
			}
			if skeleton {
				return a.skeleton(cmd.Context(), files)
			}
			sources, err := a.mappingSources(files)
			if err != nil {
				return err
			}
			if live {
				return a.checkLive(cmd.Context(), sources, asJSON)
			}
			set, complaints := mapping.Load(sources, offline())
			if set != nil && len(files) == 0 { // files may belong to other settings than these
				s, err := a.settings()
				if err != nil {
					return err
				}
				coded, more := a.withSettings(set, s, true)
				set, complaints = coded, append(complaints, more...)
			}
			return a.reportCheck(set, complaints, nil, asJSON)
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, a.say(txtLiveFlag))
	cmd.Flags().BoolVar(&schema, "json-schema", false, a.say(txtSchemaFlag))
	cmd.Flags().BoolVar(&skeleton, "skeleton", false, a.say(txtSkeletonFlag))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	return cmd
}

// checkReport is what check prints as JSON.
type checkReport struct {
	OK         bool               `json:"ok"`
	Mappings   int                `json:"mappings"`
	Complaints mapping.Complaints `json:"complaints"`
	Findings   []finding          `json:"findings,omitempty"` // of --live
}

// reportCheck prints all complaints and findings and returns the error that carries the exit code.
func (a *app) reportCheck(set *mapping.Set, complaints mapping.Complaints, findings []finding, asJSON bool) error {
	report := checkReport{OK: set != nil, Complaints: complaints, Findings: findings}
	if report.Complaints == nil {
		report.Complaints = mapping.Complaints{}
	}
	if set != nil {
		report.Mappings = len(set.Mappings)
	}
	bad, halted := 0, false
	for _, f := range findings {
		if f.Level == levelError {
			bad++
		}
		halted = halted || f.halts
	}
	report.OK = report.OK && bad == 0
	if asJSON {
		if err := a.json(report); err != nil {
			return err
		}
	} else {
		a.printCheck(report, set != nil, bad)
	}
	switch {
	case halted:
		return &toldError{code: exitHalted}
	case !report.OK:
		return &toldError{code: exitUsage}
	}
	return nil
}

func (a *app) printCheck(report checkReport, loaded bool, bad int) {
	for _, c := range report.Complaints {
		a.printf("%s\n", c)
	}
	for _, f := range report.Findings {
		a.printf("%s\n", f)
	}
	errs, warnings := len(report.Complaints.Errors())+bad, len(report.Complaints.Warnings())
	for _, f := range report.Findings {
		if f.Level == levelWarning {
			warnings++
		}
	}
	if loaded && bad == 0 {
		a.tell(txtCheckedOK, report.Mappings)
	}
	if errs+warnings > 0 {
		a.tell(txtCheckedErrors, errs, warnings)
	}
}

// json prints a value as indented JSON.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return errors.Join(errors.New("printing JSON"), err)
	}
	return nil
}
