package odootest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"dingbridge/odoo"
)

// office is a world with the master data of documents, an employee and a user who may do everything with documents.
type office struct {
	*world
	Business
	employee int64
	bridge   *odoo.Client
	made     int
}

var officeGroups = []string{
	"base.group_user", "hr.group_hr_user", "hr_holidays.group_hr_holidays_manager", "hr_expense.group_hr_expense_manager",
	"purchase.group_purchase_user", "sales_team.group_sale_salesman_all_leads", "account.group_account_invoice",
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := newWorld(t)
	b, err := w.s.SeedBusiness()
	w.must(err)
	w.s.AddUser("bridge", "bridge-password", officeGroups...)
	w.s.AddUser("zhang", "zhang-password", "base.group_user")
	o := &office{world: w, Business: b, bridge: w.client("bridge", "bridge-password")}
	o.employee = w.s.Create("hr.employee", vals{"user_id": w.s.Search("res.users", []any{[]any{"login", "=", "zhang"}})[0]})
	w.must(w.s.Write("hr.employee", o.employee, vals{"name": "张三"})) // the user's name came first
	return o
}

// load makes one record, the way the real server was asked to in the trials.
func (o *office) load(model string, columns string, rows ...[]any) (odoo.LoadResult, error) {
	o.Helper()
	return o.bridge.Load(ctx(), model, strings.Fields(columns), rows, odoo.Context{"mode": "update", "noupdate": true})
}

func (o *office) loaded(model, columns string, rows ...[]any) int64 {
	o.Helper()
	o.made++
	rows[0] = append([]any{fmt.Sprintf("dingbridge.t%d", o.made)}, rows[0]...)
	for i := range rows[1:] {
		rows[i+1] = append([]any{""}, rows[i+1]...)
	}
	got, err := o.load(model, "id "+columns, rows...)
	o.must(err)
	if len(got.IDs) != 1 {
		o.Fatalf("%s was refused: %+v", model, got.Messages)
	}
	return got.IDs[0]
}

const moveColumns = "journal_id/.id date ref line_ids/account_id/.id line_ids/name line_ids/debit line_ids/credit"

func (o *office) move() int64 {
	o.Helper()
	return o.loaded("account.move", moveColumns,
		[]any{o.Journals["记"], "2026-05-20", "R1", o.Accounts["660201"], "出租车", 100.5, nil},
		[]any{"", "", "", o.Accounts["660202"], "酒店", 200, 0},
		[]any{"", "", "", o.Accounts["2241"], "张三", 0, 300.5})
}

func (o *office) order() int64 {
	o.Helper()
	return o.loaded("purchase.order", "partner_id/.id order_line/product_id/.id order_line/name order_line/product_qty order_line/price_unit order_line/product_uom/.id order_line/date_planned order_line/taxes_id/.id",
		[]any{o.Vendor, o.Products["笔记本电脑"], "电脑", 2, 5000, o.Unit, "2026-06-01 00:00:00", o.Taxes["进项13%"]},
		[]any{"", o.Products["笔记本电脑"], "底座", 1, 300, o.Unit, "2026-05-30 00:00:00", ""})
}

func (o *office) expenses() int64 {
	o.Helper()
	id := o.loaded("hr.expense.sheet", "name employee_id/.id expense_line_ids/name expense_line_ids/product_id/.id expense_line_ids/unit_amount expense_line_ids/date expense_line_ids/employee_id/.id expense_line_ids/account_id/.id",
		[]any{"出差报销", o.employee, "出租车", o.Products["交通费"], 100.5, "2026-05-20", o.employee, o.Accounts["660201"]},
		[]any{"", "", "酒店", o.Products["住宿费"], 300, "2026-05-21", o.employee, o.Accounts["660202"]})
	if state := o.state("hr.expense.sheet", id); state != "draft" {
		o.Errorf("a loaded report is %s", state)
	}
	o.press("hr.expense.sheet", id, "action_submit_sheet")
	return id
}

func (o *office) sale() int64 {
	o.Helper()
	return o.loaded("sale.order", "partner_id/.id order_line/product_id/.id order_line/name order_line/product_uom_qty order_line/price_unit",
		[]any{o.Customer, o.Products["笔记本电脑"], "电脑", 2, 6000})
}

func (o *office) bill() int64 {
	o.Helper()
	return o.loaded("account.invoice", "partner_id/.id type invoice_line_ids/name invoice_line_ids/quantity invoice_line_ids/price_unit invoice_line_ids/account_id/.id",
		[]any{o.Vendor, "in_invoice", "电脑", 2, 5000, o.Accounts["660204"]}, []any{"", "", "底座", 1, 300, o.Accounts["660204"]})
}

func (o *office) leave(typ, day string) int64 {
	o.Helper()
	return o.loaded("hr.leave", "name employee_id/.id holiday_status_id/.id date_from date_to number_of_days request_date_from request_date_to",
		[]any{"回家", o.employee, o.LeaveTypes[typ], day + " 01:00:00", day + " 10:00:00", 1, day, day})
}

func (o *office) press(model string, id int64, method string, args ...any) {
	o.Helper()
	if _, err := o.bridge.CallMethod(ctx(), model, method, []int64{id}, args, nil); err != nil {
		o.Errorf("%s.%s: %v", model, method, err)
	}
}

func (o *office) state(model string, id int64) any { return o.s.Get(model, id)["state"] }

// lines reads the lines of a document.
func (o *office) lines(model string, id int64, field, line string, names ...string) [][]any {
	o.Helper()
	doc := o.s.Get(model, id)
	var out [][]any
	for _, x := range doc[field].([]int64) {
		r := o.s.Get(line, x)
		row := []any{}
		for _, n := range names {
			row = append(row, r[n])
		}
		out = append(out, row)
	}
	return out
}

func TestDocumentsAreLoadedWithTheirLines(t *testing.T) {
	o := newOffice(t)
	move := o.move()
	if got := o.s.Get("account.move", move); got["state"] != "draft" || got["name"] != "/" || got["amount"] != 300.5 || got["partner_id"] != false {
		t.Errorf("entry %v", got)
	}
	want := [][]any{{"张三", 0.0, 300.5, "2026-05-20"}, {"酒店", 200.0, 0.0, "2026-05-20"}, {"出租车", 100.5, 0.0, "2026-05-20"}} // the newest first
	if got := o.lines("account.move", move, "line_ids", "account.move.line", "name", "debit", "credit", "date_maturity"); !reflect.DeepEqual(got, want) {
		t.Errorf("entry lines %v", got)
	}
	order := o.order()
	if got := o.s.Get("purchase.order", order); got["state"] != "draft" || got["amount_untaxed"] != 10300.0 || got["amount_tax"] != 1300.0 || got["amount_total"] != 11600.0 || got["date_planned"] != "2026-05-30 00:00:00" {
		t.Errorf("order %v", got)
	}
	want = [][]any{{"电脑", 10000.0, "draft"}, {"底座", 300.0, "draft"}}
	if got := o.lines("purchase.order", order, "order_line", "purchase.order.line", "name", "price_subtotal", "state"); !reflect.DeepEqual(got, want) {
		t.Errorf("order lines %v", got)
	}
	sheet := o.expenses()
	if got := o.s.Get("hr.expense.sheet", sheet); got["total_amount"] != 400.5 || got["state"] != "submit" {
		t.Errorf("report %v", got)
	}
	want = [][]any{{"酒店", 300.0, "reported"}, {"出租车", 100.5, "reported"}}
	if got := o.lines("hr.expense.sheet", sheet, "expense_line_ids", "hr.expense", "name", "total_amount", "state"); !reflect.DeepEqual(got, want) {
		t.Errorf("expenses %v", got)
	}
	if got := o.s.Get("sale.order", o.sale()); got["amount_total"] != 13560.0 { // the product's tax
		t.Errorf("sale %v", got)
	}
	if got := o.s.Get("account.invoice", o.bill()); got["amount_total"] != 10300.0 || got["display_name"] != "Vendor Bill " || got["state"] != "draft" {
		t.Errorf("bill %v", got)
	}
	leave := o.s.Get("hr.leave", o.leave("年假", "2026-06-01"))
	if leave["state"] != "confirm" || leave["request_date_from"] != "2026-06-01" || leave["display_name"] != "张三 on 年假 : 1.00 day(s)" {
		t.Errorf("leave %v", leave)
	}
}

func TestLoadingADocumentAgainChangesNothing(t *testing.T) {
	o := newOffice(t)
	rows := func() [][]any {
		return [][]any{
			{"dingbridge.again", o.Journals["记"], "2026-05-20", "R1", o.Accounts["660201"], "a", 1, 0},
			{"", "", "", "", o.Accounts["2241"], "b", 0, 1},
		}
	}
	first, err := o.load("account.move", "id "+moveColumns, rows()...)
	o.must(err)
	o.press("account.move", first.IDs[0], "post")
	again, err := o.load("account.move", "id "+moveColumns, rows()...)
	o.must(err)
	if !reflect.DeepEqual(first, again) || len(o.s.Get("account.move", first.IDs[0])["line_ids"].([]int64)) != 2 {
		t.Errorf("%+v, then %+v", first, again)
	}
	// without noupdate the lines are doubled, as the real one does
	draft := o.move()
	over := [][]any{{"dingbridge.t1", o.Journals["记"], "2026-05-20", "R1", o.Accounts["660201"], "a", 1, 0}, {"", "", "", "", o.Accounts["2241"], "b", 0, 1}}
	o.must(o.s.Write("ir.model.data", o.s.Search("ir.model.data", []any{[]any{"name", "=", "t1"}})[0], vals{"noupdate": false}))
	if _, err := o.bridge.Load(ctx(), "account.move", strings.Fields("id "+moveColumns), over, nil); err != nil {
		t.Error(err)
	}
	if n := len(o.s.Get("account.move", draft)["line_ids"].([]int64)); n != 5 {
		t.Errorf("%d lines", n)
	}
}

func TestRefusedDocumentsLeaveNothing(t *testing.T) {
	o := newOffice(t)
	line := func(account any, debit, credit any) []any { return []any{"", "", "", "", account, "x", debit, credit} }
	head := func(account any, debit, credit any) []any {
		return []any{"dingbridge.bad", o.Journals["记"], "2026-05-20", "R9", account, "x", debit, credit}
	}
	taxi, owed := o.Accounts["660201"], o.Accounts["2241"]
	for name, c := range map[string]struct {
		rows    [][]any
		message string
		field   string
	}{
		"unbalanced":      {[][]any{head(taxi, 100.5, 0), line(owed, 0, 300.5)}, "Unknown error during import: <class 'odoo.exceptions.UserError'>: ('Cannot create unbalanced journal entry.', '')", ""},
		"by one cent":     {[][]any{head(taxi, 100.01, 0), line(owed, 0, 100)}, "Unknown error during import: <class 'odoo.exceptions.UserError'>: ('Cannot create unbalanced journal entry.', '')", ""},
		"both sides":      {[][]any{head(taxi, 1, 1)}, `new row for relation "account_move_line" violates check constraint "account_move_line_credit_debit1"`, ""},
		"negative":        {[][]any{head(taxi, -1, 0), line(owed, 0, -1)}, `new row for relation "account_move_line" violates check constraint "account_move_line_credit_debit2"`, ""},
		"unknown account": {[][]any{head(99999, 1, 0), line(owed, 0, 1)}, "No matching record found for database id '99999' in field 'Journal Items'", "line_ids"},
		"no number":       {[][]any{head(taxi, 1, 0), line(owed, 0, "one")}, "'one' does not seem to be a number for field 'Journal Items'", "line_ids"},
		"no journal":      {[][]any{{"dingbridge.bad", "", "2026-05-20", "R9", taxi, "x", 1, 0}, line(owed, 0, 1)}, "Missing required value for the field 'Journal' (journal_id)", "journal_id"},
	} {
		got, err := o.load("account.move", "id "+moveColumns, c.rows...)
		o.must(err)
		if len(got.IDs) != 0 || len(got.Messages) != 1 || !strings.HasPrefix(got.Messages[0].Message, c.message) || got.Messages[0].Field != c.field {
			t.Errorf("%s: %+v", name, got)
		} else if m := got.Messages[0]; m.Rows.To != len(c.rows)-1 || m.Record != 0 {
			t.Errorf("%s: rows %+v of record %d", name, m.Rows, m.Record)
		}
	}
	two := [][]any{head(taxi, 1, 0), line(owed, 0, 1), {"dingbridge.bad2", o.Journals["记"], "2026-05-20", "R9", taxi, "x", 2, 0}, line(owed, 0, 1)}
	if got, err := o.load("account.move", "id "+moveColumns, two...); err != nil || len(got.IDs) != 0 || got.Messages[0].Record != 1 || got.Messages[0].Rows != (odoo.Rows{From: 2, To: 3}) {
		t.Errorf("one bad of two: %+v, %v", got, err)
	}
	got, err := o.load("purchase.order", "id partner_id/.id order_line/product_id/.id order_line/name order_line/product_qty order_line/price_unit order_line/product_uom/.id",
		[]any{"dingbridge.bad", o.Vendor, o.Products["笔记本电脑"], "x", 1, 1, o.Unit})
	if err != nil || !strings.HasPrefix(got.Messages[0].Message, `null value in column "date_planned" of relation "purchase_order_line" violates not-null constraint`) {
		t.Errorf("an order without dates: %+v, %v", got, err)
	}
	other := o.s.Create("hr.employee", vals{"name": "李四"})
	got, err = o.load("hr.expense.sheet", "id name employee_id/.id expense_line_ids/name expense_line_ids/product_id/.id expense_line_ids/unit_amount expense_line_ids/employee_id/.id",
		[]any{"dingbridge.bad", "x", o.employee, "x", o.Products["交通费"], 1, other})
	if err != nil || got.Messages[0].Message != "Unknown error during import: <class 'odoo.exceptions.ValidationError'>: ('You cannot add expenses of another employee.', None)" {
		t.Errorf("another's expenses: %+v, %v", got, err)
	}
	if ids := o.s.Search("account.move", []any{[]any{"ref", "=", "R9"}}); len(ids) != 0 {
		t.Errorf("entries were left: %v", ids)
	}
	if ids := o.s.Search("ir.model.data", []any{[]any{"name", "=like", "bad%"}}); len(ids) != 0 {
		t.Errorf("external ids were left: %v", ids)
	}
}

// TestButtonsOfDocuments presses each button with an outdated lock, with none and once more.
func TestButtonsOfDocuments(t *testing.T) {
	o := newOffice(t)
	day := 0
	leave := func(typ string) func() int64 {
		return func() int64 { day++; return o.leave(typ, fmt.Sprintf("2026-07-%02d", day)) }
	}
	for _, c := range []struct {
		model  string
		make   func() int64
		method string
		args   []any
		answer any
		state  string
	}{
		{"hr.leave", leave("年假"), "action_approve", nil, true, "validate"},
		{"hr.leave", leave("产假"), "action_approve", nil, true, "validate1"},
		{"hr.leave", leave("年假"), "action_refuse", nil, true, "refuse"},
		{"hr.expense.sheet", o.expenses, "approve_expense_sheets", nil, nil, "approve"},
		{"hr.expense.sheet", o.expenses, "refuse_sheet", []any{"太贵"}, nil, "cancel"},
		{"purchase.order", o.order, "button_confirm", nil, true, "purchase"},
		{"purchase.order", o.order, "button_approve", nil, vals{}, "purchase"},
		{"purchase.order", o.order, "button_cancel", nil, nil, "cancel"},
		{"sale.order", o.sale, "action_confirm", nil, true, "sale"},
		{"sale.order", o.sale, "action_cancel", nil, true, "cancel"},
		{"account.invoice", o.bill, "action_invoice_open", nil, true, "open"},
		{"account.invoice", o.bill, "action_invoice_cancel", nil, true, "cancel"},
		{"account.move", o.move, "post", nil, true, "posted"},
	} {
		name := c.model + "." + c.method
		id := c.make()
		was, seen := o.state(c.model, id), fmt.Sprint(o.s.Get(c.model, id)["write_date"])
		_, err := o.bridge.CallMethod(ctx(), c.model, c.method, []int64{id}, c.args, odoo.LockContext(c.model, id, "2020-01-01 00:00:00"))
		if !odoo.IsModified(err) || o.state(c.model, id) != was {
			t.Errorf("%s over a newer record: %v, %v", name, err, o.state(c.model, id))
		}
		o.clock.Advance(2 * time.Second) // what the method itself writes is newer than the lock
		answer, err := o.bridge.CallMethod(ctx(), c.model, c.method, []int64{id}, c.args, odoo.LockContext(c.model, id, seen))
		if err != nil || !reflect.DeepEqual(answer, c.answer) || o.state(c.model, id) != c.state {
			t.Errorf("%s: %#v, %v, %v", name, answer, err, o.state(c.model, id))
		}
		_, err = o.bridge.CallMethod(ctx(), c.model, c.method, []int64{999999}, c.args, nil)
		if e := new(odoo.Error); !errors.As(err, &e) || e.Class != odoo.Missing {
			t.Errorf("%s of a deleted record: %v", name, err)
		}
	}
}

func TestNumbersAndWhatPostedEntriesRefuse(t *testing.T) {
	o := newOffice(t)
	first, second := o.move(), o.move()
	o.press("account.move", second, "post")
	o.press("account.move", first, "post")
	if a, b := o.s.Get("account.move", second)["name"], o.s.Get("account.move", first)["name"]; a != "记/2026/0001" || b != "记/2026/0002" {
		t.Errorf("numbers %v, %v", a, b)
	}
	o.press("account.move", first, "post")
	if name := o.s.Get("account.move", first)["name"]; name != "记/2026/0002" {
		t.Errorf("posted twice: %v", name)
	}
	for what, err := range map[string]error{
		"unlink":      o.s.Unlink("account.move", first),
		"line amount": o.s.Write("account.move.line", o.s.Get("account.move", first)["line_ids"].([]int64)[0], vals{"debit": 7}),
	} {
		if err == nil || !strings.Contains(err.Error(), "You cannot do this modification on a posted journal entry") || !strings.Contains(err.Error(), fmt.Sprintf("记/2026/0002 (%d)", first)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	o.must(o.s.Write("account.move", first, vals{"ref": "R2"}))
	if _, err := o.bridge.CallMethod(ctx(), "account.move", "button_cancel", []int64{first}, nil, nil); err == nil || !strings.Contains(err.Error(), "You cannot modify a posted entry of this journal.") {
		t.Errorf("cancelled: %v", err)
	}
	bill := o.bill()
	o.press("account.invoice", bill, "action_invoice_open")
	got := o.s.Get("account.invoice", bill)
	if got["number"] != "BILL/2026/0001" || got["residual"] != 10300.0 || !reflect.DeepEqual(got["move_id"].([]any)[1], "BILL/2026/0001") {
		t.Errorf("bill %v %v %v", got["number"], got["residual"], got["move_id"])
	}
	sheet := o.expenses()
	o.press("hr.expense.sheet", sheet, "approve_expense_sheets")
	o.press("hr.expense.sheet", sheet, "action_sheet_move_create")
	if got := o.s.Get("hr.expense.sheet", sheet); got["state"] != "post" || got["account_move_id"] == false {
		t.Errorf("report %v", got)
	}
}

func TestChatterOfDocuments(t *testing.T) {
	o := newOffice(t)
	order := o.order()
	for text, want := range map[string]string{"同意 & <b>x</b>": "<p>同意 &amp; <b>x</b></p>", "a < b & c": "<p>a &lt; b &amp; c</p>", "<p>a</p>": "<p>a</p>"} {
		id, err := o.bridge.Execute(ctx(), "hr.leave", "message_post", []any{[]int64{o.leave("年假", fmt.Sprintf("2026-10-%02d", len(text)))}}, vals{"body": text})
		o.must(err)
		if got := o.s.Get("mail.message", id.(int64)); got["body"] != want || got["create_uid"].([]any)[1] != "bridge" {
			t.Errorf("%s became %v of %v", text, got["body"], got["create_uid"])
		}
	}
	messages := func() (out []any) {
		for _, id := range o.s.Search("mail.message", []any{[]any{"model", "=", "purchase.order"}, []any{"res_id", "=", order}}) {
			m := o.s.Get("mail.message", id)
			out = append([]any{[]any{m["body"], m["subtype_id"].([]any)[1]}}, out...)
		}
		return out
	}
	said := func() any {
		got, err := o.bridge.Execute(ctx(), "purchase.order", "message_post", []any{[]int64{order}}, vals{"body": "同意", "message_id": "<i1@dingbridge>", "subtype": "mail.mt_note"})
		o.must(err)
		return got
	}
	before := o.s.WriteDate("purchase.order", order)
	first := said()
	found, err := o.bridge.Search(ctx(), "mail.message", odoo.Domain{odoo.Cond("message_id", "=", "<i1@dingbridge>")}, odoo.Options{})
	if err != nil || !reflect.DeepEqual(found, []int64{first.(int64)}) {
		t.Errorf("found %v, want %v: %v", found, first, err)
	}
	if said() == first {
		t.Error("a message with a known message_id was not posted again")
	}
	if !o.s.WriteDate("purchase.order", order).Equal(before) {
		t.Error("a message moved the order's write_date")
	}
	o.press("purchase.order", order, "button_confirm")
	want := []any{[]any{"<p>Purchase Order created</p>", "Note"}, []any{"", "Note"}, []any{"<p>同意</p>", "Note"}, []any{"<p>同意</p>", "Note"}, []any{"", "RFQ Approved"}}
	if got := messages(); !reflect.DeepEqual(got, want) {
		t.Errorf("chatter %v", got)
	}
	o.s.AddUser("plain", "plain-password", "base.group_user")
	plain := o.client("plain", "plain-password")
	if _, err := plain.Execute(ctx(), "purchase.order", "message_post", []any{[]int64{order}}, vals{"body": "x"}); err == nil || !strings.Contains(err.Error(), "Operation: write") {
		t.Errorf("posted without the right to write: %v", err)
	}
	if _, err := plain.Execute(ctx(), "hr.leave", "message_post", []any{[]int64{o.leave("年假", "2026-06-08")}}, vals{"body": "x"}); err != nil {
		t.Errorf("a leave: %v", err)
	}
	odd, err := o.bridge.Execute(ctx(), "purchase.order", "message_post", []any{[]int64{order}}, vals{"body": "x", "subtype": "mail.mt_nope"})
	o.must(err)
	if got := o.s.Get("mail.message", odd.(int64)); got["subtype_id"] != false {
		t.Errorf("an unknown subtype became %v", got["subtype_id"])
	}
	_, err = o.bridge.Execute(ctx(), "account.move", "message_post", []any{[]int64{o.move()}}, vals{"body": "x"})
	if err == nil || !strings.Contains(err.Error(), "type object 'account.move' has no attribute 'message_post'") {
		t.Errorf("an entry has a chatter: %v", err)
	}
}

// TestRightsOverDocuments: for each kind of document who may decide one of somebody else's, as tried on a real server.
func TestRightsOverDocuments(t *testing.T) {
	o := newOffice(t)
	groups := map[string][]string{
		"plain": nil, "leave officer": {"hr_holidays.group_hr_holidays_user"}, "leave manager": {"hr_holidays.group_hr_holidays_manager"},
		"expense officer": {"hr_expense.group_hr_expense_user"}, "expense manager": {"hr_expense.group_hr_expense_manager"},
		"buyer": {"purchase.group_purchase_user"}, "seller": {"sales_team.group_sale_salesman"}, "all sales": {"sales_team.group_sale_salesman_all_leads"},
		"billing": {"account.group_account_invoice"}, "full accounting": {"account.group_account_user"},
	}
	clients := map[string]*odoo.Client{}
	for who, more := range groups {
		o.s.AddUser(who, "password-of-"+who, append([]string{"base.group_user"}, more...)...)
		clients[who] = o.client(who, "password-of-"+who)
	}
	dep := o.s.Create("hr.department", vals{"name": "研发部"})
	o.must(o.s.Write("hr.employee", o.employee, vals{"department_id": dep}))
	day := 0
	for _, c := range []struct {
		model, method string
		make          func() int64
		may           string
	}{
		{"hr.leave", "action_approve", func() int64 { day++; return o.leave("年假", fmt.Sprintf("2026-08-%02d", day)) }, "leave manager"},
		{"hr.expense.sheet", "approve_expense_sheets", o.expenses, "expense manager"},
		{"purchase.order", "button_confirm", o.order, "buyer billing"},
		{"sale.order", "action_confirm", o.sale, "all sales billing full accounting"},
		{"account.move", "post", o.move, "billing"},
	} {
		for who, client := range clients {
			_, err := client.CallMethod(ctx(), c.model, c.method, []int64{c.make()}, nil, nil)
			if may := strings.Contains(c.may, who); may != (err == nil) {
				t.Errorf("%s %s.%s: %v", who, c.model, c.method, err)
			}
		}
	}
	// an officer decides for his own people
	boss := o.s.Create("hr.employee", vals{"name": "王经理", "user_id": o.s.Search("res.users", []any{[]any{"login", "=", "leave officer"}})[0]})
	o.must(o.s.Write("hr.employee", o.employee, vals{"parent_id": boss}))
	if _, err := clients["leave officer"].CallMethod(ctx(), "hr.leave", "action_approve", []int64{o.leave("年假", "2026-09-01")}, nil, nil); err != nil {
		t.Errorf("the manager's officer: %v", err)
	}
}

func TestLinesMoveTheirDocument(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		model, field, line string
		make               func() int64
		write              vals
		moves              bool
	}{
		{"purchase.order", "order_line", "purchase.order.line", o.order, vals{"price_unit": 7.0}, true},
		{"purchase.order", "order_line", "purchase.order.line", o.order, vals{"name": "x"}, false},
		{"hr.expense.sheet", "expense_line_ids", "hr.expense", o.expenses, vals{"unit_amount": 7.0}, true},
		{"account.move", "line_ids", "account.move.line", o.move, vals{"name": "x"}, false},
	} {
		id := c.make()
		line := o.s.Get(c.model, id)[c.field].([]int64)[0]
		if moved := o.touched(c.model, id, func() { o.must(o.s.Write(c.line, line, c.write)) }); moved != c.moves {
			t.Errorf("%s %v: moved %v", c.line, c.write, moved)
		}
	}
}

// TestLinesOfAModelMadeByHand: what holds for the stock documents holds for x_ models with a one2many.
func TestLinesOfAModelMadeByHand(t *testing.T) {
	o := newOffice(t)
	models := map[string]int64{}
	for _, name := range []string{"x_claim", "x_claim_line"} {
		models[name] = o.s.Create("ir.model", vals{"name": name, "model": name, "state": "manual"})
		o.s.Create("ir.model.access", vals{"name": name, "model_id": models[name], "group_id": 1, "perm_read": true, "perm_write": true, "perm_create": true})
	}
	field := func(model, name, ttype string, more vals) {
		v := vals{"model_id": models[model], "name": name, "ttype": ttype, "field_description": name, "state": "manual"}
		for k, x := range more {
			v[k] = x
		}
		o.s.Create("ir.model.fields", v)
	}
	field("x_claim", "x_state", "selection", vals{"selection": "[('draft','Draft'),('done','Done')]"})
	field("x_claim_line", "x_claim_id", "many2one", vals{"relation": "x_claim", "on_delete": "cascade"})
	field("x_claim_line", "x_amount", "float", nil)
	field("x_claim", "x_line_ids", "one2many", vals{"relation": "x_claim_line", "relation_field": "x_claim_id"})
	id := o.loaded("x_claim", "x_name x_state x_line_ids/x_name x_line_ids/x_amount", []any{"上海出差", "draft", "出租车", 100.5}, []any{"", "", "酒店", 300})
	want := [][]any{{"出租车", 100.5}, {"酒店", 300.0}}
	if got := o.lines("x_claim", id, "x_line_ids", "x_claim_line", "x_name", "x_amount"); !reflect.DeepEqual(got, want) {
		t.Errorf("lines %v", got)
	}
	o.must(o.bridge.Write(ctx(), "x_claim", []int64{id}, odoo.Values{"x_state": "done"}, nil))
	if state := o.s.Get("x_claim", id)["x_state"]; state != "done" {
		t.Errorf("state %v", state)
	}
	post := func(model string, id int64) error {
		_, err := o.bridge.Execute(ctx(), model, "message_post", []any{[]int64{id}}, vals{"body": "x", "message_id": "<x1@dingbridge>"})
		return err
	}
	if err := post("x_claim", id); err == nil || !strings.Contains(err.Error(), "type object 'x_claim' has no attribute 'message_post'") {
		t.Errorf("a model without chatter: %v", err)
	}
	trip := o.s.Create("ir.model", vals{"name": "出差", "model": "x_trip", "state": "manual", "is_mail_thread": true})
	o.s.Create("ir.model.access", vals{"name": "x_trip", "model_id": trip, "group_id": 1, "perm_read": true, "perm_write": true, "perm_create": true})
	trip = o.loaded("x_trip", "x_name", []any{"上海"})
	o.must(post("x_trip", trip))
	if got := o.s.Get("x_trip", trip)["message_ids"].([]int64); len(got) != 2 { // that it was made, and ours
		t.Errorf("messages %v", got)
	}
}

// TestTheJournalHasTheFaultOfNone: the method has done its work, and what it returns cannot be told.
func TestTheJournalHasTheFaultOfNone(t *testing.T) {
	o := newOffice(t)
	sheet := o.expenses()
	o.s.ResetJournal()
	o.press("hr.expense.sheet", sheet, "approve_expense_sheets")
	if calls := o.s.Journal(); len(calls) != 1 || !strings.Contains(calls[0].Fault, "cannot marshal None") || o.state("hr.expense.sheet", sheet) != "approve" {
		t.Errorf("%+v, state %v", calls, o.state("hr.expense.sheet", sheet))
	}
}
