package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// receiverOf serves a receiving address.
func receiverOf(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL + "/dingtalk/callback?from=dingtalk"
}

func testCrypter(t *testing.T, token, key, owner string) *Crypter {
	t.Helper()
	c, err := NewCrypter(token, key, owner)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sealing answers with an encrypted and signed text.
func sealing(t *testing.T, c *Crypter, msg string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, _ *http.Request) {
		reply, err := c.Encrypt([]byte(msg))
		if err != nil {
			t.Error(err)
		}
		if err := json.NewEncoder(w).Encode(reply); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckOfAReceivingAddress(t *testing.T) {
	const key = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
	own := testCrypter(t, "token", key, "ding1")
	address := receiverOf(t, func(w http.ResponseWriter, r *http.Request) {
		var sealed struct{ Encrypt string }
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &sealed) != nil || r.Method != http.MethodPost {
			t.Errorf("%s %s %v", r.Method, body, err)
		}
		q := r.URL.Query()
		if q.Get("from") != "dingtalk" || q.Get("signature") != q.Get("msg_signature") {
			t.Errorf("the query is %v", q)
		}
		plain, err := own.Decrypt(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), sealed.Encrypt)
		if e, parse := ParseCallback(plain); err != nil || parse != nil || e.Type != "check_url" {
			t.Errorf("%s %v %v", plain, err, parse)
		}
		sealing(t, own, "success")(w, r)
	})
	c := newFar(t).client().Callbacks
	if took, err := c.Check(bg(), address, own); err != nil || took <= 0 {
		t.Errorf("%s %v", took, err)
	}
}

func TestFaultsOfAReceivingAddress(t *testing.T) {
	const key, other = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", "1234567890123456789012345678901234567890123"
	own := testCrypter(t, "token", key, "ding1")
	hang := make(chan struct{})
	defer close(hang)
	body := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	c := newFar(t).client().Callbacks
	for name, fault := range map[string]struct {
		answer http.HandlerFunc
		step   CheckStep
	}{
		"cut":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CheckUnreachable},
		"too late": {func(_ http.ResponseWriter, r *http.Request) { waitFor(hang, r) }, CheckSlow},
		"slow body": {func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			waitFor(hang, r)
		}, CheckSlow},
		"another page":   {body(404, "secret page"), CheckStatus},
		"a redirect":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, CheckStatus},
		"refused":        {body(403, "the signature does not match"), CheckStatus},
		"an empty 200":   {body(200, ""), CheckNoReply},
		"a page":         {body(200, "<html>secret page</html>"), CheckNoReply},
		"plain success":  {body(200, "success"), CheckNoReply},
		"an envelope":    {body(200, `{"jsonrpc":"2.0","result":{"encrypt":"secret page"}}`), CheckNoReply},
		"another token":  {sealing(t, testCrypter(t, "tokem", key, "ding1"), "success"), CheckSignature},
		"another key":    {sealing(t, testCrypter(t, "token", other, "ding1"), "success"), CheckDecrypt},
		"another owner":  {sealing(t, testCrypter(t, "token", key, "appkey"), "success"), CheckDecrypt},
		"another answer": {sealing(t, own, "secret page"), CheckNotSuccess},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Check(bg(), receiverOf(t, fault.answer), own)
			var e *CheckError
			if !errors.As(err, &e) || e.Step != fault.step {
				t.Fatalf("%v, want %s", err, fault.step)
			}
			if strings.Contains(err.Error(), "secret page") || strings.Contains(err.Error(), "nonce=") {
				t.Errorf("it quotes the answer, or the query: %v", err)
			}
		})
	}
	_, err := c.Check(bg(), "http://127.0.0.1:1/callback", own)
	var e *CheckError
	if !errors.As(err, &e) || e.Step != CheckUnreachable {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := c.Check(bg(), "http://[", own); err == nil {
		t.Error("no URL")
	}
}

// waitFor holds an answer back until the test or the caller ends; that the caller went away is seen once the body is read.
func waitFor(hang <-chan struct{}, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-hang:
	case <-r.Context().Done():
	}
}

func ExampleCheckError() {
	fmt.Println(&CheckError{Step: CheckStatus, Status: http.StatusBadGateway})
	// Output: dingtalk: check_url: status, HTTP 502
}
