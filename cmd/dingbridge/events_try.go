package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
)

var (
	txtEventsTest   = tr("Test the way events come: ask the callback's address, or open a Stream connection", "检测事件通道：访问回调地址，或建立一次 Stream 连接")
	txtListenFlag   = tr("Stream: how long to listen", "Stream：监听时长")
	txtTryOff       = tr("dingtalk.mode is off: there is no way of events to test", "dingtalk.mode 为 off：没有可检测的事件通道")
	txtTryOK        = tr("ok: %s answered as DingTalk wants it, in %d ms, to a push with owner key %s.", "正常：%s 在 %d 毫秒内按钉钉的要求应答（owner key 为 %s）。")
	txtTryBad       = tr("error: %s, to a push with owner key %s: %s", "错误：%s（owner key 为 %s）：%s")
	txtTryFromHere  = tr("This was asked from this machine: DingTalk must reach the address from the Internet too.", "以上是从本机发起的检测：该地址还必须能被钉钉从公网访问。")
	txtTryNobody    = tr("No daemon is active on this store; if the address is to lead here, start it.", "此 store 上没有运行中的守护进程；如果该地址应指向本机，请先启动守护进程。")
	txtTryConnected = tr("ok: connected by Stream in %d ms. Listening for %s; change something in DingTalk now, such as a person's title. Ctrl-C ends it.", "正常：Stream 已在 %d 毫秒内连接。监听 %s；请现在在钉钉中改动一项，例如某人的职位。按 Ctrl-C 结束。")
	txtTryEvent     = tr("event: %s", "事件：%s")
	txtTryHeard     = tr("Events that came: %d. They are kept, for the daemon to handle.", "收到事件 %d 个，已保存，由守护进程处理。")
	txtTryHeardNone = tr("No event came.", "没有收到事件。")
	txtTryShared    = tr("A daemon is connected as well: DingTalk sends each event to one of the connections, so about every other one comes here.", "守护进程也处于连接状态：钉钉把每个事件只发给其中一个连接，这里大约只能收到一半。")
	txtOwnerApp     = tr("AppKey (subscriptions of the console)", "AppKey（控制台订阅）")
	txtOwnerCorp    = tr("CorpId (registrations through the API)", "CorpId（接口注册）")
)

// What helps against what a check of the address stumbled over.
var checkHints = map[dingtalk.CheckStep]text{
	dingtalk.CheckUnreachable: tr("nobody answers there, or its certificate is not valid: look at DNS, port, firewall, reverse proxy and certificate", "该地址无人应答，或证书无效：请检查 DNS、端口、防火墙、反向代理与证书"),
	dingtalk.CheckSlow:        tr("no answer came within the 2.5 seconds that DingTalk waits", "2.5 秒内没有应答（钉钉的等待时限）"),
	dingtalk.CheckStatus:      tr("another HTTP status than 200: the reverse proxy must pass on POST /dingtalk/callback with its query, to a daemon in mode callback with this token and aes_key, whose clock is right", "HTTP 状态码不是 200：反向代理须把 POST /dingtalk/callback 连同查询串转发给以 callback 模式运行、token 与 aes_key 相同且时钟正确的守护进程"),
	dingtalk.CheckNoReply:     tr("something else than dingbridge answers there", "在该地址应答的不是 dingbridge"),
	dingtalk.CheckSignature:   tr("the answer is signed with another dingtalk.callback.token", "应答使用了另一个 dingtalk.callback.token 签名"),
	dingtalk.CheckDecrypt:     tr("the answer is encrypted with another dingtalk.callback.aes_key, or for another app or corp", "应答使用了另一个 dingtalk.callback.aes_key 加密，或属于其他应用、企业"),
	dingtalk.CheckNotSuccess:  tr("the answer is not the word success", "应答内容不是 success"),
}

func newEventsTest(a *app) *cobra.Command {
	var asJSON bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "test [--wait TIME]", Short: a.say(txtEventsTest), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDingTalk(cmd.Context(), a.needsTest, func(w *world) error {
				if w.settings.DingTalk.Mode == "callback" {
					return w.tryCallback(cmd.Context(), asJSON)
				}
				return w.tryStream(cmd.Context(), wait, asJSON)
			})
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Second, a.say(txtListenFlag))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	return cmd
}

// eventsTest is what `events test --json` prints.
type eventsTest struct {
	Mode   string          `json:"mode"`
	OK     bool            `json:"ok"`
	URL    string          `json:"url,omitempty"`
	Checks []callbackCheck `json:"checks,omitempty"` // mode callback
	MS     int64           `json:"ms,omitempty"`     // mode stream: to connect
	Events []heardEvent    `json:"events,omitempty"` // mode stream
}

// callbackCheck is one push to the address, and what became of it.
type callbackCheck struct {
	Owner string             `json:"owner"` // app_key or corp_id
	OK    bool               `json:"ok"`
	MS    int64              `json:"ms"`
	Step  dingtalk.CheckStep `json:"step,omitempty"` // what went wrong
	Error string             `json:"error,omitempty"`
}

// heardEvent is one event that came meanwhile.
type heardEvent struct {
	Type string    `json:"type"`
	Born time.Time `json:"born"`
}

// needsTest are the settings without which the way of events cannot be tested.
func (a *app) needsTest(s *Settings) error {
	switch s.DingTalk.Mode {
	case "off":
		return errors.New(a.say(txtTryOff))
	case "callback":
		return s.lacks(slices.Concat(needsApp, []string{"dingtalk.callback.url", "dingtalk.callback.token", "dingtalk.callback.aes_key"})...)
	}
	return needsCredentials(s)
}

// tryCallback sends check_url to the public address, as the console does and as a registration does.
func (w *world) tryCallback(ctx context.Context, asJSON bool) error {
	callback := w.settings.DingTalk.Callback
	result := eventsTest{Mode: "callback", OK: true, URL: callback.URL}
	for _, owner := range []struct{ name, key string }{{"app_key", w.settings.DingTalk.AppKey}, {"corp_id", w.settings.DingTalk.CorpID}} {
		if owner.key == "" {
			continue
		}
		crypter, err := dingtalk.NewCrypter(callback.Token.Reveal(), callback.AESKey.Reveal(), owner.key)
		if err != nil {
			return usage(err)
		}
		took, err := w.ding.Callbacks.Check(ctx, callback.URL, crypter)
		check := callbackCheck{Owner: owner.name, OK: err == nil, MS: took.Milliseconds()}
		var failed *dingtalk.CheckError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &failed):
			check.Step, check.Error = failed.Step, failed.Error()
		case err != nil:
			return err
		}
		result.OK = result.OK && check.OK
		result.Checks = append(result.Checks, check)
	}
	running, err := w.running(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = w.app.json(result)
	} else {
		w.app.printCallbackTest(result, running)
	}
	if err == nil && !result.OK {
		return &toldError{code: exitError}
	}
	return err
}

func (a *app) printCallbackTest(r eventsTest, running bool) {
	owners := map[string]text{"app_key": txtOwnerApp, "corp_id": txtOwnerCorp}
	for _, c := range r.Checks {
		owner := a.say(owners[c.Owner])
		if c.OK {
			a.tell(txtTryOK, r.URL, c.MS, owner)
			continue
		}
		a.tell(txtTryBad, r.URL, owner, a.say(checkHints[c.Step]))
		a.printf("  %s\n", c.Error)
	}
	switch {
	case r.OK:
		a.tell(txtTryFromHere)
	case !running:
		a.tell(txtTryNobody)
	}
}

// tryStream opens a connection beside the daemon's, and tells what comes over it. What comes is kept as the daemon keeps it: DingTalk
// does not send it to the daemon again.
func (w *world) tryStream(ctx context.Context, wait time.Duration, asJSON bool) error {
	ear := newEar(w, asJSON)
	stream, err := dingtalk.NewStream(dingtalk.StreamConfig{Client: w.ding, Handler: ear.hear, OnState: ear.note})
	if err != nil {
		return err
	}
	running, err := w.running(ctx)
	if err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	began := time.Now()
	var ended sync.WaitGroup
	ended.Go(func() { _ = stream.Run(listening) }) // its error is that of the context
	err = ear.listen(ctx, wait, began)
	stop()
	ended.Wait()
	if err != nil {
		return err
	}
	result := ear.result()
	if asJSON {
		return w.app.json(result)
	}
	if len(result.Events) == 0 {
		w.app.tell(txtTryHeardNone)
	} else {
		w.app.tell(txtTryHeard, len(result.Events))
	}
	if running {
		w.app.tell(txtTryShared)
	}
	return nil
}

// ear keeps and notes what comes over a Stream.
type ear struct {
	w      *world
	inbox  *inbox
	quiet  bool
	states chan dingtalk.StreamState

	mu    sync.Mutex
	heard eventsTest
}

func newEar(w *world, quiet bool) *ear {
	in := &inbox{store: w.store, corp: w.settings.DingTalk.CorpID, log: zap.NewNop(), now: w.pace.now, zone: w.zone, counts: w.ding.Counts}
	return &ear{w: w, inbox: in, quiet: quiet, states: make(chan dingtalk.StreamState, 1), heard: eventsTest{Mode: "stream"}}
}

func (e *ear) hear(ctx context.Context, ev dingtalk.Event) error {
	if err := e.inbox.take(ctx, ev, bridge.ViaStream); err != nil {
		return err // DingTalk sends it again
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard.Events = append(e.heard.Events, heardEvent{Type: ev.Type, Born: ev.Born})
	if !e.quiet {
		e.w.app.tell(txtTryEvent, e.w.app.eventLine(eventType{Type: ev.Type, Title: dingtalk.EventTitle(ev.Type)}))
	}
	return nil
}

// note hands the first state on; what comes later does not matter.
func (e *ear) note(s dingtalk.StreamState) {
	select {
	case e.states <- s:
	default:
	}
}

// listen waits for the connection, then for the time or Ctrl-C. Its error is why there is no connection.
func (e *ear) listen(ctx context.Context, wait time.Duration, began time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s := <-e.states:
		if !s.Connected {
			return cmp.Or(s.Err, errors.New(s.Reason))
		}
	}
	e.mu.Lock()
	e.heard.OK, e.heard.MS = true, time.Since(began).Milliseconds()
	if !e.quiet {
		e.w.app.tell(txtTryConnected, e.heard.MS, wait)
	}
	e.mu.Unlock()
	pause(ctx, wait)
	return nil
}

// result is what came so far.
func (e *ear) result() eventsTest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}
