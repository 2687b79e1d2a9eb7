package syncapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query"
)

// Replay is a request of the log that is to be carried out again, as the same config
// without authentication, rate limits and idempotency.
type Replay struct {
	Of     *apisync.LogEntry
	Raw    *apisync.RawRequest
	DryRun bool
	By     query.Record // the employee who wants it
}

// Replayed is what became of it.
type Replayed struct {
	LogID  apisync.LogID `json:"log_id"` // of the new entry
	Status int           `json:"status_code"`
	// Body is the answer, a text.
	Body string `json:"body"`
}

// logRoutes are those of the log. Who may look at the configuration may read and replay;
// administrators alone remove entries or change a replayed body.
func (a *API) logRoutes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /logs", Handler: a.viewed(a.logs)},
		{Pattern: "DELETE /logs", Handler: a.managed(a.eraseLogs)},
		{Pattern: "GET /logs/export", Handler: a.viewed(a.exportLogs)},
		{Pattern: "GET /logs/{id}", Handler: a.viewed(a.logEntry)},
		{Pattern: "DELETE /logs/{id}", Handler: a.managed(a.deleteLog)},
		{Pattern: "POST /logs/{id}/replay", Handler: a.viewed(a.replay)},
		{Pattern: "GET /metrics", Handler: a.viewed(a.metrics)},
	}
}

// journal is the log, a refusal where there is none.
func (a *API) journal() (*apisync.Journal, error) {
	if a.opt.Journal == nil {
		return nil, fault.New(fault.Unavailable, "this server keeps no log of the synchronisation module")
	}
	return a.opt.Journal, nil
}

// logPage is a part of the log, newest first. NextCursor is null at its end.
type logPage struct {
	Items      []apisync.LogEntry `json:"items"`
	NextCursor *apisync.LogID     `json:"next_cursor"`
}

func (a *API) logs(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	f, err := logFilter(r.URL.Query(), "limit", "cursor")
	if err != nil {
		return err
	}
	j, err := a.journal()
	if err != nil {
		return err
	}
	limit := f.Limit
	f.Limit++
	list, err := j.Entries(r.Context(), f)
	if err != nil {
		return err
	}
	p := logPage{Items: list[:min(len(list), limit)]}
	if len(list) > limit {
		p.NextCursor = &p.Items[limit-1].ID
	}
	if p.Items == nil {
		p.Items = []apisync.LogEntry{}
	}
	return httpkit.JSON(w, p)
}

// logFilter reads the filters of sync-api.md §7.2. A parameter that is neither one of
// them nor one of others is refused.
func logFilter(q url.Values, others ...string) (apisync.LogFilter, error) {
	f := apisync.LogFilter{Limit: 50}
	texts := map[string]*string{
		"config": &f.Config, "direction": &f.Direction, "outcome": &f.Outcome, "error_code": &f.ErrorCode, "method": &f.Method,
		"external_id": &f.ExternalID, "request_id": &f.RequestID, "credential": &f.Credential, "remote_ip": &f.RemoteIP, "q": &f.Text,
	}
	readers := map[string]func(string) error{
		"record_id":   func(s string) (err error) { f.Record, err = wholeNumber(s); return err },
		"status_code": func(s string) (err error) { f.StatusFrom, f.StatusTo, err = statusRange(s); return err },
		"since":       func(s string) (err error) { f.Since, err = readTime(s); return err },
		"until":       func(s string) (err error) { f.Until, err = readTime(s); return err },
		"limit": func(s string) error {
			n, err := strconv.Atoi(s)
			if f.Limit = n; err != nil || n < 1 || n > 500 {
				return complain("expected a number from %d to %d", 1, 500)
			}
			return nil
		},
		"cursor": func(s string) (err error) { f.Before, err = readLogID(s); return err },
	}
	for name := range q {
		value, into, read := q.Get(name), texts[name], readers[name]
		if (name == "limit" || name == "cursor" || name == "format") && !slices.Contains(others, name) {
			into, read = nil, nil
		}
		switch {
		case into != nil && utf8.ValidString(value) && !strings.Contains(value, "\x00"):
			*into = value
		case read != nil:
			if err := read(value); err != nil {
				return f, fault.New(fault.InvalidParameter, "the parameter %s cannot be read: %s", name, err.(complaint).Message)
			}
		case !slices.Contains(others, name):
			return f, fault.New(fault.InvalidParameter, "there is no parameter %s", name)
		}
	}
	if f.Text != "" && f.Since.IsZero() {
		return f, fault.New(fault.InvalidParameter, "the parameter %s needs %s", "q", "since")
	}
	return f, nil
}

// complaint is why a parameter cannot be read.
type complaint struct{ fault.Message }

func (c complaint) Error() string { return c.In("") }

func complain(format string, args ...any) error { return complaint{fault.Msg(format, args...)} }

func wholeNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, complaint{fault.Msg("expected a whole number")}
	}
	return n, nil
}

// statusRange reads 404 or 4xx.
func statusRange(s string) (from, to int, err error) {
	if len(s) == 3 && s[0] >= '1' && s[0] <= '9' {
		if strings.EqualFold(s[1:], "xx") {
			from = int(s[0]-'0') * 100
			return from, from + 99, nil
		}
		if n, err := strconv.Atoi(s); err == nil {
			return n, n, nil
		}
	}
	return 0, 0, complaint{fault.Msg("expected a status such as 404 or 4xx")}
}

func readTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, complaint{fault.Msg("expected a date such as 2031-01-31 or 2031-01-31T12:00:00Z")}
}

func readLogID(s string) (apisync.LogID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return id, complaint{fault.Msg("expected an id")}
	}
	return id, nil
}

// logOf is the entry of the path, a refusal if there is none.
func (a *API) logOf(r *http.Request) (*apisync.Journal, apisync.LogID, error) {
	j, err := a.journal()
	if err != nil {
		return nil, apisync.LogID{}, err
	}
	id, err := readLogID(r.PathValue("id"))
	if err != nil {
		return nil, id, noLogEntry()
	}
	return j, id, nil
}

func noLogEntry() error { return fault.New(fault.NotFound, "there is no such entry in the log") }

func (a *API) logEntry(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	j, id, err := a.logOf(r)
	if err != nil {
		return err
	}
	e, err := j.Entry(r.Context(), id)
	if err != nil {
		return err
	}
	if e == nil {
		return noLogEntry()
	}
	return httpkit.JSON(w, e)
}

func (a *API) deleteLog(w http.ResponseWriter, r *http.Request, _ catalog.Actor) error {
	j, id, err := a.logOf(r)
	if err != nil {
		return err
	}
	there, err := j.Delete(r.Context(), id)
	if err != nil {
		return err
	}
	if !there {
		return noLogEntry()
	}
	return httpkit.Empty(w)
}

// eraseLogs removes the entries that name a record: model and record_id are required,
// external_id may be given more than once.
func (a *API) eraseLogs(w http.ResponseWriter, r *http.Request, _ catalog.Actor) error {
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"model", "record_id", "external_id"}, name) {
			return fault.New(fault.InvalidParameter, "there is no parameter %s", name)
		}
	}
	record, err := wholeNumber(q.Get("record_id"))
	if err != nil {
		return fault.New(fault.InvalidParameter, "the parameter %s cannot be read: %s", "record_id", err.(complaint).Message)
	}
	j, err := a.journal()
	if err != nil {
		return err
	}
	st, err := a.opt.Sync.Current(r.Context())
	if err != nil {
		return err
	}
	c := st.Model(q.Get("model"))
	if c == nil {
		return fault.New(fault.InvalidParameter, "there is no model %q", q.Get("model"))
	}
	n, err := j.Erase(r.Context(), c.Num, record, q["external_id"])
	if err != nil {
		return err
	}
	return httpkit.JSON(w, map[string]int64{"deleted": n})
}

// exportLogs streams all that the filters find, as format=ndjson (with headers and
// bodies) or csv.
func (a *API) exportLogs(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	q := r.URL.Query()
	f, err := logFilter(q, "format")
	if err != nil {
		return err
	}
	format, kind := q.Get("format"), "application/x-ndjson; charset=utf-8"
	switch format {
	case "", "ndjson":
		format = "ndjson"
	case "csv":
		kind = "text/csv; charset=utf-8"
	default:
		return fault.New(fault.InvalidParameter, "the parameter %s cannot be read: %s", "format", fault.Msg("expected ndjson or csv"))
	}
	j, err := a.journal()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="sync-log.`+format+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	patient, _ := httpkit.Patient(w, r)
	began := &beginning{ResponseWriter: patient}
	if err := j.Export(r.Context(), f, format, began); err != nil {
		if !began.yes {
			h.Del("Content-Type")
			h.Del("Content-Disposition")
			return err
		}
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	}
	return nil
}

// beginning tells whether an answer has begun.
type beginning struct {
	http.ResponseWriter
	yes bool
}

func (b *beginning) Write(data []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(data)
}

// replay carries out an entry's request again: {"dry_run": false, "body": null}.
func (a *API) replay(w http.ResponseWriter, r *http.Request, _ *apisync.State) error {
	j, id, err := a.logOf(r)
	if err != nil {
		return err
	}
	doc, err := body(r)
	if err != nil {
		return err
	}
	who := actorOf(r)
	re := Replay{By: who.Employee}
	var given *string
	for name, value := range doc {
		if name != "dry_run" && name != "body" {
			return wrongReplay(name)
		}
		switch v := value.(type) {
		case nil:
		case bool:
			if name == "dry_run" {
				re.DryRun = v
				continue
			}
			return wrongReplay(name)
		case string:
			if name != "body" {
				return wrongReplay(name)
			}
			given = &v
		default:
			return wrongReplay(name)
		}
	}
	if given != nil {
		if err := a.opt.Sync.Need(r.Context(), who, apisync.Administrator); err != nil {
			return err
		}
	}
	if re.Of, re.Raw, err = j.Raw(r.Context(), id); err != nil {
		return err
	}
	if re.Of == nil {
		return noLogEntry()
	}
	if given != nil {
		re.Raw.Body = []byte(*given)
	}
	done, err := a.carryOut(r, re)
	if err != nil {
		return err
	}
	return httpkit.JSON(w, done)
}

func wrongReplay(name string) error {
	return fault.Invalid([]fault.Detail{fault.At(name, fault.Type, "expected dry_run as true or false, or body as a text")})
}

func (a *API) metrics(w http.ResponseWriter, _ *http.Request, _ *apisync.State) error {
	j, err := a.journal()
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := j.WriteMetrics(&b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, err = fmt.Fprint(w, b.String())
	return err
}
