package dingtalktest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of calendars (documents 创建日程, 添加日程参与者).
const (
	eventSummary     = 2048
	eventDescription = 5000
	eventAttendees   = 500 // in one call
	eventPeople      = 5000
	repeatedFor      = 24 * time.Hour
)

// repeatedCall is what a call with an x-client-token was answered.
type repeatedCall struct {
	at     time.Time
	result any
}

// once makes a method answer a call with an x-client-token that it knows as it did the first time, and do nothing.
func once(run func(*Server, *call) (any, *Refusal)) func(*Server, *call) (any, *Refusal) {
	return func(s *Server, c *call) (any, *Refusal) {
		token := c.request.Header.Get("x-client-token")
		if token == "" {
			return run(s, c)
		}
		key := c.request.Method + " " + c.request.URL.Path + " " + token
		if known, ok := s.calendar.answers[key]; ok && c.now.Sub(known.at) < repeatedFor {
			return known.result, nil
		}
		result, no := run(s, c)
		if len(s.calendar.answers) > 10_000 {
			maps.DeleteFunc(s.calendar.answers, func(_ string, known repeatedCall) bool { return c.now.Sub(known.at) >= repeatedFor })
		}
		if no == nil {
			s.calendar.answers[key] = repeatedCall{at: c.now, result: result}
		}
		return result, no
	}
}

// caller is the member whose calendar a path names.
func (s *Server) caller(c *call) (userid string, no *Refusal) {
	if userid = s.dir.byUnion[c.request.PathValue("userId")]; userid == "" {
		return "", badCalendar("userId")
	}
	return userid, nil
}

// ownEvent finds the event of a path, which the caller organizes.
func (s *Server) ownEvent(c *call) (userid string, e *CalendarEvent, no *Refusal) {
	if userid, no = s.caller(c); no != nil {
		return "", nil, no
	}
	e = s.calendar.now[c.request.PathValue("eventId")]
	switch {
	case e == nil || !e.sees(userid) || e.gone(userid):
		return "", nil, noEvent()
	case e.Organizer != userid:
		return "", nil, notAllowed()
	}
	return userid, e, nil
}

// readEnd reads start or end: a date, or a dateTime with its zone.
func readEnd(p params, key string, at *time.Time, date, zone *string) bool {
	end, ok := p.object(key)
	if !ok {
		return !p.has(key)
	}
	q := params(end)
	if day := q.text("date"); day != "" {
		*date, *at = day, time.Time{}
		_, err := time.Parse(time.DateOnly, day)
		return err == nil && !q.has("dateTime")
	}
	parsed, err := time.Parse(time.RFC3339, q.text("dateTime"))
	if err != nil || q.text("timeZone") == "" {
		return false
	}
	*at, *date, *zone = parsed.UTC(), "", q.text("timeZone")
	return true
}

// readEvent reads what a creation and a change have in common into e; the answer names what is wrong.
func (s *Server) readEvent(p params, e *CalendarEvent, create bool) string {
	for _, text := range []struct {
		key  string
		most int
		into *string
	}{{"summary", eventSummary, &e.Summary}, {"description", eventDescription, &e.Description}} {
		if !p.has(text.key) || p.text(text.key) == "" && s.knobs.EmptyTextKept && !create {
			continue
		}
		if *text.into = p.text(text.key); len([]rune(*text.into)) > text.most {
			return text.key
		}
	}
	if place, ok := p.object("location"); ok {
		if name := asText(place["displayName"]); name != "" || !s.knobs.EmptyTextKept || create {
			e.Location = name
		}
	}
	var startZone, endZone string
	if !readEnd(p, "start", &e.Start, &e.StartDate, &startZone) || !readEnd(p, "end", &e.End, &e.EndDate, &endZone) {
		return "start, end"
	}
	if startZone != endZone && p.has("start") && p.has("end") {
		return "timeZone"
	}
	if startZone != "" || endZone != "" {
		e.Zone = max(startZone, endZone)
	}
	if allDay, ok := p.flag("isAllDay"); ok {
		e.AllDay = allDay
	}
	if e.AllDay != (e.StartDate != "" && e.EndDate != "") {
		return "isAllDay"
	}
	if p.has("recurrence") {
		var ok bool
		if e.Recurrence, ok = readRecurrence(p["recurrence"]); !ok {
			return "recurrence"
		}
	}
	return readReminders(p, e)
}

func readReminders(p params, e *CalendarEvent) string {
	if online, ok := p.object("onlineMeetingInfo"); ok {
		e.Online = asText(online["type"]) == "dingtalk"
	}
	if !p.has("reminders") {
		return ""
	}
	rows, ok := p.objects("reminders")
	if !ok {
		return "reminders"
	}
	e.Reminders = []int{}
	for _, row := range rows {
		n, ok := row.number("minutes")
		if !ok || n < 0 || row.text("method") != "dingtalk" {
			return "reminders"
		}
		e.Reminders = append(e.Reminders, int(n))
	}
	return ""
}

// readAttendees reads people with unionids; ok is false when one is nobody, or there are too many.
func (s *Server) readAttendees(rows []params) (list []Attendee, ok bool) {
	for _, row := range rows {
		userid := s.dir.byUnion[row.text("id")]
		if userid == "" {
			return nil, false
		}
		optional, _ := row.flag("isOptional")
		list = append(list, Attendee{UserID: userid, Optional: optional, Response: needsAction})
	}
	return list, len(rows) <= eventAttendees
}

// invite adds people who are not there yet.
func (e *CalendarEvent) invite(list []Attendee) {
	for _, a := range list {
		if i := e.attendee(a.UserID); a.UserID != e.Organizer && i < 0 {
			e.Attendees = append(e.Attendees, a)
		}
		e.HiddenFrom = slices.DeleteFunc(e.HiddenFrom, func(id string) bool { return id == a.UserID })
	}
}

// createEvent is POST …/calendars/primary/events (创建日程).
func (s *Server) createEvent(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	e := &CalendarEvent{Organizer: userid, ByAPI: true}
	if c.params.text("summary") == "" || !c.params.has("start") {
		return nil, badCalendar("summary, start")
	}
	if wrong := s.readEvent(c.params, e, true); wrong != "" {
		return nil, badCalendar(wrong)
	}
	if c.params.has("attendees") {
		rows, _ := c.params.objects("attendees")
		list, ok := s.readAttendees(rows)
		if !ok {
			return nil, badCalendar("attendees")
		}
		e.invite(list)
	}
	if wrong := checkEvent(e); wrong != "" {
		return nil, badCalendar(wrong)
	}
	if no := s.mayMake(userid, c.now); no != nil {
		return nil, no
	}
	s.admitEvent(e, c.now)
	shown := s.showEvent(e, userid, eventAttendees)
	maps.DeleteFunc(shown, func(name string, _ any) bool { return slices.Contains(s.knobs.CreatedLacks, name) })
	return shown, nil
}

// modifyEvent is PUT …/events/{eventId} (修改日程): the organizer only, and only what was sent.
func (s *Server) modifyEvent(c *call) (any, *Refusal) {
	userid, e, no := s.ownEvent(c)
	if no != nil {
		return nil, no
	}
	if c.params.text("id") != e.ID {
		return nil, badCalendar("id")
	}
	draft := e.clone()
	if wrong := s.readEvent(c.params, draft, false); wrong != "" {
		return nil, badCalendar(wrong)
	}
	if no := s.changeEvent(e.ID, true, func(next *CalendarEvent) { *next = *draft }); no != nil {
		return nil, no
	}
	return s.showEvent(s.calendar.now[e.ID], userid, eventAttendees), nil
}

// deleteEvent is DELETE …/events/{eventId} (删除日程).
func (s *Server) deleteEvent(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	return nil, s.dropEvent(userid, c.request.PathValue("eventId"), true)
}

// addAttendees is POST …/events/{eventId}/attendees (添加日程参与者).
func (s *Server) addAttendees(c *call) (any, *Refusal) {
	_, e, no := s.ownEvent(c)
	if no != nil {
		return nil, no
	}
	rows, ok := c.params.objects("attendeesToAdd")
	if !ok {
		return nil, badCalendar("attendeesToAdd")
	}
	list, ok := s.readAttendees(rows)
	if !ok || len(e.Attendees)+len(list) > eventPeople {
		return nil, badCalendar("attendeesToAdd")
	}
	return nil, s.changeEvent(e.ID, true, func(next *CalendarEvent) { next.invite(list) })
}

// removeAttendees is POST …/events/{eventId}/attendees/batchRemove (删除日程参与者).
func (s *Server) removeAttendees(c *call) (any, *Refusal) {
	_, e, no := s.ownEvent(c)
	if no != nil {
		return nil, no
	}
	rows, ok := c.params.objects("attendeesToRemove")
	if !ok || len(rows) > eventAttendees {
		return nil, badCalendar("attendeesToRemove")
	}
	return nil, s.changeEvent(e.ID, true, func(next *CalendarEvent) {
		for _, row := range rows {
			id := s.dir.byUnion[row.text("id")]
			next.Attendees = slices.DeleteFunc(next.Attendees, func(a Attendee) bool { return a.UserID == id })
		}
	})
}

// respondEvent is POST …/events/{eventId}/respond (设置日程响应邀请状态).
func (s *Server) respondEvent(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	return nil, s.answerInvitation(userid, c.request.PathValue("eventId"), c.params.text("responseStatus"), true)
}

// pageNumber reads a parameter with a default and a most; ok is false outside of 1..most.
func pageNumber(p params, key string, most int) (n int, ok bool) {
	if !p.has(key) {
		return most, true
	}
	value, ok := p.number(key)
	return int(value), ok && value >= 1 && value <= int64(most)
}

// listAttendees is GET …/events/{eventId}/attendees (获取日程参与者).
func (s *Server) listAttendees(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	e := s.calendar.at(c.request.PathValue("eventId"), c.horizon)
	if e == nil || !e.sees(userid) || e.gone(userid) {
		return nil, noEvent()
	}
	size, ok := pageNumber(c.params, "maxResults", eventAttendees)
	from, okFrom := c.params.number("nextToken")
	if !ok || c.params.has("nextToken") && (!okFrom || from < 0) {
		return nil, badCalendar("maxResults, nextToken")
	}
	all := s.showAttendees(e, userid, eventPeople+1)
	to := min(int(from)+size, len(all))
	out := map[string]any{"attendees": all[min(int(from), to):to]}
	if to < len(all) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

// getEvent is GET …/events/{eventId} (查询单个日程详情), of one occurrence of a series too.
func (s *Server) getEvent(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	most, ok := pageNumber(c.params, "maxAttendees", 500)
	if !ok {
		return nil, badCalendar("maxAttendees")
	}
	if !c.params.has("maxAttendees") {
		most = 100
	}
	id := c.request.PathValue("eventId")
	series, at, isOccurrence := strings.Cut(id, "_")
	e := s.calendar.at(series, c.horizon)
	if e == nil || !e.sees(userid) || e.gone(userid) {
		return nil, noEvent()
	}
	if !isOccurrence {
		return s.showEvent(e, userid, most), nil
	}
	if e.Recurrence != nil {
		for _, start := range e.Recurrence.expand(e.begins(), c.now.AddDate(2, 0, 0)) {
			if occurrenceSuffix(start) == at && !e.occurrence(start).Cancelled {
				return s.showOccurrence(e, start, userid, most), nil
			}
		}
	}
	return nil, v1Refusal(http.StatusNotFound, "instanceNotExist", "instance not exist")
}
