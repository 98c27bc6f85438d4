// Package bridge is the engine: it looks at both sides of a record and at the memory of last time, makes a plan, and prints
// or applies it. It owns the vocabulary (Ref, View, Link, Change, Plan, Guard) and the two adapters that speak to the clients.
//
// It does not know how either system is reached (packages odoo and dingtalk), how a mapping file is read (package mapping),
// nor how state is kept on disk (package bridge/store implements Store).
package bridge

import (
	"fmt"
	"strconv"
	"strings"

	"dingbridge/mapping"
)

// ID is the identity of a record on its side; opaque text, made only by the adapter of that side.
type ID string

// Ref is one record of one side.
type Ref struct {
	Side mapping.Side `json:"side"`
	Kind string       `json:"kind"` // the Odoo model, or the DingTalk kind
	ID   ID           `json:"id"`
}

// String prints the Ref as the commands take it: "odoo hr.employee 42".
func (r Ref) String() string { return string(r.Side) + " " + r.Kind + " " + string(r.ID) }

// ParseRef reads the three words of Ref.String.
func ParseRef(side, kind, id string) (Ref, error) {
	switch mapping.Side(side) {
	case mapping.Odoo, mapping.DingTalk:
	default:
		return Ref{}, fmt.Errorf("%q is neither odoo nor dingtalk", side)
	}
	if kind == "" || id == "" {
		return Ref{}, fmt.Errorf("a record is named by side, model or kind, and id, such as: odoo hr.employee 42")
	}
	if mapping.Side(side) == mapping.Odoo {
		if _, err := strconv.ParseInt(id, 10, 64); err != nil && !isDigestID(ID(id)) {
			return Ref{}, fmt.Errorf("%q is not an Odoo id", id)
		}
	}
	return Ref{Side: mapping.Side(side), Kind: kind, ID: ID(id)}, nil
}

// Key names one piece of work: a link once there is one, else a mapping and the record that was seen.
// Its text form is stable, because it is stored.
type Key struct {
	Mapping string
	Link    int64        // > 0 when the work is on a link
	Side    mapping.Side // else the side and id of the unlinked record
	ID      ID
}

// LinkKey is the work key of a link.
func LinkKey(mappingName string, link int64) Key { return Key{Mapping: mappingName, Link: link} }

// RecordKey is the work key of a record that no link holds yet.
func RecordKey(mappingName string, side mapping.Side, id ID) Key {
	return Key{Mapping: mappingName, Side: side, ID: id}
}

// String is the stored form: "employees#12", "employees/odoo/42" or "employees/dingtalk/zhangsan".
func (k Key) String() string {
	if k.Link > 0 {
		return k.Mapping + "#" + strconv.FormatInt(k.Link, 10)
	}
	return k.Mapping + "/" + string(k.Side) + "/" + string(k.ID)
}

// ParseKey reads Key.String.
func ParseKey(s string) (Key, error) {
	if name, n, ok := strings.Cut(s, "#"); ok && !strings.Contains(name, "/") {
		id, err := strconv.ParseInt(n, 10, 64)
		if err != nil || id <= 0 {
			return Key{}, fmt.Errorf("bad work key %q", s)
		}
		return LinkKey(name, id), nil
	}
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("bad work key %q", s)
	}
	return RecordKey(parts[0], mapping.Side(parts[1]), ID(parts[2])), nil
}
