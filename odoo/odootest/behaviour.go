package odootest

// behaviour is what a model's Python code adds to the plain ORM. Every member may be nil.
type behaviour struct {
	defaults     func(e *env, m *model) values
	beforeCreate func(e *env, m *model, vals values) error
	afterCreate  func(e *env, m *model, id int64, vals values) error
	beforeWrite  func(e *env, m *model, ids []int64, vals values) (*env, error) // the environment to go on in
	afterWrite   func(e *env, m *model, ids []int64, vals values, before map[int64]*row) error
	beforeUnlink func(e *env, m *model, ids []int64) (after func() error, err error)
	sqlCheck     func(m *model, r *row) (name, message string) // the CHECK constraint that the row breaks, "" for none
	check        func(e *env, m *model, ids []int64, changed func(string) bool) error
	compute      map[string]func(e *env, m *model, r *row) any // fields without column
	inverse      map[string]bool                               // of those, the ones that can be written
	nameGet      func(e *env, m *model, r *row) string
	nameSearch   func(e *env, m *model, name, op string, domain []any, limit int64) (ids []int64, handled bool, err error)
	methods      map[string]method
	within       values                                            // context entries for its x2many commands
	rules        func(e *env, m *model, op string) func(*row) bool // record rules written in code, for users; nil = everything
	refuse       func(e *env, m *model, op string, id int64) error // the fault of a record outside them; nil = the usual one
	realIDs      func(any) any                                     // the ids of rows for those a call names
	createAsBot  bool                                              // create runs as OdooBot once the rights are checked
}

// behaviours are filled in by init functions, one per file of models: as a plain initialiser it would refer to itself.
var behaviours = map[string]*behaviour{}

var noBehaviour = &behaviour{}

func behaviourOf(model string) *behaviour {
	if b := behaviours[model]; b != nil {
		return b
	}
	return noBehaviour
}

// companyDefault is the default of every company_id: the user's company.
func companyDefault(e *env, m *model) values {
	if m.field("company_id") == nil || e.company() == nil {
		return nil
	}
	return values{"company_id": e.company()}
}

// recursive tells whether following parent from id comes back to it.
func (e *env) recursive(m *model, id int64, parent string) bool {
	f := m.field(parent)
	seen := map[int64]bool{}
	for at := id; at != 0; {
		if seen[at] {
			return true
		}
		seen[at] = true
		r := e.row(m.name, at)
		if r == nil {
			return false
		}
		at = r.ref(f)
	}
	return false
}

// text is a stored char of a record, "" for none.
func (e *env) text(model string, id int64, field string) string {
	s, _ := e.value(model, id, field).(string)
	return s
}

// refOf is a stored many2one of a record, 0 for none.
func (e *env) refOf(model string, id int64, field string) int64 {
	n, _ := e.value(model, id, field).(int64)
	return n
}

func orFalse(v any) any {
	if v == nil {
		return false
	}
	return v
}

func has(vals values, names ...string) bool {
	for _, n := range names {
		if _, ok := vals[n]; ok {
			return true
		}
	}
	return false
}
