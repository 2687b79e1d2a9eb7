package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestInvalid(t *testing.T) {
	if err := Invalid(nil); err != nil {
		t.Errorf("no details: %v", err)
	}
	name := Field("name", Required, "%s: a value is required", "Name")
	items := At("fields[3].config.items", TooMany, "at most %d options", 500)
	tests := []struct {
		name    string
		details []Detail
		want    map[string]string
	}{
		{"one detail is the message", []Detail{name}, map[string]string{
			"en": "Name: a value is required", "uk": "Name: потрібне значення", "ru": "Name: требуется значение"}},
		{"several are counted", []Detail{name, items}, map[string]string{
			"en": "2 fields are not valid", "uk": "Полів із помилками: 2", "ru": "Полей с ошибками: 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var e *Error
			if err := Invalid(test.details); !errors.As(err, &e) || e.Code != ValidationFailed || len(e.Details) != len(test.details) {
				t.Fatalf("got %+v", err)
			}
			for lang, want := range test.want {
				if got := e.Message.In(lang); got != want {
					t.Errorf("%s: got %q, want %q", lang, got, want)
				}
			}
		})
	}
}

func TestDetails(t *testing.T) {
	field := Field("7", Max, "%s: at most %v", "Price", 5)
	if field.Field != "7" || field.Path != "" || field.Code != Max || field.Message.In("uk") != "Price: не більше ніж 5" {
		t.Errorf("field: %+v", field)
	}
	place := At("sections[0].id", InvalidID, "expected an id")
	if place.Field != "" || place.Path != "sections[0].id" || place.Code != InvalidID || place.Message.In("ru") != "ожидается идентификатор" {
		t.Errorf("place: %+v", place)
	}
}

func TestCodeOf(t *testing.T) {
	refused := New(Forbidden, "You have no right to do this")
	tests := []struct {
		name string
		err  error
		want Code
	}{
		{"nothing", nil, ""},
		{"its own", refused, Forbidden},
		{"wrapped", fmt.Errorf("load catalog 5: %w", refused), Forbidden},
		{"joined", errors.Join(errors.New("other"), refused), Forbidden},
		{"the outer of two", Wrap(refused, NotFound, "There is no such record"), NotFound},
		{"another error", errors.New("disk"), Internal},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := CodeOf(test.err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if Is(test.err, test.want) != (test.err != nil) || Is(test.err, Conflict) {
				t.Error("Is tells another code")
			}
		})
	}
}

// The log has the cause; the caller's message does not.
func TestWrap(t *testing.T) {
	cause := errors.New("disk I/O error")
	err := Wrap(cause, Unavailable, "The database does not answer")
	err.Details = []Detail{At("a", Type, "expected a text"), Field("7", Required, "a value")}
	if got, want := err.Error(), "unavailable: The database does not answer; a type; 7 required: disk I/O error"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := err.Message.In("uk"); got != "База даних не відповідає" {
		t.Errorf("message %q", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if New(Internal, "internal error").Unwrap() != nil {
		t.Error("a cause from nowhere")
	}
}
