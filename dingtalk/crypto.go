package dingtalk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Failures of the callback encryption.
var (
	// ErrSignature: the signature does not fit; the sender does not know the token.
	ErrSignature = errors.New("dingtalk: callback signature does not match")
	// ErrDecrypt: the ciphertext is malformed or made with another aes_key.
	ErrDecrypt = errors.New("dingtalk: callback cannot be decrypted")
	// ErrOwner: meant for another app or corp.
	ErrOwner = errors.New("dingtalk: callback belongs to another owner")
)

const (
	randomPrefix = 16
	padBlock     = 32
	maxEncrypted = (MaxEvent + 1024) * 4 / 3
	maxNonce     = 63 // fewer than the 64 characters of base64 that whole blocks can be moved by; DingTalk's have 8 to 16
	maxTimestamp = 19 // digits of any number of milliseconds
)

// Crypter decrypts HTTP callbacks and encrypts the answers (开发事件推送服务). It is safe for concurrent use.
type Crypter struct {
	token, owner string
	block        cipher.Block
	iv           []byte
	now          func() time.Time
}

// NewCrypter takes the signing token and the aes_key (43 characters) of the console and the owner key: the AppKey for
// subscriptions made in the console, the CorpId for callbacks registered through the old API.
func NewCrypter(token, aesKey, ownerKey string) (*Crypter, error) {
	if token == "" || ownerKey == "" {
		return nil, errors.New("dingtalk: a callback needs a token and an owner key")
	}
	if len(aesKey) != 43 {
		return nil, errors.New("dingtalk: the aes_key must have 43 characters")
	}
	// The last character may carry surplus bits, which a strict decoder refuses.
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil {
		return nil, errors.New("dingtalk: the aes_key is not base64")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("dingtalk: the aes_key does not make an AES-256 key")
	}
	return &Crypter{token: token, owner: ownerKey, block: block, iv: key[:aes.BlockSize], now: time.Now}, nil
}

// Signature is the hexadecimal SHA-1 over the sorted token, timestamp, nonce and ciphertext.
func (c *Crypter) Signature(timestamp, nonce, encrypt string) string {
	parts := []string{c.token, timestamp, nonce, encrypt}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// Decrypt checks the signature (query parameter msg_signature or signature), in constant time and before anything else, and
// returns the plaintext of the body's encrypt. The errors are ErrSignature, ErrDecrypt and ErrOwner (errors.Is).
func (c *Crypter) Decrypt(signature, timestamp, nonce, encrypt string) ([]byte, error) {
	if len(encrypt) > maxEncrypted || !wellFormed(timestamp, nonce) {
		return nil, fmt.Errorf("%w: too long, or characters that do not belong there", ErrDecrypt)
	}
	want := c.Signature(timestamp, nonce, encrypt)
	if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(signature))) != 1 {
		return nil, ErrSignature
	}
	data, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: not base64 of whole blocks", ErrDecrypt)
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(data, data)
	return c.unwrap(unpad(data))
}

// wellFormed bounds the timestamp and the nonce before anything is computed. The signature covers its parts without a mark between
// them, and SHA-1 can be continued by somebody who has seen a signed request; so whoever has one could move whole blocks of
// ciphertext into the nonce, or append to it. The bounds leave no room for the one, the characters none for the other.
func wellFormed(timestamp, nonce string) bool {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	printable := func(r rune) bool { return r > ' ' && r <= '~' }
	return len(timestamp) <= maxTimestamp && len(nonce) <= maxNonce &&
		!strings.ContainsFunc(timestamp, func(r rune) bool { return !digit(r) }) &&
		!strings.ContainsFunc(nonce, func(r rune) bool { return !printable(r) })
}

// unpad takes off 1 to 32 bytes; any other last byte means that there is no padding.
func unpad(data []byte) []byte {
	n := int(data[len(data)-1])
	if n < 1 || n > padBlock || n > len(data) {
		return data
	}
	return data[:len(data)-n]
}

// unwrap checks random(16) ++ length(4) ++ message ++ owner.
func (c *Crypter) unwrap(plain []byte) ([]byte, error) {
	if len(plain) < randomPrefix+4 {
		return nil, fmt.Errorf("%w: too short", ErrDecrypt)
	}
	size := int64(binary.BigEndian.Uint32(plain[randomPrefix:]))
	rest := plain[randomPrefix+4:]
	if size > int64(len(rest)) || size > MaxEvent {
		return nil, fmt.Errorf("%w: the length does not fit", ErrDecrypt)
	}
	if subtle.ConstantTimeCompare(rest[size:], []byte(c.owner)) != 1 {
		return nil, ErrOwner
	}
	return rest[:size], nil
}

// Reply is the body of a callback's answer, to be sent as JSON within 2.5 s.
type Reply struct {
	MsgSignature string `json:"msg_signature"`
	TimeStamp    string `json:"timeStamp"`
	Nonce        string `json:"nonce"`
	Encrypt      string `json:"encrypt"`
}

// Encrypt makes a signed answer with a fresh timestamp and nonce. The answer to every event, also to check_url, is the
// encrypted text "success".
func (c *Crypter) Encrypt(msg []byte) (Reply, error) {
	if len(msg) > MaxEvent {
		return Reply{}, fmt.Errorf("dingtalk: a callback message of %d bytes is too long", len(msg))
	}
	nonce := rand.Text()
	timestamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	encrypted := c.seal(rand.Text()[:randomPrefix], msg)
	return Reply{MsgSignature: c.Signature(timestamp, nonce, encrypted), TimeStamp: timestamp, Nonce: nonce, Encrypt: encrypted}, nil
}

// seal encrypts a message behind a random printable prefix of 16 bytes.
func (c *Crypter) seal(prefix string, msg []byte) string {
	data := make([]byte, 0, randomPrefix+4+len(msg)+len(c.owner)+padBlock)
	data = append(data, prefix...)
	data = binary.BigEndian.AppendUint32(data, uint32(len(msg)))
	data = append(data, msg...)
	data = append(data, c.owner...)
	pad := padBlock - len(data)%padBlock
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data)
}
