package apisync

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/google/uuid"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// What became of a request, as the log has it.
const (
	OutcomeSuccess  = "success"
	OutcomeError    = "error"
	OutcomePartial  = "partial"
	OutcomeSkipped  = "skipped"
	OutcomeReplayed = "replayed"
	OutcomeDryRun   = "dry_run"
)

// DirectionIn is that of requests to endpoints.
const DirectionIn = "in"

// LogID is a UUIDv7: it begins with the milliseconds of the entry's time, so that ids
// sort as times do.
type LogID = uuid.UUID

// LogEntry is what is stored of one exchange (sync-api.md §7.1). All of it is masked.
type LogEntry struct {
	ID        LogID         `json:"id"`
	Time      time.Time     `json:"ts"` // of the request's beginning
	Direction string        `json:"direction"`
	Config    string        `json:"config"`
	Model     string        `json:"model"`
	Catalog   query.Catalog `json:"-"` // of Model, 0 for none
	Endpoint  string        `json:"endpoint"`
	Method    string        `json:"method"`
	URL       string        `json:"url"` // path and query
	PathID    string        `json:"path_id"`
	Query     string        `json:"query"`

	Status       int    `json:"status_code"`
	Outcome      string `json:"outcome"`
	ErrorCode    string `json:"error_code"`
	ErrorMessage string `json:"error_message"`
	Line         int64  `json:"line_id"` // 0 for none
	ScriptTrace  string `json:"script_trace"`

	RequestID     string `json:"request_id"`
	CorrelationID string `json:"correlation_id"`
	ReplayOf      string `json:"replay_of"` // an id, "" for none

	Records     []int64  `json:"record_ids"`
	ExternalIDs []string `json:"external_ids"`
	Action      string   `json:"action"`

	RemoteIP   string       `json:"remote_ip"`
	Credential string       `json:"credential"` // its label
	User       query.Record `json:"user"`       // an employee, 0 for none
	Duration   float64      `json:"duration_ms"`
	Phases     Phases       `json:"phases"`

	RequestHeaders    map[string][]string `json:"request_headers"`
	RequestBody       string              `json:"request_body"`
	RequestTruncated  bool                `json:"request_truncated"`
	ResponseHeaders   map[string][]string `json:"response_headers"`
	ResponseBody      string              `json:"response_body"`
	ResponseTruncated bool                `json:"response_truncated"`
	ScriptOutput      string              `json:"script_output"`

	// Name, ScriptStatus and Details are a script's own.
	Name         string          `json:"name"`
	ScriptStatus string          `json:"status"`
	Details      json.RawMessage `json:"details,omitempty"`

	// Replayable tells that its raw request is kept.
	Replayable bool `json:"replayable"`
}

// Phases are the milliseconds that parts of a request took.
type Phases struct {
	Auth      float64 `json:"auth"`
	Transform float64 `json:"transform"`
	Backend   float64 `json:"backend"`
	Script    float64 `json:"script"`
	Render    float64 `json:"render"`
}

// elapsed are the milliseconds since a moment.
func elapsed(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

// settle makes the rest of a time the transformation's, in whole microseconds.
func (p *Phases) settle(whole float64) {
	micro := func(ms float64) float64 { return math.Round(ms*1000) / 1000 }
	p.Backend, p.Script = micro(p.Backend), micro(p.Script)
	p.Transform = max(0, micro(whole-p.Backend-p.Script))
}

// Failed tells whether an entry is kept as long as errors are.
func (e *LogEntry) Failed() bool { return e.Outcome == OutcomeError || e.Outcome == OutcomePartial }

// Exchanged is what one request leaves for the log, as it came: nothing of it is masked,
// and it is never stored or printed. Whoever gives it to Journal.Add changes nothing in
// it afterwards, neither in its bodies and headers.
//
// Of LogEntry the journal sets ID, Query, the headers, the bodies and Replayable.
type Exchanged struct {
	LogEntry
	State  *State    // nil when the configuration could not be read
	Config *Compiled // nil for an unknown endpoint
	// The bodies and headers of the request and of the answer.
	Request, Response             []byte
	RequestHeader, ResponseHeader map[string][]string
	// Admitted tells that the caller was let in: only such requests are kept for
	// replay, so that nobody else can leave one there.
	Admitted bool

	weight int // of the journal
}

// LogRecord is an entry to be stored.
type LogRecord struct {
	LogEntry
	Raw string // the sealed raw request, "" for none
}

// LogFilter says which entries are wanted; the zero value of an attribute wants all.
type LogFilter struct {
	Config, Direction, Outcome, ErrorCode, Method string
	RequestID, Credential, RemoteIP, ExternalID   string
	Record                                        int64
	// Status is a range, both ends included.
	StatusFrom, StatusTo int
	Since, Until         time.Time // from Since, before Until
	// Text is looked for in addresses and error messages, whatever its case.
	Text string
	// Before is the id after which to go on; the newest entries come first.
	Before LogID
	Limit  int
	// Bodies tells that bodies are wanted too.
	Bodies bool
}

// LogPurge says what is no longer kept.
type LogPurge struct {
	SuccessBefore, ErrorBefore, BodyBefore time.Time
	MaxRows, MaxBytes                      int64 // 0 for no bound
}

// LogSize is how much is stored: entries, and bytes of all that belongs to them.
type LogSize struct{ Rows, Bytes int64 }

// LogStore keeps a company's log, apart from its other data. It is safe for concurrent
// use. What it has taken survives the end of the process; a failure of the machine may
// cost the last moments.
type LogStore interface {
	Append(ctx context.Context, records []LogRecord) error
	// Entries gives the newest first, at most f.Limit.
	Entries(ctx context.Context, f LogFilter) ([]LogEntry, error)
	// Entry gives one with its bodies and the sealed raw request; nil if there is none.
	Entry(ctx context.Context, id LogID) (*LogRecord, error)
	Delete(ctx context.Context, id LogID) (bool, error)
	// Erase removes what names a record of a catalog, by number or by one of the
	// external ids, and gives the number of entries.
	Erase(ctx context.Context, c query.Catalog, record int64, externals []string) (int64, error)
	// Purge removes what is too old or too much, in small steps, and gives the number
	// of entries. The oldest successes go first.
	Purge(ctx context.Context, p LogPurge) (int64, error)
	Size(ctx context.Context) (LogSize, error)
	// RawRequests gives raw requests in the order of their ids, those behind after, at
	// most limit; ReplaceRaw replaces those that are there still.
	RawRequests(ctx context.Context, after LogID, limit int) ([]SealedRequest, error)
	ReplaceRaw(ctx context.Context, list []SealedRequest) error
}

// SealedRequest is the raw request of an entry.
type SealedRequest struct {
	ID  LogID
	Raw string // sealed
}

// FirstLogID is the smallest id of a time.
func FirstLogID(t time.Time) (id LogID) {
	ms := max(t.UnixMilli(), 0)
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}

// Model finds the catalog of a model by its id or an alias, nil if there is none.
func (s *State) Model(name string) *catalog.Catalog { return modelOf(s.Structure, s.Settings, name) }
