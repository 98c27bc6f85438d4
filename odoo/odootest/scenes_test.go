package odootest

import "fmt"

// scenes retell the recorded session. Ids are the recorded ones: where other models' records came in between, seq skips them.
var scenes = []scene{
	{nil, `
common-about common-authenticate-empty-password common-authenticate-ok common-authenticate-unknown-login
common-authenticate-with-agent-env common-authenticate-wrong-db common-authenticate-wrong-password common-login-legacy
common-unknown-method common-version xmlrpc1-version db-exist db-list db-server-version object-unknown-rpc-method
object-unknown-service object-wrong-db object-wrong-password xmlrpc1-fault-wrong-password object-wrong-uid object-uid-false
fault-bad-utf8 fault-control-char-in-request fault-empty-body fault-few-params fault-invalid-entity fault-malformed-xml fault-not-xml
fault-numeric-charref-control text-ctrl-x0b-create text-ctrl-xfffe-create http-get-not-allowed`},
	{nil, "common-authenticate-cooldown fault-login-cooldown"},
	{func(r *replay) { r.s.Fail(nil, -1, DatabaseDown) }, "db-down-1 db-down-2 fault-db-down-authenticate"},
	{func(r *replay) { r.s.Fail(nil, 1, PoolFull) }, "fault-connection-pool-full"},
	{func(r *replay) { r.s.Fail(nil, 1, SerializationFailure) }, "fault-serialization-failure"},
	{func(r *replay) { r.s.Fail(nil, 1, HTTP500) }, "http-500-pool-full"},
	{func(r *replay) { r.user("plain_user", 6, 7, "base.group_user") }, partnerScene},
	{func(r *replay) { r.partners(12064, 12064) }, "db-back-1 db-restarted-1"},
	{prepareHR, hrScene},
	{func(r *replay) { prepareHR(r); prepareStaff(r) }, accessScene},
	{nil, setupScene},
	{prepareOffice, officeScene},
	{prepareDocuments, documentScene},
}

const partnerScene = `
object-execute-positional users-context-get users-has-group users-read-password-admin fault-unknown-model
partner-create partner-read-all-fields partner-create-list partner-create-empty-list partner-read-list partner-search partner-search-count
partner-search-count-kw partner-read-one-int-id partner-read-duplicate-ids partner-exists partner-name-get partner-name-search
partner-search-or-domain partner-search-read-empty partner-read-no-load partner-read-classic-write
partner-check-access-rights-true partner-default-get partner-fields-get-subset partner-get-external-id partner-browse
partner-search-read partner-search-read-offset-limit nofault-search-non-stored
partner-write partner-write-int-id partner-write-empty-ids partner-write-empty-vals partner-write-many partner-get-metadata
partner-archive-method partner-name-create partner-read-group partner-read-group-date
partner-toggle-active-returns-none partner-read-archived-by-id partner-search-active-in partner-search-active-test-default
partner-search-active-test-false
partner-unlink partner-unlink-again partner-write-deleted partner-read-deleted partner-read-deleted-mixed partner-name-get-deleted
partner-archive-write partner-copy partner-copy-list partner-export-data
partner-load partner-load-error nofault-unknown-field-create nofault-unknown-field-read nofault-unknown-field-search-read nofault-unknown-field-write
fault-unknown-field-domain fault-unknown-field-order fault-unknown-kwarg fault-unknown-method fault-missing-args fault-private-method
fault-domain-not-list fault-malformed-domain-arity fault-malformed-domain-missing-operand fault-malformed-domain-op fault-malformed-domain-string
fault-search-nonstored-partner-credit fault-selection-bad-value fault-type-int-string fault-fk-missing-partner-country
fault-required-missing-partner fault-unlink-referenced-user-partner nofault-nil-in-request partner-read-nil
nofault-type-char-int partner-read-char-int nofault-unique-raw-psycopg2 fault-unique-raw-psycopg2-2 context-bad-type
text-special-create text-special-read text-ctrl-x7f-create text-ctrl-x85-create text-crlf-write text-crlf-charref-write text-crlf-read
text-empty-string-write text-empty-vs-false-read text-leading-trailing-space string-tag-omitted nil-ex-tag
m2m-6-replace m2m-4-link m2m-3-unlink m2m-0-create m2m-list-of-ids m2m-read m2m-5-clear
o2m-0-create-children o2m-1-update-child m2o-read m2o-write-pair m2o-write-false o2m-2-delete-child
double-into-int float-write float-read int-2147483647 int-over-2-31-i8-tag int-over-2-31-int-tag fault-int-over-2-31-in-response
image-write image-read-bin-size fault-image-garbage text-control-chars-stored-read text-control-chars-in-list
context-allowed-nil context-in-args-positional
lang-translated-field-en lang-translated-field-zh lang-unknown lang-zh-country-read lang-zh-country-search
attachment-create attachment-read attachment-read-bin-size attachment-search attachment-create-xmlrpc-base64 fault-attachment-bad-base64
customfield-create-res-partner customfield-create-res-users fault-user-login-unique users-create users-read module-list activity-types`

const hrScene = `
employee-category-create department-create department-create-child department-name-get department-read job-create job-read fault-job-unique
employee-create employee-create-list employee-read-all-fields employee-search-read employee-search-child-of employee-search-dotted
nofault-search-nonstored-employee-childids-count nofault-search-nonstored-employee-contract employee-read-group-department
employee-write fault-employee-barcode-unique fault-employee-no-name fault-employee-pin-digits lang-zh-fault-validation fault-employee-recursion
fault-department-recursion fault-required-false fault-required-missing-department lang-zh-fault fault-fk-missing fault-selection-bad-value2
attendance-create-checkin attendance-write-checkout attendance-read fault-attendance-checkout-before fault-attendance-overlap
nofault-attendance-iso-datetime fault-attendance-iso-datetime-offset attendance-datetime-microseconds
bool-write-int bool-write-string char-write-bool-true char-write-list computed-readonly-write
date-write-datetime-string date-write-empty-string date-write-false date-write-iso date-write-short date-write-slashes
m2o-write-negative m2o-write-string-id m2o-write-zero selection-empty-string write-date-write write-id
department-write-manager
customfield-create fault-customfield-noprefix fault-customfield-duplicate customfield-create-hr-department
customfield-fields-get customfield-write customfield-search char-size-overflow x_dingtalk_id-restore
xmlid-create xmlid-to-res-id xmlid-to-res-id-missing xmlid-object-reference fault-xmlid-missing-raise xmlid-search-read xmlid-special-chars
xmlid-special-lookup xmlid-employee-load xmlid-employee-load-again
department-unlink-parent nofault-unlink-referenced nofault-unlink-department-with-employees lang-zh-fault-access`

const accessScene = `
access-check-access-rights-false access-plain-read-employee access-plain-read-employee-all access-xmlid-to-res-id-plain
nofault-xmlid-create-plain-user access-xmlid-read-plain-user
fault-access-create-employee xmlrpc1-fault-access lang-zh-fault-access-error fault-check-access-rights-raise fault-access-employee-private-field
fault-access-read-model fault-access-write-company fault-customfield-create-plain-user
fault-purchase-confirm-by-employee fault-sale-confirm-by-employee
nofault-access-search-groups-field nofault-access-users-password users-search-archived fault-user-without-email nofault-employee-user-unique
oauth-provider-create oauth-provider-read oauth-user-link fault-users-unlink-self`

const setupScene = `
setup-model-create setup-model-read-fields setup-field-report-id setup-field-employee-id setup-field-date setup-field-kind setup-field-body
setup-field-amount setup-field-done setup-field-bad-name setup-field-duplicate setup-model-no-access-create setup-access-create
setup-field-one2many setup-record-create setup-record-load setup-record-search-read setup-unlink-model-with-data
setup-view-tree setup-view-form setup-view-inherit-employee setup-action setup-menu-root setup-menu setup-translate-menu setup-menu-read-en setup-menu-read-zh
setup-rule-create setup-group-create setup-user-create`

const officeScene = `
leave-create leave-create-ok leave-read leave-read-all-fields leave-read-state-after fault-leave-overlap
activity-create activity-read activity-search-mine activity-schedule-on-record
leave-action-approve leave-read-state fault-leave-action-approve-twice fault-leave-unlink-validated fault-access-record-rule-write nofault-access-record-rule
leave-action-refuse leave-action-draft leave-action-confirm leave-write-state-directly leave-read-state-after-write
fault-leave-approve-by-employee fault-leave-write-state-by-employee fault-leave-create-for-other
message-post-partner message-post-int-id activity-feedback activity-read-after-done fault-field-groups message-subscribe
sale-action-confirm sale-action-confirm-again sale-action-cancel
purchase-button-confirm nofault-purchase-approve-by-user purchase-button-approve purchase-button-cancel fault-expense-approve-by-employee expense-approve-officer
expense-approve expense-move-create expense-refuse
event-create event-create-allday event-create-recurrent event-search-no-virtual event-search-read-virtual-ids event-create-dateonly event-create-iso-z event-create-offset event-create-xmlrpc-datetime
fault-event-garbage-datetime fault-event-stop-before-start event-read-iso-variants task-create task-read
channel-create channel-message-post message-post-attachment message-post-attachments-tuple html-note-create html-note-read html-write-plain`

const documentScene = `
invoice-create invoice-read invoice-open invoice-read-open invoice-line-read fault-invoice-cancel fault-invoice-unlink-open
purchase-read sale-read expense-create expense-action-submit expense-sheet-create`

// prepareDocuments makes what the recorded documents name: accounts, journals, a tax, products, a vendor.
func prepareDocuments(r *replay) {
	prepareStaff(r)
	r.make("hr.employee", 580409, map[string]any{"name": "Emp User", "user_id": 11})
	r.make("account.account", 7, map[string]any{"code": "101200", "name": "Account Receivable", "user_type_id": 1})
	r.make("account.account", 17, map[string]any{"code": "200000", "name": "Product Sales", "user_type_id": 14})
	r.make("account.journal", 1, map[string]any{"code": "INV", "name": "Customer Invoices", "type": "sale"})
	r.make("account.tax", 1, map[string]any{"name": "Tax 15%", "amount": 15.0, "type_tax_use": "sale"})
	r.make("product.product", 1, map[string]any{"name": "Expenses", "can_be_expensed": true, "taxes_id": []any{[]any{6, 0, []int64{1}}}})
	r.make("product.product", 2, map[string]any{"name": "P1"})
	r.make("res.partner", 603066, map[string]any{"name": "Vendor"})
}

// partners brings the number of visible and of all partners to what was recorded.
func (r *replay) partners(active, all int) {
	r.t.Helper()
	now := map[bool]int{}
	for _, id := range r.s.Search("res.partner", nil) {
		now[r.s.db.table("res.partner").rows[id].flag(r.s.db.models["res.partner"].field("active"))]++
	}
	r.seq("res.partner", 600000)
	fillers := []any{}
	for range active - now[true] {
		fillers = append(fillers, map[string]any{"name": "filler", "image": false})
	}
	for range all - active - now[false] {
		fillers = append(fillers, map[string]any{"name": "filler", "active": false, "image": false})
	}
	quiet := map[string]any{"context": map[string]any{"tracking_disable": true}}
	if _, err := r.s.As(admin).Call("res.partner", "create", []any{fillers}, quiet); err != nil {
		r.t.Fatal(err)
	}
}

func prepareHR(r *replay) { r.seq("hr.department", 3) }

// prepareStaff makes the departments, people and users that the captures of a plain user met.
func prepareStaff(r *replay) {
	r.make("hr.department", 3, map[string]any{"name": `R&D <研发> "部门"`})
	r.make("hr.department", 4, map[string]any{"name": "Backend", "parent_id": 3})
	r.make("hr.employee", 2, map[string]any{
		"name": "张三", "work_email": "zhangsan@example.com", "mobile_phone": "13800000000", "department_id": 4, "job_title": "高级工程师 😀", "pin": "1234",
	})
	r.user("plain_user", 6, 7, "base.group_user")
	r.user("emp1", 8, 40, "base.group_user")
	r.user("emp_user", 11, 41, "base.group_user")
	r.user("mute", 14, 42, "base.group_user")
	r.write("res.partner", 42, map[string]any{"email": false})
	r.make("res.partner", 8, map[string]any{"name": "Wire Test"})
	r.make("ir.model.data", 11622, map[string]any{"module": "dingtalk", "name": "user_manager123", "model": "hr.employee", "res_id": 2})
	r.make("ir.model.data", 11623, map[string]any{"module": "dingtalk", "name": "user_$:LWCP_v1:$abc/+=. 中", "model": "hr.employee", "res_id": 2})
}

func prepareOffice(r *replay) {
	prepareStaff(r)
	r.make("hr.leave.type", 5, map[string]any{"name": "Bridge Leave", "allocation_type": "no", "validation_type": "hr", "color_name": "red"})
	r.write("hr.leave.type", 4, map[string]any{"allocation_type": "fixed"})
}

func init() {
	before["common-authenticate-cooldown"] = func(r *replay) {
		for range cooldownAfter {
			r.play("common-authenticate-wrong-password")
		}
	}
	before["fault-login-cooldown"] = func(r *replay) { r.user("cool", 10, 10, "base.group_user") }
	before["nofault-unknown-field-create"] = func(r *replay) { r.seq("res.partner", 18) }
	before["nofault-unique-raw-psycopg2"] = func(r *replay) { r.seq("ir.model.data", 11620) }
	before["users-read"] = func(r *replay) { r.play("common-authenticate-ok") }
	before["users-search-archived"] = func(r *replay) { r.write("res.users", 8, map[string]any{"name": "Emp One"}) }
	before["text-special-create"] = func(r *replay) { r.seq("res.partner", 21) }
	before["m2m-6-replace"] = func(r *replay) {
		for id := range int64(3) {
			r.make("res.partner.category", id+1, map[string]any{"name": fmt.Sprint("Cat", id+1)})
		}
	}
	before["o2m-0-create-children"] = func(r *replay) { r.seq("res.partner", 29) }
	before["fault-int-over-2-31-in-response"] = func(r *replay) {
		for id := int64(27); id < 29; id++ {
			r.make("res.partner", id, map[string]any{"name": "big", "color": 2000000000})
		}
	}
	before["text-control-chars-stored-read"] = func(r *replay) {
		r.make("res.partner", 31, map[string]any{"name": "ctl\x0bx\x01y\x1bz", "comment": "cr\r\nlf\rend"})
	}
	before["context-allowed-nil"] = func(r *replay) { r.partners(18, 24) }
	before["lang-translated-field-en"] = func(r *replay) {
		r.make("res.partner.category", 5, map[string]any{"name": "English tag"})
		_, err := r.s.As(admin).Call("res.partner.category", "write", []any{[]any{5}, map[string]any{"name": "中文标签"}}, map[string]any{"context": map[string]any{"lang": "zh_CN"}})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	before["customfield-create-res-partner"] = func(r *replay) { r.seq("ir.model.fields", 6319) }
	before["users-create"] = func(r *replay) { r.seq("res.users", 27) }
	before["nofault-attendance-iso-datetime"] = func(r *replay) { r.seq("hr.attendance", 4) }
	before["attendance-datetime-microseconds"] = func(r *replay) {
		r.seq("hr.attendance", 6)
		r.write("hr.attendance", 4, map[string]any{"check_out": "2026-11-22 02:00:00"})
	}
	before["customfield-create-hr-department"] = func(r *replay) { r.seq("ir.model.fields", 6318) }
	before["xmlid-create"] = func(r *replay) { r.seq("ir.model.data", 11622) }
	before["xmlid-employee-load"] = func(r *replay) { r.seq("hr.employee", 6) }
	before["department-unlink-parent"] = func(r *replay) { r.make("hr.department", 13, map[string]any{"name": "P"}) }
	before["nofault-xmlid-create-plain-user"] = func(r *replay) { r.seq("ir.model.data", 11626) }
	before["nofault-employee-user-unique"] = func(r *replay) { r.seq("hr.employee", 580425) }
	before["oauth-provider-create"] = func(r *replay) { r.seq("auth.oauth.provider", 4) }
	before["fault-users-unlink-self"] = func(r *replay) {
		r.s.Create("mail.activity", map[string]any{"res_model_id": 74, "res_id": 8, "activity_type_id": 4, "user_id": 2})
	}
	before["leave-create-ok"] = func(r *replay) { r.seq("hr.leave", 2); r.seq("mail.activity", 2) }
	before["fault-leave-approve-by-employee"] = func(r *replay) {
		for id, day := range map[int64]string{7: "2027-05-03", 11: "2027-05-05"} {
			r.make("hr.leave", id, map[string]any{"employee_id": 2, "holiday_status_id": 5, "date_from": day + " 01:00:00", "date_to": day + " 10:00:00", "number_of_days": 1})
		}
	}
	before["fault-leave-create-for-other"] = func(r *replay) { r.seq("hr.leave", 8) }
	before["message-post-partner"] = func(r *replay) { r.seq("mail.message", 56) }
	before["sale-action-confirm"] = func(r *replay) {
		r.make("sale.order", 1, map[string]any{"partner_id": 8})
	}
	before["purchase-button-confirm"] = func(r *replay) {
		r.user("buyer", 17, 50, "purchase.group_purchase_user")
		r.user("head_buyer", 18, 51, "purchase.group_purchase_manager")
		for id := range int64(2) {
			r.make("purchase.order", id+1, map[string]any{"partner_id": 8, "date_planned": "2026-12-01 00:00:00"})
		}
	}
	before["fault-expense-approve-by-employee"] = func(r *replay) {
		r.user("exp_officer", 15, 52, "hr_expense.group_hr_expense_user")
		r.user("exp_manager", 16, 53, "hr_expense.group_hr_expense_manager")
		for id := range int64(2) {
			r.make("hr.expense.sheet", id+1, map[string]any{"name": "Report", "employee_id": 2, "state": "submit"})
		}
	}
	before["channel-create"] = func(r *replay) { r.seq("mail.channel", 4) }
	before["channel-message-post"] = func(r *replay) { r.seq("mail.message", 2659) }
	before["event-create"] = func(r *replay) { r.seq("calendar.event", 2) }
	before["event-create-dateonly"] = func(r *replay) { r.seq("calendar.event", 7) }
	before["event-create-offset"] = func(r *replay) { r.seq("calendar.event", 6) }
	before["task-create"] = func(r *replay) {
		r.make("project.project", 2, map[string]any{"name": "Proj"})
		r.seq("project.task", 13)
	}
	before["purchase-read"] = func(r *replay) {
		r.make("purchase.order", 1, map[string]any{"partner_id": 603066, "order_line": []any{[]any{0, 0, map[string]any{
			"product_id": 2, "name": "P1", "product_qty": 2.0, "price_unit": 6000.0, "product_uom": 1, "date_planned": "2026-12-01 00:00:00",
		}}}})
	}
	before["sale-read"] = func(r *replay) {
		r.make("sale.order", 1, map[string]any{"partner_id": 8, "order_line": []any{[]any{0, 0, map[string]any{"product_id": 1, "name": "P", "product_uom_qty": 2.0, "price_unit": 10.0}}}})
	}
	before["expense-move-create"] = func(r *replay) {
		r.make("account.journal", 2, map[string]any{"code": "BILL", "name": "Vendor Bills", "type": "purchase"})
		r.write("hr.expense.sheet", 1, map[string]any{"journal_id": 2})
	}
	before["message-post-attachment"] = func(r *replay) {
		r.make("ir.attachment", 9866, map[string]any{"name": "f"})
		r.seq("mail.message", 2663)
	}
	before["setup-field-one2many"] = func(r *replay) {
		line := r.s.Create("ir.model", map[string]any{"name": "Line", "model": "x_dingtalk_report_line", "state": "manual"})
		r.s.Create("ir.model.fields", map[string]any{"name": "x_report_id", "ttype": "many2one", "relation": "x_dingtalk_report", "field_description": "Report", "model_id": line, "state": "manual", "on_delete": "cascade"})
		r.s.Create("ir.model.access", map[string]any{"name": "line", "model_id": line, "group_id": 1, "perm_read": true, "perm_write": true, "perm_create": true})
		r.seq("ir.model.fields", 6339)
	}
	before["setup-view-inherit-employee"] = func(r *replay) {
		r.seq("ir.ui.view", 377)
		r.make("ir.ui.view", 377, map[string]any{"name": "hr.employee.form", "model": "hr.employee", "type": "form"})
		r.seq("ir.ui.view", 1044)
	}

	accounting := []string{"property_account_payable_id", "property_account_receivable_id", "property_product_pricelist", "message_follower_ids", "message_ids"}
	ignored["partner-read-all-fields"] = accounting
	ignored["image-read-bin-size"] = []string{"image_medium", "image_small"}
	ignored["employee-search-read"] = []string{"barcode", "pin"}
	ignored["employee-read-all-fields"] = []string{"message_follower_ids", "message_ids"}
	ignored["leave-read-all-fields"] = []string{"message_follower_ids", "message_ids", "activity_ids", "number_of_hours_display"}
	thread := []string{"message_follower_ids", "message_ids", "team_id"}
	ignored["purchase-read"] = thread
	ignored["sale-read"] = append([]string{"pricelist_id", "amount_by_group", "expected_date"}, thread...)
	ignored["invoice-read"] = append([]string{"write_uid"}, thread...)
	ignored["users-read"] = []string{"write_date"}
}
