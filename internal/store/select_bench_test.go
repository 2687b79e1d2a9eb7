package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

const benchRecords = 20_000

// BenchmarkRead measures single records, lists and searches:
//
//	scripts/pg.sh run -- go test -run '^$' -bench Read ./internal/store
func BenchmarkRead(b *testing.B) {
	for _, open := range []func(testing.TB) testdb.Target{testdb.SQLite, testdb.Postgres} {
		target := open(b)
		s := openTestCompany(b, target)
		st := saveStructure(b, s)
		fillBench(b, s, st)
		c := st.Catalog(orders)
		columns := valued(c)
		b.Run(target.Name+"/get", func(b *testing.B) { benchGet(b, s, st, columns) })
		where := query.And{cond(fStatus, query.AnyOf{2}), cond(fAmount, query.NumberRange{Min: ptr(100.0), Max: ptr(800.0)})}
		lists := map[string]catalog.Selected{
			"list50":        {Where: where, Sort: byField(fAmount, true)},
			"list50 deep":   {Where: where, Sort: byField(fAmount, true), Offset: 2000},
			"list50 newest": {Sort: query.Sort{Desc: true}},
			"search":        {Search: query.Search{Fold: "name 77"}, SearchFields: fieldsOf(c, fName, fNote), SearchLinks: fieldsOf(c, fClients), SearchTitle: true},
			"substring":     {Where: cond(fName, query.Substring{Fold: "me 19"}), Sort: query.Sort{Desc: true}},
		}
		for name, list := range lists {
			list.Structure, list.Catalog, list.Columns, list.Limit = st, c, columns, 50
			b.Run(target.Name+"/"+name, func(b *testing.B) { benchSelect(b, s, st, &list) })
		}
	}
	b.Run("compile", benchCompile)
}

func benchGet(b *testing.B, s *Company, st *catalog.Structure, columns []*catalog.Field) {
	b.ReportAllocs()
	for b.Loop() {
		id := query.Record(1 + rand.IntN(benchRecords))
		read(b, s, st, func(r catalog.Reader) error {
			p, err := r.Rows(b.Context(), st.Catalog(orders), columns, []query.Record{id})
			if err == nil && p.Len() != 1 {
				err = fmt.Errorf("%d rows", p.Len())
			}
			return err
		})
	}
}

func benchSelect(b *testing.B, s *Company, st *catalog.Structure, list *catalog.Selected) {
	b.ReportAllocs()
	for b.Loop() {
		read(b, s, st, func(r catalog.Reader) error {
			p, err := r.Select(b.Context(), list)
			if err == nil && p.Len() == 0 {
				err = fmt.Errorf("no rows")
			}
			return err
		})
	}
}

func benchCompile(b *testing.B) {
	st := structureOf(b, testDefinition())
	g := goldenCase{where: query.And{cond(fStatus, query.AnyOf{2}), amounts}, sort: byField(fAmount, true)}
	s := g.selected(st)
	list := newReadPlan(s.Catalog, valued(s.Catalog)).list
	b.ReportAllocs()
	for b.Loop() {
		o, err := newSorting(sqliteDialect{}, source{s.Catalog, recordAlias}, s)
		if err == nil {
			_, err = compilePage(sqliteDialect{}, list, s, o, everything, 50, 0)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// fillBench writes orders with a dozen values each and adds the index that a
// list by option and amount wants.
func fillBench(b *testing.B, s *Company, st *catalog.Structure) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	clientRecord := func(i int) *testRecord {
		return &testRecord{catalog: clients, id: query.Record(i), created: 1, updated: 1,
			values: map[query.Field]catalog.Value{fTitle: catalog.Text(fmt.Sprint("Client ", i))}}
	}
	var batch []*testRecord
	for i := range 500 {
		batch = append(batch, clientRecord(i+1))
	}
	for i := range benchRecords {
		batch = append(batch, order(query.Record(i+1), map[query.Field]catalog.Value{
			fName: catalog.Text(fmt.Sprint("Name ", i)), fAmount: catalog.Number(random.IntN(1000)),
			fStars: catalog.Whole(random.IntN(6)), fDue: catalog.Time(i), fStatus: catalog.Items{query.Item(1 + random.IntN(3))},
			fNote: catalog.Text(fmt.Sprint("Note of ", i, " with some more words in it")), fPaid: catalog.Bool(true),
			fClients: links(clients, query.Record(1+random.IntN(500))), fTags: catalog.Items{3, 1},
		}))
		if len(batch) == 1000 || i == benchRecords-1 {
			write(b, s, st, batch)
			batch = batch[:0]
		}
	}
	addTestIndex(b, s, st, orders, fStatus, fAmount)
}

// BenchmarkTexts looks texts up and matches patterns among 100,000 records; 200 texts
// are what one batch of identifiers is.
func BenchmarkTexts(b *testing.B) {
	const records = 100_000
	for _, open := range []func(testing.TB) testdb.Target{testdb.SQLite, testdb.Postgres} {
		target := open(b)
		s := openTestCompany(b, target)
		st := saveStructure(b, s)
		var batch []*testRecord
		for i := range records {
			name := fmt.Sprintf("Name-%d", i*7919%records)
			batch = append(batch, order(query.Record(i+1), map[query.Field]catalog.Value{fName: catalog.Text(name),
				fPhones: catalog.Contacts{{ID: "1", Contact: name + "@example.com"}}}))
			if len(batch) == 1000 {
				write(b, s, st, batch)
				batch = batch[:0]
			}
		}
		addTestIndex(b, s, st, orders, fName)
		addTestIndex(b, s, st, orders, catalog.UpdatedTime)
		var many, mails query.TextIs
		for i := range 200 {
			many, mails = append(many, fmt.Sprint("Name-", i*31)), append(mails, fmt.Sprint("Name-", i*31, "@example.com"))
		}
		c := st.Catalog(orders)
		for name, where := range map[string]query.Node{
			"one text": cond(fName, many[3:4]), "200 texts": cond(fName, many), "200 contacts": cond(fPhones, mails),
			"200 titles": query.Titled{Test: many}, "like": cond(fName, query.TextLike{Pattern: "Name-77_7%"}),
			"folded like": cond(fName, query.TextLike{Pattern: "%E-77_7%", Fold: true}), "short like": cond(fName, query.TextLike{Pattern: "%7_77"}),
			"titled like": query.Titled{Test: query.TextLike{Pattern: "Name-77_7%"}},
			"changed":     query.Stamped{By: query.ByUpdated, Min: ptr(int64(1000)), Max: ptr(int64(1000))},
		} {
			list := catalog.Selected{Structure: st, Catalog: c, Columns: fieldsOf(c, fName), Limit: 200, Where: where}
			b.Run(target.Name+"/"+name, func(b *testing.B) { benchSelect(b, s, st, &list) })
		}
	}
}
