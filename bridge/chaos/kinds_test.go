package chaos

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// The kinds of what people work with beside departments, employees and leaves. CHAOS_KINDS names those that take part, "none" of them; if it
// is not set, all do. Without them the dice of a seed fall as they did before there were any.
const (
	kindNews  = "news"  // messages
	kindTodos = "todos" // activities and to-dos
)

var allKinds = []string{kindNews, kindTodos}

// kindsOf reads CHAOS_KINDS.
func kindsOf() ([]string, error) {
	text, set := os.LookupEnv("CHAOS_KINDS")
	switch {
	case !set || text == "":
		return allKinds, nil
	case text == "none":
		return nil, nil
	}
	kinds := strings.Split(text, ",")
	for _, k := range kinds {
		if !slices.Contains(allKinds, k) {
			return nil, fmt.Errorf("CHAOS_KINDS: %q is none of %v", k, allKinds)
		}
	}
	return kinds, nil
}

// kindsText is what CHAOS_KINDS is to be for the same world.
func (w *world) kindsText() string {
	if len(w.kinds) == 0 {
		return "none"
	}
	return strings.Join(w.kinds, ",")
}

// plays says whether a kind takes part.
func (w *world) plays(kind string) bool { return slices.Contains(w.kinds, kind) }

// crewSize is how many people never leave: what they are told, and what they have to do, is certain.
const crewSize = 7

// appointCrew chooses the people who stay. Both sides know them.
func (w *world) appointCrew() {
	if len(w.kinds) == 0 {
		return
	}
	for _, r := range w.ledger.all("person", true) {
		if w.odooID(r) != 0 && w.dingID(r) != "" && (r.crew || len(w.crew()) < crewSize-1) {
			r.crew = true
		}
	}
	if w.plays(kindTodos) {
		w.staffCrew()
	}
}

// crew are the people who never leave, as far as both sides know them.
func (w *world) crew() []*record {
	return slices.DeleteFunc(w.ledger.all("person", true), func(r *record) bool { return !r.crew || r.odoo == 0 || r.ding == "" })
}

// leavers are the people who may leave.
func (w *world) leavers() []*record {
	return slices.DeleteFunc(w.ledger.all("person", true), func(r *record) bool { return r.crew })
}

// actsNow are what people do in this world.
func (w *world) actsNow() []act {
	all := append(slices.Clone(acts), officeActs...)
	if w.plays(kindNews) {
		all = append(all, newsActs...)
	}
	if w.plays(kindTodos) {
		all = append(all, choreActs...)
	}
	return all
}
