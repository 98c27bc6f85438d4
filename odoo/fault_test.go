package odoo

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// recordedFaults are all faults a real Odoo 12 answered with, and what is to be made of them. An exception without a dot is one of
// Odoo's own or of Python's builtins.
var recordedFaults = []struct {
	name      string
	class     Class
	scope     string
	code      int
	exception string
	field     string
	begins    string // Message
}{
	{"access-plain-read-employee-all", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to access thi"},
	{"activity-schedule-on-record", Reject, "", 1, "TypeError", "", "cannot marshal <class '_thread.lock'> ob"},
	{"attachment-create-xmlrpc-base64", Reject, "", 1, "TypeError", "", "argument should be a bytes-like object o"},
	{"channel-create", Reject, "", 1, "ValidationError", "", "Error while validating constraint The re"},
	{"common-authenticate-wrong-db", Halt, ScopeOdoo, 1, "psycopg2.OperationalError", "", "connection to server at \"127.0.0.1\", por"},
	{"common-unknown-method", Reject, "", 1, "Exception", "", "Method not found: frobnicate"},
	{"context-bad-type", Reject, "", 1, "ValueError", "", "dictionary update sequence element #0 ha"},
	{"customfield-create-res-users", Reject, "", 1, "ValidationError", "", "Field names must be unique per model."},
	{"date-write-empty-string", Reject, "", 1, "psycopg2.errors.InvalidDatetimeFormat", "", "invalid input syntax for type date: \"\" L"},
	{"db-down-1", Halt, ScopeOdoo, 1, "psycopg2.OperationalError", "", "connection to server at \"127.0.0.1\", por"},
	{"db-down-2", Halt, ScopeOdoo, 1, "psycopg2.OperationalError", "", "connection to server at \"127.0.0.1\", por"},
	{"employee-read-group-department", Retry, "", 1, "psycopg2.OperationalError", "", "Unable to use a closed cursor."},
	{"event-create-iso-z", Reject, "", 1, "ValueError", "", "unconverted data remains: T03:00:00Z"},
	{"event-create-xmlrpc-datetime", Reject, "", 1, "TypeError", "", "'DateTime' object is not subscriptable"},
	{"expense-approve", Reject, "", 1, "TypeError", "", "cannot marshal None unless allow_none is"},
	{"expense-approve-officer", Reject, "", 4, "AccessError", "", "The requested operation cannot be comple"},
	{"expense-move-create", Reject, "", 1, "TypeError", "", "dictionary key must be string"},
	{"expense-refuse", Reject, "", 1, "TypeError", "", "cannot marshal None unless allow_none is"},
	{"fault-access-create-employee", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to create thi"},
	{"fault-access-employee-private-field", Halt, ScopePermission, 4, "AccessError", "birthday", "The requested operation cannot be comple"},
	{"fault-access-read-model", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to access thi"},
	{"fault-access-record-rule-write", Reject, "", 4, "AccessError", "", "The requested operation cannot be comple"},
	{"fault-access-write-company", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to modify thi"},
	{"fault-attachment-bad-base64", Reject, "", 1, "binascii.Error", "", "Invalid base64-encoded string: number of"},
	{"fault-attendance-checkout-before", Reject, "", 1, "ValidationError", "", "\"Check Out\" time cannot be earlier than "},
	{"fault-attendance-iso-datetime-offset", Reject, "", 1, "ValidationError", "", "Cannot create new attendance record for "},
	{"fault-attendance-overlap", Reject, "", 1, "ValidationError", "", "Cannot create new attendance record for "},
	{"fault-bad-utf8", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "not well-formed (invalid token): line 1,"},
	{"fault-check-access-rights-raise", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to create thi"},
	{"fault-connection-pool-full", Retry, "", 1, "psycopg2.pool.PoolError", "", "The Connection Pool Is Full"},
	{"fault-control-char-in-request", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "not well-formed (invalid token): line 1,"},
	{"fault-customfield-create-plain-user", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to create thi"},
	{"fault-customfield-duplicate", Reject, "", 1, "ValidationError", "", "Field names must be unique per model."},
	{"fault-customfield-noprefix", Reject, "", 1, "ValidationError", "", "Custom fields must have a name that star"},
	{"fault-db-down-authenticate", Halt, ScopeOdoo, 1, "psycopg2.OperationalError", "", "connection to server at \"127.0.0.1\", por"},
	{"fault-department-recursion", Reject, "", 1, "ValidationError", "", "You cannot create recursive departments."},
	{"fault-domain-not-list", Reject, "", 1, "KeyError", "", "0"},
	{"fault-employee-barcode-unique", Reject, "", 1, "ValidationError", "barcode", "The Badge ID must be unique, this one is"},
	{"fault-employee-no-name", Reject, "", 1, "ValidationError", "name", "The operation cannot be completed: - Cre"},
	{"fault-employee-pin-digits", Reject, "", 1, "ValidationError", "", "The PIN must be a sequence of digits."},
	{"fault-employee-recursion", Reject, "", 1, "ValidationError", "", "You cannot create a recursive hierarchy."},
	{"fault-empty-body", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "no element found: line 1, column 0"},
	{"fault-event-garbage-datetime", Reject, "", 1, "ValueError", "", "time data 'tomorrow' does not match form"},
	{"fault-event-stop-before-start", Reject, "", 1, "ValidationError", "", "The ending date and time cannot be earli"},
	{"fault-expense-approve-by-employee", Reject, "", 2, "UserError", "", "Only Managers and HR Officers can approv"},
	{"fault-few-params", Reject, "", 1, "IndexError", "", "tuple index out of range"},
	{"fault-field-groups", Halt, ScopePermission, 4, "AccessError", "tracking_value_ids", "The requested operation cannot be comple"},
	{"fault-fk-missing", Reject, "", 1, "ValidationError", "department_id", "The operation cannot be completed: anoth"},
	{"fault-fk-missing-partner-country", Reject, "", 1, "ValidationError", "country_id", "The operation cannot be completed: anoth"},
	{"fault-image-garbage", Reject, "", 1, "PIL.UnidentifiedImageError", "", "cannot identify image file <_io.BytesIO "},
	{"fault-int-over-2-31-in-response", Reject, "", 1, "OverflowError", "", "int exceeds XML-RPC limits"},
	{"fault-invalid-entity", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "not well-formed (invalid token): line 1,"},
	{"fault-invoice-cancel", Reject, "", 2, "UserError", "", "You cannot modify a posted entry of this"},
	{"fault-invoice-unlink-open", Reject, "", 2, "UserError", "", "You cannot delete an invoice which is no"},
	{"fault-job-unique", Reject, "", 1, "ValidationError", "", "The name of the job position must be uni"},
	{"fault-leave-action-approve-twice", Reject, "", 2, "UserError", "", "Leave request must be confirmed (\"To App"},
	{"fault-leave-approve-by-employee", Reject, "", 2, "UserError", "", "Only a Leave Officer or Manager can appr"},
	{"fault-leave-create-for-other", Reject, "", 4, "AccessError", "", "The requested operation cannot be comple"},
	{"fault-leave-overlap", Reject, "", 1, "ValidationError", "", "You can not have 2 leaves that overlaps "},
	{"fault-leave-unlink-validated", Reject, "", 2, "UserError", "", "You cannot delete a leave which is in va"},
	{"fault-leave-write-state-by-employee", Reject, "", 2, "UserError", "", "Only a Leave Officer or Manager can appr"},
	{"fault-login-cooldown", Halt, ScopeCredentials, 3, "AccessDenied", "", "Too many login failures, please wait a b"},
	{"fault-malformed-domain-arity", Reject, "", 1, "TypeError", "", "unhashable type: 'list'"},
	{"fault-malformed-domain-missing-operand", Reject, "", 1, "AssertionError", "", "This domain is syntactically not correct"},
	{"fault-malformed-domain-op", Reject, "", 1, "TypeError", "", "unhashable type: 'list'"},
	{"fault-malformed-domain-string", Reject, "", 1, "AssertionError", "", "Domains to normalize must have a 'domain"},
	{"fault-malformed-xml", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "no element found: line 1, column 83"},
	{"fault-missing-args", Reject, "", 1, "IndexError", "", "tuple index out of range"},
	{"fault-not-xml", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "syntax error: line 1, column 0"},
	{"fault-numeric-charref-control", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "reference to invalid character number: l"},
	{"fault-private-method", Reject, "", 4, "AccessError", "", "Private methods (such as _compute_displa"},
	{"fault-purchase-confirm-by-employee", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to access thi"},
	{"fault-required-false", Reject, "", 1, "ValidationError", "name", "The operation cannot be completed: - Cre"},
	{"fault-required-missing-department", Reject, "", 1, "ValidationError", "name", "The operation cannot be completed: - Cre"},
	{"fault-required-missing-partner", Reject, "", 1, "ValidationError", "", "Contacts require a name."},
	{"fault-sale-confirm-by-employee", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to access thi"},
	{"fault-search-nonstored-partner-credit", Reject, "", 1, "ValueError", "is_seo_optimized", "Invalid field 'is_seo_optimized' in leaf"},
	{"fault-selection-bad-value", Reject, "", 1, "ValueError", "lang", "Wrong value for res.partner.lang: 'xx_XX"},
	{"fault-selection-bad-value2", Reject, "", 1, "ValueError", "gender", "Wrong value for hr.employee.gender: 'rob"},
	{"fault-serialization-failure", Retry, "", 1, "psycopg2.errors.SerializationFailure", "", "could not serialize access due to concur"},
	{"fault-type-int-string", Reject, "", 1, "ValueError", "", "invalid literal for int() with base 10: "},
	{"fault-unique-raw-psycopg2-2", Reject, "", 1, "ValidationError", "", "duplicate key value violates unique cons"},
	{"fault-unknown-field-domain", Reject, "", 1, "ValueError", "nope", "Invalid field 'nope' in leaf \"<osv.Exten"},
	{"fault-unknown-field-order", Reject, "", 1, "ValueError", "nope", "Sorting field nope not found on model re"},
	{"fault-unknown-kwarg", Reject, "", 1, "TypeError", "", "search_read() got an unexpected keyword "},
	{"fault-unknown-method", Reject, "", 1, "AttributeError", "", "type object 'res.partner' has no attribu"},
	{"fault-unknown-model", Reject, "", 2, "UserError", "", "Object no.such.model doesn't exist"},
	{"fault-unlink-referenced-user-partner", Reject, "", 1, "ValidationError", "partner_id", "The operation cannot be completed: anoth"},
	{"fault-user-login-unique", Reject, "", 1, "ValidationError", "login", "You can not have two users with the same"},
	{"fault-user-without-email", Reject, "", 2, "UserError", "", "Unable to post message, please configure"},
	{"fault-users-unlink-self", Reject, "", 1, "ValidationError", "user_id", "The operation cannot be completed: - Cre"},
	{"fault-xmlid-missing-raise", Reject, "", 1, "ValueError", "", "External ID not found in the system: din"},
	{"int-over-2-31-i8-tag", Reject, "", 1, "psycopg2.errors.NumericValueOutOfRange", "", "integer out of range"},
	{"int-over-2-31-int-tag", Reject, "", 1, "psycopg2.errors.NumericValueOutOfRange", "", "integer out of range"},
	{"lang-zh-fault", Reject, "", 1, "ValidationError", "name", "The operation cannot be completed: - Cre"},
	{"lang-zh-fault-access-error", Halt, ScopePermission, 4, "AccessError", "", "对不起，你没有创建这种类型的文档的权限。 只有以下访问等级的用户可才做这: - "},
	{"lang-zh-fault-validation", Reject, "", 1, "ValidationError", "", "PIN码必须是一串数字。"},
	{"leave-create", Reject, "", 1, "ValidationError", "", "The number of remaining leaves is not su"},
	{"m2o-write-negative", Reject, "", 1, "ValidationError", "department_id", "The operation cannot be completed: anoth"},
	{"m2o-write-pair", Reject, "", 1, "psycopg2.errors.InvalidTextRepresentation", "", "invalid input syntax for type integer: \""},
	{"m2o-write-string-id", Reject, "", 1, "ValueError", "", "Invalid domain term ('complete_name', 'i"},
	{"object-uid-false", Reject, "", 1, "psycopg2.errors.UndefinedFunction", "", "operator does not exist: integer = boole"},
	{"object-unknown-rpc-method", Reject, "", 1, "NameError", "", "Method not available frobnicate"},
	{"object-unknown-service", Reject, "", 1, "UnboundLocalError", "", "local variable 'dispatch' referenced bef"},
	{"object-wrong-db", Halt, ScopeOdoo, 1, "psycopg2.OperationalError", "", "connection to server at \"127.0.0.1\", por"},
	{"object-wrong-password", Halt, ScopeCredentials, 3, "AccessDenied", "", "Access denied"},
	{"object-wrong-uid", Halt, ScopeCredentials, 1, "TypeError", "", "cannot unpack non-iterable NoneType obje"},
	{"partner-archive-method", Reject, "", 1, "AttributeError", "", "type object 'res.partner' has no attribu"},
	{"partner-browse", Reject, "", 1, "TypeError", "", "cannot marshal <class '_thread.lock'> ob"},
	{"partner-get-external-id", Reject, "", 1, "TypeError", "", "dictionary key must be string"},
	{"partner-name-get-deleted", Missing, "", 2, "MissingError", "", "Record does not exist or has been delete"},
	{"partner-toggle-active-returns-none", Reject, "", 1, "TypeError", "", "cannot marshal None unless allow_none is"},
	{"partner-write-deleted", Missing, "", 2, "MissingError", "", "One of the records you are trying to mod"},
	{"purchase-button-cancel", Reject, "", 1, "TypeError", "", "cannot marshal None unless allow_none is"},
	{"setup-field-bad-name", Reject, "", 1, "ValidationError", "", "Custom fields must have a name that star"},
	{"setup-field-duplicate", Reject, "", 1, "ValidationError", "", "Field names must be unique per model."},
	{"setup-model-no-access-create", Halt, ScopePermission, 4, "AccessError", "", "Sorry, you are not allowed to create thi"},
	{"setup-unlink-model-with-data", Reject, "", 2, "UserError", "", "The field 'x_dingtalk_report_line.x_repo"},
	{"setup-view-bad-field", Reject, "", 1, "ValidationError", "x_nope", "Error while validating constraint Field "},
	{"text-ctrl-x0b-create", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "not well-formed (invalid token): line 25"},
	{"text-ctrl-xfffe-create", Reject, "", 1, "xml.parsers.expat.ExpatError", "", "not well-formed (invalid token): line 25"},
}

// faultOf is what becomes of an answer that is a fault.
func faultOf(t *testing.T, call rpc, body string) *Error {
	t.Helper()
	a := &answer{call: call}
	if err := a.read(strings.NewReader(body)); err != nil || a.failure == nil {
		t.Fatalf("no failure; %v", err)
	}
	return a.failure
}

func TestEveryRecordedFaultIsClassified(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range recordedFaults {
		listed[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			e := faultOf(t, rpc{op: "m.x"}, recorded(t, c.name))
			if e.Class != c.class || e.Scope != c.scope || e.Code != c.code || e.Field != c.field ||
				strings.TrimPrefix(e.Exception, "odoo.exceptions.") != c.exception || !strings.HasPrefix(e.Message, c.begins) {
				t.Errorf("got %s %q %d %s field %q: %s", e.Class, e.Scope, e.Code, e.Exception, e.Field, e.Message)
			}
			if strings.Contains(e.Message, "Traceback") || strings.Contains(e.Message, "\n") || strings.Contains(e.Message, `\n`) {
				t.Errorf("not a line of words: %q", e.Message)
			}
			if e.Op != "m.x" || !strings.Contains(e.Error(), "m.x") || !strings.Contains(e.Error(), c.begins) {
				t.Errorf("Error() = %s", e)
			}
		})
	}
	for name, want := range expectations(t) {
		if want.Fault != "" && !listed[name] {
			t.Errorf("the recorded fault %s is not in the table", name)
		}
	}
}

// trace is a fault text as Odoo 12 makes it, with lines of source code as a server has them.
func trace(function, exception string) string {
	return "Traceback (most recent call last):\n  File \"/opt/odoo/odoo/service/model.py\", line 97, in wrapper\n    return f(dbname, *args, **kwargs)\n" +
		"  File \"/opt/odoo/odoo/models.py\", line 3019, in " + function + "\n    raise x\n" + exception + "\n"
}

func TestClassificationOfFaultsThatWereNotRecorded(t *testing.T) {
	for _, c := range []struct {
		name      string
		code      int
		text      string
		class     Class
		scope     string
		ambiguous bool
		message   string
	}{
		{"lock", 1, trace("_check_concurrency", `odoo.exceptions.ValidationError: ('A document was modified since you last viewed it (Contact:42)', None)`), Retry, "", false, "A document was modified since you last viewed it (Contact:42)"},
		{"deadlock", 1, trace("execute", "psycopg2.errors.DeadlockDetected: deadlock detected\nDETAIL:  Process 1 waits\n"), Retry, "", false, "deadlock detected DETAIL: Process 1 waits"},
		{"older psycopg2", 1, trace("execute", "psycopg2.extensions.TransactionRollbackError: could not serialize access"), Retry, "", false, "could not serialize access"},
		{"lock timeout", 1, trace("execute", "psycopg2.errors.LockNotAvailable: could not obtain lock on row"), Retry, "", false, "could not obtain lock on row"},
		{"database starts", 1, trace("connect", "psycopg2.OperationalError: FATAL:  the database system is starting up"), Halt, ScopeOdoo, false, "FATAL: the database system is starting up"},
		{"older connect", 1, trace("connect", "psycopg2.OperationalError: could not connect to server: Connection refused"), Halt, ScopeOdoo, false, "could not connect to server: Connection refused"},
		{"no connection free", 1, trace("connect", "psycopg2.OperationalError: FATAL:  sorry, too many clients already"), Retry, "", false, "FATAL: sorry, too many clients already"},
		{"database lost", 1, trace("commit", "psycopg2.OperationalError: server closed the connection unexpectedly\n\tThis probably means"), Retry, "", true, "server closed the connection unexpectedly This probably means"},
		{"database stopped", 1, trace("execute", "psycopg2.errors.AdminShutdown: terminating connection due to administrator command"), Retry, "", true, "terminating connection due to administrator command"},
		{"out of memory", 1, trace("loads", "MemoryError"), Retry, "", false, ""},
		{"not loaded", 2, "Currently, this database is not fully loaded and can not be used.", Halt, ScopeOdoo, false, "Currently, this database is not fully loaded and can not be used."},
		{"missing, translated", 2, `('记录不存在或已被删除。\n\n(记录: [11], 用户: 2)', None)`, Missing, "", false, "记录不存在或已被删除。 (记录: [11], 用户: 2)"},
		{"redirect", 2, `('Go to the settings', 12, 'Settings')`, Reject, "", false, "Go to the settings"},
		{"missing in a traceback", 1, trace("read", `odoo.exceptions.MissingError: ('gone', None)`), Missing, "", false, "gone"},
		{"access in a traceback", 1, trace("check", `odoo.exceptions.AccessError: ('no\n\n(Document model: x) - (Operation: read, User: 6)', None)`), Halt, ScopePermission, false, "no (Document model: x) - (Operation: read, User: 6)"},
		{"write of a private field", 4, `("x\n\n(Document type: Employee, Operation: write) - (User: 6, Fields: birthday)", None)`, Reject, "", false, "x (Document type: Employee, Operation: write) - (User: 6, Fields: birthday)"},
		{"no traceback", 1, "something else", Retry, "", false, "something else"},
		{"traceback without an exception", 1, "Traceback (most recent call last):\n  File \"a\", line 1, in b\n", Retry, "", false, `Traceback (most recent call last): File "a", line 1, in b`},
		{"odd last line", 1, "Traceback (most recent call last):\n  File \"a\", line 1, in b\n!!\n", Retry, "", false, `Traceback (most recent call last): File "a", line 1, in b !!`},
		{"unknown code", 99, "x", Retry, "", false, "x"},
		{"escapes", 1, trace("f", `odoo.exceptions.ValidationError: ('it\'s \\ \x41\u4e2d\U0001f600\tend\q', None)`), Reject, "", false, `it's \ A中😀 endq`},
		{"cut repr", 1, trace("f", `odoo.exceptions.ValidationError: ('cut \u4e`), Reject, "", false, `cut u4e`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := faultOf(t, rpc{op: "m.x"}, faultAnswer(c.code, c.text))
			if e.Class != c.class || e.Scope != c.scope || e.Ambiguous != c.ambiguous || e.Message != c.message {
				t.Errorf("got %s %q ambiguous %v: %q", e.Class, e.Scope, e.Ambiguous, e.Message)
			}
		})
	}
}

func TestIsModified(t *testing.T) {
	lock := func(text string) error {
		e := faultOf(t, rpc{}, faultAnswer(1, trace("_check_concurrency", text)))
		return fmt.Errorf("writing: %w", e)
	}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"the lock":         {lock(`odoo.exceptions.ValidationError: ('A document was modified since you last viewed it (Contact:42)', None)`), true},
		"translated":       {lock(`odoo.exceptions.ValidationError: ('自您上次查看后文档已被修改 (联系人:42)', None)`), true},
		"another refusal":  {&Error{Exception: "odoo.exceptions.ValidationError", Message: "no"}, false},
		"another function": {&Error{Exception: "odoo.exceptions.UserError", Message: "A document was modified since you last viewed it"}, false},
		"something else":   {errors.New("A document was modified since you last viewed it"), false},
		"nothing":          {nil, false},
	} {
		if got := IsModified(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestUnreadableResultsAreDone(t *testing.T) {
	unreadable := map[string]bool{
		"activity-schedule-on-record": true, "expense-approve": true, "expense-move-create": true, "expense-refuse": true,
		"fault-int-over-2-31-in-response": true, "partner-browse": true, "partner-get-external-id": true,
		"partner-toggle-active-returns-none": true, "purchase-button-cancel": true,
	}
	for _, c := range recordedFaults {
		e := faultOf(t, rpc{op: "m.x"}, recorded(t, c.name))
		if got := IsUnreadable(fmt.Errorf("x: %w", e)); got != unreadable[c.name] {
			t.Errorf("%s: unreadable %v", c.name, got)
		}
		if e.Ambiguous != unreadable[c.name] {
			t.Errorf("%s: ambiguous %v", c.name, e.Ambiguous)
		}
		e = faultOf(t, rpc{op: "m.x", repeatable: true}, recorded(t, c.name))
		if e.Ambiguous {
			t.Errorf("%s: a read is never ambiguous", c.name)
		}
	}
	if IsUnreadable(nil) || IsUnreadable(&Error{Code: 2, Exception: "TypeError", Message: "cannot marshal None"}) {
		t.Error("another failure taken for an unreadable result")
	}
}

func TestLongFaultIsBounded(t *testing.T) {
	s := serve(t, func(int, heard) reply {
		return reply{body: faultAnswer(1, trace("f", "ValueError: "+strings.Repeat("中<x> ", 1<<18)))}
	})
	_, err := s.client(nil).Execute(t.Context(), "m", "x", nil, nil)
	e := failure(t, err)
	if e.Class != Reject || e.Exception != "ValueError" || len(e.Message) > maxMessage+len("…") || !utf8.ValidString(e.Message) {
		t.Errorf("got %s %s with %d bytes", e.Class, e.Exception, len(e.Message))
	}
}

func TestClassNames(t *testing.T) {
	for class, want := range map[Class]string{Retry: "retry", Reject: "reject", Missing: "missing", Halt: "halt", 0: "unclassified"} {
		if class.String() != want {
			t.Errorf("%d is %q", class, class)
		}
	}
}
