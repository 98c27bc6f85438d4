package dingtalk

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
)

// PathCallbacksFailed is the call that reads the list of events whose push failed, by which the ledger of calls names it.
const PathCallbacksFailed = "/call_back/get_call_back_failed_result"

// CallbackService holds the calls about the HTTP push of events.
type CallbackService struct{ c *Client }

// FailedCounts says whether reading the list of failed pushes counts against the monthly quota. No document lists the call as free.
func (s *CallbackService) FailedCounts() bool { return s.c.quota.counts(PathCallbacksFailed) }

// Failed yields, page by page, the events whose push failed three times, a few minutes after the last attempt
// (获取推送失败的事件列表). Whether reading takes them off the list is not documented: keep a page before asking for the next, and what
// of it could not be kept must be kept later, because it may not come again. The events carry no eventId: their ID is the hash of
// the entry.
func (s *CallbackService) Failed(ctx context.Context) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		seen := map[string]bool{}
		for {
			answer, err := s.c.do(ctx, request{method: http.MethodGet, path: PathCallbacksFailed, read: true})
			if err != nil {
				yield(nil, err)
				return
			}
			page := failedPage(answer.Rows("failed_list"), seen)
			if len(page) > 0 && !yield(page, nil) {
				return
			}
			// A page without anything new means that reading does not take entries off: there is no way on.
			if !answer.Bool("has_more") || len(page) == 0 {
				return
			}
		}
	}
}

// failedPage are the events of a page that were not seen before.
func failedPage(rows []Object, seen map[string]bool) []Event {
	var page []Event
	for _, row := range rows {
		if event, ok := failedEvent(row); ok && !seen[event.ID] {
			seen[event.ID] = true
			page = append(page, event)
		}
	}
	return page
}

// failedEvent turns {"call_back_tag":"t","event_time":ms,"t":{"corpid":…,…}} into an Event. The payload is what lies under
// the tag, and in it, where the entry is wrapped once more, under bpmsCallBackData, roleLabelChange or callbackData. An entry without
// a tag is no event.
func failedEvent(row Object) (Event, bool) {
	tag := row.Text("call_back_tag")
	raw, err := marshal(row)
	if err != nil || tag == "" {
		return Event{}, false
	}
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
		return Event{}, false
	}
	return Event{
		ID: hashID(raw), Type: tag, CorpID: text(corp),
		Born: milliseconds(row.Text("event_time")), Data: json.RawMessage(body),
	}.named(), true
}
