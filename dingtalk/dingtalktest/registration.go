package dingtalktest

import (
	"errors"
	"net/url"
	"strings"
)

// registerCallback is POST /call_back/register_call_back (注册回调事件). The owner key of such callbacks is the CorpId.
func (s *Server) registerCallback(c *call) (any, *Refusal) {
	if s.push.url != "" {
		return nil, refuse(71006)
	}
	return nil, s.saveCallback(c)
}

// updateCallback is POST /call_back/update_call_back (更新事件接口).
func (s *Server) updateCallback(c *call) (any, *Refusal) {
	if s.push.url == "" {
		return nil, refuse(71007)
	}
	return nil, s.saveCallback(c)
}

// saveCallback checks a registration, sends check_url and keeps it when the answer is good.
func (s *Server) saveCallback(c *call) *Refusal {
	target := pushTarget{
		url: c.params.text("url"), token: c.params.text("token"), aesKey: c.params.text("aes_key"),
		owner: s.corpID, tags: c.params.texts("call_back_tag"),
	}
	if parsed, err := url.Parse(target.url); err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http") {
		return refuse(71011)
	}
	if len(target.token) < 6 || len(target.token) >= 64 {
		return refuse(400040)
	}
	if _, err := newEnvelopeKey(target.token, target.aesKey, target.owner); err != nil {
		return refuse(400041)
	}
	if len(target.tags) == 0 {
		return refuse(71008)
	}
	s.mu.Unlock() // the receiver may call this server while it is checked
	err := s.checkURL(c.request.Context(), target)
	s.mu.Lock()
	if errors.Is(err, errUnreachable) {
		return refuse(71012)
	}
	if err != nil {
		return refuse(71009)
	}
	s.push = target
	return nil
}

// getCallback is GET /call_back/get_call_back (查询订阅事件).
func (s *Server) getCallback(*call) (any, *Refusal) {
	if s.push.url == "" || s.push.tags == nil {
		return nil, refuse(71007)
	}
	return topLevel{
		"call_back_tag": s.push.tags, "token": s.push.token, "aes_key": s.push.aesKey, "url": s.push.url,
	}, nil
}

// deleteCallback is GET /call_back/delete_call_back (删除事件回调接口).
func (s *Server) deleteCallback(*call) (any, *Refusal) {
	if s.push.url == "" || s.push.tags == nil {
		return nil, refuse(71007)
	}
	s.push = pushTarget{}
	return nil, nil
}
