package odootest

import (
	"errors"
	"sync"
)

// errClosed is returned by a Tx that was committed or rolled back.
var errClosed = errors.New("odootest: the transaction is over")

// errHalted ends a call that waits while the server closes.
var errHalted = errors.New("odootest: the server was closed")

// Tx is a slow transaction of the administrator: its stamp is taken at Begin and goes into every write_date, however late it commits.
// Nobody sees its writes before Commit, and whoever writes one of its rows waits. When it writes a row that was changed and
// committed since Begin, it does what Odoo does after a serialization failure: everything again with a later stamp.
type Tx struct {
	s         *Server
	mu        sync.Mutex
	stamp     stamp
	begin     uint64
	ops       []func(*env) error
	images    map[rowKey]*row // what it wrote, not yet visible; nil = deleted
	done      chan struct{}
	committed bool
	over      bool
	retries   int
	uid       int64
	call      Call // the remote call that it serves
	age       int  // of the database: a restore ends the transactions before it
	once      sync.Once
	met       sync.Once
	waited    chan struct{}
}

// Begin starts a slow transaction.
func (s *Server) Begin() *Tx {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Tx{s: s, stamp: stampOf(s.clock()), begin: s.db.rev, images: map[rowKey]*row{}, done: make(chan struct{}), waited: make(chan struct{}), uid: adminUser, age: s.age}
}

// Waited is closed when somebody first waits for a row of the transaction.
func (t *Tx) Waited() <-chan struct{} { return t.waited }

func (t *Tx) release() { t.once.Do(func() { close(t.done) }) }

// Create makes a record inside the transaction; its id is known at once.
func (t *Tx) Create(model string, vals map[string]any) (id int64, err error) {
	vals = plainValues(vals)
	err = t.step(func(e *env) error {
		m := e.model(model)
		if m == nil {
			return userFault("Object %s doesn't exist", model)
		}
		if id != 0 { // again, after a serialization failure: keep the id the caller has
			table, next := e.rows(model), e.rows(model).next
			table.next = id
			defer func() { table.next = max(next, table.next) }()
		}
		id, err = e.create(m, vals)
		return err
	})
	return id, err
}

// Write changes a record inside the transaction.
func (t *Tx) Write(model string, id int64, vals map[string]any) error {
	vals = plainValues(vals)
	return t.step(func(e *env) error {
		m := e.model(model)
		if m == nil {
			return userFault("Object %s doesn't exist", model)
		}
		return e.write(m, []int64{id}, vals)
	})
}

// Unlink deletes records inside the transaction.
func (t *Tx) Unlink(model string, ids ...int64) error {
	return t.step(func(e *env) error {
		m := e.model(model)
		if m == nil {
			return userFault("Object %s doesn't exist", model)
		}
		return e.unlink(m, ids)
	})
}

// Retries tells how often a serialization failure made the transaction start again.
func (t *Tx) Retries() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.retries
}

// step runs one more operation on top of those before it. A refused one is not part of the transaction.
func (t *Tx) step(op func(*env) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return errClosed
	}
	for {
		t.s.mu.Lock()
		err := t.attempt(op)
		if errors.Is(err, errSerialization) {
			err = t.restart(op)
		}
		var locked *lockedError
		wait := errors.As(err, &locked)
		t.s.mu.Unlock()
		if !wait {
			if err == nil {
				t.ops = append(t.ops, op)
			}
			return err
		}
		select {
		case <-locked.by.done:
		case <-t.s.halt:
			return errHalted
		}
	}
}

// attempt shows the transaction its own writes, runs op, and hides them again. The rows it wrote stay locked.
func (t *Tx) attempt(op func(*env) error) error {
	if t.age != t.s.age {
		return errClosed
	}
	x := &tx{s: t.s, db: t.s.db, stamp: t.stamp, begin: t.begin, open: t}
	for key, r := range t.images {
		x.undo = append(x.undo, undo{key, x.db.table(key.model).put(key.id, r)})
	}
	mark := x.mark()
	err := op(newEnv(x, t.uid))
	if err == nil {
		for _, u := range x.undo[mark:] {
			t.images[u.key] = x.db.table(u.key.model).rows[u.key.id]
			t.s.locks[u.key] = t
		}
	}
	x.rollback()
	return err
}

// restart repeats the transaction with a later stamp, as odoo/service/model.py does.
func (t *Tx) restart(op func(*env) error) error {
	t.retries++
	t.unlock()
	t.images = map[rowKey]*row{}
	t.stamp, t.begin = stampOf(t.s.clock()), t.s.db.rev
	for _, again := range append(append([]func(*env) error{}, t.ops...), op) {
		if err := t.attempt(again); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) unlock() {
	for key := range t.images {
		if t.s.locks[key] == t {
			delete(t.s.locks, key)
		}
	}
}

// Commit makes the writes visible at once, with the stamp of Begin (or of the last restart).
func (t *Tx) Commit() error { return t.end(true) }

// Rollback forgets them.
func (t *Tx) Rollback() error { return t.end(false) }

func (t *Tx) end(commit bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return errClosed
	}
	t.over = true
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.unlock()
	if t.age != t.s.age {
		return errClosed
	}
	if commit {
		x := &tx{s: t.s, db: t.s.db, stamp: t.stamp}
		for key, r := range t.images {
			x.undo = append(x.undo, undo{key, x.db.table(key.model).put(key.id, r)})
		}
		t.s.tell(x, t.uid, t.call, nil)
		x.commit()
		t.committed = true
	}
	t.release()
	return nil
}

// slowly runs the work of a call that Hold keeps from committing.
func (s *Server) slowly(uid int64, call Call, released <-chan struct{}, work func(*env) error) error {
	t := s.Begin()
	t.uid, t.call = uid, call
	if err := t.step(work); err != nil {
		_ = t.Rollback() // a refused step leaves nothing, and err says why
		return err
	}
	select {
	case <-released:
		return t.Commit()
	case <-s.halt:
		_ = t.Rollback() // the server is closing: the call has no answer anyway
		return errHalted
	}
}
