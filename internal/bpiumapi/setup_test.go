package bpiumapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/blob"
	"kartoteka/internal/bpium"
	"kartoteka/internal/bpiumapi"
	"kartoteka/internal/catalog"
	"kartoteka/internal/hook"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/outbound"
	"kartoteka/internal/report"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
	"kartoteka/internal/stream"
)

const (
	login    = "anna@example.com"
	password = "пароль:з:двокрапками"
)

// start is when the tests' world begins.
var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// directory is the accounts as the catalogs see them.
type directory struct{ accounts *account.Service }

func (d directory) HashPassword(ctx context.Context, password string) (string, error) {
	return d.accounts.HashPassword(ctx, password)
}

func (d directory) CheckLogin(login string) error { return d.accounts.CheckLogin(login) }

func (d directory) Apply(ctx context.Context, m catalog.DirectoryMessage) (account.Standing, error) {
	return d.accounts.SetEmployee(ctx, account.Employee{
		Link: account.Link{Company: 1, Employee: int64(m.Employee)}, Name: m.Name, Login: m.Login, Password: m.PasswordHash,
	})
}

// site is a running server on a new database with one employee.
type site struct {
	*httptest.Server
	clock    *clock
	accounts *account.Service
	catalog  *catalog.Service
	hooks    *hook.Service
	log      *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (b *logBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

// template is the folder of databases of a new company; sites start with a copy,
// because making one takes long with the race detector.
var template string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bpiumapi")
	if err == nil {
		err = makeTemplate(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make the template:", err)
		os.Exit(1)
	}
	template = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func makeTemplate(dir string) error {
	s := &site{clock: &clock{now: start}}
	closing, err := s.openServices(context.Background(), testdb.Target{Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = s.catalog.Open(context.Background(), anna)
	return errors.Join(err, closing())
}

// anna is the first employee.
var anna = catalog.First{Name: "Anna", Login: login, Password: password, Section: "Main"}

// openDatabases opens those of a folder or of a PostgreSQL database.
func openDatabases(ctx context.Context, target testdb.Target, log *slog.Logger) (control *store.Control, company *store.Company, err error) {
	options := store.Options{Log: log}
	if target.Dir == "" {
		if control, err = store.OpenControlPostgres(ctx, target.DSN, 2); err != nil {
			return nil, nil, err
		}
		company, err = store.OpenPostgres(ctx, target.DSN, "company", options)
	} else {
		if control, err = store.OpenControlSQLite(ctx, filepath.Join(target.Dir, "control.db")); err != nil {
			return nil, nil, err
		}
		company, err = store.OpenSQLite(ctx, filepath.Join(target.Dir, "1.db"), options)
	}
	if err != nil {
		return nil, nil, errors.Join(err, control.Close())
	}
	return control, company, nil
}

// openServices opens the databases and what works on them.
func (s *site) openServices(ctx context.Context, target testdb.Target, log *slog.Logger) (closing func() error, err error) {
	control, company, err := openDatabases(ctx, target, log)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bpiumapi-files-")
	if err != nil {
		return nil, errors.Join(err, company.Close(), control.Close())
	}
	files, err := blob.OpenFolder(dir)
	if err != nil {
		return nil, errors.Join(err, company.Close(), control.Close())
	}
	s.accounts = account.New(control, account.Options{
		Secret: []byte("a secret of the test"), SessionTTL: 30 * 24 * time.Hour, BasicTTL: time.Minute,
		LoginLimit: account.LoginLimit{Enabled: true, Speed: 200 * time.Millisecond, MaxInterval: time.Minute, MaxAttempts: 5},
		Now:        s.clock.Now, Logger: log,
	})
	s.catalog = catalog.New(company, catalog.Options{
		Now: s.clock.Now, Log: log, Directory: directory{s.accounts}, Filters: bpium.ViewFilters{},
		FieldsMax: 300, TextMax: 256, RecordsMax: 10000, Zone: time.UTC,
		Files: catalog.FileOptions{
			Contents: files, Company: 1, Max: 1 << 20, Upload: time.Hour, Link: 24 * time.Hour,
			Signer: &blob.Signer{KeyID: "K1", Secret: []byte("secret"), LinkSecret: []byte("links"), Bucket: "storage"},
		},
	})
	client, err := outbound.New(outbound.Config{Policy: outbound.Policy{Private: true}})
	if err != nil {
		return nil, err
	}
	s.hooks = hook.New(hook.Options{Catalog: s.catalog, Jobs: company, Client: client, Now: s.clock.Now, Log: log, Owner: "test"})
	return func() error { return errors.Join(files.Close(), os.RemoveAll(dir), company.Close(), control.Close()) }, nil
}

// newSite makes a site; change may be nil.
func newSite(t testing.TB, change func(*bpiumapi.Options)) *site {
	t.Helper()
	target := testdb.SQLite(t)
	check(t, os.CopyFS(target.Dir, os.DirFS(template)))
	return newSiteOn(t, target, change)
}

// eachSite runs a test of what the databases have a part in, on both.
func eachSite(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newSite(t, nil)) })
	t.Run("postgres", func(t *testing.T) { test(t, newSiteOn(t, testdb.Postgres(t), nil)) })
}

// streams are open until the test ends.
func (s *site) streams(t testing.TB) *stream.Service {
	t.Helper()
	streams := stream.New(stream.Options{
		Catalog: s.catalog, Now: time.Now, Log: slog.New(slog.DiscardHandler), Ended: s.accounts.Ended(), Write: time.Minute, Left: httpkit.Left,
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- streams.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		check(t, <-done)
	})
	return streams
}

// newSiteOn makes a site on databases that are new, or a copy of the template.
func newSiteOn(t testing.TB, target testdb.Target, change func(*bpiumapi.Options)) *site {
	t.Helper()
	s := &site{clock: &clock{now: start}, log: &logBuffer{}}
	level := slog.LevelDebug
	if _, fast := t.(*testing.B); fast {
		level = slog.LevelWarn
	}
	log := slog.New(httpkit.NewLogHandler(s.log, "text", level))
	closing, err := s.openServices(t.Context(), target, log)
	check(t, err)
	t.Cleanup(func() { check(t, closing()) })
	_, err = s.catalog.Open(t.Context(), anna)
	check(t, err)
	kit := httpkit.New(httpkit.Options{Log: log})
	opt := bpiumapi.Options{
		Catalog: s.catalog, Report: &report.Service{Catalog: s.catalog}, Hooks: s.hooks, Streams: s.streams(t), Accounts: s.accounts, Kit: kit, BodyLimit: 10 << 20, URLLogin: true, Now: s.clock.Now,
		License: bpiumapi.License{Serial: "AAAA-BBBB-1234", Modules: []string{"*"}},
		Host:    "cards.example",
	}
	if change != nil {
		change(&opt)
	}
	api := bpiumapi.New(opt)
	handler, auth, storage := api.Handler(), api.Auth(), api.Storage()
	s.Server = httptest.NewServer(kit.Observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/auth/") {
			auth.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == "/storage" || strings.HasPrefix(r.URL.Path, "/storage/") {
			storage.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})))
	t.Cleanup(s.Close)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request as it is.
func (s *site) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := s.Client().Do(r)
	check(t, err)
	defer res.Body.Close()
	if res.Header.Get("Content-Type") == "text/event-stream" {
		return answer{res.StatusCode, res.Header, firstEvent(t, res.Body)}
	}
	body, err := io.ReadAll(res.Body)
	check(t, err)
	return answer{res.StatusCode, res.Header, string(body)}
}

// firstEvent reads a stream up to its first empty line.
func firstEvent(t testing.TB, r io.Reader) string {
	t.Helper()
	var b []byte
	for one := make([]byte, 1); !bytes.HasSuffix(b, []byte("\n\n")); {
		n, err := r.Read(one)
		b = append(b, one[:n]...)
		if err != nil {
			break // of HEAD
		}
	}
	return string(b)
}

func (s *site) request(t testing.TB, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	check(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// do makes a request as the employee.
func (s *site) do(t testing.TB, method, path, body string) answer {
	t.Helper()
	r := s.request(t, method, "/api/v1"+path, body)
	r.SetBasicAuth(login, password)
	return s.send(t, r)
}

// must is do for a request that has to succeed.
func (s *site) must(t testing.TB, method, path, body string) string {
	t.Helper()
	a := s.do(t, method, path, body)
	if a.status != http.StatusOK {
		t.Fatalf("%s %s %s: %d %s", method, path, body, a.status, a.body)
	}
	return a.body
}

// failure is the flat body of an error.
type failure struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Errors  []struct {
		FieldID string `json:"fieldId"`
		Path    string `json:"path"`
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
	RequestID string `json:"requestId"`
}

// failed reads an error's body and checks what every error has.
func (a answer) failed(t testing.TB) failure {
	t.Helper()
	var f failure
	if err := json.Unmarshal([]byte(a.body), &f); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	if f.Status != a.status || f.Code == "" || f.Message == "" || f.RequestID != a.header.Get("X-Request-Id") || f.RequestID == "" {
		t.Errorf("not a whole error body: %d %s", a.status, a.body)
	}
	return f
}

// idOf reads the member "id" of an answer.
func idOf(t testing.TB, body string) string {
	t.Helper()
	var v struct{ ID string }
	check(t, json.Unmarshal([]byte(body), &v))
	return v.ID
}
