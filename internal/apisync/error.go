package apisync

import (
	"errors"
	"strings"

	"kartoteka/internal/fault"
)

// Error is a refusal as the sync API tells it (sync-api.md §2.15). syncapi gives it its
// envelope.
type Error struct {
	// Notes are what scripts added to the log before, Output what they printed.
	Notes  []LogNote
	Output []byte

	Status  int    // HTTP
	Code    string // upper snake case, stable
	Message fault.Message
	Details map[string]any // under error.details; nil for none
	Fields  []FieldError   // details.fields; nil for none
	// External is the identifier of the item that is refused, for the log; "" for none.
	External string
	cause    error
}

// FieldError is what is wrong with one key of an item.
type FieldError struct {
	Key     string // external
	Code    string // REQUIRED, TYPE_MISMATCH, ...
	Message fault.Message
	Line    int64 // id of the config's line, 0 for none
	Index   int   // of the item
}

// Refuse makes an Error with an English format string, which is translated.
func Refuse(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fault.Msg(format, args...)}
}

// With adds a detail.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[key] = value
	return e
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code + ": " + e.Message.In(""))
	for _, f := range e.Fields {
		b.WriteString("; " + f.Key + " " + f.Code)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }

// AsError gives the refusal in an error, nil if there is none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// PartlyFailed and AllFailed are what is said of batches.
func PartlyFailed(failed, all int) fault.Message {
	return fault.Msg("%d of %d items failed", failed, all)
}

// AllFailed is said when nothing of a batch was written.
func AllFailed(failed, all int) fault.Message {
	return fault.Msg("nothing was written: %d of %d items failed", failed, all)
}
