package dingtalktest

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
	"strings"
)

// envelopeKey holds the secrets of a callback (DingTalk document 开发事件推送服务).
type envelopeKey struct {
	token, owner string
	aes          []byte // 32 bytes; the first 16 are the IV
}

func newEnvelopeKey(token, aesKey, owner string) (envelopeKey, error) {
	raw, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(raw) != 32 {
		return envelopeKey{}, errors.New("aes_key must be 43 characters of base64")
	}
	return envelopeKey{token: token, owner: owner, aes: raw}, nil
}

// sealBlock is the PKCS#7 block of callbacks; it is 32, not AES's 16.
const sealBlock = 32

// seal encrypts a message: 16 random characters, length, message, owner key.
func (k envelopeKey) seal(msg []byte) (string, error) {
	plain := make([]byte, 0, len(msg)+128)
	plain = append(plain, randomText(16)...)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(msg)))
	plain = append(plain, msg...)
	plain = append(plain, k.owner...)
	pad := sealBlock - len(plain)%sealBlock
	for range pad {
		plain = append(plain, byte(pad))
	}
	block, err := aes.NewCipher(k.aes)
	if err != nil {
		return "", fmt.Errorf("cipher: %w", err)
	}
	cipher.NewCBCEncrypter(block, k.aes[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}

// open decrypts what seal made, after its signature was checked.
func (k envelopeKey) open(sealed string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	if len(data) < sealBlock || len(data)%aes.BlockSize != 0 {
		return nil, errors.New("cipher text has no whole blocks")
	}
	block, err := aes.NewCipher(k.aes)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	cipher.NewCBCDecrypter(block, k.aes[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > sealBlock || pad > len(data) {
		return nil, errors.New("bad padding")
	}
	data = data[:len(data)-pad]
	if len(data) < 20 {
		return nil, errors.New("plain text too short")
	}
	n := int(binary.BigEndian.Uint32(data[16:20]))
	if n > len(data)-20 || string(data[20+n:]) != k.owner {
		return nil, errors.New("length or owner key does not fit")
	}
	return data[20 : 20+n], nil
}

// sign is the hex SHA-1 of the sorted parts.
func (k envelopeKey) sign(timestamp, nonce, sealed string) string {
	parts := []string{k.token, timestamp, nonce, sealed}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func (k envelopeKey) signed(signature, timestamp, nonce, sealed string) bool {
	return subtle.ConstantTimeCompare([]byte(signature), []byte(k.sign(timestamp, nonce, sealed))) == 1
}

// randomText is n random letters and digits.
func randomText(n int) string {
	return rand.Text()[:n]
}
