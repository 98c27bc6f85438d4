package dingtalk

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// check looks at what every event must be, whichever way it came.
func (e Event) check(t *testing.T) {
	t.Helper()
	if e.ID == "" || len(e.ID) > maxName || len(e.Type) > maxName {
		t.Errorf("id %q, type %q", e.ID, e.Type)
	}
	if !json.Valid(e.Data) {
		t.Errorf("data is no JSON: %q", e.Data)
	}
	if _, err := decodeObject(e.Data); err != nil {
		t.Errorf("data is no object: %q", e.Data)
	}
	if !e.Born.IsZero() && (e.Born.Year() < 1970 || e.Born.Year() > 2199) {
		t.Errorf("born %s", e.Born)
	}
	for _, ids := range [][]string{e.UserIDs(), e.DepartmentIDs(), e.RoleIDs()} {
		seen := map[string]bool{}
		for _, id := range ids {
			if id == "" || seen[id] {
				t.Errorf("ids %q", ids)
			}
			seen[id] = true
		}
	}
	e.QuotaExceeded()
}

// FuzzFrame: whatever the server sends is passed over or becomes an event with an identity and an object for data, the same each
// time, and every reply is a JSON object that names the message.
func FuzzFrame(f *testing.F) {
	for _, frame := range []string{
		eventFrame("m", "e", "user_add_org", `{"userId":["u"],"dataList":[{"userId":"x"}]}`),
		eventFrame("m", "", "user_modify_org", `{"timeStamp":"1608017258073","userId":["u1001"],"diffInfo":[{"prev":{"name":"张三"},"curr":{}}]}`),
		eventFrame("", "e", "", `{`),
		`{"type":"CALLBACK","headers":{"topic":"t"},"data":{"msgId":5}}`,
		`{"errCode":20001,"data":5}`, `{"headers":{"errorCode":"20001","errMsg":"quota"}}`,
		`{"type":"SYSTEM","headers":{"topic":"ping","messageId":"m"},"data":"{\"opaque\":\"x\"}"}`,
		`{"type":"SYSTEM","headers":{"topic":"disconnect"},"data":"{\"reason\":\"connection is expired\"}"}`,
		`{"type":{},"headers":[],"data":[[]]}`, `{"type":"EVENT","type":"SYSTEM","headers":null,"data":null}`,
		`{"type":"EVENT","headers":{"eventId":1e400,"eventType":-0,"eventBornTime":"9223372036854775807"},"data":"{\"a\":1e999}"}`,
		`{"type":"EVENT","headers":{"eventId":"` + strings.Repeat("9", 300) + `"},"data":"` + strings.Repeat("[", 200) + `"}`,
		`{"type":"EVENT","headers":{"eventBornTime":"99999999999999"},"data":"{\"DEPTID\":[1,\"1\",{},[1]],\"deptid\":\"2,2, 3\"}"}`,
	} {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		frame, err := parseFrame([]byte(raw))
		if err != nil {
			return
		}
		e := frame.event()
		e.check(t)
		again, err := parseFrame([]byte(raw))
		if err != nil || again.event().ID != e.ID || again.event().Type != e.Type {
			t.Errorf("%+v, then %+v, %v", e, again.event(), err)
		}
		for _, reply := range [][]byte{frame.done(), frame.later(), frame.reply(200, "m", frame.data)} {
			answer, err := decodeObject(reply)
			if err != nil || answer.object("headers").Text("messageId") != strings.ToValidUTF8(frame.headers.Text("messageId"), "\uFFFD") {
				t.Errorf("reply %s: %v", reply, err)
			}
		}
	})
}

// FuzzCallbackEvent: a plaintext is refused with ErrEvent or becomes an event.
func FuzzCallbackEvent(f *testing.F) {
	for _, plain := range []string{
		`{"EventType":"user_add_org","eventId":"e1","TimeStamp":"1772625600000","UserId":["u1"],"CorpId":"ding1"}`, ` {"eventtype":"x"} `,
		`{"EventType":"check_url"}`, `{"errCode":20001}`, `{"EventType":{"a":1},"eventId":[1],"EventTime":1e13}`, `{"EventType":"x","eventId":1e400}`,
		`{"EventType":"a","EVENTTYPE":"b","eventType":"c"}`, `{"EventType":"x"}{"EventType":"y"}`, `[]`, `null`, "\xef\xbb\xbf{}", `{"EventType":"\ud800"}`,
	} {
		f.Add([]byte(plain))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		e, err := ParseCallback(plain)
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Error(err)
			}
			return
		}
		e.check(t)
		if again, err := ParseCallback(plain); err != nil || again.ID != e.ID {
			t.Errorf("%s, then %s, %v", e.ID, again.ID, err)
		}
	})
}

// FuzzDecrypt: somebody who knows the token, but need not know the key, sends any ciphertext, nonce and time; somebody who knows the key
// too sends any frame within it. The answer is an error of the three, or the message the frame holds; what was changed is not accepted
// under the same signature.
func FuzzDecrypt(f *testing.F) {
	c := crypter(f)
	for _, v := range vectors {
		f.Add(v.encrypt, v.timestamp, v.nonce, []byte(v.plain), uint32(len(v.plain)), c.owner, byte(17))
	}
	f.Add("", "0", "", []byte{}, uint32(0), "", byte(0))
	f.Add("AAAA", "-1", "\x80", []byte("{}"), uint32(1<<31), c.owner+"x", byte(33))
	f.Add("====", "1e9", strings.Repeat("n", 64), []byte("{}"), uint32(3), c.owner[1:], byte(255))
	f.Add("AAAAAAAAAAAAAAAAAAAAAA==\n", "١", "n n", []byte(strings.Repeat("x", 64)), uint32(20), c.owner, byte(16))
	f.Fuzz(func(t *testing.T, encrypt, timestamp, nonce string, message []byte, length uint32, owner string, pad byte) {
		signature := c.Signature(timestamp, nonce, encrypt)
		plain, err := c.Decrypt(signature, timestamp, nonce, encrypt)
		switch {
		case err == nil && len(plain) > len(encrypt):
			t.Errorf("%d bytes out of %d", len(plain), len(encrypt))
		case err != nil && !errors.Is(err, ErrDecrypt) && !errors.Is(err, ErrOwner):
			t.Errorf("rightly signed: %v", err)
		}
		for _, changed := range [][3]string{{timestamp + "0", nonce, encrypt}, {timestamp, nonce + "x", encrypt}, {timestamp, nonce, encrypt + "A"}, {timestamp, nonce, ""}} {
			if c.Signature(changed[0], changed[1], changed[2]) == signature {
				continue // nothing changed, or the parts run together: TestBlocksCannotBeMovedIntoTheNonce
			}
			if _, err := c.Decrypt(signature, changed[0], changed[1], changed[2]); err == nil {
				t.Errorf("accepted %q under the signature of another", changed)
			}
		}
		if len(message) > 1<<16 {
			return
		}
		frame := append([]byte("0123456789abcdef"), binary.BigEndian.AppendUint32(nil, length)...)
		frame = append(append(frame, message...), owner...)
		honest := padBlock - len(frame)%padBlock
		for range honest {
			frame = append(frame, byte(honest))
		}
		frame[len(frame)-1] = pad
		sealed := c.sealFrame(frame)
		got, err := c.Decrypt(c.Signature("1", "n", sealed), "1", "n", sealed)
		right := int(length) == len(message) && owner == c.owner && int(pad) == honest
		switch {
		case right && (err != nil || string(got) != string(message)):
			t.Errorf("%q, %v, want %q", got, err, message)
		case err == nil && (len(got) != int(length) || !strings.HasPrefix(string(frame[20:]), string(got)+c.owner)):
			t.Errorf("a frame without its message and owner was accepted: %q", got)
		case err != nil && got != nil:
			t.Errorf("%q beside %v", got, err)
		}
	})
}

// sealFrame encrypts whole blocks as they are.
func (c *Crypter) sealFrame(frame []byte) string {
	data := append([]byte(nil), frame...)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
