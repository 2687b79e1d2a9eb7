package config

import (
	"fmt"
	"regexp"
	"strings"
)

// envFile is a parsed config.env: texts and line numbers by name.
type envFile struct {
	vars  map[string]string
	lines map[string]int
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseEnvFile reads NAME=value lines. Blank lines and lines that begin with #
// are skipped, "export " before a name is allowed, one pair of matching quotes
// around a value goes. Nothing is expanded, and # inside a value belongs to it:
// passwords have such characters.
func parseEnvFile(data string) (envFile, Problems) {
	file := envFile{vars: map[string]string{}, lines: map[string]int{}}
	var problems Problems
	data = strings.TrimPrefix(data, "\ufeff")
	number := 0
	for line := range strings.SplitSeq(data, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, val, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
		switch {
		case !ok || !envName.MatchString(name):
			// The line itself is not repeated: it may hold a secret.
			problems = append(problems, fmt.Sprintf("%s line %d must be NAME=value", FileName, number))
			continue
		case file.lines[name] != 0:
			problems = append(problems, fmt.Sprintf("%s line %d sets %s again (first on line %d)", FileName, number, name, file.lines[name]))
			continue
		}
		file.vars[name], file.lines[name] = unquote(strings.TrimSpace(val)), number
	}
	return file, problems
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
