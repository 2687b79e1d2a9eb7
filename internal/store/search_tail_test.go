package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/store/testdb"
)

// still keeps search rows where they are from now on.
func still(s *Company) { s.tail.close() }

// settle moves all search rows that wait, on SQLite.
func settle(t testing.TB, s *Company) {
	t.Helper()
	if s.tail == nil {
		return
	}
	still(s)
	for more := true; more; {
		n, err := s.tail.move(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		more = n > 0
	}
}

// tailRows counts what waits for the index.
func tailRows(t testing.TB, s *Company) (n int64) {
	t.Helper()
	err := s.engine.View(t.Context(), nil, func(c conn) error {
		return c.Query(t.Context(), `SELECT count(*) FROM search_tail`, nil, func(r row) error { n = r.Int(0); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// named is a world of orders of which only the names matter.
type named struct {
	t       *testing.T
	s       *Company
	st      *catalog.Structure
	names   map[query.Record]string
	version map[query.Record]int64
}

func (w *named) record(n query.Record) *testRecord {
	return order(n, map[query.Field]catalog.Value{fName: catalog.Text(w.names[n]), fAmount: catalog.Number(float64(n * 37 % 100))})
}

// change makes, renames or removes a record.
func (w *named) change(n query.Record, name string) {
	old, there := w.names[n]
	c := w.st.Catalog(orders)
	w.names[n] = name
	switch {
	case !there:
		w.version[n] = 1
		mutate(w.t, w.s, w.st, w.record(n).mutation(w.st))
	case name == "":
		mutate(w.t, w.s, w.st, catalog.Mutation{Kind: catalog.RemoveRecord, Catalog: c, Record: n, Version: w.version[n], At: 3})
	case old == "":
		m := w.record(n).mutation(w.st)
		m.Kind, w.version[n] = catalog.RestoreRecord, 1
		mutate(w.t, w.s, w.st, m)
	default:
		title := catalog.NewTitleRow(name)
		mutate(w.t, w.s, w.st, catalog.Mutation{Kind: catalog.UpdateRecord, Catalog: c, Record: n, Version: w.version[n], At: 2,
			Title: &title, Cells: []catalog.StoredValue{catalog.StoredOf(c.Field(fName), catalog.Text(name))}})
		w.version[n]++
	}
}

// compare asks for a text in every form that searches take.
func (w *named) compare(word string) {
	w.t.Helper()
	var want []query.Record
	for n, name := range w.names {
		if name != "" && strings.Contains(name, word) {
			want = append(want, n)
		}
	}
	slices.Sort(want)
	sub := query.Substring{Fold: text.Fold(word)}
	for name, sel := range map[string]*catalog.Selected{
		"by number":       {Where: cond(fName, sub), Limit: 1000},
		"down by number":  {Where: cond(fName, sub), Limit: 1000, Sort: query.Sort{Desc: true}},
		"a page":          {Where: query.And{cond(fName, sub), cond(fAmount, query.NumberRange{Min: ptr(0.0)})}, Limit: 3, Offset: 2},
		"by amount":       {Where: cond(fName, sub), Limit: 1000, Sort: query.Sort{By: query.ByField, Field: fAmount}},
		"in one of two":   {Where: query.Or{cond(fName, sub), cond(fNote, sub)}, Limit: 1000},
		"by quick search": {Search: query.Search{Fold: sub.Fold}, Limit: 1000},
	} {
		sel.Structure, sel.Catalog = w.st, w.st.Catalog(orders)
		sel.SearchFields = fieldsOf(sel.Catalog, fName, fNote)
		var got []query.Record
		read(w.t, w.s, w.st, func(r catalog.Reader) error {
			p, err := r.Select(w.t.Context(), sel)
			if err == nil {
				got = numbersOf(p)
			}
			return err
		})
		expected := slices.Clone(want)
		switch name {
		case "down by number":
			slices.Reverse(expected)
		case "a page":
			expected = expected[min(2, len(expected)):min(5, len(expected))]
		case "by amount":
			slices.Sort(got)
		}
		if !slices.Equal(got, expected) {
			w.t.Fatalf("%q %s: got %v, want %v", word, name, got, expected)
		}
	}
}

// TestSearchTail changes texts at random, moves some of the rows now and then,
// and compares all searches with texts in memory.
func TestSearchTail(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := openTestCompany(t, testdb.SQLite(t))
	still(s)
	w := &named{t, s, saveStructure(t, s), map[query.Record]string{}, map[query.Record]int64{}}
	words := []string{"alpha", "beta", "жук", "ab", "gamma ray"}
	for range 300 {
		n := query.Record(1 + rnd.IntN(40))
		name := ""
		if _, there := w.names[n]; !there || rnd.IntN(4) > 0 {
			name = words[rnd.IntN(len(words))] + " " + words[rnd.IntN(len(words))]
		}
		if w.names[n] != name {
			w.change(n, name)
		}
		if rnd.IntN(25) == 0 {
			settle(t, s)
		}
		w.compare(words[rnd.IntN(len(words))])
	}
	if tailRows(t, s) == 0 {
		w.change(1, "beta")
	}
	if found := mustCheck(t, s); found != nil {
		t.Errorf("the check finds %v", found)
	}
	settle(t, s)
	if found := mustCheck(t, s); found != nil || tailRows(t, s) != 0 {
		t.Errorf("with everything moved: %d rows, %v", tailRows(t, s), found)
	}
}

// TestSearchTailMoves: rows move without being asked to, also those that an
// earlier run of the program has left.
func TestSearchTailMoves(t *testing.T) {
	target := testdb.SQLite(t)
	s := openTestCompany(t, target)
	st := saveStructure(t, s)
	w := &named{t, s, st, map[query.Record]string{}, map[query.Record]int64{}}
	w.change(1, "moves")
	waitFor(t, func() bool { return tailRows(t, s) == 0 })
	still(s)
	w.change(2, "stays")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSQLite(t.Context(), filepath.Join(target.Dir, "company.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	waitFor(t, func() bool { return tailRows(t, s) == 0 })
	if got := foundOrders(t, s, st, cond(fName, query.Substring{Fold: "stays"})); !slices.Equal(got, []query.Record{2}) {
		t.Errorf("found %v", got)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// TestSearchLoad: many new records at once do not wait, and what is cleared
// away leaves nothing that does.
func TestSearchLoad(t *testing.T) {
	s := openTestCompany(t, testdb.SQLite(t))
	st := saveStructure(t, s)
	still(s)
	loadOrders(t, s, st, 1, loadRecords)
	if n := tailRows(t, s); n != 0 {
		t.Errorf("%d rows wait", n)
	}
	if got := foundOrders(t, s, st, cond(fName, query.Substring{Fold: "order 77"})); !slices.Equal(got, []query.Record{77}) {
		t.Errorf("found %v", got)
	}
	w := &named{t, s, st, map[query.Record]string{1: "order 1"}, map[query.Record]int64{1: 1}}
	w.change(1, "waits")
	err := s.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
		_, err := w.Clear(t.Context(), st.Catalog(orders), 1, catalog.ChangeRow{Origin: "cli"})
		return err
	})
	if n := tailRows(t, s); err != nil || n != 0 {
		t.Errorf("after clearing %d rows wait, error %v", n, err)
	}
}

func loadOrders(t *testing.T, s *Company, st *catalog.Structure, first query.Record, count int) {
	t.Helper()
	var list []catalog.Mutation
	for i := range count {
		n := first + query.Record(i)
		list = append(list, order(n, map[query.Field]catalog.Value{fName: catalog.Text(fmt.Sprintf("order %d", n))}).mutation(st))
	}
	mutate(t, s, st, list...)
}

// TestSearchMerge: the segments that loading leaves become one, and what is
// found stays.
func TestSearchMerge(t *testing.T) {
	s := openTestCompany(t, testdb.SQLite(t))
	st := saveStructure(t, s)
	still(s)
	for i := range 7 {
		loadOrders(t, s, st, query.Record(i*loadRecords+1), loadRecords)
	}
	if n := len(segmentsOf(t, s)); n < 2 {
		t.Fatalf("%d segments before", n)
	}
	pages := -mergePages
	for more := true; more; pages = mergePages {
		var err error
		if more, err = s.tail.merge(t.Context(), orders, pages); err != nil {
			t.Fatal(err)
		}
	}
	if got := segmentsOf(t, s); len(got) != 1 {
		t.Errorf("segments %v after", got)
	}
	if got := foundOrders(t, s, st, cond(fName, query.Substring{Fold: "order 1234"})); !slices.Equal(got, []query.Record{1234}) {
		t.Errorf("found %v", got)
	}
	if found := mustCheck(t, s); found != nil {
		t.Errorf("the check finds %v", found)
	}
}

func segmentsOf(t *testing.T, s *Company) (list segments) {
	t.Helper()
	err := s.engine.View(t.Context(), nil, func(c conn) (err error) {
		list, err = readSegments(t.Context(), c, searchTable(orders))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestSearchMergesByItself: the mover does it when nobody has written for a
// while.
func TestSearchMergesByItself(t *testing.T) {
	s := openTestCompany(t, testdb.SQLite(t))
	st := saveStructure(t, s)
	for i := range 3 {
		loadOrders(t, s, st, query.Record(i*loadRecords+1), loadRecords)
	}
	waitFor(t, func() bool { return len(segmentsOf(t, s)) == 1 })
}

// TestSearchMergesAtStart: what an import left without a server is merged, too.
func TestSearchMergesAtStart(t *testing.T) {
	target := testdb.SQLite(t)
	t.Run("import", func(t *testing.T) {
		s := openTestCompany(t, target)
		st := saveStructure(t, s)
		still(s)
		for i := range 3 {
			loadOrders(t, s, st, query.Record(i*loadRecords+1), loadRecords)
		}
	})
	s := openTestCompany(t, target)
	waitFor(t, func() bool { return len(segmentsOf(t, s)) == 1 })
}

func TestParseSegments(t *testing.T) {
	cases := []struct {
		name string
		in   string
		want segments
		bad  bool
	}{
		{"none", "\x00\x00\x00\x01\x00\x00\x00", nil, false},
		{"two on two levels", "\x00\x00\x00\x01\x02\x02\x05\x00\x01\x07\x01\x03\x00\x01\x08\x02\x81\x00", segments{3, 127}, false},
		{"short", "\x00\x00", nil, true},
		{"cut", "\x00\x00\x00\x01\x02\x02\x05\x00\x01\x07", nil, true},
		{"a wrong total", "\x00\x00\x00\x01\x01\x02\x05\x00\x01\x07\x01\x03", nil, true},
		{"levels without end", "\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseSegments([]byte(c.in))
			if !slices.Equal(got, c.want) || (err != nil) != c.bad {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
