package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// callbackDeadline is how long DingTalk waits for the answer to a push (开发事件推送服务).
const callbackDeadline = 2500 * time.Millisecond

// maxReply bounds the answer to a check, in bytes: the encrypted word success takes about 300.
const maxReply = 64 << 10

// CheckStep is what a check of a receiving address stumbled over.
type CheckStep string

// The steps of a check, in their order.
const (
	CheckUnreachable CheckStep = "unreachable" // no connection, a bad certificate, or no HTTP
	CheckSlow        CheckStep = "slow"        // no answer within 2.5 s
	CheckStatus      CheckStep = "status"      // another status than 200
	CheckNoReply     CheckStep = "no reply"    // not JSON, or without the four values
	CheckSignature   CheckStep = "signature"   // signed with another token
	CheckDecrypt     CheckStep = "decrypt"     // encrypted with another aes_key, or for another owner
	CheckNotSuccess  CheckStep = "not success" // another text than success
)

// CheckError is a check that failed. It quotes nothing of the answer.
type CheckError struct {
	Step   CheckStep
	Status int // HTTP status of the answer; 0 without one
	Err    error
}

// Error names the step.
func (e *CheckError) Error() string {
	words := "dingtalk: check_url: " + string(e.Step)
	if e.Status != 0 && e.Status != http.StatusOK {
		words += fmt.Sprintf(", HTTP %d", e.Status)
	}
	if e.Err != nil {
		words += ": " + e.Err.Error()
	}
	return words
}

// Unwrap returns the cause.
func (e *CheckError) Unwrap() error { return e.Err }

// Check sends check_url to a receiving address as DingTalk does before it saves one (开发事件推送服务), and verifies the answer: the word
// success, encrypted and signed, within 2.5 s. It returns how long the answer took; its errors are *CheckError. That the address
// answers from here does not prove that it does from DingTalk.
func (s *CallbackService) Check(ctx context.Context, address string, crypter *Crypter) (time.Duration, error) {
	req, err := checkRequest(address, crypter)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, callbackDeadline)
	defer cancel()
	began := time.Now()
	client := &http.Client{Transport: s.c.web, CheckRedirect: noRedirect}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return time.Since(began), checkFailure(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	took := time.Since(began)
	if err != nil {
		return took, checkFailure(ctx, err)
	}
	return took, checkReply(resp.StatusCode, body, crypter)
}

// checkRequest is check_url, sealed.
func checkRequest(address string, crypter *Crypter) (*http.Request, error) {
	sealed, err := crypter.Encrypt([]byte(`{"EventType":"check_url"}`))
	if err != nil {
		return nil, err
	}
	body, err := marshal(Object{"encrypt": sealed.Encrypt})
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("dingtalk: the callback's address is no URL") // the parser would quote it
	}
	query := to.Query()
	for _, name := range []string{"signature", "msg_signature"} { // the documents use both
		query.Set(name, sealed.MsgSignature)
	}
	query.Set("timestamp", sealed.TimeStamp)
	query.Set("nonce", sealed.Nonce)
	to.RawQuery = query.Encode()
	req, err := http.NewRequest(http.MethodPost, to.String(), bytes.NewReader(body)) //nolint:noctx // Check adds its deadline
	if err != nil {
		return nil, errors.New("dingtalk: the callback's address is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// checkFailure is the error of a request that got no answer. http.Client prints the whole URL: its wrapping is taken off.
func checkFailure(ctx context.Context, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &CheckError{Step: CheckSlow, Err: fmt.Errorf("no answer within %s", callbackDeadline)}
	}
	return &CheckError{Step: CheckUnreachable, Err: err}
}

// checkReply judges an answer. Pure.
func checkReply(status int, body []byte, crypter *Crypter) error {
	fail := func(step CheckStep, err error) error { return &CheckError{Step: step, Status: status, Err: err} }
	if status != http.StatusOK {
		return fail(CheckStatus, nil)
	}
	reply, err := decodeObject(body)
	if err != nil || reply.Text("encrypt") == "" {
		return fail(CheckNoReply, errors.New("not {msg_signature, timeStamp, nonce, encrypt}"))
	}
	plain, err := crypter.Decrypt(reply.Text("msg_signature"), reply.Text("timeStamp"), reply.Text("nonce"), reply.Text("encrypt"))
	switch {
	case errors.Is(err, ErrSignature):
		return fail(CheckSignature, err)
	case err != nil:
		return fail(CheckDecrypt, err)
	case string(plain) != "success":
		return fail(CheckNotSuccess, nil)
	}
	return nil
}
