package store

import (
	"encoding/json"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/query"
)

// logDetail is an entry as a row keeps it.
type logDetail struct {
	storedEntry
	Number query.Catalog `json:"catalog,omitzero"`
}

// storedEntry is an apisync.LogEntry of which only what has a value is written, and nothing
// that stands in columns of its own.
type storedEntry struct {
	ID                apisync.LogID       `json:"-"`
	Time              time.Time           `json:"ts,omitzero"`
	Direction         string              `json:"direction,omitzero"`
	Config            string              `json:"config,omitzero"`
	Model             string              `json:"model,omitzero"`
	Catalog           query.Catalog       `json:"-"`
	Endpoint          string              `json:"endpoint,omitzero"`
	Method            string              `json:"method,omitzero"`
	URL               string              `json:"url,omitzero"`
	PathID            string              `json:"path_id,omitzero"`
	Query             string              `json:"query,omitzero"`
	Status            int                 `json:"status_code,omitzero"`
	Outcome           string              `json:"outcome,omitzero"`
	ErrorCode         string              `json:"error_code,omitzero"`
	ErrorMessage      string              `json:"error_message,omitzero"`
	Line              int64               `json:"line_id,omitzero"`
	ScriptTrace       string              `json:"script_trace,omitzero"`
	RequestID         string              `json:"request_id,omitzero"`
	CorrelationID     string              `json:"correlation_id,omitzero"`
	ReplayOf          string              `json:"replay_of,omitzero"`
	Records           []int64             `json:"record_ids"`
	ExternalIDs       []string            `json:"external_ids"`
	Action            string              `json:"action,omitzero"`
	RemoteIP          string              `json:"remote_ip,omitzero"`
	Credential        string              `json:"credential,omitzero"`
	User              query.Record        `json:"user,omitzero"`
	Duration          float64             `json:"duration_ms,omitzero"`
	Phases            apisync.Phases      `json:"phases,omitzero"`
	RequestHeaders    map[string][]string `json:"request_headers,omitzero"`
	RequestBody       string              `json:"-"`
	RequestTruncated  bool                `json:"request_truncated,omitzero"`
	ResponseHeaders   map[string][]string `json:"response_headers,omitzero"`
	ResponseBody      string              `json:"-"`
	ResponseTruncated bool                `json:"response_truncated,omitzero"`
	ScriptOutput      string              `json:"script_output,omitzero"`
	Name              string              `json:"name,omitzero"`
	ScriptStatus      string              `json:"status,omitzero"`
	Details           json.RawMessage     `json:"details,omitzero"`
	Replayable        bool                `json:"replayable,omitzero"`
}
