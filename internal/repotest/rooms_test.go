package repotest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms in their order: a room imports only rooms above it.
var rooms = []string{
	"fault", "config", "query", "account", "job", "blob", "outbound", "mail", "table", "formula", "script", "catalog",
	"report", "bpium", "scriptenv", "hook", "stream", "odoo", "apisync", "store", "httpkit", "bpiumapi", "syncapi", "adminapi",
	"web", "server", "cmd", "e2e",
}

// strangers ignore each other in spite of the order: only server and cmd wire them.
var strangers = [][2][]string{
	{{"hook"}, {"apisync", "report"}},
	{{"apisync"}, {"report"}},
	{{"store"}, {"bpiumapi", "syncapi", "adminapi"}},
}

const module = "kartoteka"

// room names the room of a package's folder, "" for none.
func room(dir string) string {
	parts := strings.Split(dir, "/")
	if parts[0] == "internal" && len(parts) > 1 {
		return parts[1]
	}
	return parts[0]
}

// support tells whether a package exists for tests only: its name ends in test.
func support(dir string) bool { return strings.HasSuffix(dir, "test") }

func TestRoomsImportOnlyRoomsAbove(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			target, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			if why := forbidden(s.dir(), target, s.test()); why != "" {
				t.Errorf("%s:%d imports %s: %s", s.path, s.line(spec.Pos()), path, why)
			}
		}
	}
}

// forbidden says why a package may not import another, "" if it may. Tests and
// test support may use any room below cmd, because they test with real parts.
func forbidden(from, to string, test bool) string {
	a, b := room(from), room(to)
	switch {
	case a == b:
		if support(to) && !test && !support(from) {
			return "it exists for tests only"
		}
		return ""
	case b == "cmd" || b == "e2e":
		return "nothing imports the programs"
	case test || support(from):
		return ""
	case support(to):
		return "it exists for tests only"
	case slices.Index(rooms, b) > slices.Index(rooms, a):
		return b + " is below " + a
	case estranged(a, b) || estranged(b, a):
		return a + " and " + b + " ignore each other"
	}
	return ""
}

func estranged(a, b string) bool {
	return slices.ContainsFunc(strangers, func(pair [2][]string) bool {
		return slices.Contains(pair[0], a) && slices.Contains(pair[1], b)
	})
}

func TestForbidden(t *testing.T) {
	cases := []struct {
		name, from, to string
		test, bad      bool
	}{
		{"a room above", "internal/catalog", "internal/query", false, false},
		{"a part of a room above", "internal/bpium", "internal/query/tree", false, false},
		{"a room below", "internal/query", "internal/catalog", false, true},
		{"the own room", "internal/store/sqlite", "internal/store", false, false},
		{"strangers", "internal/bpiumapi", "internal/store", false, true},
		{"strangers the other way", "internal/apisync", "internal/report", false, true},
		{"a test with a real part", "internal/catalog", "internal/store", true, false},
		{"test support", "internal/store/storetest", "internal/server", false, false},
		{"the program using test support", "internal/server", "internal/store/storetest", false, true},
		{"a room using its test support", "internal/store", "internal/store/storetest", false, true},
		{"cmd from anywhere", "internal/server", "cmd/kartoteka", true, true},
		{"cmd wires", "cmd/kartoteka", "internal/server", false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if why := forbidden(c.from, c.to, c.test); (why != "") != c.bad {
				t.Errorf("%q", why)
			}
		})
	}
}

func TestRoomsAreKnownAndExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, s := range sources(t) {
		dir := s.dir()
		if r := room(dir); !slices.Contains(rooms, r) && dir != "internal/repotest" {
			t.Errorf("%s: %q is not a room", s.path, r)
		}
		if strings.HasSuffix(s.file.Name.Name, "_test") {
			continue
		}
		explained[dir] = explained[dir] || strings.TrimSpace(s.file.Doc.Text()) != ""
	}
	for dir, ok := range explained {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
