package dingtalktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Refusal is DingTalk's "no": an errcode of the old host, or a status and code string of the new one. Methods that
// act as an administrator return it too; use errors.As.
type Refusal struct {
	Code    int    // errcode of the old host, e.g. 60121
	Message string // errmsg, sub_msg or message

	gateway bool           // answered by the gateway: wrapped as errcode 88 on topapi paths
	status  int            // HTTP status on the new host
	v1      string         // code string on the new host
	scopes  []string       // permission points that are missing
	data    map[string]any // further top-level keys of the body
}

// Error names the code and the text.
func (e *Refusal) Error() string {
	if e.v1 != "" && e.Code == 0 {
		return fmt.Sprintf("dingtalk refuses with %s: %s", e.v1, e.Message)
	}
	return fmt.Sprintf("dingtalk refuses with %d: %s", e.Code, e.Message)
}

// texts are the error texts of the codes this server answers (DingTalk document 全局错误码).
var texts = map[int]string{
	-1: "系统繁忙", 12150: "已开启智能人事职位管理,请通过员工调岗修改", 23004: "角色下存在员工",
	33011: "角色不存在", 33012: "无效的USERID", 34018: "无效的角色组", 34020: "角色名称已存在", 34021: "角色名称不合法",
	40004: "不合法的媒体文件类型", 40005: "不合法的文件类型", 40006: "不合法的文件大小", 40007: "不合法的媒体文件id", 40015: "不合法的会话id",
	40048: "不安全的域名", 41005: "缺少多媒体文件数据", 41045: "全员推送消息次数超限", 41052: "接收人数过多或任务未完成", 41101: "消息内容过长",
	43007: "没有调用该接口的权限", 43008: "参数需要multipart类型",
	310000: "安全设置校验失败", 400013: "群已被解散", 400101: "access_token不存在", 400102: "机器人已停用", 400105: "不支持的消息类型",
	300005: "token is not exist", 430101: "含有不安全的外链", 430102: "含有不合适的文本", 90030: "企业推送量已超出当月额度",
	410100: "发送速度太快而限流", 130101: "send too fast, exceed 20 times per minute", 660026: "发送速度太快而限流",
	34004: "不合法的消息类型", 34014: "消息格式不合法", 34016: "消息内容过长",
	40056: "不合法的agentId", 41029: "接收人数量超过上限", 41049: "消息内容含有敏感信息",
	40003: "无效的userid", 40009: "不合法的部门id", 40010: "不合法的父部门id", 40014: "不合法的access_token", 40019: "该手机号码已在5个未认证企业中",
	40022: "企业帐号的手机号码不允许修改", 40023: "部门人数超过上限", 40024: "企业人数超过上限",
	40031: "不存在的userId", 40033: "请求格式错误,不允许转义字符", 40035: "不合法的参数", 40038: "不合法的请求格式",
	40063: "分机号长度超过上限", 40064: "办公地点长度超过上限", 40065: "备注长度超过上限", 40066: "不合法的部门列表",
	40068: "不合法的偏移量", 40069: "不合法的分页大小", 40078: "不存在的临时授权码", 40093: "群主不是部门成员",
	40096: "不合法的appKey或appSecret", 40100: "分机号已存在", 40101: "邮箱已存在", 40103: "该用户已开启账号保护或需要本人同意,已发出邀请,请等待确认",
	40104: "不合法的手机号", 41001: "缺少access_token参数", 43001: "需要GET请求", 43002: "需要POST请求",
	50002: "企业授权的员工不在可见范围", 50003: "应用已停用", 50004: "企业部门不在授权范围", 50005: "企业已禁用",
	60001: "不合法的部门名称", 60002: "部门层级深度超过限制", 60003: "部门不存在", 60004: "父部门不存在",
	60005: "不允许删除有成员的部门", 60006: "不允许删除有子部门的部门", 60007: "不允许删除根部门", 60010: "不允许设置子部门为父部门",
	60011: "没有调用该接口的权限", 60018: "不允许修改根部门", 60020: "访问ip不在白名单之中", 60021: "父部门下该部门名称已存在", 60022: "包含敏感内容",
	60102: "UserID在公司中已存在", 60103: "手机号码不合法", 60104: "手机号码在公司中已存在", 60105: "邮箱不合法", 60106: "邮箱已存在",
	60109: "可见范围设置不合法", 60110: "部门个数超过上限", 60112: "员工姓名不合法", 60113: "身份认证信息(手机/邮箱)不能同时为空",
	60119: "职位不合法", 60121: "找不到该用户", 60122: "扩展属性不合法", 60123: "工号不合法", 60128: "直属主管不合法",
	71006: "回调地址已经存在", 71007: "回调地址已不存在", 71008: "回调call_back_tag必须在指定的call_back_tag列表中",
	71009: "返回文本非success", 71010: "POST的JSON数据不包含所需要的参数字段或包含的参数格式非法", 71011: "传入的url参数不是合法的url格式",
	71012: "url地址访问异常", 71013: "此域名或IP不能注册或者接收回调事件",
	90002: "您的服务器调用钉钉开放平台该接口的请求超过限制", 90018: "您的应用调用该接口的频率超过限制", 90020: "企业调用量已超出当月额度",
	400002: "无效的参数",
	660000: "角色不可修改",
}

// refuse is the business refusal with the code's usual text.
func refuse(code int) *Refusal { return &Refusal{Code: code, Message: texts[code]} }

// refusef is the business refusal with a text of its own.
func refusef(code int, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// missing is the answer to a required parameter that is absent or unreadable.
func missing(code int, name string) *Refusal { return refusef(code, "%s:%s", texts[code], name) }

// v1Refusal is a refusal of the new host.
func v1Refusal(status int, code, message string) *Refusal {
	return &Refusal{Message: message, status: status, v1: code}
}

// gatewayRefusal is a refusal before the method runs, as each of the three envelopes shows it.
func gatewayRefusal(code, status int, v1, message string, scopes ...string) *Refusal {
	return &Refusal{Code: code, Message: message, gateway: true, status: status, v1: v1, scopes: scopes}
}

// style is one of the envelopes DingTalk answers in.
type style int

const (
	topapi style = iota // /topapi/…: errcode, errmsg, result, request_id; gateway errors wrapped as 88
	legacy              // /gettoken, /role/…, /call_back/…: errcode, errmsg and data at top level
	v1                  // api.dingtalk.com/v1.0: HTTP status; code, message, requestid
	page                // login.dingtalk.com: redirects
)

// topLevel is a result whose keys stand beside errcode instead of under "result".
type topLevel map[string]any

// envelope builds the answer's status and body.
func envelope(st style, requestID string, result any, no *Refusal) (int, any) {
	switch {
	case no != nil && st == v1:
		return no.v1Body(requestID)
	case no != nil:
		return http.StatusOK, no.oldBody(st, requestID)
	case st == v1:
		if result == nil {
			result = map[string]any{}
		}
		return http.StatusOK, result
	}
	if to, ok := result.(redirect); ok {
		return http.StatusFound, to
	}
	body := map[string]any{"errcode": 0, "errmsg": "ok"}
	if st == topapi {
		body["request_id"] = requestID
	}
	if top, ok := result.(topLevel); ok {
		for k, v := range top {
			body[k] = v
		}
	} else if result != nil {
		body["result"] = result
	}
	return http.StatusOK, body
}

func (e *Refusal) oldBody(st style, requestID string) map[string]any {
	body := map[string]any{"errcode": e.Code, "errmsg": e.Message}
	if st == topapi {
		body["request_id"] = requestID
		if e.gateway {
			body["errcode"] = 88
			body["sub_code"] = strconv.Itoa(e.Code)
			body["sub_msg"] = e.Message
			body["errmsg"] = fmt.Sprintf("ding talk error[subcode=%d,submsg=%s]", e.Code, e.Message)
		}
	}
	for k, v := range e.data {
		body[k] = v
	}
	return body
}

func (e *Refusal) v1Body(requestID string) (int, map[string]any) {
	status, code := e.status, e.v1
	if status == 0 {
		status = http.StatusBadRequest
	}
	if code == "" {
		code = strconv.Itoa(e.Code)
	}
	body := map[string]any{"code": code, "message": e.Message, "requestid": requestID}
	if len(e.scopes) > 0 {
		body["accessdenieddetail"] = map[string]any{"requiredScopes": e.scopes}
	}
	return status, body
}

// code is what the journal calls this outcome: the inner errcode or the code string.
func (e *Refusal) code(st style) string {
	if e == nil {
		return "0"
	}
	if st == v1 && e.v1 != "" {
		return e.v1
	}
	return strconv.Itoa(e.Code)
}

// writeJSON sends body without escaping <, > and &, as DingTalk does.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, err := w.Write(buf.Bytes())
	return err
}
