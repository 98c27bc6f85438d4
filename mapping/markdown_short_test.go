package mapping

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShortMarkdown(t *testing.T) {
	for _, c := range []struct {
		html string
		n    int
		want string
	}{
		{"<p>请看报价单</p>", 5, "请看报价单"},
		{"<p>请看报价单</p>", 4, "请看报…"},
		{"<p>请看 报价单</p>", 4, "请看…"},
		{"<p>请看</p>", 1, "…"},
		{"<b>请看报价单</b>完", 9, "**请看报价**…"},
		{"<b>请看报价单</b>完", 10, "**请看报价单**完"},
		{"<b>请看报价单</b>完成", 10, "**请看报价单**…"},
		{"<b>请看报价单</b>", 5, "…"},
		{"a<b>请看</b>", 4, "a…"},
		{"<b><i>请看报价单</i></b>", 9, "***请看***…"},
		{"<b>请<i>看报价</i>单</b>", 9, "**请*看***…"},
		{"<i>请<b>看报价</b>单</i>", 9, "*请**看***…"},
		{"<b>请</b><b>看报价单价</b>", 13, "**请**…"}, // who can tell what four stars open and close
		{"<b>一<br>二三四五六</b>", 14, "**一**  \n**二**…"},
		{`看 <a href="https://e.com/a">这里</a> 吧`, 20, "看…"},
		{`看 <a href="https://e.com/a">这里</a> 吧好的`, 24, "看 [这里](https://e.com/a)…"},
		{`看 <a href="https://e.com/*a">这里</a> 吧好的`, 25, "看 [这里](https://e.com/*a)…"},
		{`看<b>一 <a href="https://e.com/a">这里</a> 吧好的</b>`, 24, "看**一**…"},
		{`看 <img src="https://e.com/a.png"> 吧`, 10, "看…"},
		{"<p>[看](报价单)的</p>", 6, "［看］(报…"},
		{"<p>a * b * c</p>", 6, "a * b…"},
		{"<h2>大标题</h2>", 2, "…"},
		{"<h2>大标题</h2>", 5, "## 大…"},
		{"<ul><li>一二三</li><li>四五六</li></ul>", 11, "- 一二三…"},
		{"<ul><li>一二三</li><li>四五六</li></ul>", 12, "- 一二三  \n- 四…"},
		{"<ol><li>一二三</li><li>四五六</li></ol>", 11, "1. 一二三…"},
		{"", 1, ""},
	} {
		if got := inert(shortMarkdown(markedHTML(c.html), c.n)); got != c.want || utf8.RuneCountInString(got) > c.n {
			t.Errorf("%d of %q: %q, want %q", c.n, markdownHTML(c.html), got, c.want)
		}
	}
}

// FuzzShortMarkdown shortens the markdown of anything. It is not longer than it may be, and it has the constructs of the whole text, or fewer;
// what was cut shows no signs that acted.
func FuzzShortMarkdown(f *testing.F) {
	for _, c := range whatOdooWrites {
		for _, n := range []uint16{3, 6, 9, 20} {
			f.Add(c.html, n)
		}
	}
	f.Fuzz(func(t *testing.T, source string, n uint16) {
		if n == 0 || !utf8.ValidString(source) || strings.Contains(source, "\x00") {
			return
		}
		marked := markedHTML(source)
		whole, short := inert(marked), inert(shortMarkdown(marked, int(n)))
		if strings.Contains(whole, "****") { // nobody can tell what they open and close
			return
		}
		if utf8.RuneCountInString(short) > int(n) && short != whole {
			t.Errorf("%q is longer than %d", short, n)
		}
		all, shown := structure(whole)
		some, stars := structure(short)
		if more := without(some, all); len(more) > 0 {
			t.Errorf("%q has %q, and %q has not", short, more, whole)
		}
		if stars > shown {
			t.Errorf("%q shows %d stars, and %q %d", short, stars, whole, shown)
		}
	})
}
