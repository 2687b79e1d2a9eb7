package config

import (
	"flag"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// folder makes a working folder with a config.env and other files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, src Sources) *Settings {
	t.Helper()
	s, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func row(t *testing.T, s *Settings, key string) Row {
	t.Helper()
	i := slices.IndexFunc(s.Table(), func(r Row) bool { return r.Key == key })
	if i < 0 {
		t.Fatalf("no row %s", key)
	}
	return s.Table()[i]
}

func TestNothingIsRequired(t *testing.T) {
	s := load(t, Sources{Dir: t.TempDir()})
	want := Settings{
		DataDir: "data", PortHTTP: 80, PortHTTPS: 443, AdminLogin: "admin@localhost", SessionCookieName: "connect.sid",
		SessionTTL: 30 * 24 * time.Hour, BasicCacheTTL: time.Minute, AuthURLLogin: true,
		LoginLimit: true, LoginLimitSpeed: 200 * time.Millisecond, LoginLimitMaxInterval: 5 * time.Minute,
		LimitUserRequests: 100, LimitUserPeriod: 30 * time.Second, LimitIPRequests: 1000, LimitIPPeriod: 30 * time.Second,
		APIBodyLimit: 10 << 20, RecordsLimitMax: 10000, TextMaxLength: 256, FieldsMax: 300, ReportCacheBytes: 128 << 20, ReportCacheAfter: 5 * time.Millisecond,
		DefaultLanguage: "en", LogLevel: slog.LevelInfo, LogFormat: "text",
		CompanyTimezone: time.UTC, LicenseModules: []string{"*"},
		HooksDenyPrivate: true, WebhookTimeout: 10 * time.Second,
		S3Local: true, S3Port: 2020, S3Bucket: "storage", S3Key: "kartoteka", FileMaxSize: 1 << 30, FileUploadTTL: time.Hour, FileURLTTL: 24 * time.Hour,
		ScenarioTimeout: time.Minute, EventChainLimit: 20, ProcessLimit: 100, ProcessInput: 1 << 20, ProcessResult: 10 << 10, ProcessData: 100 << 10,
	}
	got := *s
	got.rows = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults %+v", got)
	}
	if len(s.Warnings()) != 0 {
		t.Errorf("warnings %v", s.Warnings())
	}
}

func TestPrecedence(t *testing.T) {
	cases := []struct {
		name, file   string
		env          []string
		flags        map[string]string
		want, source string
	}{
		{name: "default", want: "", source: "default"},
		{name: "file", file: "HOST=file\n", want: "file", source: "config.env line 1"},
		{name: "prefixed in the file", file: "HOST=a\n\n# note\nBPIUM_HOST=b\nKARTOTEKA_HOST=c\n", want: "c", source: "config.env line 5"},
		{name: "movers' prefix over plain", env: []string{"HOST=a", "BPIUM_HOST=b"}, want: "b", source: "environment BPIUM_HOST"},
		{name: "our prefix over movers'", env: []string{"KARTOTEKA_HOST=c", "BPIUM_HOST=b", "HOST=a"}, want: "c", source: "environment KARTOTEKA_HOST"},
		{name: "plain environment over prefixed file", file: "KARTOTEKA_HOST=file\n", env: []string{"HOST=env"}, want: "env", source: "environment HOST"},
		{name: "flag over all", file: "HOST=file", env: []string{"KARTOTEKA_HOST=env"}, flags: map[string]string{"HOST": "flag"}, want: "flag", source: "flag --set"},
		{name: "empty stands for the default", env: []string{"KARTOTEKA_HOST=", "HOST=machine"}, want: "", source: "environment KARTOTEKA_HOST"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{FileName: c.file})
			s := load(t, Sources{Flags: c.flags, Env: c.env, Dir: dir})
			if r := row(t, s, "HOST"); s.Host != c.want || r.Value != c.want || r.Source != c.source {
				t.Errorf("host %q, row %+v", s.Host, r)
			}
		})
	}
}

func TestValues(t *testing.T) {
	s := load(t, Sources{Dir: t.TempDir(), Env: []string{
		"LOGIN_LIMIT_MAX_AUTH_ATTEMPTS=7", "PORT_HTTP=", "LISTEN=127.0.0.1:0", "TRUSTED_PROXIES=10.1.2.3/8, ::1,192.168.0.7",
		"CORS_ORIGINS=https://a.example, http://b.example:8080 ,", "LICENSE_UNTIL=2031-02-03", "COMPANY_TIMEZONE=Europe/Kyiv",
		"LOG_LEVEL=debug", "SESSION_TTL=5000", "DB_CONNECTION_STRING=postgres://u:p%40s@h/db?sslmode=disable", "AUTH_URL_LOGIN=0",
	}})
	if s.LoginLimitMaxAttempts != 7 || s.PortHTTP != 0 || s.Listen != "127.0.0.1:0" || s.LogLevel != slog.LevelDebug ||
		s.SessionTTL != 5*time.Second || s.AuthURLLogin || s.CompanyTimezone.String() != "Europe/Kyiv" ||
		s.LicenseUntil.Format(time.DateOnly) != "2031-02-03" {
		t.Errorf("settings %+v", s)
	}
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("192.168.0.7/32")}
	if !slices.Equal(s.TrustedProxies, networks) {
		t.Errorf("proxies %v", s.TrustedProxies)
	}
	if !slices.Equal(s.CORSOrigins, []string{"https://a.example", "http://b.example:8080"}) {
		t.Errorf("origins %v", s.CORSOrigins)
	}
	if got := row(t, s, "DB_CONNECTION_STRING").Value; strings.Contains(got, "p%40s") || !strings.Contains(got, "@h/db") {
		t.Errorf("masked connection %q", got)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	dir := folder(t, map[string]string{FileName: "PORT_HTTP=80\nnonsense with hunter22\nPORT_HTTP=81\nHTTPS=maybe\n"})
	_, err := Load(Sources{Dir: dir, Flags: map[string]string{"NO_SUCH": "1"}, Env: []string{
		"KARTOTEKA_SESSION_TTL=soon", "FIELDS_MAX=301", "LOGIN_LIMIT_MAX_AUTH_ATTEMPTS=0", "CORS_ORIGINS=*", "ADMIN_PASSWORD=pa55",
		"DEFAULT_LANGUAGE=fr", "COOKIE_SECRET=0123456789abcdef", "COOKIE_SECRET_FILE=/etc/x", "DB_CONNECTION_STRING=mysql://u:hunter23@h/d",
		"LISTEN=8080", "TRUSTED_PROXIES=10.0.0.0/99", "COMPANY_TIMEZONE=Mars/Base", "LICENSE_UNTIL=2031-02-30", "SESSION_COOKIE_NAME=a b",
		"HOST=http://x/", "S3_PORT=70000", "ADMIN_LOGIN_FILE=/does/not/exist",
	}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"config.env line 2 must be NAME=value", "line 3 sets PORT_HTTP again (first on line 1)", "HTTPS (config.env line 4) must be true or false",
		"SESSION_TTL (environment KARTOTEKA_SESSION_TTL) must be a whole number", "FIELDS_MAX", "or Infinity", "CORS_ORIGINS",
		"ADMIN_PASSWORD (environment ADMIN_PASSWORD) must have at least 6", "DEFAULT_LANGUAGE", "COOKIE_SECRET and COOKIE_SECRET_FILE are both set",
		"DB_CONNECTION_STRING", "LISTEN", "TRUSTED_PROXIES", "COMPANY_TIMEZONE", "LICENSE_UNTIL", "SESSION_COOKIE_NAME", "HOST", "S3_PORT",
		"ADMIN_LOGIN_FILE", "NO_SUCH: there is no such setting",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q", want)
		}
	}
	for _, secret := range []string{"hunter22", "hunter23", "pa55", "0123456789abcdef"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats a secret: %s", secret)
		}
	}
	if strings.Contains(err.Error(), "HTTPS_FORCE") {
		t.Error("the problem of HTTPS is reported twice")
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestTogether(t *testing.T) {
	cases := []struct {
		name string
		env  []string
		want string
	}{
		{"TLS without a certificate", []string{"HTTPS=true"}, "HTTPS_CERTIFICATE_PATH"},
		{"TLS without a port", []string{"HTTPS=true", "HTTPS_CERTIFICATE_PATH=c", "HTTPS_KEY_PATH=k", "PORT_HTTPS="}, "PORT_HTTPS"},
		{"redirect without TLS", []string{"HTTPS_FORCE=true"}, "HTTPS_FORCE"},
		{"no listener", []string{"PORT_HTTP="}, "nothing to listen on"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load(Sources{Dir: t.TempDir(), Env: c.env}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	s := load(t, Sources{Dir: t.TempDir(), Env: []string{"HTTPS=true", "HTTPS_CERTIFICATE_PATH=c", "HTTPS_KEY_PATH=k"}})
	if !s.HTTPSForce {
		t.Error("HTTPS_FORCE does not follow HTTPS")
	}
}

func TestValueFromFile(t *testing.T) {
	dir := folder(t, map[string]string{"secret": "correct horse battery\r\n"})
	s := load(t, Sources{Dir: dir, Env: []string{"KARTOTEKA_COOKIE_SECRET_FILE=" + filepath.Join(dir, "secret"), "COOKIE_SECRET="}})
	r := row(t, s, "COOKIE_SECRET")
	if s.CookieSecret != "correct horse battery" || r.Value != "***" || r.Source != "environment KARTOTEKA_COOKIE_SECRET_FILE" {
		t.Errorf("secret %q, row %+v", s.CookieSecret, r)
	}
}

func TestAliases(t *testing.T) {
	for name, want := range map[string]string{
		"NODE_TLS_REJECT_UNAUTHORIZED=0": "true", "NODE_TLS_REJECT_UNAUTHORIZED=1": "false", "HOOKS_TLS_INSECURE=true": "true",
	} {
		s := load(t, Sources{Dir: t.TempDir(), Env: []string{name}})
		if got := row(t, s, "HOOKS_TLS_INSECURE").Value; got != want {
			t.Errorf("%s gives %q", name, got)
		}
	}
	if _, err := Load(Sources{Dir: t.TempDir(), Env: []string{"SYNC_PRIVATE_NETWORKS=somewhere"}}); err == nil {
		t.Error("an alias is not checked")
	}
}

func TestWarnings(t *testing.T) {
	dir := folder(t, map[string]string{FileName: "\ufeffBPM_PORT = 2030\r\nPORT_HTP=8080\nexport LOG_FORMAT='json'\n"})
	s := load(t, Sources{Dir: dir, Env: []string{"USE_SUB_DOMAINS=true", "KARTOTEKA_HOSTT=x", "KARTOTEKA_TEST_PG=y", "PATH=/bin", "PORT_HTP=1"}})
	if s.LogFormat != "json" {
		t.Errorf("format %q", s.LogFormat)
	}
	got := strings.Join(s.Warnings(), "\n")
	for _, want := range []string{"BPM_PORT (config.env line 1) has no effect", "PORT_HTP (config.env line 2) is not a setting",
		"USE_SUB_DOMAINS (environment USE_SUB_DOMAINS) has no effect: this version", "KARTOTEKA_HOSTT"} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	if len(s.Warnings()) != 4 {
		t.Errorf("warnings %v", s.Warnings())
	}
}

func TestFlags(t *testing.T) {
	set := flag.NewFlagSet("serve", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	given := Flags(set)
	err := set.Parse([]string{"--data", "d", "--listen=:1", "--set", "HOST=h", "--set", "KARTOTEKA_FIELDS_MAX=9"})
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, Sources{Flags: given, Dir: t.TempDir(), Env: []string{"DATA_DIR=e"}})
	if s.DataDir != "d" || s.Listen != ":1" || s.Host != "h" || s.FieldsMax != 9 || row(t, s, "DATA_DIR").Source != "flag --data" {
		t.Errorf("settings %+v", s)
	}
	if err := set.Parse([]string{"--set", "HOST"}); err == nil {
		t.Error("--set without = is accepted")
	}
}

func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range table(new(Settings)) {
		for _, n := range s.names() {
			if seen[n.name] {
				t.Errorf("%s is listed twice", n.name)
			}
			seen[n.name] = true
		}
		if s.help == "" || s.effect == "" || s.value.kind == "" {
			t.Errorf("%s lacks help, effect or kind", s.key)
		}
		if s.defKey != "" && !seen[s.defKey] {
			t.Errorf("%s follows %s, which comes later", s.key, s.defKey)
		}
	}
}
