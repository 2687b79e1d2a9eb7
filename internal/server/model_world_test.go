package server

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/config"
	"kartoteka/internal/store/testdb"
)

const (
	modelLogin    = "model@example.com"
	modelPassword = "a password of the model"
)

// modelClock is the time of both sides; only the steps move it.
type modelClock struct{ ms atomic.Int64 }

func (c *modelClock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// pass lets a little time go by, now and then days.
func (c *modelClock) pass(rng *rand.Rand) {
	d := time.Duration(rng.IntN(3000)) * time.Millisecond
	switch rng.IntN(20) {
	case 0:
		d = time.Duration(rng.IntN(5*24)) * time.Hour
	case 1:
		d = 0
	}
	c.ms.Add(d.Milliseconds())
}

// side is the whole program over one database.
type side struct {
	name    string
	app     *App
	handler http.Handler
	cookie  string
}

// answer is what a request got, without what may differ.
type answer struct {
	status int
	body   string
	header string
}

// entryID is the number of a history entry: alone in the answer to a comment,
// first in an entry. PostgreSQL loses those of transactions that failed.
var entryID = regexp.MustCompile(`\{"id":"\d+"(\}|,"catalogId")`)

func (a answer) withoutEntryIDs() answer {
	a.body = entryID.ReplaceAllString(a.body, `{"id":""$1`)
	return a
}

// world is one run: two programs and the model of what they must contain.
type world struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	clock modelClock
	sides []*side
	trace []string

	sections []*section
	catalogs []*cat
	users    *cat
	names    int // for distinct custom ids
	tz       int // the timezoneOffset of the request that is being made
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0))}
	w.clock.ms.Store(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixMilli())
	w.sides = []*side{w.newSide(testdb.SQLite(t)), w.newSide(testdb.Postgres(t))}
	return w
}

func (w *world) newSide(target testdb.Target) *side {
	t := w.t
	dir := target.Dir
	if dir == "" {
		dir = t.TempDir()
	}
	env := []string{
		"DATA_DIR=" + dir, "DB_CONNECTION_STRING=" + target.DSN, "ADMIN_LOGIN=" + modelLogin, "ADMIN_PASSWORD=" + modelPassword,
		"HOST=cards.example", "LIMIT_USER_MAX_REQUESTS=0", "LIMIT_IP_MAX_REQUESTS=0", "FIELDS_MAX=40", "REPORT_CACHE_AFTER=0", "HOOKS_DENY_PRIVATE=false",
	}
	settings, err := config.Load(config.Sources{Env: env, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	app, err := openAt(t.Context(), settings, "1.2.3", log, w.clock.Now)
	if err != nil {
		t.Fatalf("open on %s: %v", target.Name, err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Errorf("close %s: %v", target.Name, err)
		}
	})
	s := &side{name: target.Name, app: app, handler: app.Handler()}
	s.cookie = s.signIn(t, modelLogin)
	return s
}

// signIn gets a session, because checking a password is slow on purpose.
func (s *side) signIn(t *testing.T, login string) (cookie string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/profile/me", nil)
	r.SetBasicAuth(login, modelPassword)
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	cookie, _, _ = strings.Cut(rec.Header().Get("Set-Cookie"), ";")
	if rec.Code != http.StatusOK || cookie == "" {
		t.Fatalf("signing in on %s: %d %s", s.name, rec.Code, rec.Body)
	}
	return cookie
}

var requestID = regexp.MustCompile(`"requestId":"[^"]*"`)

// linkText is what addresses and policies of files have in them: random, and
// signed by each side with its own secret.
var linkText = regexp.MustCompile(`"(fileKey|police|signature|AWSAccessKeyId)":"[^"]*"|"(url|preview|thumbnail)":"http://[^"]*/storage/[^"]*"`)

// send makes a request with one header, which says who asks.
func (s *side) send(name, value, method, target, body string) answer {
	rec := ask(s.handler, method, target, body, name, value)
	var header []string
	for _, name := range []string{"Content-Type", "X-Total-Count", "Allow", "Cache-Control", "Set-Cookie", "Location"} {
		text := rec.Header().Get(name)
		if name == "Location" {
			text, _, _ = strings.Cut(text, "/storage/")
		}
		header = append(header, name+": "+text)
	}
	text := requestID.ReplaceAllString(rec.Body.String(), `"requestId":""`)
	return answer{rec.Code, linkText.ReplaceAllString(text, `"$1$2":""`), strings.Join(header, "\n")}
}

// do makes one request of both sides as the administrator.
func (w *world) do(method, path string, params url.Values, body any) answer {
	w.t.Helper()
	return w.exchange("", func(side int) (header, value string) { return "Cookie", w.sides[side].cookie }, method, path, params, body)
}

// exchange makes one request of both sides, which must answer alike. A failure of
// the program itself is never right. who is for the trace; by is the header by
// which a side knows who asks.
func (w *world) exchange(who string, by func(side int) (header, value string), method, path string, params url.Values, body any) answer {
	w.t.Helper()
	target := "/api/v1" + path
	if len(params) > 0 {
		target += "?" + params.Encode()
	}
	text := ""
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(raw)
	}
	w.trace = append(w.trace, method+" "+target+" "+text+who)
	var answers [2]answer
	for i, s := range w.sides {
		header, value := by(i)
		answers[i] = s.send(header, value, method, target, text)
	}
	a, b := answers[0], answers[1]
	same := a == b
	if strings.HasPrefix(path, "/histories") {
		same = a.withoutEntryIDs() == b.withoutEntryIDs()
	}
	if !same {
		w.fail("the answers differ\n%s: %d %s\n%s\n%s: %d %s\n%s",
			w.sides[0].name, a.status, a.body, a.header, w.sides[1].name, b.status, b.body, b.header)
	}
	if a.status >= 500 {
		w.fail("status %d: %s", a.status, a.body)
	}
	return a
}

// get is do for a request without a body.
func (w *world) get(path string, params url.Values) answer {
	w.t.Helper()
	return w.do(http.MethodGet, path, params, nil)
}

// expect fails the run unless the request succeeded, or was refused with 400,
// as the model says it must.
func (w *world) expect(a answer, ok bool) bool {
	w.t.Helper()
	want := http.StatusBadRequest
	if ok {
		want = http.StatusOK
	}
	if a.status != want {
		w.fail("status %d, the model expects %d: %s", a.status, want, a.body)
	}
	return ok
}

// fail ends the run with all that helps to repeat it.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	n := len(w.trace)
	last := w.trace[max(0, n-6):]
	w.t.Fatalf("seed %d, request %d (repeat with MODEL_SEED=%d MODEL_SEEDS=1): %s\nthe last requests:\n  %s\nall writes so far:\n  %s",
		w.seed, n, w.seed, fmt.Sprintf(format, args...), strings.Join(last, "\n  "), strings.Join(w.writes(), "\n  "))
}

// writes are the requests so far that may have changed something.
func (w *world) writes() []string {
	var list []string
	for _, line := range w.trace {
		if !strings.HasPrefix(line, http.MethodGet) {
			list = append(list, line)
		}
	}
	return list
}

// parse reads an answer's JSON.
func parse[T any](w *world, a answer) (v T) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		w.fail("not JSON: %v: %s", err, a.body)
	}
	return v
}
