package chaos

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dingbridge/dingtalk/dingtalktest"
)

// newsModel is a model of people's own whose records tell of themselves; newsHook is the robot of a group that tells of them, too.
const (
	newsModel = "x_news"
	newsHook  = "news"
)

// newsMappings tell of the same records in three ways. Each text stands in brackets: none is part of another one.
const newsMappings = `
mapping: news-notice
odoo: {model: x_news, domain: [[x_stage, "=", out]]}
dingtalk: {kind: work_notice}
start: now
leave: recall
guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}
receivers: [{path: x_people}, {except: x_author}]
fields:
  - {dingtalk: text.content, value: "【{{ x_text }}】{{ x_more }}（{{ x_name }}）"}
---
mapping: news-robot
odoo: {model: x_news, domain: [[x_stage, "=", out]]}
dingtalk: {kind: person_message}
start: now
guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}
receivers: [{path: x_people}, {except: x_author}]
fields:
  - {dingtalk: text.content, value: "【{{ x_text }}】{{ x_more }}（{{ x_name }}）"}
---
mapping: news-hook
odoo: {model: x_news, domain: [[x_stage, "=", out]]}
dingtalk: {kind: robot_message, webhook: ` + newsHook + `}
start: now
guard: {creates: unlimited, updates: unlimited, clears: unlimited, removals: unlimited}
fields:
  - {dingtalk: text.content, value: "【{{ x_text }}】{{ x_more }}（{{ x_name }}）"}
`

// newsKinds are the kinds of the messages, by their mappings.
var newsKinds = map[string]string{"news-notice": dingtalktest.ByNotice, "news-robot": dingtalktest.ByRobot, "news-hook": dingtalktest.ByWebhook}

// version is what a record of news was from some time on.
type version struct {
	text, more string
	out        bool     // it is in the domain
	people     []string // tags of those whom it is for
	author     string   // the tag of who is not told his own words
	from       time.Time
}

// says is what a message of this version says.
func (v version) says(name string) string {
	return "【" + v.text + "】" + v.more + "（" + name + "）"
}

// news is one record as people made it.
type news struct {
	id       int64
	name     string
	mu       sync.Mutex
	versions []version
	deleted  bool // the last version is out of the domain then
}

// last is what the record is now.
func (n *news) last() version {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.versions[len(n.versions)-1]
}

func (n *news) became(v version) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.versions = append(n.versions, v)
}

// ended notes that the record was deleted.
func (n *news) ended(at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deleted = true
	n.versions = append(n.versions, version{from: at})
}

func (n *news) gone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.deleted
}

// history are all versions, oldest first.
func (n *news) history() []version {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.versions)
}

// foundNewspaper makes the model, and the group with a robot of its own.
func (w *world) foundNewspaper() {
	model := w.odoo.Create("ir.model", map[string]any{"name": "News", "model": newsModel, "state": "manual"})
	w.odoo.Create("ir.model.access", map[string]any{"name": newsModel, "model_id": model, "perm_read": true, "perm_write": true, "perm_create": true, "perm_unlink": true})
	for _, f := range []map[string]any{
		{"name": "x_text", "ttype": "char"},
		{"name": "x_more", "ttype": "char"},
		{"name": "x_stage", "ttype": "char"},
		{"name": "x_people", "ttype": "many2many", "relation": "hr.employee"},
		{"name": "x_author", "ttype": "many2one", "relation": "hr.employee"},
	} {
		f["model"], f["model_id"], f["state"], f["field_description"] = newsModel, model, "manual", f["name"]
		w.odoo.Create("ir.model.fields", f)
	}
	must(w.t, w.odoo.Err())
	for _, r := range w.ledger.all("person", true) {
		if r.ding != "" && w.newsroom == "" {
			r.crew = true
			group, _ := w.ding.Group(w.ding.AddGroup(dingtalktest.Group{Name: "新闻", Owner: r.ding, Members: []string{r.ding}}))
			w.newsroom = w.ding.AddWebhook(dingtalktest.Webhook{Conversation: group.OpenConversationID, Secret: "SECchaos"})
		}
	}
	w.ding.Set(func(k *dingtalktest.Knobs) { k.WebhookSpan, k.WebhookBar = webhookSpan, 500*time.Millisecond })
}

// webhookSpan is the minute of webhooks; cmd/dingbridge/pace_chaos.go has the same.
const webhookSpan = 3 * time.Second

// newsSettings are those that messages need.
func (w *world) newsSettings() map[string]string {
	name := strings.ToUpper(newsHook)
	return map[string]string{
		"DINGTALK_AGENT_ID": strconv.FormatInt(w.ding.AgentID(), 10), "DINGTALK_WEBHOOKS": newsHook,
		"DINGTALK_WEBHOOKS_" + name + "_URL": w.newsroom, "DINGTALK_WEBHOOKS_" + name + "_SECRET": "SECchaos",
	}
}

// newsVersion invents what a record may be next: always with a text that nobody wrote before.
func (w *world) newsVersion(out bool) version {
	v := version{text: w.value("讯"), more: w.value("详"), out: out}
	crew := w.crew()
	for range 2 + w.rng.IntN(3) {
		r, _ := pick(w, crew)
		v.people = append(v.people, r.tag)
	}
	for range w.rng.IntN(3) { // anybody, who may leave at any moment
		if r, err := w.somebody(); err == nil && w.odooID(r) != 0 {
			v.people = append(v.people, r.tag)
		}
	}
	slices.Sort(v.people)
	v.people = slices.Compact(v.people)
	if first := v.people[0]; len(v.people) > 2 && w.rng.IntN(2) == 0 {
		v.author = first
	}
	return v
}

// newsValues is the version as Odoo takes it.
func (w *world) newsValues(v version) map[string]any {
	stage := "draft"
	if v.out {
		stage = "out"
	}
	people := []any{}
	for _, tag := range v.people {
		people = append(people, w.ledger.find(tag).odoo)
	}
	var author any = false
	if v.author != "" {
		author = w.ledger.find(v.author).odoo
	}
	return map[string]any{"x_text": v.text, "x_more": v.more, "x_stage": stage, "x_people": []any{[]any{int64(6), int64(0), people}}, "x_author": author}
}

// write makes the record that version in Odoo.
func (w *world) writeNews(n *news, v version) error { return w.putNews(n, v, w.newsValues(v)) }

func (w *world) putNews(n *news, v version, values map[string]any) error {
	v.from = time.Now()
	if err := w.odoo.Write(newsModel, n.id, values); err != nil {
		return err
	}
	n.became(v)
	w.tell("odoo news %d: %s, out %v, for %v but %q", n.id, v.text, v.out, v.people, v.author)
	return nil
}

func (w *world) newNews(out bool) error {
	if len(w.crew()) == 0 {
		return errNotThere
	}
	v := w.newsVersion(out)
	n := &news{name: w.value("N")}
	vals := w.newsValues(v)
	vals["x_name"] = n.name
	v.from = time.Now()
	id, err := w.odoo.As("admin").Create(newsModel, vals)
	if err != nil {
		return err
	}
	n.id, n.versions = id, []version{v}
	w.newsMu.Lock()
	w.news = append(w.news, n)
	w.newsMu.Unlock()
	w.tell("odoo news %d: made as %s, out %v, for %v but %q", n.id, v.text, v.out, v.people, v.author)
	return nil
}

// newsNow are all records there are and were.
func (w *world) newsNow() []*news {
	w.newsMu.Lock()
	defer w.newsMu.Unlock()
	return slices.Clone(w.news)
}

// someNews picks a record that is in the domain, or is not.
func (w *world) someNews(out bool) (*news, error) {
	var fit []*news
	for _, n := range w.newsNow() {
		if !n.gone() && n.last().out == out {
			fit = append(fit, n)
		}
	}
	if len(fit) > 12 { // of old ones, fewer
		fit = fit[len(fit)-12:]
	}
	n, ok := pick(w, fit)
	if !ok {
		return nil, errNotThere
	}
	return n, nil
}

// moveNews edits a record that is in the domain, or is not; afterwards it is, or is not.
func (w *world) moveNews(from, to bool) error {
	n, err := w.someNews(from)
	if err != nil {
		return err
	}
	return w.writeNews(n, w.newsVersion(to))
}

// flickerNews lets a record leave the domain and enter it again, or the other way round, within moments.
func (w *world) flickerNews() error {
	out := w.rng.IntN(2) == 0
	n, err := w.someNews(out)
	if err != nil {
		return err
	}
	first := w.writeNews(n, w.newsVersion(!out))
	w.wait(time.Duration(w.rng.IntN(250)) * time.Millisecond)
	return errors.Join(first, w.writeNews(n, w.newsVersion(out)))
}

// slowNews lets a record enter or leave the domain in a transaction that takes a while.
func (w *world) slowNews() error {
	out := w.rng.IntN(3) == 0
	n, err := w.someNews(out)
	if err != nil {
		return err
	}
	v, tx := w.newsVersion(!out), w.odoo.Begin()
	if err := tx.Write(newsModel, n.id, w.newsValues(v)); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	takes := time.Duration(w.rng.Int64N(int64(slowest)))
	w.slow.Go(func() {
		w.wait(takes)
		v.from = time.Now()
		if err := tx.Commit(); err != nil {
			w.tell("odoo news %d: the slow transaction failed: %v", n.id, err)
			return
		}
		n.became(v)
		w.tell("odoo news %d: %s, out %v, for %v but %q, committed after %s", n.id, v.text, v.out, v.people, v.author, takes.Round(time.Millisecond))
	})
	w.slow.Wait() // who edits it meanwhile waits for it in Odoo, too
	return nil
}

// burst is more news at once than a webhook takes in its minute.
func (w *world) burst() error {
	for range 20 + w.rng.IntN(10) {
		if err := w.newNews(true); err != nil {
			return err
		}
	}
	return nil
}

// unlinkNews deletes a record. Nothing tells of that: only a comparison finds it.
func (w *world) unlinkNews() error {
	n, err := w.someNews(w.rng.IntN(4) > 0)
	if err != nil {
		return err
	}
	at := time.Now()
	if err := w.odoo.Unlink(newsModel, n.id); err != nil {
		return err
	}
	w.lossy = true
	n.ended(at)
	w.tell("odoo news %d: deleted", n.id)
	return nil
}

// newsActs are what people do with news.
var newsActs = []act{
	{"news", 8, func(w *world) error { return w.newNews(true) }},
	{"news that is a draft", 3, func(w *world) error { return w.newNews(false) }},
	{"news that enters the domain", 6, func(w *world) error { return w.moveNews(false, true) }},
	{"news that leaves the domain", 5, func(w *world) error { return w.moveNews(true, false) }},
	{"news edited in the domain", 6, func(w *world) error { return w.moveNews(true, true) }},
	{"news edited outside", 1, func(w *world) error { return w.moveNews(false, false) }},
	{"news in and out at once", 3, (*world).flickerNews},
	{"news committed slowly", 2, (*world).slowNews},
	{"news in a burst", 1, (*world).burst},
	{"news deleted", 1, (*world).unlinkNews},
}

// editWhileTold lets a person edit the very record of which a message arrives at DingTalk: what was chosen before stands.
func editWhileTold(out bool) func(w *world) func() {
	return func(w *world) func() {
		if len(w.crew()) == 0 {
			return nil
		}
		v, left := w.newsVersion(out), w.some(3)
		values := w.newsValues(v)
		w.hooksMu.Lock()
		defer w.hooksMu.Unlock()
		w.onDing = append(w.onDing, func(r dingtalktest.Request) bool {
			if !tellsNews(r) {
				return false
			}
			for _, n := range w.newsNow() {
				if now := n.last(); !n.gone() && now.out && strings.Contains(string(r.Body)+fmt.Sprint(r.Params()), "【"+now.text+"】") && left.Add(-1) == 0 {
					if err := w.putNews(n, v, values); err != nil {
						w.tell("news %d while it is told: %v", n.id, err)
					}
					return true
				}
			}
			return false
		})
		return nil
	}
}

// tellsNews says whether a request sends a message.
func tellsNews(r dingtalktest.Request) bool {
	return slices.Contains([]string{"/topapi/message/corpconversation/asyncsend_v2", robotPath, "/robot/send"}, r.Path)
}

// robotPath sends messages that DingTalk would take twice.
const robotPath = "/v1.0/robot/oToMessages/batchSend"

// newsFaults strike messages only.
var newsFaults = []fault{
	{name: "news edited while it is told", begin: editWhileTold(true)},
	{name: "news leaves the domain while it is told", begin: editWhileTold(false)},
	{name: "the answer to a message is lost", begin: dingFails(tellsNews, 3, dingtalktest.DropAfter)},
	{name: "a message is lost", begin: dingFails(tellsNews, 3, dingtalktest.DropBefore)},
}

// writeOnce writes a file of the world that nobody edits.
func writeOnce(file, text string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o600)
}
