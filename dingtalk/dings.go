package dingtalk

import (
	"context"
	"net/http"
)

// The paths of the DING calls.
const (
	pathDingSend   = "/v1.0/robot/ding/send"
	pathDingRecall = "/v1.0/robot/ding/recall"
)

// How a DING insists.
const (
	DingInApp int64 = 1
	DingSMS   int64 = 2
	DingCall  int64 = 3
)

// The most receivers of a DING in the app, and of one by SMS or telephone (发送DING消息).
const (
	DingAppUsers   = 200
	DingPhoneUsers = 20
)

// DingService holds the calls about DING messages, which the app's robot sends. They count against the monthly quota. Permission:
// Premium.Ding.Write; SMS and telephone are paid for besides. Nothing makes a repeated sending known.
type DingService struct{ c *Client }

// Send sends a DING (发送DING消息), from the fields of DingKind marked Create. Failed of the result names who did not get it; where that
// is everybody, the result may have no ID.
func (s *DingService) Send(ctx context.Context, userids []string, ding Object) (SendResult, error) {
	const api = pathDingSend
	body, err := DingKind.encodeCreate(api, ding)
	if err != nil {
		return SendResult{}, err
	}
	if body["remindType"] == nil {
		body["remindType"] = DingInApp
	}
	most := DingAppUsers
	switch body["remindType"] {
	case DingInApp:
	case DingSMS, DingCall:
		most = DingPhoneUsers
	default:
		return SendResult{}, refuse(api, "remindType", "1 (in the app), 2 (SMS) or 3 (telephone) expected")
	}
	if err := checkReceivers(api, userids, most); err != nil {
		return SendResult{}, err
	}
	body["receiverUserIdList"] = userids
	answer, err := s.post(ctx, api, body)
	if err != nil {
		return SendResult{}, err
	}
	result := SendResult{}
	result.ID, err = sentID(api, "openDingId", answer)
	for reason, people := range answer.object("failedList") {
		if result.Failed == nil {
			result.Failed = map[string][]string{}
		}
		result.Failed[cut(reason, maxMessage)] = idList(people)
	}
	if result.toNobody(userids) {
		return result, nil
	}
	return result, err
}

// Recall takes a DING back (撤回已经发送的DING消息).
func (s *DingService) Recall(ctx context.Context, openDingID string) error {
	if openDingID == "" {
		return refuse(pathDingRecall, "openDingId", "required")
	}
	_, err := s.post(ctx, pathDingRecall, Object{"openDingId": openDingID})
	return err
}

func (s *DingService) post(ctx context.Context, path string, body Object) (Object, error) {
	body["robotCode"] = s.c.Robots.code()
	return s.c.do(ctx, request{method: http.MethodPost, path: path, v1: true, body: body})
}
