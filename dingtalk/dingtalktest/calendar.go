package dingtalktest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// CalendarEvent is an event in its organizer's calendar (日程) and those of its attendees. People in it are userids, though the API names
// them by unionid.
type CalendarEvent struct {
	ID          string // made when empty
	Organizer   string
	Summary     string
	Description string
	Location    string
	AllDay      bool
	Start, End  time.Time // of an event that does not last whole days
	StartDate   string    // yyyy-MM-dd, of one that does
	EndDate     string    // the first day that it does not last any more
	Zone        string    // of the tz database (Asia/Shanghai)
	Recurrence  *Recurrence
	Attendees   []Attendee // beside the organizer
	Reminders   []int      // minutes before the start; nil at creation: 15
	Online      bool       // with a video meeting
	Cancelled   bool
	HiddenFrom  []string // attendees who removed it from their own calendar
	ByAPI       bool     // an app made it
	Created     time.Time
	Updated     time.Time

	change  int                       // the serial number of the last change, for syncTokens
	singles map[string]*CalendarEvent // meetings of the series that a person changed by themselves, by occurrenceSuffix
}

// Attendee is one person invited to an event.
type Attendee struct {
	UserID   string
	Optional bool
	Response string // needsAction, accepted, declined, tentative
}

const (
	needsAction     = "needsAction"
	defaultZone     = "Asia/Shanghai"
	primaryCalendar = "primary"
)

// calendar is all about calendars that needs the server's lock.
type calendar struct {
	shelf[CalendarEvent]
	changes int                     // of all events together
	made    map[string]int          // events by day and organizer
	answers map[string]repeatedCall // by person, call and x-client-token
	void    int                     // syncTokens of changes up to this one are expired
}

func newCalendar() calendar {
	return calendar{shelf: newShelf[CalendarEvent](), made: map[string]int{}, answers: map[string]repeatedCall{}}
}

func (e CalendarEvent) clone() *CalendarEvent {
	e.Attendees, e.Reminders, e.HiddenFrom = slices.Clone(e.Attendees), slices.Clone(e.Reminders), slices.Clone(e.HiddenFrom)
	if e.Recurrence != nil {
		r := *e.Recurrence
		r.DaysOfWeek = slices.Clone(r.DaysOfWeek)
		e.Recurrence = &r
	}
	e.singles = maps.Clone(e.singles) // themselves they are never changed
	return &e
}

// zone is where the event's wall clock runs.
func (e *CalendarEvent) zone() *time.Location {
	zone, err := time.LoadLocation(e.Zone)
	if err != nil {
		return china
	}
	return zone
}

// begins is when the event begins, midnight for one of whole days.
func (e *CalendarEvent) begins() time.Time {
	if !e.AllDay {
		return e.Start.In(e.zone())
	}
	day, err := time.ParseInLocation(time.DateOnly, e.StartDate, e.zone())
	if err != nil {
		return time.Time{}
	}
	return day
}

func (e *CalendarEvent) attendee(userid string) int {
	return slices.IndexFunc(e.Attendees, func(a Attendee) bool { return a.UserID == userid })
}

// sees tells whether the event is in a person's calendar, or was before it was cancelled.
func (e *CalendarEvent) sees(userid string) bool {
	return e.Organizer == userid || e.attendee(userid) >= 0
}

func (e *CalendarEvent) gone(userid string) bool {
	return e.Cancelled || slices.Contains(e.HiddenFrom, userid)
}

func (e *CalendarEvent) people() []string {
	out := []string{e.Organizer}
	for _, a := range e.Attendees {
		out = append(out, a.UserID)
	}
	return out
}

// AddEvent makes an event as a person does in DingTalk and returns its id; "" when its times make no sense.
func (s *Server) AddEvent(e CalendarEvent) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.ByAPI = false
	next := e.clone()
	if checkEvent(next) != "" {
		return ""
	}
	return s.admitEvent(next, s.now())
}

// checkEvent says what is wrong with an event, and fills in what was left open.
func checkEvent(e *CalendarEvent) string {
	if e.Zone == "" {
		e.Zone = defaultZone
	}
	if _, err := time.LoadLocation(e.Zone); err != nil || e.Zone == "Local" {
		return "timeZone"
	}
	if e.AllDay {
		from, err := time.Parse(time.DateOnly, e.StartDate)
		to, errTo := time.Parse(time.DateOnly, e.EndDate)
		if err != nil || errTo != nil || !to.After(from) { // the end is exclusive
			return "start, end"
		}
		e.Start, e.End = time.Time{}, time.Time{}
	} else {
		if e.Start.IsZero() || e.End.Before(e.Start) {
			return "start, end"
		}
		e.Start, e.End = e.Start.UTC().Truncate(time.Second), e.End.UTC().Truncate(time.Second)
		e.StartDate, e.EndDate = "", ""
	}
	for i := range e.Attendees {
		if e.Attendees[i].Response == "" {
			e.Attendees[i].Response = needsAction
		}
	}
	if e.Recurrence != nil && !e.Recurrence.valid() {
		return "recurrence"
	}
	return ""
}

func (s *Server) admitEvent(e *CalendarEvent, now time.Time) string {
	h := &s.calendar
	h.seq++
	if e.ID == "" {
		e.ID = fmt.Sprintf("ev%s%06d", s.events.run, h.seq)
	}
	if e.Reminders == nil {
		e.Reminders = []int{15}
	}
	e.Created = now
	s.storeEvent(e, now)
	s.emitCalendar(e, s.knobs.CreateChangeType, e.ByAPI, e.people()...)
	return e.ID
}

func (s *Server) storeEvent(e *CalendarEvent, now time.Time) {
	s.calendar.changes++
	e.change, e.Updated = s.calendar.changes, now
	s.calendar.put(e.ID, e, now, s.knobs.StaleReads)
}

func (s *Server) emitCalendar(e *CalendarEvent, change string, byAPI bool, people ...string) {
	s.echo(byAPI, "calendar_event_change", map[string]any{
		"calendarEventId": e.ID, "calendarEventUpdateTime": e.Updated.UnixMilli(), "calendarId": primaryCalendar,
		"unionIdList": s.unionsOf(people...), "changeType": change, "operator": map[string]any{"type": "user"},
		"legacyCalendarEventId": "legacy" + e.ID,
	})
}

// EditEvent changes an event as its organizer does in DingTalk. The error is a *Refusal.
func (s *Server) EditEvent(id string, edit func(*CalendarEvent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.changeEvent(id, false, edit))
}

func (s *Server) changeEvent(id string, byAPI bool, edit func(*CalendarEvent)) *Refusal {
	old := s.calendar.now[id]
	if old == nil || old.Cancelled {
		return noEvent()
	}
	next := old.clone()
	edit(next)
	if wrong := checkEvent(next); wrong != "" {
		return badCalendar(wrong)
	}
	if sameEvent(old, next) {
		return nil
	}
	s.storeEvent(next, s.now())
	people := slices.Concat(next.people(), old.people())
	s.emitCalendar(next, "updated", byAPI, people...)
	return nil
}

// EditOccurrence changes one meeting of a series, that which begins at the time by the rule, as its organizer does in DingTalk: to cancel it,
// set Cancelled. No API does it. The error is a *Refusal.
func (s *Server) EditOccurrence(id string, begins time.Time, edit func(*CalendarEvent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.calendar.now[id]
	if e == nil || e.Cancelled || e.Recurrence == nil ||
		!slices.ContainsFunc(e.Recurrence.expand(e.begins(), begins), func(at time.Time) bool { return at.Equal(begins) }) {
		return asError(noEvent())
	}
	one := e.occurrence(begins.In(e.zone()))
	edit(one)
	if wrong := checkEvent(one); wrong != "" {
		return asError(badCalendar(wrong))
	}
	next := e.clone()
	if next.singles == nil {
		next.singles = map[string]*CalendarEvent{}
	}
	next.singles[occurrenceSuffix(begins)] = one
	s.storeEvent(next, s.now())
	s.emitCalendar(next, "updated", false, next.people()...)
	return nil
}

// sameEvent tells whether nothing was changed.
func sameEvent(a, b *CalendarEvent) bool {
	x, y := a.clone(), b.clone()
	lists := slices.Equal(x.Attendees, y.Attendees) && slices.Equal(x.Reminders, y.Reminders) && slices.Equal(x.HiddenFrom, y.HiddenFrom)
	rules := (x.Recurrence == nil) == (y.Recurrence == nil) && (x.Recurrence == nil || x.Recurrence.equal(y.Recurrence))
	return lists && rules && x.ID == y.ID && x.Organizer == y.Organizer && x.Summary == y.Summary && x.Description == y.Description &&
		x.Location == y.Location && x.AllDay == y.AllDay && x.Start.Equal(y.Start) && x.End.Equal(y.End) && x.StartDate == y.StartDate &&
		x.EndDate == y.EndDate && x.Zone == y.Zone && x.Online == y.Online && x.Cancelled == y.Cancelled
}

// DeleteEvent deletes an event in DingTalk: its organizer cancels it for everybody, an attendee only loses it from his own calendar. The
// error is a *Refusal.
func (s *Server) DeleteEvent(userid, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.dropEvent(userid, id, false))
}

func (s *Server) dropEvent(userid, id string, byAPI bool) *Refusal {
	old := s.calendar.now[id]
	if old == nil || !old.sees(userid) || old.gone(userid) {
		return noEvent()
	}
	next := old.clone()
	if old.Organizer == userid {
		next.Cancelled = true
		s.storeEvent(next, s.now())
		s.emitCalendar(next, s.knobs.CancelChangeType, byAPI, next.people()...)
		return nil
	}
	next.HiddenFrom = append(next.HiddenFrom, userid)
	s.storeEvent(next, s.now())
	s.emitCalendar(next, "deleteView", byAPI, userid)
	return nil
}

// RespondEvent lets an attendee answer an invitation: needsAction, accepted, declined, tentative. The error is a *Refusal.
func (s *Server) RespondEvent(userid, id, response string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asError(s.answerInvitation(userid, id, response, false))
}

func (s *Server) answerInvitation(userid, id, response string, byAPI bool) *Refusal {
	e := s.calendar.now[id]
	switch {
	case e == nil || !e.sees(userid) || e.gone(userid):
		return noEvent()
	case !slices.Contains([]string{needsAction, "accepted", "declined", "tentative"}, response):
		return badCalendar("responseStatus")
	case e.Organizer == userid:
		return notAllowed()
	}
	return s.changeEvent(id, byAPI, func(e *CalendarEvent) { e.Attendees[e.attendee(userid)].Response = response })
}

// CalendarEvent returns an event as it is now, whatever StaleReads shows to the API.
func (s *Server) CalendarEvent(id string) (CalendarEvent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.calendar.now[id]
	if e == nil {
		return CalendarEvent{}, false
	}
	return *e.clone(), true
}

// CalendarEvents returns all events, cancelled ones included, in the order of coming.
func (s *Server) CalendarEvents() []CalendarEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]CalendarEvent, 0, len(s.calendar.order))
	for _, id := range s.calendar.order {
		out = append(out, *s.calendar.now[id].clone())
	}
	return out
}

// ExpireSyncTokens makes every syncToken given so far one that is not taken any more.
func (s *Server) ExpireSyncTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calendar.changes++
	s.calendar.void = s.calendar.changes
}

// twinEvents counts the events that apps made alike: same organizer, summary and time.
func (s *Server) twinEvents(counts map[string]int) {
	for _, e := range s.calendar.now {
		if e.ByAPI && !e.Cancelled {
			counts["calendar event "+e.Organizer+" "+e.begins().UTC().Format(time.RFC3339)+" "+e.Summary]++
		}
	}
}

// mayMake counts an event against the day of its organizer.
func (s *Server) mayMake(userid string, now time.Time) *Refusal {
	day := now.In(china).Format(time.DateOnly) + " "
	if s.calendar.made[day+userid] >= s.knobs.EventsPerDay {
		return v1Refusal(http.StatusBadRequest, "flowLimit", "create event over limit")
	}
	if len(s.calendar.made) > 10_000 { // days gone by
		maps.DeleteFunc(s.calendar.made, func(key string, _ int) bool { return key[:len(day)] != day })
	}
	s.calendar.made[day+userid]++
	return nil
}

func noEvent() *Refusal { return v1Refusal(http.StatusNotFound, "itemNotFound", "event not found") }

func notAllowed() *Refusal {
	return v1Refusal(http.StatusBadRequest, "permissionDeny", "permission deny")
}

func badCalendar(name string) *Refusal {
	return v1Refusal(http.StatusBadRequest, "invalidParameter", "invalid parameter: "+name)
}
