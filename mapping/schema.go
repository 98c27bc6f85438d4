package mapping

// Schema is what the two sides offer, as far as linting and typing need it. The caller fills it from a stored or live
// description of the Odoo server (fields_get) and from the DingTalk client's field tables.
type Schema struct {
	// Models returns the fields of an Odoo model by name; false when there is no such model.
	Models func(model string) (map[string]OdooField, bool)
	// Kinds are the kinds of DingTalk objects by name.
	Kinds map[string]Kind
	// Live says that Models comes from a server: a field that is not there does not exist. Otherwise a missing x_ field
	// may have been added to the server and is only worth a warning.
	Live bool
}

// OdooField describes one field of a model, in the words of fields_get (odoo/models.py).
type OdooField struct {
	Type      string // char, text, html, selection, integer, float, monetary, boolean, date, datetime, binary, many2one, one2many, many2many, reference
	Relation  string // the other model of a relational field
	Required  bool
	Readonly  bool
	Store     bool     // kept in the database: a change moves write_date
	Selection []string // the keys of a selection
}

// Kind describes one kind of DingTalk object: what can be done to it, and its fields.
type Kind struct {
	Name    string
	IDField string // the field that holds an object's id

	Create, Update, Delete, List, Events bool

	Times  bool   // its objects carry the time of their last change
	Read   bool   // an object can be read again; of the others only what was written is known
	Open   string // fields whose names begin so are not in Fields: the components of a template ("form.")
	Ends   bool   // its objects end with an outcome, as approvals do
	Own    bool   // only what apps made is ever seen, so that no two models share an object
	Done   string // the field that says that an object is done, as of a to-do; "" = none
	Fields map[string]KindField

	Message   bool // it is told to people, and cannot be changed or read again
	Addressed bool // of a message: it names its receivers, at least one
	Results   bool // of a message: DingTalk tells who got it

	Personal bool // its objects stand in people's calendars, one list for each person
}

// KindField describes one field of a kind.
type KindField struct {
	Type string // text, integer, boolean, instant_ms, id, id_list or json

	Create, Update, Get, List bool // where the field occurs
	Required                  bool // at creation
	Unique                    bool // within the corporation
	Clear                     bool // an update can empty it
	Markdown                  bool // DingTalk shows it as markdown

	MaxLen     int    // in characters; 0 = no limit known
	Permission string // the permission point whose lack also makes it absent
	Ref        string // the kind an id or id_list names
	RefBy      string // the field of that kind by which it is named, where it is not its id
}

// The field types of a kind.
const (
	typeText    = "text"
	typeInteger = "integer"
	typeBoolean = "boolean"
	typeInstant = "instant_ms"
	typeID      = "id"
	typeIDList  = "id_list"
	typeJSON    = "json"

	typeComponent = "component" // of a form, see component
)

// Template is the form of an approval, as LintTemplates and Skeleton need it (获取表单 schema).
type Template struct {
	ProcessCode string
	Name        string
	Status      string // PUBLISHED, INVALID or SAVED; "" when it is not told
	Components  []Component
}

// Component is one component of a form.
type Component struct {
	Type     string // TextField, DDSelectField, TableField, …
	Label    string
	Labels   []string // of a component with several values, such as a date range: in the place of Label
	Required bool
	Options  []string // of a select
	Clock    bool     // of a date: it has a time of day
	Children []Component
}
