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
	if size <= 0 {
		size = defaultPage
	}
	return func(yield func([]Record, error) bool) {
		limit, last := size, int64(0)
		for {
			after := Domain{Cond("id", ">", last)}
			page, err := c.SearchRead(ctx, model, after.And(d), fields, Options{Order: "id", Limit: limit, Context: cx})
			if err != nil && limit > 1 && tooMuch(err) && ctx.Err() == nil {
				limit /= 2
				continue
			}
			if err == nil && len(page) > 0 {
				last, err = lastID(reading(model, "search_read"), page, last)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
		}
	}
}

// tooMuch reports an answer that a smaller page may avoid.
func tooMuch(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errTooLarge)
}

// lastID is the id of a page's last row. Ids that do not ascend would make the walk endless, or skip records.
func lastID(call rpc, page []Record, last int64) (int64, error) {
	for _, row := range page {
		id, ok := row["id"].(int64)
		if !ok {
			return 0, call.unexpected(row["id"])
		}
		if id <= last {
			return 0, &Error{Class: Reject, Op: call.op, Message: "the ids of a page do not ascend"}
		}
		last = id
	}
	return last, nil
}
