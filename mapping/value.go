package mapping

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// State says what is known about one field of one record.
type State uint8

// The three states. Unknown is the zero value on purpose: what nobody read is unknown and causes nothing.
const (
	Unknown State = iota // not read, not visible, not permitted, a reference that is not there yet
	Empty                // read and empty
	Known                // read and filled
)

// Value is one field in a View: a state and, when Known, a canonical text. Two Values are the same exactly when they are ==.
//
// The text is the value after conversion and normalisation: a text is itself, a number is in decimal, a boolean is
// "true" or "false", a date is 2006-01-02, an instant is RFC 3339 in UTC, a reference is the key of the link it names,
// a set is a sorted JSON array of texts.
type Value struct {
	State State
	Text  string
}

// EmptyValue is the Value of a field that was read and holds nothing.
var EmptyValue = Value{State: Empty}

// UnknownValue is the Value of a field nobody could read.
var UnknownValue = Value{}

// Text returns the Known value of a text; an empty text is Empty.
func Text(s string) Value {
	if s == "" {
		return EmptyValue
	}
	return Value{State: Known, Text: s}
}

// IsUnknown reports whether nothing is known about the field.
func (v Value) IsUnknown() bool { return v.State == Unknown }

// IsEmpty reports whether the field was read and holds nothing.
func (v Value) IsEmpty() bool { return v.State == Empty }

// IsKnown reports whether the field was read and is filled.
func (v Value) IsKnown() bool { return v.State == Known }

// String shows the value to a person: ? when unknown, – when empty.
func (v Value) String() string {
	switch v.State {
	case Known:
		return v.Text
	case Empty:
		return "–"
	default:
		return "?"
	}
}

// MarshalJSON writes Known as a string, Empty as null and Unknown as false (a View leaves Unknown fields out).
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.State {
	case Known:
		return json.Marshal(v.Text)
	case Empty:
		return []byte("null"), nil
	default:
		return []byte("false"), nil
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		*v = EmptyValue
		return nil
	case "false":
		*v = UnknownValue
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a stored value is neither text, null nor false: %s", strconv.Quote(string(b)))
	}
	*v = Value{State: Known, Text: s}
	return nil
}

// View is one record as a mapping sees it: field key (Field.Key) to Value. Fields that are Unknown may be left out.
type View map[string]Value
