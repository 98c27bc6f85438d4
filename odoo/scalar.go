package odoo

import (
	"errors"
	"strconv"
)

// scalar is the value of a text of the type.
func scalar(kind string, raw []byte) (any, error) {
	switch kind {
	case "string", "base64", "dateTime.iso8601":
		return string(raw), nil
	case "int", "i1", "i2", "i4", "i8", "biginteger":
		n, err := strconv.ParseInt(string(trim(raw)), 10, 64)
		if err != nil {
			return nil, malformedError("it holds an " + kind + " that is no number of 64 bits")
		}
		return n, nil
	case "boolean":
		if len(raw) != 1 || raw[0]&^1 != '0' {
			return nil, malformedError("it holds a boolean that is neither 0 nor 1")
		}
		return raw[0] == '1', nil
	case "double", "float":
		raw = trim(raw)
		f, err := strconv.ParseFloat(string(raw), 64)
		if (err != nil && !errors.Is(err, strconv.ErrRange)) || !isDecimal(raw) {
			return nil, malformedError("it holds a double that is no number")
		}
		return f, nil
	case "nil":
		if len(trim(raw)) > 0 {
			return nil, malformedError("it holds a nil that is not empty")
		}
		return nil, nil
	}
	return nil, malformedError("it holds a value of an unknown type")
}

// isDecimal leaves out what strconv reads as a number and Python does not: hexadecimal floats.
func isDecimal(raw []byte) bool {
	for _, c := range raw {
		if c == 'x' || c == 'X' || c == '_' {
			return false
		}
	}
	return true
}
