package dingtalk

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxPages ends a list whose pages never do.
const maxPages = 100_000

// incomplete is the failure of an answer that says success but lacks what it must carry. A list that breaks off this way
// must not be taken for the whole.
func incomplete(api, what string) *Error {
	return &Error{Class: Retry, API: api, Status: http.StatusOK, Message: "incomplete answer: " + what}
}

// one reads the object under `result` and insists on its id.
func (c *Client) one(api string, k Kind, answer Object) (Object, error) {
	o := answer.object("result")
	if o == nil {
		return nil, incomplete(api, "no result")
	}
	o = k.decode(o)
	if o.Text(k.IDField) == "" {
		return nil, incomplete(api, "no "+k.IDField)
	}
	return o, nil
}

// byCursor yields the rows of result.list by cursor and size; the end is has_more=false (数据分页).
func (c *Client) byCursor(ctx context.Context, path string, body Object, size int) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		body := maps.Clone(body)
		for cursor, page := int64(0), 0; ; page++ {
			body["cursor"], body["size"] = cursor, size
			result, err := c.page(ctx, path, body, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range result.Rows("list") {
				if !yield(row, nil) {
					return
				}
			}
			if !result.Bool("has_more") {
				return
			}
			next, ok := result.Int("next_cursor")
			if !ok || next <= cursor {
				yield(nil, incomplete(path, "has_more without a next_cursor that goes on"))
				return
			}
			cursor = next
		}
	}
}

// byOffset yields the rows of result.list by offset and size; the end is hasMore=false (数据分页).
func (c *Client) byOffset(ctx context.Context, path string, body Object, size int) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		body, last := maps.Clone(body), ""
		for offset, page := 0, 0; ; page++ {
			body["offset"], body["size"] = offset, size
			result, err := c.page(ctx, path, body, page)
			if err != nil {
				yield(nil, err)
				return
			}
			more := result.Bool("hasMore") || result.Bool("has_more")
			this := text(result["list"])
			if more && page > 0 && this == last {
				yield(nil, incomplete(path, "the same page again"))
				return
			}
			last = this
			for _, row := range result.Rows("list") {
				if !yield(row, nil) {
					return
				}
			}
			if !more {
				return
			}
			offset += size
		}
	}
}

func (c *Client) page(ctx context.Context, path string, body Object, page int) (Object, error) {
	if page >= maxPages {
		return nil, incomplete(path, "the list has no end")
	}
	answer, err := c.read(ctx, path, body)
	if err != nil {
		return nil, err
	}
	result := answer.object("result")
	if result == nil {
		return nil, incomplete(path, "no result")
	}
	return result, nil
}

// pages yields the answers of a v1.0 list, page by page; call makes the request of a page, the first one's token is empty. The end is
// an answer without nextToken, or with hasMore=false.
func (c *Client) pages(ctx context.Context, call func(token string) request) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		token := ""
		for page := 0; ; page++ {
			r := call(token)
			if page >= maxPages {
				yield(nil, incomplete(r.path, "the list has no end"))
				return
			}
			answer, err := c.do(ctx, r)
			if !yield(answer, err) || err != nil {
				return
			}
			next := answer.Text("nextToken")
			if more, told := boolean(answer["hasMore"]); next == "" || told && !more {
				return
			}
			if next == token {
				yield(nil, incomplete(r.path, "the nextToken does not go on"))
				return
			}
			token = next
		}
	}
}

// byToken yields the rows of a v1.0 list; the end is an answer without nextToken (数据分页).
func (c *Client) byToken(ctx context.Context, path string, query url.Values, field string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		query := maps.Clone(query)
		for page := 0; page < maxPages; page++ {
			answer, err := c.do(ctx, request{method: http.MethodGet, path: path, v1: true, query: query, read: true})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range answer.Rows(field) {
				if !yield(row, nil) {
					return
				}
			}
			next := answer.Text("nextToken")
			if next == "" {
				return
			}
			if next == query.Get("nextToken") {
				yield(nil, incomplete(path, "the nextToken does not go on"))
				return
			}
			query.Set("nextToken", next)
		}
		yield(nil, incomplete(path, "the list has no end"))
	}
}

// underResult yields the elements of the named list of `result`, page after page; next names the token there that leads on. The first
// page's token is 0, and the end is an answer without one (数据分页).
func (c *Client) underResult(ctx context.Context, rows, next string, call func(token string) request) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		token := "0"
		for page := 0; ; page++ {
			r := call(token)
			if page >= maxPages {
				yield(nil, incomplete(r.path, "the list has no end"))
				return
			}
			answer, err := c.do(ctx, r)
			if err != nil {
				yield(nil, err)
				return
			}
			result := answer.object("result")
			if result == nil {
				yield(nil, incomplete(r.path, "no result"))
				return
			}
			for _, row := range list(result[rows]) {
				if !yield(row, nil) {
					return
				}
			}
			after := result.Text(next)
			if after == "" || after == "0" {
				return
			}
			if after == token {
				yield(nil, incomplete(r.path, "the "+next+" does not go on"))
				return
			}
			token = after
		}
	}
}

func joinNumbers(ids []int64) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(out, ",")
}
