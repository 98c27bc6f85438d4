package mapping

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// whatOdooWrites are html fragments as Odoo's chatter, its editor and its mail gateway make them, the markdown that stands for each, and
// the plain text.
var whatOdooWrites = []struct{ name, html, markdown, plain string }{
	{"nothing", "", "", ""},
	{"an empty paragraph", "<p><br></p>", "", ""},
	{"only blanks", "<p>&nbsp; \n</p>", "", ""},
	{"a line", "<p>请看报价</p>", "请看报价", "请看报价"},
	{"no tags", "请看 报价", "请看 报价", "请看 报价"},
	{"paragraphs", "<p>一</p><p>二</p>", "一\n\n二", "一\n二"},
	{"lines", "<p>一<br>二<br/>三</p>", "一  \n二  \n三", "一\n二\n三"},
	{"an empty line between", "<p>一<br><br>二</p>", "一  \n二", "一\n\n二"},
	{"white space", "<p>  a\n\t b &nbsp; c </p>", "a b c", "a b c"},
	{"entities", "<p>1 &lt; 2 &amp;&amp; &quot;x&quot; &#39;y&#39; &yen;3</p>", `1 < 2 && "x" 'y' ¥3`, `1 < 2 && "x" 'y' ¥3`},
	{"bold", "<p>请看<b>报价</b>单</p>", "请看**报价**单", "请看报价单"},
	{"strong and em", "<strong>a</strong> <em>b</em>", "**a** *b*", "a b"},
	{"blanks at the edges of bold", "<p>a<b> b </b>c</p>", "a **b** c", "a b c"},
	{"nothing bold", "<p>a<b></b><i> </i>b</p>", "a b", "a b"},
	{"bold over lines", "<b>a<br>b</b>c", "**a**  \n**b**c", "a\nbc"},
	{"bold over paragraphs", "<b><p>a</p><p>b</p></b>c", "**a**\n\n**b**\n\nc", "a\nb\nc"},
	{"bold in bold", "<b>a<strong>b</strong>c</b>", "**abc**", "abc"},
	{"bold and italic", "<b><i>a</i>b</b>", "***a*b**", "ab"},
	{"crossed", "<b>a<i>b</b>c</i>", "**a*b****c*", "abc"},
	{"underlined", "<u>a</u> <s>b</s> <span style=\"color: red\">c</span>", "a b c", "a b c"},
	{"a mark nobody closes", "<p><b>a</p><p>b", "**a**\n\n**b**", "a\nb"},
	{
		"signs of the author's own",
		"<p>***</p><p>2*3*4 A_B</p><p># [x](http://a)</p><p>&gt; <b>- a*</b></p>",
		"＊＊＊\n\n2＊3＊4 A_B\n\n＃ ［x］(http://a)\n\n＞ **- a＊**", "***\n2*3*4 A_B\n# [x](http://a)\n> - a*",
	},
	{"a link", `<a href="https://e.com/a?b=1&amp;c=2#d">这里</a>`, "[这里](https://e.com/a?b=1&c=2#d)", "这里"},
	{"a link in a sentence", `看 <a href="http://e.com"> 这里 </a>吧`, "看 [这里](http://e.com) 吧", "看 这里 吧"},
	{"a link with brackets", `<a href="https://e.com/a_(b) c">x</a>`, "[x](https://e.com/a_%28b%29%20c)", "x"},
	{"a bold link", `<b><a href="https://e.com">x</a></b>`, "**[x](https://e.com)**", "x"},
	{"bold in a link", `<a href="https://e.com"><b>x</b></a>`, "[**x**](https://e.com)", "x"},
	{"a link without a text", `<a href="https://e.com"></a>`, "[https://e.com](https://e.com)", ""},
	{"a link over lines", `<a href="https://e.com">a<br>b</a>`, "[a](https://e.com)  \nb", "a\nb"},
	{"an address of mail", `<a href="mailto:a@e.com">a</a>`, "[a](mailto:a@e.com)", "a"},
	{"relative", `<a href="/web#id=1&amp;model=res.partner">上海</a>`, "上海", "上海"},
	{"relative to the scheme", `<a href="//e.com/x">x</a>`, "x", "x"},
	{"an anchor", `<a name="x">x</a>`, "x", "x"},
	{"code as an address", `<a href="javascript:alert(1)">x</a><a href=" JavaScript:alert(1)">y</a>`, "xy", "xy"},
	{
		"a mention",
		`<p><a href="#" class="o_mail_redirect" data-oe-id="7" data-oe-model="res.partner" target="_blank">@张三</a> 请看</p>`,
		"@张三 请看", "@张三 请看",
	},
	{"points", "<p>有：</p><ul><li>一</li><li>二</li></ul><p>完</p>", "有：\n\n- 一  \n- 二\n\n完", "有：\n一\n二\n完"},
	{"numbers", "<ol><li>一</li><li><p>二</p></li></ol>", "1. 一  \n2. 二", "一\n二"},
	{"a list in a list", "<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>", "- a  \n  1. b  \n  2. c  \n- d", "a\nb\nc\nd"},
	{"an item of nothing", "<ul><li></li></ul><p>a</p>", "a", "a"},
	{"an item of no list", "<li>a</li>", "- a", "a"},
	{"a quote", "<p>回：</p><blockquote>原文<br>二</blockquote><p>好</p>", "回：\n\n> 原文  \n> 二\n\n好", "回：\n原文\n二\n好"},
	{"a quote of mail", `<blockquote data-o-mail-quote="1"><p>a</p><blockquote>b</blockquote></blockquote>c`, "> a\n\n> > b\n\nc", "a\nb\nc"},
	{"headings", "<h1>大</h1><h3>小</h3><h2></h2><h7>x</h7>", "# 大\n\n### 小\n\nx", "大\n小\nx"},
	{"a picture", `<p>图 <img src="https://e.com/a.png" alt="图"></p>`, "图 ![](https://e.com/a.png)", "图"},
	{"a picture of Odoo's", `<p>图：<img src="/web/image/7" alt="屏幕 1"/></p>`, "图：屏幕 1", "图："},
	{"a table", "<table><tbody><tr><th>名</th><th>数</th></tr><tr><td>a</td><td>1</td></tr></tbody></table>", "名 数\n\na 1", "名 数\na 1"},
	{"a rule", "a<hr>b", "a\n\nb", "a\nb"},
	{"what is not seen", "<style>p {}</style><p>a<script>alert('<b>')</script>b</p><template><img src=\"https://e.com/x\"><p>c</p></template><title>t</title>", "ab", "ab"},
	{"comments", "a<!-- <p>b</p> -->c<![CDATA[d]]>", "ac", "ac"},
	{"broken", "<p>a < b <c d=\"</p>", "a < b", "a < b"},
	{"what closes nothing", "</b></ul></a></blockquote></script>a", "a", "a"},
	{
		"a change that is tracked",
		"<p>单据 已确认</p>\n<ul>\n  <li>状态: 草稿 <div class=\"fa fa-long-arrow-right\" role=\"img\" aria-label=\"Changed\" title=\"Changed\"/> 已确认</li>\n</ul>",
		"单据 已确认\n\n- 状态: 草稿  \n已确认", "单据 已确认\n状态: 草稿\n已确认",
	},
}

func TestHTMLAsMarkdown(t *testing.T) {
	for _, c := range whatOdooWrites {
		t.Run(c.name, func(t *testing.T) {
			if got := markdownHTML(c.html); got != c.markdown {
				t.Errorf("markdown %q, want %q", got, c.markdown)
			}
			if got := PlainHTML(c.html); got != c.plain {
				t.Errorf("plain %q, want %q", got, c.plain)
			}
		})
	}
}

// TestHTMLDoesNotGrow: what is nested without end is told in about its own length.
func TestHTMLDoesNotGrow(t *testing.T) {
	for _, piece := range []string{"<blockquote>x", "<ul><li>x", "<ol><li>x", "<b>x<br>", "<i><b>x<p>", "<a href=\"http://e\">x", "<h1>x", "<table><tr><td>x"} {
		source := strings.Repeat(piece, 20_000)
		if got := markdownHTML(source); len(got) > 3*len(source) || strings.Count(got, "x") < 20_000 {
			t.Errorf("%s: %d bytes of %d, %d texts", piece, len(got), len(source), strings.Count(got, "x"))
		}
	}
}

// FuzzHTML makes markdown and plain text of anything. It must not panic; what comes out is text, without blanks around it or lines with
// nothing on them, and not much longer than the source.
func FuzzHTML(f *testing.F) {
	for _, c := range whatOdooWrites {
		f.Add(c.html)
	}
	f.Fuzz(func(t *testing.T, source string) {
		markdown, plain := markdownHTML(source), PlainHTML(source)
		for _, got := range []string{markdown, plain} {
			if utf8.ValidString(source) && !utf8.ValidString(got) {
				t.Errorf("%q is no text", got)
			}
			if strings.TrimSpace(got) != got {
				t.Errorf("%q has blanks at its ends", got)
			}
		}
		if strings.Contains(markdown, "\n\n\n") || len(markdown) > 8*len(source)+100 {
			t.Errorf("%q", markdown)
		}
	})
}
