package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dingbridge/dingtalk/dingtalktest"
)

var (
	txtSandboxOdoo  = tr("address of the Odoo stand-in", "Odoo 仿真服务器的监听地址")
	txtSandboxDing  = tr("address of the DingTalk stand-in", "钉钉仿真服务器的监听地址")
	txtSandboxEmpty = tr("without the invented company", "不放入虚构的公司数据")
	txtSandboxQuota = tr("calls about contacts count too, and a month has so many calls; 0: no limit", "通讯录接口也计入额度，且每月只有这么多次调用；0 为不限")
	txtSandboxPush  = tr("likewise for pushed events", "事件推送同上")
	txtSandboxGroup = tr(`A group of everybody, %s, has a robot of its own: webhook sandbox. For the enterprise robot (group_message) the group is
          openConversationId %s
Messages that people get are shown here.
`, `全员群「%s」有一个自定义机器人：webhook 名为 sandbox。企业机器人（group_message）所用的群：
          openConversationId %s
人们收到的消息会显示在这里。
`)
	txtSandboxTold = tr(`Both stand-ins are served until Ctrl-C; what they hold is lost then.

Odoo 12   %s
          database %s; for the bridge: %s / %s; administrator: %s / %s
          %d departments, %d people. Edit them over XML-RPC as the administrator.
DingTalk  %s
          AppKey %s, AppSecret %s, CorpId %s
          %d departments, %d people. Edit them through the OpenAPI; events come by Stream.

In another terminal:
%s
dingbridge setup --yes && dingbridge plan
`, `两个仿真服务器会一直运行到按下 Ctrl-C，届时其中的数据全部丢失。

Odoo 12   %s
          数据库 %s；桥接用户：%s / %s；管理员：%s / %s
          部门 %d 个，员工 %d 人。可用管理员通过 XML-RPC 修改。
钉钉      %s
          AppKey %s，AppSecret %s，CorpId %s
          部门 %d 个，成员 %d 人。可通过 OpenAPI 修改；事件经 Stream 推送。

在另一个终端：
%s
dingbridge setup --yes && dingbridge plan
`)
)

// The fixed addresses of the sandbox: beside those of a real Odoo, on this machine only.
const (
	sandboxOdooAddr = "127.0.0.1:18069"
	sandboxDingAddr = "127.0.0.1:18060"
)

func newSandbox(a *app) *cobra.Command {
	var odooAddr, dingAddr string
	var empty bool
	var seed uint64
	var calls, pushes int
	cmd := &cobra.Command{
		Use: "sandbox", Short: a.say(txtSandbox), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newStage(odooAddr, dingAddr, time.Now)
			if err != nil {
				return err
			}
			s.ding.Set(func(k *dingtalktest.Knobs) {
				k.Quota, k.PushQuota, k.CountContacts = calls, pushes, calls+pushes > 0
			})
			if !empty {
				if err := s.populate(newCompany(demoPeople, seed)); err != nil {
					return errors.Join(err, s.close())
				}
			}
			conversation := s.addGroup()
			a.tell(txtSandboxTold, s.odooURL, stageDatabase, stageLogin, stagePassword, stageAdmin, stageAdmin, len(s.unitIDs), len(s.staff),
				s.dingURL, s.ding.AppKey(), s.ding.AppSecret(), s.ding.CorpID(), len(s.ding.Departments())-1, len(s.ding.Users()), s.exports())
			a.tell(txtSandboxGroup, sandboxGroup, conversation)
			s.showMessages(cmd.Context(), a)
			return s.close()
		},
	}
	cmd.Flags().StringVar(&odooAddr, "odoo", sandboxOdooAddr, a.say(txtSandboxOdoo))
	cmd.Flags().StringVar(&dingAddr, "dingtalk", sandboxDingAddr, a.say(txtSandboxDing))
	cmd.Flags().BoolVar(&empty, "empty", false, a.say(txtSandboxEmpty))
	cmd.Flags().Uint64Var(&seed, "seed", 1, a.say(txtSeedFlag))
	cmd.Flags().IntVar(&calls, "quota", 0, a.say(txtSandboxQuota))
	cmd.Flags().IntVar(&pushes, "push-quota", 0, a.say(txtSandboxPush))
	return cmd
}

// exports are the shell lines that point a dingbridge at the two servers.
func (s *stage) exports() string {
	vars := s.vars()
	vars["DINGBRIDGE_DINGTALK_WEBHOOKS"] = "sandbox"
	vars["DINGBRIDGE_DINGTALK_WEBHOOKS_SANDBOX_URL"], vars["DINGBRIDGE_DINGTALK_WEBHOOKS_SANDBOX_SECRET"] = s.robot, sandboxSecret
	vars["DINGBRIDGE_SETUP_LOGIN"], vars["DINGBRIDGE_SETUP_PASSWORD"], vars["DINGBRIDGE_STORE"] = stageAdmin, stageAdmin, "sandbox.db"
	var lines []string
	for _, name := range sortedKeys(vars) {
		value := vars[name]
		if strings.ContainsAny(value, "?&*") {
			value = "'" + value + "'"
		}
		lines = append(lines, "export "+name+"="+value)
	}
	return strings.Join(lines, "\n")
}
