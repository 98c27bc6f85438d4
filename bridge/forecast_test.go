package bridge

import (
	"math"
	"testing"
	"time"
)

var utc8 = time.FixedZone("UTC+8", 8*3600)

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, utc8)
	if err != nil {
		panic(err)
	}
	return t
}

// daily is n counted calls on every day from the first to the last of August 2026.
func daily(n int64, first, last int) []QuotaCount {
	var out []QuotaCount
	for d := first; d <= last; d++ {
		day := time.Date(2026, 8, d, 0, 0, 0, 0, utc8).Format(time.DateOnly)
		out = append(out, QuotaCount{Day: day, What: QuotaCall, Counted: true, Name: "/a", N: n})
	}
	return out
}

func TestForecast(t *testing.T) {
	for _, c := range []struct {
		name           string
		counts         []QuotaCount
		now            string
		limit          int64
		used, forecast int64
		runsOut        string
	}{
		{"nothing yet", nil, "2026-08-15 12:00", 1000, 0, 0, ""},
		{"the same every day", daily(10, 1, 20), "2026-08-21 00:00", 1000, 200, 200 + 60*11/6, ""},
		{"the last days count, not the first", append(daily(100, 1, 2), daily(1, 12, 20)...), "2026-08-21 00:00", 1000, 209, 209 + 11, ""},
		{"it runs out", daily(30, 1, 20), "2026-08-21 00:00", 700, 600, 600 + 180*11/6, "2026-08-24 08:00"},
		{"without a limit", daily(30, 1, 20), "2026-08-21 00:00", 0, 600, 930, ""},
		{"used up", daily(100, 1, 20), "2026-08-21 12:00", 1000, 2000, 2000 + 970, "2026-08-21 12:00"},
		{"the first hours are not the rate", daily(50, 21, 21), "2026-08-21 01:00", 0, 50, 50 + 548, ""},
		{"before this month", daily(10, 26, 31), "2026-09-01 06:00", 1000, 0, 10 * 6 * 714 / 150, ""},
		{"other months", daily(10, 1, 20), "2026-10-01 06:00", 1000, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := at(c.now)
			var counts []QuotaCount
			for _, q := range c.counts {
				if q.Day >= firstDay(now, utc8) {
					counts = append(counts, q)
				}
			}
			st := quotaOf(counts, now, utc8, QuotaLimits{Calls: c.limit})
			if st.Calls.Used != c.used || math.Abs(float64(st.Calls.Forecast-c.forecast)) > 2 {
				t.Errorf("used %d, forecast %d; want %d and %d", st.Calls.Used, st.Calls.Forecast, c.used, c.forecast)
			}
			got := ""
			if st.Calls.RunsOut != nil {
				got = st.Calls.RunsOut.In(utc8).Format("2006-01-02 15:04")
			}
			if got != c.runsOut {
				t.Errorf("runs out %q, want %q", got, c.runsOut)
			}
		})
	}
}

func TestQuotaKindsAreKeptApart(t *testing.T) {
	day := "2026-08-20"
	st := quotaOf([]QuotaCount{
		{Day: day, What: QuotaCall, Counted: true, Mapping: "m", Name: "/a", N: 1},
		{Day: day, What: QuotaCall, Mapping: "m", Name: "/b", N: 2},
		{Day: day, What: QuotaPush, Counted: true, Name: "x", N: 4},
		{Day: day, What: QuotaPush, Name: "y", N: 8},
		{Day: day, What: QuotaWithheld, Counted: true, Name: "x", N: 16},
		{Day: "2026-08-19", What: QuotaCall, Mapping: "m", Name: "/b", N: 32},
	}, at("2026-08-20 18:00"), utc8, QuotaLimits{Calls: 100, Pushes: 5})
	if st.Calls.Used != 1 || st.Calls.Free != 34 || st.Pushes.Used != 4 || st.Pushes.Free != 8 || st.Withheld != 16 || st.Month != "2026-08" || !st.Ends.Equal(at("2026-09-01 00:00")) {
		t.Errorf("%+v", st)
	}
	if len(st.Details) != 5 || st.Details[0] != (QuotaLine{What: QuotaCall, Mapping: "m", Name: "/b", N: 34}) {
		t.Errorf("%+v", st.Details)
	}
	if st.Pushes.RunsOut == nil || st.Calls.RunsOut != nil {
		t.Errorf("runs out: %v %v", st.Pushes.RunsOut, st.Calls.RunsOut)
	}
}

func TestPollPace(t *testing.T) {
	for _, c := range []struct {
		used, limit int64
		left, want  float64
	}{
		{0, 0, 0.5, 1},
		{5000, 0, 0.5, 1}, // no limit known
		{0, 1000, 1, 1},
		{450, 1000, 0.5, 1},
		{100, 1000, 0.1, 1}, // no more used than is past of the month
		{675, 1000, 0.5, 0.5},
		{9, 1000, 1, 0.99},
		{900, 1000, 0.9, 0},
		{2000, 1000, 0.01, 0}, // only the reserve is left
	} {
		if got := pollPace(c.used, c.limit, c.left); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d of %d used, %g of the month left: %g, want %g", c.used, c.limit, c.left, got, c.want)
		}
	}
}

// TestPollsNeverUseUpTheMonth plays months with polls that would cost more than there is: how often they would come does not matter.
func TestPollsNeverUseUpTheMonth(t *testing.T) {
	const limit = 5000
	for _, every := range []time.Duration{time.Minute, 5 * time.Minute, time.Hour, 12 * time.Hour} {
		for _, cost := range []int64{1, 30, 300} {
			now, end := at("2026-08-01 00:00"), at("2026-09-01 00:00")
			var used, last int64
			for now.Before(end) {
				st := quotaOf([]QuotaCount{{Day: "2026-08-01", What: QuotaCall, Counted: true, N: used}}, now, utc8, QuotaLimits{Calls: limit})
				if st.Pace > 0 {
					used += cost
					last = cost
				}
				next := st.Soonest(now, every)
				if next.Sub(now) < every {
					t.Fatalf("the next after %s", next.Sub(now))
				}
				now = next
			}
			if used > limit*9/10+last {
				t.Errorf("every %s, %d calls: %d used of %d", every, cost, used, limit)
			}
			usual := int64(end.Sub(at("2026-08-01 00:00"))/every) * cost
			if least := min(usual, limit/2); used < least {
				t.Errorf("every %s, %d calls: only %d used of %d, at the usual pace %d", every, cost, used, limit, usual)
			}
		}
	}
}
