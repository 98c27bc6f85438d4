package mapping

import (
	"encoding/json"
	"slices"
	"strconv"
)

// setConverter joins a many2many with a list of ids, such as the members of a channel with those of a group. Its canonical value is the
// sorted JSON array of the keys of the links that stand in the list and have an id on the other side too: whom only one side knows is no
// part of what is compared, and stays where he is when the list is written.
type setConverter struct{ one refConverter }

func (setConverter) Name() string { return "set" }

func (setConverter) writesEmpty() {}

// unwatched are Refs that do not wait for a reference that is missing: somebody whom the other side does not know is the rule in a list.
type unwatched interface{ Unwatched() Refs }

func refsOf(env Env) Env {
	if quiet, ok := env.Refs.(unwatched); ok {
		env.Refs = quiet.Unwatched()
	}
	return env
}

func (c setConverter) Read(side Side, raw any, env Env) (Value, error) {
	ids, ok := setIDs(raw)
	if !ok {
		return UnknownValue, unexpected(raw, "a list of ids")
	}
	if c.one.mute(side) {
		return UnknownValue, nil
	}
	env = refsOf(env)
	var links []string
	for _, id := range ids {
		if link, ok := c.known(side, id, env); ok {
			links = append(links, link)
		}
	}
	return setValue(links), nil
}

// known is the link of a member whom both sides know.
func (c setConverter) known(side Side, id string, env Env) (string, bool) {
	link := c.one.link(side, id, env)
	if !link.IsKnown() || env.Refs == nil {
		return "", false
	}
	_, there := env.Refs.IDOf(c.one.mapping, side.Other(), link.Text, c.one.by(side.Other()))
	return link.Text, there
}

// setIDs reads a list of ids of either side.
func setIDs(raw any) ([]string, bool) {
	if nums, ok := raw.([]int64); ok {
		ids := make([]string, len(nums))
		for i, n := range nums {
			ids[i] = strconv.FormatInt(n, 10)
		}
		return ids, true
	}
	return idList(raw)
}

// setValue is the canonical value of a set of links; Empty without any.
func setValue(links []string) Value {
	if len(links) == 0 {
		return EmptyValue
	}
	links = slices.Clone(links)
	slices.Sort(links)
	text, _ := json.Marshal(slices.Compact(links)) // texts can always be written
	return Text(string(text))
}

// setLinks are the links of a canonical value.
func setLinks(v Value) ([]string, error) {
	if !v.IsKnown() {
		return nil, nil
	}
	var links []string
	if err := json.Unmarshal([]byte(v.Text), &links); err != nil {
		return nil, unexpected(v.Text, "a set of links")
	}
	return links, nil
}

// Members are the keys of the links in the value of a set.
func Members(v Value) []string {
	links, err := setLinks(v)
	if err != nil {
		return nil
	}
	return links
}

// Contains reports whether all members of a part are in the set.
func Contains(whole, part Value) bool {
	has := Members(whole)
	return !slices.ContainsFunc(Members(part), func(l string) bool { return !slices.Contains(has, l) })
}

// Write returns the list just read without those who are known to both sides and not wanted, and with those wanted who are missing.
func (c setConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	wanted, err := setLinks(v)
	if err != nil {
		return nil, err
	}
	had, ok := setIDs(current)
	if !ok && current != nil {
		return nil, unexpected(current, "a list of ids")
	}
	env = refsOf(env)
	var out []string
	stays := map[string]bool{}
	for _, id := range had {
		link, known := c.known(side, id, env)
		if known && !slices.Contains(wanted, link) {
			continue
		}
		stays[link] = known
		out = append(out, id)
	}
	for _, link := range wanted {
		if stays[link] {
			continue
		}
		id, err := c.one.id(side, Text(link), env)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return rawSet(side, out)
}

// rawSet is a list of ids in the form of the side.
func rawSet(side Side, ids []string) (any, error) {
	if side == DingTalk {
		list := make([]any, len(ids))
		for i, id := range ids {
			list[i] = id
		}
		if len(list) == 0 {
			return nil, nil
		}
		return list, nil
	}
	nums := make([]int64, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, unexpected(id, "the id of an Odoo record")
		}
		nums[i] = n
	}
	return nums, nil
}

// Set reports whether the field's value is a set whose members travel one by one.
func (f *Field) Set() bool {
	_, is := f.Convert.(setConverter)
	return is
}

// SetTargets is what each side should become, member by member: who was added on one side since its base is added on the other, who was
// removed is removed, and who is on one side only as before stays so. Without bases everybody is an addition. Pure.
func SetTargets(odooBase, dingBase, odoo, ding Value) (toOdoo, toDing Value, err error) {
	var sets [4]map[string]bool
	for i, v := range []Value{odooBase, dingBase, odoo, ding} {
		links, err := setLinks(v)
		if err != nil {
			return UnknownValue, UnknownValue, err
		}
		sets[i] = make(map[string]bool, len(links))
		for _, l := range links {
			sets[i][l] = true
		}
	}
	return setValue(target(sets[2], sets[0], sets[3], sets[1])), setValue(target(sets[3], sets[1], sets[2], sets[0])), nil
}

// target is one side's own members with what happened on the other.
func target(own, ownBase, other, otherBase map[string]bool) []string {
	var out []string
	for l := range own {
		removed := otherBase[l] && !other[l] && ownBase[l]
		if !removed {
			out = append(out, l)
		}
	}
	for l := range other {
		removed := ownBase[l] && otherBase[l] // by this side
		lasting := otherBase[l] && !ownBase[l]
		if !own[l] && !removed && !lasting {
			out = append(out, l)
		}
	}
	return out
}
