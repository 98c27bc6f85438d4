package mapping

import (
	"encoding/json"
	"slices"
	"strconv"
)

// remindersConverter joins the reminders of an Odoo meeting, records of calendar.alarm, with the minutes before a DingTalk event. The
// canonical value is the sorted JSON array of the minutes of the notifications: e-mails and messages of other types stay as they are. No
// reminder is a value too, because DingTalk reminds 15 minutes before where nothing is said (创建日程).
type remindersConverter struct{}

func newRemindersConverter(p pair) (Converter, string) {
	return remindersConverter{}, p.fits("reminders", []string{"many2many"}, []string{typeJSON})
}

func (remindersConverter) Name() string { return "reminders" }

func (remindersConverter) readsEmpty() {}

func (remindersConverter) columns() []string { return []string{"type", "duration_minutes"} }

// notifications finds the reminder of so many minutes.
var notifications = &Lookup{Model: "calendar.alarm", By: "duration_minutes", Domain: []any{[]any{"type", "=", "notification"}}, First: true}

func (c remindersConverter) Read(side Side, raw any, _ Env) (Value, error) {
	list, ok := raw.([]any)
	if !ok && raw != nil {
		if _, ids := raw.([]int64); ids { // the reminders themselves were not read
			return UnknownValue, nil
		}
		return UnknownValue, unexpected(raw, "a list of reminders")
	}
	minutes := []int64{}
	for _, item := range list {
		if side == Odoo {
			alarm := rowOf(item)
			if alarm["type"] != "notification" {
				continue
			}
			item = alarm["duration_minutes"]
		}
		n, ok := plainInt(item)
		if !ok {
			return UnknownValue, unexpected(item, "a number of minutes")
		}
		minutes = append(minutes, n)
	}
	slices.Sort(minutes)
	text, err := json.Marshal(slices.Compact(minutes))
	return Text(string(text)), err
}

func (c remindersConverter) Write(side Side, v Value, current any, env Env) (any, error) {
	var minutes []int64
	if err := json.Unmarshal([]byte(v.Text), &minutes); err != nil {
		return nil, unexpected(v.Text, "a list of minutes")
	}
	if side == DingTalk {
		list := make([]any, len(minutes))
		for i, n := range minutes {
			list[i] = n
		}
		return list, nil
	}
	ids := []int64{}
	had, _ := current.([]any)
	for _, item := range had {
		alarm := rowOf(item)
		id, known := plainInt(alarm["id"])
		n, _ := plainInt(alarm["duration_minutes"])
		i := slices.Index(minutes, n)
		if known && (alarm["type"] != "notification" || i >= 0) {
			ids = append(ids, id)
		}
		if alarm["type"] == "notification" && i >= 0 {
			minutes = slices.Delete(minutes, i, i+1)
		}
	}
	for _, n := range minutes {
		if env.Lookups == nil {
			return nil, unexpected(v.Text, "something that can be looked up here")
		}
		id, err := env.Lookups.Find(notifications, strconv.FormatInt(n, 10))
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
