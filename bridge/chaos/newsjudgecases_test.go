package chaos

import (
	"strings"
	"testing"
	"time"

	"dingbridge/bridge"
)

// wrote is what a record became; text is "" when it was deleted.
func wrote(at int, text string, out bool, people ...string) version {
	return version{text: text, more: "more", out: out, people: people, from: second(at)}
}

// got is a message that people got.
func got(at int, text string, people ...string) told {
	return told{content: version{text: text, more: "more"}.says("N"), at: second(at), to: people}
}

func (m told) takenBack() told { m.recalled = true; return m }

// TestJudgeNews shows that every way to tell people wrongly is noticed, and what is right is not.
func TestJudgeNews(t *testing.T) {
	held := func(kind bridge.HoldKind, reason string) *bridge.Link {
		return &bridge.Link{State: bridge.Held, Holds: map[string]bridge.Hold{"": {Kind: kind, Reason: reason}}}
	}
	unsure := held(bridge.HeldUnsure, "nobody knows whether it was sent to a: …")
	a := wrote(1, "A", true, "P1", "P2")
	left, again := wrote(5, "B", false, "P1", "P2"), wrote(9, "C", true, "P1", "P2")
	for name, c := range map[string]struct {
		by       string // the mapping; "" = news-notice
		versions []version
		told     []told
		quiet    []int
		link     *bridge.Link
		lost     bool
		wrong    string // the beginning of the one violation, "" = right
		limit    bool
	}{
		"told":                              {versions: []version{a}, told: []told{got(2, "A", "P1", "P2")}},
		"told, edited since":                {versions: []version{a, wrote(3, "B", true, "P3")}, told: []told{got(2, "A", "P1", "P2")}},
		"told late, as it was chosen":       {versions: []version{a, wrote(3, "B", true, "P3")}, told: []told{got(8, "A", "P1", "P2")}},
		"the people of a moment later":      {versions: []version{a, wrote(3, "B", true, "P3", "P1")}, told: []told{got(8, "A", "P3", "P1")}},
		"the people of a version to come":   {versions: []version{a, wrote(9, "B", true, "P3", "P1")}, told: []told{got(8, "A", "P3", "P1")}, wrong: "told [P3 P1]"},
		"somebody who may leave is missing": {versions: []version{wrote(1, "A", true, "P1", "P9")}, told: []told{got(2, "A", "P1")}},
		"somebody is forgotten":             {versions: []version{a}, told: []told{got(2, "A", "P1")}, wrong: "told [P1]"},
		"somebody is not concerned":         {versions: []version{a}, told: []told{got(2, "A", "P1", "P2", "P3")}, wrong: "told [P1 P2 P3]"},
		"told his own words":                {versions: []version{{text: "A", more: "more", out: true, people: []string{"P1", "P2"}, author: "P1", from: second(1)}}, told: []told{got(2, "A", "P1", "P2")}, wrong: "told [P1 P2]"},
		"forgotten":                         {versions: []version{a}, wrong: "forgotten"},
		"told what it never was":            {versions: []version{a}, told: []told{got(2, "A", "P1", "P2"), got(3, "X", "P1")}, wrong: "told what it never was"},
		"told of a draft":                   {versions: []version{wrote(0, "0", false, "P1"), a}, told: []told{got(2, "A", "P1", "P2"), got(2, "0", "P1")}, wrong: "told although it was not in the domain"},
		"told twice":                        {versions: []version{a, wrote(3, "B", true, "P1", "P2")}, told: []told{got(2, "A", "P1", "P2").takenBack(), got(4, "B", "P1", "P2")}, wrong: "told twice: P1"},
		"the group is told twice":           {by: "news-hook", versions: []version{a}, told: []told{got(2, "A"), got(4, "A")}, wrong: "told twice: the group"},
		"taken back":                        {versions: []version{a, left}, told: []told{got(2, "A", "P1", "P2").takenBack()}},
		"not taken back":                    {versions: []version{a, left}, told: []told{got(2, "A", "P1", "P2")}, wrong: "not taken back"},
		"not taken back, deleted":           {versions: []version{a, wrote(5, "", false)}, told: []told{got(2, "A", "P1", "P2")}, wrong: "not taken back"},
		"nobody knows its number":           {versions: []version{a, left}, told: []told{{content: a.says("N"), at: second(2), to: a.people, again: 1, backed: true}}, limit: true},
		"taken back, but it is there":       {versions: []version{a}, told: []told{got(2, "A", "P1", "P2").takenBack()}, wrong: "taken back although"},
		"told again":                        {versions: []version{a, left, again}, told: []told{got(2, "A", "P1", "P2").takenBack(), got(10, "C", "P1", "P2")}, quiet: []int{3, 7}},
		"told again, the first one stands":  {versions: []version{a, left, again}, told: []told{got(2, "A", "P1", "P2"), got(10, "C", "P1", "P2")}, quiet: []int{3, 7}, wrong: "not taken back"},
		"not told again":                    {by: "news-hook", versions: []version{a, left, again}, told: []told{got(2, "A")}, quiet: []int{3, 7}, wrong: "forgotten"},
		"in and out before anybody looked":  {by: "news-hook", versions: []version{a, left, again}, told: []told{got(2, "A")}, quiet: []int{3}},
		"on its way":                        {by: "news-hook", versions: []version{a, left, again}, told: []told{got(2, "A")}, quiet: []int{3}, link: &bridge.Link{State: bridge.Creating}, wrong: "on its way"},
		"held, for an answer was lost":      {by: "news-robot", versions: []version{a}, link: unsure, lost: true},
		"held, though none was":             {by: "news-robot", versions: []version{a}, link: unsure, wrong: "held although no answer was lost"},
		"held for another reason":           {by: "news-robot", versions: []version{a}, link: held(bridge.HeldRefused, "no"), lost: true, wrong: "held with a reason that does not fit"},
		"a notice is held":                  {versions: []version{a}, link: unsure, lost: true, wrong: "held: nobody knows"},
	} {
		t.Run(name, func(t *testing.T) {
			of := &newsCase{
				mapping: c.by, id: 1, name: "N", versions: c.versions, told: c.told, link: c.link, lost: c.lost, crew: map[string]bool{"P1": true, "P2": true, "P3": true},
				counted: map[string]int{}, limits: map[string]int{},
			}
			if of.mapping == "" {
				of.mapping = "news-notice"
			}
			of.kind = newsKinds[of.mapping]
			for _, at := range c.quiet {
				of.quiets = append(of.quiets, second(at).Add(time.Millisecond))
			}
			of.judge()
			got := strings.Join(of.wrong, "\n")
			if c.wrong == "" && got != "" || !strings.HasPrefix(got, "news 1 by "+of.mapping+": "+c.wrong) && c.wrong != "" || len(of.wrong) > 1 {
				t.Errorf("want %q, got:\n%s", c.wrong, got)
			}
			if c.limit != (len(of.limits) == 1) {
				t.Errorf("limits: %v", of.limits)
			}
		})
	}
}
