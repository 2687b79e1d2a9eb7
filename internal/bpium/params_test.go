package bpium

import (
	"net/url"
	"strings"
	"testing"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

func TestParseParams(t *testing.T) {
	deep := strings.Repeat("[a]", 20)
	cases := []struct{ name, query, want string }{
		{"nothing", "", `{}`},
		{"scalar", "limit=10", `{"limit":"10"}`},
		{"empty value", "a=&b", `{"a":"","b":""}`},
		{"repeated", "id=1&id=2", `{"id":["1","2"]}`},
		{"empty brackets", "id[]=1&id[]=2", `{"id":["1","2"]}`},
		{"one in empty brackets", "id[]=1", `{"id":["1"]}`},
		{"indices keep their names", "id[0]=1&id[1]=2", `{"id":{"0":"1","1":"2"}}`},
		{"the client's nesting", "recordsFilter[filters][4][0][recordId]=5", `{"recordsFilter":{"filters":{"4":{"0":{"recordId":"5"}}}}}`},
		{"encoded brackets", "filters%5B0%5D%5Bvalue%5D%5Bat%5D=2031-01-01", `{"filters":{"0":{"value":{"at":"2031-01-01"}}}}`},
		{"plus and percent are blanks", "searchText=a+b%20c%2Bd", `{"searchText":"a b c+d"}`},
		{"loose objects", "f[][a]=1&f[][a]=2", `{"f":{"0":{"a":"1"},"1":{"a":"2"}}}`},
		{"no name before brackets", "[a]=1", `{"[a]":"1"}`},
		{"equals sign in value", "a=b=c", `{"a":"b=c"}`},
		{"empty pairs", "&&a=1&", `{"a":"1"}`},
		{"twenty levels", "a" + deep + "=1", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParseParams(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(p.root.AppendJSON(nil)); c.want != "" && got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseParamsRefuses(t *testing.T) {
	cases := []struct{ name, query, names string }{
		{"21 levels", "abc" + strings.Repeat("[a]", 21) + "=1", "abc"},
		{"5001 pairs", strings.Repeat("a[]=1&", 5001), "5000"},
		{"NUL", "title=a%00b", "title"},
		{"invalid UTF-8", "title=%ff", "title"},
		{"invalid UTF-8 in the name", "ti%fftle=a", "ti%fftle"},
		{"broken percent", "title=%zz", "title"},
		{"open bracket", "filters[0=1", "filters[0"},
		{"text behind brackets", "filters[0]x=1", "filters[0]x"},
		{"plain and brackets", "id=1&id[0]=2", "id"},
		{"JSON and brackets", `filters={"4":[1]}&filters[4][0]=1`, "filters"},
		{"conflict below", "filters[4]=1&filters[4][0]=1", "filters[4]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseParams(c.query)
			if !fault.Is(err, fault.InvalidParameter) || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParamReaders(t *testing.T) {
	lists := []struct{ name, query, want string }{
		{"absent", "", "null"},
		{"empty", "id=", "null"},
		{"single", "id=5", `["5"]`},
		{"repeated", "id=5&id=6", `["5","6"]`},
		{"JSON", "id=[5,%226%22]", `[5,"6"]`},
		{"empty JSON", "id=[]", `[]`},
		{"indices in the order of their numbers", "id[10]=c&id[2]=b&id[0]=a", `["a","b","c"]`},
		{"encoded twice", "id=" + url.QueryEscape(`"[5]"`), `[5]`},
	}
	for _, c := range lists {
		t.Run("list "+c.name, func(t *testing.T) {
			list, err := params(t, c.query).List("id")
			if err != nil {
				t.Fatal(err)
			}
			got := "null"
			if list != nil {
				got = string(tree.NewList(list).AppendJSON(nil))
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for in, want := range map[string]bool{"": false, "a=true": true, "a=1": true, "a=yes": true, "a=false": false, "a=0": false, "a=": false} {
		if got, err := params(t, in).Bool("a"); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	bad := map[string]func(Params) error{
		"a=maybe":                       func(p Params) error { _, err := p.Bool("a"); return err },
		"a[0]=true":                     func(p Params) error { _, err := p.Bool("a"); return err },
		"a=1.5":                         func(p Params) error { _, err := p.Int("a", 0, 0, 9); return err },
		"a=-1":                          func(p Params) error { _, err := p.Int("a", 0, 0, 9); return err },
		"a=x":                           func(p Params) error { _, err := p.Int("a", 0, 0, 9); return err },
		"a=9" + strings.Repeat("9", 30): func(p Params) error { _, err := p.Int("a", 0, 0, 9); return err },
		"a[x]=1":                        func(p Params) error { _, err := p.List("a"); return err },
		"a=[1":                          func(p Params) error { _, err := p.List("a"); return err },
		"a=[[1]]":                       func(p Params) error { _, err := p.IDs("a"); return err },
	}
	for in, read := range bad {
		if err := read(params(t, in)); !fault.Is(err, fault.InvalidParameter) || !strings.Contains(err.Error(), "a") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func params(t testing.TB, q string) Params {
	t.Helper()
	p, err := ParseParams(q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzParams: whatever comes, the answer is a tree of valid texts or a fault;
// a tree written out in brackets again is the same tree.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"a=1&a=2", "a[b][0]=1&a[b][1]=%D0%B6", "f[][a]=1&f[][b]=2", "a=%00", "a[=1", "filters%5B4%5D%5B%24or%5D%5B0%5D=x+y", "=&=", "[a]=1&[a]=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		p, err := ParseParams(q)
		if err != nil {
			if !fault.Is(err, fault.InvalidParameter) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := ParseParams(brackets("", p.root))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if a, b := string(p.root.AppendJSON(nil)), string(again.root.AppendJSON(nil)); a != b {
			t.Errorf("%s became %s", a, b)
		}
	})
}

// brackets writes a tree as a query string.
func brackets(path string, v tree.Value) string {
	var b strings.Builder
	switch v.Kind {
	case tree.Object:
		for _, m := range v.Fields() {
			key := url.QueryEscape(m.Key)
			if path != "" {
				key = path + "[" + key + "]"
			}
			b.WriteString(brackets(key, m.Value))
		}
	case tree.List:
		// Brackets behind a name that is empty or begins with one belong to the
		// name (splitKey), so such a list is what was repeated.
		mark := "[]="
		if path == "" || strings.HasPrefix(path, "%5B") {
			mark = "="
		}
		for _, item := range v.Items() {
			b.WriteString(path + mark + url.QueryEscape(item.Str()) + "&")
		}
	default:
		b.WriteString(path + "=" + url.QueryEscape(v.Str()) + "&")
	}
	return b.String()
}
