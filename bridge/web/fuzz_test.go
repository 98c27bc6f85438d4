package web

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"dingbridge/dingtalk"
)

// fuzzNow is the handler's clock while fuzzing: a committed seed stays within the window.
var fuzzNow = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// fuzzed is a handler of its own for each input.
type fuzzed struct {
	t       *testing.T
	inbox   *inbox
	handler *Callback
	crypter *dingtalk.Crypter
}

func newFuzzed(t *testing.T, crypter *dingtalk.Crypter) *fuzzed {
	in := &inbox{}
	handler, err := NewCallback(CallbackConfig{Inbox: in, Crypter: crypter, Now: func() time.Time { return fuzzNow }})
	if err != nil {
		t.Fatal(err)
	}
	return &fuzzed{t: t, inbox: in, handler: handler, crypter: crypter}
}

func fuzzCrypter(f *testing.F) *dingtalk.Crypter {
	crypter, err := dingtalk.NewCrypter(callbackToken, callbackKey, callbackOwner)
	if err != nil {
		f.Fatal(err)
	}
	return crypter
}

// post sends a request and checks what holds of every answer: a status of DingTalk's protocol, success only as the encrypted word,
// and nothing of our secrets.
func (z *fuzzed) post(query, body string) int {
	z.t.Helper()
	r := httptest.NewRequestWithContext(z.t.Context(), http.MethodPost, PathCallback, strings.NewReader(body))
	r.URL.RawQuery = query
	w := httptest.NewRecorder()
	z.handler.ServeHTTP(w, r)
	answer := w.Body.String()
	switch w.Code {
	case http.StatusOK:
		var reply dingtalk.Reply
		if err := json.Unmarshal([]byte(answer), &reply); err != nil {
			z.t.Fatalf("%v: %s", err, answer)
		}
		if plain, err := z.crypter.Decrypt(reply.MsgSignature, reply.TimeStamp, reply.Nonce, reply.Encrypt); err != nil || string(plain) != "success" {
			z.t.Errorf("answered %q, %v", plain, err)
		}
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		for _, o := range []string{callbackToken, callbackKey, callbackOwner} {
			if strings.Contains(answer, o) {
				z.t.Errorf("%q is in %q", o, answer)
			}
		}
	default:
		z.t.Errorf("status %d: %s", w.Code, answer)
	}
	return w.Code
}

// sound checks every event that was kept.
func (z *fuzzed) sound() {
	z.t.Helper()
	for _, e := range z.inbox.events {
		if !json.Valid(e.Data) || e.Data[0] != '{' || e.ID == "" || len(e.ID) > 128 || len(e.Type) > 128 || e.Via != "callback" {
			z.t.Errorf("kept %+v", e)
		}
	}
}

// FuzzCallbackRequest sends any query and body. Nothing is kept, and nothing acknowledged, unless the signature over exactly these
// three values is right; what is right counts once, however often it comes.
func FuzzCallbackRequest(f *testing.F) {
	crypter := fuzzCrypter(f)
	stamp := strconv.FormatInt(fuzzNow.UnixMilli(), 10)
	seed := func(plain, nonce, name string) {
		sealed, _ := write(sealFrame(f, frameOf("0123456789abcdef", uint32(len(plain)), []byte(plain), callbackOwner)), 0)
		q := url.Values{name: {crypter.Signature(stamp, nonce, sealed)}, "timestamp": {stamp}, "nonce": {nonce}}
		f.Add(q.Encode(), `{"encrypt":"`+sealed+`"}`)
		f.Add(q.Encode()+"&nonce=other", `{"encrypt":"","ENCRYPT":"`+sealed+`","encrypt":"`+sealed+`","deep":`+strings.Repeat("[", 50)+strings.Repeat("]", 50)+`}`)
	}
	seed(joined, "n1", "signature")
	seed(`{"EventType":"check_url"}`, "n2", "msg_signature")
	seed(`{"EventType":"org_change"}`, "n 3", "signature")
	f.Add("signature=00&timestamp="+stamp+"&nonce=n", `{"encrypt":"AAAA"}`)
	f.Add("signature=%00&timestamp=99999999999999999999&nonce=%ff", `{"encrypt":`+strings.Repeat(`{"a":`, 300))
	f.Add("signature=x;timestamp=1", "")
	f.Add(strings.Repeat("signature=1&", 100), "{}")
	f.Fuzz(func(t *testing.T, query, body string) {
		z := newFuzzed(t, crypter)
		codes := []int{z.post(query, body), z.post(query, body)}
		if codes[0] != codes[1] {
			t.Errorf("answered %d, then %d", codes[0], codes[1])
		}
		if len(z.inbox.events) > 1 || (len(z.inbox.events) == 1) && codes[0] != http.StatusOK {
			t.Errorf("%d events and %d", len(z.inbox.events), codes[0])
		}
		z.sound()
		if codes[0] == http.StatusOK && !rightlySigned(crypter, query, body) {
			t.Errorf("acknowledged without a right signature: %q %q", query, body)
		}
	})
}

// rightlySigned computes by itself whether a request is.
func rightlySigned(crypter *dingtalk.Crypter, query, body string) bool {
	q, _ := url.ParseQuery(query) // what it could read counts, as in net/http
	var sealed struct {
		Encrypt string `json:"encrypt"`
	}
	if json.Unmarshal([]byte(body), &sealed) != nil {
		return false
	}
	want := crypter.Signature(q.Get("timestamp"), q.Get("nonce"), sealed.Encrypt)
	return strings.EqualFold(q.Get("signature"), want) || q.Get("signature") == "" && strings.EqualFold(q.Get("msg_signature"), want)
}

// FuzzCallbackFrame sends rightly signed requests: any message, length, owner and padding within the frame, any writing of its base64.
// An event is kept once when the frame is right, and never when it is not.
func FuzzCallbackFrame(f *testing.F) {
	crypter := fuzzCrypter(f)
	for _, plain := range []string{
		joined, `{"EventType":"check_url"}`, `{"EventType":"x","eventId":1e400,"EventTime":"9223372036854775807"}`, `{"eventtype":"x","EVENTTYPE":"y"}`, `{}`, ``,
		`{"errCode":20001}`, `{"EventType":"x","a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, `{"EventType":"x","UserId":"` + strings.Repeat("1,", 300) + `"}`,
	} {
		f.Add([]byte(plain), uint32(len(plain)), callbackOwner, byte(0), uint8(0), "n1")
	}
	f.Add([]byte(joined), uint32(len(joined))+1, callbackOwner, byte(1), uint8(1), "n1")
	f.Add([]byte(joined), uint32(1<<31), callbackOwner+"x", byte(33), uint8(2), strings.Repeat("n", 64))
	f.Add([]byte(joined), uint32(0), "", byte(255), uint8(3), "\x80")
	f.Fuzz(func(t *testing.T, message []byte, length uint32, owner string, pad byte, writing uint8, nonce string) {
		if len(message)+len(owner) > 1<<16 {
			return
		}
		frame := frameOf("0123456789abcdef", length, message, owner)
		honest := frame[len(frame)-1]
		if pad != 0 {
			frame[len(frame)-1] = pad
		}
		sealed, standard := write(sealFrame(t, frame), writing)
		stamp := strconv.FormatInt(fuzzNow.UnixMilli(), 10)
		q := url.Values{"signature": {crypter.Signature(stamp, nonce, sealed)}, "timestamp": {stamp}, "nonce": {nonce}}.Encode()
		body, err := json.Marshal(map[string]string{"encrypt": sealed})
		if err != nil {
			t.Fatal(err)
		}
		z := newFuzzed(t, crypter)
		codes := []int{z.post(q, string(body)), z.post(q, string(body))}
		z.sound()
		e, notEvent := dingtalk.ParseCallback(message)
		want := 0
		if notEvent == nil && e.Type != "check_url" {
			want = 1
		}
		right := int(length) == len(message) && owner == callbackOwner && (pad == 0 || pad == honest) && standard && nonceFits(nonce)
		switch kept := len(z.inbox.events); {
		case codes[0] != codes[1]:
			t.Errorf("answered %d, then %d", codes[0], codes[1])
		case right && (kept != want || (codes[0] == http.StatusOK) != (notEvent == nil)):
			t.Errorf("%d kept, answered %d: %q", kept, codes[0], message)
		case kept > 1 || kept == 1 && codes[0] != http.StatusOK:
			t.Errorf("%d kept, answered %d", kept, codes[0])
		case kept == 1 && !strings.Contains(string(frame[20:]), string(z.inbox.events[0].Data)):
			t.Errorf("kept %q, which was not sent", z.inbox.events[0].Data)
		case codes[0] == http.StatusOK && !strings.Contains(string(frame[20:]), callbackOwner):
			t.Errorf("acknowledged a frame of another owner: %q", frame)
		}
	})
}

func nonceFits(nonce string) bool {
	return nonce != "" && len(nonce) < 64 && !strings.ContainsFunc(nonce, func(r rune) bool { return r <= ' ' || r > '~' })
}

// frameOf is a frame with right padding.
func frameOf(random string, length uint32, message []byte, owner string) []byte {
	frame := binary.BigEndian.AppendUint32([]byte(random), length)
	frame = append(append(frame, message...), owner...)
	pad := 32 - len(frame)%32
	for range pad {
		frame = append(frame, byte(pad))
	}
	return frame
}

// sealFrame encrypts whole blocks as they are.
func sealFrame(t testing.TB, frame []byte) []byte {
	key, err := base64.StdEncoding.DecodeString(callbackKey + "=")
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte(nil), frame...)
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	return data
}

// write is the ciphertext in one of the writings of base64; standard is the one DingTalk uses.
func write(data []byte, writing uint8) (text string, standard bool) {
	text = base64.StdEncoding.EncodeToString(data)
	switch writing % 6 {
	case 1:
		return base64.RawStdEncoding.EncodeToString(data), false
	case 2:
		return base64.URLEncoding.EncodeToString(data), false
	case 3:
		return text + "\n", false
	case 4:
		return text[:len(text)-1], false
	case 5:
		return text + "AAAA", false
	}
	return text, true
}
