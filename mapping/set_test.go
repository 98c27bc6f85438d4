package mapping

import (
	"strings"
	"testing"
)

// set is the value of a set of links, one letter each; "-" is empty.
func set(letters string) Value { return setValue(strings.Split(strings.Trim(letters, "-"), "")) }

func TestSetTargets(t *testing.T) {
	for _, c := range []struct{ name, odooBase, dingBase, odoo, ding, toOdoo, toDing string }{
		{"nothing moved", "ab", "ab", "ab", "ab", "ab", "ab"},
		{"added in odoo", "ab", "ab", "abc", "ab", "abc", "abc"},
		{"removed in odoo", "ab", "ab", "a", "ab", "a", "a"},
		{"added in dingtalk", "ab", "ab", "ab", "abc", "abc", "abc"},
		{"removed in dingtalk", "ab", "ab", "ab", "b", "b", "b"},
		{"one added on each side", "a", "a", "ab", "ac", "abc", "abc"},
		{"one removed on each side", "abc", "abc", "bc", "ab", "b", "b"},
		{"added here, removed there", "ab", "ab", "abc", "a", "ac", "ac"},
		{"the same one added on both", "a", "a", "ab", "ab", "ab", "ab"},
		{"the first meeting joins", "-", "-", "ab", "bc", "abc", "abc"},
		{"a settled difference stays", "ab", "a", "ab", "a", "ab", "a"},
		{"a settled difference stays while others travel", "ab", "a", "abc", "a", "abc", "ac"},
		{"emptied in odoo", "ab", "ab", "-", "ab", "-", "-"},
		{"came back on one side", "a", "ab", "a", "ab", "a", "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			toOdoo, toDing, err := SetTargets(set(c.odooBase), set(c.dingBase), set(c.odoo), set(c.ding))
			if err != nil || toOdoo != set(c.toOdoo) || toDing != set(c.toDing) {
				t.Errorf("odoo becomes %s, not %s; dingtalk %s, not %s; %v", toOdoo, set(c.toOdoo), toDing, set(c.toDing), err)
			}
		})
	}
}

// members are references that know some people on both sides, and some on one.
type members struct{ testRefs }

func (members) IDOf(_ string, side Side, link, _ string) (string, bool) {
	if link == "9" && side == Odoo { // an employee without a user
		return "", false
	}
	return map[Side]string{Odoo: link, DingTalk: "u" + link}[side], true
}

func TestWhomOnlyOneSideKnowsStays(t *testing.T) {
	refs := members{testRefs{"employees": {"1": "u1", "2": "u2", "3": "u3", "9": "u9"}}}
	c := setConverter{refConverter{mapping: "employees", person: pathPartner}}
	env := Env{Refs: refs}
	read := func(side Side, raw any) Value {
		v, err := c.Read(side, raw, env)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := read(Odoo, []int64{1, 77, 2}); v.Text != `["1","2"]` {
		t.Errorf("partners are read as %s", v)
	}
	if v := read(DingTalk, []any{"u2", "stranger", "u9", "u1"}); v.Text != `["1","2"]` {
		t.Errorf("members are read as %s", v)
	}
	if v := read(Odoo, []int64{77}); !v.IsEmpty() {
		t.Errorf("a stranger alone is read as %s", v)
	}
	if out, err := c.Write(Odoo, Text(`["1","3"]`), []int64{1, 77, 2}, env); err != nil || !equalIDs(out.([]int64), 1, 77, 3) {
		t.Errorf("written to Odoo: %v, %v", out, err)
	}
	out, err := c.Write(DingTalk, Text(`["1","3"]`), []any{"u2", "stranger", "u9", "u1"}, env)
	if ids, _ := setIDs(out); err != nil || strings.Join(ids, " ") != "stranger u9 u1 u3" {
		t.Errorf("written to DingTalk: %v, %v", out, err)
	}
}

func equalIDs(got []int64, want ...int64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}
