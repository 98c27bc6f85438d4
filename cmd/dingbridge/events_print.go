package main

import (
	"slices"
	"strings"
	"time"

	"dingbridge/bridge"
)

// printEvents tells a person what events come, and what to do about those that do not.
func (a *app) printEvents(r eventsReport) {
	a.printFeed(r)
	for _, h := range r.Halted {
		a.tell(txtStatusHalted, h.Scope, when(h.Since), h.Why, when(h.Until))
	}
	if f := r.FailedList; f != nil {
		a.tell(txtFailedListLine, rhythm(f.Every), a.orNever(f.Last))
		if f.Counted {
			a.tell(txtFailedListCosts, f.Calls)
		}
	}
	if r.Pending > 0 {
		a.tell(txtStatusInbox, r.Pending)
	}
	needed := func(e eventType) bool { return len(e.NeededBy) > 0 }
	received := func(e eventType) bool { return e.Count > 0 }
	a.printTypes(txtEventsReceived, r.Types, func(e eventType) bool { return needed(e) && received(e) })
	if a.printTypes(txtEventsMissing, r.Types, func(e eventType) bool { return needed(e) && !received(e) }) {
		a.printMissingHints(r.Mode)
	}
	if a.printTypes(txtEventsUnneeded, r.Types, func(e eventType) bool { return !needed(e) }) {
		if slices.ContainsFunc(r.Types, func(e eventType) bool { return !needed(e) && e.Counted }) {
			a.tell(txtEventsTurnOff)
		}
	}
	if !slices.ContainsFunc(r.Types, needed) {
		a.tell(txtEventsNone)
	}
	a.printFilters(r.Filters)
}

// printMissingHints says what to do about events that never came.
func (a *app) printMissingHints(mode string) {
	if mode == "off" {
		return
	}
	a.tell(txtEventsHint)
	if mode == "callback" {
		a.tell(txtEventsHintAPI)
	}
	a.tell(txtEventsTry)
}

// printFeed tells how events reach the daemon.
func (a *app) printFeed(r eventsReport) {
	switch feed := r.Feed; {
	case !r.Running:
		a.tell(txtFeedNobody, r.Mode)
	case feed == nil || feed.Mode == "":
		a.tell(txtFeedUnknown, r.Mode)
	case feed.Mode != r.Mode:
		a.tell(txtFeedOther, r.Mode, feed.Mode)
	case feed.Mode == "off":
		a.tell(txtFeedOff)
	case feed.Mode == "callback":
		a.tell(txtFeedCallback, when(feed.Since))
	case feed.Connected:
		a.tell(txtFeedStream, when(feed.Since))
	default:
		a.tell(txtFeedNoStream, when(feed.Since))
	}
}

// printTypes prints the types that are chosen, one a line below a title; false when there are none.
func (a *app) printTypes(title text, types []eventType, chosen func(eventType) bool) bool {
	any := false
	for _, e := range types {
		if !chosen(e) {
			continue
		}
		if !any {
			a.tell(title)
		}
		any = true
		a.printf("  %s\n", a.eventLine(e))
	}
	return any
}

// eventLine is one type with all that is known of it.
func (a *app) eventLine(e eventType) string {
	name := e.Type
	if name == "" {
		name = a.say(txtEventUntyped)
	}
	if e.Title != "" {
		name += " " + e.Title
	}
	parts := []string{name}
	if e.Count > 0 {
		parts[0] = a.say(txtEventLine, name, e.Count, when(*e.Last))
	}
	for _, via := range []string{bridge.ViaStream, bridge.ViaCallback, bridge.ViaFailedList} {
		if n := e.Via[via]; n > 0 {
			parts = append(parts, a.say(txtEventVia, a.say(txtVia[via]), n))
		}
	}
	if e.Withheld > 0 {
		parts = append(parts, a.say(txtEventWithheld, e.Withheld))
	}
	if len(e.NeededBy) > 0 {
		parts = append(parts, a.say(txtEventFor, joined(e.NeededBy)))
	}
	if e.Counted {
		parts = append(parts, a.say(txtEventCounts))
	}
	return strings.Join(parts, "; ")
}

func (a *app) printFilters(filters []approvalFilter) {
	if len(filters) == 0 {
		return
	}
	a.tell(txtEventsFilters)
	for _, f := range filters {
		if f.ProcessCode == "" {
			a.tell(txtEventsNoCode, f.Mapping)
			continue
		}
		a.printf("  %s:\n", f.Mapping)
		for _, path := range f.Paths {
			a.printf("    %s\n", path)
		}
	}
}

// rhythm is a duration without seconds that are none.
func rhythm(d string) string {
	if minutes, ok := strings.CutSuffix(d, "m0s"); ok {
		return minutes + "m"
	}
	return d
}

func (a *app) orNever(t *time.Time) string {
	if t == nil {
		return a.say(txtNever)
	}
	return when(*t)
}
