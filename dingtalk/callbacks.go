package dingtalk

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
)

const pathCallbacksFailed = "/call_back/get_call_back_failed_result"

// CallbackService holds the calls about the HTTP push of events.
type CallbackService struct{ c *Client }

// FailedCounts says whether reading the list of failed pushes counts against the monthly quota. No document lists the call as free.
func (s *CallbackService) FailedCounts() bool { return s.c.quota.counts(pathCallbacksFailed) }

// Failed yields the events whose push failed three times, a few minutes after the last attempt
// (获取推送失败的事件列表). Whether reading takes them off the list is not documented, so keep each one before asking for the
// next. They carry no eventId: their ID is the hash of the entry.
func (s *CallbackService) Failed(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		seen := map[string]bool{}
		for {
			answer, err := s.c.do(ctx, request{method: http.MethodGet, path: pathCallbacksFailed, read: true})
			if err != nil {
				yield(Event{}, err)
				return
			}
			fresh := false
			for _, row := range answer.Rows("failed_list") {
				event, err := failedEvent(row)
				if err != nil {
					yield(Event{}, err)
					return
				}
				if seen[event.ID] {
					continue
				}
				seen[event.ID], fresh = true, true
				if !yield(event, nil) {
					return
				}
			}
			// A page without anything new means that reading does not take entries off: there is no way on.
			if !answer.Bool("has_more") || !fresh {
				return
			}
		}
	}
}

// failedEvent turns {"call_back_tag":"t","event_time":ms,"t":{"corpid":…,…}} into an Event. The payload is what lies under
// the tag, and in it, where the entry is wrapped once more, under bpmsCallBackData, roleLabelChange or callbackData.
func failedEvent(row Object) (Event, error) {
	raw, err := marshal(row)
	if err != nil {
		return Event{}, incomplete(pathCallbacksFailed, "an entry is no JSON")
	}
	tag := row.Text("call_back_tag")
	payload := row.object(tag)
	corp, _ := lookup(payload, "corpid")
	data := payload
	if data == nil {
		data = Object{}
	}
	for _, key := range []string{"bpmsCallBackData", "roleLabelChange", "callbackData"} {
		if inner, ok := lookup(payload, key); ok {
			if s, isText := inner.(string); isText {
				inner = jsonText(s)
			}
			if m, isObject := inner.(map[string]any); isObject {
				data = m
			}
		}
	}
	body, err := marshal(data)
	if err != nil {
		return Event{}, incomplete(pathCallbacksFailed, "an entry is no JSON")
	}
	return Event{
		ID: hashID(raw), Type: tag, CorpID: text(corp),
		Born: milliseconds(row.Text("event_time")), Data: json.RawMessage(body),
	}, nil
}
