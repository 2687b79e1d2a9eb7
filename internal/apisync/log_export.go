package apisync

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// exportChunk is how many entries, with their bodies, are in memory at once.
const exportChunk = 100

// csvColumns are those of an export as CSV; only NDJSON has headers and bodies.
var csvColumns = []string{
	"id", "ts", "direction", "config", "model", "endpoint", "method", "url", "path_id", "status_code", "outcome", "error_code",
	"error_message", "line_id", "request_id", "correlation_id", "replay_of", "record_ids", "external_ids", "action", "remote_ip",
	"credential", "user", "duration_ms",
}

// Export writes all entries that a filter finds, newest first, as "ndjson" or "csv".
// Nothing of it is in memory but a few entries.
func (j *Journal) Export(ctx context.Context, f LogFilter, format string, w io.Writer) error {
	f.Limit, f.Bodies = exportChunk, format != "csv"
	write := ndjson(w)
	if format == "csv" {
		c := csv.NewWriter(w)
		if err := c.Write(csvColumns); err != nil {
			return err
		}
		write = func(list []LogEntry) error {
			for i := range list {
				_ = c.Write(csvRow(&list[i])) // Error gives it
			}
			c.Flush()
			return c.Error()
		}
		if err := write(nil); err != nil {
			return err
		}
	}
	for {
		list, err := j.Entries(ctx, f)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := write(list); err != nil {
			return err
		}
		if len(list) < f.Limit {
			return nil
		}
		f.Before = list[len(list)-1].ID
	}
}

func ndjson(w io.Writer) func([]LogEntry) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return func(list []LogEntry) error {
		for i := range list {
			if err := e.Encode(&list[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func csvRow(e *LogEntry) []string {
	records := make([]string, len(e.Records))
	for i, n := range e.Records {
		records[i] = strconv.FormatInt(n, 10)
	}
	row := []string{
		e.ID.String(), e.Time.Format(time.RFC3339Nano), e.Direction, e.Config, e.Model, e.Endpoint, e.Method, e.URL, e.PathID,
		strconv.Itoa(e.Status), e.Outcome, e.ErrorCode, e.ErrorMessage, csvNumber(e.Line), e.RequestID, e.CorrelationID, e.ReplayOf,
		strings.Join(records, " "), strings.Join(e.ExternalIDs, " "), e.Action, e.RemoteIP, e.Credential, csvNumber(int64(e.User)),
		strconv.FormatFloat(e.Duration, 'f', -1, 64),
	}
	for i, s := range row {
		row[i] = harmless(s)
	}
	return row
}

func csvNumber(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// harmless keeps spreadsheets from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
