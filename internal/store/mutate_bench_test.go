package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

func benchOnBoth(b *testing.B, bench func(b *testing.B, s *Company, st *catalog.Structure)) {
	for _, make := range []func(testing.TB) testdb.Target{testdb.SQLite, testdb.Postgres} {
		target := make(b)
		b.Run(target.Name, func(b *testing.B) {
			s := openTestCompany(b, target)
			bench(b, s, saveStructure(b, s))
		})
	}
}

// BenchmarkInsert adds records of eight fields, 200 characters of text among
// them, 16 writers at once.
func BenchmarkInsert(b *testing.B) {
	benchOnBoth(b, benchInsert)
}

func benchInsert(b *testing.B, s *Company, st *catalog.Structure) {
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			n, err := s.Reserve(b.Context(), orders, 1)
			if err == nil {
				err = benchWrite(b.Context(), s, st, benchRecord(n).mutation(st))
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func benchWrite(ctx context.Context, s *Company, st *catalog.Structure, list ...catalog.Mutation) error {
	return s.Update(ctx, catalog.Plan{Version: st.Version, Catalogs: []query.Catalog{orders}},
		func(w catalog.Writer) error {
			w.Last()
			return w.Write(ctx, list)
		})
}

func benchRecord(n query.Record) *testRecord {
	const words = "the quick brown fox jumps over the lazy dog and runs away from the crowd "
	return &testRecord{catalog: orders, id: n, created: 1, updated: 1, values: map[query.Field]catalog.Value{
		fName: catalog.Text(fmt.Sprintf("order %d", n)), fNote: catalog.Text(words + words + fmt.Sprint(n)),
		fAmount: catalog.Number(float64(n) / 2), fStatus: catalog.Items{query.Item(1 + n%3)}, fDue: catalog.Time(n * 1000),
		fTags: catalog.Items{1, 2}, fClients: links(clients, n), fPaid: catalog.Bool(true),
	}}
}

// BenchmarkImport adds 500 records in each transaction.
func BenchmarkImport(b *testing.B) {
	const chunk = 500
	benchOnBoth(b, func(b *testing.B, s *Company, st *catalog.Structure) {
		for b.Loop() {
			first, err := s.Reserve(b.Context(), orders, chunk)
			list := make([]catalog.Mutation, chunk)
			for i := range list {
				list[i] = benchRecord(first + query.Record(i)).mutation(st)
			}
			if err == nil {
				err = benchWrite(b.Context(), s, st, list...)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(chunk*b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// BenchmarkPatch changes a number and a choice of one of 1,000 records.
func BenchmarkPatch(b *testing.B) {
	const records = 1000
	benchOnBoth(b, func(b *testing.B, s *Company, st *catalog.Structure) {
		first, err := s.Reserve(b.Context(), orders, records) // again for each size of b.N
		if err != nil {
			b.Fatal(err)
		}
		var list []catalog.Mutation
		for i := range records {
			list = append(list, benchRecord(first+query.Record(i)).mutation(st))
		}
		mutate(b, s, st, list...)
		var next atomic.Int64
		versions := make([]atomic.Int64, records)
		b.SetParallelism(8)
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				n := next.Add(1)
				m := patchMutation(st, first+query.Record(n%records), versions[n%records].Add(1))
				if err := benchWrite(b.Context(), s, st, m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func patchMutation(st *catalog.Structure, n query.Record, version int64) catalog.Mutation {
	c := st.Catalog(orders)
	return catalog.Mutation{Kind: catalog.UpdateRecord, Catalog: c, Record: n, Version: version, At: 2,
		Cells: []catalog.StoredValue{
			catalog.StoredOf(c.Field(fAmount), catalog.Number(float64(version))),
			catalog.StoredOf(c.Field(fStatus), catalog.Items{query.Item(1 + version%3)}),
		},
		Change:  catalog.ChangeRow{Origin: "api", Values: []byte(`{"12":[1,2],"16":[1,2]}`)},
		History: &catalog.HistoryRow{Kind: catalog.Updated, Payload: []byte(`{"12":{"o":1,"n":2}}`)}}
}
