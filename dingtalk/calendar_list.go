package dingtalk

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// CalendarSync is where a person's calendar has been followed to.
type CalendarSync struct {
	Token string // for the next time; "" when DingTalk gave none, so that the next time is a full one again
	Full  bool   // everything was told, not only what changed: what was not told is not there
}

// Changes tells each what changed in a person's calendar since the token of an earlier call (查询日程列表), cancelled events with the status
// cancelled. Without a token, and when DingTalk does not take it any more, it tells everything from `from` on (zero: from ever), and the
// answer says Full. Of a series its rule is told; what is past of it may come as occurrences with a seriesMasterId too. An error, also one
// of each, ends it; it must then begin again with the same token.
func (s *CalendarService) Changes(
	ctx context.Context, person, since string, from time.Time, each func(Object) error,
) (CalendarSync, error) {
	if err := checkPathIDs(pathCalendarEvents, "person", person); err != nil {
		return CalendarSync{}, err
	}
	query := calendarQuery()
	query.Set("showDeleted", "true") // no document says that a syncToken implies it
	if since != "" {
		query.Set("syncToken", since)
		next, begun, err := s.follow(ctx, person, query, each)
		if begun || !tokenRefusedByList(err) {
			return CalendarSync{Token: next}, err
		}
		query.Del("syncToken")
	}
	if !from.IsZero() {
		query.Set("timeMin", from.UTC().Format(time.RFC3339))
	}
	next, _, err := s.follow(ctx, person, query, each)
	return CalendarSync{Token: next, Full: true}, err
}

func calendarQuery() url.Values {
	return url.Values{"maxResults": {strconv.Itoa(calendarPage)}, "maxAttendees": {strconv.Itoa(attendeesInList)}}
}

// tokenRefusedByList: no document says with which code an old syncToken is refused. As nothing else in that call can be wrong, any
// refusal of its contents means it.
func tokenRefusedByList(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Class == Reject || e.Class == Missing)
}

// follow walks through a list and returns the syncToken at its end; begun says that a page came.
func (s *CalendarService) follow(
	ctx context.Context, person string, query url.Values, each func(Object) error,
) (next string, begun bool, err error) {
	for page, err := range s.c.pages(ctx, calendarReads(pathCalendarEvents, query, person)) {
		if err != nil {
			return "", begun, err
		}
		begun = true
		for _, row := range page.Rows("events") {
			if err := each(calendarObject(row, attendeesInList)); err != nil {
				return "", begun, err
			}
		}
		next = or(page.Text("syncToken"), next)
	}
	return next, begun, nil
}

// List yields the events of a person that begin between two instants, series as their rule (查询日程列表). Longer spans than a year are asked
// for piecewise. After an error the iteration ends, and what was yielded is not the whole.
func (s *CalendarService) List(ctx context.Context, person string, from, to time.Time) iter.Seq2[Object, error] {
	return s.window(ctx, pathCalendarEvents, calendarQuery(), person, from, to)
}

// View yields what a person sees in the calendar between two instants: series as their occurrences, each with its seriesMasterId (查询日程视图).
// Longer spans than a year are asked for piecewise. After an error the iteration ends, and what was yielded is not the whole.
func (s *CalendarService) View(ctx context.Context, person string, from, to time.Time) iter.Seq2[Object, error] {
	return s.window(ctx, pathCalendarView, url.Values{"maxResults": {strconv.Itoa(calendarPage)}}, person, from, to)
}

// Occurrences yields the occurrences of a series that the list shows, which are the past ones (查询日程列表).
func (s *CalendarService) Occurrences(ctx context.Context, person, series string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPathIDs(pathCalendarEvents, "person", person, "seriesMasterId", series); err != nil {
			yield(nil, err)
			return
		}
		query := calendarQuery()
		query.Set("seriesMasterId", series)
		s.yieldAll(ctx, pathCalendarEvents, query, person, map[string]bool{}, yield)
	}
}

func (s *CalendarService) window(ctx context.Context, path string, query url.Values, person string, from, to time.Time) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkPathIDs(path, "person", person); err != nil {
			yield(nil, err)
			return
		}
		if from.IsZero() || !to.After(from) {
			yield(nil, refuse(path, "start", "a span of time expected"))
			return
		}
		seen := map[string]bool{}
		for start := from; start.Before(to); start = start.Add(calendarSpan) {
			end := start.Add(calendarSpan)
			if end.After(to) {
				end = to
			}
			query.Set("timeMin", start.UTC().Format(time.RFC3339))
			query.Set("timeMax", end.UTC().Format(time.RFC3339))
			if !s.yieldAll(ctx, path, query, person, seen, yield) {
				return
			}
		}
	}
}

// yieldAll yields the rows of all pages, each once; false ends the iteration.
func (s *CalendarService) yieldAll(
	ctx context.Context, path string, query url.Values, person string, seen map[string]bool, yield func(Object, error) bool,
) bool {
	for page, err := range s.c.pages(ctx, calendarReads(path, query, person)) {
		if err != nil {
			yield(nil, err)
			return false
		}
		for _, row := range page.Rows("events") {
			event := calendarObject(row, attendeesInList)
			key := event.Text("id") + " " + event.Text("originStart") + event.Text("originStartDate")
			if seen[key] { // it lasts from one piece into the next
				continue
			}
			seen[key] = true
			if !yield(event, nil) {
				return false
			}
		}
	}
	return true
}
