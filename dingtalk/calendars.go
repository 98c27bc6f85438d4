package dingtalk

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The paths of the calls about calendars. {userId} is a unionid.
const (
	pathCalendarEvents    = "/v1.0/calendar/users/{userId}/calendars/primary/events"
	pathCalendarEvent     = "/v1.0/calendar/users/{userId}/calendars/primary/events/{eventId}"
	pathCalendarView      = "/v1.0/calendar/users/{userId}/calendars/primary/eventsview"
	pathCalendarAttendees = "/v1.0/calendar/users/{userId}/calendars/primary/events/{eventId}/attendees"
	pathCalendarRemove    = "/v1.0/calendar/users/{userId}/calendars/primary/events/{eventId}/attendees/batchRemove"
	pathCalendarRespond   = "/v1.0/calendar/users/{userId}/calendars/primary/events/{eventId}/respond"
)

// Limits of calendars (创建日程, 查询日程列表, 查询单个日程详情, 添加日程参与者). An event may have 5000 attendees in all. One person may have 100
// events made a day; beyond that a creation is Retry after the day has ended.
const (
	maxAttendees     = 5000
	attendeesPerCall = 500
	attendeesPage    = 500
	attendeesInEvent = 500
	attendeesInList  = 100
	calendarPage     = 100
	calendarSpan     = 365 * 24 * time.Hour
)

// CalendarService holds the calls about people's primary calendars (日程; permissions Calendar.Event.Read, Calendar.Event.Write). People are
// named by unionid. All of them count against the monthly quota.
type CalendarService struct{ c *Client }

// CalendarOptions say how a write to a calendar is made.
type CalendarOptions struct {
	// Token is the x-client-token: for a day, a call with the same one is the same call, and gets the answer of the first.
	Token          string
	NoPush, NoChat bool // the attendees are not told by a notification; by a message
}

func (o CalendarOptions) extra() Object {
	return Object{"noPushNotification": strconv.FormatBool(o.NoPush), "noChatNotification": strconv.FormatBool(o.NoChat)}
}

// Create adds an event to its organizer's calendar (创建日程) from the fields of CalendarEventKind marked Create and returns it. With a Token
// a creation whose outcome is open may be repeated. More than 500 attendees are added by further calls: when one of those fails the event
// is returned together with the error.
func (s *CalendarService) Create(ctx context.Context, event Object, options CalendarOptions) (Object, error) {
	body, err := CalendarEventKind.encodeCreate(pathCalendarEvents, event)
	if err != nil {
		return nil, err
	}
	organizer := text(body["organizer"])
	if err := checkPathIDs(pathCalendarEvents, "organizer", organizer); err != nil {
		return nil, err
	}
	wire, err := calendarWire(pathCalendarEvents, withTimes(body))
	if err != nil {
		return nil, err
	}
	people, optional := invited(body, organizer)
	first := people[:min(len(people), attendeesPerCall)]
	if len(first) > 0 {
		wire["attendees"] = attendeeRows(first, optional)
	}
	wire["extra"] = options.extra()
	answer, err := s.c.do(ctx, request{
		method: http.MethodPost, path: pathCalendarEvents, args: []string{organizer}, v1: true, body: wire, once: options.Token,
	})
	if err != nil {
		return nil, err
	}
	made := calendarObject(alone(answer), attendeesPerCall)
	id := made.Text("id")
	if id == "" {
		return nil, &Error{Class: Retry, Ambiguous: true, API: pathCalendarEvents, Status: http.StatusOK, Message: "the answer names no id"}
	}
	if _, told := made["organizer"]; !told {
		made["organizer"] = organizer
	}
	rest := options
	rest.Token = options.part(1)
	return made, s.AddAttendees(ctx, organizer, id, people[len(first):], optional, rest)
}

// alone makes an answer whose attendees are null say that there are none. One without the word does not tell.
func alone(answer Object) Object {
	if v, told := answer["attendees"]; told && v == nil {
		answer["attendees"] = []any{}
	}
	return answer
}

// withTimes makes a body without times ask for them: an event has some.
func withTimes(body Object) Object {
	if _, ok := body["isAllDay"]; !ok {
		body["isAllDay"] = body["startDate"] != nil && body["start"] == nil
	}
	return body
}

// invited are the attendees of a body beside the organizer, each once, and those of them who may stay away.
func invited(body Object, organizer string) (people, optional []string) {
	optional = body.IDs("optionalAttendees")
	for _, id := range slices.Concat(body.IDs("attendees"), optional) {
		if id != organizer && !slices.Contains(people, id) {
			people = append(people, id)
		}
	}
	return people, optional
}

// Get reads one event as a person sees it (查询单个日程详情). IsNotFound: there is none in that calendar. Where the answer does not tell who
// attends, or cannot hold them all, they are asked for.
func (s *CalendarService) Get(ctx context.Context, person, id string) (Object, error) {
	if err := checkPathIDs(pathCalendarEvent, "person", person, "id", id); err != nil {
		return nil, err
	}
	answer, err := s.c.do(ctx, request{
		method: http.MethodGet, path: pathCalendarEvent, args: []string{person, id}, v1: true, read: true,
		query: url.Values{"maxAttendees": {strconv.Itoa(attendeesInEvent)}},
	})
	if err != nil {
		return nil, err
	}
	event := calendarObject(alone(answer), attendeesInEvent)
	if event.Text("id") == "" {
		return nil, incomplete(pathCalendarEvent, "no id")
	}
	if _, told := event["attendees"]; told {
		return event, nil
	}
	var rows []Object
	for row, err := range s.Attendees(ctx, person, id) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) != attendeesPage { // no document says that there is a page after the first
		setAttendees(event, event.Text("organizer"), rows)
	}
	return event, nil
}

// Update changes the fields given and leaves all others alone (修改日程); id and organizer say whose which event, and only the organizer may.
// The fields named in clear are emptied as their Clear mode says. The times are sent as a whole, and attendees as the difference: where one
// of them changes, the event is read first. A change of attendees is made by calls of its own, after the rest.
func (s *CalendarService) Update(ctx context.Context, event Object, options CalendarOptions, clear ...string) error {
	given := maps.Clone(event)
	organizer := given.Text("organizer")
	delete(given, "organizer")
	body, err := CalendarEventKind.encodeUpdate(pathCalendarEvent, given, clear)
	if err != nil {
		return err
	}
	id := text(body["id"])
	if err := checkPathIDs(pathCalendarEvent, "organizer", organizer, "id", id); err != nil {
		return err
	}
	var now Object
	if lacksTimes(body) || body["attendees"] != nil || body["optionalAttendees"] != nil {
		if now, err = s.Get(ctx, organizer, id); err != nil {
			return err
		}
		completeTimes(body, now)
	}
	wire, err := calendarWire(pathCalendarEvent, body)
	if err != nil {
		return err
	}
	if len(wire) > 0 {
		wire["id"], wire["extra"] = id, options.extra()
		if _, err := s.c.do(ctx, request{
			method: http.MethodPut, path: pathCalendarEvent, args: []string{organizer, id}, v1: true, body: wire, once: options.Token,
		}); err != nil {
			return err
		}
	}
	if err := s.updateAttendees(ctx, organizer, id, body, now, options); err != nil {
		return err
	}
	return s.answer(ctx, id, body["responses"])
}

// answer gives the answers of attendees. One that is refused does not stop the others; the error names the first.
func (s *CalendarService) answer(ctx context.Context, id string, responses any) error {
	given, _ := plainJSON(responses).(map[string]any)
	var refused error
	for _, person := range slices.Sorted(maps.Keys(given)) {
		status, _ := given[person].(string)
		err := s.Respond(ctx, person, id, status)
		var e *Error
		switch {
		case err == nil:
		case !errors.As(err, &e) || e.Class != Reject && e.Class != Missing:
			return err
		case refused == nil:
			e.Field = "responses"
			refused = err
		}
	}
	return refused
}

// lacksTimes says that some of the times are given, but not all that belong together.
func lacksTimes(body Object) bool {
	_, toldDay := body["isAllDay"]
	whole := body.Bool("isAllDay") && body["startDate"] != nil && body["endDate"] != nil ||
		!body.Bool("isAllDay") && body["start"] != nil && body["end"] != nil && body["timeZone"] != nil
	some := slices.ContainsFunc(timeFields, func(name string) bool { return body[name] != nil })
	return some && (!toldDay || !whole)
}

// completeTimes takes over the times that a body which changes some of them does not give.
func completeTimes(body, now Object) {
	if !lacksTimes(body) {
		return
	}
	for _, name := range timeFields {
		if body[name] == nil && now[name] != nil {
			body[name] = now[name]
		}
	}
}

// updateAttendees makes the attendees those of the body. Who becomes optional, or stops being so, is removed and added again.
func (s *CalendarService) updateAttendees(ctx context.Context, organizer, id string, body, now Object, options CalendarOptions) error {
	if body["attendees"] == nil && body["optionalAttendees"] == nil {
		return nil
	}
	had, hadOptional := invited(now, organizer)
	for _, name := range []string{"attendees", "optionalAttendees"} {
		if body[name] == nil {
			body[name] = now[name]
		}
	}
	want, optional := invited(body, organizer)
	stays := func(person string) bool {
		return slices.Contains(had, person) && slices.Contains(want, person) &&
			slices.Contains(optional, person) == slices.Contains(hadOptional, person)
	}
	gone := slices.DeleteFunc(slices.Clone(had), stays)
	added := slices.DeleteFunc(slices.Clone(want), stays)
	removing, adding := options, options
	removing.Token, adding.Token = options.part(1), options.part(2)
	if err := s.RemoveAttendees(ctx, organizer, id, gone, removing); err != nil {
		return err
	}
	return s.AddAttendees(ctx, organizer, id, added, optional, adding)
}

// AddAttendees invites people (添加日程参与者), those of optional as ones who may stay away, in calls of at most 500. Inviting somebody twice
// changes nothing.
func (s *CalendarService) AddAttendees(ctx context.Context, organizer, id string, people, optional []string, options CalendarOptions) error {
	return s.attendees(ctx, pathCalendarAttendees, organizer, id, people, options, func(some []string) Object {
		return Object{
			"attendeesToAdd": attendeeRows(some, optional), "pushNotification": !options.NoPush, "chatNotification": !options.NoChat,
		}
	})
}

// RemoveAttendees takes people out of an event (删除日程参与者), in calls of at most 500.
func (s *CalendarService) RemoveAttendees(ctx context.Context, organizer, id string, people []string, options CalendarOptions) error {
	return s.attendees(ctx, pathCalendarRemove, organizer, id, people, options, func(some []string) Object {
		rows := make([]Object, len(some))
		for i, person := range some {
			rows[i] = Object{"id": person}
		}
		return Object{"attendeesToRemove": rows}
	})
}

func (s *CalendarService) attendees(
	ctx context.Context, path, organizer, id string, people []string, options CalendarOptions, body func([]string) Object,
) error {
	if err := checkPathIDs(path, "organizer", organizer, "id", id); err != nil {
		return err
	}
	n := 0
	for some := range slices.Chunk(people, attendeesPerCall) {
		r := request{method: http.MethodPost, path: path, args: []string{organizer, id}, v1: true, body: body(some), once: options.part(n)}
		if _, err := s.c.do(ctx, r); err != nil {
			return err
		}
		n++
	}
	return nil
}

// Attendees yields who attends an event, the organizer too where DingTalk lists him (获取日程参与者): id, displayName, responseStatus,
// isOptional. After an error the iteration ends, and what was yielded is not the whole.
func (s *CalendarService) Attendees(ctx context.Context, person, id string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPathIDs(pathCalendarAttendees, "person", person, "id", id); err != nil {
			yield(nil, err)
			return
		}
		query := url.Values{"maxResults": {strconv.Itoa(attendeesPage)}}
		for page, err := range s.c.pages(ctx, calendarReads(pathCalendarAttendees, query, person, id)) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range page.Rows("attendees") {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// calendarReads makes the requests of the pages of a list.
func calendarReads(path string, query url.Values, args ...string) func(token string) request {
	return func(token string) request {
		query := maps.Clone(query)
		if token != "" {
			query.Set("nextToken", token)
		}
		return request{method: http.MethodGet, path: path, args: args, v1: true, query: query, read: true}
	}
}

// The answers to an invitation.
const (
	NeedsAction = "needsAction"
	Accepted    = "accepted"
	Declined    = "declined"
	Tentative   = "tentative"
)

// Respond answers an invitation in the name of an attendee (设置日程响应邀请状态).
func (s *CalendarService) Respond(ctx context.Context, person, id, status string) error {
	if err := checkPathIDs(pathCalendarRespond, "person", person, "id", id); err != nil {
		return err
	}
	if !slices.Contains([]string{NeedsAction, Accepted, Declined, Tentative}, status) {
		return refuse(pathCalendarRespond, "responses", "%q is no answer to an invitation", cut(status, 40))
	}
	_, err := s.c.do(ctx, request{
		method: http.MethodPost, path: pathCalendarRespond, args: []string{person, id}, v1: true, body: Object{"responseStatus": status},
	})
	return err
}

// Delete cancels an event for everybody when person is its organizer; an attendee only loses it from his own calendar (删除日程). One already
// gone is IsNotFound.
func (s *CalendarService) Delete(ctx context.Context, person, id string, options CalendarOptions) error {
	if err := checkPathIDs(pathCalendarEvent, "person", person, "id", id); err != nil {
		return err
	}
	_, err := s.c.do(ctx, request{
		method: http.MethodDelete, path: pathCalendarEvent, args: []string{person, id}, v1: true, once: options.Token,
		query: url.Values{"pushNotification": {strconv.FormatBool(!options.NoPush)}},
	})
	return err
}
