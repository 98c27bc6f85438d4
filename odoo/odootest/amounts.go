package odootest

import (
	"math"
	"slices"
)

// amounts tells how the lines of a document are priced, and which fields of the document their sums go to. The real server stores these
// computed fields too, so that a line's price moves the write_date of its document.
type amounts struct {
	document                string // the lines' many2one to their document
	quantity, price, taxes  string
	untaxed, tax, total     string // of a line; a field without column is not kept
	sumUntaxed, sumTax, sum []string
}

var (
	purchaseAmounts = amounts{
		document: "order_id", quantity: "product_qty", price: "price_unit", taxes: "taxes_id",
		untaxed: "price_subtotal", tax: "price_tax", total: "price_total",
		sumUntaxed: []string{"amount_untaxed"}, sumTax: []string{"amount_tax"}, sum: []string{"amount_total"},
	}
	saleAmounts = amounts{
		document: "order_id", quantity: "product_uom_qty", price: "price_unit", taxes: "tax_id",
		untaxed: "price_subtotal", tax: "price_tax", total: "price_total",
		sumUntaxed: []string{"amount_untaxed"}, sumTax: []string{"amount_tax"}, sum: []string{"amount_total"},
	}
	invoiceAmounts = amounts{
		document: "invoice_id", quantity: "quantity", price: "price_unit", taxes: "invoice_line_tax_ids",
		untaxed: "price_subtotal", tax: "price_tax", total: "price_total",
		sumUntaxed: []string{"amount_untaxed", "amount_untaxed_signed"}, sumTax: []string{"amount_tax"},
		sum: []string{"amount_total", "amount_total_signed", "amount_total_company_signed"},
	}
	expenseAmounts = amounts{
		document: "sheet_id", quantity: "quantity", price: "unit_amount", taxes: "tax_ids",
		untaxed: "untaxed_amount", total: "total_amount", sum: []string{"total_amount"},
	}
)

// created prices a new line.
func (a amounts) created(e *env, m *model, id int64, _ values) error {
	if err := a.priceLine(e, m, id); err != nil {
		return err
	}
	return a.addUp(e, m, e.refOf(m.name, id, a.document))
}

// written prices lines anew when what their amounts come from was written.
func (a amounts) written(e *env, m *model, ids []int64, vals values, before map[int64]*row) error {
	if !has(vals, a.quantity, a.price, a.taxes, a.document, "discount") {
		return nil
	}
	for _, id := range ids {
		if err := a.created(e, m, id, vals); err != nil {
			return err
		}
		if old := before[id]; old != nil && old.ref(m.field(a.document)) != e.refOf(m.name, id, a.document) {
			if err := a.addUp(e, m, old.ref(m.field(a.document))); err != nil {
				return err
			}
		}
	}
	return nil
}

// deletable is a beforeUnlink: it takes the lines out of their documents' sums once they are gone.
func (a amounts) deletable(e *env, m *model, ids []int64) (func() error, error) {
	var documents []int64
	for _, id := range ids {
		documents = union(documents, []int64{e.refOf(m.name, id, a.document)})
	}
	return func() error {
		for _, id := range documents {
			if err := a.addUp(e, m, id); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (a amounts) priceLine(e *env, m *model, id int64) error {
	r := e.row(m.name, id)
	number := func(name string) float64 {
		if f := m.field(name); f != nil {
			n, _ := r.at(f).(float64)
			return n
		}
		return 0
	}
	quantity := number(a.quantity)
	untaxed, tax := e.taxed(number(a.price)*(1-number("discount")/100)*quantity, quantity, e.links(m, r, m.field(a.taxes)))
	return e.setKept(m, id, map[string]float64{a.untaxed: untaxed, a.tax: tax, a.total: cents(untaxed + tax)})
}

// taxed splits an amount by its taxes: percentages, included or not, and fixed amounts per unit.
func (e *env) taxed(amount, quantity float64, taxes []int64) (untaxed, tax float64) {
	included, added, fixed := 0.0, 0.0, 0.0
	for _, id := range taxes {
		rate, _ := e.value("account.tax", id, "amount").(float64)
		inside, _ := e.value("account.tax", id, "price_include").(bool)
		switch {
		case e.text("account.tax", id, "amount_type") == "fixed":
			fixed += rate * quantity
		case inside:
			included += rate / 100
		default:
			added += rate / 100
		}
	}
	untaxed = cents(amount / (1 + included))
	return untaxed, cents(untaxed*(included+added) + fixed)
}

func cents(v float64) float64 { return math.Round(v*100) / 100 }

// addUp writes a document's sums.
func (a amounts) addUp(e *env, m *model, id int64) error {
	inverse := m.field(a.document)
	doc := e.model(inverse.relation)
	if id == 0 || doc == nil {
		return nil
	}
	sums := map[string]float64{}
	for _, line := range e.rows(m.name).referring(inverse, id) {
		r := e.row(m.name, line)
		for name, to := range map[string][]string{a.untaxed: a.sumUntaxed, a.tax: a.sumTax, a.total: a.sum} {
			f := m.field(name)
			if f == nil || f.col < 0 {
				continue
			}
			n, _ := r.at(f).(float64)
			for _, t := range to {
				sums[t] = cents(sums[t] + n)
			}
		}
	}
	for _, t := range slices.Concat(a.sumUntaxed, a.sumTax, a.sum) {
		if _, known := sums[t]; !known {
			sums[t] = 0
		}
	}
	if f := m.field(a.tax); len(a.sumTax) > 0 && (f == nil || f.col < 0) { // a line without a column for its tax: the difference
		for _, t := range a.sumTax {
			sums[t] = cents(sums[a.sum[0]] - sums[a.sumUntaxed[0]])
		}
	}
	return e.setKept(doc, id, sums)
}

// setKept stores those of the numbers that have a column.
func (e *env) setKept(m *model, id int64, numbers map[string]float64) error {
	vals := values{}
	for name, n := range numbers {
		if f := m.field(name); f != nil && f.col >= 0 {
			vals[name] = n
		}
	}
	return e.set(m, id, vals)
}

// toLines copies stored related fields of a document to its lines.
func (e *env) toLines(m *model, id int64, field, inverse string, vals values) error {
	co := e.model(m.field(field).relation)
	for _, line := range e.rows(co.name).referring(co.field(inverse), id) {
		if err := e.set(co, line, vals); err != nil {
			return err
		}
	}
	return nil
}
