package bridge

import (
	"strings"
	"testing"

	"dingbridge/mapping"
)

func TestDecideExistenceOfWhatIsDone(t *testing.T) {
	m := &mapping.Mapping{Kind: "todo", RemoveDingTalk: mapping.RemoveDelete, RemoveOdoo: mapping.RemoveDelete, Leave: mapping.LeaveRemove}
	linked := &Link{State: Linked}
	settled := func(odoo Existence) *Link {
		return &Link{State: Settled, Was: map[mapping.Side]Existence{mapping.Odoo: odoo, mapping.DingTalk: Finished}}
	}
	for _, c := range []struct {
		name       string
		link       *Link
		odoo, ding Existence
		fate       fate
		row        string
	}{
		{"open", linked, Present, Present, fateDiff, "linked | present | present"},
		{"done in odoo", linked, Finished, Present, fateFinishDing, "done in odoo"},
		{"done in dingtalk", linked, Present, Finished, fateFinishOdoo, "done in dingtalk"},
		{"done on both", linked, Finished, Finished, fateSettle, "done on both sides"},
		{"done, and deleted there", linked, Finished, Gone, fateSettle, "done in odoo, gone in dingtalk"},
		{"done there, cancelled here", linked, Gone, Finished, fateSettle, "done in dingtalk, gone in odoo"},
		{"done there, left the domain", linked, Outside, Finished, fateSettle, "done in dingtalk, outside in odoo"},
		{"done, nobody knows there", linked, Finished, Unseen, fateNothing, "unknown never causes anything"},
		{"cancelled in odoo", linked, Gone, Present, fateRemoveDing, "gone in odoo"},
		{"cancelled in dingtalk", linked, Present, Gone, fateRemoveOdoo, "gone in dingtalk"},
		{"a stranger that is done", nil, Finished, Absent, fateNothing, "no link; not present"},
		{"settled, its row is gone", settled(Gone), Gone, Finished, fateNothing, "settled: done on both sides"},
		{"settled, still done", settled(Finished), Finished, Finished, fateNothing, "settled: done on both sides"},
		{"settled, opened again", settled(Finished), Present, Finished, fateReopen, "open again in odoo"},
		{"settled without telling odoo", settled(Present), Present, Finished, fateNothing, "settled: done on both sides"},
		{"settled, un-archived", settled(Archived), Present, Finished, fateNothing, "settled: done on both sides"},
	} {
		fate, row := decideExistence(m, c.link, c.odoo, c.ding)
		if fate != c.fate || row != c.row {
			t.Errorf("%s: %d %q, want %d %q", c.name, fate, row, c.fate, c.row)
		}
	}
}

func TestSourceID(t *testing.T) {
	key := func(url, db, model string, id ID) string {
		e := &Engine{Options: Options{Identity: Identity{OdooURL: url, Database: db}}}
		return e.sourceID(&mapping.Mapping{Name: "any", Model: model}, id)
	}
	one := key("https://erp", "prod-2024", "mail.activity", "42")
	if !strings.HasPrefix(one, "odoo:prod-2024:") || !strings.HasSuffix(one, ":mail.activity:42") {
		t.Errorf("it is %s", one)
	}
	for _, other := range []string{
		key("https://erp", "prod-2024", "mail.activity", "43"), key("https://erp", "prod-2024", "project.task", "42"),
		key("https://erp", "prod", "mail.activity", "42"), key("https://copy", "prod-2024", "mail.activity", "42"),
	} {
		if other == one {
			t.Errorf("%s stands for two records", other)
		}
	}
}
