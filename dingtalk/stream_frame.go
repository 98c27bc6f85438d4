package dingtalk

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// streamFrame is one message of the server (developerpedia, stream/protocol.md): values of headers are strings, and data is a
// string that holds JSON. Both are read leniently.
type streamFrame struct {
	kind    string // SYSTEM, EVENT, CALLBACK
	headers Object
	data    string
	top     Object
}

func parseFrame(raw []byte) (streamFrame, error) {
	top, err := decodeObject(raw)
	if err != nil {
		return streamFrame{}, err
	}
	f := streamFrame{kind: top.Text("type"), headers: top.object("headers"), data: top.Text("data"), top: top}
	if f.kind == "" && f.quota() == nil {
		return streamFrame{}, fmt.Errorf("%w: no type", ErrEvent)
	}
	if f.kind == "" {
		f.kind = "EVENT"
	}
	return f, nil
}

func (f streamFrame) topic() string { return f.headers.Text("topic") }

// quota returns the notice that stands outside the payload when the quota of pushes is used up.
func (f streamFrame) quota() Object {
	for _, o := range []Object{f.top, f.headers} {
		for _, key := range []string{"errCode", "errorCode"} {
			if v, ok := lookup(o, key); ok {
				message, _ := lookup(o, "errMsg")
				return Object{"errCode": text(v), "errMsg": text(message)}
			}
		}
	}
	return nil
}

// event is what the frame tells. A payload that is no object is kept under "raw": it is a hint all the same.
func (f streamFrame) event() Event {
	data, err := decodeObject([]byte(f.data))
	payload := json.RawMessage(f.data)
	if err != nil {
		data = f.quota()
		if data == nil {
			data = Object{}
			if f.data != "" {
				data["raw"] = f.data
			}
		}
		if payload, err = marshal(data); err != nil {
			payload = json.RawMessage("{}")
		}
	}
	e := Event{
		ID:     f.headers.Text("eventId"),
		Type:   f.headers.Text("eventType"),
		CorpID: f.headers.Text("eventCorpId"),
		Born:   milliseconds(or(f.headers.Text("eventBornTime"), or(f.headers.Text("time"), f.top.Text("time")))),
		Data:   payload,
	}
	if f.kind == "CALLBACK" {
		e.Type = f.topic()
		e.ID = or(data.Text("msgId"), f.headers.Text("messageId"))
	}
	if e.ID == "" {
		e.ID = hashID(append([]byte(e.Type+"\n"), f.data...))
	}
	return e.named()
}

// reply answers the frame. data must be a text that holds JSON.
func (f streamFrame) reply(code int, message, data string) []byte {
	raw, err := marshal(Object{
		"code":    code,
		"headers": Object{"messageId": f.headers.Text("messageId"), "contentType": "application/json"},
		"message": message,
		"data":    data,
	})
	if err != nil { // texts and numbers only
		return []byte(`{}`)
	}
	return raw
}

func (f streamFrame) done() []byte {
	if f.kind == "CALLBACK" {
		return f.reply(http.StatusOK, "OK", `{"response":{}}`)
	}
	return f.reply(http.StatusOK, "OK", `{"status":"SUCCESS","message":"success"}`)
}

// later asks for the event once more. The official SDKs differ in the code (500 in Go, 200 in Java) but agree on LATER.
func (f streamFrame) later() []byte {
	return f.reply(http.StatusInternalServerError, "later", `{"status":"LATER","message":"later"}`)
}
