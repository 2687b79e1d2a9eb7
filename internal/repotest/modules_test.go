package repotest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestModules: modernc.org/libc is SQLite's C library; with any other version
// than the one that sqlite was released with, it is untested together. A
// replace would be lost for people who install with go install.
func TestModules(t *testing.T) {
	var mod struct {
		Require []struct{ Path, Version string }
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal([]byte(command(t, "go", "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod replaces %v", mod.Replace)
	}
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Path] = r.Version
	}
	const sqlite, libc = "modernc.org/sqlite", "modernc.org/libc"
	if versions[sqlite] != "v1.60.1" {
		t.Errorf("%s is %s: v1.60.1 is the last one that go mod tidy accepts without a replace", sqlite, versions[sqlite])
	}
	data, err := os.ReadFile(strings.TrimSpace(command(t, "go", "list", "-m", "-f", "{{.GoMod}}", sqlite)))
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(libc) + `\s+(\S+)`).FindSubmatch(data)
	if asked == nil || string(asked[1]) != versions[libc] {
		t.Errorf("%s asks for %s %s, go.mod has %s", sqlite, libc, asked, versions[libc])
	}
}

// licences are phrases of the texts that may be linked into the program.
var licences = map[string]string{
	"MIT":        "Permission is hereby granted, free of charge, to any person obtaining a copy",
	"BSD":        "Redistribution and use in source and binary forms, with or without modification, are permitted",
	"ISC":        "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
	"ISC (and)":  "Permission to use, copy, modify, and distribute this software for any purpose with or without fee",
	"Apache-2.0": "Apache License Version 2.0",
	"MPL-2.0":    "Mozilla Public License Version 2.0",
}

func TestLicences(t *testing.T) {
	out := command(t, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", "./cmd/...", "./internal/...")
	lines := strings.Fields(strings.ReplaceAll(out, "\t", "="))
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		path, dir, _ := strings.Cut(line, "=")
		if path == module {
			continue
		}
		if !licensed(t, dir) {
			t.Errorf("%s has no licence text of MIT, BSD, ISC, Apache-2.0 or MPL-2.0", path)
		}
	}
}

func licensed(t *testing.T, dir string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		// Texts break their lines differently and decorate them with commas.
		text := strings.ReplaceAll(strings.Join(strings.Fields(string(data)), " "), ", Version", " Version")
		for _, phrase := range licences {
			if strings.Contains(strings.ToLower(text), strings.ToLower(phrase)) {
				return true
			}
		}
	}
	return false
}
