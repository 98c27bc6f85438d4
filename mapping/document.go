package mapping

import "go.yaml.in/yaml/v4"

// The structures of a mapping document. One set of types serves twice: parse.go fills them from YAML nodes and complains
// about what does not fit, and JSONSchema publishes them to editors. The tags carry names, descriptions, enumerations and
// what is required, for both.

type document struct {
	located
	file *file
	node *yaml.Node

	Mapping     str        `yaml:"mapping" jsonschema:"required" jsonschema_description:"The name of the mapping: the name its links are kept under."`
	RenamedFrom str        `yaml:"renamed_from,omitempty" jsonschema_description:"The former name, whose links this mapping takes over."`
	Odoo        odooDoc    `yaml:"odoo" jsonschema:"required" jsonschema_description:"The records of Odoo that take part."`
	DingTalk    dingDoc    `yaml:"dingtalk" jsonschema:"required" jsonschema_description:"The objects of DingTalk that take part."`
	Direction   str        `yaml:"direction,omitempty" jsonschema:"enum=to_dingtalk,enum=to_odoo,enum=both,default=to_dingtalk" jsonschema_description:"Which way values travel."`
	Start       str        `yaml:"start,omitempty" jsonschema:"enum=all,enum=now,default=all" jsonschema_description:"now: what is there when the mapping first runs is only remembered, not acted on."`
	Match       []matchDoc `yaml:"match,omitempty" jsonschema_description:"How two records that are not linked yet are recognised as one, in this order. A list within the list: all of these together."`
	Conflict    str        `yaml:"conflict,omitempty" jsonschema:"enum=odoo,enum=dingtalk,enum=newest,enum=hold,default=hold" jsonschema_description:"Who wins when both sides changed a field."`
	Fields      []fieldDoc `yaml:"fields" jsonschema:"required" jsonschema_description:"The pairs of fields."`
	Lines       []linesDoc `yaml:"lines,omitempty" jsonschema_description:"How the lines of a document and the rows of detail tables are made of each other."`
	Create      createDoc  `yaml:"create,omitempty" jsonschema_description:"On which side missing records are created."`
	Remove      removeDoc  `yaml:"remove,omitempty" jsonschema_description:"What happens on a side when the record is archived or gone on the other."`
	Leave       str        `yaml:"leave,omitempty" jsonschema:"enum=keep,enum=remove,enum=terminate,enum=recall" jsonschema_description:"What happens in DingTalk when a record leaves the domain: keep is the default, but an approval is terminated; a message may be recalled."`
	Guard       guardDoc   `yaml:"guard,omitempty" jsonschema_description:"The budget of risky operations a day; what exceeds it waits for a release."`
	Poll        span       `yaml:"poll,omitempty" jsonschema_description:"How often Odoo is asked for changes, e.g. 30s."`
	Sweep       span       `yaml:"sweep,omitempty" jsonschema_description:"How often both sides are compared completely, e.g. 24h."`
	Change      str        `yaml:"change,omitempty" jsonschema:"enum=hold,enum=ignore,enum=terminate,enum=restart,default=hold" jsonschema_description:"What happens when what an approval was asked about is edited in Odoo while it is running."`
	Marker      str        `yaml:"marker,omitempty" jsonschema_description:"The label of the component that carries the bridge's key, by which an approval is found again."`
	Approvers   []levelDoc `yaml:"approvers,omitempty" jsonschema_description:"Who decides, level by level, instead of the flow that is configured in DingTalk."`
	CC          peopleDoc  `yaml:"cc,omitempty" jsonschema_description:"Who is told of an approval with approvers of its own."`
	CCPosition  str        `yaml:"cc_position,omitempty" jsonschema:"enum=START,enum=FINISH,enum=START_FINISH,default=FINISH" jsonschema_description:"When they are told."`
	Select      selectDoc  `yaml:"select,omitempty" jsonschema_description:"For each node that the template leaves to the originator, by its key or its name: the people."`
	Notes       notesDoc   `yaml:"notes,omitempty" jsonschema_description:"What is posted in the chatter: true is the bridge's own texts, false is nothing."`
	Receivers   peopleDoc  `yaml:"receivers,omitempty" jsonschema_description:"Whom a message is for. Who has no DingTalk account is left out."`
	Once        str        `yaml:"once,omitempty" jsonschema_description:"An expression: with another value the record is told of again. Without one it is when it enters the domain again."`
	Schedule    str        `yaml:"schedule,omitempty" jsonschema_description:"When the domain is searched, e.g. workdays 09:00; daily 08:30,17:00; mon,thu 09:00; 1,15 09:00. Without one, records are looked at when they change."`
	Window      span       `yaml:"window,omitempty" jsonschema_description:"How late what was due while the daemon did not run is still told; 4h if not given."`
	GroupBy     str        `yaml:"group_by,omitempty" jsonschema_description:"A path to a person: all his records are one message to him."`
	Result      str        `yaml:"result,omitempty" jsonschema:"enum=none,enum=log,enum=note,default=none" jsonschema_description:"Whether DingTalk is asked who got the message (a counted call): who did not is logged, or noted in the chatter as well."`
	Setup       []setupDoc `yaml:"setup,omitempty" jsonschema_description:"Fields that the setup command creates in Odoo for this mapping."`
	Tests       []testDoc  `yaml:"tests,omitempty" jsonschema_description:"Examples that the test command runs."`
}

type odooDoc struct {
	located

	Model   str `yaml:"model" jsonschema:"required" jsonschema_description:"The model, e.g. hr.employee."`
	Domain  raw `yaml:"domain,omitempty" jsonschema:"type=array" jsonschema_description:"A search domain in prefix notation."`
	Context raw `yaml:"context,omitempty" jsonschema:"type=object" jsonschema_description:"The context of every call of this mapping."`

	Transitions transitionsDoc `yaml:"transitions,omitempty" jsonschema_description:"How a field gets each of its values: field, wished value, then the steps of which the first possible one is taken."`
}

type dingDoc struct {
	located

	Kind  str      `yaml:"kind" jsonschema:"required" jsonschema_description:"The kind of object, e.g. user or department."`
	Scope scopeDoc `yaml:"scope,omitempty" jsonschema_description:"Limits the objects that take part."`

	ProcessCode str `yaml:"process_code,omitempty" jsonschema_description:"The code of the template of approvals; it may be left to the settings."`
	Webhook     str `yaml:"webhook,omitempty" jsonschema_description:"Of a robot_message: the name that the settings give the group's robot."`
}

type scopeDoc struct {
	located

	Departments []whole `yaml:"departments,omitempty" jsonschema_description:"Only what is in or below these departments."`
	Users       []str   `yaml:"users,omitempty" jsonschema_description:"Of the kind calendar_event: the userids of people whose calendars are read too, beside those who organize what is linked."`
}

type fieldDoc struct {
	located

	Odoo      str       `yaml:"odoo,omitempty" jsonschema_description:"The field of the model."`
	DingTalk  str       `yaml:"dingtalk,omitempty" jsonschema_description:"The field of the kind."`
	Direction str       `yaml:"direction,omitempty" jsonschema:"enum=to_dingtalk,enum=to_odoo,enum=both" jsonschema_description:"Which way this field travels; the mapping's direction if not given."`
	Ref       str       `yaml:"ref,omitempty" jsonschema_description:"The mapping whose links this field refers to."`
	Attribute str       `yaml:"attribute,omitempty" jsonschema_description:"The attribute of the referred DingTalk object that is sent instead of its id."`
	None      str       `yaml:"none,omitempty" jsonschema_description:"The DingTalk id that stands for an empty reference."`
	Optional  boolean   `yaml:"optional,omitempty" jsonschema_description:"The reference may be added later: it never holds a creation back."`
	Convert   str       `yaml:"convert,omitempty" jsonschema_description:"The converter between the two forms of the value."`
	Values    table     `yaml:"values,omitempty" jsonschema_description:"A two-way table: DingTalk's value, then Odoo's."`
	Lookup    lookupDoc `yaml:"lookup,omitempty" jsonschema_description:"How the record of a reference is found that no mapping links, by a text."`
	Value     str       `yaml:"value,omitempty" jsonschema_description:"An expression over the other side's record, or text with expressions in double braces."`
	When      str       `yaml:"when,omitempty" jsonschema_description:"A condition over the source record; the field rests while it is false."`
	On        str       `yaml:"on,omitempty" jsonschema:"enum=create" jsonschema_description:"create: set at creation only."`
	Wins      str       `yaml:"wins,omitempty" jsonschema:"enum=odoo,enum=dingtalk,enum=newest,enum=hold" jsonschema_description:"Who wins when both sides changed this field."`
}

type lookupDoc struct {
	located

	Model  str     `yaml:"model,omitempty" jsonschema_description:"The model of the record; the one that the field refers to if not given."`
	By     str     `yaml:"by,omitempty" jsonschema:"default=name" jsonschema_description:"The field of that model which has the text."`
	Domain raw     `yaml:"domain,omitempty" jsonschema:"type=array" jsonschema_description:"A search domain in prefix notation, which the record must meet too."`
	Create boolean `yaml:"create,omitempty" jsonschema_description:"Whether a record that is not there is made, with the text as its name."`
}

type linesDoc struct {
	located

	Odoo      str        `yaml:"odoo" jsonschema:"required" jsonschema_description:"The one2many that has the lines, e.g. order_line. Several entries may name one."`
	For       str        `yaml:"for,omitempty" jsonschema_description:"The table, of which each row is a line, e.g. form.明细; a single line is made if not given."`
	Direction str        `yaml:"direction,omitempty" jsonschema:"enum=to_dingtalk,enum=to_odoo,enum=both" jsonschema_description:"Which way the lines travel; the mapping's direction if not given."`
	When      str        `yaml:"when,omitempty" jsonschema_description:"A condition over the row, or over the line in Odoo that is sent; there is no line while it is false."`
	Fields    []fieldDoc `yaml:"fields" jsonschema:"required" jsonschema_description:"The pairs of fields: of the model of the lines, and the labels of the table."`
}

type createDoc struct {
	located

	DingTalk condition `yaml:"dingtalk,omitempty" jsonschema_description:"Whether, or when, records that are only in Odoo are created in DingTalk."`
	Odoo     condition `yaml:"odoo,omitempty" jsonschema_description:"Whether, or when, objects that are only in DingTalk are created in Odoo."`
}

type whenDoc struct {
	located

	When str `yaml:"when" jsonschema:"required" jsonschema_description:"A condition over the record that exists."`
}

type removeDoc struct {
	located

	DingTalk str `yaml:"dingtalk,omitempty" jsonschema:"enum=never,enum=delete,default=never" jsonschema_description:"What happens in DingTalk when the record is archived or gone in Odoo."`
	Odoo     str `yaml:"odoo,omitempty" jsonschema:"enum=never,enum=archive,enum=delete,default=never" jsonschema_description:"What happens in Odoo when the object is gone in DingTalk."`
}

type guardDoc struct {
	located

	Creates  limit  `yaml:"creates,omitempty" jsonschema_description:"Creations a day (or percent, whichever is larger)."`
	Updates  limit  `yaml:"updates,omitempty" jsonschema_description:"Updates a day (or percent, whichever is larger)."`
	Clears   limit  `yaml:"clears,omitempty" jsonschema_description:"Values emptied a day (or percent, whichever is smaller)."`
	Removals limit  `yaml:"removals,omitempty" jsonschema_description:"Removals a day (or percent, whichever is smaller)."`
	Percent  number `yaml:"percent,omitempty" jsonschema_description:"Percent of the linked records."`
}

type setupDoc struct {
	located

	Field   str `yaml:"field" jsonschema:"required" jsonschema_description:"The name, which must begin with x_."`
	Type    str `yaml:"type" jsonschema:"required,enum=char,enum=text,enum=integer,enum=float,enum=boolean,enum=date,enum=datetime" jsonschema_description:"The type of the field."`
	Label   str `yaml:"label" jsonschema:"required" jsonschema_description:"The label in English."`
	LabelZH str `yaml:"label_zh,omitempty" jsonschema_description:"The label in Chinese."`
}

type testDoc struct {
	located

	Name     str   `yaml:"name" jsonschema:"required" jsonschema_description:"What the example shows."`
	Odoo     raw   `yaml:"odoo,omitempty" jsonschema:"type=object" jsonschema_description:"Fields of an Odoo record."`
	DingTalk raw   `yaml:"dingtalk,omitempty" jsonschema:"type=object" jsonschema_description:"Fields of a DingTalk object. With both records the fields they share must be equal, unless the example says what is written."`
	Links    raw   `yaml:"links,omitempty" jsonschema:"type=object" jsonschema_description:"For each mapping referred to: Odoo id to DingTalk id."`
	Base     table `yaml:"base,omitempty" jsonschema_description:"The values last settled, by field; a reference by its Odoo id."`
	Expect   raw   `yaml:"expect,omitempty" jsonschema:"type=object" jsonschema_description:"The values read, by field: null is empty, ? is unknown, a reference is its Odoo id."`
	Writes   raw   `yaml:"writes,omitempty" jsonschema:"type=object" jsonschema_description:"What reading one side makes the bridge write: dingtalk or odoo, then field and raw value."`
	Invalid  []str `yaml:"invalid,omitempty" jsonschema_description:"The fields that cannot be read."`
}

// laterKeys belong to the grammar, but nothing acts on them yet: they deserve another complaint than a misspelt key.
var laterKeys = map[string]bool{
	"frozen_before": true,
}
