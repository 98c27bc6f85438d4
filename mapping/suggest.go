package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// suggest returns "; did you mean ...?" for the nearest of the candidates, or "" when none is near.
func suggest(name string, candidates []string) string {
	best, distance := "", max(1, len([]rune(name))/3)+1
	for _, c := range candidates {
		if len(name) > 2 && strings.HasPrefix(c, name) && best == "" {
			best = c
		}
		if strings.EqualFold(c, name) {
			return fmt.Sprintf("; did you mean %q?", c)
		}
		if d := editDistance(name, c, distance); d < distance {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours between two texts, giving up at limit.
func editDistance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) >= limit || len(t)-len(s) >= limit {
		return limit
	}
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

func keysOf[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
