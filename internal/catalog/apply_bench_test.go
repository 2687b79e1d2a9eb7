package catalog_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// benchWorld has 10,000 orders.
func benchWorld(b *testing.B) (*catalog.Service, *catalog.Catalog) {
	b.Helper()
	db := openTarget(b, testdb.SQLite(b))
	s := catalog.New(db, catalog.Options{
		Now: time.Now, Log: slog.New(slog.DiscardHandler), FieldsMax: 300, TextMax: 256, RecordsMax: 10_000,
		Directory: &logins{known: map[query.Record]catalog.DirectoryMessage{}}, Filters: bpium.ViewFilters{},
	})
	if _, err := s.Open(b.Context(), catalog.First{Name: "Ada", Login: "ada", Password: "secret1", Section: "Work"}); err != nil {
		b.Fatal(err)
	}
	section, name := "3", "Orders"
	scope, err := s.CreateCatalog(b.Context(), boss, catalog.CatalogInput{Name: &name, Section: &section, Fields: []catalog.FieldInput{
		required(field("name", "text", nil)), field("price", "number", nil), field("note", "text", nil),
		field("state", "dropdown", &catalog.Config{Items: []catalog.Item{{Name: "New"}, {Name: "Done"}}}),
		field("due", "date", nil),
	}})
	if err != nil {
		b.Fatal(err)
	}
	for range 10 {
		if _, err := s.Apply(b.Context(), boss, newOrders(scope.Catalog, 1000), nil); err != nil {
			b.Fatal(err)
		}
	}
	return s, scope.Catalog
}

func newOrders(c *catalog.Catalog, n int) []catalog.Op {
	ops := make([]catalog.Op, n)
	for i := range ops {
		ops[i] = catalog.Create{Catalog: c.Num, Values: values(c, "name", catalog.Text(fmt.Sprint("Order number ", i)),
			"price", catalog.Number(i), "state", catalog.Items{1}, "due", catalog.Time(1_900_000_000_000))}
	}
	return ops
}

func BenchmarkPatch(b *testing.B) {
	s, c := benchWorld(b)
	var n atomic.Int64
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			op := catalog.Update{Catalog: c.Num, Record: query.Key{Record: query.Record(i%10_000 + 1)}, Values: values(c, "price", catalog.Number(i+100_000))}
			if _, err := s.Apply(b.Context(), boss, []catalog.Op{op}, nil); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkCreate(b *testing.B) {
	s, c := benchWorld(b)
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Apply(b.Context(), boss, newOrders(c, 1), nil); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	s, c := benchWorld(b)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		rows, err := s.Records(b.Context(), boss, c.Num, query.Query{Limit: 50, Sort: query.Sort{Desc: true}}, nil)
		if err != nil || rows.Page.Len() != 50 {
			b.Fatal(err)
		}
	}
}

func BenchmarkImport(b *testing.B) {
	s, c := benchWorld(b)
	ops := newOrders(c, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if _, err := s.Apply(b.Context(), boss, ops, nil); err != nil {
			b.Fatal(err)
		}
	}
}
