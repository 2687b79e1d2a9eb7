package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var upkeep = []promise{
	{name: "an index is made once and listed", test: testIndexes},
	{name: "fields without a column cannot be indexed", test: testNotIndexed},
	{name: "times in options follow entries and exits", test: testTimes},
	{name: "an import moves on from where it is only", test: testImport},
}

var sequences = []promise{
	{name: "changes are numbered without a gap among many writers", test: testSequence},
}

func (f *fixture) index(numbers ...query.Field) {
	f.Helper()
	if err := f.tryIndex(numbers...); err != nil {
		f.Fatalf("index: %v", err)
	}
}

func (f *fixture) tryIndex(numbers ...query.Field) error {
	return f.store.KeepIndexes(f.Context(), true, func(k catalog.IndexKeeper) error {
		return k.Build(f.Context(), f.st, catalog.Index{Catalog: goods, Fields: numbers})
	})
}

func testIndexes(f *fixture) {
	f.add(goods, "", values{name: catalog.Text("a"), price: catalog.Number(3), status: catalog.Items{1}})
	f.index(status, price)
	f.index(name)
	f.index(contact, files)
	f.index(status, price)
	f.reopen()
	f.read(func(r catalog.Reader) error {
		list, err := r.Indexes(f.Context())
		var got [][]query.Field
		for _, i := range list {
			if i.Catalog != goods || i.Name == "" {
				f.Errorf("index %+v", i)
			}
			got = append(got, i.Fields)
		}
		want := [][]query.Field{{name}, {status, price}, {contact, files}}
		if !slices.EqualFunc(got, want, slices.Equal) {
			f.Errorf("the indexes are %v, want %v", got, want)
		}
		return err
	})
}

func testNotIndexed(f *fixture) {
	for _, n := range []query.Field{tags, made} {
		if err := f.tryIndex(n); err == nil {
			f.Errorf("field %d has an index", n)
		}
	}
}

func testTimes(f *fixture) {
	r := f.add(goods, "", values{name: catalog.Text("a"), status: catalog.Items{1}})
	move := func(version int64, from, to query.Item) catalog.Mutation {
		m := f.change(goods, r, version, values{status: catalog.Items{to}})
		m.Times = []catalog.ItemTime{{Field: status, Item: from}, {Field: status, Item: to, Enter: true}}
		return m
	}
	back := move(2, 2, 1)
	there := move(1, 1, 2)
	there.At = back.At // left and entered again within one millisecond
	f.mustWrite(there, back)
	f.clean()
	f.mustWrite(move(3, 1, 2), move(4, 2, 1))
	f.clean()
	f.mustWrite(f.removal(goods, r, 5))
}

func testSequence(f *fixture) {
	const writers, each = 6, 15
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for j := range each {
				if err := f.insertOrFail(j%3 == 2); err != nil {
					f.Errorf("writer %d: %v", i, err)
				}
				if err := f.store.Sequence(f.Context()); err != nil {
					f.Errorf("sequence: %v", err)
				}
			}
		})
	}
	group.Wait()
}

// insertOrFail inserts a record; with fail set the transaction is given up, and
// leaves a hole among the ids of PostgreSQL.
func (f *fixture) insertOrFail(fail bool) error {
	n, err := f.store.Reserve(f.Context(), goods, 1)
	if err != nil {
		return err
	}
	given := fmt.Errorf("given up")
	err = f.update(func(w catalog.Writer) error {
		err := w.Write(f.Context(), []catalog.Mutation{{Kind: catalog.InsertRecord, Catalog: f.catalog(goods), Record: n, At: 1}})
		if err == nil && fail {
			return given
		}
		return err
	})
	if err == given {
		return nil
	}
	return err
}

func testImport(f *fixture) {
	ctx := f.Context()
	begun := catalog.Import{Catalog: goods, File: "sha256", Plan: []byte(`[{"type":"text"}]`), Total: 7}
	must := func(fn func(w catalog.Writer) error) {
		f.Helper()
		if err := f.update(fn); err != nil {
			f.Fatal(err)
		}
	}
	must(func(w catalog.Writer) error { return w.BeginImport(ctx, begun) })
	moved := begun
	moved.Done, moved.Stored, moved.Refused, moved.Cells = 3, 2, 1, 4
	must(func(w catalog.Writer) error { return w.MoveImport(ctx, moved, 0) })
	plan := catalog.Plan{Version: f.st.Version, Class: catalog.Job, Catalogs: []query.Catalog{goods}}
	for _, again := range []catalog.Import{moved, {Catalog: makers}} {
		err := f.store.Update(ctx, plan, func(w catalog.Writer) error { return w.MoveImport(ctx, again, 0) })
		if !errors.Is(err, catalog.ErrImportMoved) {
			f.Errorf("moved again: %v", err)
		}
	}
	f.reopen()
	want := func(c query.Catalog, want *catalog.Import) {
		f.read(func(r catalog.Reader) error {
			got, err := r.Import(ctx, c)
			if !reflect.DeepEqual(got, want) {
				f.Errorf("the import into %d is %+v, want %+v", c, got, want)
			}
			return err
		})
	}
	want(goods, &moved)
	want(makers, nil)
	must(func(w catalog.Writer) error {
		_, err := w.Clear(ctx, f.catalog(goods), 1, catalog.ChangeRow{Origin: "cli"})
		return err
	})
	want(goods, nil)
}
