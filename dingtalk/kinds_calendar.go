package dingtalk

// CalendarEventKind is the field table of an event in somebody's primary calendar (日程). On the wire start, end, location, reminders and
// attendees are objects; Objects of this kind always use the names of this table. People are named by unionid.
// Sources: 创建日程, 修改日程, 查询单个日程详情, 查询日程列表.
var CalendarEventKind = Kind{
	Name: "calendar_event", IDField: "id", Key: ClientToken,
	Create: true, Read: true, Update: true, Delete: true, List: ListDelta,
	Events: []string{"calendar_event_change"},
	Fields: []Field{
		{Name: "id", Type: ID, Get: true, List: true, Unique: true},
		// No event is without these two: an answer that lacks one does not tell it.
		{Name: "organizer", Type: ID, Create: true, Get: true, List: true, Required: true, Absent: Unknown, Ref: "user", RefBy: "unionid"},
		{Name: "summary", Type: Text, Create: true, Update: true, Get: true, List: true, Required: true, MaxLen: 2048, Absent: Unknown},
		// No document says how these two are emptied; an empty text is what remains to try, and worth reading back.
		{Name: "description", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 5000, Clear: ClearEmptyString},
		{Name: "location", Type: Text, Create: true, Update: true, Get: true, List: true, Clear: ClearEmptyString},
		// An event lasts either from start to end, or whole days: from startDate up to, not including, endDate (yyyy-MM-dd).
		{Name: "isAllDay", Type: Boolean, Create: true, Update: true, Get: true, List: true},
		{Name: "start", Type: InstantMS, Create: true, Update: true, Get: true, List: true},
		{Name: "end", Type: InstantMS, Create: true, Update: true, Get: true, List: true},
		{Name: "startDate", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 10},
		{Name: "endDate", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 10},
		{Name: "timeZone", Type: Text, Create: true, Update: true, Get: true, List: true, MaxLen: 64}, // of the tz database; default Asia/Shanghai
		{Name: "recurrence", Type: JSON, Create: true, Update: true, Get: true, List: true},           // see Recurrence
		// Beside the organizer. An update makes the calls that add and remove. A list shows at most 100: beyond that it is left out.
		{Name: "attendees", Type: IDList, Create: true, Update: true, Get: true, List: true, MaxLen: maxAttendees, Clear: ClearEmptyList, Absent: Unknown, Ref: "user", RefBy: "unionid"},
		// Those of the attendees who may stay away.
		{Name: "optionalAttendees", Type: IDList, Create: true, Update: true, Get: true, List: true, MaxLen: maxAttendees, Absent: Unknown, Ref: "user", RefBy: "unionid"},
		// A list of minutes before the start. Not given at creation: 15 minutes; an empty list: none.
		{Name: "reminders", Type: JSON, Create: true, Update: true, Get: true, List: true, Absent: Unknown},
		{Name: "onlineMeeting", Type: Boolean, Create: true, Get: true, List: true}, // a DingTalk video meeting
		// By unionid: needsAction, accepted, declined, tentative. An update gives the answers named, each in the name of who gives it.
		{Name: "responses", Type: JSON, Update: true, Get: true, List: true, Absent: Unknown},

		// Only read.
		{Name: "meetingUrl", Type: Text, Get: true, List: true},
		{Name: "status", Type: Text, Get: true, List: true},           // confirmed, cancelled
		{Name: "seriesMasterId", Type: Text, Get: true, List: true},   // of one occurrence of a series: the series
		{Name: "originStart", Type: InstantMS, Get: true, List: true}, // likewise: when the series has it
		{Name: "originStartDate", Type: Text, Get: true, List: true},  // likewise, of whole days
		{Name: "createTime", Type: InstantMS, Get: true, List: true},
		{Name: "updateTime", Type: InstantMS, Get: true, List: true},
	},
}
