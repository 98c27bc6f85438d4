package mapping

import "testing"

// An expression about a row takes any name for a cell, but not those of functions, of its own variables, and of the whole object.
func TestRowExpressions(t *testing.T) {
	scope := rowScope(dingScope(testSchema(t).Kinds["approval"]), "form.明细")
	whole := Record{"title": "whole", "form.x": "1"}
	cells := map[string]any{"金额": "12.5", "title": "cell", "a b": []any{"x", "y"}, "空": nil}
	for source, want := range map[string]string{
		`number(金额) + number(row["金额"])`:      "25",
		`title + row.title`:                   "wholecell",
		`let x = number(金额); string(x * 2)`:   "25",
		`空 == nil and 没有 == nil and 没有 == ''`: "true",
		`空 ?? '无'`:                            "无",
		`join(row["a b"], ',') + form.x`:      "x,y1",
		`row["a b"][0]`:                       "x",
		`'x' in row["a b"]`:                   "true",
		`len(rows(没有))`:                       "0",
		`{{ 金额 }}元 {{ row["title"] }}`:        "12.5元 cell",
		`count(row["a b"], # == 'x')`:         "1",
		`sum(map([1, 2], # + number(金额)))`:    "28",
	} {
		e, _, problem := compileValue(source, scope)
		if problem != nil {
			t.Errorf("%s: %s", source, problem.message)
			continue
		}
		if v, err := e.Text(rowRecord(whole, cells)); err != nil || v.Text != want {
			t.Errorf("%s: %s, %v; want %s", source, v, err, want)
		}
	}
	for _, source := range []string{`row`, `row[title]`, `numbr(金额)`, `金额 +`, `$env.金额`, `outcome.x`} {
		if e, _, problem := compileValue(source, scope); problem == nil {
			t.Errorf("%s is compiled; it names %v", source, e.Names())
		}
	}
}
