package fault

import (
	"embed"
	"encoding/json"
	"fmt"
)

// Message is a text for the caller: an English format string, which is also
// the key of its translations, and its arguments. An argument that is itself a
// Message is translated with it.
type Message struct {
	Format string
	Args   []any
}

// Msg makes a message.
func Msg(format string, args ...any) Message { return Message{format, args} }

// Languages are those the API speaks, the default first.
var Languages = []string{"en", "uk", "ru"}

//go:embed locale/*.json
var locales embed.FS

var translations = map[string]map[string]string{"uk": load("uk"), "ru": load("ru")}

func load(lang string) map[string]string {
	data, err := locales.ReadFile("locale/" + lang + ".json")
	if err != nil {
		panic(err) // embedded at build time
	}
	m := map[string]string{}
	if err := json.Unmarshal(data, &m); err != nil {
		panic(fmt.Errorf("locale %s: %w", lang, err))
	}
	return m
}

// In renders the message in a language of Languages; any other means English.
func (m Message) In(lang string) string {
	format := m.Format
	if t, ok := translations[lang][format]; ok {
		format = t
	}
	args := m.Args
	for i, a := range args {
		inner, ok := a.(Message)
		if !ok {
			continue
		}
		if &args[0] == &m.Args[0] {
			args = append([]any(nil), m.Args...)
		}
		args[i] = inner.In(lang)
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
