package store

import (
	"context"
	"path/filepath"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/store/testdb"
)

// The catalogs and fields of these tests: a field of every storage.
const (
	orders  query.Catalog = 5
	clients query.Catalog = 7

	fName query.Field = iota + 11
	fAmount
	fStars
	fDue
	fPaid
	fStatus
	fTags
	fClients
	fPhones
	fFiles
	fChoice
	fManager
	fButton
	fNote
	fLabels
	fPlace

	fTitle     query.Field = 31
	fSize      query.Field = 32
	fParents   query.Field = 33
	fCity      query.Field = 34
	fUserTitle query.Field = 41
)

func field(c query.Catalog, num query.Field, id int, typ, key string, config catalog.Config) *catalog.Field {
	return &catalog.Field{Num: num, ID: id, Key: key, Catalog: c, Type: catalog.TypeByName(typ), Name: key,
		History: true, Filterable: true, Config: config}
}

func items(numbers ...query.Item) []catalog.Item {
	var list []catalog.Item
	for _, n := range numbers {
		key := numbered("i", int64(n))
		list = append(list, catalog.Item{Num: n, Key: key, Name: key})
	}
	return list
}

// firstVersion is that of a new company.
var firstVersion = Version{Structure: 1, Rights: 1}

// testDefinition is a new definition of the catalogs.
func testDefinition() *catalog.Definition {
	sources := []catalog.Source{{Catalog: clients}}
	return &catalog.Definition{
		Version:  firstVersion,
		Sections: []*catalog.Section{{Num: 1, Key: "1", Name: "Sales"}},
		Catalogs: []*catalog.Catalog{
			{Num: catalog.Employees, Key: "$users", Section: 1, Name: "Employees", NextField: 100},
			{Num: orders, Key: "5", Section: 1, Name: "Orders", NextField: 100},
			{Num: clients, Key: "7", Section: 1, Name: "Clients", NextField: 100},
		},
		Fields: []*catalog.Field{
			field(orders, fName, 1, "text", "name", catalog.Config{}),
			field(orders, fAmount, 2, "number", "amount", catalog.Config{}),
			field(orders, fStars, 3, "stars", "stars", catalog.Config{}),
			field(orders, fDue, 4, "date", "due", catalog.Config{Mode: "datetime"}),
			field(orders, fPaid, 5, "switch", "paid", catalog.Config{}),
			field(orders, fStatus, 6, "dropdown", "status", catalog.Config{Items: items(1, 2, 3)}),
			field(orders, fTags, 7, "checkboxes", "tags", catalog.Config{Items: items(3, 1, 2)}),
			field(orders, fClients, 8, "object", "clients", catalog.Config{Multi: true, Sources: sources}),
			field(orders, fPhones, 9, "contact", "phones", catalog.Config{Kind: "phone"}),
			field(orders, fFiles, 10, "file", "files", catalog.Config{Multi: true}),
			field(orders, fChoice, 11, "radiobutton", "choice", catalog.Config{Items: items(2, 1)}),
			field(orders, fManager, 12, "user", "manager", catalog.Config{}),
			field(orders, fButton, 13, "button", "button", catalog.Config{}),
			field(orders, fNote, 14, "text", "note", catalog.Config{Kind: "multiline"}),
			field(orders, fLabels, 15, "dropdown", "labels", catalog.Config{Multi: true, Items: items(1, 2, 3)}),
			field(orders, fPlace, 16, "address", "place", catalog.Config{}),
			field(clients, fTitle, 1, "text", "title", catalog.Config{Kind: catalog.KindMultiline}),
			field(clients, fSize, 2, "number", "size", catalog.Config{}),
			field(clients, fParents, 3, "object", "parents", catalog.Config{Multi: true, Sources: sources}),
			field(clients, fCity, 4, "dropdown", "city", catalog.Config{Items: items(1, 2)}),
			field(catalog.Employees, fUserTitle, 1, "text", "name", catalog.Config{}),
		},
	}
}

// defined is a store of nothing but a definition; catalog.Service turns it into
// a structure.
type defined struct {
	catalog.Store
	definition *catalog.Definition
}

func (d defined) Structure(context.Context) (*catalog.Definition, error) { return d.definition, nil }

func structureOf(t testing.TB, d *catalog.Definition) *catalog.Structure {
	t.Helper()
	st, err := catalog.New(defined{definition: d}, catalog.Options{}).Structure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func fieldsOf(c *catalog.Catalog, numbers ...query.Field) []*catalog.Field {
	list := make([]*catalog.Field, len(numbers))
	for i, n := range numbers {
		list[i] = c.Field(n)
	}
	return list
}

// eachCompany runs a test with an empty company of each kind that has the
// catalogs of testDefinition.
func eachCompany(t *testing.T, test func(t *testing.T, s *Company, st *catalog.Structure)) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		s := openTestCompany(t, target)
		test(t, s, saveStructure(t, s))
	})
}

func openTestCompany(t testing.TB, target testdb.Target) *Company {
	t.Helper()
	var s *Company
	var err error
	if target.Dir != "" {
		s, err = OpenSQLite(t.Context(), filepath.Join(target.Dir, "company.db"), Options{})
	} else {
		s, err = OpenPostgres(t.Context(), target.DSN, "company_1", Options{})
	}
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func saveStructure(t testing.TB, s *Company) *catalog.Structure {
	t.Helper()
	def := testDefinition()
	plan := catalog.Plan{Version: firstVersion, Class: catalog.Reshape, Catalogs: []query.Catalog{catalog.Employees, orders, clients}}
	err := s.Update(t.Context(), plan, func(w catalog.Writer) error {
		if err := w.SaveSection(t.Context(), def.Sections[0]); err != nil {
			return err
		}
		for _, c := range def.Catalogs {
			if err := w.SaveCatalog(t.Context(), c); err != nil {
				return err
			}
			var fields []*catalog.Field
			for _, f := range def.Fields {
				if f.Catalog == c.Num {
					fields = append(fields, f)
				}
			}
			if err := w.SaveFields(t.Context(), c, fields); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("save the structure: %v", err)
	}
	return structureOf(t, def)
}

// testRecord is one record as a test states it.
type testRecord struct {
	catalog query.Catalog
	id      query.Record
	code    string
	created int64
	updated int64
	values  map[query.Field]catalog.Value
}

// title is what the record is called.
func (r *testRecord) title(st *catalog.Structure) string {
	if f := st.Catalog(r.catalog).Title(); f != nil {
		if v, ok := r.values[f.Num].(catalog.Text); ok {
			return text.OneLine(string(v))
		}
	}
	return numbered("#", int64(r.id))
}

// mutation is the record's creation.
func (r *testRecord) mutation(st *catalog.Structure) catalog.Mutation {
	c := st.Catalog(r.catalog)
	title := r.title(st)
	m := catalog.Mutation{Kind: catalog.InsertRecord, Catalog: c, Record: r.id, At: r.created, Code: &r.code,
		Title: &catalog.TitleRow{Text: title, Fold: text.Fold(title), Key: text.SortKey(title)}}
	for _, f := range c.Fields {
		if v := r.values[f.Num]; v != nil {
			m.Cells = append(m.Cells, catalog.StoredOf(f, v))
		}
	}
	return m
}

// write inserts records; then those whose updated differs are updated.
func write(t testing.TB, s *Company, st *catalog.Structure, records []*testRecord) {
	t.Helper()
	var inserts, updates []catalog.Mutation
	for _, r := range records {
		inserts = append(inserts, r.mutation(st))
		if r.updated != r.created {
			updates = append(updates, catalog.Mutation{Kind: catalog.UpdateRecord, Catalog: st.Catalog(r.catalog),
				Record: r.id, Version: 1, At: r.updated})
		}
	}
	mutate(t, s, st, inserts...)
	mutate(t, s, st, updates...)
}

func mutate(t testing.TB, s *Company, st *catalog.Structure, list ...catalog.Mutation) {
	t.Helper()
	err := s.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
		return w.Write(t.Context(), list)
	})
	if err != nil {
		t.Fatalf("write: %v", err)
	}
}

// read runs fn on a snapshot.
func read(t testing.TB, s *Company, st *catalog.Structure, fn func(r catalog.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), st.Version, fn); err != nil {
		t.Fatalf("read: %v", err)
	}
}

// numbersOf are the numbers of a page's records, in order.
func numbersOf(p *catalog.Page) []query.Record {
	list := make([]query.Record, p.Len())
	for i := range list {
		list[i] = p.Record(i)
	}
	return list
}

func links(c query.Catalog, records ...query.Record) catalog.Links {
	var list catalog.Links
	for _, r := range records {
		list = append(list, catalog.Link{Link: query.Link{Catalog: c, Key: query.Key{Record: r}}})
	}
	return list
}
