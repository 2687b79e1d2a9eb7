package httpkit

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// logBuffer is a log that tests read while the server writes.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// site is a running server.
type site struct {
	*httptest.Server
	log *logBuffer
}

// newSite serves what build makes of a kit, below Observe.
func newSite(t *testing.T, opt Options, build func(k *Kit) http.Handler) *site {
	t.Helper()
	s := &site{log: &logBuffer{}}
	opt.Log = slog.New(NewLogHandler(s.log, "json", slog.LevelDebug))
	k := New(opt)
	s.Server = httptest.NewServer(k.Observe(build(k)))
	t.Cleanup(s.Close)
	return s
}

// routes serves a table of routes as an API.
func routes(list ...Route) func(k *Kit) http.Handler {
	return func(k *Kit) http.Handler { return k.API(FlatError, k.LimitIP(k.Router("/api/v1", list))) }
}

// call is one request and what must come of it.
type call struct {
	name    string
	method  string // "" means GET
	path    string
	headers map[string]string
	body    string

	status int // 0 means 200
	want   string
	header map[string]string // "" means absent
}

// plainClient follows no redirect and adds no Accept-Encoding.
var plainClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (s *site) send(t *testing.T, c call) (*http.Response, string) {
	t.Helper()
	method := c.method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	res, err := plainClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// check sends the request and compares.
func (s *site) check(t *testing.T, c call) {
	t.Helper()
	res, body := s.send(t, c)
	if want := max(c.status, 0); want == 0 && res.StatusCode != 200 || want != 0 && res.StatusCode != want {
		t.Errorf("status %d, want %d: %s", res.StatusCode, want, body)
	}
	if !strings.Contains(body, c.want) {
		t.Errorf("body %s, want %s in it", body, c.want)
	}
	for name, want := range c.header {
		if got := strings.Join(res.Header.Values(name), " | "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// failureOf reads the flat body.
func failureOf(t *testing.T, body string) flatBody {
	t.Helper()
	var f flatBody
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

// echo answers with what it was asked.
func echo(name string) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return JSON(w, map[string]string{"route": name, "id": r.PathValue("id"), "method": r.Method})
	}
}

func slogTo(w io.Writer) *slog.Logger { return slog.New(NewLogHandler(w, "text", slog.LevelInfo)) }

// sink is an answer nobody reads, for benchmarks.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
