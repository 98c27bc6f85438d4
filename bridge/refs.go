package bridge

import (
	"context"
	"strconv"

	"dingbridge/mapping"
)

// refs translates references between ids and links for one batch. It asks the store once per reference and keeps the answer;
// a printed plan adds what it would link, so that a child of a new department is shown as a creation too.
type refs struct {
	ctx     context.Context
	store   Store
	odoo    *odooSide
	byID    map[Await]string                  // "" = no link
	links   map[string]*Link                  // by link key
	all     map[indexSpace]map[ID]int64       // of a sweep: the links of whole mappings, see preload
	virtual int64                             // the last number given to a link that a plan only pretends
	matched map[Await]bool                    // in a printed plan: strangers that another one was matched with
	by      map[byAttribute]map[string]string // links by an attribute of their objects, see LinkBy
	people  map[string]*peopleAt              // by the path from an employee
	err     error                             // the first failure of the store: the batch fails as a whole

	// attribute asks DingTalk for what the referred mapping does not keep.
	attribute func(ctx context.Context, l *Link, name string) (string, error)
}

func (e *Engine) newRefs(ctx context.Context) *refs {
	return &refs{
		ctx: ctx, store: e.Store, odoo: e.odoo, attribute: e.attributeOf, byID: map[Await]string{}, links: map[string]*Link{}, matched: map[Await]bool{},
		all: map[indexSpace]map[ID]int64{}, by: map[byAttribute]map[string]string{}, people: map[string]*peopleAt{},
	}
}

// LinkOf implements mapping.Refs.
func (r *refs) LinkOf(mappingName string, side mapping.Side, id string) (string, bool) {
	at := Await{Mapping: mappingName, Side: side, ID: ID(id)}
	if key, ok := r.byID[at]; ok {
		return key, key != ""
	}
	if link, linked := r.all[indexSpace{mappingName, side}][ID(id)]; linked {
		return strconv.FormatInt(link, 10), true
	}
	var found *Link
	err := r.store.View(r.ctx, func(tx Tx) error {
		on, err := tx.LinksOn(mappingName, side, []ID{ID(id)})
		found = on[ID(id)]
		return err
	})
	if err != nil {
		r.fail(err)
		return "", false
	}
	r.found(at, found)
	return r.byID[at], r.byID[at] != ""
}

// found keeps the answer for one record: its link, on both sides, or that there is none.
func (r *refs) found(at Await, l *Link) {
	r.byID[at] = ""
	if l != nil && refersTo(l.State) {
		r.learn(l)
	}
}

// prefetch asks once for what records refer to on the side, instead of once for each.
func (r *refs) prefetch(m *mapping.Mapping, s mapping.Side, records []mapping.Record) error {
	asks := map[string][]ID{} // by mapping
	asked := map[Await]bool{}
	for _, rec := range records {
		for _, f := range m.Fields {
			if f.Ref == "" || f.Name(s) == "" || f.By(s) != "" {
				continue
			}
			for _, id := range refIDs(rec[f.Name(s)]) {
				at := Await{Mapping: f.Ref, Side: s, ID: ID(id)}
				if _, known := r.byID[at]; id == "" || known || asked[at] {
					continue
				}
				asked[at] = true
				asks[f.Ref] = append(asks[f.Ref], ID(id))
			}
		}
	}
	for name, ids := range asks {
		if err := r.ask(name, s, ids); err != nil {
			return err
		}
	}
	return r.prefetchPeople(m, s, records)
}

// ask reads the links of some records of one mapping.
func (r *refs) ask(name string, s mapping.Side, ids []ID) error {
	return r.store.View(r.ctx, func(tx Tx) error {
		on, err := tx.LinksOn(name, s, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r.found(Await{Mapping: name, Side: s, ID: id}, on[id])
		}
		return nil
	})
}

// refIDs are the ids a raw reference names.
func refIDs(raw any) []string {
	if several, ok := raw.([]int64); ok {
		ids := make([]string, len(several))
		for i, id := range several {
			ids[i] = strconv.FormatInt(id, 10)
		}
		return ids
	}
	list, many := raw.([]any)
	if !many {
		return []string{refID(raw)}
	}
	ids := make([]string, 0, len(list))
	for _, one := range list {
		ids = append(ids, refID(one))
	}
	return ids
}

// IDOf implements mapping.Refs. An attribute of DingTalk is a field of the referred mapping, as it last settled there; where that mapping lacks
// it, DingTalk is asked. One of Odoo is where a path leads now.
func (r *refs) IDOf(_ string, side mapping.Side, link, attribute string) (string, bool) {
	l := r.linkOf(link)
	if l == nil {
		return "", false
	}
	if attribute != "" && side == mapping.DingTalk {
		if v := l.Bases[mapping.DingTalk][attribute].Value; v.IsKnown() {
			return v.Text, true
		}
		if l.Ding == "" || !refersTo(l.State) {
			return "", false
		}
		text, err := r.attribute(r.ctx, l, attribute)
		if err != nil {
			r.fail(err)
		}
		return text, text != ""
	}
	if l.State != Linked && l.State != Baseline && l.State != Settled {
		return "", false
	}
	id := l.On(side)
	if attribute != "" && id != "" {
		return r.leadsTo(attribute, id)
	}
	return string(id), id != ""
}

// alike says whether two values of a field are the same: of a reference, whether they name one record, though it was linked anew. Whom a
// forgotten link named nobody knows any more, and that causes nothing.
func (r *refs) alike(f *mapping.Field, a, b mapping.Value) bool {
	if a == b || f.Ref == "" || !a.IsKnown() || !b.IsKnown() {
		return a == b
	}
	first, second := r.linkOf(a.Text), r.linkOf(b.Text)
	return first == nil || second != nil && first.Odoo == second.Odoo && first.OdooCreated == second.OdooCreated
}

// linkOf is the link of that number, nil when there is none.
func (r *refs) linkOf(link string) *Link {
	if l, ok := r.links[link]; ok {
		return l
	}
	return r.load(link)
}

func (r *refs) load(link string) *Link {
	n, err := strconv.ParseInt(link, 10, 64)
	if err != nil {
		return nil
	}
	var l *Link
	if err := r.store.View(r.ctx, func(tx Tx) error {
		l, err = tx.Link(n)
		return err
	}); err != nil {
		r.fail(err)
		return nil
	}
	if l != nil {
		r.links[link] = l
	}
	return l
}

// learn makes a link that was just saved (or, in a printed plan, would be) known to the batch.
func (r *refs) learn(l *Link) {
	r.links[l.Ref()] = l
	for _, side := range []mapping.Side{mapping.Odoo, mapping.DingTalk} {
		if id := l.On(side); id != "" {
			key := ""
			if refersTo(l.State) {
				key = l.Ref()
			}
			r.byID[Await{Mapping: l.Mapping, Side: side, ID: id}] = key
		}
	}
	r.learnAttributes(l)
}

// preload reads all links of the mappings at once, and of each no more than its number: a sweep asks for every one of them.
func (r *refs) preload(names ...string) error {
	return r.store.View(r.ctx, func(tx Tx) error {
		for _, name := range names {
			ids, err := tx.LinkIDs(name)
			if err != nil {
				return err
			}
			onOdoo, onDing := make(map[ID]int64, len(ids)), make(map[ID]int64, len(ids))
			for _, l := range ids {
				if !refersTo(l.State) {
					continue
				}
				onOdoo[l.Odoo], onDing[l.Ding] = l.ID, l.ID
			}
			delete(onOdoo, "")
			delete(onDing, "")
			r.all[indexSpace{name, mapping.Odoo}], r.all[indexSpace{name, mapping.DingTalk}] = onOdoo, onDing
		}
		return nil
	})
}

func (r *refs) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// refersTo says whether a link in this state can be what a reference names.
func refersTo(s LinkState) bool {
	return s == Linked || s == Creating || s == Pending || s == Baseline || s == Settled
}

// watch is a refs that notes which references found no link, so that the key can wait for them.
type watch struct {
	*refs
	missed []Await
}

// LinkOf implements mapping.Refs.
func (w *watch) LinkOf(mappingName string, side mapping.Side, id string) (string, bool) {
	key, ok := w.refs.LinkOf(mappingName, side, id)
	if !ok {
		w.missed = append(w.missed, Await{Mapping: mappingName, Side: side, ID: ID(id)})
	}
	return key, ok
}

// LinkBy implements mapping.Refs.
func (w *watch) LinkBy(mappingName string, side mapping.Side, attribute, value string) (string, bool) {
	key, ok := w.refs.LinkBy(mappingName, side, attribute, value)
	if !ok {
		w.missed = append(w.missed, w.awaitBy(mappingName, side, attribute, value)...)
	}
	return key, ok
}

// Unwatched gives the references without the waiting.
func (w *watch) Unwatched() mapping.Refs { return w.refs }
