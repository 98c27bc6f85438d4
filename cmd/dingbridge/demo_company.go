package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// company is an invented Chinese company: who works where, for whom. Names and numbers are made up.
type company struct {
	units  []unit
	people []person
	dice   *rand.Rand
	names  map[string]bool
	phones map[string]bool
}

// unit is a department. parent is an index into units, -1 below the company itself; head is an index into people.
type unit struct {
	name         string
	parent, head int
	depth        int
}

// person is an employee. manager is an index into people, -1 for the head of the company.
type person struct {
	name, email, mobile, title, place string
	unit, manager                     int
}

// chart is the company's departments, three deep: a line is one department, indented below its parent, with the title of its people.
const chart = `
总经办 行政助理
研发中心 架构师
  平台研发部 研发经理
    后端组 后端工程师
    前端组 前端工程师
    测试组 测试工程师
    运维组 运维工程师
  智能硬件部 硬件经理
    嵌入式组 嵌入式工程师
    结构组 结构工程师
  产品部 产品经理
    产品设计组 产品设计师
    用户研究组 用户研究员
营销中心 营销经理
  华东大区 大区经理
    上海办事处 销售代表
    杭州办事处 销售代表
  华南大区 大区经理
    深圳办事处 销售代表
    香港办事处 销售代表
  市场部 市场经理
    品牌组 品牌专员
    渠道组 渠道专员
生产中心 生产经理
  制造一部 车间主任
    装配组 装配技师
    质检组 质检员
  仓储物流部 物流经理
    仓库组 仓库管理员
    运输组 调度员
职能中心 职能经理
  人力资源部 人事经理
    招聘组 招聘专员
    薪酬组 薪酬专员
  财务部 财务经理
    会计组 会计
    出纳组 出纳
  行政部 行政专员
`

// Surnames and characters of given names, each with its pinyin for the address.
const (
	surnames = "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu 胡hu 郭guo 何he 林lin 高gao 罗luo " +
		"郑zheng 梁liang 谢xie 宋song 唐tang 许xu 韩han 冯feng 邓deng 曹cao 彭peng 曾zeng 肖xiao 田tian 董dong 潘pan 袁yuan 蔡cai 蒋jiang 余yu 欧阳ouyang 上官shangguan"
	givens = "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan 涛tao 明ming 超chao 霞xia 平ping 刚gang " +
		"志zhi 文wen 海hai 建jian 晓xiao 雨yu 子zi 思si 嘉jia 宇yu 浩hao 欣xin 怡yi 梓zi 博bo 天tian 佳jia 诗shi 云yun 慧hui"
	prefixes = "135 136 138 139 150 158 159 177 186 188 189 199"
	places   = "上海 杭州 深圳 北京 成都 武汉"
)

// newCompany makes a company of the given size; the same seed makes the same one.
func newCompany(size int, seed uint64) *company {
	c := &company{dice: rand.New(rand.NewPCG(seed, 0x64696e67)), names: map[string]bool{}, phones: map[string]bool{}}
	titles := c.draw()
	head := c.hire(0, -1, "总经理")
	c.units[0].head = head
	for i := range c.units {
		if i > 0 {
			boss := head
			if p := c.units[i].parent; p >= 0 {
				boss = c.units[p].head
			}
			c.units[i].head = c.hire(i, boss, strings.TrimSuffix(c.units[i].name, "组")+"负责人")
		}
	}
	for n := 0; len(c.people) < size; n++ {
		i := n % len(c.units)
		if c.units[i].depth < 2 && n%3 != 0 { // most people work in the groups
			continue
		}
		c.hire(i, c.units[i].head, titles[i])
	}
	return c
}

// draw reads the chart and returns the title of each department's people.
func (c *company) draw() (titles []string) {
	var path [3]int
	for line := range strings.Lines(strings.TrimSpace(chart)) {
		words := strings.Fields(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		parent := -1
		if depth > 0 {
			parent = path[depth-1]
		}
		path[depth] = len(c.units)
		c.units = append(c.units, unit{name: words[0], parent: parent, depth: depth, head: -1})
		titles = append(titles, words[1])
	}
	return titles
}

// hire adds a person and returns the index.
func (c *company) hire(in, manager int, title string) int {
	p := c.stranger()
	p.unit, p.manager, p.title = in, manager, title
	if strings.HasPrefix(c.units[in].name, "香港") {
		p.mobile, p.place = c.phone("+852 "), "香港"
	}
	c.people = append(c.people, p)
	return len(c.people) - 1
}

// stranger invents a person nobody else is called like, with a number nobody else has.
func (c *company) stranger() person {
	for {
		surname, first := c.pick(surnames), c.pick(givens)
		name, pinyin := han(surname)+han(first), latin(surname)+"."+latin(first)
		if c.dice.IntN(3) > 0 {
			second := c.pick(givens)
			name, pinyin = name+han(second), pinyin+latin(second)
		}
		if c.names[name] || c.names[pinyin] {
			continue
		}
		c.names[name], c.names[pinyin] = true, true
		return person{name: name, email: pinyin + "@huaxin.example", mobile: c.phone(""), place: c.pick(places)}
	}
}

// phone invents a mobile number, the way people type them: with blanks, with the country code, or plain.
func (c *company) phone(country string) string {
	for {
		if country != "" {
			n := fmt.Sprintf("%d%03d %04d", 5+c.dice.IntN(2), c.dice.IntN(1000), c.dice.IntN(10000))
			if !c.phones[n] {
				c.phones[n] = true
				return country + n
			}
			continue
		}
		a, b, d := c.pick(prefixes), c.dice.IntN(10000), c.dice.IntN(10000)
		n := fmt.Sprintf("%s%04d%04d", a, b, d)
		if c.phones[n] {
			continue
		}
		c.phones[n] = true
		switch c.dice.IntN(4) {
		case 0:
			return fmt.Sprintf("%s %04d %04d", a, b, d)
		case 1:
			return fmt.Sprintf("+86 %s-%04d-%04d", a, b, d)
		}
		return n
	}
}

func (c *company) pick(list string) string {
	words := strings.Fields(list)
	return words[c.dice.IntN(len(words))]
}

// han is the Chinese part of a word such as 王wang, latin the other.
func han(word string) string { return strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyz") }

func latin(word string) string { return strings.TrimPrefix(word, han(word)) }

// bareMobile is a number as DingTalk wants it: bare digits in mainland China, else +country-number.
func bareMobile(s string) string {
	if rest, abroad := strings.CutPrefix(s, "+852"); abroad {
		return "+852-" + digits(rest)
	}
	d := digits(s)
	return d[max(len(d)-11, 0):]
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
