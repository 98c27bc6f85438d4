package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// load writes the text to a file and loads it with the environment.
func load(t *testing.T, text string, env map[string]string) (*Settings, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadSettings(file, func(name string) string { return env[name] })
}

func noEnv(string) string { return "" }

// TestShippedConfig loads the repository's config.yaml: no complaint, exactly four values missing, every other value the default.
func TestShippedConfig(t *testing.T) {
	shipped := filepath.Join("..", "..", "config.yaml")
	s, err := loadSettings(shipped, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	missing := s.Missing()
	for _, key := range []string{"odoo.database", "odoo.password", "dingtalk.app_key", "dingtalk.app_secret"} {
		if missing == nil || !strings.Contains(missing.Error(), key) {
			t.Errorf("%s is not missing: %v", key, missing)
		}
	}
	if n := strings.Count(missing.Error(), "\n"); n != 4 {
		t.Errorf("%d values are missing: %v", n, missing)
	}
	bare, err := loadSettings("", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	bare.base, bare.file, bare.Store, bare.codeAt = s.base, s.file, s.Store, s.codeAt
	if got, want := fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", bare); got != want {
		t.Errorf("the file does not show the defaults\nfile     %s\ndefaults %s", got, want)
	}
	full, err := loadSettings(shipped, func(name string) string {
		return map[string]string{
			"DINGBRIDGE_ODOO_DATABASE": "company", "DINGBRIDGE_ODOO_PASSWORD": "p", "DINGBRIDGE_DINGTALK_APP_KEY": "k", "DINGBRIDGE_DINGTALK_APP_SECRET": "s",
		}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := full.Missing(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	for key := range defaults {
		name := key[strings.LastIndex(key, ".")+1:]
		if !strings.HasSuffix(key, "_file") && !regexp.MustCompile(`(?m)^ *`+name+`:`).Match(text) {
			t.Errorf("config.yaml does not show %s", key)
		}
	}
}

// TestDocumented finds every key, its variable and its default in docs/configuration.md.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	for key, standard := range defaults {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(key) + "` \\| `" + envName(key) + "` \\| ([^|]*) \\|").FindSubmatch(page)
		if row == nil {
			t.Errorf("%s is not documented with %s", key, envName(key))
			continue
		}
		want := strings.ReplaceAll(fmt.Sprint(standard), " ", ", ")
		switch v := standard.(type) {
		case time.Duration:
			shown, err := time.ParseDuration(strings.Trim(string(row[1]), "`"))
			if err != nil || shown != v {
				t.Errorf("%s: the default is %s, the page says %s", key, v, row[1])
			}
			continue
		case string:
			if v == "" {
				want = "–"
			}
		}
		if got := strings.Trim(string(row[1]), "`\""); got != want {
			t.Errorf("%s: the default is %s, the page says %s", key, want, got)
		}
	}
}

// TestEveryKey sets every key in the file and in the environment: both are heard, and the environment wins.
func TestEveryKey(t *testing.T) {
	for key, standard := range defaults {
		if strings.HasSuffix(key, "_file") || key == webhooksKey {
			continue // TestSecretFiles, TestWebhooks
		}
		inFile, inEnv, want := "from-file", "from-env", "from-env"
		switch standard.(type) {
		case time.Duration:
			inFile, inEnv, want = "7s", "11s", "11s"
		case int, float64:
			inFile, inEnv, want = "8", "11", "11"
		case []string:
			inFile, inEnv, want = "[a.yaml]", "b.yaml,c.yaml", "b.yaml c.yaml"
		}
		switch key {
		case "odoo.url", "dingtalk.oapi", "dingtalk.api", "dingtalk.login", "dingtalk.callback.url", "odoo.web_url":
			inFile, inEnv, want = "http://file", "https://env:8069", "https://env:8069"
		case "process_codes":
			inFile, inEnv, want = "{a: PROC-F}", "b=PROC-E", "ProcessCodes:map[b:PROC-E]"
		case "dingtalk.agent_id":
			inFile, inEnv, want = "77001", "88002", "AgentID:88002"
		case "dingtalk.approvals":
			inFile, inEnv, want = "old", "new", "Approvals:new"
		case "dingtalk.mode":
			inFile, inEnv, want = "off", "callback", "callback"
		case "dingtalk.zone":
			inFile, inEnv, want = "UTC", "Asia/Hong_Kong", "Asia/Hong_Kong"
		case "dingtalk.callback.aes_key":
			inFile, inEnv = strings.Repeat("f", 43), strings.Repeat("e", 43)
			want = inEnv
		case "log.level":
			inFile, inEnv, want = "warn", "debug", "debug"
		case "log.format":
			inFile, inEnv, want = "console", "json", "Format:json"
		case "language":
			inFile, inEnv, want = "zh", "en", "Language:en"
		case "sweep":
			inFile, inEnv, want = "01:00", "23:59", "23:59"
		case "standby.beat": // more than a third of standby.takeover is a mistake
			inFile, inEnv, want = "700ms", "300ms", "300ms"
		case "store":
			inFile, inEnv, want = "a.db", "/b.db", "/b.db"
		}
		t.Run(key, func(t *testing.T) {
			env := map[string]string{envName(key): inEnv}
			standard, file, both, env2 := shown(t, "", nil), shown(t, nest(key, inFile), nil), shown(t, nest(key, inFile), env), shown(t, "", env)
			if file == standard || both == file || both != env2 || !strings.Contains(both, want) {
				t.Errorf("want %s\ndefault %s\nfile    %s\nboth    %s\nenv     %s", want, standard, file, both, env2)
			}
		})
	}
}

// shown loads the settings and prints them with their secrets, but without the place where they lie.
func shown(t *testing.T, text string, env map[string]string) string {
	t.Helper()
	s, err := load(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	s.Store = StoreAddress(strings.TrimPrefix(s.Store.Reveal(), s.base))
	s.base, s.file = "", ""
	return reveal(s)
}

// nest writes a.b.c: value as YAML.
func nest(key, value string) string {
	var b strings.Builder
	parts := strings.Split(key, ".")
	for i, p := range parts {
		fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), p)
		if i < len(parts)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + value + "\n"
}

// reveal prints everything, the secrets too.
func reveal(s *Settings) string {
	return fmt.Sprintf("%+v %s %s %s %s %s %s %v", *s, s.Store.Reveal(), s.Odoo.Password.Reveal(), s.DingTalk.AppSecret.Reveal(), s.DingTalk.Callback.Token.Reveal(),
		s.DingTalk.Callback.AESKey.Reveal(), s.HTTP.Token.Reveal(), s.Sweep)
}

func TestComplaints(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // parts of the error
	}{
		"unknown key":             {"odoo:\n  url: http://x\n  pasword: y\n", []string{"config.yaml:3: there is no setting odoo.pasword; did you mean odoo.password?"}},
		"unknown section":         {"redis:\n  url: x\n", []string{"config.yaml:1: there is no setting redis"}},
		"several at once":         {"stor: x\nodoo: {ur: y}\n", []string{"config.yaml:1: there is no setting stor; did you mean store?", "config.yaml:2: there is no setting odoo.ur"}},
		"twice":                   {"poll: 5s\npoll: 6s\n", []string{"config.yaml:2:", "poll"}},
		"section without keys":    {"odoo: http://x\n", []string{"config.yaml:1:", "odoo"}},
		"a list":                  {"- odoo\n", []string{"config.yaml:1:"}},
		"no YAML":                 {"odoo: [\n", []string{"config.yaml"}},
		"number without unit":     {"\npoll: 5\n", []string{"config.yaml:2:", "5 has no unit"}},
		"no duration":             {"poll: soon\n", []string{"config.yaml:1:", "poll", "soon"}},
		"zero duration":           {"odoo:\n  timeout: 0s\n", []string{"config.yaml:2: odoo.timeout: must be longer than 0"}},
		"no number":               {"odoo:\n  parallel: many\n", []string{"config.yaml:2:", "odoo.parallel"}},
		"out of range":            {"odoo:\n  parallel: 0\n", []string{"config.yaml:2: odoo.parallel: 0 is not between 1 and 64"}},
		"bad mode":                {"dingtalk:\n  mode: websocket\n", []string{`config.yaml:2: dingtalk.mode: "websocket" is none of stream, callback, off`}},
		"bad level":               {"log: {level: loud}\n", []string{`config.yaml:1: log.level: "loud"`}},
		"bad format":              {"log: {format: xml}\n", []string{`log.format: "xml"`}},
		"bad language":            {"language: de\n", []string{`language: "de" is none of en, zh`}},
		"bad zone":                {"dingtalk: {zone: Shanghai}\n", []string{`dingtalk.zone: "Shanghai"`}},
		"bad time":                {"sweep: 25:00\n", []string{"config.yaml:1:", "25:00"}},
		"bad address":             {"odoo: {url: odoo.example.com}\n", []string{"config.yaml:1: odoo.url: not an address"}},
		"password in the address": {"odoo: {url: 'http://me:hunter2@x'}\n", []string{"config.yaml:1: odoo.url: credentials"}},
		"bad web address":         {"odoo: {web_url: erp.example.com}\n", []string{"config.yaml:1: odoo.web_url: not an address"}},
		"no agent":                {"dingtalk:\n  agent_id: ding123\n", []string{`config.yaml:2:`, `"ding123" is no AgentId`}},
		"negative agent":          {"dingtalk: {agent_id: -1}\n", []string{`"-1" is no AgentId`}},
		"bad aes key":             {"dingtalk: {callback: {aes_key: hunter2}}\n", []string{"must have 43 characters"}},
		"bad callback address":    {"dingtalk: {callback: {url: /dingtalk/callback}}\n", []string{"config.yaml:1: dingtalk.callback.url: not an address"}},
		"password in a callback":  {"dingtalk: {callback: {url: 'http://me:hunter2@x'}}\n", []string{"config.yaml:1: dingtalk.callback.url: credentials"}},
		"negative rhythm":         {"dingtalk: {callback: {failed_every: -1m}}\n", []string{"config.yaml:1: dingtalk.callback.failed_every: cannot be negative"}},
		"secret is a list":        {"odoo:\n  password: [hunter2]\n", []string{"config.yaml:2: odoo.password must be a text"}},
		"both forms":              {"odoo:\n  password: hunter2\n  password_file: x\n", []string{"config.yaml:3: odoo.password and odoo.password_file: only one"}},
		"no such secret file":     {"odoo:\n  password_file: nowhere\n", []string{"config.yaml:2: odoo.password_file", "no such file"}},
		"negative days":           {"retention: {inbox_days: -1}\n", []string{"retention"}},
		"empty store":             {"store: ''\n", []string{"config.yaml:1: store"}},
		"bad store address":       {"store: 'postgres://me:hunter2@x:port/d'\n", []string{"config.yaml:1: store: not an address such as postgres://"}},
		"bad store parameter":     {"store: 'postgres://me@x/d?password=hunter2&sslmode=hunter2'\n", []string{"config.yaml:1: store: not an address"}},
		"takeover too early":      {"standby: {beat: 2s}\n", []string{"standby.takeover: must be at least three times standby.beat"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.text, nil)
			if err == nil {
				t.Fatal("no complaint")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is in: %v", err)
			}
		})
	}
	if _, err := loadSettings(filepath.Join(t.TempDir(), "none.yaml"), noEnv); err == nil {
		t.Error("a missing file is no complaint")
	}
	if _, err := load(t, "", map[string]string{"DINGBRIDGE_POLL": "fast"}); err == nil || !strings.Contains(err.Error(), "poll") {
		t.Errorf("a bad environment: %v", err)
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "odoo:\n", "odoo: {password: }\n"} {
		if s, err := load(t, text, nil); err != nil || s.Odoo.Parallel != 4 || s.Odoo.Password != "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTextsStayAsWritten(t *testing.T) {
	s, err := load(t, "odoo: {password: 0123, database: 1e3, login: no}\ndingtalk: {robot_code: 0077, app_secret: 12345678901234567890}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := []string{s.Odoo.Password.Reveal(), s.Odoo.Database, s.Odoo.Login, s.DingTalk.RobotCode, s.DingTalk.AppSecret.Reveal()}; !slices.Equal(got,
		[]string{"0123", "1e3", "no", "0077", "12345678901234567890"}) {
		t.Errorf("%q", got)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("config.yaml", "odoo: {password_file: password}\nhttp: {token: inline}\n")
	write("password", "from the file \r\n")
	other := write("other", "from the environment's file\n")
	get := func(env map[string]string) (*Settings, error) {
		return loadSettings(config, func(name string) string { return env[name] })
	}
	s, err := get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Odoo.Password.Reveal() != "from the file " || s.HTTP.Token.Reveal() != "inline" {
		t.Errorf("%q %q", s.Odoo.Password.Reveal(), s.HTTP.Token.Reveal())
	}
	for _, key := range secretKeys {
		s, err := get(map[string]string{envName(key): strings.Repeat("v", 43)})
		if err != nil || !strings.Contains(reveal(s), strings.Repeat("v", 43)) {
			t.Errorf("%s from the environment: %v", key, err)
		}
		if key == "dingtalk.callback.aes_key" {
			continue // another length
		}
		if s, err = get(map[string]string{envName(key + "_file"): other}); err != nil || !strings.Contains(reveal(s), "from the environment's file") {
			t.Errorf("%s_file from the environment: %v", key, err)
		}
	}
	for name, env := range map[string]map[string]string{
		"both":     {"DINGBRIDGE_ODOO_PASSWORD": "hunter2", "DINGBRIDGE_ODOO_PASSWORD_FILE": other},
		"empty":    {"DINGBRIDGE_ODOO_PASSWORD_FILE": write("empty", "\n")},
		"too long": {"DINGBRIDGE_ODOO_PASSWORD_FILE": write("long", strings.Repeat("hunter2", secretBytes))},
	} {
		if _, err := get(env); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissing(t *testing.T) {
	s, err := load(t, "odoo: {database: d, password: p}\ndingtalk: {app_key: k, app_secret: s, mode: callback}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	missing := s.Missing()
	for _, want := range []string{"dingtalk.callback.token", "DINGBRIDGE_DINGTALK_CALLBACK_AES_KEY_FILE"} {
		if missing == nil || !strings.Contains(missing.Error(), want) {
			t.Errorf("%s: %v", want, missing)
		}
	}
	if strings.Contains(missing.Error(), "odoo") {
		t.Error(missing)
	}
}

func TestPaths(t *testing.T) {
	s, err := load(t, "store: state/x.db\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Store.Reveal() != filepath.Join(s.base, "state", "x.db") || !filepath.IsAbs(s.base) {
		t.Errorf("%s in %s", s.Store, s.base)
	}
	if s, err = load(t, "store: /var/x.db\n", nil); err != nil || s.Store != "/var/x.db" {
		t.Errorf("%s, %v", s.Store, err)
	}
}

func TestStoreAddressPrintsNoPassword(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://bridge:hunter2@db.example.com:5433/state?sslmode=disable": "postgres://bridge@db.example.com:5433/state",
		"postgresql://db/state?user=bridge&password=hunter2":                  "postgresql://db/state",
		"postgres://bridge:hunter2@[::1/state":                                "postgres://<secret>",
		"/var/lib/dingbridge/state.db":                                        "/var/lib/dingbridge/state.db",
	} {
		a := StoreAddress(address)
		text, err := a.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("%q, %v", text, err)
		}
		for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x"} {
			if got := fmt.Sprintf(verb, a); got != want {
				t.Errorf("%s: %q", verb, got)
			}
		}
	}
}

func TestStoreAddressFromAFile(t *testing.T) {
	secret := file(t, "store.url", "postgres://bridge:hunter2@db/state\n")
	s, err := load(t, "store_file: "+secret+"\n", nil)
	if err != nil || s.Store.Reveal() != "postgres://bridge:hunter2@db/state" {
		t.Fatalf("%q, %v", s.Store.Reveal(), err)
	}
	if printed := fmt.Sprintf("%+v", *s); strings.Contains(printed, "hunter2") {
		t.Error(printed)
	}
	if _, err := load(t, "store: x.db\nstore_file: "+secret+"\n", nil); err == nil || !strings.Contains(err.Error(), "only one") {
		t.Errorf("both forms: %v", err)
	}
}

func TestMappingSources(t *testing.T) {
	s, err := load(t, "mappings: [employees, 'more/*.yaml', more/b.yaml, employees]\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.base, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b.yaml", "a.yaml", "c.txt"} {
		if err := os.WriteFile(filepath.Join(s.base, "more", name), []byte("mapping: "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := s.MappingSources()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, source := range sources {
		names = append(names, filepath.Base(source.File))
		if len(source.Data) == 0 {
			t.Errorf("%s is empty", source.File)
		}
	}
	if len(names) != 3 || !strings.Contains(names[0], "employees") || names[1] != "a.yaml" || names[2] != "b.yaml" {
		t.Errorf("%q", names)
	}
	s.Mappings = []string{"employes", "none/*.yaml", "[.yaml"}
	_, err = s.MappingSources()
	for _, want := range []string{`no preset "employes"`, "departments, employees", "none/*.yaml", "[.yaml"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestSecretPrints(t *testing.T) {
	s := Settings{Odoo: OdooSettings{Password: "hunter2"}}
	js, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, s.Odoo.Password) + fmt.Sprintf(verb, &s.Odoo)
	}
	if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret is in: %s", out)
	}
	if !strings.Contains(out, "<secret>") || s.Odoo.Password.Reveal() != "hunter2" {
		t.Error("the secret is not marked")
	}
}

func TestTimeOfDay(t *testing.T) {
	var at TimeOfDay
	if err := at.UnmarshalText([]byte("02:10")); err != nil || time.Duration(at) != 2*time.Hour+10*time.Minute || at.String() != "02:10" {
		t.Errorf("%s, %v", at, err)
	}
	for _, bad := range []string{"", "2", "24:00", "02:60", "02:10:00", "-1:00"} {
		if err := at.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a time of day", bad)
		}
	}
}
