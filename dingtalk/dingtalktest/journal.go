package dingtalktest

import (
	"net/url"
	"strings"
	"time"
)

// journalLimit is how many requests the journal keeps; counts are kept for all.
const journalLimit = 100_000

// Request is one line of the journal. Tokens and secrets are never kept.
type Request struct {
	Seq     int       // 1 for the first request since ResetJournal
	At      time.Time // arrival, on the server's clock
	Method  string
	Path    string
	Query   url.Values // without access_token
	Body    []byte     // as received; empty for calls that carry secrets
	Write   bool       // the call would change something
	Status  int        // HTTP status of the answer, 0 when none was sent
	Code    string     // "0", the errcode (the inner one of 88) or the code string of the new host
	Applied bool       // the call took effect
	Failure string     // the injected failure, if any

	form bool
}

// Params is the decoded body (numbers as json.Number), nil when it cannot be read.
func (r Request) Params() map[string]any {
	contentType := ""
	if r.form {
		contentType = "application/x-www-form-urlencoded"
	}
	p, err := decodeParams(contentType, r.Body)
	if err != nil {
		return nil
	}
	return p
}

// OnRequest installs a hook that sees every request before it runs, outside the server's lock; nil removes it. The
// hook may call the server's methods.
func (s *Server) OnRequest(hook func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Journal returns the requests since the start or ResetJournal, oldest first; at most the last 100,000.
func (s *Server) Journal() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.journal))
	for i, r := range s.journal {
		out[i] = *r
	}
	return out
}

// Calls counts the requests to a path, refused and failed ones included.
func (s *Server) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

// Writes counts the requests that would change something, refused and failed ones included.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// CountedCalls counts the calls that went against the monthly quota since the start or ResetJournal, in whatever month.
func (s *Server) CountedCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted
}

// RejectedCount counts the requests refused for throttling, ban or quota.
func (s *Server) RejectedCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected
}

// Repeats counts, by identity, the create requests that were sent more than once, whatever was answered: "user
// mobile 86-138…", "department source_identifier …". A repeat is no harm by itself; see Duplicates.
func (s *Server) Repeats() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return moreThanOnce(s.sent)
}

// Duplicates counts, by identity, what exists more than once although it is the same thing: departments with one
// source_identifier, roles with one name in a group, one message delivered to one person, and approvals that an app started about
// the same thing (Template.Marker) while an earlier one was running or stood agreed; calendar events of one organizer, time and summary,
// and groups of one owner and name, that apps made. An empty map is what a correct client leaves behind.
func (s *Server) Duplicates() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for identity, n := range s.applied {
		counts[identity] = n
	}
	for _, d := range s.dir.units {
		if d.SourceIdentifier != "" {
			counts["department source_identifier "+d.SourceIdentifier]++
		}
	}
	for _, r := range s.dir.roles {
		counts["role "+s.dir.groups[r.GroupID].Name+"/"+r.Name]++
	}
	s.twinEvents(counts)
	s.twinGroups(counts)
	for _, in := range s.approvals.instances {
		if in.twin {
			counts[in.marker] = max(counts[in.marker], 1) + 1
		}
	}
	return moreThanOnce(counts)
}

func moreThanOnce(counts map[string]int) map[string]int {
	out := map[string]int{}
	for identity, n := range counts {
		if n > 1 {
			out[identity] = n
		}
	}
	return out
}

// ResetJournal forgets requests and counts. What exists stays, and so do rules of Fail.
func (s *Server) ResetJournal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal, s.requestSeq, s.writes, s.counted, s.rejected = nil, 0, 0, 0, 0
	s.calls, s.sent, s.applied = map[string]int{}, map[string]int{}, map[string]int{}
}

// record opens the journal line of an arriving request.
func (s *Server) record(r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requestSeq++
	r.Seq, r.At = s.requestSeq, s.now()
	if len(s.journal) >= journalLimit {
		s.journal = append([]*Request(nil), s.journal[journalLimit/2:]...)
	}
	s.journal = append(s.journal, r)
	if _, known := s.calls[r.Path]; known || len(s.calls) < journalLimit {
		s.calls[r.Path]++
	}
	if r.Write {
		s.writes++
	}
}

// identities names what a create request is about, for Repeats; the lock is held.
func (s *Server) identities(path string, p params) []string {
	if id := p.text("sourceId"); id != "" && strings.HasPrefix(path, todoPaths) {
		return []string{"todo sourceId " + id}
	}
	switch path {
	case instancePath:
		if p.has("processCode") {
			return s.startIdentity(p.text("processCode"), p.text("originatorUserId"), p, newNames)
		}
	case oldInstanceMake:
		return s.startIdentity(p.text("process_code"), p.text("originator_user_id"), p, oldNames)
	case "/topapi/v2/user/create":
		if state, number, ok := splitMobile(p.text("mobile"), false); ok {
			return []string{"user mobile " + state + "-" + number}
		}
	case "/topapi/v2/department/create":
		if id := p.text("source_identifier"); id != "" {
			return []string{"department source_identifier " + id}
		}
		return []string{"department " + p.text("parent_id") + "/" + p.text("name")}
	case "/role/add_role":
		return []string{"role " + p.text("groupId") + "/" + p.text("roleName")}
	case groupCreate, oldGroupCreate:
		return []string{"group " + p.text("owner") + "/" + p.text("name")}
	}
	return s.messageIdentities(path, p)
}

// startIdentity is what a start of an approval is about, as Duplicates names it.
func (s *Server) startIdentity(code, originator string, p params, names formNames) []string {
	t := s.approvals.templates[code]
	form, no := readFormValues(p, names, oldFormValues)
	if t == nil || no != nil {
		return nil
	}
	return []string{s.markerOf(&t.Template, originator, form)}
}
