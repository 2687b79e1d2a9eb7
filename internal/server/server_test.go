package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/adminapi"
	"kartoteka/internal/config"
	"kartoteka/internal/store/testdb"
)

const (
	bossLogin    = "boss@example.com"
	bossPassword = "a password of the boss"
)

// open opens the program on a fresh database.
func open(t *testing.T, target testdb.Target, env ...string) *App {
	t.Helper()
	dir := target.Dir
	if dir == "" {
		dir = t.TempDir()
	}
	env = append([]string{
		"DATA_DIR=" + dir, "DB_CONNECTION_STRING=" + target.DSN,
		"ADMIN_LOGIN=" + bossLogin, "ADMIN_PASSWORD=" + bossPassword, "LISTEN=127.0.0.1:0",
		"COOKIE_SECRET=one secret for all folders",
	}, env...)
	settings, err := config.Load(config.Sources{Env: env, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	app, err := Open(t.Context(), settings, "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return app
}

// ask makes one request; headers are pairs.
func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestByPrefix(t *testing.T) {
	says := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	handler := byPrefix{{"/api/v1", says("api")}, {"/auth", says("auth")}, {"", says("rest")}}
	for path, want := range map[string]string{
		"/api/v1": "api", "/api/v1/": "api", "/api/v1/records": "api", "/api/v1x": "rest", "/api/v11/x": "rest", "/api": "rest",
		"/auth/login": "auth", "/authors": "rest", "/": "rest", "": "rest", "*": "rest", "//auth": "rest",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, &http.Request{Method: "POST", URL: &url.URL{Path: path}})
		if got := w.Body.String(); got != want || w.Code != 200 {
			t.Errorf("%q goes to %q (%d), not %q", path, got, w.Code, want)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	handler := open(t, testdb.SQLite(t)).Handler()
	for _, path := range []string{"/nothing", "/api", "/api/v2/catalogs", "/api/v1/nothing", "/auth/nothing", "/a/../b", "//", "/healthzz"} {
		w := ask(handler, "GET", path, "", "Authorization", basic())
		var body struct {
			Code    string
			Message string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 404 || body.Code != "not_found" || body.Message == "" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w.Header().Get("X-Request-Id") == "" || w.Header().Get("Location") != "" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
}

func basic() string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(bossLogin, bossPassword)
	return r.Header.Get("Authorization")
}

func TestHealth(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		app := open(t, target)
		handler := app.Handler()
		if w := ask(handler, "GET", "/healthz", ""); w.Code != 200 || w.Body.String() != "ok\n" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
		if w := ask(handler, "GET", "/healthz", ""); w.Code != 503 {
			t.Errorf("with the database closed: %d %q", w.Code, w.Body)
		}
	})
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func TestHome(t *testing.T) {
	handler := open(t, testdb.SQLite(t)).Handler()
	t.Run("programs", func(t *testing.T) {
		for _, accept := range []string{"", "*/*", "application/json"} {
			if w := ask(handler, "GET", "/", "", "Accept", accept); w.Code != 404 || !strings.Contains(w.Body.String(), `"not_found"`) {
				t.Errorf("Accept %q: %d %s", accept, w.Code, w.Body)
			}
		}
		if w := ask(handler, "POST", "/", "{}", "Accept", browser); w.Code != 405 {
			t.Errorf("POST: %d", w.Code)
		}
	})
	t.Run("strangers", func(t *testing.T) {
		for _, cookie := range []string{"", "connect.sid=nonsense"} {
			w := ask(handler, "GET", "/", "", "Accept", browser, "Cookie", cookie)
			if w.Code != 302 || w.Header().Get("Location") != "/auth/login" {
				t.Errorf("cookie %q: %d %v", cookie, w.Code, w.Header())
			}
		}
	})
	form := url.Values{"email": {bossLogin}, "password": {bossPassword}}.Encode()
	in := ask(handler, "POST", "/auth/login", form, "Accept", browser, "Content-Type", "application/x-www-form-urlencoded")
	if in.Code != 302 || in.Header().Get("Location") != "/" {
		t.Fatalf("login: %d %v", in.Code, in.Header())
	}
	cookie, _, _ := strings.Cut(in.Header().Get("Set-Cookie"), ";")
	t.Run("signed in", func(t *testing.T) {
		for _, lang := range []string{"en", "uk", "ru"} {
			w := ask(handler, "GET", "/", "", "Accept", browser, "Cookie", cookie, "Accept-Language", lang)
			page := w.Body.String()
			for _, want := range []string{`lang="` + lang + `"`, bossLogin, "/api/v1", `action="/auth/logout"`} {
				if w.Code != 200 || !strings.Contains(page, want) {
					t.Errorf("%d, no %s in\n%s", w.Code, want, page)
				}
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
		}
	})
	t.Run("signed out", func(t *testing.T) {
		out := ask(handler, "POST", "/auth/logout", "", "Accept", browser, "Cookie", cookie, "Origin", "http://example.com")
		if out.Code != 302 || out.Header().Get("Location") != "/auth/login" {
			t.Fatalf("logout: %d %v", out.Code, out.Header())
		}
		if w := ask(handler, "GET", "/", "", "Accept", browser, "Cookie", cookie); w.Code != 302 {
			t.Errorf("the page shows afterwards: %d", w.Code)
		}
	})
}

// TestRunLeavesNothing: after Run and Close no goroutine of ours is left, and
// the folder can be opened again.
func TestRunLeavesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		before := ours()
		for range 2 {
			startAndStop(t, open(t, target))
		}
		deadline := time.Now().Add(5 * time.Second)
		for ours() > before && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if after := ours(); after > before {
			t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks())
		}
	})
}

func startAndStop(t *testing.T, app *App) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- app.Run(ctx, func(a net.Addr) { ready <- a }) }()
	select {
	case a := <-ready:
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
		resp, err := client.Get("http://" + a.String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("health is %d", resp.StatusCode)
		}
	case err := <-done:
		t.Fatalf("it ended: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(app.Settings.DataDir, adminapi.SocketName)); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// ours counts the goroutines that run our code, tests left out.
func ours() int {
	n := 0
	for one := range strings.SplitSeq(stacks(), "\n\n") {
		if strings.Contains(one, "kartoteka/internal/") && !strings.Contains(one, "testing.tRunner") {
			n++
		}
	}
	return n
}

// A company whose file is gone is not begun anew: what was lost would show only
// when somebody looks for it.
func TestLostCompany(t *testing.T) {
	target := testdb.SQLite(t)
	app := open(t, target)
	dir := app.Settings.DataDir
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, companiesDir, "1.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, lose := range map[string]func() error{
		"gone": func() error { return os.Remove(file) }, "empty": func() error { return os.Truncate(file, 0) },
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), app.Settings, "1.2.3", slog.New(slog.DiscardHandler))
		if err == nil {
			_ = again.Close()
			t.Fatalf("%s: begun anew", name)
		}
		if !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v does not name the file", name, err)
		}
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(t.Context(), app.Settings, "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestExists(t *testing.T) {
	dir := t.TempDir()
	settings, err := config.Load(config.Sources{Env: []string{"DATA_DIR=" + dir}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if Exists(settings) {
		t.Error("an empty folder has data")
	}
	if app := open(t, testdb.Target{Dir: dir}); !Exists(app.Settings) {
		t.Error("an opened folder has none")
	}
	settings.DBConnection = "postgres://somewhere"
	if !Exists(settings) {
		t.Error("a database is taken for empty unseen")
	}
}

// TestNoSocket: a folder in which no socket can be made is served all the same.
func TestNoSocket(t *testing.T) {
	app := open(t, testdb.SQLite(t))
	blocked := filepath.Join(app.Settings.DataDir, adminapi.SocketName)
	if err := os.MkdirAll(filepath.Join(blocked, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := app.Run(ctx, func(net.Addr) { stop() }); err != nil {
		t.Error(err)
	}
}
