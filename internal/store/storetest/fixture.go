package storetest

import (
	"sync/atomic"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/store"
)

// Opener opens the database of one test, and after it was closed opens it again.
// It is closed with the test.
type Opener func(t testing.TB) *store.Company

// Writing runs the promises about structure and writes, each on a database of
// its own that fresh makes.
func Writing(t *testing.T, fresh func(t testing.TB) Opener) {
	for _, group := range [][]promise{writes, loads, structures, reshapes, rights, boards, filed, chats, upkeep, sequences, queues, schedules, synced, syncLinks} {
		for _, p := range group {
			t.Run(p.name, func(t *testing.T) {
				open := fresh(t)
				f := &fixture{T: t, store: open(t), open: open}
				f.define()
				p.test(f)
				if p.damaged {
					return
				}
				if err := f.store.Sequence(t.Context()); err != nil {
					t.Errorf("sequence: %v", err)
				}
				f.clean()
			})
		}
	}
}

// promise is one named test.
type promise struct {
	name    string
	test    func(f *fixture)
	damaged bool // leaves what Check rightly finds
}

// The objects of a fixture.
const (
	goods  query.Catalog = 31
	makers query.Catalog = 32

	name    query.Field = 101 // text, the title
	price   query.Field = 102 // number
	status  query.Field = 103 // one of three options
	tags    query.Field = 104 // several of three options
	made    query.Field = 105 // links to makers
	contact query.Field = 106 // phones
	remark  query.Field = 107 // text of several lines
	files   query.Field = 108
	maker   query.Field = 121 // text, title of makers
)

// fixture is a company with two catalogs and what tests do to it.
type fixture struct {
	*testing.T
	store *store.Company
	open  Opener
	st    *catalog.Structure
	clock int64

	writes atomic.Int64
}

func newField(c query.Catalog, num query.Field, id int, kind, key string, config catalog.Config) *catalog.Field {
	return &catalog.Field{Num: num, ID: id, Key: key, Catalog: c, Type: catalog.TypeByName(kind), Name: key,
		History: true, Filterable: true, Config: config}
}

func options() []catalog.Item {
	return []catalog.Item{{Num: 1, Key: "1", Name: "one"}, {Num: 2, Key: "2", Name: "two"}, {Num: 3, Key: "3", Name: "three"}}
}

func goodsFields() []*catalog.Field {
	return []*catalog.Field{
		newField(goods, name, 1, "text", "name", catalog.Config{}),
		newField(goods, price, 2, "number", "price", catalog.Config{}),
		newField(goods, status, 3, "dropdown", "status", catalog.Config{Items: options()}),
		newField(goods, tags, 4, "dropdown", "tags", catalog.Config{Items: options(), Multi: true}),
		newField(goods, made, 5, "object", "made", catalog.Config{Multi: true, Sources: []catalog.Source{{Catalog: makers}}}),
		newField(goods, contact, 6, "contact", "contact", catalog.Config{Kind: "phone"}),
		newField(goods, remark, 7, "text", "remark", catalog.Config{Kind: catalog.KindMultiline}),
		newField(goods, files, 8, "file", "files", catalog.Config{Multi: true}),
	}
}

// define makes the two catalogs and loads the structure.
func (f *fixture) define() {
	f.Helper()
	f.reshape(catalog.Version{Structure: 1, Rights: 1}, func(w catalog.Writer) error {
		ctx := f.Context()
		if err := w.SaveSection(ctx, &catalog.Section{Num: 1, Key: "1", Name: "Shop"}); err != nil {
			return err
		}
		if err := w.SaveCatalog(ctx, &catalog.Catalog{Num: goods, Key: "31", Section: 1, Name: "Goods", History: true, NextField: 9}); err != nil {
			return err
		}
		if err := w.SaveFields(ctx, &catalog.Catalog{Num: goods}, goodsFields()); err != nil {
			return err
		}
		if err := w.SaveCatalog(ctx, &catalog.Catalog{Num: makers, Key: "32", Section: 1, Name: "Makers", History: true, NextField: 2}); err != nil {
			return err
		}
		return w.SaveFields(ctx, &catalog.Catalog{Num: makers}, []*catalog.Field{newField(makers, maker, 1, "text", "name", catalog.Config{})})
	})
}

// reshape makes a structure change from that version and loads the result.
func (f *fixture) reshape(version catalog.Version, fn func(w catalog.Writer) error) {
	f.Helper()
	plan := catalog.Plan{Version: version, Class: catalog.Reshape, Catalogs: []query.Catalog{goods, makers}}
	err := f.store.Update(f.Context(), plan, func(w catalog.Writer) error {
		if err := fn(w); err != nil {
			return err
		}
		_, err := w.BumpStructure(f.Context())
		return err
	})
	if err != nil {
		f.Fatalf("change the structure: %v", err)
	}
	f.load()
}

// load reads the structure as the service does.
func (f *fixture) load() {
	f.Helper()
	st, err := catalog.New(f.store, catalog.Options{}).Structure(f.Context())
	if err != nil {
		f.Fatalf("load the structure: %v", err)
	}
	f.st = st
}

func (f *fixture) catalog(c query.Catalog) *catalog.Catalog { return f.st.Catalog(c) }

func (f *fixture) field(n query.Field) *catalog.Field {
	f.Helper()
	field := f.st.Field(n)
	if field == nil {
		f.Fatalf("there is no field %d", n)
	}
	return field
}

// update runs fn in an interactive transaction.
func (f *fixture) update(fn func(w catalog.Writer) error) error {
	plan := catalog.Plan{Version: f.st.Version, Catalogs: []query.Catalog{goods, makers}}
	return f.store.Update(f.Context(), plan, fn)
}

// write tells every other time that nothing follows.
func (f *fixture) write(list ...catalog.Mutation) error {
	return f.writeAs(f.writes.Add(1)%2 == 0, list...)
}

func (f *fixture) writeAs(last bool, list ...catalog.Mutation) error {
	return f.update(func(w catalog.Writer) error {
		if last {
			w.Last()
		}
		return w.Write(f.Context(), list)
	})
}

func (f *fixture) mustWrite(list ...catalog.Mutation) {
	f.Helper()
	if err := f.write(list...); err != nil {
		f.Fatalf("write: %v", err)
	}
}

// read runs fn on a snapshot.
func (f *fixture) read(fn func(r catalog.Reader) error) {
	f.Helper()
	if err := f.store.View(f.Context(), f.st.Version, fn); err != nil {
		f.Fatalf("read: %v", err)
	}
}

// values are fields with their values.
type values map[query.Field]catalog.Value

// now is a moment after all before.
func (f *fixture) now() int64 {
	f.clock += 1000
	return 1_700_000_000_000 + f.clock
}

// mutation begins one with the cells, title and option entries of the values.
func (f *fixture) mutation(kind catalog.MutationKind, c query.Catalog, r query.Record, v values) catalog.Mutation {
	f.Helper()
	cat := f.catalog(c)
	m := catalog.Mutation{Kind: kind, Catalog: cat, Record: r, At: f.now(),
		Change: catalog.ChangeRow{Actor: 1, Origin: "api", Values: []byte(`{}`)}}
	for _, field := range cat.Fields {
		value, ok := v[field.Num]
		if !ok {
			continue
		}
		m.Cells = append(m.Cells, catalog.StoredOf(field, value))
		if t, ok := value.(catalog.Text); ok && field == cat.Title() {
			m.Title = titleRow(string(t))
		}
		if items, ok := value.(catalog.Items); ok && kind == catalog.InsertRecord {
			for _, item := range items {
				m.Times = append(m.Times, catalog.ItemTime{Field: field.Num, Item: item, Enter: true})
			}
		}
	}
	return m
}

func titleRow(s string) *catalog.TitleRow {
	return &catalog.TitleRow{Text: s, Fold: text.Fold(s), Key: text.SortKey(s)}
}

// add inserts a record with a reserved number.
func (f *fixture) add(c query.Catalog, code string, v values) query.Record {
	f.Helper()
	n := f.reserve(c, 1)
	m := f.mutation(catalog.InsertRecord, c, n, v)
	m.Code = &code
	f.mustWrite(m)
	return n
}

func (f *fixture) reserve(c query.Catalog, n int) query.Record {
	f.Helper()
	first, err := f.store.Reserve(f.Context(), c, n)
	if err != nil {
		f.Fatalf("reserve: %v", err)
	}
	return first
}

// change updates a record that has the version.
func (f *fixture) change(c query.Catalog, r query.Record, version int64, v values) catalog.Mutation {
	f.Helper()
	m := f.mutation(catalog.UpdateRecord, c, r, v)
	m.Version = version
	return m
}

func (f *fixture) removal(c query.Catalog, r query.Record, version int64) catalog.Mutation {
	f.Helper()
	m := f.mutation(catalog.RemoveRecord, c, r, nil)
	m.Version, m.Trash = version, []byte(`{"101":"gone"}`)
	return m
}

// clean fails the test when the database is not what it should be.
func (f *fixture) clean() {
	f.Helper()
	problems, err := f.store.Check(f.Context())
	if err != nil {
		f.Errorf("check: %v", err)
	}
	for _, p := range problems {
		f.Errorf("check finds %v", p)
	}
}
