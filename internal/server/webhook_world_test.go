package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/config"
	"kartoteka/internal/store/testdb"
)

// received is one call that a receiver got.
type received struct {
	Header http.Header
	Raw    string
	Body   struct {
		Timestamp string
		Hook      struct {
			ID, Event  string
			SequenceID int64
		}
		Payload struct {
			CatalogID, RecordID string
			Values, PrevValues  map[string]any
		}
		User struct{ ID *string }
	}
}

// receiver is an HTTP server that answers as it is told.
type receiver struct {
	*testing.T
	*httptest.Server
	calls  chan received
	mu     sync.Mutex
	answer func(n int, c received) (status int, body string) // n counts from 1
	n      int
	world  *hooked
	json   bool   // answers say that they are JSON
	after  string // Retry-After of answers, "" for none
}

func newReceiver(h *hooked) *receiver {
	r := &receiver{T: h.T, calls: make(chan received, 1000), world: h}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	h.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	c := received{Header: req.Header, Raw: string(body)}
	if err != nil || json.Unmarshal(body, &c.Body) != nil || req.Method != "POST" {
		r.Errorf("%s with %q (%v)", req.Method, body, err)
	}
	r.mu.Lock()
	r.n++
	r.world.served.Add(1)
	n, answer := r.n, r.answer
	r.mu.Unlock()
	status, text := 200, ""
	if answer != nil {
		status, text = answer(n, c)
	}
	if r.json {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	}
	if r.after != "" {
		w.Header().Set("Retry-After", r.after)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
	r.calls <- c
}

// answers tells the receiver what to answer from now on.
func (r *receiver) answers(answer func(n int, c received) (int, string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.answer = 0, answer
}

// next is the next call of a delivery, when what came of it is noted.
func (r *receiver) next() received {
	r.Helper()
	c := r.now()
	r.world.noted()
	return c
}

// now is the next call.
func (r *receiver) now() received {
	r.Helper()
	select {
	case c := <-r.calls:
		return c
	case <-time.After(20 * time.Second):
		r.Fatal("no call came")
		return received{}
	}
}

// none makes sure that no call is on its way.
func (r *receiver) none(what string) {
	r.Helper()
	select {
	case c := <-r.calls:
		r.Errorf("%s: a call came: %s", what, c.Raw)
	case <-time.After(400 * time.Millisecond):
	}
}

// hooked is a running program with a clock and a catalog that it calls webhooks of.
type hooked struct {
	*postOffice
	clock   *modelClock
	target  testdb.Target
	catalog string
	env     []string
	served  atomic.Int64 // calls that receivers got
}

func eachHooked(t *testing.T, test func(h *hooked), env ...string) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(openHooked(t, target, env...)) })
}

func openHooked(t *testing.T, target testdb.Target, env ...string) *hooked {
	t.Helper()
	if target.Dir == "" {
		target.Dir = t.TempDir()
	}
	h := &hooked{postOffice: &postOffice{T: t}, clock: &modelClock{}, target: target, env: append([]string{
		"DATA_DIR=" + target.Dir, "DB_CONNECTION_STRING=" + target.DSN, "COOKIE_SECRET=one secret for all folders", "LISTEN=127.0.0.1:0",
		"ADMIN_LOGIN=" + bossLogin, "ADMIN_PASSWORD=" + bossPassword, "HOOKS_DENY_PRIVATE=false", "LIMIT_USER_MAX_REQUESTS=0",
		"LIMIT_IP_MAX_REQUESTS=0", "BASIC_CACHE_TTL=100000000", "HOST=cards.example",
	}, env...)}
	h.clock.ms.Store(1_800_000_000_000)
	h.start()
	h.catalog = h.made("POST", "/api/v1/catalogs", `{"name":"Orders","sectionId":"3","icon":"a-1","fields":[
		{"name":"Name","type":"text"},{"name":"Sum","type":"number"},{"name":"Due","type":"date"},
		{"name":"Kind","type":"dropdown","config":{"items":[{"name":"New"},{"name":"Old"}]}},
		{"name":"Note","type":"text"}]}`)
	return h
}

// start runs the program, again after it has ended.
func (h *hooked) start() {
	h.Helper()
	settings, err := config.Load(config.Sources{Env: h.env, Dir: h.target.Dir})
	if err != nil {
		h.Fatal(err)
	}
	if h.app, err = openAt(h.Context(), settings, "1.2.3", slog.New(slog.NewTextHandler(h.Output(), nil)), h.clock.Now); err != nil {
		h.Fatal(err)
	}
	app := h.app
	h.http = app.Handler()
	ctx, cancel := context.WithCancel(context.Background())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- app.Run(ctx, func(net.Addr) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		h.Fatal(err)
	}
	h.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.Error(err)
		}
		if err := app.Close(); err != nil {
			h.Error(err)
		}
	})
	h.Cleanup(h.end)
}

// made makes a request and gives the id of what it made.
func (h *hooked) made(method, path, body string) string {
	h.Helper()
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(h.call(200, method, path, body)), &made); err != nil || made.ID == "" {
		h.Fatalf("%s: no id (%v)", path, err)
	}
	return made.ID
}

// subscribe makes a subscription to the catalog; more are other values, with a
// comma before them.
func (h *hooked) subscribe(url, events, more string) string {
	h.Helper()
	return h.made("POST", "/api/v1/catalogs/$webhooks/records", fmt.Sprintf(
		`{"values":{"$catalog":[{"catalogId":"$catalogs","recordId":%q}],"$events":[%s],"$url":%q%s}}`, h.catalog, events, url, more))
}

func (h *hooked) records() string { return "/api/v1/catalogs/" + h.catalog + "/records" }

// add makes a record of the catalog.
func (h *hooked) add(values string) string {
	h.Helper()
	return h.made("POST", h.records(), `{"values":`+values+`}`)
}

func (h *hooked) edit(id, values string) {
	h.Helper()
	h.call(200, "PATCH", h.records()+"/"+id, `{"values":`+values+`}`)
}

// hook gives the values of a subscription.
func (h *hooked) hook(id string) map[string]any {
	h.Helper()
	var record struct{ Values map[string]any }
	if err := json.Unmarshal([]byte(h.call(200, "GET", "/api/v1/catalogs/$webhooks/records/"+id, "")), &record); err != nil {
		h.Fatal(err)
	}
	return record.Values
}

// noted waits until what came of every call is noted.
func (h *hooked) noted() {
	h.Helper()
	h.eventually("what came of the calls", func() bool {
		attempts := int64(0)
		for target := range int64(12) {
			list, err := h.app.company.Jobs(h.Context(), "hook", target, 0, 1000)
			if err != nil {
				h.Fatal(err)
			}
			for _, j := range list {
				attempts += int64(j.Attempts)
			}
		}
		return attempts >= h.served.Load()
	})
}

// pass lets time go by, and deliveries be looked at.
func (h *hooked) pass(d time.Duration) {
	h.clock.ms.Add(d.Milliseconds())
	h.app.hooks.Wake()
}

// eventually waits until a condition holds.
func (h *hooked) eventually(what string, holds func() bool) {
	h.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
		h.app.hooks.Wake()
	}
	h.Fatalf("%s: never", what)
}
