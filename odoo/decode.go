package odoo

import (
	"fmt"
	"io"

	"github.com/kolo/xmlrpc"
)

// Bounds of an answer beside its size. Odoo's own answers stay far below them.
const (
	maxDepth  = 64       // arrays and structs inside each other
	maxText   = 64 << 20 // bytes of one text: a binary field in base64
	maxMarkup = 64 << 10 // bytes of one tag, comment or processing instruction
	maxName   = 1 << 10  // bytes of a struct's key
	maxNames  = 1 << 10  // different keys that are kept to be used again
)

// malformedError says why an answer is no XML-RPC. It never quotes the answer.
type malformedError string

func (e malformedError) Error() string { return string(e) }

// errCut is an answer that ends too early.
const errCut = malformedError("it is cut off")

// decoder reads one methodResponse as it arrives, and needs no more memory than its largest text or what is kept of it. The
// meaning of every element is that of Python's xmlrpc.client (Lib/xmlrpc/client.py: Unmarshaller), which Odoo's answers are made
// for; the structure around the values is demanded strictly, so that an answer is read rightly or not at all:
//
//	int, i1, i2, i4, i8, biginteger             int64
//	double, float                               float64
//	boolean                                     bool
//	string, a value without a type              string
//	base64, dateTime.iso8601                    string, as it stands there
//	nil, ex:nil                                 nil
//	array, struct                               []any, map[string]any
//
// Characters that XML does not allow become U+FFFD and are counted: Odoo writes stored control characters as they are.
type decoder struct {
	scanner
	depth int
	names map[string]string // keys of structs seen so far
	width int               // members of the struct before
}

func newDecoder(in io.Reader) *decoder {
	return &decoder{scanner: scanner{in: in, buf: make([]byte, 64<<10), maxText: maxText}, names: make(map[string]string, 32)}
}

// answer reads the methodResponse to the end of the input and returns its value. With row, which may be nil, the items of an
// array are handed to row one by one instead, and must be structs; the value is then nil. A fault is a *xmlrpc.FaultError, anything unreadable
// a malformedError; errors of the reader and of row are returned as they are.
func (d *decoder) answer(row func(Record) error) (value any, err error) {
	if err := d.byteOrderMark(); err != nil {
		return nil, err
	}
	if err := d.open("methodResponse"); err != nil {
		return nil, err
	}
	t, err := d.next()
	if err != nil {
		return nil, err
	}
	var fault error
	switch {
	case t.opens("params"):
		if value, err = d.params(row); err != nil {
			return nil, err
		}
	case t.opens("fault"):
		if fault, err = d.fault(); err != nil {
			return nil, err
		}
	default:
		return nil, misplaced(t)
	}
	if err := d.close("methodResponse"); err != nil {
		return nil, err
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return value, fault
}

// params reads the one parameter of an answer, from behind <params>.
func (d *decoder) params(row func(Record) error) (any, error) {
	if err := d.open("param"); err != nil {
		return nil, err
	}
	t, err := d.expect("value")
	if err != nil {
		return nil, err
	}
	v, err := d.topValue(t, row)
	if err != nil {
		return nil, err
	}
	if err := d.close("param"); err != nil {
		return nil, err
	}
	return v, d.close("params")
}

// topValue is value, or hands the items of an array to row.
func (d *decoder) topValue(t tag, row func(Record) error) (any, error) {
	if row == nil {
		return d.value(t)
	}
	if !t.empty {
		var err error
		if t, _, err = d.typeOf(); err != nil {
			return nil, err
		}
	}
	if t.name != "array" || t.closing {
		return nil, malformedError("it is no list of rows")
	}
	return nil, d.rows(t, row)
}

// rows reads an array of structs from behind its first tag up to </value>.
func (d *decoder) rows(t tag, row func(Record) error) error {
	more, err := d.firstItem(t)
	for ; more.name != ""; more, err = d.item() {
		v, err := d.value(more)
		if err != nil {
			return err
		}
		r, ok := v.(Record)
		if !ok {
			return malformedError(fmt.Sprintf("a row is a %T", v))
		}
		if err := row(r); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return d.close("value")
}

// fault reads a fault from behind <fault>.
func (d *decoder) fault() (fault *xmlrpc.FaultError, err error) {
	t, err := d.expect("value")
	if err != nil {
		return nil, err
	}
	v, err := d.value(t)
	if err != nil {
		return nil, err
	}
	members, ok := v.(map[string]any)
	code, hasCode := members["faultCode"].(int64)
	text, hasText := members["faultString"].(string)
	if !ok || !hasCode || !hasText {
		return nil, malformedError("it holds a fault without a number and a text")
	}
	return &xmlrpc.FaultError{Code: int(code), String: text}, d.close("fault")
}

// value reads a value whose first tag was t, up to and with </value>.
func (d *decoder) value(t tag) (any, error) {
	if t.empty {
		return "", nil
	}
	t, text, err := d.typeOf()
	if err != nil {
		return nil, err
	}
	if t.closing { // without a type it is a text
		return text, nil
	}
	return d.typed(t)
}

// typeOf reads the tag that gives a value's type, from behind <value>. A value that has none is its text; t is its closing tag.
func (d *decoder) typeOf() (t tag, text string, err error) {
	raw, err := d.text()
	if err != nil {
		return tag{}, "", err
	}
	stray := len(trim(raw)) > 0
	if len(raw) > 0 {
		text = string(raw)
	}
	switch t, err = d.next(); {
	case err != nil:
		return tag{}, "", err
	case t.closing && t.name != "value":
		return tag{}, "", misplaced(t)
	case !t.closing && stray:
		return tag{}, "", errStray
	}
	return t, text, nil
}

// typed reads a value from behind the first tag of its type, up to and with </value>.
func (d *decoder) typed(t tag) (v any, err error) {
	switch t.name {
	case "array":
		v, err = d.array(t)
	case "struct":
		v, err = d.structure(t)
	default:
		v, err = d.leaf(t)
	}
	if err != nil {
		return nil, err
	}
	return v, d.close("value")
}

// leaf reads a value of a type that holds text alone, up to and with its last tag.
func (d *decoder) leaf(t tag) (v any, err error) {
	var raw []byte
	if !t.empty {
		if raw, err = d.text(); err != nil {
			return nil, err
		}
	}
	if v, err = scalar(t.name, raw); err != nil || t.empty {
		return v, err
	}
	return v, d.close(t.name)
}

// array reads an array up to and with </array>.
func (d *decoder) array(t tag) (any, error) {
	var list []any
	more, err := d.firstItem(t)
	for ; more.name != ""; more, err = d.item() {
		v, err := d.value(more)
		if err != nil {
			return nil, err
		}
		if list == nil {
			list = make([]any, 0, 2) // most are a reference: its id and its name
		}
		list = append(list, v)
	}
	if err != nil {
		return nil, err
	}
	if list == nil {
		return []any{}, nil
	}
	return list, nil
}

// firstItem goes from behind <array> to the first tag of its first item; the zero tag if there is none.
func (d *decoder) firstItem(t tag) (tag, error) {
	if t.empty {
		return tag{}, nil
	}
	if err := d.deeper(); err != nil {
		return tag{}, err
	}
	t, err := d.next()
	switch {
	case err != nil:
		return tag{}, err
	case t.closes("array"):
		d.depth--
		return tag{}, nil
	case t.name != "data" || t.closing:
		return tag{}, misplaced(t)
	case t.empty:
		d.depth--
		return tag{}, d.close("array")
	}
	return d.item()
}

// item is the first tag of the next item of an array; the zero tag after </array>.
func (d *decoder) item() (tag, error) {
	t, err := d.next()
	switch {
	case err != nil:
		return tag{}, err
	case t.closes("data"):
		d.depth--
		return tag{}, d.close("array")
	case t.name != "value" || t.closing:
		return tag{}, misplaced(t)
	}
	return t, nil
}

// structure reads a struct up to and with </struct>. A key that comes twice has its last value.
func (d *decoder) structure(t tag) (any, error) {
	if t.empty {
		return map[string]any{}, nil
	}
	if err := d.deeper(); err != nil {
		return nil, err
	}
	out := make(map[string]any, d.width)
	for {
		t, err := d.next()
		switch {
		case err != nil:
			return nil, err
		case t.closes("struct"):
			d.depth--
			d.width = min(len(out), 64)
			return out, nil
		case !t.opens("member"):
			return nil, misplaced(t)
		}
		name, err := d.memberName()
		if err != nil {
			return nil, err
		}
		if t, err = d.expect("value"); err != nil {
			return nil, err
		}
		if out[name], err = d.value(t); err != nil {
			return nil, err
		}
		if err := d.close("member"); err != nil {
			return nil, err
		}
	}
}

// memberName reads the <name> of a member.
func (d *decoder) memberName() (string, error) {
	t, err := d.expect("name")
	if err != nil || t.empty {
		return "", err
	}
	raw, err := d.text()
	if err != nil {
		return "", err
	}
	if len(raw) > maxName {
		return "", malformedError("it holds a key that is too long")
	}
	name, known := d.names[string(raw)]
	if !known {
		name = string(raw)
		if len(d.names) < maxNames {
			d.names[name] = name
		}
	}
	return name, d.close("name")
}

// deeper enters an array or a struct.
func (d *decoder) deeper() error {
	if d.depth++; d.depth > maxDepth {
		return malformedError("it is nested too deeply")
	}
	return nil
}
