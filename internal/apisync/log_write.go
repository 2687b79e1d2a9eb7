package apisync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBody and maxDebugBody bound each body that is stored, in bytes; the latter
	// holds while a config is debugged, and bounds raw requests and scripts' output too.
	maxBody      = 16 << 10
	maxDebugBody = 64 << 10
	// maskedBeyond is how much of a text is masked beyond what is stored, so that a
	// secret that stands across the end is found: it may be six times as long as it is.
	maskedBeyond = 32 << 10
	maxHeader    = 4 << 10
	maxMessage   = 4 << 10
	maxTrace     = 16 << 10
	maxAddress   = 16 << 10
	// maxNames bounds the records that an entry names, by number and by external id.
	maxNames    = 1000
	maxExternal = 500 // bytes
)

// RawRequest is a request as it came, kept for replay.
type RawRequest struct {
	Method   string              `json:"method"`
	Endpoint string              `json:"endpoint"`
	PathID   string              `json:"path_id"`
	Query    string              `json:"query"`
	Headers  map[string][]string `json:"headers"` // without credentials
	Body     []byte              `json:"-"`
}

// bodiesOf tells whether the bodies of an exchange are stored, and how much of each.
func bodiesOf(e *Exchanged) (most int) {
	if e.Config == nil || !writes(e.Method) && !e.Failed() {
		return 0
	}
	switch {
	case e.Config.LogBodies == "none" || e.Config.LogBodies == "errors" && !e.Failed():
		return 0
	case e.Config.DebugUntil != nil && e.Time.Before(*e.Config.DebugUntil):
		return maxDebugBody
	}
	return maxBody
}

// replayable tells whether the raw request of an exchange is kept.
func replayable(e *Exchanged) bool {
	return e.Admitted && writes(e.Method) && len(e.Request) <= maxDebugBody && bodiesOf(e) > 0 && e.Outcome != OutcomeReplayed
}

// trim makes an exchange as small as its entry needs it, before it waits in memory. It
// copies what it shortens, so that nothing keeps the whole.
func trim(e *Exchanged) {
	most := bodiesOf(e)
	if most == 0 {
		e.Request, e.Response = nil, nil
	}
	if !replayable(e) {
		e.RequestTruncated = len(e.Request) > most
		e.Request = trimBytes(e.Request, most+maskedBeyond)
	}
	e.ResponseTruncated = len(e.Response) > most
	e.Response = trimBytes(e.Response, most+maskedBeyond)
	e.URL = trimText(e.URL, maxAddress+maskedBeyond)
	e.PathID = trimText(e.PathID, maxAddress)
	e.Endpoint = trimText(e.Endpoint, maxMessage)
	e.ErrorMessage = trimText(e.ErrorMessage, maxMessage+maskedBeyond)
	e.ScriptTrace = trimText(e.ScriptTrace, maxTrace+maskedBeyond)
	e.ScriptOutput = trimText(e.ScriptOutput, maxDebugBody+maskedBeyond)
	e.RequestID, e.CorrelationID = trimText(e.RequestID, maxExternal), trimText(e.CorrelationID, maxExternal)
	e.Records, e.ExternalIDs = e.Records[:min(len(e.Records), maxNames)], e.ExternalIDs[:min(len(e.ExternalIDs), maxNames)]
	if len(e.Details) > maxDebugBody {
		e.Details = nil
	}
}

func trimBytes(b []byte, most int) []byte {
	if len(b) <= most {
		return b
	}
	return bytes.Clone(b[:most])
}

func trimText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.Clone(s[:most])
}

// weight is about how much memory an exchange keeps.
func weight(e *Exchanged) int {
	n := 2048 + len(e.Request) + len(e.Response) + len(e.URL) + len(e.ErrorMessage) + len(e.ScriptTrace) + len(e.ScriptOutput) +
		len(e.Details) + 8*len(e.Records)
	for _, id := range e.ExternalIDs {
		n += len(id)
	}
	for _, h := range []map[string][]string{e.RequestHeader, e.ResponseHeader} {
		for name, values := range h {
			for _, v := range values {
				n += len(name) + len(v) + 32
			}
		}
	}
	return n
}

// dropBodies leaves out what an exchange can do without.
func dropBodies(e *Exchanged) bool {
	had := len(e.Request)+len(e.Response)+len(e.ScriptOutput)+len(e.ScriptTrace)+len(e.Details) > 0
	e.Request, e.Response, e.ScriptOutput, e.ScriptTrace, e.Details = nil, nil, "", "", nil
	e.RequestTruncated, e.ResponseTruncated = had, had
	e.Admitted = false // there is nothing to replay
	return had
}

// record makes the entry of an exchange: masked, and its raw request sealed.
func (m *stateMasks) record(e *Exchanged, sealer *Sealer) (r LogRecord) {
	k := &mask{configMasks: m.of(e.Config), all: m}
	k.learn(e, e.Request, e.Response)
	r.LogEntry = e.LogEntry
	most := bodiesOf(e)
	r.RequestBody, r.RequestTruncated = k.stored(e.Request, most, e.RequestTruncated)
	r.ResponseBody, r.ResponseTruncated = k.stored(e.Response, most, e.ResponseTruncated)
	r.RequestHeaders, r.ResponseHeaders = k.header(e.RequestHeader), k.header(e.ResponseHeader)
	r.URL = shorten(k.address(e.URL), maxAddress)
	r.PathID = shorten(k.text(e.PathID), maxMessage)
	r.Endpoint = k.text(e.Endpoint)
	r.Records, r.ExternalIDs = append([]int64{}, e.Records...), append([]string{}, e.ExternalIDs...)
	for i, id := range r.ExternalIDs {
		r.ExternalIDs[i] = shorten(k.text(id), maxExternal)
	}
	if k.identifier {
		k.hideIdentifiers(&r.LogEntry)
	}
	_, r.Query, _ = strings.Cut(r.URL, "?")
	r.ErrorMessage = shorten(k.text(e.ErrorMessage), maxMessage)
	r.ScriptTrace = shorten(k.text(e.ScriptTrace), maxTrace)
	r.ScriptOutput = shorten(k.text(e.ScriptOutput), maxDebugBody)
	r.RequestID, r.CorrelationID = k.text(e.RequestID), k.text(e.CorrelationID)
	r.Name, r.ScriptStatus = shorten(k.text(e.Name), maxMessage), shorten(k.text(e.ScriptStatus), maxMessage)
	r.Details = k.details(e.Details)
	r.Method, r.ErrorCode, r.Credential = clean(e.Method), clean(e.ErrorCode), clean(e.Credential)
	if replayable(e) && sealer != nil {
		r.Raw = sealer.Seal(k.raw(e), rawPlace(e.ID))
	}
	r.Replayable = r.Raw != ""
	return r
}

// stored is a body as it is stored.
func (m *mask) stored(body []byte, most int, truncated bool) (string, bool) {
	if m.whole && len(body) > 0 {
		return hidden, truncated
	}
	text := clean(m.body(body))
	return shorten(text, most), truncated || len(text) > most
}

// details masks a script's JSON, which stays JSON.
func (m *mask) details(data json.RawMessage) json.RawMessage {
	if len(data) == 0 {
		return nil
	}
	text := m.text(string(data))
	if !json.Valid([]byte(text)) {
		return json.RawMessage(`"` + hidden + `"`)
	}
	return json.RawMessage(text)
}

// hideIdentifiers hides what an endpoint's sensitive identifiers are told in.
func (m *mask) hideIdentifiers(e *LogEntry) {
	for i := range e.ExternalIDs {
		e.ExternalIDs[i] = hidden
	}
	if e.PathID == "" {
		return
	}
	e.PathID = hidden
	path, query, asked := strings.Cut(e.URL, "?")
	path = path[:strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/')+1] + hidden
	if asked {
		path += "?" + query
	}
	e.URL = path
}

// raw is a raw request as it is sealed: a line of JSON, then the body.
func (m *mask) raw(e *Exchanged) string {
	r := RawRequest{Method: e.Method, Endpoint: e.Endpoint, PathID: e.PathID, Headers: map[string][]string{}}
	if u, err := url.Parse(e.URL); err == nil {
		r.Query = u.RawQuery
	}
	for name, values := range e.RequestHeader {
		if !m.hidesHeader(name) {
			r.Headers[name] = values
		}
	}
	head, err := json.Marshal(&r)
	if err != nil {
		panic(err) // it is made of texts
	}
	return string(head) + "\n" + string(e.Request)
}

// rawPlace is where a raw request is sealed for.
func rawPlace(id LogID) string { return "log:" + id.String() }

// openRaw reads what raw gave.
func openRaw(sealer *Sealer, id LogID, sealed string) (*RawRequest, error) {
	text, err := sealer.Open(sealed, rawPlace(id))
	if err != nil {
		return nil, err
	}
	head, body, ok := strings.Cut(text, "\n")
	r := &RawRequest{Body: []byte(body)}
	if err := json.Unmarshal([]byte(head), r); err != nil || !ok {
		return nil, errors.Join(errors.New("the raw request is not readable"), err)
	}
	return r, nil
}

// newLogID makes the id of an entry: the time, a count and random bytes.
func newLogID(t time.Time, count uint16, random uint64) LogID {
	id := FirstLogID(t)
	id[6], id[7] = 0x70|byte(count>>8)&0x0F, byte(count)
	for i := range 8 {
		id[8+i] = byte(random >> (56 - 8*i))
	}
	id[8] = 0x80 | id[8]&0x3F
	return id
}

// failedRecord is the entry of an exchange that could not be masked: without what
// others have written.
func failedRecord(e *Exchanged, why any) LogRecord {
	return LogRecord{LogEntry: LogEntry{
		ID: e.ID, Time: e.Time, Direction: e.Direction, Config: e.Config.code(), Model: e.Model, Catalog: e.Catalog, Method: clean(e.Method),
		Status: e.Status, Outcome: e.Outcome, ErrorCode: clean(e.ErrorCode), Duration: e.Duration, Phases: e.Phases, User: e.User,
		ErrorMessage: fmt.Sprintf("the entry could not be masked: %T", why),
	}}
}

func (c *Compiled) code() string {
	if c == nil {
		return ""
	}
	return c.Code
}
