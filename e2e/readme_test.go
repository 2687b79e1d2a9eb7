package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var codeBlock = regexp.MustCompile("(?s)```(sh|js)\n(.*?)```")

// TestTour runs the five minutes of the README as they are printed.
func TestTour(t *testing.T) {
	tour(t, filepath.Join("..", "README.md"),
		`Catalog 25 "Movies": 3201 records`,
		`"title":"King Kong"`, `"title":"The Godfather"`,
		"Documentary                6.9973\nWestern                    6.8429\n",
		`"title":"My better film"`, `"oldValue":"My film","newValue":"My better film"`,
		`Star Wars Ep. IV: A New Hope`)
}

// TestSyncTour runs the five minutes of the synchronisation module.
func TestSyncTour(t *testing.T) {
	tour(t, filepath.Join("..", "docs", "sync", "README.md"),
		`{"external_key":"external_id","field":"ref","is_record_identifier":true}`,
		`{"external_key":"since","field":"since","format":"%d.%m.%Y"}`, `{"external_key":"type","message":"there is no option`,
		`{"name":"request","ok":true`, `"message":"the list is empty"`,
		`"type":"supplier","since":"09.03.2026"},"meta":{"action":"created"}`, `"meta":{"action":"updated"}`,
		`"message":"1 of 2 items failed"`, `{"key":"title","code":"REQUIRED"`, `"meta":{"count":1,"has_more":false`,
		`"status_code":207,"outcome":"partial"`)
}

// syncDocuments are documents and what their tried parts print.
var syncDocuments = map[string][]string{
	"authentication.md": {
		`"label":"till"`, `"value":"`, `"meta":{"count":1`, `"title":"Oak"`, `"title":"Oak & Sons"`, `"meta":{"action":"updated"}`, `"code":"SIGNATURE_INVALID"`, `"data":[],"meta":{"count":0`,
	},
	"field-mapping.md": {
		`"partner":"C-1","lines":[{"sku":"table","quantity":1},{"sku":"chair","quantity":4}]},"meta":{"action":"created"}`,
		`"lines":[{"sku":"table","quantity":1},{"sku":"chair","quantity":6},{"sku":"lamp","quantity":1}]},"meta":{"action":"updated"}`, `"lines":[{"sku":"lamp","quantity":2}]}`,
	},
	"scripts.md": {
		`"message":"invalid syntax"`, `{"ok":true,"value":2,"value_type":"int"`, `{"ok":true,"value":"OAK"`, `{"ok":false,"cases":[{"ok":true,"value":"OAK"`,
		`"type":"AttributeError"`,
	},
}

// TestSyncDocuments runs what is tried out in the documents of the synchronisation module,
// each after its five minutes.
func TestSyncDocuments(t *testing.T) {
	for name, wants := range syncDocuments {
		t.Run(name, func(t *testing.T) {
			s := beginTour(t)
			s.run(filepath.Join("..", "docs", "sync", "README.md"), "## Five minutes")
			s.out.Reset()
			s.run(filepath.Join("..", "docs", "sync", name), "## Tried out")
			s.shows(wants...)
			s.stop()
		})
	}
}

// named are lines of a tour that later blocks need: they set a name.
var named = regexp.MustCompile(`^[a-z]+=`)

// toured is a server and the shell that runs documents against it: only the address, the
// folder of the program and the download of the movies differ from what is printed.
type toured struct {
	*testing.T
	*server
	adapt *strings.Replacer
	shell string // what each block begins with
	out   strings.Builder
}

func beginTour(t *testing.T) *toured {
	t.Helper()
	s := &toured{T: t, shell: "set -euo pipefail\n"}
	s.server = serve(t, sqlite, "KARTOTEKA_ADMIN_LOGIN=admin@example.com", "KARTOTEKA_ADMIN_PASSWORD=change-me-soon")
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	s.adapt = strings.NewReplacer("127.0.0.1:8080", s.addr, "bin/kartoteka", binary, "--data data", "--data "+s.dir,
		"require('bp-api')", "require('"+filepath.Join(modules, "bp-api")+"')",
		"package/data/movies.json", filepath.Join(modules, "vega-datasets", "data", "movies.json"))
	return s
}

// tour runs the part "Five minutes" of a document. Its output must have all of wants.
func tour(t *testing.T, path string, wants ...string) {
	t.Helper()
	s := beginTour(t)
	s.run(path, "## Five minutes")
	s.shows(wants...)
	s.stop()
}

// run runs the blocks of a document's part. They are one session: names that one sets are
// used by the next.
func (s *toured) run(path, heading string) {
	s.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	_, text, found := strings.Cut(string(document), heading+"\n")
	if !found {
		s.Fatalf("%s has no part %s", path, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		code := s.adapt.Replace(block[2])
		switch {
		case strings.Contains(code, " serve "):
			continue // it serves already
		case block[1] == "js":
			s.out.WriteString(runTour(s.T, "node", "-e", code))
			continue
		}
		lines := strings.Split(code, "\n")
		kept := lines[:0]
		for _, line := range lines {
			if !strings.HasPrefix(line, "npm pack") {
				kept = append(kept, line)
			}
		}
		s.out.WriteString(runTour(s.T, "bash", "-c", s.shell+strings.Join(kept, "\n")))
		for _, line := range kept {
			if named.MatchString(line) {
				s.shell += line + "\n"
			}
		}
	}
}

// shows looks for texts in what was printed.
func (s *toured) shows(wants ...string) {
	s.Helper()
	for _, want := range wants {
		if !strings.Contains(s.out.String(), want) {
			s.Errorf("the tour does not show %s", want)
		}
	}
	if s.Failed() {
		s.Log(s.out.String())
	}
}

func runTour(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", name, err, args[len(args)-1], out)
	}
	return string(out)
}
