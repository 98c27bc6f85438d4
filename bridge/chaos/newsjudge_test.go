package chaos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingbridge/bridge"
	"dingbridge/dingtalk/dingtalktest"
)

// told is one message that people got in DingTalk.
type told struct {
	content  string
	at       time.Time
	to       []string // tags; a userid where nobody knows whose it was
	recalled bool
	again    int  // how often the same content was accepted once more and shown to nobody
	backed   bool // one of those was taken back
}

// newsCase is everything known of one record and the messages about it by one mapping.
type newsCase struct {
	mapping  string
	kind     string
	id       int64
	name     string
	versions []version
	told     []told // oldest first
	quiets   []time.Time
	crew     map[string]bool // those who are always there
	link     *bridge.Link
	lost     bool // the answer to a message about it may have been lost

	wrong           []string
	counted, limits map[string]int
}

// span is a time in which the record was in the domain: versions from the first one to before the end.
type span struct{ from, to int }

// spans are the times in which the record was in the domain.
func (c *newsCase) spans() (out []span) {
	for i, v := range c.versions {
		switch {
		case !v.out:
		case len(out) > 0 && out[len(out)-1].to == i:
			out[len(out)-1].to = i + 1
		default:
			out = append(out, span{i, i + 1})
		}
	}
	return out
}

// parted says that the record was out of the domain between two times when everything was quiet: the bridge must have noticed.
func (c *newsCase) parted(a, b span) bool {
	left, back := c.versions[a.to].from, c.versions[b.from].from
	return slices.ContainsFunc(c.quiets, func(at time.Time) bool { return at.After(left) && at.Before(back) })
}

// judge holds what was told against what people wrote.
func (c *newsCase) judge() {
	spans := c.spans()
	in := make([][]told, len(spans)) // what was told of each
	for _, m := range c.told {
		v := c.versionOf(m.content)
		if v < 0 {
			c.violate("told what it never was: %q", m.content)
			continue
		}
		i := slices.IndexFunc(spans, func(s span) bool { return s.from <= v && v < s.to })
		if i < 0 {
			c.violate("told although it was not in the domain: %q", m.content)
			continue
		}
		in[i] = append(in[i], m)
		c.receivers(m, v)
	}
	for i, list := range in {
		c.once(spans[i], list)
	}
	c.forgotten(spans, in)
	if c.mapping == "news-notice" {
		c.takenBack(spans, in)
	}
	c.held()
}

// versionOf is the version that a message says; -1 when there was none.
func (c *newsCase) versionOf(content string) int {
	return slices.IndexFunc(c.versions, func(v version) bool { return v.text != "" && v.says(c.name) == content })
}

// receivers: whom the record was for when the message was chosen, in this version or one that followed before it was sent, got it, and
// nobody else. People who come and go may be left out.
func (c *newsCase) receivers(m told, v int) {
	if c.kind == dingtalktest.ByWebhook {
		return
	}
	var why string
	for i := v; i < len(c.versions) && (i == v || !c.versions[i].from.After(m.at)); i++ {
		is := c.versions[i]
		if why = misfit(is, m.to, c.crew); why == "" {
			c.counted["people told"] += len(m.to)
			return
		}
	}
	c.violate("told %v of %q: %s", m.to, m.content, why)
}

// misfit says who is missing among the receivers of a version, or is too many.
func misfit(v version, to []string, crew map[string]bool) string {
	for _, tag := range v.people {
		if crew[tag] && tag != v.author && !slices.Contains(to, tag) {
			return tag + " was forgotten"
		}
	}
	for _, tag := range to {
		if strings.HasPrefix(tag, "P") && (tag == v.author || !slices.Contains(v.people, tag)) {
			return tag + " is not concerned"
		}
	}
	return ""
}

// once: nobody is told twice while the record stays in the domain.
func (c *newsCase) once(s span, list []told) {
	if len(list) == 0 {
		return
	}
	c.counted["messages of "+c.mapping]++
	got := map[string]int{}
	for _, m := range list {
		if c.kind == dingtalktest.ByWebhook {
			got["the group"]++
		}
		for _, tag := range m.to {
			got[tag]++
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(got)) {
		if n := got[tag]; n > 1 {
			c.violate("told twice: %s was told %d times while it stayed in the domain since %s", tag, n, clock(c.versions[s.from].from))
			return
		}
	}
}

// forgotten: what is in the domain now was told of since it was last seen outside.
func (c *newsCase) forgotten(spans []span, in [][]told) {
	last := len(spans) - 1
	if last < 0 || !c.versions[len(c.versions)-1].out {
		return
	}
	n := len(in[last])
	merged := false
	for i := last; i > 0 && n == 0 && !c.parted(spans[i-1], spans[i]); i-- {
		n, merged = len(in[i-1]), true
	}
	switch {
	case c.link != nil && c.link.State == bridge.Creating:
		c.violate("on its way: the telling goes on")
	case c.isHeld():
		c.counted["held by "+c.mapping]++
	case n == 0:
		c.violate("forgotten: it is in the domain since %s", clock(c.versions[spans[last].from].from))
	case merged:
		c.counted["left and entered again between two looks"]++
	}
}

// takenBack: what was told stands while the record is in the domain, and is taken back afterwards.
func (c *newsCase) takenBack(spans []span, in [][]told) {
	now := c.versions[len(c.versions)-1].out
	standing := 0
	all := slices.Concat(in...)
	for i, m := range all {
		latest := i == len(all)-1
		switch {
		case !m.recalled && now && latest:
			standing++
		case m.recalled && now && latest:
			c.violate("taken back although it is in the domain: %q", m.content)
		case m.recalled:
			c.counted["taken back"]++
		case m.backed:
			c.limits["a notice whose answer was lost cannot be taken back: nobody knows its number"]++
		default:
			c.violate("not taken back: %q of %s", m.content, clock(m.at))
		}
	}
}

func (c *newsCase) isHeld() bool { return c.link != nil && c.link.State == bridge.Held }

// held: only a message that DingTalk would take twice is held, and only when nobody can know whether it came.
func (c *newsCase) held() {
	if c.link == nil {
		return
	}
	for _, h := range c.link.Holds {
		switch {
		case c.kind != dingtalktest.ByRobot:
			c.violate("held: %s", h.Reason)
		case h.Kind != bridge.HeldUnsure || !strings.Contains(h.Reason, "nobody knows"):
			c.violate("held with a reason that does not fit: %s %s", h.Kind, h.Reason)
		case !c.lost:
			c.violate("held although no answer was lost: %s", h.Reason)
		}
	}
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// violate notes a violation with all that happened to the record.
func (c *newsCase) violate(format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "news %d by %s: ", c.id, c.mapping)
	fmt.Fprintf(&b, format, args...)
	for _, v := range c.versions {
		fmt.Fprintf(&b, "\n  %s odoo: %s, out %v, for %v but %q", clock(v.from), v.text, v.out, v.people, v.author)
	}
	for _, m := range c.told {
		fmt.Fprintf(&b, "\n  %s told %v: %s, recalled %v; accepted again %d times, of these recalled %v", clock(m.at), m.to, m.content, m.recalled, m.again, m.backed)
	}
	if c.link != nil {
		fmt.Fprintf(&b, "\n  link %s %s", c.link.State, jsonOf(c.link.Occurrence))
		for _, h := range c.link.Holds {
			fmt.Fprintf(&b, "\n  held %s %s: %s", clock(h.Since), h.Kind, h.Reason)
		}
	}
	c.wrong = append(c.wrong, b.String())
}

func jsonOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// newsCases are the cases of all records by all mappings, judged.
func (w *world) newsCases() ([]*newsCase, error) {
	links := map[string]map[int64]*bridge.Link{}
	if err := w.store.View(w.ctx, func(tx bridge.Tx) error {
		for name := range newsKinds {
			links[name] = map[int64]*bridge.Link{}
			for l, err := range tx.Links(name) {
				if err != nil {
					return err
				}
				if id := number(string(l.Odoo)); l.State != bridge.Superseded {
					links[name][id] = l
				}
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	crew := map[string]bool{}
	for _, r := range w.crew() {
		crew[r.tag] = true
	}
	said := w.told()
	var out []*newsCase
	for _, n := range w.newsNow() {
		for _, name := range slices.Sorted(maps.Keys(newsKinds)) {
			c := &newsCase{
				mapping: name, kind: newsKinds[name], id: n.id, name: n.name, versions: n.history(), quiets: w.quiets, crew: crew, link: links[name][n.id],
				counted: map[string]int{}, limits: map[string]int{},
			}
			c.told = said[name][n.name]
			if c.link != nil && len(c.link.Holds) > 0 {
				c.lost = w.answerLost(c)
			}
			c.judge()
			out = append(out, c)
		}
	}
	return out, nil
}

// newsDifferences is what is wrong with the messages.
func (w *world) newsDifferences() (out []string) {
	if !w.plays(kindNews) {
		return nil
	}
	cases, err := w.newsCases()
	if err != nil {
		return []string{"reading the store: " + err.Error()}
	}
	for _, c := range cases {
		out = append(out, c.wrong...)
	}
	return out
}

// told is what people got, by mapping and by the name of the record.
func (w *world) told() map[string]map[string][]told {
	out := map[string]map[string][]told{}
	tell := func(name string, content string, m told) {
		i := strings.LastIndex(content, "（")
		record := strings.TrimSuffix(content[i+len("（"):], "）")
		if m.content = content; i < 0 {
			record = ""
		}
		if out[name] == nil {
			out[name] = map[string][]told{}
		}
		list := out[name][record]
		at := slices.IndexFunc(list, func(o told) bool { return o.content == content })
		if name == "news-notice" && at >= 0 && len(m.to) == 0 { // shown to nobody: it was there already
			list[at].again++
			list[at].backed = list[at].backed || m.recalled
			return
		}
		out[name][record] = append(list, m)
	}
	for _, n := range w.ding.Notices() {
		var msg struct{ Text struct{ Content string } }
		w.check(json.Unmarshal(n.Msg, &msg))
		tell("news-notice", msg.Text.Content, told{at: n.At, to: w.tagsOf(n.Delivered), recalled: n.Recalled})
	}
	for _, m := range w.ding.Messages() {
		switch m.Kind {
		case dingtalktest.ByRobot:
			var msg struct{ MsgParam string }
			var param struct{ Content string }
			w.check(json.Unmarshal(m.Content, &msg))
			w.check(json.Unmarshal([]byte(msg.MsgParam), &param))
			tell("news-robot", param.Content, told{at: m.At, to: w.tagsOf(m.Delivered)})
		case dingtalktest.ByWebhook:
			var msg struct{ Text struct{ Content string } }
			w.check(json.Unmarshal(m.Content, &msg))
			for _, one := range strings.SplitAfter(msg.Text.Content, "）") { // several may be joined
				if one = strings.Trim(one, "\n- *"); one != "" {
					tell("news-hook", one, told{at: m.At})
				}
			}
		}
	}
	return out
}

// tagsOf are the people with the userids.
func (w *world) tagsOf(userids []string) (out []string) {
	for _, r := range w.ledger.all("person", false) {
		if r.ding != "" {
			w.userids[r.ding] = r.tag
		}
	}
	for _, id := range userids {
		if tag := w.userids[id]; tag != "" {
			id = tag
		} else {
			id = "userid " + id
		}
		out = append(out, id)
	}
	return out
}

// answerLost says whether an answer about the case's held message may have been lost: a request that says it got no good answer, or a process
// that could not hear it. It is asked in the round in which the message is held.
func (w *world) answerLost(c *newsCase) bool {
	key := fmt.Sprint(c.mapping, c.id, c.link.Occurrence.N)
	if lost, known := w.lostAnswers[key]; known {
		return lost
	}
	w.lostAnswers[key] = w.mayHaveLost(c)
	return w.lostAnswers[key]
}

func (w *world) mayHaveLost(c *newsCase) bool {
	if slices.ContainsFunc(w.struck, func(f string) bool {
		return strings.Contains(f, "kill") || strings.Contains(f, "paused") || strings.Contains(f, "stopped") || strings.Contains(f, "disk")
	}) {
		return true
	}
	for _, v := range c.versions {
		if v.text == "" {
			continue
		}
		for _, r := range w.ding.Journal() {
			if r.Path == robotPath && strings.Contains(fmt.Sprint(r.Params()["msgParam"]), "【"+v.text+"】") && (r.Status != 200 || r.Failure != "") {
				return true
			}
		}
	}
	return false
}

// tellNews enters what came of the messages of this world in the report.
func (w *world) tellNews() {
	if !w.plays(kindNews) {
		return
	}
	cases, err := w.newsCases()
	w.check(err)
	joined := 0
	for _, m := range w.ding.Messages() {
		if m.Kind == dingtalktest.ByWebhook && strings.Count(string(m.Content), "【") > 1 {
			joined += strings.Count(string(m.Content), "【")
		}
	}
	w.t.Logf("news: %d records; joined in messages of the group: %s", len(w.newsNow()), strconv.Itoa(joined))
	for _, c := range cases {
		w.report.judged(judgement{counted: nil, limits: c.limits})
		w.report.messaged(c.counted)
	}
	w.report.messaged(map[string]int{"told in the group in a message with others": joined})
}
