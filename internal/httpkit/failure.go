package httpkit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/fault"
)

// Handler answers a request or returns the error to answer with. It writes
// nothing before it returns an error.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Failure is an error ready to be shown: translated, with its status.
type Failure struct {
	Status    int
	Code      fault.Code
	Message   string
	Said      json.RawMessage // instead of Message; nil for none
	Details   []Detail
	Data      map[string]any // nil for none
	RequestID string
}

// Detail is one field's failure; FieldID or Path is set.
type Detail struct {
	FieldID string     `json:"fieldId,omitempty"`
	Path    string     `json:"path,omitempty"`
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
}

// ErrorWriter writes the status and body of a failure in an API's envelope;
// its other headers are already set.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, f Failure)

type flatBody struct {
	Status    int            `json:"status"`
	Code      fault.Code     `json:"code"`
	Message   any            `json:"message"`
	Errors    []Detail       `json:"errors,omitempty"`
	Details   map[string]any `json:"details,omitempty"`
	RequestID string         `json:"requestId"`
}

// FlatError writes the platform API's flat body. It also answers what fails
// before any API was reached.
func FlatError(w http.ResponseWriter, _ *http.Request, f Failure) {
	message := any(f.Message)
	if f.Said != nil {
		message = f.Said
	}
	body, err := Marshal(flatBody{f.Status, f.Code, message, f.Details, f.Data, f.RequestID})
	if err != nil { // Data that JSON cannot say
		body = []byte(`{"status":500,"code":"internal"}`)
		f.Status = http.StatusInternalServerError
	}
	WriteJSON(w, f.Status, body)
}

// statusGone is for the log alone: nobody reads the answer any more.
const statusGone = 499

// fail answers with an error in the envelope of the request's API.
func (k *Kit) fail(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	if gone(ctx, err) {
		w.WriteHeader(statusGone)
		return
	}
	f := k.failure(ctx, err)
	if res, ok := w.(*response); ok && res.started() {
		k.opt.Log.ErrorContext(ctx, "request.cut", "module", "Router", "error", err)
		panic(http.ErrAbortHandler) // the client must not take the part for the whole
	}
	var e *fault.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", wholeSeconds(e.RetryAfter))
	}
	of(ctx).errors(w, r, f)
}

// gone tells whether err comes from the client having left.
func gone(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// Gone tells whether an error comes from the client having left, so that nobody reads
// an answer.
func (k *Kit) Gone(ctx context.Context, err error) bool { return gone(ctx, err) }

// failure translates an error, and logs what the caller must not see.
func (k *Kit) failure(ctx context.Context, err error) Failure {
	q := of(ctx)
	var e *fault.Error
	if !errors.As(err, &e) {
		k.opt.Log.ErrorContext(ctx, "request.failed", "module", "Router", "error", err)
		e = fault.New(fault.Internal, "internal error")
	} else if cause := errors.Unwrap(e); cause != nil {
		k.opt.Log.LogAttrs(ctx, causeLevel(e.Code), "request.refused", slog.String("module", "Router"),
			slog.String("code", string(e.Code)), slog.Any("error", err))
	}
	f := Failure{Status: Status(e.Code), Code: e.Code, Message: e.Message.In(q.lang), Said: e.Said, Data: e.Data, RequestID: q.id}
	if e.Status != 0 {
		f.Status = e.Status
	}
	if f.Code == "" {
		f.Code = fault.Internal
	}
	for _, d := range e.Details {
		f.Details = append(f.Details, Detail{d.Field, d.Path, d.Code, d.Message.In(q.lang)})
	}
	return f
}

func causeLevel(code fault.Code) slog.Level {
	if Status(code) >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelDebug
}

func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}
