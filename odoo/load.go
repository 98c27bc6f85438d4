package odoo

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"strconv"
)

// LoadResult is what load answers: the ids in the order of the rows, or nil and the reasons. One bad row cancels the whole call.
type LoadResult struct {
	IDs      []int64
	Messages []LoadMessage
}

// Rows is a span of rows of a Load, 0-based, both ends included: a record with one2many lines takes several.
type Rows struct{ From, To int }

// LoadMessage is one complaint of load.
type LoadMessage struct {
	Record  int    // the record, 0-based; -1 if the complaint is about no single one
	Rows    Rows   // its rows
	Type    string // "error" or "warning"
	Message string // Odoo's words in one line, bounded
	Field   string // the technical name of the field, "" if it names none
}

// Load imports rows (odoo/models.py: load). With the column "id" (an external id, module.name) and the context entry noupdate it
// creates what is absent, and leaves what exists as it is; so this creation can be repeated, and repeating it returns the same
// ids. A column "field/.id" takes database ids. load reads text: other Go values are written as it expects them, nil and false
// as the empty text. Datetimes are read as UTC unless the context names another tz.
//
// A refused row is no error: the result then has messages and no ids, and nothing was created.
func (c *Client) Load(ctx context.Context, model string, fields []string, rows [][]any, cx Context) (LoadResult, error) {
	if len(rows) == 0 {
		return LoadResult{}, nil
	}
	text := make([][]string, len(rows))
	for i, row := range rows {
		text[i] = make([]string, len(row))
		for j, cell := range row {
			var err error
			if text[i][j], err = loadText(cell); err != nil {
				return LoadResult{}, &Error{Class: Reject, Op: model + ".load", Message: fmt.Sprintf("row %d, column %d: %v", i, j, err)}
			}
		}
	}
	zoned := Context{"tz": "UTC"}
	maps.Copy(zoned, cx)
	v, err := c.callModel(ctx, model, "load", []any{fields, text}, zoned)
	if err != nil {
		return LoadResult{}, err
	}
	return loadResult(writing(model, "load"), v, len(rows))
}

// loadText is a value as load reads it.
func loadText(cell any) (string, error) {
	v, err := wireValue(cell)
	if err != nil {
		return "", err
	}
	switch x := v.(type) {
	case string:
		return x, nil
	case bool:
		if x {
			return "1", nil
		}
		return "", nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("a %s cannot be imported", reflect.TypeOf(cell))
}

func loadResult(call rpc, v any, rows int) (LoadResult, error) {
	answer, ok := v.(map[string]any)
	if !ok {
		return LoadResult{}, call.unexpected(v)
	}
	var out LoadResult
	if answer["ids"] != false {
		if out.IDs, ok = idList(answer["ids"]); !ok || len(out.IDs) > rows {
			return LoadResult{}, call.unexpected(answer["ids"])
		}
	}
	messages, ok := answer["messages"].([]any)
	if !ok {
		return LoadResult{}, call.unexpected(answer["messages"])
	}
	for _, raw := range messages {
		m, ok := raw.(map[string]any)
		if !ok {
			return LoadResult{}, call.unexpected(raw)
		}
		out.Messages = append(out.Messages, loadMessage(m))
	}
	return out, nil
}

func loadMessage(m map[string]any) LoadMessage {
	msg := LoadMessage{Record: -1}
	if n, ok := m["record"].(int64); ok {
		msg.Record = int(n)
	}
	if span, ok := m["rows"].(map[string]any); ok {
		from, _ := span["from"].(int64)
		to, _ := span["to"].(int64)
		msg.Rows = Rows{int(from), int(to)}
	}
	msg.Type, _ = m["type"].(string)
	msg.Field, _ = m["field"].(string)
	words, _ := m["message"].(string)
	msg.Message = bounded(oneLine(words))
	return msg
}
