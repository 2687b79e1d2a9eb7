package store

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// model is all records in memory, with the plainest meaning of every condition.
type model struct {
	st      *catalog.Structure
	records map[query.Ref]*testRecord
	removed map[query.Ref]bool // still linked, no longer found
}

func (m *model) live(c query.Catalog) []*testRecord {
	var list []*testRecord
	for ref, r := range m.records {
		if r.catalog == c && !m.removed[ref] {
			list = append(list, r)
		}
	}
	return list
}

func (m *model) holds(r *testRecord, n query.Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case query.And:
		return !slices.ContainsFunc(n, func(e query.Node) bool { return !m.holds(r, e) })
	case query.Or:
		return slices.ContainsFunc(n, func(e query.Node) bool { return m.holds(r, e) })
	case query.Not:
		return !m.holds(r, n.Node)
	case query.Among:
		return slices.ContainsFunc(n, r.is)
	case query.Cond:
		f := m.st.Catalog(r.catalog).Field(n.Field)
		return m.test(r, f, r.values[n.Field], n.Test)
	case query.Titled:
		return m.titled(r, n)
	case query.Stamped:
		at := r.created
		if n.By == query.ByUpdated {
			at = r.updated
		}
		return between(at, n.Min, n.Max) && (n.In == nil || inSpans(at, n.In))
	case query.Numbered:
		return between(r.id, n.Min, n.Max)
	}
	panic("unknown node")
}

func inSpans(at int64, list []query.Span) bool {
	return slices.ContainsFunc(list, func(s query.Span) bool { return s.First <= at && at <= s.Last })
}

// is tells whether a key names the record.
func (r *testRecord) is(k query.Key) bool {
	return k.Record == r.id || k.Record == 0 && k.Code != "" && k.Code == r.code
}

func (m *model) test(r *testRecord, f *catalog.Field, v catalog.Value, test query.Test) bool {
	switch t := test.(type) {
	case query.Empty:
		return v == nil
	case query.AnyOf:
		return slices.ContainsFunc(integers(f, v), func(n int64) bool { return slices.Contains(t, n) })
	}
	if v == nil {
		return false
	}
	switch t := test.(type) {
	case query.NotEmpty:
		return true
	case query.AllOf:
		have := integers(f, v)
		return !slices.ContainsFunc(t, func(n int64) bool { return !slices.Contains(have, n) })
	case query.NumberRange:
		n := number(v)
		return (t.Min == nil || *t.Min <= n) && (t.Max == nil || n <= *t.Max)
	case query.NumberIs:
		return slices.Contains(t, number(v))
	case query.TimeSpans:
		return inSpans(int64(v.(catalog.Time)), t)
	case query.TimeRange:
		n := int64(v.(catalog.Time))
		return (t.Min == nil || *t.Min <= n) && (t.Max == nil || n <= *t.Max)
	case query.Birthday:
		at := time.UnixMilli(int64(v.(catalog.Time))).UTC().Add(time.Duration(t.Offset) * time.Minute)
		return int(at.Month()) == t.Month && at.Day() == t.Day
	case query.TimePart:
		return slices.Contains(t.In, timePart(int64(v.(catalog.Time)), t))
	case query.TextIs, query.TextLike, query.TextRange:
		return testText(f, v, test)
	case query.Substring:
		if t.Digits != "" {
			return finds(f, v, t.Digits, catalog.SearchDigits)
		}
		return finds(f, v, t.Fold, catalog.SearchText)
	}
	return m.testLinks(r, v.(catalog.Links), test)
}

func (m *model) testLinks(_ *testRecord, v catalog.Links, test query.Test) bool {
	return slices.ContainsFunc(v, func(l catalog.Link) bool {
		target := m.records[l.Ref()]
		switch t := test.(type) {
		case query.LinksAny:
			return slices.ContainsFunc(t, func(k query.Link) bool {
				byNumber := k.Record != 0 || !m.removed[l.Ref()]
				return k.Catalog == target.catalog && target.is(k.Key) && byNumber
			})
		case query.LinksWhere:
			return t.Catalog == target.catalog && !m.removed[l.Ref()] && m.holds(target, t.Where)
		case query.LinksLike:
			of := m.st.Field(t.Field).Catalog
			other := m.records[query.MakeRef(of, t.Record)]
			if other == nil || m.removed[query.MakeRef(of, t.Record)] {
				return false
			}
			theirs, _ := other.values[t.Field].(catalog.Links)
			return slices.ContainsFunc(theirs, func(o catalog.Link) bool { return o.Ref() == l.Ref() })
		}
		panic("unknown test")
	})
}

func integers(f *catalog.Field, v catalog.Value) []int64 {
	switch v := v.(type) {
	case catalog.Whole:
		return []int64{int64(v)}
	case catalog.Bool:
		return []int64{1}
	case catalog.Items:
		return catalog.Targets(v)
	}
	if f.Storage() == catalog.BoolStorage {
		return []int64{0}
	}
	return nil
}

func number(v catalog.Value) float64 {
	if w, ok := v.(catalog.Whole); ok {
		return float64(w)
	}
	return float64(v.(catalog.Number))
}

func finds(f *catalog.Field, v catalog.Value, fold string, parts ...catalog.SearchPart) bool {
	return slices.ContainsFunc(catalog.StoredOf(f, v).Search, func(s catalog.SearchRow) bool {
		return slices.Contains(parts, s.Part) && strings.Contains(s.Fold, fold)
	})
}

// found tells whether a quick search finds the record.
func (m *model) found(r *testRecord, s *catalog.Selected) bool {
	if s.Search == (query.Search{}) {
		return true
	}
	fold, digits := s.Search.Fold, s.Search.Digits
	for _, f := range s.SearchFields {
		if v := r.values[f.Num]; v != nil && m.sees(s, r, f) && (finds(f, v, fold, catalog.SearchText, catalog.SearchComment) ||
			digits != "" && finds(f, v, digits, catalog.SearchDigits)) {
			return true
		}
	}
	for _, f := range s.SearchLinks {
		linked, _ := r.values[f.Num].(catalog.Links)
		for _, l := range linked {
			if m.sees(s, r, f) && strings.Contains(text.Fold(m.title(s, m.records[l.Ref()])), fold) {
				return true
			}
		}
	}
	return s.SearchTitle && strings.Contains(text.Fold(m.title(s, r)), fold)
}

// sees tells whether the field is not hidden on the record.
func (m *model) sees(s *catalog.Selected, r *testRecord, f *catalog.Field) bool {
	n, limited := s.Visible[f.Num]
	return !limited || !m.removed[query.MakeRef(r.catalog, r.id)] && m.holds(r, n)
}

// seesTitle tells whether the record's title is not hidden.
func (m *model) seesTitle(s *catalog.Selected, r *testRecord) bool {
	f := m.st.Catalog(r.catalog).Title()
	return f == nil || m.sees(s, r, f)
}

// title is what the record is called to the one who asks.
func (m *model) title(s *catalog.Selected, r *testRecord) string {
	switch {
	case m.seesTitle(s, r):
		return r.title(m.st)
	case r.code != "":
		return "#" + r.code
	}
	return numbered("#", int64(r.id))
}

// place is what the record sorts by, nil when it has no value.
func (m *model) place(r *testRecord, of *catalog.Selected) any {
	s := of.Sort
	switch s.By {
	case query.ByID:
		return int64(r.id)
	case query.ByTitle:
		if !m.seesTitle(of, r) {
			return nil
		}
		return text.SortKey(r.title(m.st))
	case query.ByCreated:
		return r.created
	case query.ByUpdated:
		return r.updated
	}
	f := m.st.Field(s.Field)
	v := r.values[s.Field]
	if !m.sees(of, r, f) {
		v = nil
	}
	switch v := v.(type) {
	case nil:
		if f.Storage() == catalog.BoolStorage {
			return int64(0)
		}
		return nil
	case catalog.Number:
		return float64(v)
	case catalog.Whole:
		return int64(v)
	case catalog.Time:
		return int64(v)
	case catalog.Bool:
		return int64(1)
	case catalog.Items:
		first := slices.IndexFunc(f.Config.Items, func(i catalog.Item) bool { return slices.Contains(v, i.Num) })
		return int64(first)
	case catalog.Links:
		if first := m.records[v[0].Ref()]; m.seesTitle(of, first) {
			return text.SortKey(first.title(m.st))
		}
		return nil
	}
	return catalog.StoredOf(f, v).Key
}

func (m *model) compare(a, b *testRecord, s *catalog.Selected) int {
	one := *s
	sorts := []query.Sort{s.Sort}
	if s.Sort.By != query.ByID {
		sorts = append(sorts, s.Then...)
	}
	for _, one.Sort = range sorts {
		if order := m.compareBy(a, b, &one); order != 0 {
			return order
		}
	}
	return directed(cmp.Compare(a.id, b.id), s.Sort)
}

func directed(order int, s query.Sort) int {
	if s.Desc {
		return -order
	}
	return order
}

// compareBy compares by one order.
func (m *model) compareBy(a, b *testRecord, s *catalog.Selected) int {
	x, y := m.place(a, s), m.place(b, s)
	if (x == nil) != (y == nil) {
		if x == nil {
			return 1
		}
		return -1
	}
	order := 0
	switch x := x.(type) {
	case int64:
		order = cmp.Compare(x, y.(int64))
	case float64:
		order = cmp.Compare(x, y.(float64))
	case []byte:
		order = bytes.Compare(x, y.([]byte))
	}
	return directed(order, s.Sort)
}

// selected are the numbers of the records that match, all of them, in order.
func (m *model) selected(s *catalog.Selected) []query.Record {
	var list []*testRecord
	for _, r := range m.live(s.Catalog.Num) {
		if m.holds(r, s.Where) && m.found(r, s) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *testRecord) int { return m.compare(a, b, s) })
	numbers := make([]query.Record, len(list))
	for i, r := range list {
		numbers[i] = r.id
	}
	return numbers
}

// TestModel compares random selections of random records with the model.
func TestModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
				g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), st: st}
				m := g.fill(t, s)
				read(t, s, st, func(r catalog.Reader) error {
					for i := range 400 {
						checkSelected(t, m, r, g.selected(), fmt.Sprint("selection ", i))
						if i%10 == 0 {
							checkMembers(t, m, r, g)
						}
					}
					return nil
				})
			})
		})
	}
}

func checkSelected(t *testing.T, m *model, r catalog.Reader, s *catalog.Selected, name string) {
	t.Helper()
	all := m.selected(s)
	want := all[min(s.Offset, len(all)):min(s.Offset+s.Limit, len(all))]
	page, err := r.Select(t.Context(), s)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, describe(s))
	}
	if got := numbersOf(page); !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v of %v\n%s", name, got, want, all, describe(s))
	}
	n, err := r.Count(t.Context(), s)
	if err != nil || n != int64(len(all)) {
		t.Fatalf("%s: count %d, %v, want %d\n%s", name, n, err, len(all), describe(s))
	}
	for i := range page.Len() {
		checkCells(t, m.records[query.MakeRef(s.Catalog.Num, page.Record(i))], page, i)
	}
}

// checkMembers asks for some records what the model tells of them.
func checkMembers(t *testing.T, m *model, r catalog.Reader, g *generator) {
	t.Helper()
	c := g.st.Catalog(pick(g, []query.Catalog{orders, clients}))
	conditions := g.nodes(c, 3)
	var records []query.Record
	want := map[query.Record]catalog.Bits{}
	for _, n := range []int{g.IntN(clientCount), g.IntN(orderCount), g.IntN(orderCount), 1000}[:1+g.IntN(4)] {
		records = append(records, query.Record(n))
		ref := query.MakeRef(c.Num, query.Record(n))
		if m.records[ref] == nil || m.removed[ref] {
			continue
		}
		want[query.Record(n)] = make(catalog.Bits, len(conditions))
		for i, node := range conditions {
			want[query.Record(n)][i] = m.holds(m.records[ref], node)
		}
	}
	got, err := r.Members(t.Context(), g.st, c, records, conditions)
	if err != nil || !reflect.DeepEqual(got, want) {
		b, _, _ := compileMembers(sqliteDialect{}, g.st, c, records, conditions)
		t.Fatalf("members: %v, %v, want %v\n%s", got, err, want, statementText(b))
	}
}

func checkCells(t *testing.T, want *testRecord, p *catalog.Page, i int) {
	t.Helper()
	if want.code != string(p.Code(i)) || want.created != p.Created(i) || want.updated != p.Updated(i) {
		t.Fatalf("record %d: code %s, created %d, updated %d", want.id, p.Code(i), p.Created(i), p.Updated(i))
	}
	for j, f := range p.Columns {
		got, v := catalog.CellValue(f, p, p.Cell(i, j)), want.values[f.Num]
		if fmt.Sprint(got) != fmt.Sprint(v) {
			t.Fatalf("record %d, %s: got %v, want %v", want.id, f.Name, got, v)
		}
	}
}

func describe(s *catalog.Selected) string {
	b, err := compilePage(sqliteDialect{}, "r.id", s, sorting{}, everything, s.Limit, s.Offset)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("sort %+v limit %d offset %d\n%s", s.Sort, s.Limit, s.Offset, statementText(b))
}

// fill writes random records and removes some of them.
func (g *generator) fill(t *testing.T, s *Company) *model {
	m := &model{st: g.st, records: map[query.Ref]*testRecord{}, removed: map[query.Ref]bool{}}
	var all []*testRecord
	for _, c := range g.st.Catalogs {
		for id := range recordCounts[c.Num] {
			r := g.record(c.Num, query.Record(id+1))
			m.records[query.MakeRef(c.Num, r.id)] = r
			all = append(all, r)
		}
	}
	write(t, s, g.st, all)
	var gone []catalog.Mutation
	for _, r := range all {
		if g.IntN(8) == 0 {
			m.removed[query.MakeRef(r.catalog, r.id)] = true
			version := int64(1)
			if r.updated != r.created {
				version = 2
			}
			gone = append(gone, catalog.Mutation{Kind: catalog.RemoveRecord, Catalog: g.st.Catalog(r.catalog),
				Record: r.id, Version: version, At: 9})
		}
	}
	mutate(t, s, g.st, gone...)
	return m
}
