package bridge

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

// Find implements side: a user by the userid of our choosing, a department among its siblings by source_identifier.
func (s *dingSide) Find(ctx context.Context, m *mapping.Mapping, creations []*creation) error {
	for _, c := range creations {
		var err error
		switch m.Kind {
		case "user":
			err = s.findUser(ctx, c)
		case "department":
			err = s.findDepartment(ctx, c)
		case "approval":
			err = s.findInstance(ctx, m, c)
		case todoKind:
			err = s.findTodo(ctx, c)
		case "group":
			c.lost = wordsGroupLost
		case calendarKind:
			err = s.findEvent(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *dingSide) findUser(ctx context.Context, c *creation) error {
	_, err := s.client.Users.Get(ctx, c.key)
	if dingtalk.IsNotFound(err) {
		return nil
	}
	if err == nil {
		c.id, c.found = ID(c.key), true
	}
	return err
}

func (s *dingSide) findDepartment(ctx context.Context, c *creation) error {
	parent, err := strconv.ParseInt(c.parent, 10, 64)
	if err != nil {
		return nil
	}
	siblings, err := s.client.Departments.ListSub(ctx, parent)
	if dingtalk.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range siblings {
		n, ok := d.Int("dept_id")
		if !ok {
			continue
		}
		mark, has := d["source_identifier"]
		if !has && d.Text("name") == fmt.Sprint(c.values["name"]) {
			full, err := s.client.Departments.Get(ctx, n)
			if err != nil {
				return err
			}
			mark = full["source_identifier"]
		}
		if text, _ := mark.(string); text != "" && text == c.key {
			c.id, c.found = ID(strconv.FormatInt(n, 10)), true
			return nil
		}
	}
	return nil
}

// Create implements side.
func (s *dingSide) Create(ctx context.Context, m *mapping.Mapping, creations []*creation) {
	if m.Kind == "robot_message" {
		s.sendByWebhook(ctx, m, creations)
		return
	}
	s.each(len(creations), func(i int) {
		c := creations[i]
		switch m.Kind {
		case "user":
			s.evidence.refute(m.Kind, ID(c.key), s.evidence.now())
			made, err := s.client.Users.Create(ctx, dingtalk.Object(c.values))
			c.id, c.err = ID(made.UserID), err
			if err == nil && c.id == "" {
				c.id = ID(c.key)
			}
			if dingtalk.IsExists(err) {
				c.err = s.adopt(ctx, c)
			}
		case "department":
			n, err := s.client.Departments.Create(ctx, dingtalk.Object(c.values))
			c.err = err
			if err == nil {
				c.id = ID(strconv.FormatInt(n, 10))
			}
		case "approval":
			c.err = s.startInstance(ctx, m, c)
			return // it shows what was sent; what becomes of it, events tell
		case todoKind:
			s.createTodo(ctx, c)
		case calendarKind:
			s.createEvent(ctx, c)
			return // its answer shows it
		case "attendance_approval":
			c.err = s.tellAttendance(ctx, ID(c.key), c.values)
			c.id = ID(c.key)
			return
		case "group":
			c.err = s.createGroup(ctx, c)
		default:
			if c.told != nil {
				c.err = s.sendMessage(ctx, m, c)
				return
			}
			c.err = reject("", "kind "+m.Kind+" cannot be created yet")
		}
		if c.err == nil && !c.found {
			c.back = s.readAtOnce(ctx, m, c.id)
		}
	})
}

// readAtOnce reads what was just written, while others are still being written: reading them all afterwards would leave the rate
// allowed for writing unused meanwhile. What cannot be read yet is read with the others; nil then.
func (s *dingSide) readAtOnce(ctx context.Context, m *mapping.Mapping, id ID) dingtalk.Object {
	if kind, _ := dingtalk.KindByName(m.Kind); !kind.Read {
		return nil
	}
	o, err := s.object(ctx, m.Kind, id)
	if err != nil {
		return nil
	}
	return o
}

// adopt: the userid we chose exists. It is ours when the person has the same mobile; otherwise somebody else uses our id.
func (s *dingSide) adopt(ctx context.Context, c *creation) error {
	o, err := s.client.Users.Get(ctx, c.key)
	if err != nil {
		return err
	}
	ours, theirs := fmt.Sprint(c.values["mobile"]), o.Text("mobile")
	if theirs != "" && c.values["mobile"] != nil && strings.TrimPrefix(ours, "+"+o.Text("state_code")+"-") != strings.TrimPrefix(theirs, "+"+o.Text("state_code")+"-") {
		return reject("userid", "the userid "+c.key+" belongs to somebody with another mobile")
	}
	c.id, c.found = ID(c.key), true
	return nil
}

// Write implements side.
func (s *dingSide) Write(ctx context.Context, m *mapping.Mapping, writes []*write) {
	s.each(len(writes), func(i int) {
		w := writes[i]
		if w.err = s.writeOne(ctx, m, w); w.err == nil && w.op == OpUpdate && w.back == nil {
			w.back = s.readAtOnce(ctx, m, w.id)
		}
	})
}

func (s *dingSide) writeOne(ctx context.Context, m *mapping.Mapping, w *write) error {
	kind, _ := dingtalk.KindByName(m.Kind)
	switch {
	case m.Approval != nil:
		return s.writeInstance(ctx, w)
	case m.Message != nil && w.op == OpDelete:
		return s.recallMessage(ctx, m, w)
	case m.Message != nil:
		return s.moveStatusBar(ctx, w)
	case m.Kind == todoKind:
		return s.writeTodo(ctx, m, w)
	case m.Kind == calendarKind:
		return s.writeEvent(ctx, m, w)
	case w.op == OpDelete && m.Kind == "attendance_approval":
		return s.client.Attendance.CancelApproval(ctx, textOf(w.values["userid"]), string(w.id))
	case m.Kind == "attendance_approval":
		return s.tellAttendance(ctx, w.id, w.values)
	case w.op == OpDelete:
		return s.delete(ctx, m.Kind, w.id)
	}
	o := dingtalk.Object{kind.IDField: string(w.id)}
	for name, raw := range w.values {
		if raw != nil {
			o[name] = raw
		}
	}
	switch m.Kind {
	case "user":
		return s.client.Users.Update(ctx, o, w.clear...)
	case "department":
		return s.client.Departments.Update(ctx, o, w.clear...)
	case "group":
		return s.writeGroup(ctx, w, o)
	default:
		return reject("", "kind "+m.Kind+" cannot be updated yet")
	}
}

// delete removes one object; already gone is success.
func (s *dingSide) delete(ctx context.Context, kind string, id ID) error {
	var err error
	switch kind {
	case "user":
		err = s.client.Users.Delete(ctx, string(id))
	case "department":
		var n int64
		if n, err = strconv.ParseInt(string(id), 10, 64); err == nil {
			err = s.client.Departments.Delete(ctx, n)
		}
	default:
		return reject("", "kind "+kind+" cannot be removed yet")
	}
	if err != nil && !dingtalk.IsNotFound(err) {
		return err
	}
	s.evidence.note(kind, id, "removed by us")
	return nil
}

// each runs fn for 0..n-1, a bounded number at a time.
func (s *dingSide) each(n int, fn func(i int)) {
	var g errgroup.Group
	g.SetLimit(s.parallel)
	for i := range n {
		g.Go(func() error { fn(i); return nil })
	}
	_ = g.Wait() // the functions report through their own element
}

// byMobile looks a number up among active members; "" when nobody has it (根据手机号查询用户).
func (s *dingSide) byMobile(ctx context.Context, mobile string) (ID, error) {
	id, err := s.client.Users.GetByMobile(ctx, mobile)
	if dingtalk.IsNotFound(err) {
		return "", nil
	}
	return ID(id), err
}
