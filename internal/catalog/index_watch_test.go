package catalog

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kartoteka/internal/query"
)

// The fields of the watched catalog.
const (
	wName query.Field = iota + 1
	wPrice
	wDue
	wState
	wPaid
	wTags
	wStars
)

func watched() *Catalog {
	fields := []*Field{
		{Num: wName, ID: 1, Key: "name", Type: TypeByName("text")},
		{Num: wPrice, ID: 2, Key: "price", Type: TypeByName("number")},
		{Num: wDue, ID: 3, Key: "due", Type: TypeByName("date")},
		{Num: wState, ID: 4, Key: "state", Type: TypeByName("radiobutton")},
		{Num: wPaid, ID: 5, Key: "paid", Type: TypeByName("switch")},
		{Num: wTags, ID: 6, Key: "tags", Type: TypeByName("checkboxes")},
		{Num: wStars, ID: 7, Key: "stars", Type: TypeByName("stars")},
	}
	for _, f := range fields {
		f.Catalog = 26
	}
	st := newStructure(&Definition{
		Sections: []*Section{{Num: 1, Key: "1"}},
		Catalogs: []*Catalog{{Num: 26, Key: "26", Section: 1}}, Fields: fields,
	})
	return st.Catalog(26)
}

func test(f query.Field, t query.Test) query.Node { return query.Cond{Field: f, Test: t} }

func number(v float64) *float64 { return &v }

var (
	cheap  = test(wPrice, query.NumberRange{Max: number(10)})
	exact  = test(wPrice, query.NumberRange{Min: number(10), Max: number(10)})
	open   = test(wState, query.AnyOf{1})
	any2   = test(wState, query.AnyOf{1, 2})
	paid   = test(wPaid, query.AnyOf{1})
	tagged = test(wTags, query.AnyOf{1})
	named  = test(wName, query.Substring{Fold: "x"})
)

func byPrice(desc bool) query.Sort { return query.Sort{By: query.ByField, Field: wPrice, Desc: desc} }

func TestDemandOf(t *testing.T) {
	c := watched()
	for _, e := range []struct {
		name  string
		s     Selected
		want  string
		whole bool
	}{
		{name: "nothing", want: "[] []", whole: true},
		{name: "by number", s: Selected{Sort: query.Sort{Desc: true}}, want: "[] []", whole: true},
		{name: "by created", s: Selected{Sort: query.Sort{By: query.ByCreated}}, want: "[-1] []", whole: true},
		{name: "by updated", s: Selected{Where: open, Sort: query.Sort{By: query.ByUpdated}}, want: "[4 -2] []", whole: true},
		{name: "by title", s: Selected{Where: open, Sort: query.Sort{By: query.ByTitle}}, want: "[4] []", whole: true},
		{name: "by a text", s: Selected{Sort: query.Sort{By: query.ByField, Field: wName}}, want: "[1] []", whole: true},
		{name: "by tags", s: Selected{Where: open, Sort: query.Sort{By: query.ByField, Field: wTags}}, want: "[4] []", whole: true},
		{name: "by a field that is gone", s: Selected{Sort: query.Sort{By: query.ByField, Field: 99}}, want: "[] []", whole: true},
		{name: "equal and range", s: Selected{Where: query.And{cheap, open}}, want: "[4 2] []"},
		{name: "equal, sorted", s: Selected{Where: open, Sort: byPrice(true)}, want: "[4 2] []", whole: true},
		{name: "range and sort of one field", s: Selected{Where: cheap, Sort: byPrice(true)}, want: "[2] []"},
		{name: "range and sort of two fields",
			s: Selected{Where: query.And{open, cheap}, Sort: query.Sort{By: query.ByCreated}}, want: "[4 -1] [4 2]"},
		{name: "two ranges", s: Selected{Where: query.And{test(wDue, query.TimeRange{Max: new(int64)}), cheap}}, want: "[2] []"},
		{name: "sorted by what is equal", s: Selected{Where: exact, Sort: byPrice(false)}, want: "[2] []", whole: true},
		{name: "equal and range of one field", s: Selected{Where: query.And{exact, cheap}}, want: "[2] []", whole: true},
		{name: "in any order and twice", s: Selected{Where: query.And{paid, query.And{open, open}}}, want: "[4 5] []", whole: true},
		{name: "some options", s: Selected{Where: any2}, want: "[4] []"},
		{name: "empty", s: Selected{Where: test(wPrice, query.Empty{})}, want: "[2] []", whole: true},
		{name: "an empty text", s: Selected{Where: test(wName, query.Empty{})}, want: "[] []"},
		{name: "tags", s: Selected{Where: query.And{tagged, open}}, want: "[4] []"},
		{name: "a substring", s: Selected{Where: query.And{named, open}}, want: "[4] []"},
		{name: "alternatives", s: Selected{Where: query.Or{open, paid}}, want: "[] []"},
		{name: "a negation", s: Selected{Where: query.And{query.Not{Node: open}, paid}}, want: "[5] []"},
		{name: "a search", s: Selected{Where: open, Search: query.Search{Fold: "x"}}, want: "[] []"},
		{name: "sorted by what is hidden on some records",
			s: Selected{Where: open, Sort: byPrice(true), Visible: map[query.Field]query.Node{wPrice: paid}}, want: "[4] []", whole: true},
		{name: "sorted by another field than that",
			s: Selected{Where: open, Sort: byPrice(true), Visible: map[query.Field]query.Node{wName: paid}}, want: "[4 2] []", whole: true},
		{name: "a birthday", s: Selected{Where: test(wDue, query.Birthday{Month: 1, Day: 2})}, want: "[] []"},
		{name: "a text", s: Selected{Where: test(wName, query.TextIs{"x"}), Sort: byPrice(false)}, want: "[1 2] []"},
		{name: "some texts", s: Selected{Where: query.And{open, test(wName, query.TextIs{"x", "y"})}}, want: "[4 1] []"},
		{name: "a range of texts", s: Selected{Where: test(wName, query.TextRange{Min: new(string)})}, want: "[1] []"},
		{name: "a pattern", s: Selected{Where: test(wName, query.TextLike{Pattern: "x%"})}, want: "[] []"},
		{name: "changed since", s: Selected{Where: query.And{cheap, query.Stamped{By: query.ByUpdated, Min: new(int64)}}}, want: "[-2] []"},
		{name: "changed since, as they were", s: Selected{Where: query.Stamped{By: query.ByUpdated, Min: new(int64)},
			Sort: query.Sort{By: query.ByUpdated}}, want: "[-2] []"},
		{name: "ever", s: Selected{Where: query.Stamped{By: query.ByCreated}}, want: "[] []"},
		{name: "titled and numbered", s: Selected{Where: query.And{query.Titled{Test: query.TextIs{"x"}}, query.Numbered{}}}, want: "[] []"},
		{name: "too many", s: Selected{Where: query.And{open, paid, exact, test(wStars, query.AnyOf{3})},
			Sort: query.Sort{By: query.ByCreated}}, want: "[2 4 5 -1] []"},
	} {
		e.s.Catalog = c
		d := DemandOf(&e.s)
		if got := fmt.Sprint(d.Best.Fields(), d.Other.Fields()); got != e.want || d.Whole != e.whole {
			t.Errorf("%s: %s whole %v, want %s", e.name, got, d.Whole, e.want)
		}
	}
}

func TestShapeFits(t *testing.T) {
	s := DemandOf(&Selected{Catalog: watched(), Where: query.And{open, paid}, Sort: byPrice(true)}).Best
	for fields, want := range map[[3]query.Field]bool{
		{wState, wPaid, wPrice}: true,
		{wPaid, wState, wPrice}: true,
		{wPaid, wPrice, wState}: false,
		{wPaid, wState, wDue}:   false,
	} {
		if got := s.Fits(fields[:]); got != want {
			t.Errorf("%v fits %v", fields, got)
		}
	}
	if s.Fits([]query.Field{wState, wPaid}) {
		t.Error("an index without the order fits")
	}
}

// slow tells an indexer of n slow requests with a pause after each.
func slow(x *indexer, s *Selected, n int, pause time.Duration) {
	for range n {
		x.note(s, time.Now(), slowRead)
		time.Sleep(pause)
	}
}

func dueFields(x *indexer) string {
	var list [][]query.Field
	for _, s := range x.due(time.Now()) {
		list = append(list, slices.Clone(s.Fields()))
	}
	return fmt.Sprint(list)
}

func TestSlowShapes(t *testing.T) {
	c := watched()
	s := &Selected{Catalog: c, Where: open, Sort: byPrice(false)}
	ranged := &Selected{Catalog: c, Where: query.And{open, cheap}, Sort: query.Sort{By: query.ByCreated}}
	have := func(fields ...query.Field) Index {
		return Index{Name: fmt.Sprint(fields), Catalog: c.Num, Fields: fields}
	}
	for _, e := range []struct {
		name string
		do   func(x *indexer)
		want string
	}{
		{"19 requests", func(x *indexer) { slow(x, s, 19, time.Second) }, "[]"},
		{"20 requests", func(x *indexer) { slow(x, s, 20, time.Second) }, "[[4 2]]"},
		{"20 quick requests", func(x *indexer) {
			for range 20 {
				x.note(s, time.Now(), slowRead-1)
			}
		}, "[]"},
		{"20 requests in over an hour", func(x *indexer) { slow(x, s, 20, 200*time.Second) }, "[]"},
		{"always 19 within an hour", func(x *indexer) { slow(x, s, 200, 200*time.Second) }, "[]"},
		{"20 requests long ago", func(x *indexer) { slow(x, s, 20, time.Second); time.Sleep(time.Hour) }, "[]"},
		{"made", func(x *indexer) { slow(x, s, 25, 0); x.forget(x.due(time.Now())[0]) }, "[]"},
		{"with an index that fits", func(x *indexer) {
			x.learn([]Index{have(wState, wPrice)})
			slow(x, s, 20, 0)
		}, "[]"},
		{"with an index that only helps", func(x *indexer) {
			x.learn([]Index{have(wState)})
			slow(x, s, 20, 0)
		}, "[[4 2]]"},
		{"an order before a range", func(x *indexer) { slow(x, ranged, 20, 0) }, "[[4 -1]]"},
		{"a range when the order does not help", func(x *indexer) {
			x.learn([]Index{have(wState, CreatedTime)})
			slow(x, ranged, 20, 0)
		}, "[[4 2]]"},
		{"both there", func(x *indexer) {
			x.learn([]Index{have(wState, CreatedTime), have(wState, wPrice)})
			slow(x, ranged, 20, 0)
		}, "[]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := newIndexer()
			e.do(x)
			if got := dueFields(x); got != e.want {
				t.Errorf("%s: %s are due, want %s", e.name, got, e.want)
			}
		})
	}
}

// TestSlowShapesBounded: thousands of shapes do not fill the memory, and those
// that come again and again are kept.
func TestSlowShapesBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newIndexer()
		again := &Selected{Catalog: watched(), Where: open, Sort: byPrice(false)}
		for n := range 5000 {
			x.slowed(Shape{Catalog: query.Catalog(n + 100), count: 1}, time.Now())
			time.Sleep(10 * time.Millisecond)
			if n%100 == 0 {
				x.note(again, time.Now(), time.Second)
			}
		}
		if len(x.slow) > slowShapes {
			t.Errorf("%d shapes are watched", len(x.slow))
		}
		if got := dueFields(x); got != "[[4 2]]" {
			t.Errorf("%s are due", got)
		}
	})
}

func TestIndexUses(t *testing.T) {
	x := newIndexer()
	c := watched()
	all := []Index{{Name: "a", Catalog: 26, Fields: []query.Field{wState, wPrice}}, {Name: "b", Catalog: 26, Fields: []query.Field{wPaid}}}
	x.learn(all)
	at := time.UnixMilli(5000)
	for _, s := range []Selected{
		{Where: open, Sort: byPrice(true)}, {Where: open}, {Where: paid}, {Where: tagged},
		{Sort: query.Sort{By: query.ByCreated}}, {},
	} {
		s.Catalog = c
		x.note(&s, at, time.Millisecond)
	}
	got := x.takeUses()
	slices.SortFunc(got, func(a, b IndexUse) int { return int(b.Uses - a.Uses) })
	if want := []IndexUse{{"a", 2, 5000}, {"b", 1, 5000}}; !slices.Equal(got, want) {
		t.Errorf("uses %v, want %v", got, want)
	}
	x.giveBack(got)
	x.learn(all[:1])
	if got = x.takeUses(); len(got) != 1 || got[0].Uses != 2 || len(x.takeUses()) != 0 {
		t.Errorf("after a new look %v", got)
	}
}

func TestYielding(t *testing.T) {
	day := settled.Milliseconds()
	now := 100 * day
	for _, e := range []struct {
		name     string
		own      []Index
		operator bool
		want     string
	}{
		{"none", nil, true, ""},
		{"operators' stay", []Index{{Name: "a", Operator: true}}, true, ""},
		{"the least used", []Index{{Name: "a", Uses: 9}, {Name: "b", Uses: 5}, {Name: "c", Uses: 7}}, false, "b"},
		{"for its age", []Index{{Name: "a", Uses: 99, Since: 0}, {Name: "b", Uses: 50, Since: 98 * day}}, false, "a"},
		{"not a young one", []Index{{Name: "a", Since: now - day/2}}, false, ""},
		{"a young one for an operator", []Index{{Name: "a", Since: now - day/2}}, true, "a"},
	} {
		got := ""
		if victim := yielding(e.own, Index{Since: now, Operator: e.operator}); victim != nil {
			got = victim.Name
		}
		if got != e.want {
			t.Errorf("%s: %q gives way, want %q", e.name, got, e.want)
		}
	}
}

func TestUnused(t *testing.T) {
	now := time.UnixMilli(0).Add(100 * 24 * time.Hour)
	at := func(days int) int64 { return now.Add(-time.Duration(days) * 24 * time.Hour).UnixMilli() }
	all := []Index{
		{Name: "never", Since: at(31)}, {Name: "young", Since: at(29)}, {Name: "used", Since: at(90), Last: at(29)},
		{Name: "long ago", Since: at(90), Last: at(31)}, {Name: "operator", Since: at(90), Operator: true},
	}
	var names []string
	for _, i := range unused(all, now) {
		names = append(names, i.Name)
	}
	if want := []string{"never", "long ago"}; !slices.Equal(names, want) {
		t.Errorf("unused are %v, want %v", names, want)
	}
}
