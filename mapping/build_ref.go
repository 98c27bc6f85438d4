package mapping

import "slices"

// reference checks ref: against the mapping it names, and chooses between one id and a list.
func (b *builder) reference(fd *fieldDoc, f *Field) {
	if target, ok := b.byName[fd.Ref.v]; ok {
		f.Person = personPath(f.odoo, target.Odoo.Model.v)
		f.Tells = f.Direction != ToDingTalk && b.tells(target, f.Attribute)
	}
	f.Convert = newRefConverter(f)
	if fd.Values.given() {
		b.errorf(fd.Values.place, "a reference is translated by its links; it can have no table of values")
	}
	target, ok := b.byName[fd.Ref.v]
	if !ok {
		hint := suggest(fd.Ref.v, keysOf(b.byName))
		if slices.Contains(Presets(), fd.Ref.v) {
			hint = "; there is a preset of that name, which must be enabled too"
		}
		b.errorf(fd.Ref.place, "there is no mapping %q%s", fd.Ref.v, hint)
	} else {
		b.referred(fd, f, target)
	}
	if fd.Attribute.given() && f.Direction != ToDingTalk && !f.Tells {
		b.errorf(fd.Attribute.place, `an attribute does not tell whose it is, so it can only be sent; the pair needs "direction: to_dingtalk"`)
	}
	list := f.ding != nil && f.ding.Type == typeIDList
	choose := choosers[fd.Convert.v]
	switch {
	case fd.Convert.v == answersOfPeople:
		b.answers(fd, f)
	case f.odoo != nil && f.odoo.Type == "many2many" && list:
		b.referenceSet(fd, f)
	case f.odoo != nil && f.odoo.Type == "many2many":
		b.referenceList(fd, f)
	case fd.Convert.given() && choose == nil && makers[fd.Convert.v] == nil:
		b.errorf(fd.Convert.place, "there is no converter %q%s", fd.Convert.v, suggest(fd.Convert.v, Converters()))
	case fd.Convert.given() && choose == nil:
		b.errorf(fd.Convert.place, "%s does not fit a reference", fd.Convert.v)
	case choose != nil && f.ding.isComponent() && fd.Convert.v != oneOf:
		b.errorf(fd.Convert.place, "%s chooses among the departments of a person, and %s is part of a form", fd.Convert.v, f.DingName)
	case choose != nil && f.ding != nil && !list && !f.ding.isComponent():
		b.errorf(fd.Convert.place, "%s chooses from a list, and %s is none", fd.Convert.v, f.DingName)
	case choose != nil:
		f.Convert = listConverter{newRefConverter(f), fd.Convert.v, choose}
	case list && (fd.Attribute.given() || f.ding.RefBy != ""):
		f.Convert = soleConverter{newRefConverter(f)}
	case list:
		b.errorf(fd.at, `%s is a list: the pair needs "convert: one_of" or "convert: main_department"`, f.DingName)
	}
}

// referenceList joins a many2many with a component that holds several ids, such as contacts or departments.
func (b *builder) referenceList(fd *fieldDoc, f *Field) {
	f.Convert = refsConverter{newRefConverter(f)}
	switch {
	case f.ding != nil && !f.ding.isComponent():
		b.errorf(fd.Odoo.place, "%s names several records, which only a component of a form can take", f.OdooName)
	case fd.Convert.given():
		b.errorf(fd.Convert.place, "%s names several records: all of them are meant, and convert has no effect", f.OdooName)
	case fd.None.given():
		b.errorf(fd.None.place, "none stands for an empty reference to one record, and %s names several", f.OdooName)
	}
}

// referenceSet joins a many2many with a list of ids: its members travel one by one.
func (b *builder) referenceSet(fd *fieldDoc, f *Field) {
	f.Convert = setConverter{newRefConverter(f)}
	switch {
	case fd.Convert.given():
		b.errorf(fd.Convert.place, "%s names several records: all of them are meant, and convert has no effect", f.OdooName)
	case fd.None.given():
		b.errorf(fd.None.place, "none stands for an empty reference to one record, and %s names several", f.OdooName)
	}
}

// answersOfPeople is the converter of what people answered to an invitation.
const answersOfPeople = "responses"

// answers joins the attendees of a meeting with what the people of an event answered.
func (b *builder) answers(fd *fieldDoc, f *Field) {
	one := newRefConverter(f)
	one.person = pathPartner
	f.Convert = responsesConverter{one}
	switch {
	case f.odoo != nil && f.odoo.Type != "" && f.odoo.Relation != "calendar.attendee":
		b.errorf(fd.Odoo.place, "responses belong to the attendees of a meeting, and %s names %s", f.OdooName, f.odoo.Relation)
	case f.ding != nil && f.ding.Type != typeJSON:
		b.errorf(fd.DingTalk.place, "%s holds no answers: its type is %s", f.DingName, f.ding.Type)
	}
}

// tells reports whether an attribute says which record of the other mapping it belongs to: no two have the same, and the mapping keeps it.
func (b *builder) tells(target *document, attribute string) bool {
	if !b.schema.Kinds[target.DingTalk.Kind.v].Fields[attribute].Unique {
		return false
	}
	return slices.ContainsFunc(target.Fields, func(fd fieldDoc) bool { return fd.DingTalk.v == attribute })
}

// The paths by which an employee leads to a user and to a partner (hr.employee, res.users).
const (
	pathUser    = "user_id"
	pathPartner = "user_id.partner_id"
)

// personPath is the path from the records of a model to what a field names; "" where the field names those records.
func personPath(f *OdooField, model string) string {
	switch {
	case f == nil || model != "hr.employee":
		return ""
	case f.Relation == "res.users":
		return pathUser
	case f.Relation == "res.partner":
		return pathPartner
	}
	return ""
}

// documentID is the field in which messages and activities name their document, by its id alone (addons/mail).
const documentID = "res_id"

// referred checks that both ends of a reference lead to what the other mapping maps.
func (b *builder) referred(fd *fieldDoc, f *Field, target *document) {
	if f.odoo != nil && f.odoo.Type != "" && fd.Convert.v != answersOfPeople {
		switch {
		case f.odoo.Type == "one2many" && f.Direction == ToDingTalk && isPath(f.OdooName):
			if f.odoo.Relation != target.Odoo.Model.v { // such as user_id.employee_ids: the first of them that is linked
				b.errorf(fd.Ref.place, "%s leads to %s, but the mapping %s is about %s", f.OdooName, f.odoo.Relation, fd.Ref.v, target.Odoo.Model.v)
			}
		case f.odoo.Type == "integer" && f.OdooName == documentID: // the domain, or the pair of model, says of which model
		case f.odoo.Type != "many2one" && f.odoo.Type != "many2many":
			b.errorf(fd.Odoo.place, "%s is no reference to one record: its type is %s", f.OdooName, f.odoo.Type)
		case f.Person != "":
		case f.odoo.Relation != target.Odoo.Model.v:
			b.errorf(fd.Ref.place, "%s refers to %s, but the mapping %s is about %s", f.OdooName, f.odoo.Relation, fd.Ref.v, target.Odoo.Model.v)
		}
	}
	if f.ding != nil && f.ding.RefBy != "" && f.Attribute != f.ding.RefBy {
		b.errorf(fd.Ref.place, `%s names a %s by its %s: the pair needs "attribute: %s"`, f.DingName, f.ding.Ref, f.ding.RefBy, f.ding.RefBy)
		return
	}
	if fd.Attribute.given() {
		if kind, ok := b.schema.Kinds[target.DingTalk.Kind.v]; ok {
			if _, known := kind.Fields[f.Attribute]; !known {
				b.errorf(fd.Attribute.place, "a DingTalk %s has no field %q%s", kind.Name, f.Attribute, suggest(f.Attribute, keysOf(kind.Fields)))
			}
		}
		return
	}
	if f.ding != nil {
		switch {
		case f.ding.Type != typeID && f.ding.Type != typeIDList && !f.ding.isComponent():
			b.errorf(fd.DingTalk.place, "%s holds no id: its type is %s", f.DingName, f.ding.Type)
		case f.ding.Ref != "" && f.ding.Ref != target.DingTalk.Kind.v:
			b.errorf(fd.Ref.place, "%s names a %s, but the mapping %s is about a %s", f.DingName, f.ding.Ref, fd.Ref.v, target.DingTalk.Kind.v)
		}
	}
}
