package dingtalktest

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// registrable are the events that the old registration takes (注册回调事件); those that came later are switched on in the console alone.
var registrable = []string{
	"user_add_org", "user_modify_org", "user_leave_org", "user_active_org", "org_admin_add", "org_admin_remove",
	"org_dept_create", "org_dept_modify", "org_dept_remove", "org_change", "org_remove",
	"label_user_change", "label_conf_add", "label_conf_modify", "label_conf_del",
	"chat_add_member", "chat_remove_member", "chat_quit", "chat_update_owner", "chat_update_title", "chat_disband",
	"check_in", "bpms_task_change", "bpms_instance_change",
	"attendance_check_record", "attendance_schedule_change", "attendance_overtime_duration",
}

// registered says whether the push was registered through the API, and not saved in the console; the lock is held.
func (s *Server) registered() bool { return s.push.url != "" && s.push.tags != nil }

// registerCallback is POST /call_back/register_call_back (注册回调事件). The owner key of such callbacks is the CorpId.
func (s *Server) registerCallback(c *call) (any, *Refusal) {
	if s.push.url != "" {
		return nil, refuse(71006)
	}
	return nil, s.saveCallback(c)
}

// updateCallback is POST /call_back/update_call_back (更新事件接口). It replaces all of the registration.
func (s *Server) updateCallback(c *call) (any, *Refusal) {
	if !s.registered() {
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
	if no := s.checkRegistration(target); no != nil {
		return no
	}
	before := s.push
	s.mu.Unlock() // the receiver may call this server while it is checked
	err := s.checkURL(c.request.Context(), target)
	s.mu.Lock()
	switch {
	case errors.Is(err, errUnreachable):
		return refusef(71012, "url地址访问异常,错误原因为:%v", err)
	case err != nil:
		return refuse(71009)
	case s.push.url != before.url: // another registration was faster
		return refuse(71006)
	}
	s.push = target
	return nil
}

// checkRegistration looks at the parameters; the lock is held.
func (s *Server) checkRegistration(t pushTarget) *Refusal {
	if len(t.token) < 6 || len(t.token) >= 64 {
		return refuse(71010)
	}
	if _, err := newEnvelopeKey(t.token, t.aesKey, t.owner); err != nil {
		return refuse(71010)
	}
	if len(t.tags) == 0 || slices.ContainsFunc(t.tags, func(tag string) bool { return !slices.Contains(registrable, tag) }) {
		return refuse(71008)
	}
	parsed, err := url.Parse(t.url)
	if err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http") {
		return refuse(71011)
	}
	if s.knobs.PublicCallbacks && !public(parsed.Hostname()) {
		return refuse(71013)
	}
	return nil
}

// public says whether a host could be reached from the Internet.
func public(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host != "localhost" && strings.Contains(host, ".")
	}
	return !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() && !addr.IsUnspecified()
}

// getCallback is GET /call_back/get_call_back (查询订阅事件).
func (s *Server) getCallback(*call) (any, *Refusal) {
	if !s.registered() {
		return nil, refuse(71007)
	}
	return topLevel{
		"call_back_tag": s.push.tags, "token": s.push.token, "aes_key": s.push.aesKey, "url": s.push.url,
	}, nil
}

// deleteCallback is GET /call_back/delete_call_back (删除事件回调接口).
func (s *Server) deleteCallback(*call) (any, *Refusal) {
	if !s.registered() {
		return nil, refuse(71007)
	}
	s.push = pushTarget{}
	return nil, nil
}

// Registered tells what is registered through the API: where to, and which events; "" when nothing is.
func (s *Server) Registered() (url string, tags []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.registered() {
		return "", nil
	}
	return s.push.url, slices.Clone(s.push.tags)
}
