package dingtalktest

import (
	"slices"
	"time"
)

// shelf keeps the things of one sort with their past versions, for StaleReads. A version is never changed, only replaced. It needs the
// server's lock.
type shelf[T any] struct {
	now   map[string]*T
	past  map[string][]version[T]
	order []string // ids in the order of coming
	seq   int
}

func newShelf[T any]() shelf[T] {
	return shelf[T]{now: map[string]*T{}, past: map[string][]version[T]{}}
}

// put makes v the present version.
func (h *shelf[T]) put(id string, v *T, now time.Time, lag time.Duration) {
	old := h.now[id]
	if old == nil {
		h.order = append(h.order, id)
	}
	keep(h.past, id, old, now, lag)
	h.now[id] = v
}

// at is the version that a read at the horizon shows, nil when there was none.
func (h *shelf[T]) at(id string, horizon time.Time) *T { return at(h.now, h.past, id, horizon) }

// unionsOf are the unionids of members, in the order of the userids; who is no member any more is left out.
func (s *Server) unionsOf(userids ...string) []string {
	out := []string{}
	for _, id := range userids {
		if p := s.dir.users[id]; p != nil && !slices.Contains(out, p.UnionID) {
			out = append(out, p.UnionID)
		}
	}
	return out
}

// unionOf is a person's unionid, "" when there is no such member.
func (s *Server) unionOf(userid string) string {
	if p := s.dir.users[userid]; p != nil {
		return p.UnionID
	}
	return ""
}

// byUnion finds the userids of unionids; ok is false when one is nobody's.
func (s *Server) byUnion(unions []string) (userids []string, ok bool) {
	for _, union := range unions {
		id := s.dir.byUnion[union]
		if id == "" {
			return nil, false
		}
		if !slices.Contains(userids, id) {
			userids = append(userids, id)
		}
	}
	return userids, true
}

// echo emits an event of a change that an app made, unless Knobs.NoEchoes.
func (s *Server) echo(byAPI bool, eventType string, data map[string]any) {
	if !byAPI || !s.knobs.NoEchoes {
		s.emit(eventType, data)
	}
}
