package dingtalktest

import "time"

// MobileUpdate says what happens to a mobile sent with user/update. The document 更新用户信息 has no such field and
// the tutorial 企业OA系统与钉钉通讯录实现同步 says the number cannot be changed; which way it is refused is not said.
type MobileUpdate int

// The ways a mobile sent with user/update can be treated. A number equal to the present one is always accepted.
const (
	MobileRefused MobileUpdate = iota // errcode 40022, nothing is applied
	MobileIgnored                     // success, the number stays
	MobileChanged                     // success, the number changes
)

// Knobs are the stand-in's settings. Defaults are what DingTalk documents; where the documents are silent, the
// harder of the likely behaviours. Change them with Server.Set at any time.
type Knobs struct {
	// Events.

	Duplicate, Reorder, Lose float64         // share of events (0..1) sent twice, held back behind later ones, never sent
	Seed                     int64           // of the dice for the three shares; the same seed and events give the same misfortunes
	EventDelay               time.Duration   // between a change and the first push of its event
	ReorderWithin            time.Duration   // how long a reordered event is held back at most (default 50 ms)
	PublicCallbacks          bool            // a callback cannot be registered for an address that only this machine or network reaches: 71013
	PushTimeout              time.Duration   // a callback must be answered within (2.5 s)
	RetryFirst, RetrySecond  time.Duration   // waits before the two retries of a callback (10 s, 30 s)
	FailedListDelay          time.Duration   // from the last retry until the failed list shows the event (3 min)
	FailedListKeeps          bool            // reading the failed list does not remove what was read
	FailedListPage           int             // entries an answer of the failed list holds (200)
	StreamFailuresListed     bool            // Stream events given up also appear in the failed list
	RedeliverAfter           time.Duration   // a Stream frame without an answer, or answered LATER, is sent again after (3 s)
	RedeliverMax             int             // sends of a Stream event in all before it is given up (20)
	RedeliverNewMessageID    bool            // a redelivered frame carries a new messageId (the eventId never changes)
	HoldWithoutClients       bool            // events born while nobody is connected wait for the next client instead of being lost
	PingEvery                time.Duration   // SYSTEM ping on every Stream connection (30 s; 0 = never)
	StreamLife               time.Duration   // a Stream connection is asked to disconnect at this age (0 = never)
	DisconnectGrace          time.Duration   // between the SYSTEM disconnect frame and the close (10 s)
	TicketLife               time.Duration   // validity of a Stream ticket, on the server's clock (90 s)
	UpperCamelEvents         bool            // callbacks of contacts carry UserId, DeptId, TimeStamp as older documents print
	EventIDAbsent            bool            // callbacks carry no eventId, as the oldest samples
	DiffInfoArray            bool            // user_modify_org has diffInfo as an array, as live traffic shows (default true)
	EventWithoutChange       bool            // an update that changes nothing emits user_modify_org / org_dept_modify too
	ModifyAfterAdd           bool            // user_modify_org follows each user_add_org at once
	PushQuota                int             // pushes of counted events a month; beyond them as PushQuotaExhausted; 0 = no limit
	PushQuotaExhausted       bool            // counted events arrive as errCode 20001 without content
	MutedEvents              map[string]bool // event types that are not ticked in the console

	// Reading.

	StaleReads             time.Duration   // reads show the state of this long ago, on the server's clock
	MobilePermission       bool            // 企业员工手机号信息 granted: mobile and state_code are shown (default true)
	PersonalInfoPermission bool            // 邮箱等个人信息 granted: email, work_place, remark, extension are shown (default true)
	MissingPermissions     map[string]bool // permission points not granted, such as qyapi_manage_addresslist: 60011
	DepartmentsReversed    bool            // dept_id_list comes in another order than it was set
	PositionsAbsent        bool            // dept_position_list is left out, so that the main department is not told
	SeniorHidesMobile      bool            // the number of a person in 高管模式 is not shown
	ForeignMobilePrefixed  bool            // a number outside mainland China is shown as +xx-xxxxx
	EmptyFieldsAbsent      bool            // telephone, job_number, title, email, avatar are left out when empty (else "")
	LookupIgnoresScope     bool            // getbymobile and getbyunionid find people outside the app's scope
	UserNotFoundCode       int             // 60121 (default) or 33012

	// Writing.

	ProtectedMobiles      map[string]bool // adding a person with such a number sends an invitation: 40103
	PendingAsSuccess      bool            // an invitation answers errcode 0 without userid instead of 40103
	ReaddWithin24hPending bool            // adding a number again within 24 h after it was deleted: 40103 (default true)
	HolderInBody          bool            // 60104 carries the userid of the number's holder
	CreatedActive         bool            // people made through the API count as activated at once
	MobileUpdate          MobileUpdate    // what a changed mobile in user/update does (default: refused)
	CorpAbroad            bool            // the corp is registered outside mainland China: mainland numbers need +86-
	ClearByEmptyString    bool            // "" clears a text on user/update (default true); else it changes nothing
	AbsentExtensionClears bool            // user/update without extension and in overwrite mode clears all custom fields
	CustomFields          map[string]bool // names of the custom fields (成员字段管理); nil means that any name exists
	UnknownFieldsRefused  bool            // extension with a name that CustomFields lacks: 60122; else the name is dropped
	KeepLostManagers      bool            // manager_userid keeps naming a person who left
	OrgMailbox            bool            // the enterprise mailbox service is open, so that org_email works (default true)
	EnterpriseAccounts    bool            // the corp bought 企业账号: exclusive_account is accepted
	SubtreeDelete         bool            // deleting a department deletes its empty sub-departments (default true); else 60006
	MaxDepth              int             // levels of departments below the root, 60002 beyond (0 = no limit)
	MaxDepartments        int             // 60110 beyond (0 = no limit)
	MaxDepartmentMembers  int             // 40023 beyond (0 = no limit)
	MaxHeadcount          int             // 40024 beyond (0 = no limit)
	SensitiveWords        []string        // names and remarks with one of them: 60022; messages: 41049, contain.notAllowed.text, 430101
	HRMPositions          bool            // 智能人事 manages positions: title and departments cannot be changed by user/update: 12150

	// Approvals.

	WithdrawAfter        time.Duration // an app cannot terminate an instance younger than this, on the server's clock (15 s)
	InstanceListLag      time.Duration // the list of ids lacks an instance younger than this, on the server's clock
	InstancesOldestFirst bool          // order of the list of ids; else the newest is first
	LocalTimes           bool          // the details show times in UTC+8, though they end in Z
	OptionsPlain         bool          // the schema has options as plain texts; else as JSON texts of value and key
	EmptyValuesAbsent    bool          // an empty text reads as a missing value; else as the text "null"
	UntouchedTableEmpty  bool          // a table that nobody filled reads as a missing value; else as its child schema
	PlainTableRows       bool          // rows of a table lack rowNumber and componentType, as older instances do
	FinishRecorded       bool          // operationRecords end with FINISH_PROCESS_INSTANCE
	UnknownLabelsDropped bool          // a value for a component that the form lacks is dropped; else formConverterError
	AnyTableChild        bool          // an app may set every child of a table; else only text, number and photo
	DateOnly             bool          // an app may set dates only as yyyy-MM-dd, whatever the component's format
	RootByNumber         bool          // deptId 1 is taken for the root like -1; else refused
	LoneCountersign      bool          // AND and OR with a single approver are accepted
	DeleteEventType      string        // type in bpms_instance_change of a deleted instance ("delete")
	NoCommentEvents      bool          // a comment emits no bpms_task_change
	TaskIDAbsent         bool          // bpms_task_change carries no taskId, as old callbacks
	CancelUnknown        bool          // attendance takes the cancellation of what it was never told; else 400002

	// To-dos, calendars, groups.

	NoEchoes               bool          // what an app changes of them emits no event; whether it does is not documented
	TodoPage               int           // rows of a page of to-dos at most; how many DingTalk gives is not documented (20)
	TodoTextEvents         bool          // todo_task_update also tells of a changed subject, description or deadline
	TodoDoneOverall        bool          // the list shows an executor whether all have done their share; else whether he has
	DetailURLOptional      bool          // a to-do without detailUrl is taken, as the table says; the list does not show it
	TaskExistsNamesIt      bool          // the refusal of a used sourceId names the to-do that has it, as the FAQ says
	DeletedTodoFreesSource bool          // the sourceId of a deleted to-do may be used again
	EventsPerDay           int           // calendar events that one person may have made a day, in UTC+8 (100)
	SyncTokenLife          time.Duration // of a syncToken, on the server's clock (30 days); how long is not documented
	DeltaHidesDeleted      bool          // what changed since a syncToken tells of cancelled events only where showDeleted asks for them
	CreatedLacks           []string      // what the answer to the creation of an event leaves out
	EventLacks             []string      // what every answer about an event leaves out
	CancelledBare          bool          // a list shows of a cancelled event its id and status only
	OrganizerUnlisted      bool          // the organizer is not among the attendees of his event
	EmptyTextKept          bool          // an empty description or location in a change of an event changes nothing
	PastUnlisted           bool          // the list of events shows of a series only its rule, no past occurrences
	CalendarTimesUTC       bool          // times of events are shown in UTC; else in their zone
	CreateChangeType       string        // changeType in calendar_event_change of a new event (created; the example prints create)
	CancelChangeType       string        // likewise of one that is cancelled (cancelled); no document names a word
	GroupCallMembers       int           // people one call may put into a group; the documents of v1.0 do not say (40)
	NoGroupCode            int           // the answer about a group that is not there, or that no app made (49000); the document names 43007, 40016 and 70001 too
	GroupLacks             []string      // what the answer about a group leaves out
	OwnerEventNamesChat    bool          // chat_update_owner carries chatId, which its example lacks
	SceneMembersPage       int           // members a page of a scene group's members holds, whatever was asked for (0 = up to 1000)
	DisbandedGone          bool          // a disbanded group is not found any more; else it is shown with status 2

	// Messages.

	NoticesPerDay    int             // work notices a person and day; more are withheld behind a success (500)
	NoticesPerMinute int             // receivers of work notices a minute of the server's clock; likewise (5000)
	NoticesToAll     int             // work notices to everybody a day; more are refused with 41045 (3)
	NoticeTakes      time.Duration   // how long the sending of a work notice goes on, on the server's clock
	Unreachable      map[string]bool // people whom no work notice and no message of the robot reaches
	RobotThrottled   map[string]bool // people to whom the robot has said too much: flowControlledStaffIdList
	KeylessToNobody  bool            // the robot's answer that nobody got a message carries no processQueryKey
	RobotStopped     bool            // bot.stopped
	UnsafeURLs       []string        // texts with one of them: 40048, contain.unsafe.url
	OrdinaryMessages bool            // the app was granted /message/send_to_conversation; else 43007
	DingQuota        int             // DING messages a month; more are refused (0 = no limit)
	WebhookPerMinute int             // messages a webhook and minute (20)
	WebhookSpan      time.Duration   // what counts as that minute (1 min)
	WebhookBar       time.Duration   // how long a webhook is limited beyond them, on the server's clock (10 min)
	WebhookLimitCode int             // the answer then: 410100 (default), 130101 or 660026
	RobotByHTTP      string          // URL that gets what people say to the robot; else Stream does

	// Access.

	TokenLife      time.Duration // of app tokens, on the server's clock (7200 s)
	ExpiredToken   int           // the code of a token that is not valid on the old host: 40014 (default) or 42001
	QPS            int           // calls a second and API path, on the server's clock; 0 = no limit
	GlobalThrottle bool          // throttling answers are those of the limit over all tenants (90002, QpsLimitForApi)
	Quota          int           // counted calls allowed a month, which turns in UTC+8 on the server's clock; 0 = no limit
	QuotaExhausted bool          // every counted call is refused
	CountContacts  bool          // calls and events of contacts count too
	AppStopped     bool          // 50003
	CorpDisabled   bool          // 50005
	IPRefused      bool          // 60020
	Latency        time.Duration // real time added to every call
}

// DefaultKnobs returns the settings a new Server starts with.
func DefaultKnobs() Knobs {
	return Knobs{
		ReorderWithin: 50 * time.Millisecond, PushTimeout: 2500 * time.Millisecond,
		RetryFirst: 10 * time.Second, RetrySecond: 30 * time.Second,
		FailedListDelay: 3 * time.Minute, FailedListPage: 200,
		RedeliverAfter: 3 * time.Second, RedeliverMax: 20,
		PingEvery: 30 * time.Second, DisconnectGrace: 10 * time.Second, TicketLife: 90 * time.Second,
		DiffInfoArray: true, MobilePermission: true, PersonalInfoPermission: true, UserNotFoundCode: 60121,
		ReaddWithin24hPending: true, ClearByEmptyString: true, OrgMailbox: true, SubtreeDelete: true,
		TokenLife: 7200 * time.Second, ExpiredToken: 40014,
		WithdrawAfter: 15 * time.Second, DeleteEventType: "delete",
		TodoPage: 20, EventsPerDay: 100, SyncTokenLife: 30 * 24 * time.Hour, CreateChangeType: "created", CancelChangeType: "cancelled", GroupCallMembers: 40, NoGroupCode: 49000,
		NoticesPerDay: 500, NoticesPerMinute: 5000, NoticesToAll: 3,
		WebhookPerMinute: 20, WebhookSpan: time.Minute, WebhookBar: 10 * time.Minute, WebhookLimitCode: 410100,
	}
}

// Scale multiplies every wait that runs in real time (retries, redelivery, pings, grace periods, delays) by f, so
// that a round of a minute takes milliseconds. Periods on the server's clock (token, ticket, stale reads) stay, and so
// does PushTimeout, which is a bound and not a wait.
func (k *Knobs) Scale(f float64) {
	for _, d := range []*time.Duration{
		&k.EventDelay, &k.ReorderWithin, &k.RetryFirst, &k.RetrySecond, &k.FailedListDelay,
		&k.RedeliverAfter, &k.PingEvery, &k.StreamLife, &k.DisconnectGrace, &k.Latency,
	} {
		*d = time.Duration(float64(*d) * f)
	}
}
