package odootest

import (
	"html"
	"regexp"
	"strings"
)

// note.note: a person's own notes; its name is the first line of its text (addons/note/models/note.py).
func init() {
	behaviours["note.note"] = &behaviour{
		defaults: func(e *env, _ *model) values { return values{"user_id": e.uid, "open": true} },
		compute:  map[string]func(*env, *model, *row) any{"name": noteName},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			return e.set(m, id, values{"name": noteName(e, m, e.row(m.name, id))})
		},
		afterWrite: func(e *env, m *model, ids []int64, _ values, _ map[int64]*row) error {
			for _, id := range ids {
				if err := e.set(m, id, values{"name": noteName(e, m, e.row(m.name, id))}); err != nil {
					return err
				}
			}
			return nil
		},
		methods: map[string]method{
			"action_close": {multi: true, run: func(c *call) (any, error) {
				return true, c.e.write(c.m, c.ids, values{"open": false, "date_done": c.e.today()})
			}},
			"action_open": {multi: true, run: func(c *call) (any, error) { return true, c.e.write(c.m, c.ids, values{"open": true}) }},
		},
		rules: func(e *env, m *model, _ string) func(*row) bool {
			own := e.refOf("res.users", e.uid, "partner_id")
			return func(r *row) bool {
				for _, p := range e.followers(m, r) {
					if p == own {
						return true
					}
				}
				return r.ref(m.field("user_id")) == e.uid
			}
		},
	}
}

var anyTag = regexp.MustCompile(`<[^>]*>`)

// noteName is the first line of a note's text.
func noteName(_ *env, m *model, r *row) any {
	text := strings.NewReplacer("<br>", "\n", "</p>", "\n").Replace(r.str(m.field("memo")))
	first, _, _ := strings.Cut(strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(text, ""))), "\n")
	return first
}
