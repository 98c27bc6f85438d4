package odoo

// Command is one x2many command (odoo/fields.py: _RelationalMulti). A value to be written is a list of them: []Command{Set(1, 2)}.
// Odoo takes bare ids in their place without complaint and does nothing.
type Command []any

// Add creates a record and links it.
func Add(v Values) Command { return Command{0, 0, v} }

// Update changes a linked record.
func Update(id int64, v Values) Command { return Command{1, id, v} }

// Delete unlinks a record and deletes it.
func Delete(id int64) Command { return Command{2, id} }

// Unlink takes a record out of the relation; a one2many with a required inverse deletes it.
func Unlink(id int64) Command { return Command{3, id} }

// Link puts an existing record into the relation.
func Link(id int64) Command { return Command{4, id} }

// Clear takes all records out of the relation.
func Clear() Command { return Command{5} }

// Set replaces the relation by these records; without ids it is Clear.
func Set(ids ...int64) Command { return Command{6, 0, append([]int64{}, ids...)} }
