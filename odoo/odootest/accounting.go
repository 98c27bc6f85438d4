package odootest

import (
	"fmt"
	"slices"
	"strings"
)

const (
	unbalancedText = "Cannot create unbalanced journal entry."
	postedText     = "You cannot do this modification on a posted journal entry, you can just change some non legal fields. You must revert the journal entry to cancel it.\nMove name (id): %s (%d)."
	uncancelable   = "You cannot modify a posted entry of this journal.\nFirst you should set the journal to allow cancelling entries."
)

func init() {
	behaviours["account.account"] = &behaviour{
		defaults:   companyDefault,
		nameGet:    func(_ *env, m *model, r *row) string { return r.str(m.field("code")) + " " + r.str(m.field("name")) },
		nameSearch: accountNameSearch,
	}
	behaviours["account.journal"] = &behaviour{
		defaults: companyDefault,
		nameGet: func(e *env, m *model, r *row) string {
			currency := r.ref(m.field("currency_id"))
			if currency == 0 {
				currency = e.refOf("res.company", r.ref(m.field("company_id")), "currency_id")
			}
			return r.str(m.field("name")) + " (" + e.text("res.currency", currency, "name") + ")"
		},
	}
	behaviours["account.tax"] = &behaviour{defaults: companyDefault}
	behaviours["account.move"] = &behaviour{
		defaults: func(e *env, _ *model) values { return values{"date": e.tx.stamp.Date()} },
		within:   values{"check_move_validity": false},
		afterCreate: func(e *env, m *model, id int64, _ values) error {
			journal := e.refOf(m.name, id, "journal_id")
			company := e.refOf("account.journal", journal, "company_id")
			err := e.set(m, id, values{"company_id": idOrNil(company), "currency_id": e.value("res.company", company, "currency_id")})
			if err != nil {
				return err
			}
			return e.settleMove(id)
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			for _, id := range ids {
				if has(vals, "date", "ref", "journal_id") {
					shared := values{"date": e.value(m.name, id, "date"), "ref": e.value(m.name, id, "ref"), "journal_id": e.value(m.name, id, "journal_id")}
					if err := e.toLines(m, id, "line_ids", "move_id", shared); err != nil {
						return err
					}
				}
				if has(vals, "line_ids") {
					if err := e.settleMove(id); err != nil {
						return err
					}
				}
			}
			return nil
		},
		beforeUnlink: func(e *env, _ *model, ids []int64) (func() error, error) {
			return func() error { return nil }, e.unposted(ids)
		},
		nameGet: func(_ *env, m *model, r *row) string {
			if name := r.str(m.field("name")); name != "/" {
				return name
			}
			return fmt.Sprintf("* %d", r.id)
		},
		methods: map[string]method{
			"post":          {multi: true, params: []string{"invoice"}, run: movePost},
			"button_cancel": {multi: true, run: moveCancel},
		},
	}
	behaviours["account.move.line"] = &behaviour{
		sqlCheck: func(m *model, r *row) (name, message string) {
			debit, _ := r.at(m.field("debit")).(float64)
			credit, _ := r.at(m.field("credit")).(float64)
			switch {
			case debit*credit != 0:
				return "credit_debit1", "Wrong credit or debit value in accounting entry! Credit or debit should be zero."
			case debit+credit < 0:
				return "credit_debit2", "Wrong credit or debit value in accounting entry! Credit and debit should be positive."
			}
			return "", ""
		},
		beforeCreate: func(e *env, _ *model, vals values) error {
			if move, ok := toInt(vals["move_id"]); ok && !truthy(vals["date_maturity"]) {
				vals["date_maturity"] = orFalse(e.value("account.move", move, "date"))
			}
			return nil
		},
		afterCreate: moveLineCreated,
		beforeWrite: func(e *env, m *model, ids []int64, vals values) (*env, error) {
			if has(vals, "account_id", "journal_id", "date", "move_id", "debit", "credit") {
				return e, e.unposted(movesOf(e, m, ids))
			}
			return e, nil
		},
		afterWrite: func(e *env, m *model, ids []int64, vals values, _ map[int64]*row) error {
			if !has(vals, "debit", "credit", "move_id", "partner_id") {
				return nil
			}
			return e.settleLines(movesOf(e, m, ids))
		},
		beforeUnlink: func(e *env, m *model, ids []int64) (func() error, error) {
			moves := movesOf(e, m, ids)
			return func() error { return e.settleLines(moves) }, e.unposted(moves)
		},
	}
}

// accountNameSearch finds an account by the beginning of its code, by its name or by both.
func accountNameSearch(e *env, m *model, name, op string, domain []any, limit int64) ([]int64, bool, error) {
	if code, rest, both := strings.Cut(name, " "); both {
		exact := append([]any{[]any{"code", "=", code}, []any{"name", "=", rest}}, domain...)
		if ids, err := e.search(m, exact, searchOptions{limit: limit}); err != nil || len(ids) > 0 {
			return ids, true, err
		}
	}
	if name != "" {
		domain = append([]any{"|", []any{"code", "=ilike", name + "%"}, []any{"name", op, name}}, domain...)
	}
	ids, err := e.search(m, domain, searchOptions{limit: limit})
	return ids, true, err
}

// journalOf is the first journal of a type in the user's company, 0 for none.
func (e *env) journalOf(typ string) int64 {
	ids, err := e.sudo().search(e.model("account.journal"), []any{[]any{"type", "=", typ}, []any{"company_id", "=", orFalse(e.company())}}, searchOptions{limit: 1})
	if err != nil || len(ids) == 0 {
		return 0
	}
	return ids[0]
}

func movesOf(e *env, m *model, lines []int64) []int64 {
	var out []int64
	for _, id := range lines {
		if move := e.refOf(m.name, id, "move_id"); move != 0 {
			out = union(out, []int64{move})
		}
	}
	return out
}

// unposted refuses changes of posted entries.
func (e *env) unposted(moves []int64) error {
	for _, id := range moves {
		if e.text("account.move", id, "state") == "posted" {
			return userFault(postedText, e.text("account.move", id, "name"), id)
		}
	}
	return nil
}

func moveLineCreated(e *env, m *model, id int64, vals values) error {
	move := e.refOf(m.name, id, "move_id")
	if err := e.unposted([]int64{move}); err != nil {
		return err
	}
	shared := values{
		"date": e.value("account.move", move, "date"), "ref": e.value("account.move", move, "ref"), "journal_id": e.value("account.move", move, "journal_id"),
		"company_id": e.value("account.account", e.refOf(m.name, id, "account_id"), "company_id"),
	}
	debit, _ := e.value(m.name, id, "debit").(float64)
	credit, _ := e.value(m.name, id, "credit").(float64)
	shared["debit"], shared["credit"], shared["balance"] = debit, credit, cents(debit-credit)
	if err := e.set(m, id, shared); err != nil {
		return err
	}
	return e.settleLines([]int64{move})
}

// settleLines settles the entries of changed lines, unless their entry is being written and will do so itself.
func (e *env) settleLines(moves []int64) error {
	if check, given := e.context["check_move_validity"]; given && !truthy(check) {
		return nil
	}
	for _, id := range moves {
		if err := e.settleMove(id); err != nil {
			return err
		}
	}
	return nil
}

// settleMove refuses an entry out of balance and stores what it computes from its lines.
func (e *env) settleMove(id int64) error {
	m := e.model("account.move")
	if e.row(m.name, id) == nil {
		return nil
	}
	debit, partners, err := e.balanced(id)
	if err != nil {
		return err
	}
	vals := values{"amount": debit, "partner_id": nil}
	if len(partners) == 1 {
		vals["partner_id"] = partners[0]
	}
	return e.set(m, id, vals)
}

// balanced refuses an entry out of balance (assert_balanced), else gives its sum and the partners of its lines.
func (e *env) balanced(move int64) (debit float64, partners []int64, err error) {
	lines := e.model("account.move.line")
	balance := 0.0
	for _, line := range e.rows(lines.name).referring(lines.field("move_id"), move) {
		d, _ := e.value(lines.name, line, "debit").(float64)
		c, _ := e.value(lines.name, line, "credit").(float64)
		debit, balance = debit+d, balance+d-c
		if p := e.refOf(lines.name, line, "partner_id"); p != 0 {
			partners = union(partners, []int64{p})
		}
	}
	if cents(balance) != 0 {
		return 0, nil, userFault(unbalancedText)
	}
	return cents(debit), partners, nil
}

// movePost posts entries, and gives those that have none the next number of their journal.
func movePost(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		if _, _, err := c.e.balanced(id); err != nil {
			return nil, err
		}
		vals := values{"state": "posted"}
		if c.e.text(c.m.name, id, "name") == "/" {
			vals["name"] = c.e.nextNumber(c.e.refOf(c.m.name, id, "journal_id"), c.e.text(c.m.name, id, "date"))
		}
		if err := c.e.write(c.m, []int64{id}, vals); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func moveCancel(c *call) (any, error) {
	if err := c.readable(); err != nil {
		return nil, err
	}
	for _, id := range c.ids {
		if allowed, _ := c.e.value("account.journal", c.e.refOf(c.m.name, id, "journal_id"), "update_posted").(bool); !allowed {
			return nil, userFault(uncancelable)
		}
	}
	return true, c.e.write(c.m, c.ids, values{"state": "draft"})
}

// nextNumber is the next number of a journal in the year of a date: CODE/2026/0001.
func (e *env) nextNumber(journal int64, date string) string {
	year, _, _ := strings.Cut(date, "-")
	prefix := e.text("account.journal", journal, "code") + "/" + year + "/"
	m := e.model("account.move")
	last := 0
	for _, id := range e.rows(m.name).referring(m.field("journal_id"), journal) {
		if number, ok := strings.CutPrefix(e.text(m.name, id, "name"), prefix); ok {
			var n int
			if _, err := fmt.Sscan(number, &n); err == nil {
				last = max(last, n)
			}
		}
	}
	return fmt.Sprintf("%s%04d", prefix, last+1)
}

// entry is a posted entry that another document makes: amounts to accounts, and their sum to the other side.
type entry struct {
	journal   int64
	date, ref string
	payable   bool // the sum is owed; else it is to be received
	against   int64
	accounts  []int64
	names     []string
	amounts   []float64
}

func (n *entry) add(account int64, name string, amount float64) {
	n.accounts, n.names, n.amounts = append(n.accounts, account), append(n.names, name), append(n.amounts, amount)
}

// book makes and posts an entry; 0 when the accounts of the database do not suffice.
func (e *env) book(n entry) (int64, error) {
	if n.against == 0 {
		n.against = e.accountOf(map[bool]string{true: "payable", false: "receivable"}[n.payable])
	}
	if n.against == 0 || slices.Contains(n.accounts, 0) {
		return 0, nil
	}
	if n.date == "" {
		n.date = e.tx.stamp.Date()
	}
	sides := [2]string{"debit", "credit"}
	if !n.payable {
		sides = [2]string{"credit", "debit"}
	}
	lines, sum := []any{}, 0.0
	line := func(side string, account int64, name string, amount float64) {
		lines = append(lines, []any{int64(0), int64(0), values{"account_id": account, "name": name, side: amount}})
	}
	for i, account := range n.accounts {
		line(sides[0], account, n.names[i], n.amounts[i])
		sum = cents(sum + n.amounts[i])
	}
	line(sides[1], n.against, n.ref, sum)
	m := e.model("account.move")
	id, err := e.create(m, values{"journal_id": n.journal, "date": n.date, "ref": n.ref, "line_ids": lines})
	if err != nil {
		return 0, err
	}
	_, err = movePost(&call{e: e, m: m, ids: []int64{id}})
	return id, err
}

// accountOf is the first account of an internal type, 0 for none.
func (e *env) accountOf(internal string) int64 {
	types := e.model("account.account.type")
	for _, typ := range e.rows(types.name).sorted() {
		if e.text(types.name, typ, "type") != internal {
			continue
		}
		m := e.model("account.account")
		if ids := e.rows(m.name).referring(m.field("user_type_id"), typ); len(ids) > 0 {
			return slices.Min(ids)
		}
	}
	return 0
}
