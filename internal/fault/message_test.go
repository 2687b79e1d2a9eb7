package fault

import (
	"maps"
	"slices"
	"testing"
)

func TestMessageIn(t *testing.T) {
	nested := Msg("%s: %s", "limit", Msg("expected a number from %d to %d", 1, 500))
	tests := []struct {
		name    string
		message Message
		lang    string
		want    string
	}{
		{"English", Msg("expected a number"), "en", "expected a number"},
		{"Ukrainian", Msg("expected a number"), "uk", "очікується число"},
		{"Russian", Msg("expected a number"), "ru", "ожидается число"},
		{"no language", Msg("expected a number"), "", "expected a number"},
		{"unknown language", Msg("expected a number"), "fr", "expected a number"},
		{"region is not a language", Msg("expected a number"), "uk-UA", "expected a number"},
		{"arguments", Msg("limit is greater than %d", 500), "uk", "limit перевищує 500"},
		{"a part is translated", nested, "uk", "limit: очікується число від 1 до 500"},
		{"a part in Russian", nested, "ru", "limit: ожидается число от 1 до 500"},
		{"a part in English", nested, "en", "limit: expected a number from 1 to 500"},
		{"part of a part", Msg("filters: %s", nested), "uk", "filters: limit: очікується число від 1 до 500"},
		{"two parts", Msg("%s: %s", Msg("Password"), Msg("expected a text")), "ru", "Пароль: ожидается текст"},
		{"arguments are not keys", Msg("there is no option %s", "Password"), "uk", "варіанта Password немає"},
		{"arguments are not formats", Msg("there is no option %s", "100%d"), "uk", "варіанта 100%d немає"},
		{"not translated", Msg("%s says %d", "x", 1), "uk", "x says 1"},
		{"a percent sign without arguments", Msg("100%"), "ru", "100%"},
		{"zero value", Message{}, "uk", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.message.In(test.lang); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// One message is shown in several languages: rendering leaves it as it was.
func TestMessageInChangesNothing(t *testing.T) {
	inner := Msg("expected a text")
	args := []any{"name", inner}
	m := Message{"%s: %s", args}
	for _, lang := range []string{"uk", "ru", "en", "uk"} {
		if got, want := m.In(lang), "name: "+inner.In(lang); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
	}
	if kept, ok := args[1].(Message); !ok || kept.Format != inner.Format {
		t.Errorf("the argument became %v", args[1])
	}
}

func TestLanguages(t *testing.T) {
	if got, want := slices.Sorted(maps.Keys(translations)), []string{"ru", "uk"}; !slices.Equal(got, want) {
		t.Errorf("translations into %v, want %v", got, want)
	}
	for lang := range translations {
		if !slices.Contains(Languages, lang) {
			t.Errorf("%s is not among %v", lang, Languages)
		}
	}
}
