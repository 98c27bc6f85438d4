package store

import (
	"fmt"
	"slices"
	"time"

	"dingbridge/bridge"
)

func (s suite) told() {
	row := func(day, person, content string, at time.Time) bridge.Told {
		return bridge.Told{Day: day, Person: person, Content: content, At: at}
	}
	had := func(day string, persons ...string) map[string][]string {
		s.Helper()
		var out map[string][]string
		s.view(func(t bridge.Tx) { out = must[map[string][]string](s)(t.Told(day, persons)) })
		for _, contents := range out {
			slices.Sort(contents) // they are promised in no order
		}
		return out
	}
	since := func(at time.Time) (n int) {
		s.Helper()
		s.view(func(t bridge.Tx) { n = must[int](s)(t.ToldSince(at)) })
		return n
	}
	s.equal(had("2026-03-04", "张三"), map[string][]string{})
	s.equal(since(time.Time{}), 0)
	s.update(func(t bridge.Tx) {
		s.ok(t.PutTold())
		s.ok(t.PutTold(
			row("2026-03-03", "张三", "a", noon.Add(-24*time.Hour)),
			row("2026-03-04", "张三", "a", noon),
			row("2026-03-04", "张三", "b", noon.Add(time.Second)),
			row("2026-03-04", "li", "a", noon.Add(time.Second)),
		))
		s.equal(must[int](s)(t.ToldSince(noon)), 2) // also within the transaction that wrote them
	})
	s.equal(had("2026-03-04"), map[string][]string{})
	s.equal(had("2026-03-04", "张三", "li", "nobody"), map[string][]string{"张三": {"a", "b"}, "li": {"a"}})
	s.equal(had("2026-03-04", "li", "li"), map[string][]string{"li": {"a"}})
	s.equal(had("2026-03-03", "张三", "li"), map[string][]string{"张三": {"a"}})
	s.equal(had("2026-03-05", "张三"), map[string][]string{})
	s.equal(had("2026-03-04", "Li", "li ", "l_"), map[string][]string{}) // userids are compared as they are

	s.equal(since(noon.Add(-time.Nanosecond)), 3)
	s.equal(since(noon), 2) // after the time, not at it
	s.equal(since(noon.Add(time.Second)), 0)
	s.update(func(t bridge.Tx) { s.ok(t.PutTold(row("2026-03-04", "li", "a", noon.Add(time.Hour)))) }) // twice is once, and the first counts
	s.equal(had("2026-03-04", "li"), map[string][]string{"li": {"a"}})
	s.equal(since(noon.Add(time.Second)), 0)

	s.update(func(t bridge.Tx) {
		s.ok(t.DropTold())
		s.ok(t.DropTold(row("2026-03-04", "li", "a", noon), row("2026-03-04", "li", "b", noon), row("2026-03-03", "li", "a", noon)))
	})
	s.equal(had("2026-03-04", "张三", "li"), map[string][]string{"张三": {"a", "b"}})
	s.equal(had("2026-03-03", "张三"), map[string][]string{"张三": {"a"}})

	s.update(func(t bridge.Tx) { s.equal(must[int](s)(t.PruneTold("2026-03-04")), 1) })
	s.equal(had("2026-03-03", "张三"), map[string][]string{})
	s.equal(had("2026-03-04", "张三"), map[string][]string{"张三": {"a", "b"}})
	s.update(func(t bridge.Tx) { s.equal(must[int](s)(t.PruneTold("2026-03-04")), 0) })
	s.toldToMany(row, had, since)
}

// toldToMany: a department of thousands is asked for at once.
func (s suite) toldToMany(row func(day, person, content string, at time.Time) bridge.Told, had func(string, ...string) map[string][]string, since func(time.Time) int) {
	s.Helper()
	var rows []bridge.Told
	var persons []string
	for i := range 3000 {
		person := fmt.Sprintf("user%04d", i)
		persons = append(persons, person)
		rows = append(rows, row("2026-03-06", person, "c", noon.Add(48*time.Hour)))
	}
	s.update(func(t bridge.Tx) { s.ok(t.PutTold(rows...)) })
	s.equal(len(had("2026-03-06", persons...)), 3000)
	s.equal(since(noon.Add(47*time.Hour)), 3000)
	s.update(func(t bridge.Tx) { s.equal(must[int](s)(t.PruneTold("2026-03-07")), 3002) })
	s.equal(since(time.Time{}), 0)
}
