package apisync_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// world is a journal over a log of its own.
type world struct {
	testing.TB
	file    string
	log     *store.SyncLog
	journal *apisync.Journal
	now     time.Time
	state   *apisync.State
	config  *apisync.Compiled
	stop    func()
}

func newWorld(t testing.TB, target testdb.Target, change func(*apisync.JournalOptions)) *world {
	t.Helper()
	w := &world{TB: t, now: time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC), file: filepath.Join(target.Dir, "sync_log.db")}
	var err error
	if target.Dir != "" {
		w.log, err = store.OpenSyncLogSQLite(t.Context(), w.file, store.Options{})
	} else {
		w.log, err = store.OpenSyncLogPostgres(t.Context(), target.DSN, "log", store.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.log.Close(); err != nil {
			t.Error(err)
		}
	})
	sealer, err := apisync.NewSealer(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w.state = &apisync.State{Settings: &apisync.Settings{
		MaskKeys: []string{"password"}, Secrets: map[string]apisync.Secret{"s": {Sealed: sealer.Seal(planted, "0 secret s")}},
	}}
	w.config = &apisync.Compiled{Config: &apisync.Config{Code: "goods", LogBodies: "all", Endpoint: apisync.Endpoint{Endpoint: "g"}}, State: w.state}
	o := apisync.JournalOptions{
		Store: w.log, Sealer: sealer, Metrics: apisync.NewMetrics(), Now: func() time.Time { return w.now },
	}
	if change != nil {
		change(&o)
	}
	w.journal = apisync.NewJournal(o)
	return w
}

const planted = "the-stored-secret"

// run starts the journal; stop ends it.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.journal.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
		w.stop = func() {}
	}
	w.Cleanup(func() { w.stop() })
}

func (w *world) exchanged(method string, status int, body string) *apisync.Exchanged {
	e := &apisync.Exchanged{
		LogEntry: apisync.LogEntry{
			Time: w.now, Direction: apisync.DirectionIn, Config: "goods", Method: method, URL: "/bj_api_sync/v1/g?x=1", Endpoint: "g",
			Status: status, Outcome: apisync.OutcomeSuccess, Duration: 3,
		},
		State: w.state, Config: w.config, Request: []byte(body), Response: []byte("answer to " + body), Admitted: true,
		RequestHeader: map[string][]string{"Authorization": {"Bearer the-own-token"}, "X-Request-Id": {"r"}},
	}
	if status >= 400 {
		e.Outcome = apisync.OutcomeError
	}
	return e
}

func (w *world) entries() []apisync.LogEntry {
	w.Helper()
	list, err := w.journal.Entries(w.Context(), apisync.LogFilter{Limit: 100_000, Bodies: true})
	if err != nil {
		w.Fatal(err)
	}
	return list
}

func (w *world) one(e *apisync.Exchanged) apisync.LogEntry {
	w.Helper()
	id := w.journal.Add(e)
	if err := w.journal.Flush(w.Context()); err != nil {
		w.Fatal(err)
	}
	got, err := w.journal.Entry(w.Context(), id)
	if err != nil || got == nil {
		w.Fatalf("entry: %v, %v", got, err)
	}
	return *got
}

func TestJournalBodies(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		w.run()
		later := w.now.Add(time.Hour)
		long := strings.Repeat("x", 20<<10)
		tests := []struct {
			name, method string
			status       int
			bodies       string
			debug        *time.Time
			body         string
			want         int // bytes of the request's body
			truncated    bool
			replayable   bool
		}{
			{"a successful GET", "GET", 200, "all", nil, "b", 0, false, false},
			{"a GET that fails", "GET", 500, "all", nil, "b", 1, false, false},
			{"a write", "POST", 201, "all", nil, "b", 1, false, true},
			{"a long write", "PUT", 200, "all", nil, long, 16 << 10, true, true},
			{"a long write while debugging", "PUT", 200, "all", &later, long, 20 << 10, false, true},
			{"a longer write than is kept", "PUT", 200, "all", &later, long + long + long + long, 64 << 10, true, false},
			{"a write where errors are wanted", "POST", 201, "errors", nil, "b", 0, false, false},
			{"an error where errors are wanted", "POST", 400, "errors", nil, "b", 1, false, true},
			{"an error where nothing is wanted", "POST", 400, "none", nil, "b", 0, false, false},
		}
		for _, test := range tests {
			w.config.LogBodies, w.config.DebugUntil = test.bodies, test.debug
			got := w.one(w.exchanged(test.method, test.status, test.body))
			if len(got.RequestBody) != test.want || got.RequestTruncated != test.truncated || got.Replayable != test.replayable {
				t.Errorf("%s: %d bytes, truncated %v, replayable %v", test.name, len(got.RequestBody), got.RequestTruncated, got.Replayable)
			}
			if (got.ResponseBody != "") != (test.want > 0) {
				t.Errorf("%s: the answer is %.20q", test.name, got.ResponseBody)
			}
		}
		w.config.LogBodies = "all"
		e := w.exchanged("POST", 401, "b")
		e.Admitted = false
		if got := w.one(e); got.Replayable {
			t.Error("a stranger's request can be replayed")
		}
	})
}

func TestJournalReplay(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	w.run()
	e := w.exchanged("POST", 201, "line\nanother "+planted)
	e.PathID = "7"
	got := w.one(e)
	entry, raw, err := w.journal.Raw(t.Context(), got.ID)
	if err != nil || entry.Endpoint != "g" || raw.Method != "POST" || raw.PathID != "7" || raw.Query != "x=1" ||
		string(raw.Body) != "line\nanother "+planted || raw.Headers["X-Request-Id"] == nil || raw.Headers["Authorization"] != nil {
		t.Errorf("raw %+v, %v", raw, err)
	}
	got = w.one(w.exchanged("GET", 200, ""))
	if _, _, err := w.journal.Raw(t.Context(), got.ID); !fault.Is(err, fault.ReplayUnavailable) {
		t.Errorf("raw of a GET: %v", err)
	}
}

// TestJournalNothingPlain looks for secrets in the files of the log.
func TestJournalNothingPlain(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	w.run()
	got := w.one(w.exchanged("POST", 400, `{"a":"`+planted+`","b":"the-own-token","password":"the-password"}`))
	if want := `{"a":"***","b":"***","password":"***"}`; got.RequestBody != want || got.ResponseBody != "answer to "+want {
		t.Errorf("stored %s, %s", got.RequestBody, got.ResponseBody)
	}
	w.stop()
	if err := w.log.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{planted, "the-own-token", "the-password"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the file has %s", secret)
		}
	}
	if !bytes.Contains(data, []byte("answer to ")) {
		t.Error("the file has no bodies: the test looks at the wrong one")
	}
}

func TestJournalBounds(t *testing.T) {
	t.Run("bytes", func(t *testing.T) {
		w := newWorld(t, testdb.SQLite(t), func(o *apisync.JournalOptions) { o.MaxBytes = 100_000 })
		for range 20 { // nobody writes yet
			w.journal.Add(w.exchanged("POST", 201, strings.Repeat("b", 5000)))
		}
		bodies, entries := w.journal.Dropped()
		if bodies == 0 || entries != 0 {
			t.Errorf("dropped %d bodies, %d entries", bodies, entries)
		}
		for range 100 {
			w.journal.Add(w.exchanged("GET", 200, ""))
		}
		_, entries = w.journal.Dropped()
		if entries == 0 {
			t.Error("no entries were dropped")
		}
		w.run()
		w.stop()
		list := w.entries()
		without := int64(0)
		for _, e := range list {
			if e.Method == "POST" && e.RequestBody == "" {
				without++
				if !e.RequestTruncated || e.Replayable {
					t.Errorf("%+v", e)
				}
			}
		}
		if int64(len(list)) != 120-entries || without != bodies {
			t.Errorf("%d entries, %d without bodies; dropped %d and %d", len(list), without, entries, bodies)
		}
		w.run() // what was written makes room again
		if got := w.one(w.exchanged("POST", 201, "b")); got.RequestBody != "b" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("entries", func(t *testing.T) {
		w := newWorld(t, testdb.SQLite(t), func(o *apisync.JournalOptions) { o.MaxEntries = 10 })
		for range 25 {
			w.journal.Add(w.exchanged("POST", 201, "b"))
		}
		if bodies, entries := w.journal.Dropped(); bodies != 0 || entries != 15 {
			t.Errorf("dropped %d bodies, %d entries", bodies, entries)
		}
		var text strings.Builder
		if err := w.journal.WriteMetrics(&text); err != nil || !strings.Contains(text.String(), `sync_log_dropped_total{what="entries"} 15`) {
			t.Errorf("%s, %v", text.String(), err)
		}
		w.run()
		w.stop()
		if n := len(w.entries()); n != 10 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("no store", func(t *testing.T) {
		w := newWorld(t, testdb.SQLite(t), func(o *apisync.JournalOptions) { o.Store = nil })
		w.run()
		w.journal.Add(w.exchanged("POST", 201, "b"))
		if _, entries := w.journal.Dropped(); entries != 1 || len(w.entries()) != 0 {
			t.Errorf("dropped %d", entries)
		}
	})
	t.Run("a store that fails", func(t *testing.T) {
		w := newWorld(t, testdb.SQLite(t), nil)
		if err := w.log.Close(); err != nil {
			t.Fatal(err)
		}
		w.run()
		w.journal.Add(w.exchanged("POST", 201, "b"))
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, entries := w.journal.Dropped(); entries != 1 {
			t.Errorf("dropped %d", entries)
		}
	})
}

func TestJournalDrains(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		w.run()
		for range 1234 {
			w.journal.Add(w.exchanged("POST", 201, "b"))
		}
		w.stop()
		list := w.entries()
		if len(list) != 1234 {
			t.Errorf("%d entries", len(list))
		}
		if !slices.IsSortedFunc(list, func(a, b apisync.LogEntry) int { return bytes.Compare(b.ID[:], a.ID[:]) }) {
			t.Error("the ids do not descend")
		}
		if list[0].ID.Version() != 7 || list[0].ID.Variant().String() != "RFC4122" {
			t.Errorf("the id %s is version %d, variant %s", list[0].ID, list[0].ID.Version(), list[0].ID.Variant())
		}
	})
}

// TestJournalKeepsItsBounds lets the writer itself keep the log small.
func TestJournalKeepsItsBounds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		w.state.Settings.Log = apisync.LogSettings{MaxRows: 1500}
		w.run()
		for range 3 {
			for range 1100 {
				w.journal.Add(w.exchanged("GET", 200, ""))
			}
			if err := w.journal.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(w.entries()); n > 2500 || n < 1500 {
			t.Errorf("%d entries", n)
		}
	})
}

func TestJournalUpkeep(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target, nil)
		w.run()
		ages := []int{0, 13, 14, 15, 29, 30, 31, 60, 89, 90, 91} // days
		for _, days := range ages {
			for _, status := range []int{200, 400} {
				e := w.exchanged("POST", status, "b")
				e.Time = w.now.AddDate(0, 0, -days)
				w.journal.Add(e)
			}
		}
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := w.journal.Upkeep(t.Context(), apisync.LogSettings{SuccessDays: 30, ErrorDays: 90, BodyDays: 14})
		if err != nil || n != 5+1 {
			t.Errorf("removed %d, %v", n, err)
		}
		for _, e := range w.entries() {
			days := int(w.now.Sub(e.Time).Hours() / 24)
			if e.Outcome == apisync.OutcomeSuccess && days > 30 || days > 90 || (e.RequestBody != "") != (days <= 14) || e.Replayable != (days <= 14) {
				t.Errorf("after %d days: %s, body %q", days, e.Outcome, e.RequestBody)
			}
		}
	})
}

func TestJournalErase(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	w.run()
	e := w.exchanged("POST", 201, "of Ivan")
	e.Catalog, e.Records = 31, []int64{7}
	w.journal.Add(e)
	w.journal.Add(w.exchanged("POST", 201, "of others"))
	n, err := w.journal.Erase(t.Context(), 31, 7, nil) // it waits still
	if list := w.entries(); err != nil || n != 1 || len(list) != 1 || list[0].RequestBody != "of others" {
		t.Errorf("erased %d, %v, left %+v", n, err, list)
	}
}

func TestJournalExport(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	w.run()
	for i := range 250 {
		e := w.exchanged("POST", 201, fmt.Sprintf("b%d", i))
		e.ErrorMessage, e.Records = "=1+1", []int64{int64(i), 7}
		w.journal.Add(e)
	}
	w.stop()
	var b bytes.Buffer
	if err := w.journal.Export(t.Context(), apisync.LogFilter{Method: "POST"}, "ndjson", &b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	var e apisync.LogEntry
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || len(lines) != 250 || e.RequestBody != "b0" {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
	b.Reset()
	if err := w.journal.Export(t.Context(), apisync.LogFilter{}, "csv", &b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 251 || rows[0][0] != "id" || !slices.Contains(rows[1], "'=1+1") || !slices.Contains(rows[1], "249 7") {
		t.Errorf("%d rows, %v, %v", len(rows), rows[:2], err)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, testdb.SQLite(t), nil)
	m := apisync.NewMetrics()
	w.journal = apisync.NewJournal(apisync.JournalOptions{Metrics: m})
	w.journal.Add(w.exchanged("POST", 201, ""))
	w.journal.Add(w.exchanged("POST", 201, ""))
	e := w.exchanged("BREW", 404, "")
	e.Config, e.Endpoint, e.Duration = nil, "made up", 60_000
	w.journal.Add(e)
	for i := range 1000 {
		e := w.exchanged("GET", 200, "")
		e.Config = &apisync.Compiled{Config: &apisync.Config{Endpoint: apisync.Endpoint{Endpoint: fmt.Sprintf("e\"%d", i)}}}
		w.journal.Add(e)
	}
	m.Limited("ip")
	m.Script(30*time.Millisecond, true)
	var b strings.Builder
	if err := w.journal.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`sync_requests_total{endpoint="g",method="POST",status="201"} 2`,
		`sync_requests_total{endpoint="",method="other",status="404"} 1`,
		`sync_requests_total{endpoint="e\"7",method="GET",status="200"} 1`,
		`sync_requests_total{endpoint="other",method="GET",status="200"} 502`,
		`sync_request_seconds_bucket{le="0.005"} 1002`,
		`sync_request_seconds_bucket{le="30"} 1002`,
		`sync_request_seconds_bucket{le="+Inf"} 1003`,
		`sync_request_seconds_count 1003`,
		`sync_rate_limited_total{scope="ip"} 1`,
		`sync_script_seconds_bucket{le="0.025"} 0`,
		`sync_script_seconds_bucket{le="0.05"} 1`,
		`sync_script_errors_total 1`,
		`sync_log_dropped_total{what="bodies"} 0`,
	} {
		if !strings.Contains(b.String(), "\n"+line+"\n") {
			t.Errorf("no line %s in\n%.3000s", line, b.String())
		}
	}
}

// BenchmarkJournal is all that a successful GET costs the log: taken, masked and written.
func BenchmarkJournal(b *testing.B) {
	w := newWorld(b, testdb.SQLite(b), nil)
	w.run()
	for i := 0; b.Loop(); i++ {
		w.journal.Add(w.exchanged("GET", 200, ""))
		if i%9000 == 8999 {
			if err := w.journal.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	w.stop()
	if _, dropped := w.journal.Dropped(); dropped > 0 {
		b.Errorf("%d entries were dropped", dropped)
	}
}

// BenchmarkJournalAdd is the part that a request itself waits for.
func BenchmarkJournalAdd(b *testing.B) {
	w := newWorld(b, testdb.SQLite(b), func(o *apisync.JournalOptions) { o.MaxEntries = 1 })
	e := w.exchanged("GET", 200, "")
	for b.Loop() {
		one := *e
		w.journal.Add(&one)
	}
}
