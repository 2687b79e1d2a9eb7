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

// TestTour runs the five minutes of the README as they are printed: only the
// address, the folder of the program and the download of the movies differ.
func TestTour(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tour, found := strings.Cut(string(readme), "## Five minutes")
	if !found {
		t.Fatal("the README has no tour")
	}
	tour, _, _ = strings.Cut(tour, "\n## ")
	s := serve(t, sqlite, "KARTOTEKA_ADMIN_LOGIN=admin@example.com", "KARTOTEKA_ADMIN_PASSWORD=change-me-soon")
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	adapt := strings.NewReplacer("127.0.0.1:8080", s.addr, "bin/kartoteka", binary, "--data data", "--data "+s.dir,
		"require('bp-api')", "require('"+filepath.Join(modules, "bp-api")+"')",
		"package/data/movies.json", filepath.Join(modules, "vega-datasets", "data", "movies.json"))
	shell := "set -euo pipefail\n"
	outputs := []string{
		`Catalog 25 "Movies": 3201 records`,
		`"title":"King Kong"`, `"title":"The Godfather"`,
		"Documentary                6.9973\nWestern                    6.8429\n",
		`"title":"My better film"`, `"oldValue":"My film","newValue":"My better film"`,
		`Star Wars Ep. IV: A New Hope`,
	}
	var all strings.Builder
	for _, block := range codeBlock.FindAllStringSubmatch(tour, -1) {
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
		code = strings.Join(kept, "\n")
		all.WriteString(runTour(t, "bash", "-c", shell+code))
		for _, line := range kept {
			if strings.HasPrefix(line, "me=") {
				shell += line + "\n"
			}
		}
	}
	for _, want := range outputs {
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
