package dingtalktest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of the lists of events (document 查询日程列表).
const (
	eventsPage = 100
	eventsSpan = 366 * 24 * time.Hour
	movedBy    = 62 * 24 * time.Hour // as far back a meeting of a series may be moved
)

// eventsQuery is a query for the events of a person.
type eventsQuery struct {
	from, to  time.Time // zero: open
	deleted   bool
	series    string
	since     int // with a syncToken: the last change known
	delta     bool
	size      int
	attendees int
	at        int
}

func (s *Server) readEventsQuery(p params, now time.Time, userid string) (*eventsQuery, *Refusal) {
	q := &eventsQuery{series: p.text("seriesMasterId")}
	for _, end := range []struct {
		key  string
		into *time.Time
	}{{"timeMin", &q.from}, {"timeMax", &q.to}} {
		if text := p.text(end.key); text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return nil, badCalendar(end.key)
			}
			*end.into = at
		}
	}
	if !q.from.IsZero() && !q.to.IsZero() && (q.to.Before(q.from) || q.to.Sub(q.from) > eventsSpan) {
		return nil, badCalendar("timeMax")
	}
	var ok bool
	if q.size, ok = pageNumber(p, "maxResults", eventsPage); !ok {
		return nil, badCalendar("maxResults")
	}
	if q.attendees, ok = pageNumber(p, "maxAttendees", 100); !ok {
		return nil, badCalendar("maxAttendees")
	}
	if token := p.text("nextToken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 {
			return nil, badCalendar("nextToken")
		}
		q.at = n
	}
	q.deleted, _ = p.flag("showDeleted")
	if token := p.text("syncToken"); token != "" {
		if q.since, ok = s.readSyncToken(token, userid, now); !ok {
			return nil, badCalendar("syncToken")
		}
		q.delta, q.deleted = true, q.deleted || !s.knobs.DeltaHidesDeleted
	}
	return q, nil
}

// syncToken is opaque to the app: the last change that it knows of, whose calendar, and since when.
func (s *Server) syncToken(userid string, now time.Time) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d %s", s.events.run, s.calendar.changes, now.UnixMilli(), userid))
}

func (s *Server) readSyncToken(token, userid string, now time.Time) (since int, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.SplitN(string(text), " ", 4)
	if err != nil || len(parts) != 4 || parts[0] != s.events.run || parts[3] != userid {
		return 0, false
	}
	since, err = strconv.Atoi(parts[1])
	given, errGiven := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || errGiven != nil || since < s.calendar.void {
		return 0, false
	}
	return since, now.Sub(time.UnixMilli(given)) <= s.knobs.SyncTokenLife
}

// listEvents is GET …/calendars/primary/events (查询日程列表): series as their rule, and their past occurrences.
func (s *Server) listEvents(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	q, no := s.readEventsQuery(c.params, c.now, userid)
	if no != nil {
		return nil, no
	}
	var rows []any
	for _, id := range s.calendar.order {
		e := s.calendar.at(id, c.horizon)
		if e == nil || !e.sees(userid) || e.gone(userid) && !q.deleted || q.delta && e.change <= q.since {
			continue
		}
		switch row := s.showEvent(e, userid, q.attendees); {
		case q.series != "" || !q.delta && !q.covers(e.begins()):
		case s.knobs.CancelledBare && e.gone(userid):
			rows = append(rows, map[string]any{"id": row["id"], "status": row["status"]})
		default:
			rows = append(rows, row)
		}
		if e.Recurrence == nil || e.gone(userid) || s.knobs.PastUnlisted && q.series == "" || q.series != "" && q.series != e.ID {
			continue
		}
		for _, start := range e.Recurrence.expand(e.begins(), c.now) {
			if q.covers(start) && !e.occurrence(start).Cancelled {
				rows = append(rows, s.showOccurrence(e, start, userid, q.attendees))
			}
		}
	}
	out := q.page(rows)
	if _, more := out["nextToken"]; !more && q.to.IsZero() && q.series == "" {
		out["syncToken"] = s.syncToken(userid, c.now)
	}
	return out, nil
}

func (q *eventsQuery) covers(at time.Time) bool {
	return (q.from.IsZero() || !at.Before(q.from)) && (q.to.IsZero() || at.Before(q.to))
}

func (q *eventsQuery) page(rows []any) map[string]any {
	to := min(q.at+q.size, len(rows))
	out := map[string]any{"events": nonNil(rows[min(q.at, to):to])}
	if to < len(rows) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return out
}

// viewEvents is GET …/calendars/primary/eventsview (查询日程视图): series as their occurrences.
func (s *Server) viewEvents(c *call) (any, *Refusal) {
	userid, no := s.caller(c)
	if no != nil {
		return nil, no
	}
	q, no := s.readEventsQuery(c.params, c.now, userid)
	if no != nil {
		return nil, no
	}
	if q.from.IsZero() || q.to.IsZero() {
		return nil, badCalendar("timeMin, timeMax")
	}
	var rows []any
	for _, id := range s.calendar.order {
		e := s.calendar.at(id, c.horizon)
		if e == nil || !e.sees(userid) || e.gone(userid) {
			continue
		}
		if e.Recurrence == nil {
			if begins := e.begins(); begins.Before(q.to) && begins.Add(e.lasts()).After(q.from) {
				rows = append(rows, s.showEvent(e, userid, q.attendees))
			}
			continue
		}
		for _, start := range e.Recurrence.expand(e.begins(), q.to.Add(movedBy)) {
			one := e.occurrence(start)
			begins := one.begins()
			if !one.Cancelled && begins.Before(q.to) && begins.Add(one.lasts()).After(q.from) {
				rows = append(rows, s.showOccurrence(e, start, userid, q.attendees))
			}
		}
	}
	return q.page(rows), nil
}

// lasts is how long the event goes on.
func (e *CalendarEvent) lasts() time.Duration {
	if !e.AllDay {
		return max(e.End.Sub(e.Start), time.Second)
	}
	end, err := time.ParseInLocation(time.DateOnly, e.EndDate, e.zone())
	if err != nil {
		return 0
	}
	return end.Sub(e.begins())
}

// occurrenceSuffix names one occurrence of a series.
func occurrenceSuffix(start time.Time) string { return start.UTC().Format("20060102T150405Z") }

// occurrence is one meeting of a series, that which begins at the time by the rule.
func (e *CalendarEvent) occurrence(start time.Time) *CalendarEvent {
	if one := e.singles[occurrenceSuffix(start)]; one != nil {
		return one.clone()
	}
	lasts := e.lasts()
	one := e.clone()
	one.Recurrence = nil
	if one.AllDay {
		days := int((lasts + 12*time.Hour) / (24 * time.Hour))
		one.StartDate, one.EndDate = start.Format(time.DateOnly), start.AddDate(0, 0, days).Format(time.DateOnly)
	} else {
		one.Start, one.End = start.UTC(), start.Add(lasts).UTC()
	}
	return one
}

// showOccurrence is one occurrence of a series, which exists in answers only.
func (s *Server) showOccurrence(e *CalendarEvent, start time.Time, userid string, most int) map[string]any {
	out := s.showEvent(e.occurrence(start), userid, most)
	date := ""
	if e.AllDay {
		date = start.Format(time.DateOnly)
	}
	out["id"], out["seriesMasterId"], out["originStart"] = e.ID+"_"+occurrenceSuffix(start), e.ID, s.showEnd(e, start, date)
	return out
}

// showEvent is an event as a person sees it, with so many attendees at most.
func (s *Server) showEvent(e *CalendarEvent, userid string, most int) map[string]any {
	status := "confirmed"
	if e.gone(userid) {
		status = "cancelled"
	}
	reminders := []any{}
	for _, n := range e.Reminders {
		reminders = append(reminders, map[string]any{"method": "dingtalk", "minutes": strconv.Itoa(n)})
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	out := map[string]any{
		"id": e.ID, "summary": e.Summary, "isAllDay": e.AllDay, "status": status, "reminders": reminders,
		"start": s.showEnd(e, e.Start, e.StartDate), "end": s.showEnd(e, e.End, e.EndDate), "createTime": stamp(e.Created),
		"updateTime": stamp(e.Updated), "attendees": s.showAttendees(e, userid, most), "meetingRooms": []string{},
		"organizer": map[string]any{
			"id": s.unionOf(e.Organizer), "displayName": s.nameOf(e.Organizer), "responseStatus": "accepted", "self": e.Organizer == userid,
		},
	}
	if e.Description != "" {
		out["description"] = e.Description
	}
	if e.Location != "" {
		out["location"] = map[string]any{"displayName": e.Location}
	}
	if e.Recurrence != nil {
		out["recurrence"] = e.Recurrence.show()
	}
	if e.Online {
		out["onlineMeetingInfo"] = map[string]any{"type": "dingtalk", "conferenceId": "conf" + e.ID, "url": "dingtalk://conference/" + e.ID}
	}
	maps.DeleteFunc(out, func(name string, _ any) bool { return slices.Contains(s.knobs.EventLacks, name) })
	return out
}

func (s *Server) showEnd(e *CalendarEvent, at time.Time, date string) map[string]any {
	if e.AllDay {
		return map[string]any{"date": date}
	}
	zone := e.zone()
	if s.knobs.CalendarTimesUTC {
		zone = time.UTC
	}
	return map[string]any{"dateTime": at.In(zone).Format(time.RFC3339), "timeZone": e.Zone}
}

func (s *Server) showAttendees(e *CalendarEvent, userid string, most int) []any {
	out := []any{}
	add := func(a Attendee) {
		if union := s.unionOf(a.UserID); union != "" && len(out) < most {
			out = append(out, map[string]any{
				"id": union, "displayName": s.nameOf(a.UserID), "responseStatus": a.Response, "isOptional": a.Optional, "self": a.UserID == userid,
			})
		}
	}
	if !s.knobs.OrganizerUnlisted {
		add(Attendee{UserID: e.Organizer, Response: "accepted"})
	}
	for _, a := range e.Attendees {
		add(a)
	}
	return out
}
