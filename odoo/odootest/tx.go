package odootest

import (
	"errors"
	"maps"
)

// database is the committed state of one Odoo database.
type database struct {
	models map[string]*model
	tables map[string]*table
	rev    uint64 // counts commits
}

func (db *database) table(model string) *table {
	t := db.tables[model]
	if t == nil {
		t = newTable()
		db.tables[model] = t
	}
	return t
}

func (db *database) clone() *database {
	c := &database{models: maps.Clone(db.models), tables: make(map[string]*table, len(db.tables)), rev: db.rev}
	for name, t := range db.tables {
		c.tables[name] = t.clone()
	}
	return c
}

type rowKey struct {
	model string
	id    int64
}

// errSerialization is met by a transaction that writes a row which another one changed and committed since it began.
var errSerialization = errors.New("could not serialize access due to concurrent update")

// lockedError is met by a transaction that writes a row which an open one has written: PostgreSQL waits for its end.
type lockedError struct{ by *Tx }

func (e *lockedError) Error() string { return "row is locked by an open transaction" }

// tx is the running transaction. It works on the tables in place under the server's lock and remembers what it replaced.
type tx struct {
	s      *Server
	db     *database
	stamp  stamp // the transaction's start: what create_date and write_date get
	begin  uint64
	undo   []undo
	models map[string]*model // the registry before the first change of it; nil = unchanged
	open   *Tx               // the long transaction this one is a step of
	popped []func()          // puts back the __last_update keys this attempt consumed
}

type undo struct {
	key rowKey
	old *row
}

func (s *Server) newTx() *tx {
	return &tx{s: s, db: s.db, stamp: stampOf(s.clock()), begin: s.db.rev}
}

// put stores one row, honouring the locks of open transactions and snapshot isolation.
func (t *tx) put(model string, id int64, r *row) error {
	key := rowKey{model, id}
	if by := t.s.locks[key]; by != nil && by != t.open {
		return &lockedError{by}
	}
	table := t.db.table(model)
	if old := table.rows[id]; old != nil && old.rev > t.begin {
		return errSerialization
	}
	t.undo = append(t.undo, undo{key, table.put(id, r)})
	return nil
}

// mark and rollbackTo are a savepoint.
func (t *tx) mark() int { return len(t.undo) }

func (t *tx) rollbackTo(mark int) {
	for i := len(t.undo) - 1; i >= mark; i-- {
		u := t.undo[i]
		t.db.table(u.key.model).put(u.key.id, u.old)
	}
	t.undo = t.undo[:mark]
}

func (t *tx) rollback() {
	t.rollbackTo(0)
	if t.models != nil {
		t.db.models, t.models = t.models, nil
	}
}

// commit makes the writes final. Rows written by this transaction carry the new revision.
func (t *tx) commit() {
	t.db.rev++
	for _, u := range t.undo {
		if r := t.db.table(u.key.model).rows[u.key.id]; r != nil {
			r.rev = t.db.rev
		}
	}
	t.undo, t.models = nil, nil
}

// setModel changes the registry (a manual model or field).
func (t *tx) setModel(m *model) {
	if t.models == nil {
		t.models = t.db.models
		t.db.models = maps.Clone(t.models)
	}
	t.db.models[m.name] = m
}

func (t *tx) dropModel(name string) {
	if t.models == nil {
		t.models = t.db.models
		t.db.models = maps.Clone(t.models)
	}
	delete(t.db.models, name)
}

// transact runs work as user uid in a transaction of its own, as odoo/service/model.py does: what meets a row of an open
// transaction waits for its end and, if that committed, starts again with a later stamp; context keys consumed by the
// first attempt (__last_update) stay consumed.
func (s *Server) transact(uid int64, work func(*env) error) error {
	return s.transactFor(uid, Call{}, work)
}

// transactFor is transact on behalf of a remote call.
func (s *Server) transactFor(uid int64, call Call, work func(*env) error) error {
	for {
		s.mu.Lock()
		t := s.newTx()
		err := work(newEnv(t, uid))
		var locked *lockedError
		if !errors.As(err, &locked) {
			s.tell(t, uid, call, err)
			if err != nil {
				t.rollback()
			} else {
				t.commit()
			}
			s.mu.Unlock()
			return err
		}
		t.rollback()
		s.mu.Unlock()
		locked.by.met.Do(func() { close(locked.by.waited) })
		select {
		case <-locked.by.done:
		case <-s.halt:
			return errHalted
		}
		if !locked.by.committed {
			for _, restore := range t.popped {
				restore()
			}
		}
	}
}
