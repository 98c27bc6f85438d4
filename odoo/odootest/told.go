package odootest

import "time"

// Transaction is one transaction as OnTransaction tells it.
type Transaction struct {
	At      time.Time // when it ended, by the machine's clock
	UID     int64     // whose it was
	Call    Call      // the remote call that it served; its Service is empty for a direct method and for a Tx
	Changes []Change  // the rows it changed, in the order in which it first wrote them; none when it was undone
	Err     error     // why it was undone; nil = committed, whether or not an answer arrived
}

// Change is what a transaction made of one row: the stored columns by name as they are in the database (NULL is nil, a many2one an id, a
// datetime text). Before is nil of a row that it made, After of one that it deleted.
type Change struct {
	Model         string
	ID            int64
	Before, After map[string]any
}

// OnTransaction sets a hook that is told of every transaction when it ends, in the order of the commits: whoever began it, by a remote
// call or a direct method. It runs while the database is locked, so it must not use the server. nil removes it.
func (s *Server) OnTransaction(hook func(Transaction)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onTransaction = hook
}

// tell tells the hook of a transaction that is about to end; s.mu is held and what it wrote not yet forgotten.
func (s *Server) tell(t *tx, uid int64, call Call, err error) {
	if s.onTransaction == nil {
		return
	}
	told := Transaction{At: time.Now(), UID: uid, Call: call, Err: err}
	if err == nil {
		told.Changes = t.changes()
	}
	s.onTransaction(told)
}

// changes are the rows the transaction wrote, each once.
func (t *tx) changes() []Change {
	var out []Change
	known := map[rowKey]bool{}
	for _, u := range t.undo {
		m := t.db.models[u.key.model]
		if known[u.key] || m == nil {
			continue
		}
		known[u.key] = true
		out = append(out, Change{u.key.model, u.key.id, m.columnsOf(u.old), m.columnsOf(t.db.table(u.key.model).rows[u.key.id])})
	}
	return out
}

// columnsOf is the row by the names of its columns, nil when there is none.
func (m *model) columnsOf(r *row) map[string]any {
	if r == nil {
		return nil
	}
	out := make(map[string]any, len(m.cols)+1)
	for _, f := range m.cols {
		out[f.name] = r.at(f)
		if at, ok := out[f.name].(stamp); ok {
			out[f.name] = at.String()
		}
	}
	out["write_date"] = r.written.String()
	return out
}
