package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones also where the system has none, such as an empty container

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.uber.org/zap/zapcore"

	"dingbridge/bridge/store"
	"dingbridge/mapping"
)

// Settings is config.yaml after defaults, environment and secret files. docs/configuration.md describes every key.
type Settings struct {
	Odoo         OdooSettings      `mapstructure:"odoo"`
	DingTalk     DingTalkSettings  `mapstructure:"dingtalk"`
	Store        StoreAddress      `mapstructure:"store"` // a path, absolute after loading, or a PostgreSQL URL
	StoreFile    string            `mapstructure:"store_file"`
	StandBy      StandBySettings   `mapstructure:"standby"`
	HTTP         HTTPSettings      `mapstructure:"http"`
	Log          LogSettings       `mapstructure:"log"`
	Mappings     []string          `mapstructure:"mappings"` // names of presets, and files; see MappingSources
	ProcessCodes ProcessCodes      `mapstructure:"process_codes"`
	Poll         time.Duration     `mapstructure:"poll"`
	Sweep        TimeOfDay         `mapstructure:"sweep"`
	Overlap      time.Duration     `mapstructure:"overlap"`
	Retention    RetentionSettings `mapstructure:"retention"`
	Language     string            `mapstructure:"language"` // en or zh

	file   string                      // the file that was read, "" for none
	base   string                      // the folder to which relative paths belong
	codeAt map[string]mapping.Position // of the process codes, where the file gives them
}

// OdooSettings say where Odoo is and who the bridge is there.
type OdooSettings struct {
	URL          string        `mapstructure:"url"`
	WebURL       string        `mapstructure:"web_url"` // as people open it; "": url
	Database     string        `mapstructure:"database"`
	Login        string        `mapstructure:"login"`
	Password     Secret        `mapstructure:"password"`
	PasswordFile string        `mapstructure:"password_file"`
	Parallel     int           `mapstructure:"parallel"`
	Timeout      time.Duration `mapstructure:"timeout"`
}

// DingTalkSettings are the app's credentials and how events come.
type DingTalkSettings struct {
	AppKey        string           `mapstructure:"app_key"`
	AppSecret     Secret           `mapstructure:"app_secret"`
	AppSecretFile string           `mapstructure:"app_secret_file"`
	CorpID        string           `mapstructure:"corp_id"`
	AgentID       AgentID          `mapstructure:"agent_id"`
	RobotCode     string           `mapstructure:"robot_code"` // "": the app key
	Webhooks      Webhooks         `mapstructure:"webhooks"`
	OAPI          string           `mapstructure:"oapi"`
	API           string           `mapstructure:"api"`
	Login         string           `mapstructure:"login"`
	Mode          string           `mapstructure:"mode"`      // stream, callback or off
	Approvals     string           `mapstructure:"approvals"` // new, or old: the processinstance API
	Callback      CallbackSettings `mapstructure:"callback"`
	QPS           float64          `mapstructure:"qps"`
	Timeout       time.Duration    `mapstructure:"timeout"`
	StaleWindow   time.Duration    `mapstructure:"stale_window"`
	Zone          string           `mapstructure:"zone"`
	Quota         QuotaSettings    `mapstructure:"quota"`
}

// QuotaSettings are the corp's monthly quotas, and what counts against them where the edition differs from the documents.
type QuotaSettings struct {
	Calls   int64    `mapstructure:"calls"`   // 0: unknown
	Pushes  int64    `mapstructure:"pushes"`  // 0: unknown
	Counted []string `mapstructure:"counted"` // API paths, beginnings of them that end in a slash, and types of events
	Free    []string `mapstructure:"free"`    // likewise
}

// CallbackSettings are the two values of the console's HTTP push, the address DingTalk calls, and how old a request may be.
type CallbackSettings struct {
	URL         string        `mapstructure:"url"` // only for registering and testing it
	Token       Secret        `mapstructure:"token"`
	TokenFile   string        `mapstructure:"token_file"`
	AESKey      Secret        `mapstructure:"aes_key"`
	AESKeyFile  string        `mapstructure:"aes_key_file"`
	Window      time.Duration `mapstructure:"window"`
	FailedEvery time.Duration `mapstructure:"failed_every"` // between two reads of the list of undelivered events; 0: by what it costs
}

// HTTPSettings say where health, metrics and the callback are served.
type HTTPSettings struct {
	Listen    string `mapstructure:"listen"`
	Token     Secret `mapstructure:"token"`
	TokenFile string `mapstructure:"token_file"`
}

// LogSettings say what is logged and how.
type LogSettings struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"` // json or console
}

// StandBySettings are the times of several daemons on one PostgreSQL store.
type StandBySettings struct {
	Beat     time.Duration `mapstructure:"beat"`     // how often the active one says that it lives
	Takeover time.Duration `mapstructure:"takeover"` // after so long without a beat another takes over
	Poll     time.Duration `mapstructure:"poll"`     // how often one that stands by looks
}

// RetentionSettings are in days; 0 keeps everything.
type RetentionSettings struct {
	HistoryDays int `mapstructure:"history_days"`
	InboxDays   int `mapstructure:"inbox_days"`
}

// envPrefix begins the name of every environment variable: odoo.url is DINGBRIDGE_ODOO_URL.
const envPrefix = "DINGBRIDGE_"

// defaults holds every key there is; a key that is missing here does not exist.
var defaults = map[string]any{
	"odoo.url": "http://127.0.0.1:8069", "odoo.web_url": "", "odoo.database": "", "odoo.login": "dingbridge", "odoo.password": "", "odoo.password_file": "",
	"odoo.parallel": 4, "odoo.timeout": time.Minute,

	"dingtalk.app_key": "", "dingtalk.app_secret": "", "dingtalk.app_secret_file": "", "dingtalk.corp_id": "", "dingtalk.agent_id": "",
	"dingtalk.robot_code": "", "dingtalk.webhooks": "",
	"dingtalk.oapi": "https://oapi.dingtalk.com", "dingtalk.api": "https://api.dingtalk.com", "dingtalk.login": "https://login.dingtalk.com",
	"dingtalk.mode": "stream", "dingtalk.approvals": "new", "dingtalk.callback.token": "", "dingtalk.callback.token_file": "", "dingtalk.callback.aes_key": "",
	"dingtalk.callback.aes_key_file": "", "dingtalk.callback.window": time.Hour,
	"dingtalk.callback.url": "", "dingtalk.callback.failed_every": time.Duration(0),
	"dingtalk.qps": 20.0, "dingtalk.timeout": 15 * time.Second, "dingtalk.stale_window": 5 * time.Second, "dingtalk.zone": "Asia/Shanghai",
	"dingtalk.quota.calls": 5000, "dingtalk.quota.pushes": 3000, "dingtalk.quota.counted": []string{}, "dingtalk.quota.free": []string{},

	"store": "dingbridge.db", "store_file": "", "standby.beat": time.Second, "standby.takeover": 5 * time.Second, "standby.poll": time.Second,
	"http.listen": "127.0.0.1:8460", "http.token": "", "http.token_file": "",
	"log.level": "info", "log.format": "json",
	"mappings": []string{"departments", "employees"}, "process_codes": "",
	"poll": 5 * time.Second, "sweep": "02:10", "overlap": 5 * time.Minute,
	"retention.history_days": 365, "retention.inbox_days": 7, "language": "en",
}

// secretKeys have a twin with _file, which names a file holding the value. The address of a PostgreSQL store holds a password.
var secretKeys = []string{"store", "odoo.password", "dingtalk.app_secret", "dingtalk.callback.token", "dingtalk.callback.aes_key", "http.token"}

// envName is the environment variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// loadSettings reads the file ("" for none), puts the environment over it and the defaults under it, and checks every value. All
// complaints come at once, with the line of the file where there is one. What only some commands need is asked by Missing.
func loadSettings(file string, getenv func(string) string) (*Settings, error) {
	s := &Settings{file: file}
	v := viper.New()
	for key, value := range defaults {
		v.SetDefault(key, value)
	}
	base, err := filepath.Abs(filepath.Dir(file)) // of "" it is the working directory
	if err != nil {
		return nil, err
	}
	s.base = base
	var lines settingLines
	if file != "" {
		if lines, err = readSettingLines(file); err != nil {
			return nil, err
		}
		v.SetConfigFile(file)
		v.SetConfigType("yaml")
		if err := v.ReadInConfig(); err != nil {
			return nil, notYAML(file, err)
		}
		for key, text := range lines.text {
			if isLeaf(key) { // the keys of webhooks are read by readWebhooks
				v.Set(key, text)
			}
		}
		if getenv(envName(processCodesKey)) == "" {
			s.codeAt = lines.codeAt
		}
	}
	for key := range defaults {
		if value := getenv(envName(key)); value != "" {
			v.Set(key, value)
		}
	}
	if err := s.readSecrets(v, lines, getenv); err != nil {
		return nil, err
	}
	if err := v.UnmarshalExact(s, viper.DecodeHook(decodeSettings)); err != nil {
		return nil, lines.explain(err)
	}
	if err := s.readWebhooks(lines, getenv); err != nil {
		return nil, err
	}
	if !s.Store.postgres() {
		s.Store = StoreAddress(s.path(s.Store.Reveal()))
	}
	return s, errors.Join(s.check(lines), checkProxies(getenv))
}

// checkProxies looks at the proxies that net/http takes from the environment: it would quote a wrong one, with its password, in every error.
func checkProxies(getenv func(string) string) error {
	var errs []error
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		proxy := getenv(name)
		if u, err := url.Parse(proxy); err == nil && u.Host != "" {
			continue
		}
		if _, err := url.Parse("http://" + proxy); err != nil { // a host and a port alone will do
			errs = append(errs, fmt.Errorf("%s: not an address such as http://proxy.example.com:3128", name))
		}
	}
	return errors.Join(errs...)
}

// decodeSettings reads texts as durations, times of day and lists.
var decodeSettings = mapstructure.ComposeDecodeHookFunc(
	decodeDuration,
	mapstructure.TextUnmarshallerHookFunc(),
	mapstructure.StringToSliceHookFunc(","),
)

// readSecrets replaces every _file key by what the file holds. The environment beats the file; both forms in one place are an error.
func (s *Settings) readSecrets(v *viper.Viper, lines settingLines, getenv func(string) string) error {
	var errs []error
	for _, key := range secretKeys {
		text, err := s.secret(key, lines, getenv)
		if err != nil {
			errs = append(errs, err)
		} else if text != "" {
			v.Set(key, text)
		}
	}
	return errors.Join(errs...)
}

// secret is the text of a secret key, or what the file holds that its _file key names; "" when neither is set.
func (s *Settings) secret(key string, lines settingLines, getenv func(string) string) (string, error) {
	twin := key + "_file"
	direct, named := getenv(envName(key)), getenv(envName(twin))
	where := fmt.Sprintf("%s and %s", envName(key), envName(twin))
	if direct == "" && named == "" {
		direct, named = lines.text[key], lines.text[twin]
		where = fmt.Sprintf("%s%s and %s", lines.at(twin), key, twin)
	}
	switch {
	case direct != "" && named != "":
		return "", fmt.Errorf("%s: only one of the two can be set", where)
	case named == "":
		return direct, nil
	}
	text, err := readSecretFile(s.path(named))
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", lines.at(twin), twin, err)
	}
	return text, nil
}

// secretBytes bounds a secret's file.
const secretBytes = 64 << 10

// readSecretFile returns the file's text without the line end an editor leaves.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Size() > secretBytes {
		return "", fmt.Errorf("%s is too long for a secret", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// path makes a relative path absolute: it belongs to the folder of the settings' file, wherever a command is started.
func (s *Settings) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.base, p)
}

// check looks at the values, not at what is missing.
func (s *Settings) check(lines settingLines) error {
	var errs []error
	complain := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s%s: %s", lines.at(key), key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			complain(key, "%q is none of %s", value, strings.Join(allowed, ", "))
		}
	}
	for key, text := range map[string]string{
		"odoo.url": s.Odoo.URL, "dingtalk.oapi": s.DingTalk.OAPI, "dingtalk.api": s.DingTalk.API, "dingtalk.login": s.DingTalk.Login,
		"dingtalk.callback.url": s.DingTalk.Callback.URL, "odoo.web_url": s.Odoo.WebURL,
	} {
		if text == "" && (key == "dingtalk.callback.url" || key == "odoo.web_url") {
			continue // few need it
		}
		// The text itself is not quoted: it may hold a password.
		if u, err := url.Parse(text); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			complain(key, "not an address such as https://odoo.example.com")
		} else if u.User != nil {
			complain(key, "credentials do not belong into the address")
		}
	}
	for key, d := range map[string]time.Duration{
		"odoo.timeout": s.Odoo.Timeout, "dingtalk.timeout": s.DingTalk.Timeout, "dingtalk.callback.window": s.DingTalk.Callback.Window,
		"dingtalk.stale_window": s.DingTalk.StaleWindow, "poll": s.Poll, "overlap": s.Overlap,
		"standby.beat": s.StandBy.Beat, "standby.takeover": s.StandBy.Takeover, "standby.poll": s.StandBy.Poll,
	} {
		if d <= 0 {
			complain(key, "must be longer than 0, such as 5s")
		}
	}
	if s.DingTalk.Callback.FailedEvery < 0 {
		complain("dingtalk.callback.failed_every", "cannot be negative; 0 means by what it costs")
	}
	if s.Odoo.Parallel < 1 || s.Odoo.Parallel > 64 {
		complain("odoo.parallel", "%d is not between 1 and 64", s.Odoo.Parallel)
	}
	if s.Store == "" {
		complain("store", "names no file")
	}
	if err := store.CheckAddress(s.Store.Reveal()); err != nil {
		complain("store", "%v", err)
	}
	if s.StandBy.Takeover < 3*s.StandBy.Beat {
		complain("standby.takeover", "must be at least three times standby.beat: one beat may be late")
	}
	if _, err := time.LoadLocation(s.DingTalk.Zone); err != nil || s.DingTalk.Zone == "" {
		complain("dingtalk.zone", "%q is no time zone such as Asia/Shanghai", s.DingTalk.Zone)
	}
	if n := len(s.DingTalk.Callback.AESKey); n != 0 && n != 43 {
		complain("dingtalk.callback.aes_key", "must have 43 characters, not %d", n)
	}
	if s.DingTalk.Quota.Calls < 0 || s.DingTalk.Quota.Pushes < 0 {
		complain("dingtalk.quota", "a quota cannot be negative; 0 means that it is not known")
	}
	if s.Retention.HistoryDays < 0 || s.Retention.InboxDays < 0 {
		complain("retention", "days cannot be negative")
	}
	oneOf("dingtalk.mode", s.DingTalk.Mode, "stream", "callback", "off")
	oneOf("dingtalk.approvals", s.DingTalk.Approvals, "new", "old")
	oneOf("log.format", s.Log.Format, "json", "console")
	oneOf("language", s.Language, "en", "zh")
	if _, err := zapcore.ParseLevel(s.Log.Level); err != nil {
		complain("log.level", "%q is none of debug, info, warn, error", s.Log.Level)
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// Missing returns nil, or one error that names every value that working with both sides needs and that has no default.
func (s *Settings) Missing() error {
	keys := []string{"odoo.database", "odoo.login", "odoo.password", "dingtalk.app_key", "dingtalk.app_secret"}
	if s.DingTalk.Mode == "callback" {
		keys = append(keys, "dingtalk.callback.token", "dingtalk.callback.aes_key")
	}
	return s.lacks(keys...)
}

// lacks returns nil, or one error that names every one of the keys that has no value.
func (s *Settings) lacks(keys ...string) error {
	values := map[string]string{
		"odoo.database": s.Odoo.Database, "odoo.login": s.Odoo.Login, "odoo.password": s.Odoo.Password.Reveal(),
		"dingtalk.app_key": s.DingTalk.AppKey, "dingtalk.app_secret": s.DingTalk.AppSecret.Reveal(), "dingtalk.corp_id": s.DingTalk.CorpID,
		"dingtalk.callback.url": s.DingTalk.Callback.URL, "dingtalk.callback.token": s.DingTalk.Callback.Token.Reveal(),
		"dingtalk.callback.aes_key": s.DingTalk.Callback.AESKey.Reveal(),
	}
	var names []string
	for _, key := range keys {
		if values[key] != "" {
			continue
		}
		name := fmt.Sprintf("%s (or %s", key, envName(key))
		if slices.Contains(secretKeys, key) {
			name += ", or " + envName(key+"_file")
		}
		names = append(names, name+")")
	}
	if len(names) == 0 {
		return nil
	}
	where := s.file
	if where == "" {
		where = "the environment"
	}
	return fmt.Errorf("%s lacks:\n  %s", where, strings.Join(names, "\n  "))
}

// Location is the zone of DingTalk dates and of the sweep.
func (s *Settings) Location() (*time.Location, error) { return time.LoadLocation(s.DingTalk.Zone) }

// mappingBytes bounds a mapping file.
const mappingBytes = 4 << 20

// MappingSources reads the mappings in their order. An entry with a dot, a slash or a * is a file or a pattern, relative to the folder of
// config.yaml; anything else is the name of a preset. A pattern that finds nothing is an error, a file found twice is read once.
func (s *Settings) MappingSources() ([]mapping.Source, error) {
	var out []mapping.Source
	var errs []error
	have := map[string]bool{}
	for _, entry := range s.Mappings {
		if !strings.ContainsAny(entry, `./\*?[`) {
			if preset, ok := mapping.Preset(entry); !ok {
				errs = append(errs, fmt.Errorf("mappings: there is no preset %q; there are %s (a file is written with its ending: %s.yaml)",
					entry, strings.Join(mapping.Presets(), ", "), entry))
			} else if !have[preset.File] {
				have[preset.File] = true
				out = append(out, preset)
			}
			continue
		}
		files, err := filepath.Glob(s.path(entry))
		if err == nil && len(files) == 0 {
			err = os.ErrNotExist
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("mappings: %s: %w", entry, err))
		}
		for _, f := range files {
			if have[f] {
				continue
			}
			have[f] = true
			source, err := readMapping(f)
			errs = append(errs, err)
			out = append(out, source)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

func readMapping(file string) (mapping.Source, error) {
	info, err := os.Stat(file)
	if err != nil {
		return mapping.Source{}, err
	}
	if info.Size() > mappingBytes {
		return mapping.Source{}, fmt.Errorf("%s is larger than %d bytes", file, mappingBytes)
	}
	data, err := os.ReadFile(file)
	return mapping.Source{File: file, Data: data}, err
}
