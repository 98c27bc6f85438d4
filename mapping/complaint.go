package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Level says how bad a complaint is.
type Level string

// The two levels. A Set with errors is not loaded; warnings are shown and nothing else.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Complaint is one thing that is wrong with a mapping file, and where.
type Complaint struct {
	Position
	Level   Level  `json:"level"`
	Message string `json:"message"`
}

// String returns "file:line:column: message"; a warning says so after the position.
func (c Complaint) String() string {
	level := ""
	if c.Level == Warning {
		level = "warning: "
	}
	return fmt.Sprintf("%s: %s%s", c.Position, level, c.Message)
}

// String returns "file:line:column".
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Complaints are all complaints about the files of one Load, in file order. As an error it reads one complaint per line.
type Complaints []Complaint

// Error implements error.
func (c Complaints) Error() string {
	lines := make([]string, len(c))
	for i, one := range c {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the complaints that keep the files from being used; empty when there are only warnings.
func (c Complaints) Errors() Complaints {
	return slices.DeleteFunc(slices.Clone(c), func(one Complaint) bool { return one.Level != Error })
}

// Warnings returns the complaints that are no errors.
func (c Complaints) Warnings() Complaints {
	return slices.DeleteFunc(slices.Clone(c), func(one Complaint) bool { return one.Level != Warning })
}
