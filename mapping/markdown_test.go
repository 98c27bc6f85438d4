package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// fill puts values into a template in the place of {}; the last one as often as there is a place left.
func fill(template string, put func(string) string, values ...string) string {
	parts := strings.Split(template, "{}")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i+1 < len(parts) {
			b.WriteString(put(values[min(i, len(values)-1)]))
		}
	}
	return b.String()
}

func asIs(s string) string { return s }

func TestWhatIsInsertedDoesNotAct(t *testing.T) {
	for _, c := range []struct{ template, value, want string }{
		// Nothing that acts: as it is.
		{"客户 {}", "上海客户", "客户 上海客户"},
		{"客户 **{}** 已付", "R&D (上海) 50% 'x' \"y\" C++ a/b, c; d: e? f!", "客户 **R&D (上海) 50% 'x' \"y\" C++ a/b, c; d: e? f!** 已付"},
		{"{}", "[E-COM07] 大柜 [红]", "[E-COM07] 大柜 [红]"},
		{"{}", "(上海) 客户", "(上海) 客户"},
		{"{}", "-5 度", "-5 度"},
		{"{}", "3.14", "3.14"},
		{"{}", "5 * 3", "5 * 3"},
		{"{}", "5 < 6 > 4", "5 < 6 > 4"},
		{"{}", "order_line_ids", "order_line_ids"},
		{"{}", `C:\Users\张三 \\server\a`, `C:\Users\张三 \\server\a`},
		{"{}", "5~10 个", "5~10 个"},
		{"{}", "https://e.com/a_b?c=(d)#e", "https://e.com/a_b?c=(d)#e"},
		{"单号 {}", "#123", "单号 #123"},
		{"单号 {}", "- 1. > x", "单号 - 1. > x"},
		{"{}", "　　两格", "　　两格"},
		{"{} 和 {}", "", " 和 "},
		{"{}", "=5", "=5"},

		// Links and pictures.
		{"**{}** · {}", "[x](http://a)", "**［x］(http://a)** · ［x］(http://a)"},
		{"{}", "![x](http://a)", "!［x］(http://a)"},
		{"{}", "a](http://a)", "a］(http://a)"},
		{"{}", "[a [b]](c)", "［a [b]］(c)"},
		{"{}", "[a]: http://a", "［a］: http://a"},
		{"单 {}", "[a]: http://a", "单 [a]: http://a"},
		{"{}", "<http://a> </b> <!-- <?", "＜http://a> ＜/b> ＜!-- ＜?"},
		{"{}", "<font color=red>x</font>", "＜font color=red>x＜/font>"},
		{"{}({})", "[x]", "［x］([x])"},
		{"[通知]{}", "(http://a)", "[通知]（http://a)"},
		{"[通知]{}", ": 0", "[通知]： 0"}, // which would say where [通知] leads, and not be shown
		{"{}[打开](http://e)", "急!", "急！[打开](http://e)"},
		{"{} [打开](http://e)", "[a", "［a [打开](http://e)"},
		{"[{}](http://e)", "[E-COM07] 大柜", "[［E-COM07］ 大柜](http://e)"},
		{"[{}](http://e)", "a](http://b) [c", "[a］(http://b) ［c](http://e)"},
		{"[{}](http://e/{})", "a (b) <c>\\", `[a (b) ＜c>＼](http://e/a%20%28b%29%20%3Cc%3E%5C)`},

		// Bold and italics.
		{"{}", "**x**", "＊＊x＊＊"},
		{"客户 {}", "A*B (上海)", "客户 A＊B (上海)"},
		{"{}", "*x* _x_ __x__ a_ b", "＊x＊ ＿x＿ ＿＿x＿＿ a＿ b"},
		{"**{}**", "* a", "**＊ a**"},
		{"**{}**", `a\`, `**a＼**`},
		{"{}", "`x` ~~y~~", "｀x｀ ～～y～～"},

		// What only acts where a line begins.
		{"{}", "# 一", "＃ 一"},
		{"{}", "#一", "＃一"},
		{"- {}", "## 一", "- ＃＃ 一"},
		{"> 1. {}", "> 一", "> 1. ＞ 一"},
		{"  {}", "- 一", "  － 一"},
		{"一\n{}", "+ 一", "一\n＋ 一"},
		{"{}", "* 一", "＊ 一"},
		{"{}", "12. 一", "12． 一"},
		{"{}", "1) 一", "1） 一"},
		{"一\n{}", "---", "一\n－－－"},
		{"一\n{}", "==", "一\n＝＝"},
		{"一\n{}", "___", "一\n＿＿＿"},
		{"{}", "-", "－"},
		{"{}", "    一", "一"},
		{"{}x", " \t# 一", "＃ 一x"},

		// Ends of lines.
		{"{}", "一\n二\n\n\n三\n", "一  \n二\n\n三"},
		{"{}", "一\r\n二\r三\u2028四", "一  \n二  \n三  \n四"},
		{"注：\n\n{}\n\n完", "# 一\n> 二\n- 三", "注：\n\n＃ 一  \n＞ 二  \n－ 三\n\n完"},
		{"> {}", "一\n二", "> 一 二"},
		{"**{}** 完", "一\n\n二\n", "**一 二** 完"},
		{"{}：{}", "一\n二", "一 二：一 二"},
		{"[{}](http://e/{})", "一\n二", "[一 二](http://e/一%20二)"},
		{"{}", " \n ", ""},

		// The mapping's own words.
		{"# 一 **{}** [x](http://e) - *二*\n> 三 `四`\n1. 五 <b>", "值", "# 一 **值** [x](http://e) - *二*\n> 三 `四`\n1. 五 <b>"},
		{"{}", "\uFDD1**x**\uFDD0", "＊＊x＊＊"},
	} {
		if got := inert(fill(c.template, inserted, c.value)); got != c.want {
			t.Errorf("%s with %q:\n %q\nwant\n %q", c.template, c.value, got, c.want)
		}
	}
}

// structure are the constructs of a markdown text, as CommonMark has it; and how many stars it shows.
func structure(source string) (constructs []string, stars int) {
	root := goldmark.DefaultParser().Parse(text.NewReader([]byte(source)))
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Paragraph, *ast.TextBlock, *ast.String:
		case *ast.Text:
			stars += strings.Count(string(n.Segment.Value([]byte(source))), "*")
		case *ast.Heading:
			constructs = append(constructs, fmt.Sprint("Heading ", n.Level))
		case *ast.Emphasis:
			constructs = append(constructs, fmt.Sprint("Emphasis ", n.Level))
		case *ast.Link:
			constructs = append(constructs, "Link "+string(n.Destination))
		case *ast.Image:
			constructs = append(constructs, "Image "+string(n.Destination))
		default:
			constructs = append(constructs, n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		panic(err)
	}
	slices.Sort(constructs)
	return constructs, stars
}

// naive are constructs as a reader finds them who does not know CommonMark well.
var naive = []*regexp.Regexp{
	regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`),
	regexp.MustCompile(`\[[^\]]*\]\([^)]*\)`),
	regexp.MustCompile(`\[[^\[\]]*\]\([^()]*\)`),
	regexp.MustCompile(`(?m)^[> ]*#{1,6}`),
	regexp.MustCompile(`(?m)^ *>`),
	regexp.MustCompile(`(?m)^[> ]*[-+*] `),
	regexp.MustCompile(`(?m)^[> ]*\d+\. `),
	regexp.MustCompile(`\*\*[^* ]`),
	regexp.MustCompile("`[^`]*`"),
	regexp.MustCompile(`</?[a-zA-Z]`),
}

// without takes from a list what is in another, once for each time that it is there.
func without(list, other []string) []string {
	list = slices.Clone(list)
	for _, one := range other {
		if i := slices.Index(list, one); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
	}
	return list
}

// halfwidth is a text with ASCII in the place of its fullwidth twins.
func halfwidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)
}

var fuzzTemplates = []string{
	"客户 {}，{}", "{}{}", "{}\n\n{}", "{}\n{}", "**{}** · {}", "- {} {}\n- {}", "> {}：{}", "# {}\n{}", "*{}*{}", "{}({})", "[通知]{} {}",
	"[{}](https://e.com/7) {}", "{}[打开](https://e.com/7){}", "{} {} [打开](https://e.com/7)", "1. {}\n2. {}", "**{}：{}**\n\n[打开](https://e.com/7) #7",
}

// FuzzInserted puts any two values into templates. No construct is there that was not there with two harmless words, as CommonMark and a naive
// reader see it, and no link is lost; only widths change, and nothing at all of what has no sign.
func FuzzInserted(f *testing.F) {
	for _, v := range []string{
		"上海客户", "[x](http://a)", "![x](http://a)", "**x**", "# x", "> x", "- x", "1. x", "[x", "](http://a)", "(http://a)", "A*B", "_x_", "<b>x</b>", "`x`", "x\n\n# y",
		"[x]: http://a", "\\", "!", "***", "---", "===", "    x", "\t- x", "[x][y]", "<http://a>", "&#91;x&#93;(http://a)", "x  \n===", "~~~", "a\u00a0*b*", "1986\\. x",
	} {
		f.Add(v, "上海")
		f.Add("客户", v)
		f.Add(v, v)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.TrimSpace(a) == "" || strings.TrimSpace(b) == "" || !utf8.ValidString(a) || !utf8.ValidString(b) || strings.ContainsAny(a+b, "\x00") {
			return
		}
		for _, template := range fuzzTemplates {
			got, harmless := inert(fill(template, inserted, a, b)), inert(fill(template, inserted, "x", "y"))
			has, _ := structure(got)
			should, _ := structure(harmless)
			if more := without(has, should); len(more) > 0 {
				t.Errorf("%q and %q in %q: %q has %q", a, b, template, got, more)
			}
			for _, lost := range without(should, has) {
				if !strings.HasPrefix(lost, "Emphasis ") { // which is none beside a blank or a punctuation
					t.Errorf("%q and %q in %q: %q has no %s", a, b, template, got, lost)
				}
			}
			for _, re := range naive {
				if n, want := len(re.FindAllString(got, -1)), len(re.FindAllString(harmless, -1)); n > want {
					t.Errorf("%q and %q in %q: %q has %d of %s, want %d", a, b, template, got, n, re, want)
				}
			}
			plain := fill(template, asIs, a, b)
			if strings.ContainsFunc(a+b, unicode.IsSpace) || strings.ContainsAny(a+b, string(insertOpen)+string(insertShut)) {
				continue
			}
			if halfwidth(got) != halfwidth(plain) {
				t.Errorf("%q and %q in %q: %q", a, b, template, got)
			}
			if !strings.ContainsAny(a+b, "[]():!<>*_`~#+-=.\\") && got != plain {
				t.Errorf("%q and %q in %q: %q, and nothing acts", a, b, template, got)
			}
		}
	})
}
