package odootest

import (
	"html"
)

func init() {
	behaviours["mail.activity"] = &behaviour{
		createAsBot: true,
		defaults: func(e *env, _ *model) values {
			return values{"date_deadline": e.tx.stamp.Time().Format("2006-01-02"), "user_id": e.uid, "create_user_id": e.uid}
		},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			r := e.row(m.name, id)
			model := e.text("ir.model", r.ref(m.field("res_model_id")), "model")
			target, _ := r.at(m.field("res_id")).(int64)
			return e.set(m, id, values{"res_model": model, "res_name": e.nameOf(model, target)})
		},
		compute: map[string]func(*env, *model, *row) any{
			"state": func(e *env, m *model, r *row) any {
				today, due := e.tx.stamp.Time().Format("2006-01-02"), r.str(m.field("date_deadline"))
				switch {
				case due < today:
					return "overdue"
				case due == today:
					return "today"
				}
				return "planned"
			},
			"activity_category": func(e *env, m *model, r *row) any {
				return e.value("mail.activity.type", r.ref(m.field("activity_type_id")), "category")
			},
			"icon": func(e *env, m *model, r *row) any {
				return e.value("mail.activity.type", r.ref(m.field("activity_type_id")), "icon")
			},
		},
		methods: map[string]method{
			"action_feedback": {multi: true, params: []string{"feedback"}, run: func(c *call) (any, error) {
				var message any = false
				for _, id := range c.ids {
					r := c.e.row(c.m.name, id)
					if r == nil {
						continue
					}
					target, _ := r.at(c.m.field("res_id")).(int64)
					posted, err := c.e.post(r.str(c.m.field("res_model")), target, values{"body": "<div>" + html.EscapeString(c.textArg("feedback")) + "</div>", "message_type": "notification"})
					if err != nil {
						return nil, err
					}
					message = posted
				}
				return message, c.e.unlink(c.m, c.ids)
			}},
		},
	}
	behaviours["note.note"] = &behaviour{
		compute: map[string]func(*env, *model, *row) any{"name": noteName},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			return e.set(m, id, values{"name": noteName(e, m, e.row(m.name, id))})
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			for _, id := range ids {
				if err := e.set(m, id, values{"name": noteName(e, m, e.row(m.name, id))}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
