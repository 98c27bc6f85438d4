package dingtalk

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingbridge/redact"
)

// The paths of the old registration of callbacks, which the developer console and the Stream have replaced; it works on for apps that
// were made before.
const (
	pathCallbackRegister = "/call_back/register_call_back"
	pathCallbackUpdate   = "/call_back/update_call_back"
	pathCallbackGet      = "/call_back/get_call_back"
	pathCallbackDelete   = "/call_back/delete_call_back"
)

// Limits of a registration (注册回调事件).
const (
	minCallbackToken = 6
	maxCallbackToken = 63
	callbackKey      = 43
	maxCallbackURL   = 2000 // of what is shown of it, in characters
)

// Registration is which events DingTalk is to push, and where to. Such pushes carry the CorpId as owner key, not the AppKey.
type Registration struct {
	Tags          []string // types of events
	URL           string   // must answer check_url during the call, see CallbackService.Check
	Token, AESKey string   // 6 to 63 characters; 43 letters and digits
}

// Registered is a registration as DingTalk tells it. Its secrets are kept as digests alone: they cannot be printed.
type Registered struct {
	Tags []string // in alphabetical order
	URL  string

	token, aesKey [sha256.Size]byte
}

// Fits says whether the registration was made with this token and with this aes_key.
func (r Registered) Fits(token, aesKey string) (tokenFits, keyFits bool) {
	same := func(have [sha256.Size]byte, secret string) bool {
		sum := sha256.Sum256([]byte(secret))
		return subtle.ConstantTimeCompare(have[:], sum[:]) == 1
	}
	return same(r.token, token), same(r.aesKey, aesKey)
}

// Register registers a callback (注册回调事件). While it runs DingTalk sends check_url to the address. The codes of its refusals are 71006
// there is one already, 71008 an unknown tag, 71009 the answer was not the encrypted success, 71010 token or aes_key are malformed,
// 71011 no URL, 71012 not reachable, 71013 a domain or address that cannot be registered.
func (s *CallbackService) Register(ctx context.Context, r Registration) error {
	return s.register(ctx, pathCallbackRegister, r)
}

// Update replaces the registration (更新事件接口), wholly; 71007 when there is none (IsUnregistered), else as Register.
func (s *CallbackService) Update(ctx context.Context, r Registration) error {
	return s.register(ctx, pathCallbackUpdate, r)
}

func (s *CallbackService) register(ctx context.Context, path string, r Registration) error {
	if err := r.check(path); err != nil {
		return err
	}
	_, err := s.c.do(ctx, request{
		method: http.MethodPost, path: path, secrets: []string{r.Token, r.AESKey},
		body: Object{"call_back_tag": r.Tags, "token": r.Token, "aes_key": r.AESKey, "url": r.URL},
	})
	return err
}

// check refuses what DingTalk would refuse, in words that say what is wrong.
func (r Registration) check(path string) error {
	u, err := url.Parse(r.URL)
	alphanumeric := func(c rune) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	strange := func(c rune) bool { return !alphanumeric(c) }
	switch {
	case len(r.Tags) == 0:
		return refuse(path, "call_back_tag", "no event is named")
	case slices.Contains(r.Tags, ""):
		return refuse(path, "call_back_tag", "an event without a name")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
		return refuse(path, "url", "not an address such as https://bridge.example.com/dingtalk/callback")
	case len(r.Token) < minCallbackToken || len(r.Token) > maxCallbackToken:
		return refuse(path, "token", "must have %d to %d characters", minCallbackToken, maxCallbackToken)
	case len(r.AESKey) != callbackKey || strings.ContainsFunc(r.AESKey, strange):
		return refuse(path, "aes_key", "must be %d letters and digits", callbackKey)
	}
	return nil
}

// Registered reads the registration (查询订阅事件); IsUnregistered when there is none.
func (s *CallbackService) Registered(ctx context.Context) (Registered, error) {
	answer, err := s.c.do(ctx, request{method: http.MethodGet, path: pathCallbackGet, read: true})
	if err != nil {
		return Registered{}, err
	}
	token, aesKey := answer.Text("token"), answer.Text("aes_key")
	tags := answer.IDs("call_back_tag")
	slices.Sort(tags)
	return Registered{
		Tags: tags, URL: redact.New(token, aesKey).Cut(answer.Text("url"), maxCallbackURL),
		token: sha256.Sum256([]byte(token)), aesKey: sha256.Sum256([]byte(aesKey)),
	}, nil
}

// Delete ends the registration (删除事件回调接口); IsUnregistered when there is none.
func (s *CallbackService) Delete(ctx context.Context) error {
	_, err := s.c.do(ctx, request{method: http.MethodGet, path: pathCallbackDelete})
	return err
}

// IsUnregistered reports that no callback is registered (71007, 400040).
func IsUnregistered(err error) bool {
	code, _ := codeOf(err)
	return code == "71007" || code == "400040"
}

// IsRegistered reports that a callback is registered already (71006, 400041).
func IsRegistered(err error) bool {
	code, _ := codeOf(err)
	return code == "71006" || code == "400041"
}

// IsRegistrationGone reports that DingTalk does not offer the old registration to this app.
func IsRegistrationGone(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == Halt && strings.HasPrefix(e.API, "/call_back/") && e.Scope == ScopeAPI+e.API
}
