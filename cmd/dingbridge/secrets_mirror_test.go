package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"dingbridge/redact"
)

// mirror stands between the bridge and one stand-in. It passes everything on, notes the tokens and tickets that are handed out, and
// while a fault is set answers by itself, repeating what it was sent.
type mirror struct {
	url   string
	vault *vault

	mu     sync.Mutex
	fault  fault
	path   string // to which the fault is confined; "" for all
	faults int    // answers given by it
}

// fault answers a request in the far side's place; echo is all it was told, secrets included.
type fault func(w http.ResponseWriter, r *http.Request, echo string)

func newMirror(t *testing.T, v *vault, target string) *mirror {
	t.Helper()
	to, err := url.Parse(target)
	must(t, err)
	m := &mirror{vault: v}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // the Stream's endpoint is made of it
		},
		ModifyResponse: m.note,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:      &http.Transport{DisableKeepAlives: true},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := m.spend(r.URL.Path); f != nil {
			f(w, r, m.echo(r))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

func (m *mirror) set(f fault) { m.setAt("", f) }

// setAt sets a fault of one path.
func (m *mirror) setAt(path string, f fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault, m.path, m.faults = f, path, 0
}

func (m *mirror) spend(path string) fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil || m.path != "" && m.path != path {
		return nil
	}
	m.faults++
	return m.fault
}

func (m *mirror) answered() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults
}

// note keeps what is secret in an answer.
func (m *mirror) note(resp *http.Response) error {
	if !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		AccessToken string `json:"accessToken"`
		Ticket      string `json:"ticket"`
	}
	if json.Unmarshal(body, &answer) == nil {
		m.vault.plant("access token", answer.AccessToken)
		m.vault.plant("stream ticket", answer.Ticket)
	}
	return nil
}

// echo is what a talkative far side might print of a request: all of it, and its secrets in every writing.
func (m *mirror) echo(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = nil
	}
	told := []string{r.URL.Query().Get("access_token"), r.Header.Get("x-acs-dingtalk-access-token"), r.URL.Query().Get("ticket")}
	if r.URL.Path == pathRobotSend {
		told = append(told, plantedRobot) // which the far side knows without being told
	}
	var credentials map[string]any
	if json.Unmarshal(body, &credentials) == nil {
		for _, key := range []string{"appSecret", "clientSecret", "token", "aes_key"} {
			secret, _ := credentials[key].(string)
			told = append(told, secret)
		}
	}
	var b strings.Builder
	for _, secret := range told {
		b.WriteString(strings.Join(redact.Forms(secret), " ") + " ")
	}
	for _, secret := range odooPasswords {
		for _, form := range redact.Forms(secret) {
			if bytes.Contains(body, []byte(form)) { // Odoo is told them in XML
				b.WriteString(strings.Join(redact.Forms(secret), " ") + " ")
				break
			}
		}
	}
	return fmt.Sprintf("you sent %s %s %v %s", b.String(), r.URL, r.Header, body)
}

// vault holds the secrets that were planted, by name.
type vault struct {
	mu      sync.Mutex
	secrets map[string]string
}

func newVault() *vault { return &vault{secrets: map[string]string{}} }

func (v *vault) plant(name, secret string) {
	if secret == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for n := 1; v.secrets[name] != "" && v.secrets[name] != secret; n++ {
		name = fmt.Sprintf("%s %d", strings.TrimRight(name, " 0123456789"), n)
	}
	v.secrets[name] = secret
}

// search fails the test for every secret that stands in the text, in any writing.
func (v *vault) search(t *testing.T, where, text string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, secret := range v.secrets {
		for _, form := range redact.Forms(secret) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s: the %s is shown: %q", where, name, text[max(i-100, 0):min(i+len(form)+20, len(text))])
				break
			}
		}
	}
}

// The faults of both sides.
var faults = map[string]fault{
	"a text": func(w http.ResponseWriter, _ *http.Request, echo string) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, echo)
	},
	"a page": func(w http.ResponseWriter, _ *http.Request, echo string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<html><title>%s</title>%s", echo, echo)
	},
	"a page with 200": func(w http.ResponseWriter, _ *http.Request, echo string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<html><title>%s</title>", echo)
	},
	"a redirect": func(w http.ResponseWriter, r *http.Request, echo string) {
		w.Header().Set("Location", "http://"+otherHost+"/?"+r.URL.RawQuery+"&"+url.QueryEscape(echo))
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	"a wrong redirect": func(w http.ResponseWriter, _ *http.Request, echo string) {
		w.Header().Set("Location", "http://["+url.QueryEscape(echo))
		w.WriteHeader(http.StatusFound)
	},
	"a cut": func(http.ResponseWriter, *http.Request, string) { panic(http.ErrAbortHandler) },
	"half an answer": func(w http.ResponseWriter, _ *http.Request, echo string) {
		w.Header().Set("Content-Length", fmt.Sprint(len(echo)+10))
		_, _ = io.WriteString(w, echo)
	},
	"no HTTP": func(w http.ResponseWriter, _ *http.Request, echo string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, echo+"\r\n\r\n")
			_ = conn.Close()
		}
	},
}

// otherHost must never be asked: nobody listens there, and the test looks for it.
const otherHost = "redirected.invalid"

// jsonFault answers as DingTalk does, with its words made of the echo.
func jsonFault(status int, format string) fault {
	return func(w http.ResponseWriter, _ *http.Request, echo string) {
		quoted, err := json.Marshal(echo)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(format, "ECHO", string(quoted)))
	}
}

// dingFaults are those of DingTalk alone.
var dingFaults = map[string]fault{
	"refused":    jsonFault(200, `{"errcode":60011,"errmsg":ECHO,"request_id":ECHO}`),
	"rejected":   jsonFault(200, `{"errcode":60104,"errmsg":ECHO,"userid":ECHO}`),
	"not known":  jsonFault(200, `{"errcode":99999,"errmsg":ECHO}`),
	"gateway":    jsonFault(200, `{"errcode":88,"sub_code":ECHO,"sub_msg":ECHO,"errmsg":"x"}`),
	"permission": jsonFault(403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":ECHO,"accessdenieddetail":{"requiredScopes":[ECHO]}}`),
	"new":        jsonFault(400, `{"code":ECHO,"message":ECHO,"requestid":ECHO}`),
	"token":      jsonFault(200, `{"errcode":40014,"errmsg":ECHO}`),
	"closed stream": func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.URL.Path != "/connect" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err == nil {
			_ = conn.Close(4001, "ticket "+r.URL.Query().Get("ticket"))
		}
	},
}

// odooFault answers as Odoo does.
func odooFault(code int, text string) fault {
	return func(w http.ResponseWriter, _ *http.Request, echo string) {
		var words bytes.Buffer
		if xml.EscapeText(&words, []byte(echo)) != nil {
			panic("a buffer takes everything")
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = fmt.Fprintf(w, `<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>%d</int></value></member>`+
			`<member><name>faultString</name><value><string>%s</string></value></member></struct></value></fault></methodResponse>`, code, strings.ReplaceAll(text, "ECHO", words.String()))
	}
}

// odooFaults are those of Odoo alone.
var odooFaults = map[string]fault{
	"traceback": odooFault(1, "Traceback (most recent call last):\n  File \"x.py\", line 1, in y\n    z\npsycopg2.DataError: invalid ECHO\n"),
	"warning":   odooFault(2, "Warning\nECHO"),
	"denied":    odooFault(3, "Access denied ECHO"),
	"rights":    odooFault(4, "Sorry, ECHO. (Operation: read, User: 2)"),
	"database":  odooFault(1, "Traceback (most recent call last):\n  File \"x.py\", line 1, in y\n    z\npsycopg2.OperationalError: FATAL:  ECHO\n"),
}
