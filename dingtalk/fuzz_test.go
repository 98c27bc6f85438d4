package dingtalk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingbridge/redact"
)

// Whatever arrives is an answer or a classified failure, never a crash, and never a success that the old generation did not
// declare; and no secret stands in it.
func FuzzJudge(f *testing.F) {
	const secret = "hunter2-of-the-app/+<&\""
	for _, body := range []string{
		`{"errcode":0,"errmsg":"ok","result":{"userid":"u"}}`, `{"errcode":"88","sub_code":"40014","errmsg":"x"}`, `{"errcode":88,"errmsg":"[subcode=60011,submsg=requiredScopes=[a,b]]"}`,
		`{"status":1111,"wait":5}`, `<html>`, ``, `{"code":"x","message":"y","accessdenieddetail":{"requiredScopes":["a"]}}`, `{"errcode":{},"errmsg":[]}`,
	} {
		f.Add(body, 200, true)
		f.Add(body, 403, false)
	}
	for _, echo := range redact.Forms(secret) {
		f.Add(fmt.Sprintf(`{"errcode":88,"sub_code":%q,"sub_msg":"x","errmsg":%q,"request_id":%q,"userid":%q}`, echo, echo, echo, echo), 200, false)
		f.Add(fmt.Sprintf(`{"code":%q,"message":%q,"accessdenieddetail":{"requiredScopes":[%q]}}`, echo, "requiredScopes=["+echo+"]", echo), 403, true)
	}
	f.Fuzz(func(t *testing.T, body string, status int, v1 bool) {
		answer, e := judge(request{path: "/p", v1: v1}, status, http.Header{}, []byte(body), time.Unix(0, 0), redact.New(secret))
		switch {
		case (answer == nil) == (e == nil):
			t.Errorf("%v and %v", answer, e)
		case e != nil && (e.Class == 0 || e.Error() == "" || len([]rune(e.Message)) > maxMessage+1 || (e.Class == Halt) != (e.Scope != "")):
			t.Errorf("%#v", e)
		case e != nil && strings.Contains(fmt.Sprintf("%v %+v", e, *e), secret):
			t.Errorf("the secret is shown: %+v", *e)
		case e == nil && !v1 && answer.Text("errcode") != "0":
			t.Errorf("success: %v", answer)
		}
	})
}
