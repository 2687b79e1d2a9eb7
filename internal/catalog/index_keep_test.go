package catalog_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// slowClock goes on at every look, so that every request seems to take long.
type slowClock struct {
	now  atomic.Int64 // Unix ms
	step atomic.Int64
}

func (c *slowClock) read() time.Time { return time.UnixMilli(c.now.Add(c.step.Load())).UTC() }

// tended is a service whose clock the test moves, with 1,000 orders.
type tended struct {
	*world
	clock slowClock
}

func eachTended(t *testing.T, fn func(t *testing.T, w *tended)) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		before := newWorld(t, target)
		w := &tended{world: before}
		w.clock.now.Store(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
		w.s = catalog.New(openTarget(t, target), catalog.Options{Now: w.clock.read, Log: slog.New(slog.DiscardHandler), Directory: before.logins, Filters: bpium.ViewFilters{},
			FieldsMax: 300, RecordsMax: 1000, Zone: time.UTC})
		var ops []catalog.Op
		for n := range 1000 {
			ops = append(ops, catalog.Create{Catalog: w.orders.Num, Values: []catalog.FieldValue{
				{Field: w.orders.FieldByKey("name").Num, Value: catalog.Text("a")},
				{Field: w.orders.FieldByKey("price").Num, Value: catalog.Number(float64(n % 100))}}})
		}
		if _, err := w.s.Apply(t.Context(), boss, ops, nil); err != nil {
			t.Fatal(err)
		}
		fn(t, w)
	})
}

// run starts the upkeep; the result ends it.
func (w *tended) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.s.Run(ctx) }()
	return func() {
		w.Helper()
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
}

// runAwhile runs the upkeep for long enough to do what there is to do.
func (w *tended) runAwhile() {
	w.Helper()
	stop := w.run()
	time.Sleep(500 * time.Millisecond)
	stop()
}

// ask sends a request n times that takes as long as the clock says.
func (w *tended) ask(n int, q query.Query) {
	w.Helper()
	q.Limit = 10
	for range n {
		if _, err := w.s.Records(w.Context(), boss, w.orders.Num, q, nil); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *tended) indexes() (list []catalog.Index) {
	w.Helper()
	_, list, err := w.s.Indexes(w.Context(), boss)
	if err != nil {
		w.Fatal(err)
	}
	return list
}

// await waits until the upkeep, which runs beside, has done something.
func (w *tended) await(what string, done func() bool) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not %s: %+v", what, w.indexes())
		}
	}
}

func fieldNames(c *catalog.Catalog, i catalog.Index) string {
	var names []string
	for _, n := range i.Fields {
		name := fmt.Sprint(n)
		if f := c.Field(n); f != nil {
			name = f.Key
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

// TestIndexLife: slow requests make an index, which is used, and dropped when
// nobody has used it for 30 days; an operator's stays.
func TestIndexLife(t *testing.T) {
	eachTended(t, func(t *testing.T, w *tended) {
		if err := w.s.AddIndex(t.Context(), boss, "orders", []string{"name"}); err != nil {
			t.Fatal(err)
		}
		price := query.Query{Sort: query.Sort{By: query.ByField, Field: w.orders.FieldByKey("price").Num, Desc: true}}
		stop := w.run()
		w.clock.step.Store(25)
		w.ask(19, price)
		w.clock.step.Store(1)
		w.ask(50, price)
		if list := w.indexes(); len(list) != 1 {
			t.Errorf("after 19 slow requests the indexes are %+v", list)
		}
		w.clock.step.Store(25)
		w.ask(1, price)
		w.await("made", func() bool { return len(w.indexes()) == 2 })
		w.clock.step.Store(1)
		w.ask(5, price)
		w.await("used", func() bool { // Run has learnt of it a moment later
			w.ask(1, price)
			return slices.ContainsFunc(w.indexes(), func(i catalog.Index) bool { return i.Uses >= 5 })
		})
		stop()
		for _, i := range w.indexes() {
			auto := fieldNames(w.orders, i) == "price"
			if i.Operator == auto || (i.Slow == 20) != auto || (i.Last > 0) != auto || i.Since == 0 || i.Size == 0 {
				t.Errorf("index %+v", i)
			}
		}
		w.clock.now.Add((29 * 24 * time.Hour).Milliseconds())
		w.runAwhile()
		if n := len(w.indexes()); n != 2 {
			t.Errorf("%d indexes after 29 days", n)
		}
		w.clock.now.Add((2 * 24 * time.Hour).Milliseconds())
		stop = w.run()
		w.await("dropped", func() bool { return len(w.indexes()) == 1 })
		stop()
		if list := w.indexes(); !list[0].Operator {
			t.Errorf("the operator's index is dropped: %+v", list)
		}
	})
}

// TestIndexSmallCatalog: a catalog of few records gets no index, however slow.
func TestIndexSmallCatalog(t *testing.T) {
	eachTended(t, func(t *testing.T, w *tended) {
		if _, err := w.s.Apply(t.Context(), boss, []catalog.Op{catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: 1}}}, nil); err != nil {
			t.Fatal(err)
		}
		w.clock.step.Store(25)
		w.ask(45, query.Query{Sort: query.Sort{By: query.ByCreated}})
		w.runAwhile()
		if list := w.indexes(); len(list) > 0 {
			t.Errorf("the indexes are %+v", list)
		}
	})
}

// TestIndexesBounded: a catalog has 12; an automatic one gives way to an
// operator's, none to the thirteenth of an operator.
func TestIndexesBounded(t *testing.T) {
	eachTended(t, func(t *testing.T, w *tended) {
		names := []string{"name", "price", "state"}
		var shapes [][]string
		for _, a := range names {
			shapes = append(shapes, []string{a}, []string{a, "$createdTime"}, []string{a, "$updatedTime"}, []string{"$createdTime", a})
		}
		for _, keys := range shapes[1:] {
			if err := w.s.AddIndex(t.Context(), boss, "orders", keys); err != nil {
				t.Fatal(err)
			}
		}
		stop := w.run()
		w.clock.step.Store(25)
		w.ask(20, query.Query{Sort: query.Sort{By: query.ByCreated}})
		w.await("made", func() bool { return len(w.indexes()) == 12 })
		stop()
		w.ask(40, query.Query{Sort: query.Sort{By: query.ByUpdated}})
		w.runAwhile()
		if err := w.s.AddIndex(t.Context(), boss, "orders", shapes[0]); err != nil {
			t.Fatal(err)
		}
		list := w.indexes()
		if n := len(list); n != 12 || slices.ContainsFunc(list, func(i catalog.Index) bool { return !i.Operator }) {
			t.Errorf("%d indexes: %+v", n, list)
		}
		if err := w.s.AddIndex(t.Context(), boss, "orders", shapes[3]); err != nil {
			t.Errorf("one that is there: %v", err)
		}
		err := w.s.AddIndex(t.Context(), boss, "orders", []string{"$updatedTime", "name"})
		if code := fault.CodeOf(err); code != fault.LimitTooLarge {
			t.Errorf("the thirteenth: %v", err)
		}
	})
}
