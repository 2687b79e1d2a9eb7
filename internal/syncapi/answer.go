package syncapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

// sent is an answer: a body of JSON, or none.
type sent struct {
	status int
	body   []byte
	reply  *apisync.Reply // what it tells of; nil for refusals
	// replayed tells that it was given before.
	replayed bool
	// err is why it is a refusal, or what failed once all was written.
	err error
}

// envelope is sync-api.md §2.5's; what is empty is left out.
type envelope struct {
	Success   bool
	Status    string
	Code      int // 0 for none
	Message   string
	ID        json.RawMessage
	IDs       json.RawMessage
	Data      json.RawMessage
	Meta      map[string]any
	Error     *errorBody
	RequestID string
}

type errorBody struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details"`
}

// bareError is the newest reference's form of an error.
type bareError struct {
	Error      string `json:"error"`
	LineID     *int64 `json:"line_id"`
	StatusCode string `json:"status_code"`
	Message    string `json:"message"`
}

type fieldBody struct {
	Key     string `json:"key"`
	Code    string `json:"code"`
	Message string `json:"message"`
	LineID  int64  `json:"line_id,omitempty"`
	Index   int    `json:"index"`
}

// known makes a refusal of any error: what is nobody's mistake is logged, and told as an
// internal error.
func (a *API) known(ctx context.Context, err error, id string) *apisync.Error {
	if e := apisync.AsError(err); e != nil {
		// Scripts and refusals of what was sent say its values: those are for the module's log, which masks.
		if cause := errors.Unwrap(e); cause != nil && e.Status >= http.StatusInternalServerError && e.ScriptTrace() == "" {
			a.opt.Log.LogAttrs(ctx, slog.LevelWarn, "sync.refused", slog.String("module", "Sync"), slog.String("code", e.Code), slog.Any("error", err))
		}
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return apisync.Refuse(http.StatusServiceUnavailable, "UPSTREAM_BUSY", "the request took too long; try again")
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return apisync.FromFault(f)
	}
	a.opt.Log.ErrorContext(ctx, "sync.failed", "module", "Sync", "error", err)
	return apisync.Refuse(http.StatusInternalServerError, "INTERNAL_ERROR", "internal error").With("request_id", id)
}

// details are what is told of a refusal besides its message.
func details(e *apisync.Error, lang string) map[string]any {
	d := map[string]any{}
	for k, v := range e.Details {
		d[k] = v
	}
	if e.Fields != nil {
		fields := make([]fieldBody, len(e.Fields))
		for i, f := range e.Fields {
			fields[i] = fieldBody{f.Key, f.Code, f.Message.In(lang), f.Line, f.Index}
		}
		d["fields"] = fields
	}
	return d
}

// refusal is the answer to a request that was refused.
func (x *exchange) refusal(err error) *sent {
	lang := httpkit.Language(x.r.Context())
	e := x.api.known(x.r.Context(), err, x.id)
	if wait := retryAfter(e); wait != "" && x.w.Header().Get("Retry-After") == "" {
		x.w.Header().Set("Retry-After", wait)
	}
	body := errorJSON(e, lang, x.id, x.config != nil && x.config.ResponseFormat == "bare")
	return &sent{status: e.Status, body: body, err: e}
}

// retryAfter is in how many seconds a refused request may be sent again; "" when that is
// of no use.
func retryAfter(e *apisync.Error) string {
	switch {
	case e.Status == http.StatusServiceUnavailable, e.Code == "IDEMPOTENCY_IN_PROGRESS":
		return "1"
	case e.Status == http.StatusTooManyRequests:
		return "60"
	}
	return ""
}

func errorJSON(e *apisync.Error, lang, id string, bare bool) []byte {
	message := e.Message.In(lang)
	if bare {
		return bareJSON(e, message)
	}
	return envelope{
		Status: "error", Code: e.Status, Message: message, RequestID: id,
		Error: &errorBody{e.Code, message, details(e, lang)},
	}.json()
}

// json encodes the envelope. Data, and what else is JSON of ours, is put in as it is: the
// encoder would read it through once more.
func (e envelope) json() []byte {
	out := make([]byte, 0, 256+len(e.Data)+len(e.IDs))
	out = append(strconv.AppendBool(append(out, `{"success":`...), e.Success), `,"status":`...)
	out = tree.AppendString(out, e.Status)
	if e.Code != 0 {
		out = strconv.AppendInt(append(out, `,"code":`...), int64(e.Code), 10)
	}
	out = tree.AppendString(append(out, `,"message":`...), e.Message)
	member := func(name string, value []byte) {
		if len(value) > 0 {
			out = append(append(append(append(out, `,"`...), name...), `":`...), value...)
		}
	}
	member("id", e.ID)
	member("ids", e.IDs)
	member("data", e.Data)
	if e.Meta != nil {
		member("meta", mustMarshal(e.Meta))
	}
	if e.Error != nil {
		member("error", mustMarshal(e.Error))
	}
	if e.RequestID != "" {
		out = tree.AppendString(append(out, `,"request_id":`...), e.RequestID)
	}
	return append(out, '}')
}

// bareJSON is a refusal without an envelope, with the line that is to blame if one is.
func bareJSON(e *apisync.Error, message string) []byte {
	b := bareError{Error: message, StatusCode: e.Code, Message: message}
	if id, ok := e.Details["line_id"].(int64); ok {
		b.LineID = &id
	}
	if len(e.Fields) > 0 && e.Fields[0].Line != 0 {
		b.LineID = &e.Fields[0].Line
	}
	return mustMarshal(b)
}

// mustMarshal encodes what is made of texts, numbers and JSON only.
func mustMarshal(v any) []byte {
	data, err := httpkit.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// errorWriter answers what fails outside of the pipeline, a panic for one.
func (a *API) errorWriter(w http.ResponseWriter, r *http.Request, f httpkit.Failure) {
	e := &apisync.Error{Status: f.Status, Code: "INTERNAL_ERROR", Message: fault.Msg("%s", f.Message)}
	if f.Status < http.StatusInternalServerError {
		e.Code = "NOT_FOUND"
	}
	httpkit.WriteJSON(w, f.Status, errorJSON(e, "", httpkit.RequestID(r.Context()), false))
}

// write sends an answer.
func (x *exchange) write(a *sent) {
	h := x.w.Header()
	x.limits.write(h, x.api.opt.Now())
	x.respond(h)
	x.cors(h)
	switch {
	case a.status == http.StatusNotModified || a.status == http.StatusNoContent:
		x.w.WriteHeader(a.status)
	case x.r.Method == http.MethodHead:
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
		x.w.WriteHeader(a.status)
	default:
		httpkit.WriteJSON(x.w, a.status, a.body)
	}
}

// respond adds the headers that the configuration wants in answers.
func (x *exchange) respond(h http.Header) {
	if x.config == nil {
		return
	}
	for _, row := range x.config.Headers {
		if !row.Enabled || row.Role != "respond" || h.Get(row.Key) != "" {
			continue
		}
		if value, err := x.state.Expand(row.Value); err == nil {
			h.Set(row.Key, value)
		}
	}
}

// cors lets pages of the listed origins read the answer.
func (x *exchange) cors(h http.Header) {
	origin := x.r.Header.Get("Origin")
	if x.config == nil || origin == "" || len(x.config.CORSOrigins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	for _, o := range x.config.CORSOrigins {
		if o == origin || o == "*" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "X-Request-ID, X-Total-Count, X-Limit, X-Offset, Link, Location, ETag, Idempotency-Replayed, X-API-Version, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy, Retry-After")
		}
	}
}

// options answers what may be asked.
func (x *exchange) options() *sent {
	h := x.w.Header()
	methods := joined(x.methods())
	h.Set("Allow", methods)
	if x.r.Header.Get("Access-Control-Request-Method") != "" && len(x.config.CORSOrigins) > 0 {
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", joined(append(x.ownHeaders(), "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
			"X-API-Version", "X-Dry-Run", "X-Request-ID")))
		h.Set("Access-Control-Max-Age", "600")
	}
	return &sent{status: http.StatusNoContent}
}

// ownHeaders are those that the endpoint's configuration names.
func (x *exchange) ownHeaders() (names []string) {
	for c := range x.credentials(apisync.AuthHeader) {
		names = append(names, headerOf(c))
	}
	if how := x.config.HMAC; how != nil {
		names = append(names, how.Header)
		if how.TimestampHeader != "" {
			names = append(names, how.TimestampHeader)
		}
	}
	for _, row := range x.config.Headers {
		if row.Enabled && row.Role == apisync.RequireRole {
			names = append(names, row.Key)
		}
	}
	return names
}

// descriptor says what this is.
func (x *exchange) descriptor() *sent {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.w.Header().Set("Allow", readOnly)
		return x.refusal(apisync.Refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "the method %s is not enabled here", x.r.Method))
	}
	return &sent{status: http.StatusOK, body: envelope{
		Success: true, Status: "success", Message: "Operation successful",
		Data: mustMarshal(map[string]any{"service": "bj_api_sync", "versions": []string{"v1"}, "api_version": apiVersion}),
	}.json()}
}
