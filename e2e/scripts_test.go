package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptCommands: a script is looked at and run where no data is, and nothing is
// made there.
func TestScriptCommands(t *testing.T) {
	s := prepare(t, sqlite)
	write := func(name, source string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.py", "from datetime import date\nprint('working')\n{'next': date(year + 1, 1, 1), 'name': request_data['name'].upper()}\n")
	if out := s.run("scripts", "check", good); !strings.Contains(out, "no mistakes") || !strings.Contains(out, "names from outside: request_data, year") {
		t.Errorf("check says %q", out)
	}
	out := s.run("scripts", "run", good, "--input", `{"year":2024,"name":"ann"}`)
	if !strings.Contains(out, "working") || !strings.Contains(out, `"next": "2025-01-01"`) || !strings.Contains(out, `"name": "ANN"`) {
		t.Errorf("run says %q", out)
	}
	bad := write("bad.py", "x = 1\nif x\n")
	if out, err := s.try("scripts", "check", bad); err == nil || !strings.Contains(out, "bad.py:2:5: expected ':'") {
		t.Errorf("check of a bad one: %v %q", err, out)
	}
	for source, says := range map[string]string{
		"raise UserError('No phone')": "bad.py, line 1: UserError: No phone",
		"\nenv['1'].search([])":       "bad.py, line 2: RuntimeError: records cannot be reached",
		"import os":                   "ImportError",
	} {
		if out, err := s.try("scripts", "run", write("bad.py", source)); err == nil || !strings.Contains(out, says) {
			t.Errorf("%q: %v %q", source, err, out)
		}
	}
	for _, args := range [][]string{{}, {"look", good}, {"run"}, {"run", good, "--input", "[1]"}, {"run", good, "--mode", "guess"}} {
		if out, err := s.try(append([]string{"scripts"}, args...)...); err == nil || !strings.Contains(out, "wrong arguments") {
			t.Errorf("%v: %v %q", args, err, out)
		}
	}
}
