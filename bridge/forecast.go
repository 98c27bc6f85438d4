package bridge

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// QuotaLimits are what the corp's edition allows in a month; 0: no limit is known.
type QuotaLimits struct {
	Calls  int64 // counted calls of all apps of the corp
	Pushes int64 // counted events, by callback and by Stream
}

// QuotaStatus is what was used of the month's quotas, as far as this bridge saw it: the quota is the whole corp's, and a crash loses
// the counts of a few seconds. It is a lower bound.
type QuotaStatus struct {
	Month    string      `json:"month"` // in DingTalk's zone, such as 2026-08
	Ends     time.Time   `json:"ends"`
	Calls    QuotaUse    `json:"calls"`
	Pushes   QuotaUse    `json:"pushes"`
	Withheld int64       `json:"pushes_withheld"` // events that came without content
	Pace     float64     `json:"pace"`            // see pollPace
	Details  []QuotaLine `json:"details,omitempty"`
}

// QuotaUse is the use of one quota.
type QuotaUse struct {
	Used     int64      `json:"used"` // what counts
	Free     int64      `json:"free"` // what does not
	Limit    int64      `json:"limit"`
	Forecast int64      `json:"forecast"`           // expected to be used when the month ends
	RunsOut  *time.Time `json:"runs_out,omitempty"` // when the limit is expected to be reached; nil: not in this month
}

// QuotaLine is one line of the month's ledger.
type QuotaLine struct {
	What    QuotaKind `json:"what"`
	Mapping string    `json:"mapping,omitempty"` // for whose work
	Name    string    `json:"name"`              // API path, or type of event
	Counted bool      `json:"counted"`
	N       int64     `json:"n"`
}

// forecastDays is how many days, today included, the rate of a forecast is taken from.
const forecastDays = 7

// reserve is the part of the month's calls that polls and sweeps leave to people's changes.
const reserve = 0.1

// Unreserved is how many calls are left of the month's quota above the reserve, 0 when none are.
func (u QuotaUse) Unreserved() int64 { return max(int64(float64(u.Limit)*(1-reserve))-u.Used, 0) }

// firstDay is the first day that a status of this instant needs.
func firstDay(now time.Time, zone *time.Location) string {
	start, _ := monthOf(now, zone)
	if recent := midnight(now, zone).AddDate(0, 0, 1-forecastDays); recent.Before(start) {
		start = recent
	}
	return start.Format(time.DateOnly)
}

func midnight(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// monthOf is the month of the instant.
func monthOf(at time.Time, zone *time.Location) (start, end time.Time) {
	y, m, _ := at.In(zone).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, zone), time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
}

// quotaOf makes the status of the counts since firstDay. Pure.
func quotaOf(counts []QuotaCount, now time.Time, zone *time.Location, limits QuotaLimits) QuotaStatus {
	start, end := monthOf(now, zone)
	st := QuotaStatus{Month: start.Format("2006-01"), Ends: end, Calls: QuotaUse{Limit: limits.Calls}, Pushes: QuotaUse{Limit: limits.Pushes}}
	month, recent := start.Format(time.DateOnly), midnight(now, zone).AddDate(0, 0, 1-forecastDays).Format(time.DateOnly)
	since := midnight(now, zone).Format(time.DateOnly) // from when on there are counts
	lately := map[QuotaKind]int64{}
	lines := map[QuotaLine]int64{}
	for _, c := range counts {
		if c.Day >= recent {
			since = min(since, c.Day)
			if c.Counted {
				lately[c.What] += c.N
			}
		}
		if c.Day < month {
			continue
		}
		lines[QuotaLine{What: c.What, Mapping: c.Mapping, Name: c.Name, Counted: c.Counted}] += c.N
		switch c.What {
		case QuotaCall:
			st.Calls.add(c)
		case QuotaPush:
			st.Pushes.add(c)
		case QuotaWithheld:
			st.Withheld += c.N
		}
	}
	over := 24 * time.Hour // a rate is not taken from less: the first hours of a bridge are its busiest
	if first, err := time.ParseInLocation(time.DateOnly, since, zone); err == nil {
		over = max(over, now.Sub(first))
	}
	st.Calls.foresee(lately[QuotaCall], over, now, end)
	st.Pushes.foresee(lately[QuotaPush], over, now, end)
	st.Pace = pollPace(st.Calls.Used, st.Calls.Limit, float64(end.Sub(now))/float64(end.Sub(start)))
	for line, n := range lines {
		line.N = n
		st.Details = append(st.Details, line)
	}
	slices.SortFunc(st.Details, func(a, b QuotaLine) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Mapping, b.Mapping))
	})
	return st
}

func (u *QuotaUse) add(c QuotaCount) {
	if c.Counted {
		u.Used += c.N
	} else {
		u.Free += c.N
	}
}

// foresee carries the use of the last days on to the month's end.
func (u *QuotaUse) foresee(lately int64, over time.Duration, now, end time.Time) {
	left := end.Sub(now)
	u.Forecast = u.Used + int64(math.Round(float64(lately)*float64(left)/float64(over)))
	if u.Limit == 0 || u.Forecast <= u.Limit {
		return
	}
	at := now
	if u.Used < u.Limit {
		at = now.Add(time.Duration(float64(u.Limit-u.Used) * float64(over) / float64(lately)))
	}
	u.RunsOut = &at
}

// pollPace is how often polls and sweeps that cost counted calls happen, compared with usual: 1 while no more is used of the month's
// calls than is past of the month, the reserve left aside; less the faster they are used up; 0 when only the reserve is left. left is
// the part of the month to come (0..1).
//
// At this pace reads alone never use up what is not reserved: with the part r of it left and t of the month, reads that would
// take p times as much as there is in a whole month take p·r/t, and so r is t to the power of p.
func pollPace(used, limit int64, left float64) float64 {
	if limit <= 0 {
		return 1
	}
	budget := float64(limit) * (1 - reserve)
	rest := 1 - float64(used)/budget
	switch {
	case rest <= 0:
		return 0
	case rest >= left:
		return 1
	}
	return rest / left
}

// Soonest is when a poll that costs counted calls, was made last at a time, and is usually made every so often, is to be made again:
// later at a slower pace, but not later than when the month has turned.
func (st QuotaStatus) Soonest(last time.Time, every time.Duration) time.Time {
	usual, slow := last.Add(every), st.Ends
	if stretched := float64(every) / st.Pace; st.Pace > 0 && stretched < float64(st.Ends.Sub(last)) {
		slow = last.Add(time.Duration(stretched))
	}
	if slow.Before(usual) {
		return usual
	}
	return slow
}
