package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"dingbridge/bridge"
	"dingbridge/mapping"
)

// The part of a Link that is only ever read whole is one blob:
//
//	memoryFormat, number of bases, bases…, JSON of the rest (absent when there is none)
//
// A base is a byte of flags, its side (when not repeated), and the texts that the flags do not call equal to those of the
// base before. Bases are sorted by field, so that the second side of a field usually costs one or two bytes. Texts carry
// their length in front. JSON takes twenty times as long and five times the room, which a sweep over 100,000 links feels.
const memoryFormat = 1

// Flags of a stored base.
const (
	sameField = 1 << iota
	sameSignature
	sameText
	isEmptyValue
	isKnownValue
	onDingTalk
	otherSide // neither odoo nor dingtalk: the side is written out
)

// rest is what few links have.
type rest struct {
	Holds   map[string]bridge.Hold            `json:"holds,omitempty"`
	Sent    map[string]bridge.Sent            `json:"sent,omitempty"`
	Writing map[string]bridge.Writing         `json:"writing,omitempty"`
	Take    map[string]mapping.Side           `json:"take,omitempty"`
	Intent  *bridge.Intent                    `json:"intent,omitempty"`
	Was     map[mapping.Side]bridge.Existence `json:"was,omitempty"`

	Occurrence *bridge.Occurrence `json:"occurrence,omitempty"`
	Errand     *bridge.Errand     `json:"errand,omitempty"`
}

// storedBase is one base with its place.
type storedBase struct {
	side  mapping.Side
	field string
	base  bridge.Base
}

func encodeMemory(l *bridge.Link) ([]byte, error) {
	b := []byte{memoryFormat}
	bases := sortedBases(l.Bases)
	b = binary.AppendUvarint(b, uint64(len(bases)))
	var last storedBase
	for _, s := range bases {
		b = appendBase(b, s, last)
		last = s
	}
	if len(l.Holds) == 0 && len(l.Sent) == 0 && len(l.Writing) == 0 && len(l.Take) == 0 && l.Intent == nil && len(l.Was) == 0 && l.Occurrence == nil && l.Errand == nil {
		return b, nil
	}
	more, err := json.Marshal(rest{Holds: l.Holds, Sent: l.Sent, Writing: l.Writing, Take: l.Take, Intent: l.Intent, Was: l.Was, Occurrence: l.Occurrence, Errand: l.Errand})
	if err != nil {
		return nil, fmt.Errorf("link %d: %w", l.ID, err)
	}
	return append(b, more...), nil
}

func sortedBases(bases map[mapping.Side]map[string]bridge.Base) []storedBase {
	n := 0
	for _, fields := range bases {
		n += len(fields)
	}
	out := make([]storedBase, 0, n)
	sides := slices.Sorted(maps.Keys(bases))
	slices.Reverse(sides) // odoo first
	for _, side := range sides {
		for field, base := range bases[side] {
			out = append(out, storedBase{side, field, base})
		}
	}
	slices.SortStableFunc(out, func(a, b storedBase) int {
		switch {
		case a.field < b.field:
			return -1
		case a.field > b.field:
			return 1
		}
		return 0
	})
	return out
}

func appendBase(b []byte, s, last storedBase) []byte {
	var flags byte
	if s.field == last.field {
		flags |= sameField
	}
	if s.base.Signature == last.base.Signature {
		flags |= sameSignature
	}
	if s.base.Value.Text == last.base.Value.Text {
		flags |= sameText
	}
	switch {
	case s.base.Value.IsEmpty():
		flags |= isEmptyValue
	case s.base.Value.IsKnown():
		flags |= isKnownValue
	}
	switch s.side {
	case mapping.Odoo:
	case mapping.DingTalk:
		flags |= onDingTalk
	default:
		flags |= otherSide
	}
	b = append(b, flags)
	if flags&otherSide != 0 {
		b = appendText(b, string(s.side))
	}
	if flags&sameField == 0 {
		b = appendText(b, s.field)
	}
	if flags&sameSignature == 0 {
		b = appendText(b, s.base.Signature)
	}
	if flags&sameText == 0 {
		b = appendText(b, s.base.Value.Text)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// errMemory is a blob that encodeMemory did not write.
var errMemory = errors.New("the stored memory is damaged")

// decodeMemory fills the link from the blob. The texts are parts of one string.
func decodeMemory(blob []byte, l *bridge.Link) error {
	if len(blob) == 0 || blob[0] != memoryFormat {
		return errMemory
	}
	r := reader{bytes: blob[1:], text: string(blob[1:])}
	n := r.number()
	if n > uint64(len(r.text)) {
		return errMemory
	}
	var last storedBase
	for range n {
		last = r.base(last)
		if l.Bases == nil {
			l.Bases = make(map[mapping.Side]map[string]bridge.Base, 2)
		}
		if l.Bases[last.side] == nil {
			l.Bases[last.side] = make(map[string]bridge.Base, n/2+1)
		}
		l.Bases[last.side][last.field] = last.base
	}
	if r.bad {
		return errMemory
	}
	if r.at == len(r.text) {
		return nil
	}
	var more rest
	if err := json.Unmarshal(r.bytes[r.at:], &more); err != nil {
		return fmt.Errorf("%w: %w", errMemory, err)
	}
	l.Holds, l.Sent, l.Writing, l.Take, l.Intent, l.Was = more.Holds, more.Sent, more.Writing, more.Take, more.Intent, more.Was
	l.Occurrence, l.Errand = more.Occurrence, more.Errand
	return nil
}

// reader walks through a blob; bad says that it ended too early.
type reader struct {
	bytes []byte
	text  string
	at    int
	bad   bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.bytes[r.at:])
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.at += size
	return n
}

func (r *reader) string() string {
	n := r.number()
	if n > uint64(len(r.text)-r.at) {
		r.bad = true
		return ""
	}
	s := r.text[r.at : r.at+int(n)]
	r.at += int(n)
	return s
}

func (r *reader) base(last storedBase) storedBase {
	if r.bad || r.at >= len(r.bytes) {
		r.bad = true
		return last
	}
	flags := r.bytes[r.at]
	r.at++
	s := storedBase{side: mapping.Odoo, field: last.field}
	s.base.Signature, s.base.Value.Text = last.base.Signature, last.base.Value.Text
	switch {
	case flags&otherSide != 0:
		s.side = mapping.Side(r.string())
	case flags&onDingTalk != 0:
		s.side = mapping.DingTalk
	}
	if flags&sameField == 0 {
		s.field = r.string()
	}
	if flags&sameSignature == 0 {
		s.base.Signature = r.string()
	}
	if flags&sameText == 0 {
		s.base.Value.Text = r.string()
	}
	switch {
	case flags&isEmptyValue != 0:
		s.base.Value.State = mapping.Empty
	case flags&isKnownValue != 0:
		s.base.Value.State = mapping.Known
	}
	return s
}
