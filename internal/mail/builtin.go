package mail

import (
	"embed"
	"fmt"
	"strings"

	"kartoteka/internal/fault"
)

// texts are the built-in templates, a file for each language and code: the name,
// the subject, the HTML.
//
//go:embed text
var texts embed.FS

var builtins = loadBuiltins()

func loadBuiltins() map[string]map[Code]Template {
	all := map[string]map[Code]Template{}
	for _, lang := range fault.Languages {
		all[lang] = map[Code]Template{}
		for _, code := range Codes {
			data, err := texts.ReadFile("text/" + lang + "/" + string(code) + ".html")
			if err != nil {
				panic(err) // embedded at build time
			}
			parts := strings.SplitN(string(data), "\n", 3)
			if len(parts) != 3 {
				panic(fmt.Sprintf("mail: the text %s/%s has no body", lang, code))
			}
			all[lang][code] = Template{Name: parts[0], Subject: parts[1], HTML: parts[2]}
		}
	}
	return all
}

// Builtin gives the program's own template of a code in a language of
// fault.Languages; any other means English.
func Builtin(code Code, lang string) Template {
	if t, ok := builtins[lang][code]; ok {
		return t
	}
	return builtins[fault.Languages[0]][code]
}
