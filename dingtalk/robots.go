package dingtalk

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// The paths of the enterprise robot's calls. DingTalk writes "oTo" in some and "oto" in one.
const (
	pathRobotPersons      = "/v1.0/robot/oToMessages/batchSend"
	pathRobotPersonsRead  = "/v1.0/robot/oToMessages/readStatus"
	pathRobotPersonRecall = "/v1.0/robot/otoMessages/batchRecall"
	pathRobotGroup        = "/v1.0/robot/groupMessages/send"
	pathRobotGroupRead    = "/v1.0/robot/groupMessages/query"
	pathRobotGroupRecall  = "/v1.0/robot/groupMessages/recall"
	pathRobotFile         = "/v1.0/robot/messageFiles/download"
)

// The limits of a call about robots (批量发送人与机器人会话中机器人消息, 批量撤回人与机器人会话中机器人消息).
const (
	RobotUsers   = 20 // userids a sending
	RobotRecalls = 20 // messages a recall
)

// readersPage is how many readers a page of a group message's holds, the most that DingTalk gives.
const readersPage = 200

// RobotService holds the calls of the app's own robot (企业机器人), Config.RobotCode. All of them count against the monthly quota.
// Permission: qyapi_robot_sendmsg. DingTalk has no key by which a repeated sending is known: after an Ambiguous failure the message may
// or may not have come.
type RobotService struct{ c *Client }

// SendToPersons writes to up to RobotUsers people, each in the conversation he has with the robot (批量发送人与机器人会话中机器人消息), from
// the fields of PersonMessageKind. Some of the people may be left out all the same: Invalid and Throttled of the result.
// Where nobody is left, the result may have no ID.
func (s *RobotService) SendToPersons(ctx context.Context, userids []string, message Object) (SendResult, error) {
	const api = pathRobotPersons
	body, err := s.message(api, PersonMessageKind, message)
	if err != nil {
		return SendResult{}, err
	}
	if err := checkReceivers(api, userids, RobotUsers); err != nil {
		return SendResult{}, err
	}
	body["userIds"] = userids
	answer, err := s.post(ctx, api, body, false)
	if err != nil {
		return SendResult{}, err
	}
	result := SendResult{Invalid: answer.IDs("invalidStaffIdList"), Throttled: answer.IDs("flowControlledStaffIdList")}
	if result.ID, err = sentID(api, "processQueryKey", answer); result.toNobody(userids) {
		return result, nil
	}
	return result, err
}

// SendToGroup writes into a group that the robot is a member of (机器人发送群聊消息), from the fields of GroupMessageKind.
func (s *RobotService) SendToGroup(ctx context.Context, message Object) (SendResult, error) {
	const api = pathRobotGroup
	body, err := s.message(api, GroupMessageKind, message, "openConversationId", "coolAppCode")
	if err != nil {
		return SendResult{}, err
	}
	answer, err := s.post(ctx, api, body, false)
	if err != nil {
		return SendResult{}, err
	}
	id, err := sentID(api, "processQueryKey", answer)
	return SendResult{ID: id}, err
}

// message is the body of a sending: msgKey, msgParam, and the fields that stand beside them.
func (s *RobotService) message(api string, k Kind, message Object, beside ...string) (Object, error) {
	c, err := newContent(api, k, message, beside...)
	if err != nil {
		return nil, err
	}
	key, param, err := robotTemplate(c)
	if err != nil {
		return nil, err
	}
	raw, err := marshal(param)
	if err != nil {
		return nil, refuse(api, c.longest(), "not representable in JSON")
	}
	if err := c.fit(len(raw), RobotParamBytes, "bytes"); err != nil {
		return nil, err
	}
	body := Object{"msgKey": key, "msgParam": string(raw)}
	for _, name := range beside {
		if v, ok := c.given[name]; ok {
			body[name] = v
		}
	}
	return body, nil
}

// RobotRead is what became of a robot's message.
type RobotRead struct {
	// Status is SUCCESS, PROCESSING or RECALLED.
	Status string
	// Read and Unread are userids; of a group's message DingTalk tells who read it only.
	Read, Unread []string
}

// ReadByPersons tells who read a message to persons (批量查询人与机器人会话机器人消息是否已读), for 24 hours after it.
func (s *RobotService) ReadByPersons(ctx context.Context, processQueryKey string) (RobotRead, error) {
	if processQueryKey == "" {
		return RobotRead{}, refuse(pathRobotPersonsRead, "processQueryKey", "required")
	}
	answer, err := s.c.do(ctx, request{
		method: http.MethodGet, path: pathRobotPersonsRead, v1: true, read: true,
		query: url.Values{"robotCode": {s.code()}, "processQueryKey": {processQueryKey}},
	})
	if err != nil {
		return RobotRead{}, err
	}
	read := RobotRead{Status: sendStatus(answer)}
	for _, row := range answer.Rows("messageReadInfoList") {
		if row.Text("readStatus") == "READ" {
			read.Read = append(read.Read, row.Text("userId"))
		} else {
			read.Unread = append(read.Unread, row.Text("userId"))
		}
	}
	return read, nil
}

// sendStatus is the state of a message; the documents print SUCCESS in two spellings.
func sendStatus(answer Object) string {
	if status := answer.Text("sendStatus"); status != "SUCESS" {
		return status
	}
	return "SUCCESS"
}

// ReadByGroup tells who read a message to a group (查询企业机器人群聊消息用户已读状态).
func (s *RobotService) ReadByGroup(ctx context.Context, openConversationID, processQueryKey string) (RobotRead, error) {
	var read RobotRead
	for page, err := range s.groupReaders(ctx, openConversationID, processQueryKey) {
		if err != nil {
			return RobotRead{}, err
		}
		read.Status = sendStatus(page)
		read.Read = append(read.Read, page.IDs("readUserIds")...)
	}
	return read, nil
}

// groupReaders yields the pages of a group message's readers.
func (s *RobotService) groupReaders(ctx context.Context, openConversationID, processQueryKey string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := checkKeys(pathRobotGroupRead, openConversationID, processQueryKey); err != nil {
			yield(nil, err)
			return
		}
		body := Object{"openConversationId": openConversationID, "processQueryKey": processQueryKey, "maxResults": readersPage}
		for range maxPages {
			answer, err := s.post(ctx, pathRobotGroupRead, body, true)
			if !yield(answer, err) || err != nil {
				return
			}
			next := answer.Text("nextToken")
			if more, told := boolean(answer["hasMore"]); next == "" || told && !more {
				return
			}
			if next == body["nextToken"] {
				yield(nil, incomplete(pathRobotGroupRead, "the nextToken does not go on"))
				return
			}
			body["nextToken"] = next
		}
		yield(nil, incomplete(pathRobotGroupRead, "the list has no end"))
	}
}

func checkKeys(api, openConversationID string, keys ...string) error {
	if openConversationID == "" {
		return refuse(api, "openConversationId", "required")
	}
	return checkRecalled(api, keys)
}

func checkRecalled(api string, keys []string) error {
	if len(keys) == 0 {
		return refuse(api, "processQueryKey", "required")
	}
	if len(keys) > RobotRecalls {
		return exceeds(api, "processQueryKey", len(keys), RobotRecalls, fmt.Sprintf("%d messages", len(keys)))
	}
	for _, key := range keys {
		if key == "" {
			return refuse(api, "processQueryKey", "required")
		}
	}
	return nil
}

// RecallFromPersons takes messages to persons back (批量撤回人与机器人会话中机器人消息), for 24 hours after them. It returns those that
// stay, with the reason in DingTalk's words.
func (s *RobotService) RecallFromPersons(ctx context.Context, processQueryKeys ...string) (failed map[string]string, err error) {
	if err := checkRecalled(pathRobotPersonRecall, processQueryKeys); err != nil {
		return nil, err
	}
	return s.recall(ctx, pathRobotPersonRecall, Object{"processQueryKeys": processQueryKeys})
}

// RecallFromGroup takes messages to a group back (企业机器人撤回内部群消息). It returns those that stay, with the reason in DingTalk's
// words.
func (s *RobotService) RecallFromGroup(ctx context.Context, openConversationID string, processQueryKeys ...string) (failed map[string]string, err error) {
	if err := checkKeys(pathRobotGroupRecall, openConversationID, processQueryKeys...); err != nil {
		return nil, err
	}
	return s.recall(ctx, pathRobotGroupRecall, Object{"openConversationId": openConversationID, "processQueryKeys": processQueryKeys})
}

func (s *RobotService) recall(ctx context.Context, path string, body Object) (map[string]string, error) {
	answer, err := s.post(ctx, path, body, false)
	if err != nil {
		return nil, err
	}
	failed := map[string]string{}
	for key, reason := range answer.object("failedResult") {
		failed[key] = cut(text(reason), maxMessage)
	}
	return failed, nil
}

// FileURL returns where a file that somebody sent to the robot can be read, by the downloadCode of his message
// (下载机器人接收消息的文件内容). Whoever has the address can read the file.
func (s *RobotService) FileURL(ctx context.Context, downloadCode string) (string, error) {
	if downloadCode == "" {
		return "", refuse(pathRobotFile, "downloadCode", "required")
	}
	answer, err := s.post(ctx, pathRobotFile, Object{"downloadCode": downloadCode}, true)
	if err != nil {
		return "", err
	}
	address := answer.Text("downloadUrl")
	if address == "" {
		return "", incomplete(pathRobotFile, "no downloadUrl")
	}
	return address, nil
}

// code is the robot's. The app's own robot has the app's key for its code.
func (s *RobotService) code() string { return or(s.c.cfg.RobotCode, s.c.cfg.AppKey) }

func (s *RobotService) post(ctx context.Context, path string, body Object, read bool) (Object, error) {
	body["robotCode"] = s.code()
	return s.c.do(ctx, request{method: http.MethodPost, path: path, v1: true, body: body, read: read})
}
