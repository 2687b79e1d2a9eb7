package catalog_test

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// BenchmarkReport compares groups with SQL written by hand for the same tables,
// and what rights make of them; see BenchmarkRights for how to read and set it.
//
//	RIGHTS_ROWS=1000000 go test -run '^$' -bench Report -benchtime 20x -timeout 1h ./internal/catalog
func BenchmarkReport(b *testing.B) {
	w := newRightsBench(b)
	ask := func(a catalog.Actor, ask catalog.AggregateAsk) func() int {
		ask.Catalog = w.orders.Num
		return func() (n int) {
			err := w.s.Aggregate(b.Context(), a, ask, func(g *catalog.Groups) error {
				n = len(g.List)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	column := func(key string) string { return fmt.Sprintf("r.f%d", w.field(key)) }
	byState := catalog.AggregateAsk{Aggregation: query.Aggregation{
		Axis:    query.Grouping{By: query.GroupsOfField, Field: w.field("state")},
		Measure: query.Measure{Of: query.Numbers, Field: w.field("price")},
	}}
	from := fmt.Sprintf(" FROM r_%d r", w.orders.Num)
	b.Run("sum by state", func(b *testing.B) {
		inTurns(b, ask(boss, byState), w.byHand(b, "SELECT "+column("state")+", sum("+column("price")+")"+from+" GROUP BY 1"))
	})
	byMonth := byState
	byMonth.Axis = query.Grouping{By: query.GroupsOfField, Field: w.field("due"), Step: query.Month}
	byMonth.Split, byMonth.Measure = byState.Axis, query.Measure{}
	byHand := "SELECT strftime('%Y-%m', " + column("due") + " / 1000, 'unixepoch'), " + column("state") + ", count(*)"
	b.Run("count by month and state", func(b *testing.B) {
		inTurns(b, ask(boss, byMonth), w.byHand(b, byHand+from+" GROUP BY 1, 2"))
	})
	owned := byMonth
	owned.Query.Where = query.Cond{Field: w.field("owner"), Test: query.LinksAny{{Catalog: catalog.Employees, Key: query.Key{Record: w.clerk.Employee}}}}
	ownedByHand := fmt.Sprintf("%s FROM refs l JOIN r_%d r ON r.id = l.record WHERE l.field = %d AND l.target = %d GROUP BY 1, 2",
		byHand, w.orders.Num, w.field("owner"), query.MakeRef(catalog.Employees, w.clerk.Employee))
	b.Run("count by month and state of an owner", func(b *testing.B) { inTurns(b, ask(boss, owned), w.byHand(b, ownedByHand)) })
	b.Run("the same by a legal view and a hidden field", func(b *testing.B) { inTurns(b, ask(w.clerk, byMonth), ask(boss, owned)) })
	vendor := byState
	vendor.Axis.Field = w.field("vendor")
	vendorByHand := fmt.Sprintf("SELECT l.target, sum(%s)%s LEFT JOIN refs l ON l.field = %d AND l.record = r.id GROUP BY 1",
		column("price"), from, w.field("vendor"))
	b.Run("sum by vendor", func(b *testing.B) { inTurns(b, ask(boss, vendor), w.byHand(b, vendorByHand)) })

	// what was asked is kept in memory from here on
	if err := w.s.TendColumns(b.Context()); err != nil {
		b.Fatal(err)
	}
	w.write(b, fmt.Sprintf("CREATE INDEX by_hand ON r_%d (f%d, f%d)", w.orders.Num, w.field("state"), w.field("price")))
	b.Run("from columns: sum by state and a covering index", func(b *testing.B) {
		inTurns(b, ask(boss, byState), w.byHand(b, "SELECT "+column("state")+", sum("+column("price")+")"+from+" GROUP BY 1"))
		bytes, records, fields := w.s.ColumnBytes(w.orders.Num)
		b.ReportMetric(float64(bytes)/float64(records*fields), "bytes/record+field")
	})
	b.Run("from columns: count by month and state", func(b *testing.B) {
		inTurns(b, ask(boss, byMonth), w.byHand(b, byHand+from+" GROUP BY 1, 2"))
	})
	b.Run("from columns: count by month and state of an owner", func(b *testing.B) { inTurns(b, ask(boss, owned), w.byHand(b, ownedByHand)) })
	b.Run("from columns: the same by a legal view and a hidden field", func(b *testing.B) { inTurns(b, ask(w.clerk, byMonth), ask(boss, owned)) })
	b.Run("an answer after 50 writes", func(b *testing.B) { w.afterWrites(b, ask(boss, byMonth)) })
	b.Run("an answer after 50 writes of what is summed up", func(b *testing.B) { w.afterWrites(b, ask(boss, byState)) })
	b.Run("writes beside 20 answers a second", func(b *testing.B) { w.writesBeside(b, ask(boss, byMonth)) })
	b.Run("writes beside 20 sums of them a second", func(b *testing.B) { w.writesBeside(b, ask(boss, byState)) })
	b.Run("from columns: sum by vendor", func(b *testing.B) { inTurns(b, ask(boss, vendor), w.byHand(b, vendorByHand)) })
}

// afterWrites measures the processor time of answers that follow writes all over the
// catalog: as many as come between two of 20 answers a second.
func (w *rightsBench) afterWrites(b *testing.B, ask func() int) {
	var times []time.Duration
	ask()
	for b.Loop() {
		w.writes(b, 50)
		before := processor()
		ask()
		times = append(times, processor()-before)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(percentile(times, 0.5), "cpu-µs")
}

func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writesBeside compares how long changes of records take alone and while somebody
// asks 20 times a second, in turns.
func (w *rightsBench) writesBeside(b *testing.B, ask func() int) {
	var times [2][]time.Duration
	var asks []time.Duration
	for b.Loop() {
		times[0] = append(times[0], w.writes(b, 400)...)
		stop := make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() {
			tick := time.NewTicker(time.Second / 20)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					begun := time.Now()
					ask()
					asks = append(asks, time.Since(begun))
				case <-stop:
					return
				}
			}
		})
		times[1] = append(times[1], w.writes(b, 400)...)
		close(stop)
		asking.Wait()
	}
	at := func(i int, share float64) float64 { return percentile(times[i], share) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(percentile(asks, 0.5), "answer-µs")
	b.ReportMetric(at(1, 0.5), "µs")
	b.ReportMetric(at(0, 0.5), "alone-µs")
	b.ReportMetric(at(1, 0.99), "p99-µs")
	b.ReportMetric(at(0, 0.99), "alone-p99-µs")
	b.ReportMetric(at(1, 0.99)/at(0, 0.99), "p99-ratio")
}

// percentile is the time that a share of times does not exceed, in µs.
func percentile(times []time.Duration, share float64) float64 {
	slices.Sort(times)
	return float64(times[int(share*float64(len(times)-1))].Nanoseconds()) / 1000
}

// writes changes some records, of all the catalog, and gives how long each change
// took.
func (w *rightsBench) writes(b *testing.B, n int) (times []time.Duration) {
	for i := range n {
		op := catalog.Update{Catalog: w.orders.Num, Record: query.Key{Record: query.Record(1 + i*7919%w.rows)},
			Values: values(w.orders, "price", catalog.Number(float64(b.Elapsed().Nanoseconds())))}
		begun := time.Now()
		if _, err := w.s.Apply(b.Context(), boss, []catalog.Op{op}, nil); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begun))
	}
	return times
}

// write runs a statement by hand, on SQLite.
func (w *rightsBench) write(b *testing.B, sql string) {
	b.Helper()
	if w.file == "" {
		return
	}
	c, err := sqlite.OpenConn(w.file, sqlite.OpenReadWrite)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := sqlitex.ExecuteTransient(c, sql, nil); err != nil {
		b.Fatal(err)
	}
}
