package main

import (
	"fmt"
	"strings"
)

// language is one of the two a person may read: en or zh.
type language string

const (
	english language = "en"
	chinese language = "zh"
)

// text is one sentence in both languages, with the same verbs of package fmt in the same order.
type text struct{ en, zh string }

// catalogue is every text there is, for the test that compares the two languages.
var catalogue []text

// tr makes a text.
func tr(en, zh string) text {
	t := text{en: en, zh: zh}
	catalogue = append(catalogue, t)
	return t
}

// in returns the text in the language, filled with args.
func (t text) in(l language, args ...any) string {
	s := t.en
	if l == chinese {
		s = t.zh
	}
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// languageOf reads the environment as POSIX orders it; DINGBRIDGE_LANGUAGE goes first.
func languageOf(env func(string) string) language {
	for _, name := range []string{"DINGBRIDGE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), string(chinese)) {
				return chinese
			}
			return english
		}
	}
	return english
}

// What the commands are for.
var (
	txtRoot       = tr("Keeps Odoo 12 and DingTalk in step", "让 Odoo 12 与钉钉保持同步")
	txtRootLong   = tr("dingbridge stands between an Odoo 12 server and DingTalk and keeps what the mappings name equal on both sides.\nNothing is installed in Odoo.", "dingbridge 位于 Odoo 12 与钉钉之间，让映射里写明的内容在两边保持一致。\nOdoo 里不需要安装任何东西。")
	txtRun        = tr("Run the daemon", "运行守护进程")
	txtPlan       = tr("Show what would be written, and write nothing", "显示将要写入的内容，但不写入")
	txtSync       = tr("Bring both sides in step once", "执行一次同步")
	txtCheck      = tr("Check mapping files, and with --live the servers behind them", "检查映射文件；加 --live 则同时检查两端服务器")
	txtTest       = tr("Run the examples in mapping files", "运行映射文件里的示例")
	txtExplain    = tr("Tell everything the bridge knows about one record", "说明关于一条记录所知道的一切")
	txtStatus     = tr("Show links, held records, waiting lists and halts", "显示关联、挂起的记录、等待放行的清单与暂停原因")
	txtRetry      = tr("Try held and failing records again", "重试挂起或失败的记录")
	txtRelease    = tr("Let operations go that exceed the guard", "放行超出保护限额的操作")
	txtResolve    = tr("Decide a held conflict", "裁决挂起的冲突")
	txtLink       = tr("Declare that two records are one thing", "声明两条记录是同一个对象")
	txtForget     = tr("Drop links without touching either side", "删除关联，两边的数据都不动")
	txtSetup      = tr("Create the fields in Odoo that the mappings need", "在 Odoo 中创建映射所需的字段")
	txtDemo       = tr("Watch the bridge at work between two stand-ins", "观看两个仿真服务器之间的同步演示")
	txtSandbox    = tr("Serve both stand-ins for trying mappings of your own", "启动两个仿真服务器，供试验自己的映射")
	txtVersion    = tr("Print the version", "显示版本")
	txtConfigFlag = tr("settings file", "设置文件")
	txtJSONFlag   = tr("print JSON", "输出 JSON")
)

// Errors of the command line and what to do about them.
var (
	txtUnknownCommand = tr("unknown command %q", "未知命令 %q")
	txtDidYouMean     = tr("did you mean %s?", "是不是想用 %s？")
	txtSeeHelp        = tr("see: dingbridge --help", "参见：dingbridge --help")
	txtUnknownMapping = tr("there is no mapping %q; the mappings are: %s", "没有映射 %q；现有映射：%s")
	txtNoMappings     = tr("no mappings are configured: name presets or files under `mappings` in the settings", "没有配置任何映射：请在设置的 mappings 中写明预设或文件")
	txtHintOdoo       = tr("Is Odoo running, and are odoo.url and odoo.database right?", "Odoo 是否在运行？odoo.url 与 odoo.database 是否正确？")
	txtHintLogin      = tr("Check odoo.login and odoo.password. Do not try often: ten wrong passwords lock out everybody behind this address for a minute.", "请检查 odoo.login 与 odoo.password。不要频繁尝试：输错十次后，同一地址的所有人会被锁定一分钟。")
	txtHintApp        = tr("Check dingtalk.app_key and dingtalk.app_secret, and that the app is not stopped.", "请检查 dingtalk.app_key 与 dingtalk.app_secret，并确认应用没有被停用。")
	txtHintIP         = tr("Add this machine's address to the app's server addresses (服务器出口IP) in the DingTalk console.", "请在钉钉开放平台把本机地址加入应用的「服务器出口IP」。")
	txtHintQuota      = tr("Wait until the month turns, or buy more calls in the DingTalk console; `dingbridge status` shows what used them. What waits is kept.", "请等到下个月，或在钉钉开放平台增购调用量；`dingbridge status` 可查看用量来源。等待中的变更会保留。")
	txtHintPermission = tr("Grant it in the DingTalk console under 权限管理, or in Odoo to the bridge's user. `dingbridge check --live` lists what is missing.", "请在钉钉开放平台「权限管理」中开通，或在 Odoo 中授予桥接用户。运行 `dingbridge check --live` 可列出缺少的权限。")
)
