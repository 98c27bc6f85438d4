package odoo

import (
	"context"
	"errors"
	"iter"
)

// defaultPage is the page size where none is given.
const defaultPage = 500

// Pages yields all records of the domain by ascending id, size rows at a time (0: 500), always with their id. It pages by
// id > last and not by offset, so that records that come and go meanwhile make it neither repeat nor skip others; a short page is
// not the end, an empty one is. A page that Odoo does not answer in time, or that is too large, is halved. The first error is
// yielded with no records and ends it.
//
// Models whose search invents ids need a context that stops it, such as virtual_id false for calendar.event
// (odoo/addons/calendar/models/calendar.py).
func (c *Client) Pages(ctx context.Context, model string, d Domain, fields []string, size int, cx Context) iter.Seq2[[]Record, error] {
	return PagesAs(ctx, c, model, d, fields, size, cx, asIs)
}

// PagesAs is Pages that keeps of every row only what as makes of it, as SearchReadAs does.
func PagesAs[T any](ctx context.Context, c *Client, model string, d Domain, fields []string, size int, cx Context, as func(Record) (T, error)) iter.Seq2[[]T, error] {
	if size <= 0 {
		size = defaultPage
	}
	return func(yield func([]T, error) bool) {
		limit, last := size, int64(0)
		for {
			after := Domain{Cond("id", ">", last)}
			p := &page[T]{kept: kept[T]{as: as}, call: reading(model, "search_read"), after: last}
			err := c.searchRead(ctx, model, after.And(d), fields, Options{Order: "id", Limit: limit, Context: cx}, p)
			if err != nil && limit > 1 && tooMuch(err) && ctx.Err() == nil {
				limit /= 2
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(p.list) == 0 || !yield(p.list, nil) {
				return
			}
			last = p.last
		}
	}
}

// page is what remains of the rows of one page.
type page[T any] struct {
	kept[T]
	call        rpc
	after, last int64 // the ids before the page and of its last row so far
}

func (p *page[T]) begin() {
	p.kept.begin()
	p.last = p.after
}

// row refuses ids that do not ascend: they would make the walk endless, or skip records.
func (p *page[T]) row(r Record) error {
	id, ok := r["id"].(int64)
	if !ok {
		return p.call.unexpected(r["id"])
	}
	if id <= p.last {
		return &Error{Class: Reject, Op: p.call.op, Message: "the ids of a page do not ascend"}
	}
	p.last = id
	return p.kept.row(r)
}

// tooMuch reports an answer that a smaller page may avoid.
func tooMuch(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errTooLarge)
}
