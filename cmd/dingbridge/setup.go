package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"dingbridge/mapping"
	"dingbridge/odoo"
)

var (
	txtYesFlag       = tr("create without asking", "不询问，直接创建")
	txtLoginFlag     = tr("login of an Odoo administrator (Access Rights); used once, never stored (DINGBRIDGE_SETUP_LOGIN)", "Odoo 管理员（访问权）登录名；只用一次，不保存（DINGBRIDGE_SETUP_LOGIN）")
	txtPasswordFlag  = tr("file with the administrator's password; without it DINGBRIDGE_SETUP_PASSWORD, or you are asked", "存放管理员密码的文件；没有则用 DINGBRIDGE_SETUP_PASSWORD，或现场询问")
	txtAskLogin      = tr("Odoo administrator's login: ", "Odoo 管理员登录名：")
	txtAskPassword   = tr("Password: ", "密码：")
	txtAskGo         = tr("Create them now? [y/N] ", "现在创建吗？[y/N] ")
	txtNoAdmin       = tr("an administrator's login and password are needed: --login and --password-file, or DINGBRIDGE_SETUP_LOGIN and DINGBRIDGE_SETUP_PASSWORD", "需要管理员的登录名与密码：--login 与 --password-file，或 DINGBRIDGE_SETUP_LOGIN 与 DINGBRIDGE_SETUP_PASSWORD")
	txtSetupHas      = tr("= %s %s  is there", "= %s %s  已存在")
	txtSetupAdd      = tr("+ %s %s  %s  \"%s\" / \"%s\"", "+ %s %s  %s  “%s” / “%s”")
	txtSetupOther    = tr("! %s %s  is there, but is a %s, not a %s: rename the field in the mapping, or remove it in Odoo", "! %s %s  已存在，但类型是 %s 而不是 %s：请在映射中改名，或在 Odoo 中删除")
	txtSetupNothing  = tr("Everything the mappings need is there.", "映射所需的字段都已存在。")
	txtSetupNone     = tr("The mappings need nothing in Odoo.", "映射不需要在 Odoo 中创建任何内容。")
	txtSetupDone     = tr("%d fields created. A running daemon takes them up after a reload (SIGHUP) or a restart.", "已创建 %d 个字段。正在运行的守护进程在重新加载（SIGHUP）或重启后使用它们。")
	txtSetupNot      = tr("Nothing was created.", "没有创建任何内容。")
	txtSetupPostpone = tr("Nothing was created. Create them with: dingbridge setup --yes", "没有创建任何内容。创建请运行：dingbridge setup --yes")
)

func newSetup(a *app) *cobra.Command {
	var yes bool
	var login, passwordFile string
	cmd := &cobra.Command{
		Use: "setup", Short: a.say(txtSetup), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.settings()
			if err != nil {
				return err
			}
			sources, err := a.configured(s)
			if err != nil {
				return err
			}
			set, complaints := mapping.Load(sources, offline())
			if set == nil {
				return complaints.Errors()
			}
			wanted := setupFields(set)
			if len(wanted) == 0 {
				a.tell(txtSetupNone)
				return nil
			}
			admin, err := a.administrator(cmd.Context(), s, login, passwordFile)
			if err != nil {
				return err
			}
			return a.setup(cmd.Context(), admin, wanted, yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, a.say(txtYesFlag))
	cmd.Flags().StringVar(&login, "login", "", a.say(txtLoginFlag))
	cmd.Flags().StringVar(&passwordFile, "password-file", "", a.say(txtPasswordFlag))
	return cmd
}

// setupFields are the fields all mappings want, each once.
func setupFields(set *mapping.Set) []mapping.SetupField {
	var out []mapping.SetupField
	seen := map[string]bool{}
	for _, m := range set.Mappings {
		for _, f := range m.SetupFields() {
			if key := f.Model + " " + f.Name; !seen[key] {
				seen[key] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// administrator makes a client with the one-shot credential, from flags, the environment, or a question on the terminal.
func (a *app) administrator(ctx context.Context, s *Settings, login, passwordFile string) (*odoo.Client, error) {
	if s.Odoo.Database == "" {
		return nil, usage(fmt.Errorf("odoo.database (or %s) is not set", envName("odoo.database")))
	}
	in := bufio.NewReader(a.in)
	if login == "" {
		login = a.env("DINGBRIDGE_SETUP_LOGIN")
	}
	password := a.env("DINGBRIDGE_SETUP_PASSWORD")
	if passwordFile != "" {
		text, err := readSecretFile(passwordFile)
		if err != nil {
			return nil, usage(err)
		}
		password = text
	}
	if login == "" && a.interactive(ctx) {
		login = a.ask(in, txtAskLogin)
	}
	if password == "" && login != "" && a.interactive(ctx) {
		password = a.askSecret(ctx, in, txtAskPassword)
	}
	if login == "" || password == "" {
		return nil, usage(errors.New(a.say(txtNoAdmin)))
	}
	client, err := odoo.New(odoo.Config{URL: s.Odoo.URL, Database: s.Odoo.Database, Login: login, Password: password, Timeout: s.Odoo.Timeout})
	return client, usage(err)
}

// interactive says whether a person sits at the other end of standard input.
func (a *app) interactive(ctx context.Context) bool {
	if _, ok := a.in.(*os.File); !ok {
		return false
	}
	tty := exec.CommandContext(ctx, "stty", "-g") // fails on anything but a terminal
	tty.Stdin = a.in
	return tty.Run() == nil
}

// ask asks for one line; the end of input is an empty answer.
func (a *app) ask(in *bufio.Reader, question text) string {
	_, _ = fmt.Fprint(a.err, a.say(question))
	line, err := in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return strings.TrimSpace(line)
}

// askSecret asks without showing what is typed.
func (a *app) askSecret(ctx context.Context, in *bufio.Reader, question text) string {
	stty := func(tty *exec.Cmd) {
		tty.Stdin = a.in
		_ = tty.Run() // without stty the answer is seen on the screen, which is no reason to refuse it
	}
	stty(exec.CommandContext(ctx, "stty", "-echo"))
	defer func() {
		stty(exec.CommandContext(context.WithoutCancel(ctx), "stty", "echo"))
		_, _ = fmt.Fprintln(a.err)
	}()
	return a.ask(in, question)
}

// setup shows what is there and what is missing, and creates the missing fields once a person agreed.
func (a *app) setup(ctx context.Context, admin *odoo.Client, wanted []mapping.SetupField, yes bool) error {
	var missing []mapping.SetupField
	clash := false
	for _, f := range wanted {
		fields, err := admin.FieldsGet(ctx, f.Model)
		if err != nil {
			return err
		}
		switch have, ok := fields[f.Name]; {
		case !ok:
			missing = append(missing, f)
			a.tell(txtSetupAdd, f.Model, f.Name, f.Type, f.Label, f.LabelZH)
		case have.Type != f.Type:
			clash = true
			a.tell(txtSetupOther, f.Model, f.Name, have.Type, f.Type)
		default:
			a.tell(txtSetupHas, f.Model, f.Name)
		}
	}
	switch {
	case clash:
		a.tell(txtSetupNot)
		return &toldError{code: exitError}
	case len(missing) == 0:
		a.tell(txtSetupNothing)
		return nil
	case !yes && !a.interactive(ctx):
		a.tell(txtSetupPostpone)
		return nil
	case !yes && !strings.HasPrefix(strings.ToLower(a.ask(bufio.NewReader(a.in), txtAskGo)), "y"):
		a.tell(txtSetupNot)
		return nil
	}
	for _, f := range missing {
		if err := createField(ctx, admin, f); err != nil {
			return fmt.Errorf("%s %s: %w", f.Model, f.Name, err)
		}
	}
	a.tell(txtSetupDone, len(missing))
	return nil
}

// createField makes one manual field with its label in English, and in Chinese where that language is installed
// (odoo/addons/base/models/ir_model.py: manual fields, whose name begins with x_, are usable in the next call).
func createField(ctx context.Context, admin *odoo.Client, f mapping.SetupField) error {
	models, err := admin.Search(ctx, "ir.model", odoo.Domain{odoo.Cond("model", "=", f.Model)}, odoo.Options{Limit: 1})
	if err != nil {
		return err
	}
	if len(models) == 0 {
		return fmt.Errorf("odoo has no model %s", f.Model)
	}
	english, translated := f.Label, f.LabelZH
	if english == "" {
		english = f.Name
	}
	id, err := admin.Create(ctx, "ir.model.fields", odoo.Values{
		"model_id": models[0], "name": f.Name, "ttype": f.Type, "field_description": english, "state": "manual",
	}, nil)
	if err != nil || translated == "" {
		return err
	}
	installed, err := admin.SearchCount(ctx, "res.lang", odoo.Domain{odoo.Cond("code", "=", "zh_CN")}, nil)
	if err != nil || installed == 0 {
		return err
	}
	return admin.Write(ctx, "ir.model.fields", []int64{id}, odoo.Values{"field_description": translated}, odoo.Context{"lang": "zh_CN"})
}
