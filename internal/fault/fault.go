package fault

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Code names a kind of failure; the API sends it verbatim.
type Code string

// The codes of the platform API, grouped by the status httpkit gives them.
const (
	InvalidJSON      Code = "invalid_json"
	InvalidParameter Code = "invalid_parameter"
	InvalidFilter    Code = "invalid_filter"
	UnknownField     Code = "unknown_field"
	ValidationFailed Code = "validation_failed"
	Rejected         Code = "rejected"
	LimitTooLarge    Code = "limit_too_large"
	DuplicateID      Code = "duplicate_id"
	InvalidID        Code = "invalid_id"
	TypeChange       Code = "type_change"
	LastAdmin        Code = "last_admin"
	FileNotUploaded  Code = "file_not_uploaded"
	Duplicate        Code = "duplicate"
	BodyTooLarge     Code = "body_too_large"
	Conflict         Code = "conflict"
	KeepsChanging    Code = "keeps_changing"

	AuthRequired   Code = "auth_required"
	BadCredentials Code = "bad_credentials"
	SessionExpired Code = "session_expired"

	LicenseInvalid Code = "license_invalid"
	LicenseSeats   Code = "license_seats"

	Forbidden     Code = "forbidden"
	FieldHidden   Code = "field_hidden"
	FieldReadonly Code = "field_readonly"
	NoCompany     Code = "no_company"
	AccountLocked Code = "account_locked"
	BadOrigin     Code = "bad_origin"

	NotFound          Code = "not_found"
	MethodNotAllowed  Code = "method_not_allowed"
	ModuleNotLicensed Code = "module_not_licensed"
	RateLimited       Code = "rate_limited"
	Internal          Code = "internal"
	NotImplemented    Code = "not_implemented"
	Unavailable       Code = "unavailable"

	// ScriptsUnavailable: this machine or program runs no scripts.
	ScriptsUnavailable Code = "SCRIPTS_UNAVAILABLE"

	// ReplayUnavailable: the raw request of an entry of the sync log is not kept.
	ReplayUnavailable Code = "REPLAY_UNAVAILABLE"

	// ScenarioFailed: a scenario that a request started ended by a mistake or a limit;
	// ScenarioTimeout: its time is over.
	ScenarioFailed  Code = "scenario_failed"
	ScenarioTimeout Code = "scenario_timeout"
)

// The codes of single fields inside a ValidationFailed error.
const (
	Required    Code = "required"
	Type        Code = "type"
	Min         Code = "min"
	Max         Code = "max"
	TooLong     Code = "too_long"
	Mask        Code = "mask"
	UnknownItem Code = "unknown_item"
	TooMany     Code = "too_many"
	Date        Code = "date"
)

// Detail is one field's failure. Field is the public field id, Path the place
// in the body ("fields[3].config.items"); one of the two is set.
type Detail struct {
	Field   string
	Path    string
	Code    Code
	Message Message
}

// Error is a failure that the caller may see. The zero Code is Internal.
type Error struct {
	Code    Code
	Message Message
	Details []Detail
	// Data is added to the answer's body under "details"; nil for none.
	Data map[string]any
	// Said is the message in the caller's answer instead of Message when a program
	// of the company's people decided: a JSON text or object.
	Said json.RawMessage
	// Status is the HTTP status that such a program chose; 0 for that of Code.
	Status int
	// RetryAfter is how long the caller should wait; 0 when it makes no sense.
	RetryAfter time.Duration
	cause      error
}

// New makes an error with an English format string and its arguments.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: Message{format, args}}
}

// Wrap is New with a cause, which is logged and never shown.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.cause = cause
	return e
}

// Field makes the detail of one field. The message starts with the field's
// name at the caller's wish; field is its public id.
func Field(field string, code Code, format string, args ...any) Detail {
	return Detail{Field: field, Code: code, Message: Message{format, args}}
}

// At makes the detail of a place in the request's body.
func At(path string, code Code, format string, args ...any) Detail {
	return Detail{Path: path, Code: code, Message: Message{format, args}}
}

// Invalid makes a ValidationFailed error of details, nil when there are none.
func Invalid(details []Detail) error {
	switch len(details) {
	case 0:
		return nil
	case 1:
		e := New(ValidationFailed, "%s", details[0].Message)
		if details[0].Path != "" { // messages of fields name the field themselves
			e = New(ValidationFailed, "%s: %s", details[0].Path, details[0].Message)
		}
		e.Details = details
		return e
	}
	e := New(ValidationFailed, "%d fields are not valid", len(details))
	e.Details = details
	return e
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	b.WriteString(": ")
	b.WriteString(e.Message.In(""))
	for _, d := range e.Details {
		b.WriteString("; ")
		b.WriteString(d.Field + d.Path + " " + string(d.Code))
	}
	if e.cause != nil {
		b.WriteString(": ")
		b.WriteString(e.cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }

// CodeOf gives the code of err: "" for nil, Internal for an error of no code.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is tells whether err carries the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
