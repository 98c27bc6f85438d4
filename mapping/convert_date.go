package mapping

import (
	"strconv"
	"time"
)

// Odoo's wire formats (DEFAULT_SERVER_DATE_FORMAT and DEFAULT_SERVER_DATETIME_FORMAT in odoo/tools/misc.py); a datetime is UTC.
const (
	odooDate     = "2006-01-02"
	odooDatetime = "2006-01-02 15:04:05"
)

// china is the zone of DingTalk dates where the caller gives none: one offset since 1991.
var china = time.FixedZone("UTC+8", 8*3600)

func (e Env) zone() *time.Location {
	if e.Zone == nil {
		return china
	}
	return e.Zone
}

// dateConverter joins an Odoo date with a DingTalk date: the instant of midnight in the zone, or a text. An instant within
// a day, as DingTalk returns for 入职时间 (查询用户详情), is that day.
type dateConverter struct {
	name string
	ms   bool // DingTalk holds milliseconds
	text bool // in a text field
	form bool // DingTalk holds the text of a component, which may show the time too
}

func newDateConverter(p pair) (Converter, string) {
	form := p.ding.isComponent()
	c := dateConverter{name: "date", form: form, ms: !form && (p.ding == nil || p.ding.Type != typeText)}
	return c, p.fits(c.name, []string{"date"}, []string{typeInstant, typeText, typeComponent})
}

func newDateMSConverter(p pair) (Converter, string) {
	c := dateConverter{name: "date_ms", ms: true, text: p.ding != nil && p.ding.Type == typeText}
	return c, p.fits(c.name, []string{"date"}, []string{typeInstant, typeInteger, typeText})
}

func (c dateConverter) Name() string { return c.name }

func (c dateConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == DingTalk && c.ms {
		ms, ok := plainInt(raw)
		if !ok || !plausible(ms) {
			return UnknownValue, unexpected(raw, "a time in milliseconds")
		}
		return Text(time.UnixMilli(ms).In(env.zone()).Format(odooDate)), nil
	}
	s, _ := raw.(string)
	if side == DingTalk && c.form {
		t, err := formTime(s, env.zone())
		if err != nil {
			return UnknownValue, err
		}
		return Text(t.Format(odooDate)), nil
	}
	day, err := time.Parse(odooDate, s)
	if err != nil {
		return UnknownValue, unexpected(raw, "a date such as 2026-01-31")
	}
	return Text(day.Format(odooDate)), nil
}

func (c dateConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	day, err := time.Parse(odooDate, v.Text)
	if err != nil {
		return nil, unexpected(v.Text, "a date such as 2026-01-31")
	}
	if side == DingTalk && c.form {
		_, err := formTime(v.Text, env.zone())
		return v.Text, err
	}
	if side == Odoo || !c.ms {
		return v.Text, nil
	}
	ms := midnight(day, env.zone()).UnixMilli()
	if !plausible(ms) { // it could not be read back
		return nil, unexpected(v.Text, "a date of the years 2 to 9999")
	}
	if c.text {
		return strconv.FormatInt(ms, 10), nil
	}
	return ms, nil
}

// deadlineConverter joins an Odoo date with the last second of that day in the zone: what is due on a day may be done all day long. An
// instant within a day is that day.
type deadlineConverter struct{ dateConverter }

func newDeadlineConverter(p pair) (Converter, string) {
	c := deadlineConverter{dateConverter{name: "deadline", ms: true}}
	return c, p.fits(c.name, []string{"date"}, []string{typeInstant})
}

func (c deadlineConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	if _, err := c.dateConverter.Write(side, v, current, env); err != nil || side == Odoo {
		return v.Text, err
	}
	day, err := time.Parse(odooDate, v.Text)
	ms := midnight(day.AddDate(0, 0, 1), env.zone()).Add(-time.Second).UnixMilli()
	if !plausible(ms) { // it could not be read back
		return nil, unexpected(v.Text, "a date of the years 2 to 9999")
	}
	return ms, err
}

// midnight is the first instant of a day in a zone: some days begin at 01:00, when the clock skips midnight.
func midnight(day time.Time, zone *time.Location) time.Time {
	y, m, d := day.Date()
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	for range 4 {
		if t.Day() == d {
			break
		}
		t = t.Add(30 * time.Minute)
	}
	return t
}

// datetimeConverter joins an Odoo datetime, in UTC, with DingTalk's milliseconds. Odoo keeps whole seconds, so the
// canonical value does. A form, as a text, shows whole minutes in the zone, so of such a pair the canonical value has no seconds.
type datetimeConverter struct{ form bool }

func newDatetimeConverter(p pair) (Converter, string) {
	form := p.ding.isComponent() || p.ding != nil && p.ding.Type == typeText
	return datetimeConverter{form}, p.fits("datetime", []string{"datetime"}, []string{typeInstant, typeText, typeComponent})
}

func (datetimeConverter) Name() string { return "datetime" }

func (c datetimeConverter) Read(side Side, raw any, env Env) (Value, error) {
	if side == DingTalk && c.form {
		s, _ := raw.(string)
		t, err := formTime(s, env.zone())
		if err != nil {
			return UnknownValue, err
		}
		return Text(t.UTC().Truncate(time.Minute).Format(time.RFC3339)), nil
	}
	if side == DingTalk {
		ms, ok := plainInt(raw)
		if !ok || !plausible(ms) {
			return UnknownValue, unexpected(raw, "a time in milliseconds")
		}
		return Text(time.UnixMilli(ms).UTC().Truncate(time.Second).Format(time.RFC3339)), nil
	}
	s, _ := raw.(string)
	t, err := time.Parse(odooDatetime, s)
	if err != nil {
		return UnknownValue, unexpected(raw, "a time such as 2026-01-31 08:30:00")
	}
	if c.form {
		t = t.Truncate(time.Minute)
	}
	return Text(t.Format(time.RFC3339)), nil
}

func (c datetimeConverter) Write(side Side, v Value, _ any, env Env) (any, error) {
	t, err := time.Parse(time.RFC3339, v.Text)
	if err != nil {
		return nil, unexpected(v.Text, "a time such as 2026-01-31T08:30:00Z")
	}
	if side == Odoo {
		return t.UTC().Format(odooDatetime), nil
	}
	if !plausible(t.UnixMilli()) { // it could not be read back
		return nil, unexpected(v.Text, "a time of the years 2 to 9999")
	}
	if c.form {
		return formText(t, env.zone())
	}
	return t.UnixMilli(), nil
}

// plausible bounds instants to the years PostgreSQL and Odoo's formats share, 1 to 9999.
func plausible(ms int64) bool {
	return ms > -62_135_000_000_000 && ms < 253_402_200_000_000
}
