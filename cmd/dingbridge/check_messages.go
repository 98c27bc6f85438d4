package main

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"dingbridge/dingtalk"
	"dingbridge/mapping"
)

var (
	txtNoAgent      = tr("the mapping %s sends work notices, which need the app's AgentId: dingtalk.agent_id in the settings, or %s", "映射 %s 发送工作通知，需要应用的 AgentId：请在设置中填写 dingtalk.agent_id（或 %s）")
	txtNoWebhook    = tr("the mapping %[1]s writes by the webhook %[2]s, and the settings name none of this name: dingtalk.webhooks: {%[2]s: {url: …}}; there are: %[3]s", "映射 %[1]s 使用群机器人 %[2]s，但设置中没有它：请填写 dingtalk.webhooks: {%[2]s: {url: …}}；已有：%[3]s")
	txtDingUsable   = tr("%s can be used", "可以使用：%s")
	txtDingUnusable = tr("%s cannot be used: %s", "无法使用：%s：%s")
	txtDingNobodyAs = tr("mapping %s: there is no %s in DingTalk, or the app may not see him: %s", "映射 %s：钉钉中没有 %s，或应用看不到此人：%s")
)

// messageSettings complains about what mappings of messages need and the settings lack.
func (a *app) messageSettings(set *mapping.Set, s *Settings) (complaints mapping.Complaints) {
	complain := func(m *mapping.Mapping, words string) {
		complaints = append(complaints, mapping.Complaint{Position: m.Message.Pos, Level: mapping.Error, Message: words})
	}
	for _, m := range set.Mappings {
		switch {
		case m.Message == nil:
		case m.Kind == dingtalk.WorkNoticeKind.Name && s.DingTalk.AgentID == 0:
			complain(m, a.say(txtNoAgent, m.Name, envName("dingtalk.agent_id")))
		case m.Kind == dingtalk.RobotMessageKind.Name:
			if _, ok := s.DingTalk.Webhooks[m.Message.Webhook]; !ok {
				there := strings.Join(sortedKeys(s.DingTalk.Webhooks), ", ")
				if there == "" {
					there = a.say(txtNone)
				}
				complain(m, a.say(txtNoWebhook, m.Name, m.Message.Webhook, there))
			}
		}
	}
	return complaints
}

// checkMessages asks about messages that do not exist: with the permissions, and as the agent or robot of this app, the answer is that. Each
// question is a counted call. Nothing is sent, so that a group's own robot, which can do nothing else, is not tried.
func (w *world) checkMessages(ctx context.Context, set *mapping.Set) []finding {
	nothing := "dingbridge-check-" + strings.ToLower(rand.Text())
	var findings []finding
	for _, probe := range []struct {
		kind dingtalk.Kind
		what string
		ask  func() error
	}{
		{dingtalk.WorkNoticeKind, aboutNotices, func() error {
			_, err := w.ding.Notices.Progress(ctx, noNotice)
			return err
		}},
		{dingtalk.PersonMessageKind, "robot/oToMessages", func() error {
			_, err := w.ding.Robots.ReadByPersons(ctx, nothing)
			return err
		}},
		{dingtalk.GroupMessageKind, "robot/groupMessages", func() error {
			_, err := w.ding.Robots.ReadByGroup(ctx, nothing, nothing)
			return err
		}},
		{dingtalk.DingKind, "robot/ding", func() error { return w.ding.Dings.Recall(ctx, nothing) }},
	} {
		if len(set.ByKind(probe.kind.Name)) == 0 || probe.what == aboutNotices && w.settings.DingTalk.AgentID == 0 { // which has been told
			continue
		}
		err := probe.ask()
		if understood(err) {
			err = nil
		}
		findings = append(findings, w.tried(probe.what, txtDingUsable, txtDingUnusable, err))
	}
	return append(findings, w.checkReceivers(ctx, set)...)
}

const (
	aboutNotices = "message/corpconversation"
	noNotice     = "1" // the task of no notice
)

// understood says that DingTalk let the call in and found nothing wrong but what it is about.
func understood(err error) bool {
	var de *dingtalk.Error
	return errors.As(err, &de) && (de.Class == dingtalk.Reject || de.Class == dingtalk.Missing) && len(de.RequiredScopes) == 0
}

// checkReceivers looks for the people and departments that mappings of messages name themselves.
func (w *world) checkReceivers(ctx context.Context, set *mapping.Set) []finding {
	var findings []finding
	var asked []mapping.Person
	for _, m := range set.Mappings {
		if m.Message == nil {
			continue
		}
		for _, p := range m.Message.Receivers {
			one := mapping.Person{Userid: p.Userid, Department: p.Department}
			if one == (mapping.Person{}) || slices.Contains(asked, one) {
				continue
			}
			asked = append(asked, one)
			if p.Userid != "" {
				if _, err := w.ding.Users.Get(ctx, p.Userid); err != nil {
					findings = append(findings, w.found(levelError, "dingtalk", txtDingNobodyAs, m.Name, p.Userid, dingWords(err)))
				}
			}
			if p.Department > 1 {
				if _, err := w.ding.Departments.Get(ctx, p.Department); err != nil {
					findings = append(findings, w.found(levelError, "dingtalk", txtDingOutside, m.Name, p.Department, dingWords(err)))
				}
			}
		}
	}
	return findings
}
