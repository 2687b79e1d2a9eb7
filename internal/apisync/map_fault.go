package apisync

import (
	"encoding/json"
	"errors"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
)

// FaultError turns a fault of catalog.Service into what the sync API answers
// (sync-api.md §1.2), fields named by the external keys of a config. Any other error
// stays as it is.
func FaultError(err error, c *Compiled) error { return faultError(err, origin{plan: c.mapping()}) }

// FromFault is FaultError where no config is known.
func FromFault(f *fault.Error) *Error {
	if e := AsError(faultError(f, origin{plan: &plan{Compiled: &Compiled{}}})); e != nil {
		return e
	}
	return &Error{Status: 500, Code: "INTERNAL_ERROR", Message: f.Message, cause: f}
}

// FaultError is FaultError for the operations of an item, of which the first is
// operation first of those that were applied.
func (m *Mapped) FaultError(err error, c *Compiled, first int) error {
	var f *fault.Error
	if errors.As(err, &f) {
		places := m.allPlaces(origin{plan: c.mapping()})
		if n, ok := f.Data["operation"].(int); ok && n-first >= 0 && n-first < len(places) {
			return faultError(err, places[n-first])
		}
	}
	return FaultError(err, c)
}

// faults are the status and code of each fault. Those not among them are errors of ours.
var faults = map[fault.Code]struct {
	status int
	code   string
}{
	fault.ValidationFailed: {400, "VALIDATION_ERROR"}, fault.Rejected: {400, "MODEL_VALIDATION"},
	fault.InvalidParameter: {400, "VALIDATION_ERROR"}, fault.InvalidID: {400, "VALIDATION_ERROR"},
	fault.UnknownField: {500, "CONFIG_ERROR"}, fault.InvalidFilter: {400, "INVALID_FILTER"}, fault.LimitTooLarge: {400, "INVALID_PARAMETER"},
	fault.FileNotUploaded: {400, "VALIDATION_ERROR"}, fault.BodyTooLarge: {413, "PAYLOAD_TOO_LARGE"},
	fault.Forbidden: {403, "FORBIDDEN"}, fault.FieldHidden: {403, "FORBIDDEN"}, fault.FieldReadonly: {403, "FORBIDDEN"},
	fault.LicenseInvalid: {403, "FORBIDDEN"}, fault.LicenseSeats: {403, "FORBIDDEN"}, fault.ModuleNotLicensed: {403, "FORBIDDEN"},
	fault.MethodNotAllowed: {403, "FORBIDDEN"}, fault.LastAdmin: {409, "CONFLICT"},
	fault.NotFound: {404, "RECORD_NOT_FOUND"}, fault.Duplicate: {409, "DUPLICATE_RECORD"}, fault.DuplicateID: {409, "DUPLICATE_RECORD"},
	fault.Conflict: {409, "CONFLICT"}, fault.KeepsChanging: {409, "CONFLICT"},
	fault.Unavailable: {503, "MAINTENANCE"},
}

func faultError(err error, at origin) error {
	var f *fault.Error
	if AsError(err) != nil || !errors.As(err, &f) { // a refusal may have been made of a fault
		return err
	}
	known, ok := faults[f.Code]
	if !ok {
		return err
	}
	if f.Code == fault.ValidationFailed && len(f.Details) > 0 {
		return invalidFields(f, at)
	}
	e := &Error{Status: known.status, Code: known.code, Message: f.Message, cause: f}
	var said string
	if f.Code == fault.Rejected && json.Unmarshal(f.Said, &said) == nil && said != "" {
		e.Message = fault.Msg("%s", said)
	}
	return e
}

// invalidFields tells which keys the fields are whose values were refused.
func invalidFields(f *fault.Error, at origin) error {
	var fields []FieldError
	for _, d := range f.Details {
		e := FieldError{Key: at.at, Code: fieldCode(d.Code), Message: d.Message}
		if l := at.plan.lineOf(d.Field); l != nil {
			e.Key, e.Line = joined(at.at, l.ExternalKey), l.ID
		}
		fields = append(fields, e)
	}
	e := invalid(fields).(*Error)
	e.cause = f
	return e
}

// lineOf finds the line that writes a field, else one that shows it; nil for none.
func (p *plan) lineOf(key string) *mapLine {
	if p.Catalog == nil || key == "" {
		return nil
	}
	var f *catalog.Field
	if f = p.Catalog.FieldByKey(key); f == nil {
		return nil
	}
	is := func(l *mapLine) bool { return len(l.Path) == 1 && l.System == "" && l.Field() == f }
	i := slices.IndexFunc(p.lines, func(l *mapLine) bool { return l.In() && is(l) })
	if i < 0 {
		i = slices.IndexFunc(p.lines, is)
	}
	if i < 0 {
		return nil
	}
	return p.lines[i]
}
