package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// responsesConverter joins the states of the attendees of an Odoo meeting with what people answered to the invitation in DingTalk. The
// canonical value is the sorted JSON array of "link answer" of those who are known on both sides, also of those who have not answered; the
// organizer is left out, who invited himself. Each answer travels by itself, see SetTargets for the same of sets.
type responsesConverter struct{ one refConverter }

// The answers are called the same on both sides (calendar.attendee: state; 设置日程响应邀请状态).
var answers = []string{Unanswered, "accepted", "declined", "tentative"}

// Unanswered is the answer of who has not answered, or took the answer back.
const Unanswered = "needsAction"

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
		rows, ok := raw.([]any)
		if !ok && raw != nil { // the attendees themselves were not read
			return UnknownValue, nil
		}
		said := map[string]string{}
		for link, row := range c.attendees(rows, env) {
			if state, _ := row["state"].(string); slices.Contains(answers, state) {
				said[link] = state
			}
		}
		return AnswersValue(said), nil
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
	return AnswersValue(said), nil
}

// attendees are the rows of calendar.attendee of people who are known on both sides, by their links, without the organizer's own.
func (c responsesConverter) attendees(rows []any, env Env) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, item := range rows {
		row := rowOf(item)
		partner, ok := refID(row["partner_id"])
		if !ok {
			continue
		}
		if link, known := setConverter(c).known(Odoo, partner, env); known {
			out[link] = row
		}
	}
	organizer := c.one
	organizer.person = pathUser
	if user, ok := refID(env.Record["user_id"]); ok {
		delete(out, organizer.link(Odoo, user, env).Text)
	}
	return out
}

// Answers reports whether the field's value are the answers of people, which travel one by one.
func (f *Field) Answers() bool {
	_, is := f.Convert.(responsesConverter)
	return is
}

// AnswersValue is the canonical value of answers by link.
func AnswersValue(said map[string]string) Value {
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

// AnswersOf are the answers in a canonical value, by link.
func AnswersOf(v Value) (map[string]string, error) {
	said := map[string]string{}
	if !v.IsKnown() {
		return said, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(v.Text), &list); err != nil {
		return nil, unexpected(v.Text, "a list of answers")
	}
	for _, one := range list {
		if at := strings.LastIndexByte(one, ' '); at > 0 {
			said[one[:at]] = one[at+1:]
		}
	}
	return said, nil
}

func (responsesConverter) writesEmpty() {}

// Write returns the commands that change the attendees, or what is to be answered in DingTalk, by person: of those who attend, and whose
// answer is another one.
func (c responsesConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	said, err := AnswersOf(v)
	if err != nil {
		return nil, err
	}
	if side == Odoo {
		rows, _ := current.([]any)
		return c.commands(said, rows, refsOf(env)), nil
	}
	now, _ := current.(map[string]any)
	out := map[string]any{}
	for link, answer := range said {
		id, err := c.one.id(DingTalk, Text(link), env)
		if err != nil {
			return nil, err
		}
		if had, attends := now[id]; attends && had != answer {
			out[id] = answer
		}
	}
	return out, nil
}

func (c responsesConverter) commands(said map[string]string, rows []any, env Env) []any {
	out := []any{}
	attendees := c.attendees(rows, env)
	for _, link := range slices.Sorted(maps.Keys(attendees)) {
		row := attendees[link]
		id, ok := plainInt(row["id"])
		if state, wanted := said[link]; wanted && ok && row["state"] != state {
			out = append(out, []any{int64(1), id, map[string]any{"state": state}})
		}
	}
	return out
}
