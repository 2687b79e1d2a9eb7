package config

import (
	"strings"
	"testing"
)

// FuzzEnvFile: every line is either understood or reported, what was
// understood can be written out and read back, and reports repeat no value.
func FuzzEnvFile(f *testing.F) {
	for _, seed := range []string{"A=1\nB=2", "\ufeffA = ' x '\r\n# c\n\nexport B=\"y", "A=1\nA=2", "=x", "A", "1A=2", "A==", "A='"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		file, problems := parseEnvFile(data)
		var back strings.Builder
		for name, val := range file.vars {
			if !envName.MatchString(name) || strings.ContainsRune(val, '\n') || file.lines[name] == 0 {
				t.Fatalf("%q = %q on line %d", name, val, file.lines[name])
			}
			back.WriteString(name + "='" + val + "'\n")
		}
		again, bad := parseEnvFile(back.String())
		if len(bad) > 0 {
			t.Fatalf("written out: %v", bad)
		}
		for name, val := range file.vars {
			if again.vars[name] != val {
				t.Fatalf("%s: %q became %q", name, val, again.vars[name])
			}
		}
		if lines := strings.Count(data, "\n") + 1; len(problems)+len(file.vars) > lines {
			t.Fatalf("%d problems and %d values from %d lines", len(problems), len(file.vars), lines)
		}
	})
}
