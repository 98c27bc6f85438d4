package mapping

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// construct makes a converter for two types.
func construct(t testing.TB, name, odooType, dingType string) Converter {
	t.Helper()
	c, problem := makers[name](pair{&OdooField{Type: odooType}, &KindField{Type: dingType}, ToDingTalk})
	if problem != "" {
		t.Fatal(problem)
	}
	return c
}

func shanghai(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestPhoneCanonical(t *testing.T) {
	for _, c := range []struct{ raw, state, want string }{
		{"13800000000", "", "13800000000"},
		{"138 0000 0000", "", "13800000000"},
		{"+86 138-0000-0000", "", "13800000000"},
		{"008613800000000", "", "13800000000"},
		{"8613800000000", "", "13800000000"},
		{"＋８６　１３８００００００００", "", "13800000000"},
		{"(138) 0000.0000", "86", "13800000000"},
		{"138\u00a00000\u200b0000", "+86", "13800000000"},
		{"+852 5123 4567", "", "+852-51234567"},
		{"+852-51234567", "", "+852-51234567"},
		{"0085251234567", "", "+852-51234567"},
		{"51234567", "852", "+852-51234567"},
		{"+852-51234567", "852", "+852-51234567"},
		{"6123 4567", "853", "+853-61234567"},
		{"0912 345 678", "886", "+886-912345678"},
		{"+1 (415) 555-2671", "", "+1-4155552671"},
		{"+1242-5551234", "", "+1-2425551234"},
		{"+44 (0) 7700 900123", "", "+44-7700900123"},
		{"+7 912 345-67-89", "", "+7-9123456789"},
		{"+49 151 12345678", "", "+49-15112345678"},
	} {
		got, err := parsePhone(c.raw, strings.TrimPrefix(c.state, "+"))
		if err != nil || got != c.want {
			t.Errorf("%q beside %q: %q, %v; want %q", c.raw, c.state, got, err, c.want)
		}
	}
}

func TestPhoneRefuses(t *testing.T) {
	for _, c := range []struct{ raw, state string }{
		{"138****0000", ""},
		{"12800000000", ""},
		{"1380000000", ""},
		{"138000000000", ""},
		{"010-62345678", ""},
		{"+86 10 6234 5678", ""},
		{"51234567", ""},
		{"+999 1234567", ""},
		{"+852 512345", ""},
		{"51234567", "0"},
		{"12345", "000852"},
		{"13800000000 ext 5", ""},
		{"+", ""},
		{"-", ""},
		{"++8613800000000", ""},
		{"١٣٨٠٠٠٠٠٠٠٠", ""},
	} {
		if got, err := parsePhone(c.raw, c.state); err == nil {
			t.Errorf("%q beside %q is taken as %q", c.raw, c.state, got)
		}
	}
}

func TestPhoneCodesArePrefixFree(t *testing.T) {
	if len(countryCodes) < 200 {
		t.Errorf("only %d country codes", len(countryCodes))
	}
	for a, lengths := range countryCodes {
		if lengths.min < 4 || lengths.max < lengths.min || len(a)+lengths.max > 15 {
			t.Errorf("+%s: lengths %v", a, lengths)
		}
		for b := range countryCodes {
			if a != b && strings.HasPrefix(b, a) {
				t.Errorf("+%s begins +%s", a, b)
			}
		}
	}
}

// canonical draws values that a converter's Read can yield.
var canonical = map[string]*rapid.Generator[string]{
	"phone_cn": rapid.OneOf(
		rapid.StringMatching(`1[3-9][0-9]{9}`),
		rapid.StringMatching(`\+852-[5-9][0-9]{7}`),
		rapid.StringMatching(`\+1-[2-9][0-9]{9}`),
	),
	"text":      rapid.StringN(1, 40, -1).Filter(func(s string) bool { return !strings.Contains(s, "\r\n") }),
	"integer":   rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int64().Draw(t, "n")) }),
	"boolean":   rapid.SampledFrom([]string{"true", "false"}),
	"dept_name": rapid.StringN(1, 40, -1).Filter(func(s string) bool { return !strings.ContainsAny(s, "-,，\r") }),
	"date":      rapid.Custom(drawDate),
	"date_ms":   rapid.Custom(drawDate),
	"deadline":  rapid.Custom(drawDate),
	"datetime": rapid.Custom(func(t *rapid.T) string {
		return time.Unix(rapid.Int64Range(-2_000_000_000, 4_000_000_000).Draw(t, "s"), 0).UTC().Format(time.RFC3339)
	}),
	"list": rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z一-龥][a-z ,]{0,8}[a-z]`), 1, 5).Draw(t, "entries"), "\n")
	}),
	"urls": rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.StringMatching(`https?://[a-z]{1,8}/[a-z,.?=]{0,8}`), 1, 5).Draw(t, "addresses"), "\n")
	}),
	"number": rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d.5", rapid.Int32().Draw(t, "n"))
	}),
}

func drawDate(t *rapid.T) string {
	return time.Unix(0, 0).UTC().AddDate(0, 0, rapid.IntRange(-30_000, 60_000).Draw(t, "day")).Format(odooDate)
}

func TestReadWhatWasWritten(t *testing.T) {
	zones := []*time.Location{shanghai(t), time.UTC}
	for _, name := range []string{"America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia"} { // days that begin at 01:00, and a day that was skipped
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, zone)
	}
	for _, c := range []struct{ name, odoo, ding string }{
		{"phone_cn", "char", typeText},
		{"text", "char", typeText},
		{"text", "text", typeID},
		{"integer", "integer", typeInteger},
		{"integer", "char", typeText},
		{"number", "float", typeText},
		{"boolean", "boolean", typeBoolean},
		{"dept_name", "char", typeText},
		{"date", "date", typeInstant},
		{"date", "date", typeText},
		{"date_ms", "date", typeText},
		{"date_ms", "date", typeInteger},
		{"datetime", "datetime", typeInstant},
		{"deadline", "date", typeInstant},
		{"phone_cn", "char", typeComponent},
		{"text", "selection", typeComponent},
		{"integer", "integer", typeComponent},
		{"number", "monetary", typeComponent},
		{"dept_name", "char", typeComponent},
		{"date", "date", typeComponent},
		{"list", "text", typeComponent},
		{"urls", "char", typeComponent},
	} {
		t.Run(c.name+" "+c.odoo+" "+c.ding, func(t *testing.T) {
			converter := construct(t, c.name, c.odoo, c.ding)
			rapid.Check(t, func(t *rapid.T) {
				want := Text(canonical[c.name].Draw(t, "value"))
				env := Env{Zone: rapid.SampledFrom(zones).Draw(t, "zone")}
				if env.Zone.String() == "Pacific/Apia" && want.Text == "2011-12-30" {
					t.Skip("a day that Samoa does not know")
				}
				for _, side := range []Side{Odoo, DingTalk} {
					raw, err := converter.Write(side, want, nil, env)
					if err != nil {
						t.Fatalf("writing %s to %s: %v", want, side, err)
					}
					if got, err := converter.Read(side, raw, env); err != nil || got != want {
						t.Fatalf("%s written to %s as %v reads %s, %v", want, side, raw, got, err)
					}
				}
			})
		})
	}
}

func TestDateAroundMidnight(t *testing.T) {
	c := construct(t, "date", "date", typeInstant)
	env := Env{Zone: shanghai(t)}
	midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, env.Zone).UnixMilli()
	for _, one := range []struct {
		ms   int64
		want string
	}{{midnight - 1, "2026-02-28"}, {midnight, "2026-03-01"}, {midnight + 86_399_999, "2026-03-01"}, {midnight + 86_400_000, "2026-03-02"}} {
		if got, err := c.Read(DingTalk, one.ms, env); err != nil || got != Text(one.want) {
			t.Errorf("%d: %s, %v; want %s", one.ms, got, err, one.want)
		}
	}
	if raw, err := c.Write(DingTalk, Text("2026-03-01"), nil, env); err != nil || raw != midnight {
		t.Errorf("written as %v, %v; want %d", raw, err, midnight)
	}
	if raw, err := c.Write(DingTalk, Text("0001-01-01"), nil, env); err == nil { // which could not be read back
		t.Errorf("the first of all days was written as %v", raw)
	}
	// In UTC the same instant is still the day before.
	if got, _ := c.Read(DingTalk, midnight, Env{Zone: time.UTC}); got != Text("2026-02-28") {
		t.Errorf("in UTC: %s", got)
	}
}

func TestConverterTable(t *testing.T) {
	for _, c := range []struct {
		name, odoo, ding string
		side             Side
		raw              any
		want             string // "" = an error
	}{
		{"text", "char", typeText, Odoo, "a\r\nb ", "a\nb "},
		{"text", "char", typeID, DingTalk, int64(7), "7"},
		{"text", "char", typeText, DingTalk, map[string]any{}, ""},
		{"integer", "integer", typeInteger, DingTalk, " 42 ", "42"},
		{"integer", "integer", typeInteger, DingTalk, float64(42), "42"},
		{"integer", "integer", typeInteger, DingTalk, 4.5, ""},
		{"integer", "integer", typeInteger, DingTalk, "x", ""},
		{"number", "float", typeText, DingTalk, "12.50", "12.5"},
		{"number", "float", typeText, DingTalk, "NaN", ""},
		{"boolean", "boolean", typeBoolean, Odoo, false, "false"},
		{"boolean", "boolean", typeBoolean, Odoo, "yes", ""},
		{"date", "date", typeInstant, Odoo, "2026-01-31", "2026-01-31"},
		{"date", "date", typeInstant, Odoo, "31.01.2026", ""},
		{"text", "char", typeText, Odoo, "a\r\r\nb", "a\nb"},
		{"date", "date", typeInstant, DingTalk, int64(1 << 62), ""},
		{"datetime", "datetime", typeInstant, DingTalk, int64(1597573616828), "2020-08-16T10:26:56Z"},
		{"datetime", "datetime", typeInstant, Odoo, "2020-08-16 10:26:56", "2020-08-16T10:26:56Z"},
		{"datetime", "datetime", typeInstant, Odoo, "2020-08-16", ""},
		{"dept_name", "char", typeText, Odoo, "a-b,c，d", "a－b﹐c、d"},
		{"label", "many2one", typeText, Odoo, map[string]any{"id": int64(1), "name": "病假"}, "病假"},
		{"label", "many2one", typeText, DingTalk, "病假", "病假"},
		{"label", "many2one", typeText, Odoo, int64(3), ""},
	} {
		got, err := construct(t, c.name, c.odoo, c.ding).Read(c.side, c.raw, Env{})
		if c.want == "" {
			if err == nil || !got.IsUnknown() {
				t.Errorf("%s: %v is read as %s, %v", c.name, c.raw, got, err)
			}
			continue
		}
		if err != nil || got != Text(c.want) {
			t.Errorf("%s: %v is read as %s, %v; want %s", c.name, c.raw, got, err, c.want)
		}
	}
}

func TestDeptNameKeepsOdoosCharacters(t *testing.T) {
	c := deptNameConverter{}
	for _, one := range []struct{ current, value, want string }{
		{"研发-一部", "研发－二部", "研发-二部"},
		{"研发一部", "研发－二部", "研发－二部"},
		{"研发-一－部", "研发－二部", "研发－二部"},
		{"A, B，C", "A﹐ B、D", "A, B，D"},
		{"", "A﹐B", "A﹐B"},
	} {
		got, err := c.Write(Odoo, Text(one.value), one.current, Env{})
		if err != nil || got != one.want {
			t.Errorf("%s over %s: %v, %v; want %s", one.value, one.current, got, err, one.want)
		}
		if back, _ := c.Read(Odoo, got, Env{}); back != Text(one.value) {
			t.Errorf("%v reads %s, not %s", got, back, one.value)
		}
	}
}

func TestValuesTable(t *testing.T) {
	m := load(t, employeesWith(`{odoo: gender, dingtalk: title, values: {男: male, 女: female}}`, `{odoo: active, dingtalk: hide_mobile, values: {"true": "false", "false": "true"}}`))
	gender, _ := m.Field("title")
	hidden, _ := m.Field("hide_mobile")
	for _, c := range []struct {
		f    *Field
		side Side
		raw  any
		want string
	}{
		{gender, DingTalk, "女", "female"},
		{gender, Odoo, "female", "female"},
		{gender, DingTalk, "他", ""},
		{gender, Odoo, "other", ""},
		{hidden, DingTalk, true, "false"},
		{hidden, Odoo, true, "true"},
	} {
		v, err := c.f.Read(c.side, Record{c.f.Name(c.side): c.raw}, Env{})
		if c.want == "" {
			if err == nil {
				t.Errorf("%v of %s is read as %s", c.raw, c.side, v)
			}
			continue
		}
		if err != nil || v != Text(c.want) {
			t.Errorf("%v of %s is read as %s, %v", c.raw, c.side, v, err)
		}
		if back, err := c.f.Write(c.side, v, nil, Env{}); err != nil || !reflect.DeepEqual(back, c.raw) {
			t.Errorf("%s is written to %s as %v, %v", v, c.side, back, err)
		}
	}
	if _, err := gender.Write(DingTalk, Text("other"), nil, Env{}); err == nil {
		t.Error("a value outside of the table is written")
	}
}

func TestADeadlineIsTheLastSecondOfItsDay(t *testing.T) {
	c := construct(t, "deadline", "date", typeInstant)
	for _, zone := range []*time.Location{shanghai(t), time.UTC, time.FixedZone("", -11*3600)} {
		raw, err := c.Write(DingTalk, Text("2026-02-28"), nil, Env{Zone: zone})
		if err != nil || raw != time.Date(2026, 2, 28, 23, 59, 59, 0, zone).UnixMilli() {
			t.Errorf("%s: %v, %v", zone, raw, err)
		}
	}
	for _, clock := range []time.Time{time.Date(2026, 2, 28, 0, 0, 0, 0, shanghai(t)), time.Date(2026, 2, 28, 23, 59, 59, 999e6, shanghai(t))} {
		if v, err := c.Read(DingTalk, clock.UnixMilli(), Env{Zone: shanghai(t)}); err != nil || v != Text("2026-02-28") {
			t.Errorf("%s is %v, %v", clock, v, err)
		}
	}
}
