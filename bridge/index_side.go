package bridge

import "slices"

// indexSide is the index of one mapping on one side. It is kept small, because it holds every record: a row of hashes for each, and
// the row's number for each hash.
type indexSide struct {
	entries int                // hashes in a row: one for each match entry, 0 for none
	row     map[ID]int32       // record → its row
	ids     []ID               // by row
	hashes  []uint64           // by row, entries each
	gone    []bool             // by row: archived records are found, but after the present ones
	free    []int32            // rows of records that were taken out
	first   map[uint64]int32   // hash → the row that has it
	more    map[uint64][]int32 // the other rows that have it too
}

func newIndexSide(entries int) *indexSide {
	return &indexSide{entries: entries, row: map[ID]int32{}, first: map[uint64]int32{}, more: map[uint64][]int32{}}
}

// put records the hashes of one record, in place of what it had; no hashes take it out.
func (s *indexSide) put(id ID, hashes []uint64, gone bool) {
	s.take(id)
	if !slices.ContainsFunc(hashes, func(h uint64) bool { return h != 0 }) {
		return
	}
	row := int32(len(s.ids))
	if n := len(s.free); n > 0 {
		row, s.free = s.free[n-1], s.free[:n-1]
		s.ids[row], s.gone[row] = id, gone
		copy(s.hashesOf(row), hashes)
	} else {
		s.ids, s.gone, s.hashes = append(s.ids, id), append(s.gone, gone), append(s.hashes, hashes...)
	}
	s.row[id] = row
	for _, h := range hashes {
		if h == 0 {
			continue
		}
		if _, taken := s.first[h]; taken {
			s.more[h] = append(s.more[h], row)
		} else {
			s.first[h] = row
		}
	}
}

func (s *indexSide) hashesOf(row int32) []uint64 {
	return s.hashes[int(row)*s.entries : (int(row)+1)*s.entries]
}

// take takes a record out.
func (s *indexSide) take(id ID) {
	row, ok := s.row[id]
	if !ok {
		return
	}
	for _, h := range s.hashesOf(row) {
		if h != 0 {
			s.forget(h, row)
		}
	}
	delete(s.row, id)
	s.ids[row] = ""
	s.free = append(s.free, row)
}

// forget takes one row from those that have the hash.
func (s *indexSide) forget(h uint64, row int32) {
	others := s.more[h]
	if s.first[h] == row {
		if len(others) == 0 {
			delete(s.first, h)
			return
		}
		s.first[h], others = others[0], others[1:]
	} else if i := slices.Index(others, row); i >= 0 {
		others = slices.Delete(others, i, i+1)
	}
	if len(others) == 0 {
		delete(s.more, h)
	} else {
		s.more[h] = others
	}
}

// find returns the records that have the hash; the present ones, or else the archived ones.
func (s *indexSide) find(h uint64) []ID {
	row, ok := s.first[h]
	if !ok {
		return nil
	}
	var present, archived []ID
	for _, r := range append([]int32{row}, s.more[h]...) {
		if s.gone[r] {
			archived = append(archived, s.ids[r])
		} else {
			present = append(present, s.ids[r])
		}
	}
	if len(present) > 0 {
		return present
	}
	return archived
}
