package dingtalktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// params are a request's parameters. DingTalk takes typed and stringified scalars, lists as arrays or joined by
// commas, and nested values as JSON or as text holding JSON; so do these readers. A null is an absent value.
type params map[string]any

// decodeParams reads a JSON object or a form.
func decodeParams(contentType string, body []byte) (params, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return params{}, nil
	}
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fmt.Errorf("read form: %w", err)
		}
		return fromValues(values), nil
	}
	var p params
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	for k, v := range p {
		if v == nil {
			delete(p, k)
		}
	}
	return p, nil
}

func fromValues(values url.Values) params {
	p := params{}
	for k := range values {
		p[k] = values.Get(k)
	}
	return p
}

// has tells whether the parameter was sent.
func (p params) has(key string) bool { _, ok := p[key]; return ok }

// text is the parameter as text, "" when absent.
func (p params) text(key string) string { return asText(p[key]) }

func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		data, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(data)
	}
}

// number is the parameter as an integer; ok is false when it is absent or no integer.
func (p params) number(key string) (n int64, ok bool) { return asNumber(p[key]) }

func asNumber(v any) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(asText(v)), 10, 64)
	return n, err == nil
}

// flag is the parameter as a boolean; ok is false when it is absent or neither true nor false.
func (p params) flag(key string) (b, ok bool) { return asFlag(p[key]) }

func asFlag(v any) (bool, bool) {
	switch strings.ToLower(asText(v)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// texts are the elements of a list parameter, blanks dropped.
func (p params) texts(key string) []string {
	var parts []string
	if list, ok := p[key].([]any); ok {
		for _, v := range list {
			parts = append(parts, asText(v))
		}
	} else {
		parts = strings.Split(p.text(key), ",")
	}
	out := make([]string, 0, len(parts))
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// numbers are the elements of a list of ids, repeats dropped; ok is false when one is no integer.
func (p params) numbers(key string) (out []int64, ok bool) {
	seen := map[int64]bool{}
	for _, part := range p.texts(key) {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, false
		}
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out, true
}

// object is a nested JSON object, sent as such or as text.
func (p params) object(key string) (map[string]any, bool) {
	switch v := p[key].(type) {
	case map[string]any:
		return v, true
	case string:
		out, err := parseObject(v)
		return out, err == nil
	}
	return nil, false
}

// objects is a list of nested objects, sent as such or as text.
func (p params) objects(key string) ([]params, bool) {
	v := p[key]
	if s, ok := v.(string); ok {
		var list []any
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		if err := dec.Decode(&list); err != nil {
			return nil, false
		}
		v = list
	}
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]params, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		out = append(out, params(m))
	}
	return out, true
}

func parseObject(s string) (map[string]any, error) {
	if strings.TrimSpace(s) == "" {
		return map[string]any{}, nil
	}
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("read JSON object: %w", err)
	}
	return out, nil
}
