package bridge

import (
	"testing"

	"dingbridge/mapping"
)

// TestEveryMappingHasItsTurn: however much work those have that others refer to.
func TestEveryMappingHasItsTurn(t *testing.T) {
	ranked := []*mapping.Mapping{{Name: "departments"}, {Name: "employees"}, {Name: "leaves"}, {Name: "claims"}}
	var turn turns
	had := map[string]int{}
	for range 100 { // all of them always have something to do
		m := turn.order(ranked)[0]
		turn.took(m)
		had[m.Name]++
	}
	if had["departments"] < 90 {
		t.Errorf("those that are referred to come first, but had %d of 100 turns", had["departments"])
	}
	for _, m := range ranked[1:] {
		if had[m.Name] < 3 {
			t.Errorf("%s had %d turns", m.Name, had[m.Name])
		}
	}
}

// TestTheFirstLookIsByRank: a company is brought in departments first.
func TestTheFirstLookIsByRank(t *testing.T) {
	ranked := []*mapping.Mapping{{Name: "departments"}, {Name: "employees"}}
	var turn turns
	for n := range fairEvery - 1 {
		if m := turn.order(ranked)[0]; m.Name != "departments" {
			t.Errorf("turn %d is %s's", n, m.Name)
		}
		turn.took(ranked[0])
	}
}
