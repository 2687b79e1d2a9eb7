package apisync

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"kartoteka/internal/query/tree"
)

// FuzzImport: what is read from a file is bounded JSON, and written as YAML it is read
// as the same again.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		`{"version":1}`, "version: 1\nconfigs:\n  - {code: a, name: 'no', n: 1_000, f: 1.5e3, t: 2026-01-02, y: yes, x: 0x1F}\n",
		"a: &x [1]\nb: *x\n", "a: !!binary aGk=\n", "a: |\n  x\n   y\n\n  z \nb: \"\\t\\u0000\"\n", "? [1]\n: 2\n", "a: 1\na: 2\n", "--- {}\n--- {}\n", "<<: {a: 1}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := ReadFile(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatalf("it is no JSON: %v", err)
		}
		v, err := tree.ParseJSON(text, tree.Limits{})
		if err != nil {
			t.Skip("JSON that we do not take from others either")
		}
		out, err := writeYAML(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadFile(out)
		if err != nil || !reflect.DeepEqual(again, doc) {
			t.Fatalf("%q is read as %v, written as %q, then read as %v (%v)", data, doc, out, again, err)
		}
	})
}

func TestReadFileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a: &x [1]\nb: *x\n":                  "anchors",
		"a: 1\na: 2\n":                        "twice",
		`{"a":1,"a":2}`:                       "twice",
		"--- {}\n--- {}\n":                    "more than one",
		"[1]":                                 "must be an object",
		"a: !!binary aGk=\n":                  "tag",
		"a: [":                                "not valid YAML",
		strings.Repeat("[", 70):               "",
		"a: " + strings.Repeat("x", FileMost): "larger",
		"a: " + strings.Repeat("- ", 200) + "1\n": "",
	} {
		if _, err := ReadFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
