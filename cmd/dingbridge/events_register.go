package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/bridge"
	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

var (
	txtEventsRegister = tr("Register the callback through the old API (the console replaces it)", "通过旧接口注册回调（已由开放平台控制台取代）")
	txtEventsUpdate   = tr("Change the registered callback", "更新已注册的回调")
	txtEventsShow     = tr("Show the registered callback, without its secrets", "查看已注册的回调（不显示密钥）")
	txtEventsDelete   = tr("End the registered callback", "删除已注册的回调")
	txtTagsFlag       = tr("types of events; those the mappings need", "事件类型；默认为映射所需的事件")
	txtNeedsCallback  = tr("dingtalk.mode is %s: the daemon would not answer at the address. Set dingtalk.mode: callback and start the daemon first", "dingtalk.mode 为 %s：守护进程不会在该地址应答。请先设置 dingtalk.mode: callback 并启动守护进程")
	txtNoTags         = tr("no mapping needs an event; name some with --tags", "没有映射需要事件；请用 --tags 指定")
	txtRegistered     = tr("Registered: DingTalk pushes %d types of events to %s: %s", "已注册：钉钉将 %d 类事件推送到 %s：%s")
	txtUpdated        = tr("Updated: DingTalk pushes %d types of events to %s: %s", "已更新：钉钉将 %d 类事件推送到 %s：%s")
	txtNotRegistered  = tr("No callback is registered through the API. A subscription made in the console is not shown here.", "没有通过接口注册的回调。在开放平台控制台中保存的订阅不在此显示。")
	txtShownURL       = tr("address  %s (%s)", "地址  %s（%s）")
	txtShownToken     = tr("token    %s", "token    %s")
	txtShownKey       = tr("aes_key  %s", "aes_key  %s")
	txtShownTags      = tr("events   %s", "事件  %s")
	txtAsSettings     = tr("as in the settings", "与设置一致")
	txtNotAsSettings  = tr("NOT as in the settings: dingbridge events update", "与设置不一致：dingbridge events update")
	txtNotInSettings  = tr("not in the settings", "设置中没有")
	txtShownMissing   = tr("needed and not registered: %s; dingbridge events update", "需要但未注册：%s；dingbridge events update")
	txtShownUnneeded  = tr("registered, and no mapping needs it: %s", "已注册但没有映射需要：%s")
	txtDeleted        = tr("Deleted: DingTalk pushes nothing to the registered address any more.", "已删除：钉钉不再向注册的地址推送。")
)

// What helps against a refused registration, by code (注册回调事件, 更新事件接口).
var callbackHints = map[string]text{
	"71006": tr("A callback is registered, or saved in the console, already. `dingbridge events show` shows a registered one, `update` changes it, `delete` ends it; one saved in the console is changed there.", "已有注册的回调，或已在控制台保存。`dingbridge events show` 查看已注册的回调，`update` 更新，`delete` 删除；控制台中保存的请在控制台修改。"),
	"71007": tr("No callback is registered: use `dingbridge events register`.", "没有注册的回调：请使用 `dingbridge events register`。"),
	"71008": tr("DingTalk does not take one of the events through this API. Name those it takes with --tags, and switch the others on in the console.", "此接口不接受其中某个事件。请用 --tags 指定可注册的事件，其余在控制台中订阅。"),
	"71009": tr("The address answered DingTalk, but not with the encrypted word success. Does the daemon run there in mode callback, with the same token, aes_key and dingtalk.corp_id? `dingbridge events test` tells what it answers.", "该地址应答了钉钉，但返回的不是加密的 success。守护进程是否以 callback 模式运行在该地址，且 token、aes_key、dingtalk.corp_id 一致？`dingbridge events test` 可查看其应答。"),
	"71010": tr("DingTalk finds a value malformed: dingtalk.callback.token has 6 to 63 letters and digits, dingtalk.callback.aes_key 43.", "钉钉认为参数格式不合法：dingtalk.callback.token 为 6 至 63 个字母数字，dingtalk.callback.aes_key 为 43 个。"),
	"71011": tr("dingtalk.callback.url is no address DingTalk takes, such as https://bridge.example.com/dingtalk/callback.", "dingtalk.callback.url 不是钉钉接受的地址，例如 https://bridge.example.com/dingtalk/callback。"),
	"71012": tr("DingTalk does not reach the address, or waits longer than 2.5 seconds for an answer. It must be public: look at DNS, the certificate with its chain, the firewall (DingTalk calls from addresses of its own) and the reverse proxy.", "钉钉无法访问该地址，或 2.5 秒内没有应答。地址必须能从公网访问：请检查 DNS、证书及其证书链、防火墙（请求来自钉钉的服务器）与反向代理。"),
	"71013": tr("DingTalk takes no callbacks for this domain or address: use a public domain of your own.", "钉钉不允许此域名或 IP 接收回调：请使用自己的公网域名。"),
}

// The codes of newer servers for the same.
var callbackAliases = map[string]string{
	"400040": "71007", "400041": "71006", "400050": "71011", "400051": "71012", "400052": "71009", "400053": "71013", "400054": "71012",
}

var txtHintNoRegistration = tr("DingTalk does not offer this API to the app: subscribe in the console, 开发者后台 → 事件与回调, or use dingtalk.mode: stream.", "钉钉没有向该应用开放此接口：请在开发者后台「事件与回调」中订阅，或使用 dingtalk.mode: stream。")

// callbackHint is what may help against a refused registration, "" when nothing is known.
func (a *app) callbackHint(e *dingtalk.Error) string {
	code := e.Code
	if alias, ok := callbackAliases[code]; ok {
		code = alias
	}
	if hint, ok := callbackHints[code]; ok {
		return a.say(hint)
	}
	if dingtalk.IsRegistrationGone(e) {
		return a.say(txtHintNoRegistration)
	}
	return ""
}

func newEventsRegister(a *app) *cobra.Command {
	return a.registering("register [--tags TYPE,…]", txtEventsRegister, txtRegistered, (*dingtalk.CallbackService).Register)
}

func newEventsUpdate(a *app) *cobra.Command {
	return a.registering("update [--tags TYPE,…]", txtEventsUpdate, txtUpdated, (*dingtalk.CallbackService).Update)
}

// registering is a command that saves a registration.
func (a *app) registering(use string, short, done text, save func(*dingtalk.CallbackService, context.Context, dingtalk.Registration) error) *cobra.Command {
	var tags []string
	cmd := &cobra.Command{
		Use: use, Short: a.say(short), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDingTalk(cmd.Context(), a.needsRegistration, func(w *world) error {
				r, err := w.registration(tags)
				if err != nil {
					return err
				}
				if err := save(w.ding.Callbacks, cmd.Context(), r); err != nil {
					return err
				}
				a.tell(done, len(r.Tags), r.URL, joined(r.Tags))
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&tags, "tags", nil, a.say(txtTagsFlag))
	return cmd
}

// needsRegistration are the settings without which nothing can be registered. The CorpId is what such pushes carry as owner: without it
// the daemon would refuse them.
func (a *app) needsRegistration(s *Settings) error {
	if mode := s.DingTalk.Mode; mode != "callback" {
		return errors.New(a.say(txtNeedsCallback, mode))
	}
	return s.lacks(slices.Concat(needsApp, []string{"dingtalk.corp_id", "dingtalk.callback.url", "dingtalk.callback.token", "dingtalk.callback.aes_key"})...)
}

// registration is what the settings and the mappings make of one.
func (w *world) registration(tags []string) (dingtalk.Registration, error) {
	if len(tags) == 0 {
		tags = neededTags(w.set)
	}
	if len(tags) == 0 {
		return dingtalk.Registration{}, usage(errors.New(w.app.say(txtNoTags)))
	}
	slices.Sort(tags)
	callback := w.settings.DingTalk.Callback
	return dingtalk.Registration{
		Tags: slices.Compact(tags), URL: callback.URL, Token: callback.Token.Reveal(), AESKey: callback.AESKey.Reveal(),
	}, nil
}

func newEventsShow(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: a.say(txtEventsShow), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDingTalk(cmd.Context(), needsCredentials, func(w *world) error { return w.showRegistration(cmd.Context(), asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say(txtJSONFlag))
	return cmd
}

// shownRegistration is what `events show --json` prints. The comparisons are absent where the settings have no such value.
type shownRegistration struct {
	Registered bool     `json:"registered"`
	URL        string   `json:"url,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	SameURL    *bool    `json:"url_as_settings,omitempty"`
	SameToken  *bool    `json:"token_as_settings,omitempty"`
	SameKey    *bool    `json:"aes_key_as_settings,omitempty"`
	Missing    []string `json:"missing,omitempty"`  // needed by mappings
	Unneeded   []string `json:"unneeded,omitempty"` // by no mapping
}

func (w *world) showRegistration(ctx context.Context, asJSON bool) error {
	found, err := w.ding.Callbacks.Registered(ctx)
	shown := shownRegistration{}
	switch {
	case dingtalk.IsUnregistered(err):
	case err != nil:
		return err
	default:
		shown = w.compareRegistration(found)
	}
	if asJSON {
		return w.app.json(shown)
	}
	w.app.printRegistration(shown)
	return nil
}

// compareRegistration compares what is registered with the settings and with what the mappings need.
func (w *world) compareRegistration(r dingtalk.Registered) shownRegistration {
	callback := w.settings.DingTalk.Callback
	token, key := r.Fits(callback.Token.Reveal(), callback.AESKey.Reveal())
	where := func(have, same bool) *bool {
		if !have {
			return nil
		}
		return &same
	}
	shown := shownRegistration{
		Registered: true, URL: r.URL, Tags: r.Tags,
		SameURL: where(callback.URL != "", callback.URL == r.URL), SameToken: where(callback.Token != "", token), SameKey: where(callback.AESKey != "", key),
	}
	needed := neededEvents(w.set)
	for _, name := range neededTags(w.set) {
		if !slices.Contains(r.Tags, name) {
			shown.Missing = append(shown.Missing, name)
		}
	}
	for _, name := range r.Tags {
		if needed[name] == nil {
			shown.Unneeded = append(shown.Unneeded, name)
		}
	}
	return shown
}

func (a *app) printRegistration(s shownRegistration) {
	if !s.Registered {
		a.tell(txtNotRegistered)
		return
	}
	compared := func(same *bool) string {
		switch {
		case same == nil:
			return a.say(txtNotInSettings)
		case *same:
			return a.say(txtAsSettings)
		}
		return a.say(txtNotAsSettings)
	}
	a.tell(txtShownURL, s.URL, compared(s.SameURL))
	a.tell(txtShownToken, compared(s.SameToken))
	a.tell(txtShownKey, compared(s.SameKey))
	a.tell(txtShownTags, joined(s.Tags))
	if len(s.Missing) > 0 {
		a.tell(txtShownMissing, joined(s.Missing))
	}
	if len(s.Unneeded) > 0 {
		a.tell(txtShownUnneeded, joined(s.Unneeded))
	}
}

func newEventsDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "delete", Short: a.say(txtEventsDelete), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDingTalk(cmd.Context(), needsCredentials, func(w *world) error {
				err := w.ding.Callbacks.Delete(cmd.Context())
				switch {
				case dingtalk.IsUnregistered(err):
					a.tell(txtNotRegistered)
				case err != nil:
					return err
				default:
					a.tell(txtDeleted)
				}
				return nil
			})
		},
	}
}

// needsApp are the settings every call of DingTalk needs.
var needsApp = []string{"dingtalk.app_key", "dingtalk.app_secret"}

func needsCredentials(s *Settings) error { return s.lacks(needsApp...) }

// withDingTalk opens the store and makes the client of DingTalk alone, for a command that does without Odoo, and keeps what its calls
// cost. needs says what the settings lack for the command.
func (a *app) withDingTalk(ctx context.Context, needs func(*Settings) error, do func(*world) error) error {
	w, err := a.openStore()
	if err != nil {
		return err
	}
	if err = usage(needs(w.settings)); err == nil {
		w.ding, err = newDingTalk(w.settings, w.zone, w.pace)
		err = usage(err)
	}
	if err == nil {
		err = errors.Join(do(w), w.keepCalls(ctx))
	}
	return errors.Join(err, w.close())
}

// keepCalls writes into the ledger what the command's calls cost, also when it was interrupted.
func (w *world) keepCalls(ctx context.Context) error {
	day := w.pace.now().In(w.zone).Format(time.DateOnly)
	var counts []bridge.QuotaCount
	for _, call := range w.ding.TakeCalls() {
		counts = append(counts, bridge.QuotaCount{Day: day, What: bridge.QuotaCall, Counted: call.Counted, Mapping: call.Caller, Name: call.Path, N: call.N})
	}
	if len(counts) == 0 {
		return nil
	}
	return w.store.Update(context.WithoutCancel(ctx), func(tx bridge.Tx) error { return tx.AddQuota(counts...) })
}

// joined lists names for a person.
func joined(names []string) string { return strings.Join(names, ", ") }

// neededTags are the events a callback is registered for: those the mappings need, without the topics of the Stream.
func neededTags(set *mapping.Set) []string {
	return slices.DeleteFunc(sortedKeys(neededEvents(set)), func(name string) bool { return name == dingtalk.TopicRobot })
}
