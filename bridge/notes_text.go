package bridge

import "dingbridge/mapping"

// notes are the texts of a mapping with the bridge's own where it says nothing.
type notes mapping.Notes

// wants says whether steps of the kind are told.
func (n notes) wants(kind noteKind) bool { return n.Default || n.expr(kind) != nil }

func (n notes) expr(kind noteKind) *mapping.Expr {
	switch kind {
	case noteStart:
		return n.Start
	case noteTask:
		return n.Task
	case noteComment:
		return n.Comment
	case noteFinish:
		return n.Finish
	}
	return nil
}

// text is what is posted; "" for nothing.
func (n notes) text(kind noteKind, scope mapping.Record, chinese bool) (string, error) {
	if e := n.expr(kind); e != nil {
		v, err := e.Text(scope)
		return v.Text, err
	}
	return defaultNote(kind, scope, chinese), nil
}

// defaultNote is the bridge's own text for a step. Pure.
func defaultNote(kind noteKind, scope mapping.Record, chinese bool) string {
	actor, _ := scope["actor"].(map[string]any)
	name, result, remark := textOf(actor["name"]), textOf(scope["result"]), textOf(scope["remark"])
	say := func(en, zh string) string {
		if chinese {
			return zh
		}
		return en
	}
	tail := ""
	if remark != "" {
		tail = say(": ", "：") + remark
	}
	word := map[string]string{
		"agree": say("agreed", "已同意"), "refuse": say("refused", "已拒绝"), "redirected": say("handed over", "已转交"), "redirect": say("handed over", "已转交"),
		"terminate": say("withdrawn", "已撤回"), "delete": say("deleted", "已删除"), "revoke": say("revoked after it was agreed", "通过后被撤销"),
		"modify": say("modified after it was agreed", "通过后被修改"),
	}[result]
	if word == "" {
		word = result
	}
	switch kind {
	case noteStart:
		return say("DingTalk approval started: ", "钉钉审批已发起：") + textOf(scope["title"]) + inBrackets(textOf(scope["business_id"]), chinese)
	case noteTask:
		if to := textOf(scope["to"]); to != "" {
			word += say(" to ", "给 ") + to
		}
		return say("DingTalk: ", "钉钉：") + name + " " + word + inBrackets(textOf(scope["date"]), chinese) + tail
	case noteComment:
		return say("DingTalk, ", "钉钉，") + name + say(" comments", " 评论") + tail
	case noteFinish:
		if name != "" {
			name = say(" by ", "，") + name
		}
		return say("DingTalk approval ", "钉钉审批结果：") + word + name + tail
	}
	return ""
}

// inBrackets is a text in brackets, nothing for an empty one.
func inBrackets(id string, chinese bool) string {
	switch {
	case id == "":
		return ""
	case chinese:
		return "（" + id + "）"
	}
	return " (" + id + ")"
}
