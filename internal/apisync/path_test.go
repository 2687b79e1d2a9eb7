package apisync

import (
	"strings"
	"testing"

	"kartoteka/internal/query/tree"
)

func parsedJSON(tb testing.TB, s string) tree.Value {
	tb.Helper()
	v, err := tree.ParseJSON([]byte(s), tree.Limits{})
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestPathReads(t *testing.T) {
	const item = `{"a":{"b":{"c":1}},"l":[{"n":"x","m":[1,2]},{"n":null},{}],"a.b":"literal","x.y":2,"":{"e":3},"o":{"k[0]":4}}`
	tests := []struct{ path, want string }{
		{"a", `{"b":{"c":1}}`}, {"a.b.c", `1`}, {"a.b", `"literal"`}, {`a\.b`, `"literal"`}, {`x\.y`, `2`}, {"x.y", `2`},
		{"l[0].n", `"x"`}, {"l[-1]", `{}`}, {"l[-3].m[1]", `2`}, {"l[3]", ""}, {"l[-4]", ""}, {"l[].n", `["x",null,null]`},
		{"l[].m[]", `[[1,2],null,null]`}, {"a[0]", ""}, {"a[]", ""}, {"a.b.c.d", ""}, {"l.n", ""}, {"none", ""}, {`o.k\[0\]`, `4`}, {"$", item},
		{"l[1].n", `null`},
	}
	for _, test := range tests {
		p, ok := ParsePath(test.path)
		if !ok {
			t.Errorf("%s: is no path", test.path)
			continue
		}
		v, ok := p.read(parsedJSON(t, item))
		got := ""
		if ok {
			got = string(v.AppendJSON(nil))
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.path, got, test.want)
		}
	}
}

func TestNoPaths(t *testing.T) {
	for _, s := range []string{
		"", ".", "a.", ".a", "a..b", "a[", "a]", "a[x]", "a[01]", "a[+1]", "a[10000]", "a[-10000]", `a\`, `a\x`, "a[0]b", "$.",
		strings.Repeat("a.", 16) + "a",
	} {
		if _, ok := ParsePath(s); ok {
			t.Errorf("%q is a path", s)
		}
	}
}

func TestPathWrites(t *testing.T) {
	type set struct{ path, value string }
	tests := []struct {
		name string
		sets []set
		want string
	}{
		{"objects", []set{{"a.b", `1`}, {"a.c.d", `2`}}, `{"a":{"b":1,"c":{"d":2}}}`},
		{"lists", []set{{"l[2]", `1`}, {"l[0].x", `2`}}, `{"l":[{"x":2},null,1]}`},
		{"from the end", []set{{"l[0]", `1`}, {"l[-1]", `2`}, {"m[-1]", `3`}}, `{"l":[2],"m":[3]}`},
		{"aligned", []set{{"l[].a", `[1,2]`}, {"l[].b", `["x","y","z"]`}}, `{"l":[{"a":1,"b":"x"},{"a":2,"b":"y"},{"b":"z"}]}`},
		{"lists of lists", []set{{"l[].m[].n", `[[1],[2,3]]`}}, `{"l":[{"m":[{"n":1}]},{"m":[{"n":2},{"n":3}]}]}`},
		{"nothing aligned", []set{{"l[].a", `null`}}, `{"l":[]}`},
		{"key with a dot", []set{{`a\.b`, `1`}}, `{"a.b":1}`},
		{"into what is there", []set{{"a", `{"x":1,"l":[1,2]}`}, {"a.x", `2`}, {"a.l[1]", `3`}}, `{"a":{"x":2,"l":[1,3]}}`},
		{"in place of a scalar", []set{{"a", `1`}, {"a.b", `2`}}, `{"a":{"b":2}}`},
		{"whole", []set{{"$", `[1]`}}, `[1]`},
		{"nothing", nil, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var d growing
			for _, s := range test.sets {
				p, ok := ParsePath(s.path)
				if !ok || !d.set(p, parsedJSON(t, s.value)) {
					t.Fatalf("%s cannot be set", s.path)
				}
			}
			if got := string(d.value().AppendJSON(nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// A tree of many lists is not made.
func TestPathsAreBounded(t *testing.T) {
	var d growing
	p, _ := ParsePath("l[].m[9999]")
	list := parsedJSON(t, "["+strings.Repeat("1,", 11)+"1]")
	if d.set(p, list) {
		t.Errorf("%d values were made", d.made)
	}
}

// What is set at a path is read there again.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b", "a[0].b", "a[]", "a[].b[].c", `a\.b`, "$", "[-1].x", "[]"} {
		f.Add(s, `[{"x":1},2]`)
	}
	f.Fuzz(func(t *testing.T, text, json string) {
		v, err := tree.ParseJSON([]byte(json), tree.Limits{})
		p, ok := ParsePath(text)
		if err != nil || !ok {
			return
		}
		var d growing
		if !d.set(p, v) {
			return
		}
		got, found := p.read(d.value())
		each := strings.Contains(text, "[]")
		if !each && (!found || !same(got, v)) {
			t.Errorf("%q: %s was set, %s is read", text, json, got.AppendJSON(nil))
		}
		p.read(v)
	})
}
