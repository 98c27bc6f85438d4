package odootest

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// backup is a snapshot: rows by column name, so that it survives a registry whose columns are numbered otherwise.
type backup struct {
	Rev    uint64
	Tables map[string]backupTable
}

type backupTable struct {
	Columns []string
	Next    int64
	Rows    []backupRow
}

type backupRow struct {
	ID, Created, Written, CreatedBy, WrittenBy int64
	Rev                                        uint64
	Values                                     []any
	Translations                               map[string]map[string]string
}

// null stands for NULL: gob knows no nil in a slice of interfaces.
type null struct{ Null bool }

func init() {
	gob.Register(null{})
	gob.Register(stamp(0))
	gob.Register([]int64{})
}

// Snapshot is a backup of the database, sequences included.
func (s *Server) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	img := backup{Rev: s.db.rev, Tables: map[string]backupTable{}}
	for name, t := range s.db.tables {
		m := s.db.models[name]
		if m == nil {
			continue
		}
		it := backupTable{Next: t.next}
		for _, f := range m.cols {
			it.Columns = append(it.Columns, f.name)
		}
		for _, id := range t.sorted() {
			it.Rows = append(it.Rows, imageOf(m, t.rows[id]))
		}
		img.Tables[name] = it
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(img); err != nil {
		s.lastErr = fmt.Errorf("odootest: snapshot: %w", err)
		return nil
	}
	return out.Bytes()
}

func imageOf(m *model, r *row) backupRow {
	ir := backupRow{
		ID: r.id, Created: int64(r.created), Written: int64(r.written), CreatedBy: r.createdBy, WrittenBy: r.writtenBy, Rev: r.rev,
		Values: make([]any, len(m.cols)), Translations: map[string]map[string]string{},
	}
	for i, f := range m.cols {
		if ir.Values[i] = r.at(f); ir.Values[i] == nil {
			ir.Values[i] = null{}
		}
	}
	for lang, cols := range r.translations {
		ir.Translations[lang] = map[string]string{}
		for col, text := range cols {
			ir.Translations[lang][m.cols[col].name] = text
		}
	}
	return ir
}

// Restore replaces the database by a snapshot, as an administrator restoring a backup does: ids given out since are given out again,
// write_dates go back, open transactions are gone.
func (s *Server) Restore(snapshot []byte) error {
	var img backup
	if err := gob.NewDecoder(bytes.NewReader(snapshot)).Decode(&img); err != nil {
		return fmt.Errorf("odootest: restore: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	db := &database{models: freshDatabase().clone().models, tables: map[string]*table{}, rev: img.Rev}
	if err := s.restoreModels(db, img); err != nil {
		return err
	}
	for name, it := range img.Tables {
		if m := db.models[name]; m != nil {
			db.tables[name] = it.table(m)
		}
	}
	for _, open := range s.locks {
		open.release()
	}
	s.age++
	s.db, s.locks, s.cached = db, map[rowKey]*Tx{}, map[int64]string{}
	return nil
}

// restoreModels rebuilds the manual models and fields from the rows that describe them, in the order they were made.
func (s *Server) restoreModels(db *database, img backup) error {
	for _, name := range []string{"ir.model", "ir.model.fields"} {
		db.tables[name] = img.Tables[name].table(db.models[name])
	}
	t := &tx{s: s, db: db, begin: db.rev}
	e := newEnv(t, superuser)
	models, fields := db.models["ir.model"], db.models["ir.model.fields"]
	for _, id := range db.tables["ir.model"].sorted() {
		r := e.row("ir.model", id)
		if r.str(models.field("state")) != "manual" {
			continue
		}
		made := newModel(r.str(models.field("model")), r.str(models.field("name")))
		made.manual, made.id, made.recName = true, id, "x_name"
		for i := range magic {
			f := magic[i]
			made.add(&f)
		}
		t.setModel(made)
	}
	for _, id := range db.tables["ir.model.fields"].sorted() {
		r := e.row("ir.model.fields", id)
		of := db.models[r.str(fields.field("model"))]
		if r.str(fields.field("state")) != "manual" || of == nil || of.field(r.str(fields.field("name"))) != nil {
			continue
		}
		if err := addField(e, fields, id); err != nil {
			return fmt.Errorf("odootest: restore: %w", err)
		}
	}
	return nil
}

func (it backupTable) table(m *model) *table {
	t := newTable()
	t.next = it.Next
	places := make([]*field, len(it.Columns))
	for i, name := range it.Columns {
		for _, f := range m.cols {
			if f.name == name {
				places[i] = f
			}
		}
	}
	for _, ir := range it.Rows {
		r := &row{
			id: ir.ID, created: stamp(ir.Created), written: stamp(ir.Written), createdBy: ir.CreatedBy, writtenBy: ir.WrittenBy,
			rev: ir.Rev, v: make([]any, len(m.cols)),
		}
		for i, v := range ir.Values {
			if _, isNull := v.(null); !isNull && places[i] != nil && places[i].col >= 0 {
				r.v[places[i].col] = v
			}
		}
		for lang, texts := range ir.Translations {
			for name, text := range texts {
				if f := m.field(name); f != nil && f.col >= 0 {
					r.translate(lang, f, text)
				}
			}
		}
		t.put(r.id, r)
	}
	return t
}
