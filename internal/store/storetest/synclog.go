package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"kartoteka/internal/apisync"
	"kartoteka/internal/query"
	"kartoteka/internal/store"
)

// LogOpener opens the log of one test, and after it was closed opens it again. It is
// closed with the test.
type LogOpener func(t testing.TB) *store.SyncLog

// Logging runs the promises about the log of the sync module, each on a database of its
// own that fresh makes.
func Logging(t *testing.T, fresh func(t testing.TB) LogOpener) {
	for _, p := range []struct {
		name string
		test func(*logbook)
	}{
		{"what is appended is read as it was", testLogRead},
		{"an entry that is appended twice is one", testLogTwice},
		{"pages go from the newest to the oldest without a gap", testLogPages},
		{"each filter finds what it names", testLogFilters},
		{"an entry is deleted with all that belongs to it", testLogDelete},
		{"what names a record is erased", testLogErase},
		{"old entries go, errors later than successes", testLogRetention},
		{"bodies go before their entries", testLogBodies},
		{"too many rows: the oldest successes go first", testLogRows},
		{"too many bytes: the oldest successes go first", testLogBytes},
		{"a closed log is readable again", testLogReopen},
		{"raw requests are read in pages and replaced", testLogRaw},
	} {
		t.Run(p.name, func(t *testing.T) {
			open := fresh(t)
			p.test(&logbook{T: t, open: open, log: open(t)})
		})
	}
}

// logNow is when the tests of the log take place.
var logNow = time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC)

type logbook struct {
	*testing.T
	open LogOpener
	log  *store.SyncLog
	made int
}

// entry is one of a time, with what change does to it.
func (b *logbook) entry(at time.Time, change func(*apisync.LogRecord)) apisync.LogRecord {
	b.made++
	r := apisync.LogRecord{LogEntry: apisync.LogEntry{
		ID: apisync.FirstLogID(at), Time: at, Direction: apisync.DirectionIn, Config: "goods", Model: "goods", Catalog: 31, Endpoint: "g",
		Method: "POST", URL: "/bj_api_sync/v1/g", Status: 201, Outcome: apisync.OutcomeSuccess, RequestID: fmt.Sprint("request-", b.made),
		RemoteIP: "10.0.0.1", Credential: "shop",
	}}
	r.ID[6], r.ID[8], r.ID[14], r.ID[15] = 0x70, 0x80, byte(b.made>>8), byte(b.made)
	if change != nil {
		change(&r)
	}
	return r
}

func failing(r *apisync.LogRecord) {
	r.Outcome, r.Status, r.ErrorCode = apisync.OutcomeError, 400, "VALIDATION_ERROR"
}

func bodied(r *apisync.LogRecord) {
	r.RequestBody, r.ResponseBody, r.Raw = `{"a":1}`, `{"id":1}`, "sealed"
}

func (b *logbook) append(records ...apisync.LogRecord) {
	b.Helper()
	if err := b.log.Append(b.Context(), records); err != nil {
		b.Fatalf("append: %v", err)
	}
}

// ids are the entries that a filter finds, by their request ids, newest first.
func (b *logbook) ids(f apisync.LogFilter) (ids []string) {
	b.Helper()
	if f.Limit == 0 {
		f.Limit = 1000
	}
	list, err := b.log.Entries(b.Context(), f)
	if err != nil {
		b.Fatalf("entries: %v", err)
	}
	for _, e := range list {
		ids = append(ids, e.RequestID)
	}
	return ids
}

func (b *logbook) want(f apisync.LogFilter, want ...string) {
	b.Helper()
	if got := b.ids(f); !slices.Equal(got, want) {
		b.Errorf("%+v finds %v, want %v", f, got, want)
	}
}

func (b *logbook) one(id apisync.LogID) *apisync.LogRecord {
	b.Helper()
	r, err := b.log.Entry(b.Context(), id)
	if err != nil {
		b.Fatalf("entry: %v", err)
	}
	return r
}

func (b *logbook) purge(p apisync.LogPurge, want int64) {
	b.Helper()
	got, err := b.log.Purge(b.Context(), p)
	if err != nil {
		b.Fatalf("purge: %v", err)
	}
	if got != want {
		b.Errorf("purge removed %d entries, want %d", got, want)
	}
}

func testLogRead(b *logbook) {
	full := b.entry(logNow, func(r *apisync.LogRecord) {
		bodied(r)
		r.Query, r.PathID, r.ErrorMessage, r.Line, r.ScriptTrace = "a=1", "7", "Жодного", 4, "line 1"
		r.CorrelationID, r.ReplayOf, r.Records, r.ExternalIDs, r.Action = "c", "r", []int64{7, 8}, []string{"A-1", "Ї"}, "created"
		r.User, r.Duration, r.Phases = 5, 1.5, apisync.Phases{Auth: 0.5, Script: 1}
		r.RequestHeaders = map[string][]string{"Accept": {"a", "b"}}
		r.ResponseHeaders, r.RequestTruncated, r.ResponseTruncated = map[string][]string{"Etag": {"x"}}, true, true
		r.ScriptOutput, r.Name, r.ScriptStatus, r.Details = "out", "n", "s", []byte(`{"k":[1]}`)
	})
	plain := b.entry(logNow.Add(time.Second), nil)
	b.append(full, plain)
	full.Replayable = true
	if got := b.one(full.ID); got == nil || !reflect.DeepEqual(*got, full) {
		b.Errorf("read %+v\nwant %+v", got, full)
	}
	if got := b.one(plain.ID); got == nil || !reflect.DeepEqual(*got, plain) {
		b.Errorf("read %+v\nwant %+v", got, plain)
	}
	if got := b.one(uuid.New()); got != nil {
		b.Errorf("read %+v of an id that nobody has", got)
	}
	list, err := b.log.Entries(b.Context(), apisync.LogFilter{Limit: 10})
	if err != nil || len(list) != 2 || list[1].RequestBody != "" || !list[1].Replayable || list[0].Replayable {
		b.Errorf("listed %+v, %v", list, err)
	}
	list, err = b.log.Entries(b.Context(), apisync.LogFilter{Limit: 10, Bodies: true})
	if err != nil || len(list) != 2 || list[1].RequestBody != full.RequestBody || list[1].ResponseBody != full.ResponseBody {
		b.Errorf("listed %+v, %v", list, err)
	}
}

func testLogTwice(b *logbook) {
	r := b.entry(logNow, func(r *apisync.LogRecord) { bodied(r); r.Records = []int64{7, 7} })
	b.append(r)
	b.append(r, b.entry(logNow, nil))
	if size, err := b.log.Size(b.Context()); err != nil || size.Rows != 2 {
		b.Errorf("size %+v, %v", size, err)
	}
}

func testLogPages(b *logbook) {
	var all []apisync.LogRecord
	for i := range 25 { // over two days
		all = append(all, b.entry(logNow.Add(time.Duration(i/2)*2*time.Hour), nil))
	}
	b.append(all...)
	var got []string
	f := apisync.LogFilter{Limit: 4}
	for {
		list, err := b.log.Entries(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			got = append(got, e.RequestID)
		}
		f.Before = list[len(list)-1].ID
	}
	slices.Reverse(got)
	for i, r := range all {
		if i >= len(got) || got[i] != r.RequestID {
			b.Fatalf("paged %v", got)
		}
	}
	if len(got) != len(all) {
		b.Errorf("%d entries, want %d", len(got), len(all))
	}
}

func testLogFilters(b *logbook) {
	b.append(
		b.entry(logNow, func(r *apisync.LogRecord) { r.Records, r.URL = []int64{7, 9}, "/bj_api_sync/v1/g?x=50%25_Ї" }),
		b.entry(logNow.Add(time.Hour), failing),
		b.entry(logNow.Add(2*time.Hour), func(r *apisync.LogRecord) {
			r.Config, r.Method, r.Status, r.ExternalIDs = "makers", "GET", 404, []string{"A-1", strings.Repeat("ї", 400)}
			r.Outcome, r.ErrorCode, r.ErrorMessage = apisync.OutcomeError, "NOT_FOUND", "Немає Їжака"
		}),
		b.entry(logNow.Add(3*time.Hour), func(r *apisync.LogRecord) {
			r.Direction, r.RemoteIP, r.Credential, r.Status, r.Outcome = "script", "10.0.0.2", "other", 500, apisync.OutcomePartial
			r.Records = []int64{9}
		}),
	)
	const r1, r2, r3, r4 = "request-1", "request-2", "request-3", "request-4"
	b.want(apisync.LogFilter{}, r4, r3, r2, r1)
	b.want(apisync.LogFilter{Config: "goods"}, r4, r2, r1)
	b.want(apisync.LogFilter{Direction: "script"}, r4)
	b.want(apisync.LogFilter{Outcome: apisync.OutcomeError}, r3, r2)
	b.want(apisync.LogFilter{ErrorCode: "NOT_FOUND"}, r3)
	b.want(apisync.LogFilter{Method: "GET"}, r3)
	b.want(apisync.LogFilter{RequestID: r2}, r2)
	b.want(apisync.LogFilter{Credential: "other"}, r4)
	b.want(apisync.LogFilter{RemoteIP: "10.0.0.2"}, r4)
	b.want(apisync.LogFilter{Record: 9}, r4, r1)
	b.want(apisync.LogFilter{Record: 9, Config: "goods", StatusFrom: 200, StatusTo: 299}, r1)
	b.want(apisync.LogFilter{ExternalID: "A-1"}, r3)
	b.want(apisync.LogFilter{ExternalID: strings.Repeat("ї", 400)}, r3)
	b.want(apisync.LogFilter{StatusFrom: 400, StatusTo: 499}, r3, r2)
	b.want(apisync.LogFilter{StatusFrom: 404, StatusTo: 404}, r3)
	b.want(apisync.LogFilter{Since: logNow.Add(time.Hour), Until: logNow.Add(3 * time.Hour)}, r3, r2)
	b.want(apisync.LogFilter{Text: "їЖак"}, r3)
	b.want(apisync.LogFilter{Text: "50%25_"}, r1)
	b.want(apisync.LogFilter{Text: "5_%"})
	b.want(apisync.LogFilter{Text: "BJ_API"}, r4, r3, r2, r1)
	b.want(apisync.LogFilter{Limit: 2}, r4, r3)
}

func testLogDelete(b *logbook) {
	r := b.entry(logNow, func(r *apisync.LogRecord) { bodied(r); r.Records = []int64{7} })
	b.append(r, b.entry(logNow, nil))
	for _, want := range []bool{true, false} {
		if there, err := b.log.Delete(b.Context(), r.ID); err != nil || there != want {
			b.Errorf("delete: %v, %v", there, err)
		}
	}
	b.want(apisync.LogFilter{}, "request-2")
	b.want(apisync.LogFilter{Record: 7})
	b.append(r) // nothing of it was left
	if got := b.one(r.ID); got == nil || got.Raw != "sealed" {
		b.Errorf("read %+v", got)
	}
}

func testLogErase(b *logbook) {
	with := func(c int64, records []int64, externals ...string) {
		b.append(b.entry(logNow, func(r *apisync.LogRecord) {
			bodied(r)
			r.Catalog, r.Records, r.ExternalIDs = query.Catalog(c), records, externals
		}))
	}
	with(31, []int64{7})
	with(32, []int64{7})
	with(31, []int64{8, 7})
	with(31, nil, "A-1")
	with(32, nil, "A-1")
	with(31, []int64{8}, "A-2")
	n, err := b.log.Erase(b.Context(), 31, 7, []string{"A-1"})
	if err != nil || n != 3 {
		b.Errorf("erased %d, %v", n, err)
	}
	b.want(apisync.LogFilter{}, "request-6", "request-5", "request-2")
}

const aDay = 24 * time.Hour

func testLogRetention(b *logbook) {
	for _, days := range []int{100, 95, 40, 31, 20, 0} {
		at := logNow.Add(-time.Duration(days) * aDay)
		b.append(b.entry(at, bodied), b.entry(at, failing))
	}
	p := apisync.LogPurge{SuccessBefore: logNow.Add(-30 * aDay), ErrorBefore: logNow.Add(-90 * aDay)}
	b.purge(p, 6)
	b.want(apisync.LogFilter{}, "request-12", "request-11", "request-10", "request-9", "request-8", "request-6")
	b.purge(p, 0)
	// To the moment, not to the day.
	p.SuccessBefore = logNow.Add(-20 * aDay)
	b.purge(p, 0)
	p.SuccessBefore = p.SuccessBefore.Add(time.Millisecond)
	b.purge(p, 1)
}

func testLogBodies(b *logbook) {
	old, young := b.entry(logNow.Add(-15*aDay), bodied), b.entry(logNow.Add(-14*aDay), bodied)
	b.append(old, young)
	b.purge(apisync.LogPurge{BodyBefore: logNow.Add(-14 * aDay)}, 0)
	if got := b.one(old.ID); got == nil || got.RequestBody != "" || got.ResponseBody != "" || got.Raw != "" || got.Replayable {
		b.Errorf("read %+v", got)
	}
	if got := b.one(young.ID); got == nil || got.RequestBody == "" || got.Raw == "" {
		b.Errorf("read %+v", got)
	}
}

func testLogRows(b *logbook) {
	var all []apisync.LogRecord
	for i := range 1200 { // more than a chunk
		change := failing
		if i%2 == 0 {
			change = bodied
		}
		all = append(all, b.entry(logNow.Add(time.Duration(i)*time.Minute), change))
	}
	b.append(all...)
	b.purge(apisync.LogPurge{MaxRows: 1200}, 0)
	b.purge(apisync.LogPurge{MaxRows: 1195}, 5)
	b.want(apisync.LogFilter{Until: all[13].Time}, "request-13", "request-12", "request-11", "request-10", "request-8", "request-6", "request-4", "request-2")
	b.purge(apisync.LogPurge{MaxRows: 10}, 1185)
	got := b.ids(apisync.LogFilter{})
	if len(got) != 10 || got[0] != "request-1200" || got[9] != "request-1182" {
		b.Errorf("left %v", got)
	}
}

func testLogBytes(b *logbook) {
	large := func(r *apisync.LogRecord) { r.RequestBody = strings.Repeat("x", 10_000) }
	b.append(b.entry(logNow, failing), b.entry(logNow.Add(1), large), b.entry(logNow.Add(2), large), b.entry(logNow.Add(3), large))
	size, err := b.log.Size(b.Context())
	if err != nil || size.Bytes < 30_000 || size.Bytes > 40_000 {
		b.Fatalf("size %+v, %v", size, err)
	}
	b.purge(apisync.LogPurge{MaxBytes: size.Bytes}, 0)
	b.purge(apisync.LogPurge{MaxBytes: size.Bytes - 1}, 1)
	b.want(apisync.LogFilter{}, "request-4", "request-3", "request-1")
	b.purge(apisync.LogPurge{MaxBytes: 1}, 3)
	if size, err = b.log.Size(b.Context()); err != nil || size != (apisync.LogSize{}) {
		b.Errorf("size %+v, %v", size, err)
	}
}

func testLogReopen(b *logbook) {
	b.append(b.entry(logNow, bodied))
	if err := b.log.Close(); err != nil {
		b.Fatal(err)
	}
	if err := b.log.Append(b.Context(), []apisync.LogRecord{b.entry(logNow, nil)}); err == nil {
		b.Error("a closed log takes entries")
	}
	b.log = b.open(b)
	b.want(apisync.LogFilter{}, "request-1")
	b.append(b.entry(logNow.Add(aDay), nil))
	b.want(apisync.LogFilter{}, "request-3", "request-1")
}
