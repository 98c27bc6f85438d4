package bridge

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dingbridge/mapping"
)

// String prints the plan as `dingbridge plan` shows it; nothing when the record is in sync.
func (p *Plan) String() string {
	var b strings.Builder
	if p.Match != nil {
		p.line(&b, "=", p.Match.Side, "<>", "matched by "+p.Match.By)
	} else if p.Rehire && len(p.Changes) == 0 && len(p.Over) == 0 {
		p.line(&b, "=", mapping.DingTalk, "<>", p.Row)
	}
	for _, c := range p.Changes {
		p.change(&b, c, "")
	}
	for _, w := range p.Over {
		tail := " (over the guard: waits for a release)"
		if w.List > 0 {
			tail = fmt.Sprintf(" (over the guard: waits in list %d)", w.List)
		}
		p.change(&b, w.Change, tail)
	}
	for _, n := range p.Notes {
		mark := "!"
		if n.Hold == nil {
			mark = "-"
		}
		p.line(&b, mark, mapping.DingTalk, "<>", n.Reason)
	}
	if p.Retire != "" && len(p.Changes) == 0 && len(p.Over) == 0 {
		p.line(&b, "x", mapping.DingTalk, "<>", "link ends: "+p.Retire)
	}
	if p.Settle != "" && len(p.Changes) == 0 && len(p.Over) == 0 {
		if p.Mapping.Message != nil {
			p.line(&b, "-", mapping.DingTalk, "<>", p.Settle)
		} else {
			p.line(&b, "x", mapping.DingTalk, "<>", "settled: "+p.Settle)
		}
	}
	if len(p.Waits) > 0 && len(p.Changes) == 0 && len(p.Notes) == 0 && p.Match == nil {
		p.line(&b, "…", mapping.DingTalk, "<>", "waits for "+p.waitsText())
	}
	return b.String()
}

// change prints one change with its fields.
func (p *Plan) change(b *strings.Builder, c *Change, tail string) {
	mark := map[Op]string{OpCreate: "+", OpUpdate: "~", OpUnarchive: "^", OpArchive: "-", OpDelete: "-", OpTerminate: "-", OpComment: "\"", OpNote: "\"", OpFinish: "*", OpReopen: "^"}[c.Op]
	reason := c.Reason
	if c.Op != OpCreate && c.Op != OpUpdate && p.Mapping.Message == nil {
		reason = string(c.Op) + ": " + reason
	}
	p.line(b, mark, c.Side, "<-", reason+tail)
	width := 0
	for _, f := range c.Fields {
		width = max(width, columns(f.Field.Name(c.Side)))
	}
	if c.Asked != nil {
		fmt.Fprintf(b, "    approvers  %s\n", c.Asked)
	}
	if c.To != nil {
		fmt.Fprintf(b, "    to  %s%s\n", c.To, c.callsText(p.Mapping.Kind))
	}
	if c.Text != "" {
		fmt.Fprintf(b, "    %s\n", c.Text)
	}
	for _, f := range c.Fields {
		name := f.Field.Name(c.Side)
		fmt.Fprintf(b, "    %s%s  ", name, strings.Repeat(" ", width-columns(name)))
		if c.Op == OpCreate {
			fmt.Fprintf(b, "%s", p.show(f.Field, c.Side, f.To))
		} else {
			fmt.Fprintf(b, "%s -> %s", p.show(f.Field, c.Side, f.From), p.show(f.Field, c.Side, f.To))
			if f.Reason != c.Reason {
				fmt.Fprintf(b, "   %s", f.Reason)
			}
		}
		b.WriteByte('\n')
	}
}

// changeText is the change as one stored line.
func (p *Plan) changeText(c *Change) string {
	var b strings.Builder
	p.change(&b, c, "")
	return strings.TrimRight(b.String(), "\n")
}

// line prints the mark, both records and the reason; the target stands first.
func (p *Plan) line(b *strings.Builder, mark string, target mapping.Side, arrow, reason string) {
	left, right := p.name(target), p.name(target.Other())
	fmt.Fprintf(b, "%s %s %s %s   %s\n", mark, pad(left, 32), arrow, pad(right, 28), reason)
}

// name is one side's record as the commands take it, with its name for the eye.
func (p *Plan) name(s mapping.Side) string {
	seen, kind := p.Odoo, p.Mapping.Model
	if s == mapping.DingTalk {
		seen, kind = p.Ding, p.Mapping.Kind
	}
	id := string(seen.ID)
	for _, c := range p.Changes {
		if c.Op == OpCreate && c.Side == s {
			id = "(new)"
			if s == mapping.DingTalk && p.Mapping.Kind == "user" {
				id = c.Key
			}
		}
	}
	if id == "" {
		id = "(none)"
	}
	text := string(s) + " " + kind + " " + id
	if n := p.title(); n != "" && s == mapping.Odoo {
		text += " " + n
	}
	return text
}

// title is the record's name, if the mapping has one.
func (p *Plan) title() string {
	for _, v := range []mapping.View{p.Odoo.View, p.Ding.View} {
		for _, key := range []string{"name", "subject"} {
			if n := v[key]; n.IsKnown() {
				return n.Text
			}
		}
	}
	return ""
}

// show prints a value; a reference by the id it has on the side, a set by the names of its members.
func (p *Plan) show(f *mapping.Field, s mapping.Side, v mapping.Value) string {
	if f.Set() && v.IsKnown() && p.refs != nil {
		var names []string
		for _, link := range mapping.Members(v) {
			name, ok := p.refs.IDOf(f.Ref, mapping.DingTalk, link, "name")
			if !ok {
				name = p.showRef(f, s, link)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	}
	if f.Ref == "" || !v.IsKnown() || p.refs == nil || strings.HasPrefix(v.Text, "[") { // of several, their links are shown
		return v.String()
	}
	return p.showRef(f, s, v.Text)
}

func (p *Plan) showRef(f *mapping.Field, s mapping.Side, link string) string {
	by := map[mapping.Side]string{mapping.Odoo: f.Person} // in DingTalk the id says more than an attribute that is sent
	if id, ok := p.refs.IDOf(f.Ref, s, link, by[s]); ok {
		return id
	}
	if id, ok := p.refs.IDOf(f.Ref, s.Other(), link, by[s.Other()]); ok {
		return "(" + string(s.Other()) + " " + id + ")"
	}
	return "(new)"
}

func (p *Plan) waitsText() string {
	var parts []string
	for i, w := range uniqueAwaits(p.Waits) {
		if i == 3 {
			parts = append(parts, "…")
			break
		}
		if w.Side == "" {
			parts = append(parts, string(w.ID)+" of "+w.Mapping)
			continue
		}
		parts = append(parts, w.Mapping+" "+string(w.Side)+" "+string(w.ID))
	}
	return strings.Join(parts, ", ")
}

// columns is how wide a text stands on a terminal: a Chinese character takes two columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && utf8.RuneLen(r) >= 3 {
			n++
		}
	}
	return n
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-columns(s), 0))
}
