package mapping

import "strings"

// deptNameConverter joins Odoo's free department names with DingTalk's, which must not contain - , or ， (创建部门). They
// stand there as the look-alikes － ﹐ and 、. The canonical value is the form with look-alikes, so that the two compare equal.
type deptNameConverter struct{}

var (
	toLookalikes = strings.NewReplacer("-", "－", ",", "﹐", "，", "、")
	lookalikes   = []struct{ plain, lookalike string }{{"-", "－"}, {",", "﹐"}, {"，", "、"}}
)

func newDeptNameConverter(p pair) (Converter, string) {
	return deptNameConverter{}, p.fits("dept_name", odooTexts, []string{typeText, typeComponent})
}

func (deptNameConverter) Name() string { return "dept_name" }

func (deptNameConverter) Read(_ Side, raw any, _ Env) (Value, error) {
	s, ok := raw.(string)
	if !ok {
		return UnknownValue, unexpected(raw, "a name")
	}
	return Text(toLookalikes.Replace(normalLines(s))), nil
}

// Write gives Odoo a look-alike back as the character it stands for where the name that is replaced uses that character, so
// that 研发-一部 becomes 研发-二部 and not 研发－二部.
func (deptNameConverter) Write(side Side, v Value, current any, _ Env) (any, error) {
	name := v.Text
	if before, ok := current.(string); ok && side == Odoo {
		for _, c := range lookalikes {
			if strings.Contains(before, c.plain) && !strings.Contains(before, c.lookalike) {
				name = strings.ReplaceAll(name, c.lookalike, c.plain)
			}
		}
	}
	return name, nil
}
