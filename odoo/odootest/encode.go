package odootest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dict is an answer's struct whose members keep their order, as Python's dict does. Rows of one read share keys.
type dict struct {
	keys []string
	vals []any
}

// unmarshallable is a result Python's xmlrpc.client cannot dump: the call has run and is committed, the answer is a fault
// (odoo/addons/base/controllers/rpc.py dumps after the transaction).
type unmarshallable string

const (
	noneResult      = unmarshallable("TypeError: cannot marshal None unless allow_none is enabled")
	intKeysResult   = unmarshallable("TypeError: dictionary key must be string")
	recordsetResult = unmarshallable("TypeError: cannot marshal <class '_thread.lock'> objects")
)

var errIntLimit = errors.New("OverflowError: int exceeds XML-RPC limits")

// encodeResult writes a <methodResponse> as xmlrpc.client.dumps does, byte for byte; control characters included, which makes
// the answer malformed XML exactly where Odoo's is.
func encodeResult(v any) ([]byte, error) {
	e := encoder{buf: make([]byte, 0, 512)}
	e.buf = append(e.buf, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"...)
	if err := e.value(v); err != nil {
		return nil, err
	}
	return append(e.buf, "</param>\n</params>\n</methodResponse>\n"...), nil
}

func encodeFault(f *fault, v1 bool) []byte {
	var code any = int64(f.code)
	text := f.text
	if v1 {
		code, text = f.v1()
	}
	e := encoder{buf: []byte("<?xml version='1.0'?>\n<methodResponse>\n<fault>\n")}
	if err := e.value(dict{keys: []string{"faultCode", "faultString"}, vals: []any{code, text}}); err != nil {
		e.buf = append(e.buf, escapeText(err.Error())...)
	}
	return append(e.buf, "</fault>\n</methodResponse>\n"...)
}

type encoder struct{ buf []byte }

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case string:
		e.buf = append(e.buf, "<value><string>"...)
		e.buf = appendEscaped(e.buf, v)
		e.buf = append(e.buf, "</string></value>\n"...)
	case bool:
		e.buf = append(e.buf, "<value><boolean>"...)
		e.buf = append(e.buf, '0'+b2i(v))
		e.buf = append(e.buf, "</boolean></value>\n"...)
	case int:
		return e.value(int64(v))
	case int64:
		if v > math.MaxInt32 || v < math.MinInt32 {
			return errIntLimit
		}
		e.buf = append(e.buf, "<value><int>"...)
		e.buf = strconv.AppendInt(e.buf, v, 10)
		e.buf = append(e.buf, "</int></value>\n"...)
	case float64:
		e.buf = append(e.buf, "<value><double>"...)
		e.buf = append(e.buf, pyFloat(v)...)
		e.buf = append(e.buf, "</double></value>\n"...)
	case stamp:
		return e.value(v.String())
	case time.Time:
		return e.value(stampOf(v).String())
	case nil:
		return errors.New(string(noneResult))
	case unmarshallable:
		return errors.New(string(v))
	case []any:
		return encodeList(e, v)
	case []int64:
		return encodeList(e, v)
	case []string:
		return encodeList(e, v)
	case []dict:
		return encodeList(e, v)
	case dict:
		return e.members(v.keys, func(i int) any { return v.vals[i] })
	case map[string]any:
		keys := sortedKeys(v)
		return e.members(keys, func(i int) any { return v[keys[i]] })
	default:
		return fmt.Errorf("TypeError: cannot marshal <class '%T'> objects", v)
	}
	return nil
}

func encodeList[T any](e *encoder, list []T) error {
	e.buf = append(e.buf, "<value><array><data>\n"...)
	for _, v := range list {
		if err := e.value(any(v)); err != nil {
			return err
		}
	}
	e.buf = append(e.buf, "</data></array></value>\n"...)
	return nil
}

func (e *encoder) members(keys []string, at func(int) any) error {
	e.buf = append(e.buf, "<value><struct>\n"...)
	for i, k := range keys {
		e.buf = append(e.buf, "<member>\n<name>"...)
		e.buf = appendEscaped(e.buf, k)
		e.buf = append(e.buf, "</name>\n"...)
		if err := e.value(at(i)); err != nil {
			return err
		}
		e.buf = append(e.buf, "</member>\n"...)
	}
	e.buf = append(e.buf, "</struct></value>\n"...)
	return nil
}

func escapeText(s string) string { return string(appendEscaped(nil, s)) }

func appendEscaped(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, "&<>") {
		return append(dst, s...)
	}
	for i := range len(s) {
		switch s[i] {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
