package mapping

import (
	"encoding/json"
	"maps"
	"slices"
)

// responsesConverter gives the attendees of an Odoo meeting the answers that people gave to the invitation in DingTalk. The canonical value
// is the sorted JSON array of "link answer" of those who are known on both sides. Whoever has not answered in DingTalk is left out, and may
// have answered in Odoo; so is the organizer, who invited himself.
type responsesConverter struct{ one refConverter }

// The answers are called the same on both sides, but one (calendar.attendee: state; 设置日程响应邀请状态).
const unanswered = "needsAction"

var answers = []string{"accepted", "declined", "tentative"}

func (responsesConverter) Name() string { return "responses" }

func (responsesConverter) readsEmpty()     {}
func (responsesConverter) needsTheRecord() {}

func (responsesConverter) columns() []string { return []string{"partner_id", "state"} }

func (responsesConverter) parts(side Side) []string {
	if side == Odoo {
		return []string{"attendee_ids", "user_id"}
	}
	return []string{"responses", "organizer"}
}

func (c responsesConverter) Read(side Side, raw any, env Env) (Value, error) {
	env = refsOf(env)
	if side == Odoo {
		return c.readOdoo(raw, env)
	}
	given, ok := raw.(map[string]any)
	if !ok && raw != nil {
		return UnknownValue, unexpected(raw, "answers by person")
	}
	said := map[string]string{}
	for id, answer := range given {
		text, _ := answer.(string)
		if id == env.Record["organizer"] || !slices.Contains(answers, text) {
			continue
		}
		if link, known := setConverter(c).known(DingTalk, id, env); known {
			said[link] = text
		}
	}
	return saidValue(said), nil
}

// readOdoo reads what the attendees have for those who are in the base: of the others, an answer given in Odoo is theirs.
func (c responsesConverter) readOdoo(raw any, env Env) (Value, error) {
	rows, ok := raw.([]any)
	if !ok && raw != nil { // the attendees themselves were not read
		return UnknownValue, nil
	}
	settled, err := saidOf(env.Base)
	if err != nil {
		return UnknownValue, err
	}
	said := map[string]string{}
	for link, row := range c.attendees(rows, env) {
		state, _ := row["state"].(string)
		if _, asked := settled[link]; asked && slices.Contains(answers, state) {
			said[link] = state
		}
	}
	return saidValue(said), nil
}

// attendees are the rows of calendar.attendee of people who are known on both sides, by their links.
func (c responsesConverter) attendees(rows []any, env Env) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, item := range rows {
		row := rowOf(item)
		partner, ok := refID(row["partner_id"])
		if !ok {
			continue
		}
		if link := c.one.link(Odoo, partner, env); link.IsKnown() {
			out[link.Text] = row
		}
	}
	return out
}

func saidValue(said map[string]string) Value {
	if len(said) == 0 {
		return EmptyValue
	}
	list := make([]string, 0, len(said))
	for _, link := range slices.Sorted(maps.Keys(said)) {
		list = append(list, link+" "+said[link])
	}
	text, _ := json.Marshal(list) // texts can always be written
	return Text(string(text))
}

func saidOf(v Value) (map[string]string, error) {
	said := map[string]string{}
	if !v.IsKnown() {
		return said, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(v.Text), &list); err != nil {
		return nil, unexpected(v.Text, "a list of answers")
	}
	for _, one := range list {
		for i := len(one) - 1; i > 0; i-- {
			if one[i] == ' ' {
				said[one[:i]] = one[i+1:]
				break
			}
		}
	}
	return said, nil
}

func (responsesConverter) writesEmpty() {}

// Write returns the commands that change the attendees. Whoever took an answer back in DingTalk has not answered in Odoo.
func (c responsesConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	said, err := saidOf(v)
	if err != nil || side == DingTalk {
		return nil, err
	}
	before, err := saidOf(env.Base)
	if err != nil {
		return nil, err
	}
	rows, _ := current.([]any)
	commands := []any{}
	attendees := c.attendees(rows, refsOf(env))
	for _, link := range slices.Sorted(maps.Keys(said)) {
		if attendees[link] == nil { // who is being invited has a row afterwards
			return nil, &MissingRef{Mapping: c.one.mapping, Link: link, Side: Odoo}
		}
	}
	for _, link := range slices.Sorted(maps.Keys(attendees)) {
		row := attendees[link]
		state, answered := said[link]
		if _, had := before[link]; !answered && had {
			state = unanswered
		}
		id, ok := plainInt(row["id"])
		if state == "" || row["state"] == state || !ok {
			continue
		}
		commands = append(commands, []any{int64(1), id, map[string]any{"state": state}})
	}
	return commands, nil
}
