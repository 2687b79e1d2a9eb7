package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

func order(id query.Record, values map[query.Field]catalog.Value) *testRecord {
	return &testRecord{catalog: orders, id: id, created: 1000, updated: 1000, values: values}
}

// found gives the numbers of the orders that match, by number.
func foundOrders(t *testing.T, s *Company, st *catalog.Structure, where query.Node) (numbers []query.Record) {
	t.Helper()
	read(t, s, st, func(r catalog.Reader) error {
		p, err := r.Select(t.Context(), &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Where: where, Limit: 1000})
		if err == nil {
			numbers = numbersOf(p)
		}
		return err
	})
	return numbers
}

// TestSearchText says what a text is found by. Quotes, wildcards and operators
// of LIKE, FTS5 and SQL mean themselves.
func TestSearchText(t *testing.T) {
	cases := []struct {
		text, search string
		want         bool
	}{
		{"Привіт, СВІТЕ", "світ", true},
		{"Привіт, СВІТЕ", "ПРИВ", true},
		{"Привіт", "приветик", false},
		{"Жук", "ж", true},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"Σίσυφος", "ΦΟΣ", true},
		{"İSTANBUL", "istanbul", true},
		{"ılık", "ILIK", true},
		{"Straße", "STRASSE", true},
		{"STRASSE", "straße", true},
		{"żółw", "ŻÓŁ", true},
		{"e\u0301tude", "étu", true},
		{"日本語テキスト", "語テ", true},
		{"😀😀😀😀", "😀😀😀", true},
		{"100% sure", "100%", true},
		{"1000 sure", "100%", false},
		{"1000 sure", "%", false},
		{"a_b_c", "a_b", true},
		{"axbxc", "a_b", false},
		{"axbxc", "_", false},
		{`back\slash`, `k\s`, true},
		{`backslash`, `k\s`, false},
		{`\`, `\`, true},
		{`say "hi"`, `"hi"`, true},
		{`say hi`, `"hi"`, false},
		{`"`, `"`, true},
		{"it's", "t's", true},
		{"alpha NEAR beta", "NEAR beta", true},
		{"alpha beta", "NEAR(alpha beta)", false},
		{"alpha beta", "alpha AND beta", false},
		{"alpha beta", "alpha OR beta", false},
		{"alpha beta", "alp*", false},
		{"alp*", "alp*", true},
		{"alpha beta", "beta alpha", false},
		{"alpha beta", "^alpha", false},
		{"alpha beta", "fold:alpha", false},
		{"alpha beta", "alpha -beta", false},
		{"alpha  beta", "alpha beta", false},
		{"a?b", "?b", true},
		{"x'); DROP TABLE r_5; --", "'); drop table", true},
		{"abcd", "abcd", true},
		{"abcd", "abcde", false},
		{"abcabd", "abcd", false}, // has all three trigrams, not the text
	}
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		var records []*testRecord
		for i, c := range cases {
			records = append(records, order(query.Record(i+1), map[query.Field]catalog.Value{fName: catalog.Text(c.text)}))
		}
		write(t, s, st, records)
		for i, c := range cases {
			numbers := foundOrders(t, s, st, cond(fName, query.Substring{Fold: text.Fold(c.search)}))
			if got := slices.Contains(numbers, query.Record(i+1)); got != c.want {
				t.Errorf("%q in %q: %t, want %t", c.search, c.text, got, c.want)
			}
		}
	})
}

func TestRowsFindTitles(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		named := order(1, map[query.Field]catalog.Value{fName: catalog.Text("One"), fAmount: catalog.Number(1.5),
			fTags: catalog.Items{3, 1}})
		gone := order(3, map[query.Field]catalog.Value{fName: catalog.Text("Three")})
		named.code, gone.code = "one", "three"
		write(t, s, st, []*testRecord{named, order(2, nil), gone})
		c := st.Catalog(orders)
		mutate(t, s, st, catalog.Mutation{Kind: catalog.RemoveRecord, Catalog: c, Record: 3, Version: 1, At: 2000})
		read(t, s, st, func(r catalog.Reader) error {
			checkRows(t, r, c)
			for code, want := range map[string]query.Record{"one": 1, "three": 0, "": 0, "x": 0, "a\x00": 0, "\xff": 0} {
				if n, err := r.Find(t.Context(), c, code); n != want || err != nil {
					t.Errorf("find %q: %d, %v, want %d", code, n, err, want)
				}
			}
			one, two, three := query.MakeRef(orders, 1), query.MakeRef(orders, 2), query.MakeRef(orders, 3)
			titles, err := r.Titles(t.Context(), []query.Ref{one, three, two, one, query.MakeRef(orders, 9), query.MakeRef(99, 1)})
			want := catalog.Titles{one: {Text: "One", Code: "one"}, two: {Text: "#2"}, three: {Text: "Three", Code: "three", Removed: true}}
			if err != nil || fmt.Sprint(titles) != fmt.Sprint(want) {
				t.Errorf("titles %v, %v, want %v", titles, err, want)
			}
			return nil
		})
	})
}

func checkRows(t *testing.T, r catalog.Reader, c *catalog.Catalog) {
	t.Helper()
	columns := fieldsOf(c, fName, fAmount, fButton, fTags)
	many := make([]query.Record, 100_000)
	for i := range many {
		many[i] = query.Record(i + 1)
	}
	for want, numbers := range [][]query.Record{0: {3}, 1: {1}, 2: many} {
		p, err := r.Rows(t.Context(), c, columns, numbers)
		if err != nil || p.Len() != want {
			t.Fatalf("rows of %d numbers: %d, %v, want %d", len(numbers), p.Len(), err, want)
		}
		i := slices.Index(numbersOf(p), 1)
		if i < 0 {
			continue
		}
		if string(p.Bytes(p.Cell(i, 0))) != "One" || p.Cell(i, 1).Float() != 1.5 || !p.Cell(i, 2).Empty() ||
			catalog.ListAt(p.Bytes(p.Cell(i, 3)), 1) != 1 || string(p.Code(i)) != "one" || p.Version(i) != 1 {
			t.Errorf("record 1 reads wrong")
		}
	}
}

// TestPageBytes stops a page that gets too big.
func TestPageBytes(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		long := catalog.Text(strings.Repeat("x", 2000))
		write(t, s, st, []*testRecord{order(1, map[query.Field]catalog.Value{fNote: long}), order(2, map[query.Field]catalog.Value{fNote: long})})
		plan := newReadPlan(st.Catalog(orders), fieldsOf(st.Catalog(orders), fNote))
		p := plan.reader()
		p.most = 3000
		err := s.engine.View(t.Context(), nil, func(c conn) error {
			return c.Query(t.Context(), "SELECT "+plan.list+" FROM r_5 r", nil, p.add)
		})
		if !fault.Is(err, fault.LimitTooLarge) {
			t.Errorf("got %v, want that the limit is too large", err)
		}
	})
}

func TestSelectRefusals(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		for name, c := range map[string]struct {
			sort query.Sort
			want fault.Code
		}{
			"unknown field": {query.Sort{By: query.ByField, Field: 999}, fault.UnknownField},
			"button":        {query.Sort{By: query.ByField, Field: fButton}, fault.InvalidParameter},
		} {
			err := s.View(t.Context(), st.Version, func(r catalog.Reader) error {
				_, err := r.Select(t.Context(), &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Sort: c.sort, Limit: 1})
				return err
			})
			if !fault.Is(err, c.want) {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
	})
}
