package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule is a set of times of day on some days: of the week, or of the month. A day of the month that a month lacks is its last.
type Schedule struct {
	text     string
	week     [7]bool // by time.Weekday; all false when days of the month are meant
	month    []int
	minutes  []int // of the day, sorted
	ofMonths bool
}

// String is the schedule as it was written.
func (s *Schedule) String() string { return s.text }

var weekdays = map[string]time.Weekday{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

const scheduleForm = `a schedule is days and times: "workdays 09:00", "daily 08:30,17:00", "mon,thu 09:00", or days of the month, "1,15 09:00"`

// ParseSchedule reads a schedule; problem says in words what is wrong with it.
func ParseSchedule(text string) (s *Schedule, problem string) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) != 2 {
		return nil, scheduleForm
	}
	s = &Schedule{text: strings.Join(words, " ")}
	for day := range strings.SplitSeq(words[0], ",") {
		n, err := strconv.Atoi(day)
		wd, named := weekdays[day]
		switch {
		case day == "daily":
			s.week = [7]bool{true, true, true, true, true, true, true}
		case day == "workdays":
			for d := time.Monday; d <= time.Friday; d++ {
				s.week[d] = true
			}
		case named:
			s.week[wd] = true
		case err == nil && n >= 1 && n <= 31:
			s.ofMonths = true
			s.month = append(s.month, n)
		default:
			return nil, fmt.Sprintf("%q is no day; %s", day, scheduleForm)
		}
	}
	if s.ofMonths && s.week != [7]bool{} {
		return nil, "days of the week and days of the month do not go together; " + scheduleForm
	}
	for at := range strings.SplitSeq(words[1], ",") {
		t, err := time.Parse("15:04", at)
		if err != nil {
			return nil, fmt.Sprintf("%q is no time of day such as 09:00; %s", at, scheduleForm)
		}
		s.minutes = append(s.minutes, t.Hour()*60+t.Minute())
	}
	slices.Sort(s.minutes)
	s.minutes = slices.Compact(s.minutes)
	return s, ""
}

// on says whether the schedule has times on a day.
func (s *Schedule) on(day time.Time) bool {
	if !s.ofMonths {
		return s.week[day.Weekday()]
	}
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return slices.ContainsFunc(s.month, func(n int) bool { return min(n, last) == day.Day() })
}

// farthest bounds how far apart two times of a schedule can be, in days.
const farthest = 62

// Last is the latest time of the schedule that is not after now, in the zone.
func (s *Schedule) Last(now time.Time, zone *time.Location) time.Time {
	for back := range farthest {
		for _, at := range slices.Backward(s.times(now.In(zone), -back)) {
			if !at.After(now) {
				return at
			}
		}
	}
	return time.Time{}
}

// Next is the earliest time of the schedule after now, in the zone.
func (s *Schedule) Next(now time.Time, zone *time.Location) time.Time {
	for ahead := range farthest {
		for _, at := range s.times(now.In(zone), ahead) {
			if at.After(now) {
				return at
			}
		}
	}
	return time.Time{}
}

// times are those of the schedule on the day so many after that of the time, sorted. One that the clocks skip is moved by as much as they
// are put forward, perhaps past another; one that they pass twice is there once.
func (s *Schedule) times(from time.Time, days int) []time.Time {
	day := time.Date(from.Year(), from.Month(), from.Day()+days, 0, 0, 0, 0, time.UTC) // there are zones that skip a midnight
	if !s.on(day) {
		return nil
	}
	var times []time.Time
	for _, m := range s.minutes {
		times = append(times, time.Date(day.Year(), day.Month(), day.Day(), m/60, m%60, 0, 0, from.Location()))
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}
