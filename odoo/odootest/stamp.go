package odootest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stamp is a timestamp without time zone as PostgreSQL keeps it: UTC, in microseconds since 1970.
type stamp int64

func stampOf(t time.Time) stamp { return stamp(t.UnixMicro()) }

func (s stamp) Time() time.Time { return time.UnixMicro(int64(s)).UTC() }

// Date is the day, in UTC.
func (s stamp) Date() string { return s.Time().Format(time.DateOnly) }

// String is what XML-RPC shows: whole seconds, truncated.
func (s stamp) String() string { return s.Time().Format(time.DateTime) }

// Micro is what PostgreSQL shows.
func (s stamp) Micro() string { return s.Time().Format("2006-01-02 15:04:05.000000") }

var stampForm = regexp.MustCompile(`^\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(?:Z|[+-]\d{2}:?\d{0,2})?\s*$`)

// parseStamp reads a literal as PostgreSQL reads one for a timestamp without time zone: an offset is ignored.
func parseStamp(s string) (stamp, error) {
	m := stampForm.FindStringSubmatch(s)
	if m == nil {
		return 0, pythonFault("psycopg2.errors.InvalidDatetimeFormat", "invalid input syntax for type timestamp: "+strconv.Quote(s)+"\n")
	}
	var n [6]int
	for i := range n {
		if m[i+1] != "" {
			n[i], _ = strconv.Atoi(m[i+1]) // digits only
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	if int(t.Month()) != n[1] || t.Day() != n[2] || n[3] > 24 || n[4] > 59 || n[5] > 60 {
		return 0, pythonFault("psycopg2.errors.DatetimeFieldOverflow", "date/time field value out of range: "+strconv.Quote(s)+"\n")
	}
	micro, _ := strconv.Atoi((m[7] + "000000")[:6]) // digits only
	return stampOf(t) + stamp(micro), nil
}

// parseDate reads a literal as PostgreSQL reads one for a date.
func parseDate(s string) (string, error) {
	if !stampForm.MatchString(s) {
		return "", pythonFault("psycopg2.errors.InvalidDatetimeFormat", "invalid input syntax for type date: "+strconv.Quote(s)+"\n")
	}
	t, err := parseStamp(s)
	if err != nil {
		return "", err
	}
	return t.Time().Format(time.DateOnly), nil
}

// localStamp converts a wall-clock time of zone to UTC, as load does with the context's tz (odoo/addons/base/models/ir_fields.py).
func localStamp(s stamp, zone string) (stamp, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return s, fmt.Errorf("time zone: %w", err)
	}
	t := s.Time()
	return stampOf(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)), nil
}

// collate orders strings by bytes: Odoo creates its databases with LC_COLLATE 'C' (odoo/service/db.py).
func collate(a, b string) int { return strings.Compare(a, b) }
