// Package dingtalktest is an in-memory stand-in for DingTalk's servers: the old host (oapi.dingtalk.com), the new
// one (api.dingtalk.com), the sign-in host (login.dingtalk.com) and the Stream endpoint, all on one listener. It
// keeps departments, people, roles, approvals with their templates, to-dos, calendars, groups, and messages with who got them, refuses what DingTalk's
// documents say is refused, pushes events by encrypted callback or by Stream, and misbehaves on request: throttling, bans,
// lost answers, stale reads, duplicate, late and lost events. What the documents leave open is a field of Knobs.
//
// It is not a client and shares no code with one: the callback encryption, the envelopes and the validation are
// written a second time here, so that a mistake on one side shows. It holds nothing on disk and knows nothing of Odoo.
package dingtalktest
