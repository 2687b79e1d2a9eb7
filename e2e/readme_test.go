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

// named are lines of a tour that later blocks need: they set a name.
var named = regexp.MustCompile(`^[a-z]+=`)

// tour runs the part "Five minutes" of a document: only the address, the folder of the
// program and the download of the movies differ. Its output must have all of wants.
func tour(t *testing.T, path string, wants ...string) {
	t.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(document), "## Five minutes")
	if !found {
		t.Fatalf("%s has no tour", path)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	s := serve(t, sqlite, "KARTOTEKA_ADMIN_LOGIN=admin@example.com", "KARTOTEKA_ADMIN_PASSWORD=change-me-soon")
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	adapt := strings.NewReplacer("127.0.0.1:8080", s.addr, "bin/kartoteka", binary, "--data data", "--data "+s.dir,
		"require('bp-api')", "require('"+filepath.Join(modules, "bp-api")+"')",
		"package/data/movies.json", filepath.Join(modules, "vega-datasets", "data", "movies.json"))
	shell := "set -euo pipefail\n"
	var all strings.Builder
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		code := adapt.Replace(block[2])
		switch {
		case strings.Contains(code, " serve "):
			continue // it serves already
		case block[1] == "js":
			all.WriteString(runTour(t, "node", "-e", code))
			continue
		}
		lines := strings.Split(code, "\n")
		kept := lines[:0]
		for _, line := range lines {
			if !strings.HasPrefix(line, "npm pack") {
				kept = append(kept, line)
			}
		}
		// The blocks are one session: names that one sets are used by the next.
		all.WriteString(runTour(t, "bash", "-c", shell+strings.Join(kept, "\n")))
		for _, line := range kept {
			if named.MatchString(line) {
				shell += line + "\n"
			}
		}
	}
	for _, want := range wants {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the tour does not show %s", want)
		}
	}
	if t.Failed() {
		t.Log(all.String())
	}
	s.stop()
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
