package odootest

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// installed is when the seeded records were made: before anything a test does, whatever its clock says.
var installed = stampOf(time.Date(2019, 10, 1, 8, 0, 0, 123456000, time.UTC))

// group is one seeded res.groups record; ids, names and categories are those of the recorded database.
type group struct {
	id                    int64
	xmlID, category, name string
	implied               []string
}

var groups = []group{
	{1, "base.group_user", "User types", "Internal User", nil},
	{2, "base.group_erp_manager", "Administration", "Access Rights", []string{"base.group_user"}},
	{3, "base.group_system", "Administration", "Settings", []string{"base.group_erp_manager"}},
	{4, "base.group_multi_company", "Technical Settings", "Multi Companies", nil},
	{5, "base.group_multi_currency", "Technical Settings", "Multi Currencies", nil},
	{6, "base.group_no_one", "Extra Rights", "Technical Features", nil},
	{7, "base.group_partner_manager", "Extra Rights", "Contact Creation", nil},
	{8, "base.group_private_addresses", "Extra Rights", "Access to Private Addresses", nil},
	{9, "base.group_portal", "User types", "Portal", nil},
	{10, "base.group_public", "User types", "Public", nil},
	{14, "hr.group_hr_user", "Employees", "Officer", []string{"base.group_user"}},
	{15, "hr.group_hr_manager", "Employees", "Manager", []string{"hr.group_hr_user"}},
	{21, "sales_team.group_sale_salesman", "Sales", "User: Own Documents Only", []string{"base.group_user"}},
	{22, "sales_team.group_sale_salesman_all_leads", "Sales", "User: All Documents", []string{"sales_team.group_sale_salesman"}},
	{23, "sales_team.group_sale_manager", "Sales", "Manager", []string{"sales_team.group_sale_salesman_all_leads"}},
	{24, "hr_attendance.group_hr_attendance_user", "Attendance", "Officer", []string{"hr.group_hr_user", "hr_attendance.group_hr_attendance"}},
	{25, "hr_attendance.group_hr_attendance_manager", "Attendance", "Manager", []string{"hr_attendance.group_hr_attendance_user"}},
	{26, "hr_attendance.group_hr_attendance", "Attendance", "Manual Attendance", []string{"base.group_user"}},
	{27, "hr_attendance.group_hr_attendance_use_pin", "Technical Settings", "Enable PIN use", nil},
	{28, "hr_contract.group_hr_contract_manager", "Contracts", "Manager", []string{"hr.group_hr_user"}},
	{29, "hr_holidays.group_hr_holidays_user", "Leaves", "Officer", []string{"hr.group_hr_user"}},
	{30, "hr_holidays.group_hr_holidays_manager", "Leaves", "Manager", []string{"hr_holidays.group_hr_holidays_user"}},
	{31, "account.group_account_invoice", "Accounting & Finance", "Billing", []string{"base.group_user"}},
	{32, "account.group_show_line_subtotals_tax_excluded", "Technical Settings", "Tax display B2B", nil},
	{34, "account.group_account_user", "Technical Settings", "Show Full Accounting Features", nil},
	{35, "account.group_account_manager", "Accounting & Finance", "Billing Manager", []string{"account.group_account_invoice"}},
	{39, "account.group_products_in_bills", "Technical Settings", "Use products on vendor bills", nil},
	{41, "project.group_project_user", "Project", "User", []string{"base.group_user"}},
	{42, "project.group_project_manager", "Project", "Manager", []string{"project.group_project_user"}},
	{45, "hr_expense.group_hr_expense_user", "Expenses", "Officer", []string{"base.group_user"}},
	{46, "hr_expense.group_hr_expense_manager", "Expenses", "Manager", []string{"hr_expense.group_hr_expense_user"}},
	{47, "purchase.group_purchase_user", "Purchases", "User", []string{"base.group_user"}},
	{48, "purchase.group_purchase_manager", "Purchases", "Manager", []string{"purchase.group_purchase_user"}},
}

// defaultGroups are those of the default-user template: what a user created without groups_id gets.
var defaultGroups = []int64{1, 7, 15, 14, 21, 22, 23, 26, 24, 25, 28, 29, 30, 31, 32, 35, 39, 41, 42, 45, 46, 47, 48, 6, 8}

// adminGroups are the administrator's in the recorded database.
var adminGroups = []int64{2, 8, 31, 35, 7, 1, 48, 15, 23, 25, 28, 30, 42, 46, 26, 29, 14, 24, 45, 3, 32, 6, 39, 41, 47, 22, 21}

// installedModules is the recorded list of ir.module.module in its order: id, name, version.
const installedModules = "205 crm 12.0.1.0; 14 project 12.0.1.1; 198 account 12.0.1.1; 86 sale_management 12.0.1.0; 300 note 12.0.1.0; 150 purchase " +
	"12.0.1.2; 222 hr 12.0.1.1; 10 hr_attendance 12.0.2.0; 108 hr_expense 12.0.2.0; 67 account_bank_statement_import 12.0.1.0; 46 " +
	"account_facturx 12.0.1.0; 184 analytic 12.0.1.1; 165 auth_oauth 12.0.1.0; 91 auth_signup 12.0.1.0; 236 barcodes 12.0.2.0; 254 " +
	"base 12.0.1.3; 141 base_automation 12.0.1.0; 157 base_import 12.0.1.0; 188 base_setup 12.0.1.0; 220 bus 12.0.1.0; 118 " +
	"calendar_sms 12.0.1.0; 156 contacts 12.0.1.0; 306 decimal_precision 12.0.0.1; 284 digest 12.0.1.0; 215 fetchmail 12.0.1.0; 47 " +
	"hr_contract 12.0.1.0; 53 hr_holidays 12.0.1.5; 305 iap 12.0.1.0; 101 l10n_generic_coa 12.0.1.1; 216 mail 12.0.1.0; 98 " +
	"mail_bot 12.0.1.0; 95 partner_autocomplete 12.0.1.0; 134 payment 12.0.1.0; 248 payment_transfer 12.0.1.0; 285 product " +
	"12.0.1.2; 143 rating 12.0.1.0; 307 resource 12.0.1.1; 9 sale 12.0.1.1; 190 sale_crm 12.0.1.0; 246 sale_expense 12.0.1.0; 128 " +
	"sale_purchase 12.0.1.0; 139 sales_team 12.0.1.0; 273 sms 12.0.1.0; 270 snailmail 12.0.0.1; 161 snailmail_account 12.0.0.1; 4 " +
	"uom 12.0.1.0; 189 utm 12.0.1.0; 162 web 12.0.1.0; 293 web_diagram 12.0.2.0; 255 web_editor 12.0.1.0; 26 web_kanban_gauge " +
	"12.0.1.0; 75 web_settings_dashboard 12.0.1.0; 77 web_tour 12.0.0.1; 62 web_unsplash 12.0.1.1; 70 calendar 12.0.1.0; 291 " +
	"portal 12.0.1.0; 49 http_routing 12.0.1.0"

// nextIDs are the sequences of the recorded database where they matter to nobody but a reader of both.
var nextIDs = map[string]int64{
	"ir.model": firstManualModel, "ir.model.fields": firstManualField, "ir.model.data": 11620, "ir.model.access": 553, "res.groups": 57,
	"ir.rule": 128, "ir.ui.menu": 305, "ir.ui.view": 1038, "ir.actions.act_window": 437, "ir.attachment": 348,
}

// minimalModels are models that the others point at and that have no recorded fields.
func minimalModels() []*model {
	char := func(name, label string) field {
		return field{name: name, typ: "char", label: label, store: true, search: true, order: true}
	}
	flag := field{name: "active", typ: "boolean", label: "Active", store: true, search: true, order: true, def: true}
	specs := []struct {
		name, description, order string
		fields                   []field
	}{
		{"res.country", "Country", "name", []field{{name: "name", typ: "char", label: "Country Name", store: true, search: true, order: true, translate: true, required: true}, char("code", "Country Code")}},
		{"res.lang", "Languages", "active desc,name", []field{char("name", "Name"), char("code", "Locale Code"), flag}},
		{"ir.module.category", "Application", "name", []field{char("name", "Name")}},
		{"ir.module.module", "Module", "sequence,name", []field{
			{name: "sequence", typ: "integer", label: "Sequence", store: true, search: true, order: true},
			char("name", "Technical Name"), char("shortdesc", "Module Name"), char("state", "Status"),
			char("installed_version", "Latest Version"), char("latest_version", "Installed Version"),
		}},
	}
	var out []*model
	for _, s := range specs {
		m := newModel(s.name, s.description)
		m.order = s.order
		for i := range s.fields {
			m.add(&s.fields[i])
		}
		for i := range magic {
			f := magic[i]
			m.add(&f)
		}
		out = append(out, m)
	}
	return out
}

// seeder fills a fresh database. Its first error stops it.
type seeder struct {
	e   *env
	err error
}

var freshDatabase = sync.OnceValue(buildDatabase)

// buildDatabase makes the database every server starts from; servers share its rows and copy its maps.
func buildDatabase() *database {
	models, err := stockModels()
	if err != nil {
		panic(err) // the embedded files are part of the program: only a broken build gets here
	}
	db := &database{models: models, tables: map[string]*table{}}
	s := &Server{clock: time.Now, locks: map[rowKey]*Tx{}, db: db}
	t := &tx{s: s, db: db, stamp: installed}
	sd := &seeder{e: newEnv(t, superuser)}
	sd.registry()
	sd.groups()
	sd.companyAndUsers()
	sd.access()
	sd.rules()
	sd.masterData()
	sd.people()
	if sd.err != nil {
		panic(sd.err) // likewise
	}
	t.commit()
	for name, next := range nextIDs {
		if tb := db.table(name); tb.next < next {
			tb.next = next
		}
	}
	return db
}

// add stores one record as given, with its external id if it has one.
func (s *seeder) add(model string, id int64, xmlID string, vals values) {
	if s.err != nil {
		return
	}
	m := s.e.model(model)
	t := s.e.rows(model)
	if id == 0 {
		id = t.next
	}
	t.next = max(t.next, id+1)
	r := &row{id: id, v: make([]any, len(m.cols)), created: installed, written: installed, createdBy: superuser, writtenBy: superuser}
	for _, f := range m.cols {
		v, given := vals[f.name]
		if !given {
			if v = f.def; v == nil && f.typ == "boolean" {
				v = false
			}
		}
		if ids, ok := v.([]int64); ok {
			r.v[f.col] = ids
		} else if v != nil && f.col >= 0 {
			if r.v[f.col], s.err = (convert{f, model}).value(v); s.err != nil {
				return
			}
		}
	}
	if s.err = s.e.tx.put(model, id, r); s.err == nil && xmlID != "" {
		s.err = s.e.setXMLID(xmlID, m, id, true, false)
	}
}

func (s *seeder) registry() {
	irFields := s.e.model("ir.model.fields")
	for _, name := range sortedKeys(s.e.db.models) {
		m := s.e.db.models[name]
		s.add("ir.model", m.id, "", values{"name": m.description, "model": name, "state": "base", "is_mail_thread": m.field("message_ids") != nil})
		for _, fname := range m.names {
			r := reflection(nil, irFields, m, m.fields[fname])
			r.id, r.created, r.written = m.fields[fname].id, installed, installed
			if s.err == nil {
				s.err = s.e.tx.put(irFields.name, r.id, r)
			}
		}
	}
}

func (s *seeder) groups() {
	categories := map[string]int64{}
	for _, g := range groups {
		id := categories[g.category]
		if id == 0 {
			id = s.e.rows("ir.module.category").next
			categories[g.category] = id
			s.add("ir.module.category", id, "", values{"name": g.category})
		}
		s.add("res.groups", g.id, g.xmlID, values{"name": g.name, "category_id": id})
	}
	byXMLID := map[string]int64{}
	for _, g := range groups {
		byXMLID[g.xmlID] = g.id
	}
	m := s.e.model("res.groups")
	for _, g := range groups {
		var implied []int64
		for _, x := range g.implied {
			implied = append(implied, byXMLID[x])
		}
		if len(implied) > 0 && s.err == nil {
			s.err = s.e.blank(m, g.id, m.field("implied_ids"), implied)
		}
	}
}

func (s *seeder) companyAndUsers() {
	for i, code := range []string{"EUR", "USD"} {
		s.add("res.currency", int64(i+1), "base."+code, values{"name": code, "symbol": code, "active": true})
	}
	s.add("res.currency", 7, "base.CNY", values{"name": "CNY", "symbol": "¥", "active": true})
	partners := []struct {
		name, email string
		active      bool
	}{
		{"My Company", "info@yourcompany.example.com", true},
		{"OdooBot", "odoobot@example.com", false},
		{"Administrator", "admin@example.com", true},
		{"Default User Template", "", false},
		{"Public user", "", false},
		{"Portal User Template", "", false},
	}
	for i, p := range partners {
		s.add("res.partner", int64(i+1), "", values{
			"name": p.name, "display_name": p.name, "email": p.email, "active": p.active, "company_id": int64(1), "lang": "en_US", "customer": i == 2,
			"is_company": i == 0, "commercial_partner_id": int64(i + 1), "type": "contact", "image": avatar, "image_medium": avatar, "image_small": avatar,
		})
	}
	s.add("resource.calendar", 1, "resource.resource_calendar_std", values{"name": "Standard 40 Hours/Week", "company_id": int64(1), "tz": "UTC", "hours_per_day": 8.0})
	s.add("res.company", 1, "base.main_company", values{
		"name": "My Company", "partner_id": int64(1), "currency_id": int64(2), "resource_calendar_id": int64(1), "email": "info@yourcompany.example.com",
	})
	users := []struct {
		login, xmlID, password string
		partner                int64
		groups                 []int64
		active, share          bool
	}{
		{"__system__", "base.user_root", "", 2, adminGroups, false, false},
		{"admin", "base.user_admin", "admin", 3, adminGroups, true, false},
		{"default", "base.default_user", "", 4, defaultGroups, false, false},
		{"public", "base.public_user", "", 5, []int64{10}, false, true},
		{"portaltemplate", "auth_signup.template_portal_user_id", "", 6, []int64{9}, false, true},
	}
	for i, u := range users {
		s.add("res.users", int64(i+1), u.xmlID, values{
			"login": u.login, "partner_id": u.partner, "company_id": int64(1), "company_ids": []int64{1}, "groups_id": u.groups, "active": u.active,
			"share": u.share, passwordField: u.password,
		})
	}
}

func (s *seeder) access() {
	var orm ormFile
	if err := unmarshalORM(&orm); err != nil {
		s.err = err
		return
	}
	for _, a := range orm.Access {
		m := s.e.model(a[0])
		if m == nil {
			continue
		}
		_, gid := s.e.xmlID(a[1])
		s.add("ir.model.access", 0, "", values{
			"name": a[3], "model_id": m.id, "group_id": gid, "active": true, "perm_read": strings.Contains(a[2], "r"), "perm_write": strings.Contains(a[2], "w"),
			"perm_create": strings.Contains(a[2], "c"), "perm_unlink": strings.Contains(a[2], "d"),
		})
	}
	_, manager := s.e.xmlID("base.group_erp_manager")
	for _, m := range minimalModels() {
		s.add("ir.model.access", 0, "", values{"name": m.name, "model_id": s.e.model(m.name).id, "active": true, "perm_read": true})
		s.add("ir.model.access", 0, "", values{
			"name": m.name + " manager", "model_id": s.e.model(m.name).id, "group_id": manager, "active": true,
			"perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true,
		})
	}
}

func (s *seeder) masterData() {
	countries := []struct {
		id         int64
		code, name string
		zh         string
	}{
		{48, "CN", "China", "中国"},
		{57, "DE", "Germany", "德国"},
		{75, "FR", "France", "法国"},
		{94, "HK", "Hong Kong", "中国香港"},
		{113, "JP", "Japan", "日本"},
		{197, "SG", "Singapore", "新加坡"},
		{227, "TW", "Taiwan", "中国台湾"},
		{231, "GB", "United Kingdom", "英国"},
		{233, "US", "United States", "美国"},
	}
	for _, c := range countries {
		s.add("res.country", c.id, "base."+strings.ToLower(c.code), values{"name": c.name, "code": c.code})
		if m := s.e.model("res.country"); s.err == nil {
			r := s.e.row(m.name, c.id).clone(m)
			r.translate("zh_CN", m.field("name"), c.zh)
			s.err = s.e.tx.put(m.name, c.id, r)
		}
	}
	s.add("res.lang", 1, "base.lang_en", values{"name": "English", "code": "en_US", "active": true})
	s.add("res.lang", 2, "base.lang_zh_CN", values{"name": "Chinese (Simplified) / 简体中文", "code": "zh_CN", "active": true})
	for i, part := range strings.Split(installedModules, "; ") {
		var id int64
		var name, version string
		if _, err := fmt.Sscan(part, &id, &name, &version); err != nil {
			s.err = err
			return
		}
		s.add("ir.module.module", id, "base.module_"+name, values{"sequence": int64(i), "name": name, "shortdesc": name, "state": "installed", "installed_version": version, "latest_version": version})
	}
	types := []struct { // in their order
		id                          int64
		name, category, icon, xmlID string
		delay                       int64
		model                       string
	}{
		{1, "Email", "default", "fa-envelope", "mail.mail_activity_data_email", 0, ""},
		{2, "Call", "default", "fa-phone", "mail.mail_activity_data_call", 2, ""},
		{3, "Meeting", "meeting", "fa-users", "mail.mail_activity_data_meeting", 0, ""},
		{7, "Leaves Approval", "default", "fa-sun-o", "hr_holidays.mail_act_leave_approval", 0, "hr.leave"},
		{8, "Leaves Second Approve", "default", "fa-sun-o", "hr_holidays.mail_act_leave_second_approval", 0, "hr.leave"},
		{9, "Allocation Approval", "default", "fa-sun-o", "hr_holidays.mail_act_leave_allocation_approval", 0, "hr.leave.allocation"},
		{10, "Allocation Second Approve", "default", "fa-sun-o", "hr_holidays.mail_act_leave_allocation_second_approval", 0, "hr.leave.allocation"},
		{11, "Expense Approval", "default", "fa-dollar", "hr_expense.mail_act_expense_approval", 0, "hr.expense.sheet"},
		{12, "Order Upsell", "default", "fa-line-chart", "sale.mail_act_sale_upsell", 0, "sale.order"},
		{4, "To Do", "default", "fa-tasks", "mail.mail_activity_data_todo", 5, ""},
		{6, "Reminder", "reminder", "fa-tasks", "calendar.mail_activity_data_reminder", 0, ""},
		{5, "Exception", "default", "fa-warning", "mail.mail_activity_data_warning", 0, ""},
	}
	for i, t := range types {
		vals := values{"name": t.name, "category": t.category, "icon": t.icon, "delay_count": t.delay, "active": true, "sequence": int64(i)}
		if m := s.e.model(t.model); m != nil {
			vals["res_model_id"] = m.id
		}
		s.add("mail.activity.type", t.id, t.xmlID, vals)
	}
	for _, t := range subtypes {
		s.add("mail.message.subtype", t.id, t.xmlID, values{"name": t.name, "res_model": falseForText(t.model), "default": t.byDefault, "internal": t.id == 2 || t.id == 3})
	}
	_, internal := s.e.xmlID("base.group_user")
	s.add("mail.channel", 1, "mail.channel_all_employees", values{"name": "general", "public": "groups", "group_public_id": internal, "channel_type": "channel", "email_send": false})
	for i, a := range alarms {
		s.add("calendar.alarm", int64(i+1), "calendar."+a.xmlID, values{"name": a.name, "type": a.typ, "duration": a.duration, "interval": a.interval, "duration_minutes": a.minutes})
	}
	for _, u := range units {
		s.add("uom.uom", u.id, "uom.product_uom_"+u.xmlID, values{"name": u.name, "factor": u.factor, "uom_type": u.kind, "rounding": 0.01, "active": true})
	}
	for i, t := range accountTypes {
		s.add("account.account.type", int64(i+1), "account.data_account_type_"+t.xmlID, values{
			"name": t.name, "type": t.typ, "internal_group": falseForText(t.group), "include_initial_balance": i < 12,
		})
	}
	for i, n := range []string{"Legal Leaves", "Sick Leaves", "Compensatory Days", "Unpaid"} {
		s.add("hr.leave.type", int64(i+1), "hr_holidays.holiday_status_"+[]string{"cl", "sl", "comp", "unpaid"}[i], values{
			"name": n, "allocation_type": []string{"fixed", "no", "fixed_allocation", "fixed_allocation"}[i], "active": true, "company_id": int64(1),
			"color_name": []string{"black", "red", "lavender", "brown"}[i], "validation_type": []string{"hr", "hr", "hr", "both"}[i], "request_unit": "day",
		})
	}
}

func (s *seeder) people() {
	for i, n := range []string{"Administration", "Sales"} {
		s.add("hr.department", int64(i+1), "hr.dep_"+strings.ToLower(n), values{"name": n, "complete_name": n, "company_id": int64(1), "active": true})
	}
	s.add("resource.resource", 1, "", values{
		"name": "Administrator", "user_id": int64(2), "company_id": int64(1), "calendar_id": int64(1), "tz": "UTC", "active": true,
		"resource_type": "user", "time_efficiency": 100.0,
	})
	s.add("hr.employee", 1, "hr.employee_admin", values{
		"name": "Administrator", "user_id": int64(2), "resource_id": int64(1), "company_id": int64(1), "resource_calendar_id": int64(1), "active": true,
		"address_id": int64(3), "address_home_id": int64(3), "work_email": "admin@example.com", "barcode": "01694891", "pin": "2235",
		"image": avatar, "image_medium": avatar, "image_small": avatar,
	})
	if s.err != nil {
		s.err = fmt.Errorf("odootest: seed: %w", s.err)
	}
}
