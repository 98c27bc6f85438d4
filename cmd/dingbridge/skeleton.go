package main

import (
	"context"
	"errors"
	"strings"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

var (
	txtSkeletonFlag   = tr("print a mapping to begin with for the template and the model that follow: PROC-… hr.leave; without them, the templates there are", "为随后写明的模板与模型输出映射草稿：PROC-… hr.leave；不写则列出全部模板")
	txtSkeletonArgs   = tr("--skeleton takes the code of a template and a model, such as PROC-1A2B3C4D hr.leave", "--skeleton 后写模板编码与模型，例如 PROC-1A2B3C4D hr.leave")
	txtNoTemplate     = tr("DingTalk has no template %q, or the app may not see it; dingbridge check --live --skeleton lists them", "钉钉没有模板 %q，或应用无权查看；可用 dingbridge check --live --skeleton 列出")
	txtNoTemplates    = tr("The app sees no template of approvals.", "应用看不到任何审批模板。")
	txtNoTemplateLike = tr("No template has %q in its name.", "没有名称含 %q 的模板。")
	txtNoModel        = tr("Odoo has no model %q", "Odoo 没有模型 %q")
)

// skeleton prints a mapping to begin with for a template and a model; without a model, the templates there are, those that a text finds.
func (a *app) skeleton(ctx context.Context, args []string) error {
	if len(args) > 2 {
		return usage(errors.New(a.say(txtSkeletonArgs)))
	}
	s, err := a.settings()
	if err != nil {
		return err
	}
	w := &world{app: a, settings: s, pace: ownPace()}
	if w.zone, err = s.Location(); err != nil {
		return usage(err)
	}
	if err := w.connect(); err != nil {
		return err
	}
	defer w.ding.Close()
	if len(args) < 2 {
		return w.listTemplates(ctx, strings.Join(args, ""))
	}
	code, model := args[0], args[1]
	t, err := w.ding.Approvals.Template(ctx, code)
	if dingtalk.IsNotFound(err) {
		return usage(errors.New(a.say(txtNoTemplate, code)))
	}
	if err != nil {
		return err
	}
	fields, ok, err := liveFields(ctx, w.odoo, model)
	if err != nil {
		return err
	}
	if !ok {
		return usage(errors.New(a.say(txtNoModel, model)))
	}
	a.printf("%s", mapping.Skeleton(bridge.TemplateSchema(t), model, bridge.OdooFields(fields)))
	return nil
}

// listTemplates prints code and name of the templates whose name has the text, or whose code it is.
func (w *world) listTemplates(ctx context.Context, like string) error {
	none := true
	for t, err := range w.ding.Approvals.Templates(ctx, "") {
		if err != nil {
			return err
		}
		if code, name := t.Text("process_code"), t.Text("name"); strings.Contains(name, like) || code == like {
			w.app.printf("%s  %s\n", code, name)
			none = false
		}
	}
	switch {
	case none && like != "":
		w.app.tell(txtNoTemplateLike, like)
	case none:
		w.app.tell(txtNoTemplates)
	}
	return nil
}
