package dingtalk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The two published examples.
var vectors = []struct {
	token, aesKey, owner, timestamp, nonce, encrypt, signature, plain, random string
}{
	{
		token: "123456", aesKey: "1234567890123456789012345678901234567890123", owner: "dingsnotzck6pm5veliw",
		timestamp: "1614767836", nonce: "A7Co0cJLMzIDtMMI",
		encrypt:   "YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA==",
		signature: "9a95a004dd16f5c307e849b994173f76aa26e5eb", plain: "success", random: "dICkEDLj0eb6yAbc",
	},
	{
		token: "123456", aesKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", owner: "suite4xxxxxxxxxxxxxxx",
		timestamp: "1445827045067", nonce: "nEXhMP4r",
		encrypt:   "1a3NBxmCFwkCJvfoQ7WhJHB+iX3qHPsc9JbaDznE1i03peOk1LaOQoRz3+nlyGNhwmwJ3vDMG+OzrHMeiZI7gTRWVdUBmfxjZ8Ej23JVYa9VrYeJ5as7XM/ZpulX8NEQis44w53h1qAgnC3PRzM7Zc/D6Ibr0rgUathB6zRHP8PYrfgnNOS9PhSBdHlegK+AGGanfwjXuQ9+0pZcy0w9lQ==",
		signature: "5a65ceeef9aab2d149439f82dc191dd6c5cbe2c0",
		plain:     `{"EventType":"check_create_suite_url","Random":"LPIdSnlF","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}`,
		random:    "hU3bEfGZZewzhG5a",
	},
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors {
		c, err := NewCrypter(v.token, v.aesKey, v.owner)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Signature(v.timestamp, v.nonce, v.encrypt); got != v.signature {
			t.Errorf("signature %s", got)
		}
		for _, signature := range []string{v.signature, strings.ToUpper(v.signature)} {
			if got, err := c.Decrypt(signature, v.timestamp, v.nonce, v.encrypt); err != nil || string(got) != v.plain {
				t.Errorf("%q %v", got, err)
			}
		}
		if got := c.seal(v.random, []byte(v.plain)); got != v.encrypt {
			t.Errorf("sealed %s", got)
		}
	}
}

func crypter(t testing.TB) *Crypter {
	c, err := NewCrypter(vectors[0].token, vectors[0].aesKey, vectors[0].owner)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewCrypterRefuses(t *testing.T) {
	key := vectors[0].aesKey
	for _, bad := range [][3]string{{"", key, "o"}, {"t", key, ""}, {"t", key[1:], "o"}, {"t", key + "4", "o"}, {"t", "!" + key[1:], "o"}, {"t", "", "o"}} {
		if _, err := NewCrypter(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%q accepted", bad)
		} else if bad[1] != "" && strings.Contains(err.Error(), bad[1]) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	c, v := crypter(t), vectors[0]
	signed := func(encrypt string) (string, string, string, string) {
		return c.Signature("1", "n", encrypt), "1", "n", encrypt
	}
	other, err := NewCrypter(v.token, v.aesKey, "somebody")
	if err != nil {
		t.Fatal(err)
	}
	foreignKey, err := NewCrypter(v.token, vectors[1].aesKey, v.owner)
	if err != nil {
		t.Fatal(err)
	}
	huge := c.seal("0123456789abcdef", []byte("x"))
	for name, try := range map[string]struct {
		want error
		do   func() ([]byte, error)
	}{
		"wrong signature": {ErrSignature, func() ([]byte, error) {
			return c.Decrypt("0"+v.signature[1:], v.timestamp, v.nonce, v.encrypt)
		}},
		"empty signature":    {ErrSignature, func() ([]byte, error) { return c.Decrypt("", v.timestamp, v.nonce, v.encrypt) }},
		"changed time":       {ErrSignature, func() ([]byte, error) { return c.Decrypt(v.signature, "1614767837", v.nonce, v.encrypt) }},
		"changed ciphertext": {ErrSignature, func() ([]byte, error) { return c.Decrypt(v.signature, v.timestamp, v.nonce, "A"+v.encrypt[1:]) }},
		"other owner":        {ErrOwner, func() ([]byte, error) { return other.Decrypt(v.signature, v.timestamp, v.nonce, v.encrypt) }},
		"other key":          {ErrDecrypt, func() ([]byte, error) { return foreignKey.Decrypt(v.signature, v.timestamp, v.nonce, v.encrypt) }},
		"no base64":          {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed("%%%")) }},
		"nothing":            {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed("")) }},
		"half a block":       {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed(base64.StdEncoding.EncodeToString(make([]byte, 24)))) }},
		"one block":          {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed(base64.StdEncoding.EncodeToString(make([]byte, 16)))) }},
		"cut":                {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed(huge[:len(huge)/2])) }},
		"too long":           {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(signed(strings.Repeat("A", maxEncrypted+4))) }},
		"long nonce": {ErrDecrypt, func() ([]byte, error) {
			nonce := strings.Repeat("n", 64)
			return c.Decrypt(c.Signature("1", nonce, v.encrypt), "1", nonce, v.encrypt)
		}},
		"a byte in the nonce": {ErrDecrypt, func() ([]byte, error) {
			return c.Decrypt(c.Signature("1", "n\x80", v.encrypt), "1", "n\x80", v.encrypt)
		}},
		"no digits": {ErrDecrypt, func() ([]byte, error) { return c.Decrypt(c.Signature("1e3", "n", v.encrypt), "1e3", "n", v.encrypt) }},
	} {
		if got, err := try.do(); !errors.Is(err, try.want) || got != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// Somebody who has seen a signed request moves its first three blocks out of the ciphertext and into the nonce. The parts are hashed
// one after the other without a mark, so the signature stays right, and what remains would be read from the middle of the plaintext.
func TestBlocksCannotBeMovedIntoTheNonce(t *testing.T) {
	c := crypter(t)
	text := strings.Repeat("x", 44) + "\x00\x00\x00\x02{}" // ends like a message of its own
	for n := range 1000 {
		nonce, encrypt := "9", c.seal(fmt.Sprintf("%016d", n), []byte(text))
		signature := c.Signature("1", nonce, encrypt)
		if got, err := c.Decrypt(signature, "1", nonce, encrypt); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
		moved, rest := nonce+encrypt[:64], encrypt[64:]
		if c.Signature("1", moved, rest) != signature {
			continue // sorted otherwise
		}
		if got, err := c.Decrypt(signature, "1", moved, rest); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%q, %v", got, err)
		}
		return
	}
	t.Error("no example was found")
}

func TestEncryptedAnswer(t *testing.T) {
	c := crypter(t)
	c.now = func() time.Time { return time.UnixMilli(1614767836123) }
	r, err := c.Encrypt([]byte("success"))
	if err != nil || r.TimeStamp != "1614767836123" || r.Nonce == "" {
		t.Fatalf("%+v %v", r, err)
	}
	if again, _ := c.Encrypt([]byte("success")); again.Nonce == r.Nonce || again.Encrypt == r.Encrypt {
		t.Error("nonce or random bytes repeat")
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"msg_signature"`, `"timeStamp"`, `"nonce"`, `"encrypt"`} {
		if !bytes.Contains(raw, []byte(key)) {
			t.Errorf("%s lacks %s", raw, key)
		}
	}
	if _, err := c.Encrypt(make([]byte, MaxEvent+1)); err == nil {
		t.Error("no bound")
	}
}

func TestRoundTrip(t *testing.T) {
	c := crypter(t)
	rapid.Check(t, func(t *rapid.T) {
		msg := rapid.SliceOf(rapid.Byte()).Draw(t, "msg")
		r, err := c.Encrypt(msg)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decrypt(r.MsgSignature, r.TimeStamp, r.Nonce, r.Encrypt)
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%q %v", got, err)
		}
	})
}
