package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// verdict is what somebody decided in DingTalk: one end of one approval. It is carried into Odoo once at most.
type verdict struct {
	in      dingtalktest.Instance // the approval; of a revocation the one that it revokes
	meaning string                // agree, refuse, terminate, revoke
	at      time.Time
	used    bool
}

// decision is one decision that the bridge's user committed in Odoo: the steps of one transition.
type decision struct {
	steps []moment
	index int // of the first step among the leave's moments
}

// becomes is where the transition leads; a first approval is on its way to the second.
func (d decision) becomes() string {
	if to := d.steps[len(d.steps)-1].to; to != "validate1" {
		return to
	}
	return "validate"
}

// judgement is what came of counting the decisions about leaves one by one.
type judgement struct {
	wrong   []string
	counted map[string]int // decisions of the bridge, and those of people that it had not to carry over
	limits  map[string]int
}

// judge counts, leave by leave, every decision that the bridge committed in Odoo against those that people took in DingTalk.
func (w *world) judge() judgement {
	j := judgement{counted: map[string]int{}, limits: map[string]int{}}
	links, err := w.leaveLinks()
	if err != nil {
		j.wrong = append(j.wrong, "reading the store: "+err.Error())
		return j
	}
	for _, code := range []string{leaveCode, bornCode} {
		for _, in := range w.ding.Instances(code) {
			if what := w.endedByNobody(in); what != "" {
				j.wrong = append(j.wrong, what)
			}
		}
	}
	for _, l := range w.leaves {
		if l.id == 0 {
			continue
		}
		c := &leaveCase{l: l, moments: w.moments.all(l.id), approvals: w.approvalsOf(l), j: &j}
		for _, name := range approvalMappings {
			for _, link := range links[name] {
				if string(link.Odoo) == strconv.FormatInt(l.id, 10) {
					c.links = append(c.links, link)
				}
			}
		}
		c.verdicts = w.verdictsOn(c.approvals)
		c.judge()
	}
	return j
}

// verdictsOn are the ends that people gave to the approvals. What the bridge withdrew itself is none.
func (w *world) verdictsOn(approvals []dingtalktest.Instance) []*verdict {
	var out []*verdict
	for _, in := range approvals {
		switch {
		case in.Status == dingtalktest.StatusCompleted:
			out = append(out, &verdict{in: in, meaning: in.Result, at: in.Finished})
		case in.Status == dingtalktest.StatusTerminated && in.TerminatedBy != "system":
			out = append(out, &verdict{in: in, meaning: "terminate", at: in.Finished})
		}
		for _, id := range in.Attached {
			if a, _ := w.ding.Instance(id); a.BizAction == "REVOKE" && a.Result == dingtalktest.ResultAgree {
				out = append(out, &verdict{in: in, meaning: "revoke", at: a.Finished})
			}
		}
	}
	return out
}

// endedByNobody says that an approval ended although nobody decided so: the bridge decides nothing in DingTalk, it only withdraws. A flow
// that finds nobody to ask agrees by itself.
func (w *world) endedByNobody(in dingtalktest.Instance) string {
	how := in.Result
	switch {
	case in.Status == dingtalktest.StatusRunning, in.TerminatedBy == "system", in.Status == dingtalktest.StatusCompleted && len(in.Tasks) == 0:
		return ""
	case in.Status == dingtalktest.StatusTerminated:
		how = "terminate"
	}
	if by := w.endedBy[in.ID]; by != how {
		return fmt.Sprintf("the approval %s (%s) ended with %q, but people did %q", in.ID, in.Value(markLabel), how, by)
	}
	return ""
}

// leaveCase is everything known of one leave.
type leaveCase struct {
	l         *leave
	moments   []moment
	approvals []dingtalktest.Instance // oldest first
	verdicts  []*verdict
	links     []*bridge.Link
	j         *judgement
}

func (c *leaveCase) judge() {
	for _, d := range c.decisions() {
		c.match(d)
	}
	for _, v := range c.verdicts {
		if !v.used {
			c.unused(v)
		}
	}
	for _, link := range c.links {
		for key, h := range link.Holds {
			if why := c.holdMisfit(link, h); why != "" {
				c.wrong("held with a reason that does not fit (%s %q: %s): %s", link.Mapping, key, h.Reason, why)
			}
		}
	}
}

// now is the last that was committed: to is the leave's state, "" when it is gone.
func (c *leaveCase) now() (last moment) {
	for _, m := range c.moments {
		if m.refused == "" && !m.read {
			last = m
		}
	}
	return last
}

// wrong notes a violation with all that happened to the leave.
func (c *leaveCase) wrong(format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "leave %d of %s: ", c.l.id, c.l.person.tag)
	fmt.Fprintf(&b, format, args...)
	for _, m := range c.moments {
		fmt.Fprintf(&b, "\n  odoo     %s", m)
	}
	for _, in := range c.approvals {
		fmt.Fprintf(&b, "\n  approval %s started %s %s: %s, %s days, by api %v", in.ID, in.Created.UTC().Format("15:04:05.000"), in.Value(markLabel), in.Value("事由"), in.Value("天数"), in.ByAPI)
		if in.Status != dingtalktest.StatusRunning {
			fmt.Fprintf(&b, "; %s %s by %s at %s", in.Status, in.Result, in.TerminatedBy, in.Finished.UTC().Format("15:04:05.000"))
		}
	}
	for _, v := range c.verdicts {
		fmt.Fprintf(&b, "\n  decided  %s %s on %s, carried over %v", v.at.UTC().Format("15:04:05.000"), v.meaning, v.in.ID, v.used)
	}
	for _, link := range c.links {
		fmt.Fprintf(&b, "\n  link     %s %s odoo %s dingtalk %s %+v", link.Mapping, link.State, link.Odoo, link.Ding, link.Occurrence)
		for key, h := range link.Holds {
			fmt.Fprintf(&b, "\n  held     %q %s: %s", key, h.Kind, h.Reason)
		}
	}
	c.j.wrong = append(c.j.wrong, b.String())
}

// decisions are those of the bridge's user. confirm → validate1 → validate, and refuse → draft, are one when nobody came between.
func (c *leaveCase) decisions() []decision {
	var out []decision
	mine := false // the last change of the state was the bridge's
	for i, m := range c.moments {
		if !m.changed() || m.from == "" || m.to == "" {
			mine = mine && !m.changed()
			continue
		}
		goesOn := m.from == "validate1" && m.to == "validate" || m.from == "refuse" && m.to == "draft"
		switch {
		case m.bridge && mine && goesOn:
			last := &out[len(out)-1]
			last.steps = append(last.steps, m)
		case m.bridge:
			out = append(out, decision{steps: []moment{m}, index: i})
		}
		mine = m.bridge
	}
	return out
}

// meaningOf is where a verdict leads: what the mappings say.
func meaningOf(v *verdict) string {
	born := v.in.Code == bornCode
	switch {
	case v.meaning == "agree":
		return "validate"
	case v.meaning == "terminate" && !born:
		return "draft"
	}
	return "refuse"
}

// match finds the one verdict that a decision carries over.
func (c *leaveCase) match(d decision) {
	first := d.steps[0]
	var found *verdict
	spent := false
	for _, v := range c.verdicts {
		if meaningOf(v) != d.becomes() || v.at.After(first.at) || c.superseded(v.in, first.at) {
			continue
		}
		if v.used {
			spent = true
			continue
		}
		found = v
	}
	switch {
	case found == nil && spent:
		c.wrong("decided twice: the bridge made it %s at %s, and what people decided was carried over before", d.becomes(), first.at.UTC().Format("15:04:05.000"))
		return
	case found == nil:
		c.wrong("decided wrongly: the bridge made it %s at %s, and nobody decided so", d.becomes(), first.at.UTC().Format("15:04:05.000"))
		return
	}
	found.used = true
	c.j.counted[found.meaning+" → "+d.becomes()]++
	open := first.from == "confirm" || first.from == "validate1"
	if !open && (found.meaning != "revoke" || first.from != "validate") {
		c.wrong("decided wrongly: %s carried over what was %s already", found.meaning, first.from)
	}
	c.sameSubmission(d, found)
	if found.meaning == "agree" {
		c.sameValues(d, found)
	}
}

// superseded says that a later approval of the leave had begun.
func (c *leaveCase) superseded(in dingtalktest.Instance, at time.Time) bool {
	i := slices.IndexFunc(c.approvals, func(o dingtalktest.Instance) bool { return o.ID == in.ID })
	return slices.ContainsFunc(c.approvals[i+1:], func(o dingtalktest.Instance) bool { return o.Created.Before(at) })
}

// takenBack says that a person took the leave back after the approval was started.
func (c *leaveCase) takenBack(in dingtalktest.Instance) bool {
	return slices.ContainsFunc(c.moments, func(m moment) bool { return m.changed() && !m.bridge && m.to == "draft" && m.at.After(in.Created) })
}

// sameSubmission: an approval decides about what was submitted when it was decided. That a leave was taken back and submitted again between
// two looks of the bridge, nobody can see afterwards. One that was taken back and submitted again as it was while its approval ran on is
// decided by that: the approvers had not spoken yet.
func (c *leaveCase) sameSubmission(d decision, v *verdict) {
	again, seen, out := false, false, false // after the verdict
	for _, m := range c.moments[:d.index] {
		switch {
		case m.changed() && !m.bridge && m.to == "draft":
			out = true
		case m.changed() && !m.bridge && m.to == "confirm" && m.from == "draft":
			again, out = again || m.at.After(v.at), false
		case m.read && out && m.at.After(v.at):
			seen = true
		}
	}
	switch {
	case again && seen:
		c.wrong("decided wrongly: %s of the approval %s is of an earlier submission, and the bridge was shown that it had been taken back", v.meaning, v.in.ID)
	case again:
		c.j.limits["decided in dingtalk, then taken back and submitted again before the bridge looked"]++
	}
}

// sameValues: what was approved is what the approvers were shown.
func (c *leaveCase) sameValues(d decision, v *verdict) {
	for _, step := range d.steps {
		if same(step.before, v.in) {
			continue
		}
		told := fmt.Sprintf("approved unseen: the approvers were shown %q, %s days; approved was %q, %v days", v.in.Value("事由"), v.in.Value("天数"), step.before.name, step.before.days)
		var last moment // the edit
		shown := false  // to the bridge since
		for _, m := range c.moments {
			if m == step {
				break
			}
			if m.edited() {
				last, shown = m, false
			}
			shown = shown || m.read
		}
		if last.stamp != "" && last.stamp == step.lock && !shown {
			c.j.limits["a leave edited in the second of the bridge's last look, and then approved"]++
			return
		}
		c.wrong("%s (the last edit was written %s, the lock was %q, shown to the bridge since %v)", told, last.stamp, step.lock, shown)
		return
	}
}

// same says whether the leave shows what the form of the approval says.
func same(v values, in dingtalktest.Instance) bool {
	days, err := strconv.ParseFloat(in.Value("天数"), 64)
	return err == nil && v.days == days && v.name == in.Value("事由")
}

// unused explains a verdict that the bridge did not carry over.
func (c *leaveCase) unused(v *verdict) {
	if c.now().to == "" {
		c.j.counted["not carried over: the leave is gone"]++
		return
	}
	state, reached := "", false // at the time of the verdict, and since
	byPeople := false           // a person moved it in Odoo while the approval was there
	for _, m := range c.moments {
		if m.changed() {
			byPeople = byPeople || !m.bridge && m.at.After(v.in.Created)
			if m.at.After(v.at) {
				reached = reached || state == meaningOf(v) || m.to == meaningOf(v)
			}
			state = m.to
		}
	}
	switch {
	case reached, state == meaningOf(v):
		c.j.counted["not carried over: so in odoo already"]++
	case slices.ContainsFunc(c.links, func(l *bridge.Link) bool { return string(l.Ding) == v.in.ID && len(l.Holds) > 0 }):
		c.j.counted["not carried over: held"]++
	case v.meaning == "agree" && slices.ContainsFunc(c.verdicts, func(o *verdict) bool { return o.in.ID == v.in.ID && o.meaning == "revoke" }):
		c.j.counted["not carried over: revoked before the bridge looked"]++
	case v.meaning == "terminate" && byPeople:
		c.j.counted["not carried over: withdrawn, as the bridge was to do after odoo decided"]++
	case c.superseded(v.in, time.Now()) && c.takenBack(v.in):
		c.j.counted["not carried over: taken back, submitted again and asked about again"]++
	default:
		c.wrong("forgotten: %s of the approval %s at %s", v.meaning, v.in.ID, v.at.UTC().Format("15:04:05.000"))
	}
}

// stepsFrom are the states from which the mappings lead to a state.
var stepsFrom = map[string][]string{"validate": {"confirm", "validate1"}, "refuse": {"confirm", "validate1", "validate"}, "draft": {"confirm", "refuse"}}

// holdMisfit says why the reason of a hold does not fit what people did, "" when it fits.
func (c *leaveCase) holdMisfit(link *bridge.Link, h bridge.Hold) string {
	var v *verdict // the last one on the link's approval
	for _, one := range c.verdicts {
		if one.in.ID == string(link.Ding) {
			v = one
		}
	}
	state := c.now().to
	byPeople := false // the last change of the state since the approval was started was a person's
	for _, m := range c.moments {
		if m.changed() && v != nil && m.at.After(v.in.Created) {
			byPeople = !m.bridge
		}
	}
	refused := slices.ContainsFunc(c.moments, func(m moment) bool { return m.refused != "" })
	says := func(words string) bool { return strings.Contains(h.Reason, words) }
	switch {
	case says("no transition leads"):
		if v == nil || slices.Contains(stepsFrom[meaningOf(v)], state) {
			return fmt.Sprintf("a transition leads from %s", state)
		}
		if !byPeople {
			return "no person brought it there"
		}
	case h.Kind == bridge.HeldConflict && says("edited in odoo since"):
		if v == nil || v.meaning != "agree" || same(c.now().after, v.in) {
			return fmt.Sprintf("nobody agreed, or it is as it was sent: %v", c.now().after)
		}
	case h.Kind == bridge.HeldConflict && says("submitted again in odoo since"):
		if v == nil || !c.takenBack(v.in) || !byPeople {
			return "nobody took it back and submitted it again"
		}
	case h.Kind == bridge.HeldConflict && says("both decided"):
		if v == nil || !byPeople {
			return "not both decided"
		}
		if meaningOf(v) == state {
			return "both decided the same"
		}
	case h.Kind == bridge.HeldRefused && refused:
	default:
		return "nothing explains it"
	}
	return ""
}
