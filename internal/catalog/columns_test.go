package catalog_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// columnsNode is a service that keeps columns: on PostgreSQL of another node.
func (w *world) columnsNode(target testdb.Target) *catalog.Service {
	w.Helper()
	return w.boundedNode(target, catalog.ColumnOptions{Bytes: 64 << 20})
}

func (w *world) boundedNode(target testdb.Target, o catalog.ColumnOptions) *catalog.Service {
	w.Helper()
	db := w.db
	if target.Dir == "" {
		db = openTarget(w, target)
	}
	return catalog.New(db, catalog.Options{
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Directory: w.logins, Filters: bpium.ViewFilters{},
		FieldsMax: 300, TextMax: 256, RecordsMax: 10_000, Zone: time.UTC, Columns: o,
	})
}

// groupsOf shows the groups that a service gives, and which engines gave them.
func groupsOf(t *testing.T, s *catalog.Service, a catalog.Actor, ask catalog.AggregateAsk) (list []string, engines []catalog.Engine) {
	t.Helper()
	err := s.Aggregate(t.Context(), a, ask, func(g *catalog.Groups) error {
		list, engines = nil, g.Engines
		show := func(name string, c *catalog.Group, m query.Measure) {
			v, ok := c.Value(m)
			list = append(list, fmt.Sprintf("%s %v/%v: %v %v %v", name, c.Axis, c.Split, c.Records, v, ok))
		}
		slices.SortFunc(g.List, func(a, b catalog.Group) int { return cmp.Or(a.Axis.Compare(b.Axis), a.Split.Compare(b.Split)) })
		for i := range g.List {
			if ask.Measure.Of == query.Distinct && ask.Split.By == query.NoGroups {
				g.List[i].Records = 0 // nobody needs it, so nothing is promised
			}
			show("group", &g.List[i], ask.Measure)
		}
		if ask.Whole {
			for fn := query.Sum; fn <= query.AverageAll; fn++ {
				m := ask.Measure
				m.Fn = fn
				show("whole", &g.Whole, m)
			}
		}
		return nil
	})
	if err != nil {
		return []string{err.Error()}, nil
	}
	return list, engines
}

// TestColumnsAreBounded: what is kept stays within its bounds, the fields that were
// asked last are in it, and it goes when memory is short.
func TestColumnsAreBounded(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		var ops []catalog.Op
		for i := range 500 {
			ops = append(ops, catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text(fmt.Sprint("name ", i%20)),
				"price", catalog.Number(float64(i)), "due", catalog.Time(int64(i)*86_400_000), "paid", catalog.Bool(i%2 == 0))})
		}
		w.apply(ops...)
		const most = 24_000
		tight := false
		node := w.boundedNode(testdb.Target{Dir: "the store of the world"}, catalog.ColumnOptions{Bytes: most, Tight: func() bool { return tight }})
		tend := func() {
			if err := node.TendColumns(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := node.AllColumnBytes(); got > most {
				t.Errorf("%d bytes are kept, %d may be", got, most)
			}
		}
		for range 2 {
			for _, key := range []string{"price", "due", "paid", "state", "name", "tags", "owner"} {
				ask := catalog.AggregateAsk{Catalog: w.orders.Num, Explain: true}
				ask.Axis = query.Grouping{By: query.GroupsOfField, Field: w.num(key), Step: query.Day}
				want, _ := groupsOf(t, w.s, boss, ask)
				for i := range 2 {
					got, engines := groupsOf(t, node, boss, ask)
					if !slices.Equal(got, want) || i == 1 && !engines[0].Columns {
						t.Errorf("%s: %+v %d groups, want %d", key, engines, len(got), len(want))
					}
					tend()
				}
			}
		}
		tight = true
		for range 30 {
			tend()
		}
		if got := node.AllColumnBytes(); got != 0 {
			t.Errorf("%d bytes are kept while memory is short", got)
		}
	})
}

// TestColumnsFollow: what changes without a change of the record itself is seen: an
// option that is taken away, and a linked record that a condition is on.
func TestColumnsFollow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target)
		node := w.columnsNode(target)
		vendor := w.vendor("good")
		for i := range 4 {
			w.order("name", catalog.Text("a"), "state", catalog.Items{query.Item(i%2 + 1)}, "vendor", catalog.Links{link(w.vendors, vendor)})
		}
		ask := catalog.AggregateAsk{Catalog: w.orders.Num, Explain: true}
		ask.Axis = query.Grouping{By: query.GroupsOfField, Field: w.num("state")}
		ask.Query.Where = query.Cond{Field: w.num("vendor"), Test: query.LinksWhere{Catalog: w.vendors.Num,
			Where: query.Cond{Field: w.fieldOf(w.vendors, "title"), Test: query.Substring{Fold: "good"}}}}
		shows := func(what, want string) {
			t.Helper()
			for range 2 { // the second time from columns
				got, engines := groupsOf(t, node, boss, ask)
				if strings.Join(got, "; ") != want {
					t.Errorf("%s: %q of %+v, want %q", what, got, engines, want)
				}
				if err := node.TendColumns(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := w.db.Sequence(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, engines := groupsOf(t, node, boss, ask); !engines[0].Columns {
				t.Errorf("%s: %+v", what, engines)
			}
		}
		both := "group {0 0 1  }/{2 0 0  }: 2 2 true; group {0 0 2  }/{2 0 0  }: 2 2 true"
		shows("at first", both)
		rename := func(title string) {
			w.apply(catalog.Update{Catalog: w.vendors.Num, Record: query.Key{Record: vendor}, Values: values(w.vendors, "title", catalog.Text(title))})
		}
		rename("bad")
		shows("after the vendor got another title", "")
		rename("good again")
		shows("after it got it back", both)
		inputs := same(w.orders)
		config := w.orders.FieldByKey("state").Config
		config.Items = config.Items[1:]
		inputs[at(w.orders, "state")].Config = &config
		w.orders = w.rebuild(w.orders, inputs)
		shows("without the first option", "group {0 0 2  }/{2 0 0  }: 2 2 true; group {2 0 0  }/{2 0 0  }: 2 2 true")
	})
}

// TestColumnsAreMadeBesideWrites: what changes while columns are made is in them.
func TestColumnsAreMadeBesideWrites(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		for range 20 {
			w.order("name", catalog.Text("a"), "price", catalog.Number(0))
		}
		ask := catalog.AggregateAsk{Catalog: w.orders.Num, Explain: true}
		ask.Axis = query.Grouping{By: query.GroupsOfField, Field: w.num("price")}
		for n := 1; n <= 30; n++ {
			node := w.columnsNode(testdb.Target{Dir: "the store of the world"})
			groupsOf(t, node, boss, ask)
			var writing sync.WaitGroup
			writing.Go(func() {
				for r := range query.Record(20) {
					w.patch(r+1, "price", catalog.Number(float64(n)))
				}
			})
			if err := node.TendColumns(t.Context()); err != nil {
				t.Fatal(err)
			}
			writing.Wait()
			want := fmt.Sprintf("group {0 %d 0  }/{2 0 0  }: 20 20 true", n)
			if got, engines := groupsOf(t, node, boss, ask); !engines[0].Columns || strings.Join(got, "; ") != want {
				t.Fatalf("%q of %+v, want %q", got, engines, want)
			}
		}
	})
}

// TestColumnsSnapshots: while records change in pairs, every answer from columns is
// one of a moment between two changes, and of no older one than was answered before.
func TestColumnsSnapshots(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target)
		node := w.columnsNode(target)
		var ops []catalog.Op
		for range 50 {
			ops = append(ops, catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("a"), "price", catalog.Number(100))})
		}
		w.apply(ops...)
		ask := catalog.AggregateAsk{Catalog: w.orders.Num, Explain: true}
		ask.Axis = query.Grouping{By: query.GroupsOfField, Field: w.num("price")}
		groupsOf(t, node, boss, ask)
		if err := node.TendColumns(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var readers sync.WaitGroup
		var fromColumns atomic.Int64
		for range 3 {
			readers.Go(func() { w.balanced(node, ask, stop, &fromColumns) })
		}
		readers.Go(func() {
			for open := true; open; {
				if err := w.db.Sequence(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case _, open = <-stop:
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
		for i := range 300 { // one gives, one takes; the number of moves is in the first record
			a, b := query.Record(2+i%24), query.Record(26+i%24)
			w.apply(w.change(a, "price", catalog.Number(float64(-i))), w.change(b, "price", catalog.Number(float64(200+i))),
				w.change(1, "price", catalog.Number(float64(1000+i))))
		}
		close(stop)
		readers.Wait()
		if fromColumns.Load() == 0 {
			t.Error("no answer came from columns")
		}
	})
}

// balanced asks until the end, and looks whether the sum is what moves leave.
func (w *world) balanced(node *catalog.Service, ask catalog.AggregateAsk, stop chan struct{}, fromColumns *atomic.Int64) {
	last := 0.0
	for open := true; open; {
		sum, most := 0.0, 0.0
		err := node.Aggregate(w.Context(), boss, ask, func(g *catalog.Groups) error {
			sum, most = 0, 0
			for _, c := range g.List {
				most = max(most, c.Axis.Number)
				sum += c.Axis.Number * float64(c.Records)
			}
			if g.Engines[0].Columns {
				fromColumns.Add(1)
			}
			return nil
		})
		switch {
		case err != nil:
			w.Error(err)
		case most >= 1000 && sum-most != 4900, most < 1000 && sum != 5000:
			w.Errorf("%v of all but the first record, which has %v", sum-most, most)
		case most < last:
			w.Errorf("move %v after move %v", most, last)
		}
		last = most
		select {
		case _, open = <-stop:
		default:
		}
	}
}
