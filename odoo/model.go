package odoo

import (
	"context"
	"maps"
)

// callModel is Execute with a context; the typed helpers below go through it.
func (c *Client) callModel(ctx context.Context, model, method string, args []any, cx Context) (any, error) {
	return c.Execute(ctx, model, method, args, map[string]any{"context": cx})
}

// Search returns the ids of the records in the domain.
func (c *Client) Search(ctx context.Context, model string, d Domain, o Options) ([]int64, error) {
	v, err := c.Execute(ctx, model, "search", []any{d}, o.named())
	if err != nil {
		return nil, err
	}
	return ids(reading(model, "search"), v)
}

// SearchCount counts the records in the domain.
func (c *Client) SearchCount(ctx context.Context, model string, d Domain, cx Context) (int, error) {
	v, err := c.callModel(ctx, model, "search_count", []any{d}, cx)
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if !ok {
		return 0, reading(model, "search_count").unexpected(v)
	}
	return int(n), nil
}

// Read returns the named fields of the records, in Odoo's order. Odoo leaves out ids that were deleted and field names it does
// not know, without a word. No field names mean all fields, which fails where the user may not see one of them.
func (c *Client) Read(ctx context.Context, model string, ids []int64, fields []string, cx Context) ([]Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows := &kept[Record]{as: asIs}
	if _, err := c.execute(ctx, model, "read", []any{ids, fields}, map[string]any{"context": cx}, rows); err != nil {
		return nil, err
	}
	return rows.list, nil
}

// SearchRead returns the named fields of the records in the domain. Odoo leaves out field names it does not know, and fails with
// an *Error of class Reject on an unknown field in the domain or order. A domain over a field that is neither stored nor
// searchable matches every record (odoo/osv/expression.py): look at Field.Searchable before.
func (c *Client) SearchRead(ctx context.Context, model string, d Domain, fields []string, o Options) ([]Record, error) {
	return SearchReadAs(ctx, c, model, d, fields, o, asIs)
}

// SearchReadAs is SearchRead that keeps of every row only what as makes of it, while the answer still arrives. An error of as ends
// the call and is returned as it is. A row belongs to as. If the answer is cut off it is asked for again, and as sees its rows anew.
func SearchReadAs[T any](ctx context.Context, c *Client, model string, d Domain, fields []string, o Options, as func(Record) (T, error)) ([]T, error) {
	rows := &kept[T]{as: as}
	if err := c.searchRead(ctx, model, d, fields, o, rows); err != nil {
		return nil, err
	}
	return rows.list, nil
}

// Create makes one record and returns its id. Field names Odoo does not know are ignored by it. An Ambiguous error means that the
// record may exist; Load with an external id can be repeated, this cannot.
func (c *Client) Create(ctx context.Context, model string, v Values, cx Context) (int64, error) {
	got, err := c.callModel(ctx, model, "create", []any{v}, cx)
	if err != nil {
		return 0, err
	}
	id, ok := got.(int64)
	if !ok {
		return 0, writing(model, "create").unexpected(got)
	}
	return id, nil
}

// CreateMany makes several records in one transaction and returns their ids in order; one bad one creates none.
func (c *Client) CreateMany(ctx context.Context, model string, v []Values, cx Context) ([]int64, error) {
	if len(v) == 0 {
		return nil, nil
	}
	got, err := c.callModel(ctx, model, "create", []any{v}, cx)
	if err != nil {
		return nil, err
	}
	return ids(writing(model, "create"), got)
}

// Write sets fields of the records in one transaction. nil and false clear a field. Field names Odoo does not know are ignored by
// it. A deleted record is an *Error of class Missing and nothing is written; with LockContext a record that was changed since is
// one for IsModified. No ids or no values are no call.
func (c *Client) Write(ctx context.Context, model string, ids []int64, v Values, cx Context) error {
	if len(ids) == 0 || len(v) == 0 {
		return nil
	}
	_, err := c.callModel(ctx, model, "write", []any{ids, v}, cx)
	return err
}

// Unlink deletes the records in one transaction. Deleting what is deleted already succeeds.
func (c *Client) Unlink(ctx context.Context, model string, ids []int64, cx Context) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := c.callModel(ctx, model, "unlink", []any{ids}, cx)
	return err
}

// CallMethod calls a method of the records, as a button of their form does, with further positional arguments, and returns what it
// answered. Many of Odoo's own buttons answer with what has no form in XML-RPC (IsUnreadable): they ran and were committed, so that is nil
// without an error, and the record's state is to be read. With LockContext, records that were changed since they were read are not
// touched: an error for IsModified. A method is never sent twice; an Ambiguous error means that it may have run. No ids are no call.
func (c *Client) CallMethod(ctx context.Context, model, method string, ids []int64, args []any, cx Context) (any, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	v, err := c.callModel(ctx, model, method, append([]any{ids}, args...), cx)
	if IsUnreadable(err) {
		return nil, nil
	}
	return v, err
}

// Exists returns those of the ids that are records, also ones that record rules hide from the user (odoo/models.py: exists).
func (c *Client) Exists(ctx context.Context, model string, candidates []int64) ([]int64, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	v, err := c.callModel(ctx, model, "exists", []any{candidates}, nil)
	if err != nil {
		return nil, err
	}
	return ids(reading(model, "exists"), v)
}

// NameSearch finds records of the domain whose name contains the text, as a person would in a form. limit 0 means 100.
func (c *Client) NameSearch(ctx context.Context, model, name string, d Domain, limit int) ([]Many2One, error) {
	if limit <= 0 {
		limit = 100
	}
	v, err := c.callModel(ctx, model, "name_search", []any{name, d, "ilike", limit}, nil)
	if err != nil {
		return nil, err
	}
	pairs, ok := v.([]any)
	if !ok {
		return nil, reading(model, "name_search").unexpected(v)
	}
	out := make([]Many2One, len(pairs))
	for i, p := range pairs {
		if out[i], ok = pair(p); !ok {
			return nil, reading(model, "name_search").unexpected(p)
		}
	}
	return out, nil
}

// fieldAttributes are what FieldsGet asks for; some of the others cannot travel over XML-RPC for every field.
var fieldAttributes = []string{"type", "relation", "relation_field", "string", "required", "readonly", "store", "searchable", "sortable", "selection", "size"}

// FieldsGet returns the fields of a model that the user may see, by name. The answer is kept until ForgetFields.
func (c *Client) FieldsGet(ctx context.Context, model string) (map[string]Field, error) {
	c.fieldsMu.Lock()
	known, ok := c.fields[model]
	c.fieldsMu.Unlock()
	if ok {
		return maps.Clone(known), nil
	}
	v, err := c.callModel(ctx, model, "fields_get", []any{[]any{}, fieldAttributes}, nil)
	if err != nil {
		return nil, err
	}
	answer, ok := v.(map[string]any)
	if !ok {
		return nil, reading(model, "fields_get").unexpected(v)
	}
	fields := make(map[string]Field, len(answer))
	for name, raw := range answer {
		attributes, ok := raw.(map[string]any)
		if !ok {
			return nil, reading(model, "fields_get").unexpected(raw)
		}
		fields[name] = NewField(name, attributes)
	}
	c.fieldsMu.Lock()
	c.fields[model] = fields
	c.fieldsMu.Unlock()
	return maps.Clone(fields), nil
}

// ForgetFields drops what FieldsGet keeps, after fields were added or an Odoo module updated.
func (c *Client) ForgetFields() {
	c.fieldsMu.Lock()
	defer c.fieldsMu.Unlock()
	clear(c.fields)
}

// named are the options as named arguments of search and search_read.
func (o Options) named() map[string]any {
	kw := map[string]any{"context": o.Context}
	if o.Offset > 0 {
		kw["offset"] = o.Offset
	}
	if o.Limit > 0 {
		kw["limit"] = o.Limit
	}
	if o.Order != "" {
		kw["order"] = o.Order
	}
	return kw
}

func reading(model, method string) rpc { return rpc{op: model + "." + method, repeatable: true} }

func writing(model, method string) rpc { return rpc{op: model + "." + method} }

// ids is an answer that is a list of record ids.
func ids(call rpc, v any) ([]int64, error) {
	list, ok := idList(v)
	if !ok {
		return nil, call.unexpected(v)
	}
	return list, nil
}

// asIs keeps a row.
func asIs(row Record) (Record, error) { return row, nil }

// kept is what remains of the rows of one answer.
type kept[T any] struct {
	as   func(Record) (T, error)
	list []T
}

func (k *kept[T]) begin() { k.list = []T{} }

func (k *kept[T]) row(r Record) error {
	v, err := k.as(r)
	if err == nil {
		k.list = append(k.list, v)
	}
	return err
}

func (c *Client) searchRead(ctx context.Context, model string, d Domain, fields []string, o Options, rows rowSink) error {
	_, err := c.execute(ctx, model, "search_read", []any{d, fields}, o.named(), rows)
	return err
}
