package odoo

import (
	"strconv"
	"strings"
)

// LockContext makes Write and Unlink refuse when the record was changed after writeDate, the second that read showed
// (odoo/models.py: _check_concurrency); IsModified tells that refusal. The column keeps microseconds and read cuts them off, so
// the second is padded to its end: a change within that same second passes unseen, and so does one that Odoo itself repeats the
// call over (odoo/service/model.py: check). Without a writeDate nothing is locked.
func LockContext(model string, id int64, writeDate string) Context {
	if writeDate == "" {
		return Context{}
	}
	second, _, _ := strings.Cut(writeDate, ".")
	return Context{"__last_update": map[string]any{model + "," + strconv.FormatInt(id, 10): second + ".999999"}}
}
