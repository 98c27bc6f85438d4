package odootest

// Business is the master data that documents need, as SeedBusiness makes it: ids by what people know them by.
type Business struct {
	Accounts   map[string]int64 // by code, such as 660201
	Journals   map[string]int64 // by code: INV, BILL, 记
	Taxes      map[string]int64 // by name, such as 进项6%
	Products   map[string]int64 // by name, such as 住宿费
	LeaveTypes map[string]int64 // by name, such as 年假
	Vendor     int64
	Customer   int64
	Unit       int64 // the unit of measure of all products
}

// The company's chart: an excerpt of what a Chinese company keeps. The type is that of the external id account.data_account_type_….
var businessAccounts = []struct{ code, name, typ string }{
	{"1001", "库存现金", "liquidity"},
	{"1002", "银行存款", "liquidity"},
	{"1122", "应收账款", "receivable"},
	{"1221", "其他应收款", "current_assets"},
	{"2202", "应付账款", "payable"},
	{"2211", "应付职工薪酬", "current_liabilities"},
	{"222101", "应交税费-应交增值税-进项税额", "current_liabilities"},
	{"222102", "应交税费-应交增值税-销项税额", "current_liabilities"},
	{"2241", "其他应付款", "current_liabilities"},
	{"6001", "主营业务收入", "revenue"},
	{"6401", "主营业务成本", "direct_costs"},
	{"660201", "管理费用-交通费", "expenses"},
	{"660202", "管理费用-住宿费", "expenses"},
	{"660203", "管理费用-业务招待费", "expenses"},
	{"660204", "管理费用-办公费", "expenses"},
	{"660205", "管理费用-差旅补贴", "expenses"},
}

var businessProducts = []struct {
	name    string
	expense bool
	taxes   string
}{
	{"交通费", true, ""},
	{"住宿费", true, ""},
	{"餐费", true, ""},
	{"笔记本电脑", false, "销项13%"},
	{"技术服务", false, "销项6%"},
}

// SeedBusiness gives the company what leaves, orders, expense reports, invoices and entries are made of: yuan, accounts, journals,
// taxes, products, a vendor, a customer and leave types that need no allocation. It is for a server without such records yet.
func (s *Server) SeedBusiness() (Business, error) {
	b := &businessSeeder{person: s.As(admin), made: Business{
		Accounts: map[string]int64{}, Journals: map[string]int64{}, Taxes: map[string]int64{}, Products: map[string]int64{}, LeaveTypes: map[string]int64{},
	}}
	b.made.Unit = b.known(s, "uom.product_uom_unit")
	b.err = b.person.Write("res.company", 1, map[string]any{"currency_id": b.known(s, "base.CNY")})
	for _, a := range businessAccounts {
		b.made.Accounts[a.code] = b.create("account.account", map[string]any{"code": a.code, "name": a.name, "user_type_id": b.known(s, "account.data_account_type_"+a.typ)})
	}
	b.books()
	for _, p := range businessProducts {
		vals := map[string]any{"name": p.name, "can_be_expensed": p.expense, "type": map[bool]string{true: "service", false: "consu"}[p.expense]}
		if p.taxes != "" {
			vals["taxes_id"] = []any{[]any{6, 0, []int64{b.made.Taxes[p.taxes]}}}
		}
		b.made.Products[p.name] = b.create("product.product", vals)
	}
	b.made.Vendor = b.create("res.partner", map[string]any{"name": "深圳市联创科技有限公司", "is_company": true, "supplier": true, "customer": false})
	b.made.Customer = b.create("res.partner", map[string]any{"name": "上海华信贸易有限公司", "is_company": true, "customer": true})
	for _, t := range []struct{ name, validation string }{{"年假", "hr"}, {"事假", "manager"}, {"病假", "hr"}, {"产假", "both"}} {
		b.made.LeaveTypes[t.name] = b.create("hr.leave.type", map[string]any{"name": t.name, "allocation_type": "no", "validation_type": t.validation})
	}
	return b.made, b.err
}

// businessSeeder makes records until its first error.
type businessSeeder struct {
	person *Session
	made   Business
	err    error
}

func (b *businessSeeder) create(model string, vals map[string]any) int64 {
	if b.err != nil {
		return 0
	}
	var id int64
	id, b.err = b.person.Create(model, vals)
	return id
}

func (b *businessSeeder) known(s *Server, xmlID string) (id int64) {
	if b.err == nil {
		b.err = s.transact(superuser, func(e *env) error {
			if _, id = e.xmlID(xmlID); id == 0 {
				return pythonFault("ValueError", "External ID not found in the system: "+xmlID)
			}
			return nil
		})
	}
	return id
}

// books makes the journals and the taxes.
func (b *businessSeeder) books() {
	for _, j := range []struct{ code, name, typ, account string }{
		{"INV", "客户发票", "sale", "6001"},
		{"BILL", "供应商账单", "purchase", "6401"},
		{"记", "记账凭证", "general", ""},
		{"BNK", "银行", "bank", "1002"},
	} {
		vals := map[string]any{"code": j.code, "name": j.name, "type": j.typ}
		if j.account != "" {
			vals["default_debit_account_id"], vals["default_credit_account_id"] = b.made.Accounts[j.account], b.made.Accounts[j.account]
		}
		b.made.Journals[j.code] = b.create("account.journal", vals)
	}
	for _, t := range []struct {
		name, use, account string
		rate               float64
	}{
		{"进项6%", "purchase", "222101", 6},
		{"进项9%", "purchase", "222101", 9},
		{"进项13%", "purchase", "222101", 13},
		{"销项6%", "sale", "222102", 6},
		{"销项13%", "sale", "222102", 13},
	} {
		b.made.Taxes[t.name] = b.create("account.tax", map[string]any{
			"name": t.name, "type_tax_use": t.use, "amount": t.rate, "account_id": b.made.Accounts[t.account], "refund_account_id": b.made.Accounts[t.account],
		})
	}
}
