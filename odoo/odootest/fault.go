package odootest

import (
	"fmt"
	"strings"
)

// fault is an error as XML-RPC shows it: 1 anything with a traceback, 2 UserError and MissingError, 3 AccessDenied,
// 4 AccessError (odoo/addons/base/controllers/rpc.py, xmlrpc_handle_exception_int).
type fault struct {
	code  int
	class string // the Python class, for the traceback's last line and for load's messages
	args  string // what its str() gives
	text  string
	sql   *sqlError // set for what PostgreSQL refused
}

// sqlError is how load words an integrity error of PostgreSQL.
type sqlError struct {
	model string
	field *field
	text  string
	raw   string // PostgreSQL's own words, which load gives when the row was one of another model than it loads
}

func (f *fault) Error() string {
	if f.class == "" {
		return f.text
	}
	return f.class + ": " + f.args
}

// v1 is the fault as the old /xmlrpc/ endpoint words it: string codes (xmlrpc_handle_exception_string).
func (f *fault) v1() (code any, text string) {
	switch f.code {
	case 2:
		if f.class == missingError {
			return "warning -- MissingError\n\n" + f.args, ""
		}
		return "warning -- UserError\n\n" + f.text, ""
	case 3:
		return "AccessDenied", f.text
	case 4:
		return "warning -- AccessError\n\n" + f.args, ""
	}
	if f.class == validationError {
		return "warning -- ValidationError\n\n" + f.args, ""
	}
	return f.args, f.text
}

const (
	validationError = "odoo.exceptions.ValidationError"
	accessError     = "odoo.exceptions.AccessError"
	missingError    = "odoo.exceptions.MissingError"
	userError       = "odoo.exceptions.UserError"
)

// frames is the traceback's head: the same for every call, since no caller may rely on it.
const frames = "Traceback (most recent call last):\n" +
	"  File \"/opt/odoo/odoo/addons/base/controllers/rpc.py\", line 63, in xmlrpc_2\n" +
	"  File \"/opt/odoo/odoo/addons/base/controllers/rpc.py\", line 43, in _xmlrpc\n" +
	"  File \"/opt/odoo/odoo/http.py\", line 120, in dispatch_rpc\n"

// pythonFault is any exception that Odoo does not translate: fault 1 with a traceback.
func pythonFault(class, message string) *fault {
	return &fault{code: 1, class: class, args: message, text: frames + class + ": " + message + "\n"}
}

// rawFault is fault 1 whose last line is given whole ("TypeError: …").
func rawFault(line string) *fault {
	class, message, _ := strings.Cut(line, ": ")
	return pythonFault(class, message)
}

// exceptArgs is the repr of an except_orm's arguments: (message, None).
func exceptArgs(message string) string { return "(" + pyQuote(message) + ", None)" }

func validation(format string, a ...any) *fault {
	return pythonFault(validationError, exceptArgs(fmt.Sprintf(format, a...)))
}

func userFault(format string, a ...any) *fault {
	text := fmt.Sprintf(format, a...)
	return &fault{code: 2, class: userError, args: "(" + pyQuote(text) + ", '')", text: text}
}

func missing(message string) *fault {
	args := exceptArgs(message)
	return &fault{code: 2, class: missingError, args: args, text: args}
}

func accessFault(message string) *fault {
	args := exceptArgs(message)
	return &fault{code: 4, class: accessError, args: args, text: args}
}

func accessDenied() *fault {
	return &fault{code: 3, class: "odoo.exceptions.AccessDenied", args: "Access denied", text: "Access denied"}
}

func serializationFault() *fault {
	return pythonFault("psycopg2.errors.SerializationFailure", "could not serialize access due to concurrent update\n")
}

func noDatabase(name string) *fault {
	return pythonFault("psycopg2.OperationalError",
		"connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  database \""+name+"\" does not exist\n")
}

func databaseDown() *fault {
	return pythonFault("psycopg2.OperationalError", "connection to server at \"127.0.0.1\", port 5432 failed: Connection refused\n"+
		"\tIs the server running on that host and accepting TCP/IP connections?\n")
}

// Words of Odoo's fault texts that it translates; only those whose Chinese wording is on record.
const (
	mandatoryText = "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n" +
		"- Delete: another model requires the record being deleted. If possible, archive it instead."
	referencedText = "The operation cannot be completed: another model requires the record being deleted. If possible, archive it instead."
	forbiddenText  = "The requested operation cannot be completed due to security restrictions. Please contact your system administrator."
)

// mandatory is a NOT NULL violation as odoo/service/model.py words it.
func mandatory(e *env, m *model, f *field) *fault {
	word := "Field:"
	if e.lang() == "zh_CN" {
		word = "字段："
	}
	v := validation("%s\n\nModel: %s (%s), %s %s (%s)", mandatoryText, m.description, m.name, word, f.label, f.name)
	v.sql = &sqlError{
		m.name, f, fmt.Sprintf("Missing required value for the field '%s' (%s)", f.label, f.name),
		fmt.Sprintf("null value in column %q of relation %q violates not-null constraint\nDETAIL:  Failing row contains (…).\n", f.name, m.table),
	}
	return v
}

// foreignKey is a foreign key violation, met by a write of an id that is not there and by a deletion that is restricted.
func foreignKey(m *model, column string) *fault {
	v := validation("%s\n\nModel: %s (%s), Constraint: %s_%s_fkey", referencedText, m.description, m.name, m.table, column)
	raw := fmt.Sprintf("insert or update on table %q violates foreign key constraint \"%s_%s_fkey\"\n", m.table, m.table, column)
	v.sql = &sqlError{model: m.name, text: raw, raw: raw}
	return v
}

// duplicate is a violation of an SQL UNIQUE constraint: the constraint's own message if it has one.
func duplicate(m *model, u *unique, key string) *fault {
	raw := fmt.Sprintf("duplicate key value violates unique constraint %q\nDETAIL:  Key (%s)=(%s) already exists.\n", u.Name, strings.Join(u.Columns, ", "), key)
	message := u.Message
	if message == "" {
		message = raw
	}
	v := validation("%s", message)
	v.sql = &sqlError{model: m.name, text: raw, raw: raw}
	switch labels := make([]string, len(u.Columns)); {
	case u.Message == "": // an index, no constraint: load finds no fields for it
	case len(u.Columns) == 1:
		v.sql.field = m.field(u.Columns[0])
		v.sql.text = fmt.Sprintf("The value for the field '%s' already exists (this is probably '%s' in the current model).", u.Columns[0], v.sql.field.label)
	default:
		for i, c := range u.Columns {
			labels[i] = m.field(c).label
		}
		v.sql.text = fmt.Sprintf("The values for the fields '%s' already exist (they are probably '%s' in the current model).",
			strings.Join(u.Columns, ", "), strings.Join(labels, ", "))
	}
	return v
}
