package dingtalk

import (
	"net/http"
	"testing"
	"time"

	"dingbridge/redact"
)

// Whatever arrives is an answer or a classified failure, never a crash, and never a success that the old generation did not
// declare.
func FuzzJudge(f *testing.F) {
	for _, body := range []string{
		`{"errcode":0,"errmsg":"ok","result":{"userid":"u"}}`, `{"errcode":"88","sub_code":"40014","errmsg":"x"}`, `{"errcode":88,"errmsg":"[subcode=60011,submsg=requiredScopes=[a,b]]"}`,
		`{"status":1111,"wait":5}`, `<html>`, ``, `{"code":"x","message":"y","accessdenieddetail":{"requiredScopes":["a"]}}`, `{"errcode":{},"errmsg":[]}`,
	} {
		f.Add(body, 200, true)
		f.Add(body, 403, false)
	}
	f.Fuzz(func(t *testing.T, body string, status int, v1 bool) {
		answer, e := judge(request{path: "/p", v1: v1}, status, http.Header{}, []byte(body), time.Unix(0, 0), redact.New("hunter2-of-the-app"))
		switch {
		case (answer == nil) == (e == nil):
			t.Errorf("%v and %v", answer, e)
		case e != nil && (e.Class == 0 || e.Error() == "" || len([]rune(e.Message)) > maxMessage+1 || (e.Class == Halt) != (e.Scope != "")):
			t.Errorf("%#v", e)
		case e == nil && !v1 && answer.Text("errcode") != "0":
			t.Errorf("success: %v", answer)
		}
	})
}

// Whatever the server sends is passed over or becomes an event with an identity and an object for data.
func FuzzFrame(f *testing.F) {
	f.Add(eventFrame("m", "e", "user_add_org", `{"userId":["u"],"dataList":[{"userId":"x"}]}`))
	f.Add(`{"type":"CALLBACK","headers":{"topic":"t"},"data":{"msgId":5}}`)
	f.Add(`{"errCode":20001,"data":5}`)
	f.Fuzz(func(t *testing.T, raw string) {
		frame, err := parseFrame([]byte(raw))
		if err != nil {
			return
		}
		e := frame.event()
		if _, err := decodeObject(e.Data); err != nil || e.ID == "" {
			t.Errorf("%+v: %v", e, err)
		}
		e.UserIDs()
		if _, err := decodeObject(frame.reply(200, "m", frame.data)); err != nil {
			t.Errorf("reply: %v", err)
		}
	})
}
