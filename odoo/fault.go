package odoo

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// Class says what a caller should do about a failure.
type Class int

const (
	// Retry is a passing failure: the same may succeed later.
	Retry Class = iota + 1
	// Reject is a refusal of this call: only other data helps. Error.Field names the culprit where the text does.
	Reject
	// Missing says that a record of the call does not exist any more.
	Missing
	// Halt says that nothing of Error.Scope works before the server is back or somebody acts.
	Halt
)

// String is the class in lower case.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Reject:
		return "reject"
	case Missing:
		return "missing"
	case Halt:
		return "halt"
	}
	return "unclassified"
}

// The scopes of a Halt.
const (
	ScopeOdoo        = "odoo"        // unreachable, its database down or unknown, or no Odoo at all
	ScopeCredentials = "credentials" // login or password refused
	ScopePermission  = "permission"  // the user lacks the right to a whole model or field; Message names it
)

// Error is a failure; every failure of this package is one (errors.As). No part of it contains the password.
type Error struct {
	Class     Class
	Scope     string        // of a Halt: ScopeOdoo, ScopeCredentials or ScopePermission
	After     time.Duration // how long to wait at least, where the far side or the client knows; 0: the caller's choice
	Ambiguous bool          // the request may have been carried out: look before repeating it
	Code      int           // faultCode, 0 if the failure is no fault
	Exception string        // Python's class, such as odoo.exceptions.ValidationError or psycopg2.errors.SerializationFailure
	Field     string        // the technical name of the field the text names, "" if it names none
	Message   string        // Odoo's own words in one line, without the traceback, bounded
	Op        string        // what failed, such as hr.employee.write
	Err       error         // the cause, if it is no fault: context.Canceled, a network error

	raisedIn string // the Python function that raised it
}

// Error is one line: what failed, what it means, why.
func (e *Error) Error() string {
	s := "odoo " + e.Op + ": " + e.Class.String()
	if e.Scope != "" {
		s += " " + e.Scope
	}
	if e.Exception != "" {
		s += ", " + e.Exception
	}
	return s + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsModified reports that the optimistic lock refused a write: somebody changed the record since it was read
// (odoo/models.py: _check_concurrency). The record is to be read again.
func IsModified(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Exception == "odoo.exceptions.ValidationError" &&
		(e.raisedIn == "_check_concurrency" || strings.Contains(e.Message, "A document was modified since you last viewed it"))
}

// IsUnreadable reports that the call ran and was committed, but its result has no form in XML-RPC: None, a dictionary with number
// keys, a recordset, a number over 2^31-1. The effect is to be verified by reading.
func IsUnreadable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == faultApplication && unmarshallable(e.Exception, e.Message)
}

// unmarshallable knows the words of Python's marshaller (Lib/xmlrpc/client.py). They are never translated.
func unmarshallable(exception, message string) bool {
	switch exception {
	case "TypeError":
		return strings.HasPrefix(message, "cannot marshal ") || strings.HasPrefix(message, "dictionary key must be string")
	case "OverflowError":
		return strings.HasPrefix(message, "int exceeds XML-RPC limits")
	}
	return false
}

// The fault codes of /xmlrpc/2 (odoo/service/wsgi_server.py: xmlrpc_handle_exception_int).
const (
	faultApplication = 1 // everything else, as a traceback: constraints, database errors, unknown methods, results that cannot travel
	faultWarning     = 2 // UserError, RedirectWarning, MissingError
	faultDenied      = 3 // AccessDenied: the credentials
	faultAccess      = 4 // AccessError: the rights
)

// newFault classifies a fault by its code and the exception's class. Texts are looked at last: they are translated.
func newFault(call rpc, code int, text string) *Error {
	e := &Error{Class: Reject, Op: call.op, Code: code}
	switch code {
	case faultDenied:
		e.Class, e.Scope = Halt, ScopeCredentials
		e.Exception, e.Message = "odoo.exceptions.AccessDenied", oneLine(text)
	case faultAccess:
		e.Exception, e.Message = "odoo.exceptions.AccessError", oneLine(human(text))
		e.access(text)
	case faultWarning:
		e.Exception, e.Message = "odoo.exceptions.UserError", oneLine(human(text))
		switch {
		case isTuple(text) && strings.HasSuffix(strings.TrimSpace(text), ", None)"):
			e.Class, e.Exception = Missing, "odoo.exceptions.MissingError"
		case strings.Contains(text, "database is not fully loaded"):
			e.Class, e.Scope = Halt, ScopeOdoo
		}
	default:
		var words string
		e.Exception, words, e.raisedIn = parseTraceback(text)
		e.Message = oneLine(human(words))
		e.application(call, words)
	}
	if e.Class == Reject && e.Field == "" {
		e.Field = namedField(text)
	}
	return e
}

// wholeModel is how Odoo ends the refusal of an operation on a model (ir.model.access: check), in any language; that of single
// records goes on with their ids (ir.rule), that of fields with their names (check_field_access_rights).
var wholeModel = regexp.MustCompile(`\(Operation: \w+, User: \d+\)`)

// access tells the refusal of a model from that of a record: the one holds for every call, the other for this one.
func (e *Error) access(text string) {
	field := namedField(text)
	switch {
	case wholeModel.MatchString(text):
		e.Class, e.Scope = Halt, ScopePermission
	case field != "" && strings.Contains(text, "Operation: read"):
		e.Class, e.Scope, e.Field = Halt, ScopePermission, field // no record can be read with this field
	}
}

// passing are database failures after which the same call may succeed (psycopg2.errors, psycopg2.extensions, psycopg2.pool).
var passing = map[string]bool{
	"SerializationFailure": true, "TransactionRollback": true, "TransactionRollbackError": true, "DeadlockDetected": true,
	"LockNotAvailable": true, "QueryCanceled": true, "QueryCanceledError": true, "TooManyConnections": true, "PoolError": true,
	"OperationalError": true, "InterfaceError": true, "AdminShutdown": true, "CrashShutdown": true, "CannotConnectNow": true,
	"MemoryError": true,
}

// application classifies a fault of code 1.
func (e *Error) application(call rpc, words string) {
	switch class := e.Exception[strings.LastIndexByte(e.Exception, '.')+1:]; {
	case unmarshallable(e.Exception, e.Message):
		e.Ambiguous = !call.repeatable
	case class == "AccessDenied":
		e.Class, e.Scope = Halt, ScopeCredentials
	case class == "TypeError" && e.raisedIn == "_check_credentials":
		e.Class, e.Scope = Halt, ScopeCredentials // the user with this id was deleted
	case class == "AccessError":
		e.access(words)
	case class == "MissingError":
		e.Class = Missing
	case class == "ValidationError" && e.raisedIn == "_check_concurrency":
		e.Class = Retry // read again, and decide anew
	case class == "OperationalError" && databaseDown(words):
		e.Class, e.Scope = Halt, ScopeOdoo
	case passing[class]:
		e.Class = Retry
		e.Ambiguous = !call.repeatable && connectionBroke(words)
	case class == "":
		e.Class = Retry // not a traceback: nobody knows
	}
}

// databaseDown reports that Odoo got no connection to its database at all, and not for want of free ones.
func databaseDown(words string) bool {
	if strings.Contains(words, "too many clients") || strings.Contains(words, "connection slots are reserved") {
		return false
	}
	return strings.HasPrefix(words, "connection to server") || strings.HasPrefix(words, "could not connect to server") ||
		strings.Contains(words, "FATAL:")
}

// connectionBroke reports that Odoo lost its database during the call, perhaps while it committed.
func connectionBroke(words string) bool {
	for _, sign := range []string{"server closed the connection", "terminating connection", "connection already closed", "connection has been closed"} {
		if strings.Contains(words, sign) {
			return true
		}
	}
	return false
}

// How Odoo names a field: by its name, or by a foreign key's name, which begins with the table's.
var (
	fieldNamed = []*regexp.Regexp{
		regexp.MustCompile(`\([a-z0-9_.]+\), \S+ [^\n]*?\((\w+)\)`), // Model: Employee (hr.employee), Field: Name (name)
		regexp.MustCompile(`Invalid field '(\w+)' in leaf`),         // a domain
		regexp.MustCompile(`Sorting field (\w+) not found`),         // an order
		regexp.MustCompile(`Wrong value for [\w.]+\.(\w+):`),        // a selection
		regexp.MustCompile("Field `(\\w+)` does not exist"),         // a view
		regexp.MustCompile(`\(User: \d+, Fields: (\w+)`),            // fields the user's groups may not see
		regexp.MustCompile(`null value in column "(\w+)"`),          // PostgreSQL
		regexp.MustCompile(`Key \((\w+)\)=\(`),                      // PostgreSQL, an index over one column
	}
	foreignKey = regexp.MustCompile(`\(([a-z0-9_.]+)\), [^\n]*?\b(\w+)_fkey\b`) // Model: Contact (res.partner), Constraint: res_partner_country_id_fkey
)

// namedField is the field a text names, "" for none.
func namedField(text string) string {
	text = strings.ReplaceAll(text, `\n`, "\n")
	if m := foreignKey.FindStringSubmatch(text); m != nil {
		table := strings.ReplaceAll(m[1], ".", "_") + "_"
		if field, ok := strings.CutPrefix(m[2], table); ok {
			return field
		}
		return ""
	}
	for _, form := range fieldNamed {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}
