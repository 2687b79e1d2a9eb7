package storetest

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var structures = []promise{
	{name: "a structure is read as it was saved", test: testStructure},
	{name: "removed parts are read too", test: testRemovedParts},
	{name: "a transaction reads the structure as it leaves it", test: testOwnDefinition},
	{name: "a change raises the version for everybody", test: testVersions},
	{name: "a transaction planned with another version is refused", test: testStale},
	{name: "a failed structure change leaves no trace", test: testFailedChange},
	{name: "public ids are unique among live objects", test: testKeyTaken},
	{name: "public ids can be exchanged", test: testExchangedKeys},
	{name: "a new field of a catalog with records is empty", test: testNewField},
	{name: "counters count from 1 and never twice", test: testCounters},
	{name: "record numbers are never given twice", test: testNumbers},
	{name: "record numbers of one call follow each other", test: testNumbersInRow},
	{name: "the outbox keeps its order until it is done", test: testOutbox},
}

func testStructure(f *fixture) {
	min, digits := -1.5, 2
	section := &catalog.Section{Num: 2, Key: "second", Name: "Zweite <Abteilung>", Icon: "box-1", Priority: 7, System: true}
	c := &catalog.Catalog{Num: 33, Key: "things", Section: 2, Name: "Вещи", Icon: "icon-3", Priority: -1, History: true,
		Instruction: "<p>how & why</p>", System: true, Mirror: true, NextField: 12}
	fields := []*catalog.Field{
		{Num: 201, ID: 5, Key: "amount", Catalog: 33, Type: catalog.TypeByName("number"), Name: "Amount", Hint: "a & b",
			Comment: "<i>c</i>", Required: true, APIOnly: true, Hidden: true, History: true, Filterable: true, System: true,
			Visible: json.RawMessage(`{"7":["<b>"]}`),
			Config:  catalog.Config{Unit: "€", Min: &min, Digits: &digits, Extra: json.RawMessage(`{"x":[1]}`)}},
		{Num: 200, ID: 4, Key: "secret", Catalog: 33, Type: catalog.TypeByName("text"), Name: "Secret", Secret: true},
		{Num: 202, ID: 6, Key: "choice", Catalog: 33, Type: catalog.TypeByName("dropdown"), Name: "Choice",
			Config: catalog.Config{Multi: true, NextItem: 9, Items: []catalog.Item{{Num: 8, Key: "eight", Name: "8", Color: "ffffff"}}}},
	}
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		return errors.Join(w.SaveSection(f.Context(), section), w.SaveCatalog(f.Context(), c), w.SaveFields(f.Context(), c, fields))
	})
	d := f.definition()
	if got := d.Sections[len(d.Sections)-1]; !reflect.DeepEqual(got, section) {
		f.Errorf("section %+v, want %+v", got, section)
	}
	if got := d.Catalogs[len(d.Catalogs)-1]; !reflect.DeepEqual(got, c) {
		f.Errorf("catalog %+v, want %+v", got, c)
	}
	for i, got := range d.Fields[len(d.Fields)-3:] {
		if !reflect.DeepEqual(got, fields[i]) {
			f.Errorf("field %+v, want %+v", got, fields[i])
		}
	}
	if d.Version != f.st.Version {
		f.Errorf("version %v, want %v", d.Version, f.st.Version)
	}
}

func testOwnDefinition(f *fixture) {
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		if err := w.SaveSection(f.Context(), &catalog.Section{Num: 9, Key: "new", Name: "New"}); err != nil {
			return err
		}
		d, err := w.Definition(f.Context())
		if err != nil {
			return err
		}
		if got := d.Sections[len(d.Sections)-1]; got.Key != "new" || len(d.Catalogs) != len(f.st.Catalogs) {
			f.Errorf("the transaction reads section %+v and %d catalogs", got, len(d.Catalogs))
		}
		return nil
	})
}

func (f *fixture) definition() *catalog.Definition {
	f.Helper()
	d, err := f.store.Structure(f.Context())
	if err != nil {
		f.Fatalf("structure: %v", err)
	}
	return d
}

func testRemovedParts(f *fixture) {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		c := *f.catalog(makers)
		c.Removed = at
		field := *f.field(maker)
		field.Removed = at
		return errors.Join(w.SaveSection(f.Context(), &catalog.Section{Num: 9, Key: "old", Name: "Old", Removed: at}),
			w.SaveCatalog(f.Context(), &c), w.SaveFields(f.Context(), &c, []*catalog.Field{&field}))
	})
	d := f.definition()
	section, c, field := d.Sections[len(d.Sections)-1], d.Catalogs[len(d.Catalogs)-1], d.Fields[len(d.Fields)-1]
	if !section.Removed.Equal(at) || !c.Removed.Equal(at) || !field.Removed.Equal(at) {
		f.Errorf("removed at %v, %v, %v, want %v", section.Removed, c.Removed, field.Removed, at)
	}
}

func testVersions(f *fixture) {
	before := f.st.Version
	var told int64
	f.reshape(before, func(w catalog.Writer) (err error) {
		told, err = w.BumpStructure(f.Context())
		return err
	})
	check := func() {
		f.Helper()
		v, err := f.store.Version(f.Context())
		if err != nil || v != f.st.Version || told <= before.Structure || v.Structure <= told {
			f.Errorf("version %v, %v; before %v, told %d", v, err, before, told)
		}
		err = f.store.View(f.Context(), before, func(catalog.Reader) error { return nil })
		if !errors.Is(err, catalog.ErrStale) {
			f.Errorf("a view of the old version gives %v, want ErrStale", err)
		}
	}
	check()
	f.reopen()
	check()
}

func testStale(f *fixture) {
	answered := false
	read := func(r catalog.Reader) error {
		_, err := r.Purgeable(f.Context(), 0)
		answered = answered || err == nil
		return nil
	}
	write := func(w catalog.Writer) error { return read(w) }
	older, newer, others := f.st.Version, f.st.Version, f.st.Version
	older.Structure--
	newer.Structure++
	others.Rights++
	for name, err := range map[string]error{
		"view":    f.store.View(f.Context(), older, read),
		"rights":  f.store.View(f.Context(), others, read),
		"update":  f.store.Update(f.Context(), catalog.Plan{Version: newer, Catalogs: []query.Catalog{goods}}, write),
		"reshape": f.store.Update(f.Context(), catalog.Plan{Version: older, Class: catalog.Reshape}, write),
	} {
		if !errors.Is(err, catalog.ErrStale) || answered {
			f.Errorf("%s: %v (a call was answered: %v), want ErrStale", name, err, answered)
		}
	}
}

func testFailedChange(f *fixture) {
	failure := errors.New("no")
	plan := catalog.Plan{Version: f.st.Version, Class: catalog.Reshape, Catalogs: []query.Catalog{goods}}
	err := f.store.Update(f.Context(), plan, func(w catalog.Writer) error {
		c := &catalog.Catalog{Num: 40, Key: "40", Section: 1, Name: "Never"}
		field := newField(goods, 150, 20, "text", "new", catalog.Config{})
		if err := errors.Join(w.SaveCatalog(f.Context(), c), w.SaveFields(f.Context(), f.catalog(goods), []*catalog.Field{field})); err != nil {
			return err
		}
		if _, err := w.BumpStructure(f.Context()); err != nil {
			return err
		}
		return failure
	})
	d := f.definition()
	if !errors.Is(err, failure) || d.Version != f.st.Version || len(d.Catalogs) != 2 || len(d.Fields) != 9 {
		f.Errorf("%v; version %v, %d catalogs, %d fields", err, d.Version, len(d.Catalogs), len(d.Fields))
	}
	f.add(goods, "", values{name: catalog.Text("still works")})
}

func testKeyTaken(f *fixture) {
	double := *f.field(price)
	double.Key = "name"
	for name, save := range map[string]func(w catalog.Writer) error{
		"section": func(w catalog.Writer) error {
			return w.SaveSection(f.Context(), &catalog.Section{Num: 8, Key: "1", Name: "x"})
		},
		"catalog": func(w catalog.Writer) error {
			return w.SaveCatalog(f.Context(), &catalog.Catalog{Num: 41, Key: "31", Section: 1, Name: "x"})
		},
		"field": func(w catalog.Writer) error {
			return w.SaveFields(f.Context(), f.catalog(goods), []*catalog.Field{&double})
		},
	} {
		err := f.store.Update(f.Context(), catalog.Plan{Version: f.st.Version, Class: catalog.Reshape}, save)
		if !errors.Is(err, catalog.ErrCodeTaken) {
			f.Errorf("%s: %v, want ErrCodeTaken", name, err)
		}
	}
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		return w.SaveSection(f.Context(), &catalog.Section{Num: 8, Key: "1", Name: "x", Removed: time.UnixMilli(1)})
	})
}

func testExchangedKeys(f *fixture) {
	a, b := *f.field(name), *f.field(price)
	a.Key, b.Key = b.Key, a.Key
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		return w.SaveFields(f.Context(), f.catalog(goods), []*catalog.Field{&a, &b})
	})
	if f.catalog(goods).FieldByKey("price").Num != name {
		f.Error("the ids were not exchanged")
	}
}

func testNewField(f *fixture) {
	r := f.add(goods, "", values{name: catalog.Text("old")})
	field := newField(goods, 150, 20, "text", "new", catalog.Config{})
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		return w.SaveFields(f.Context(), f.catalog(goods), append(goodsFields(), field))
	})
	f.want(goods, r, 1, values{name: catalog.Text("old")})
	f.mustWrite(f.change(goods, r, 1, values{150: catalog.Text("filled")}))
	f.want(goods, r, 2, values{name: catalog.Text("old"), 150: catalog.Text("filled")})
	f.add(goods, "", values{150: catalog.Text("only")})
}

func testCounters(f *fixture) {
	var got []int64
	for range 3 {
		err := f.update(func(w catalog.Writer) error {
			n, err := w.Next(f.Context(), catalog.FileCounter)
			got = append(got, n)
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, []int64{1, 2, 3}) {
		f.Errorf("counted %v", got)
	}
}

func testNumbers(f *fixture) {
	seen := map[query.Record]bool{}
	take := func(n query.Record) {
		if seen[n] {
			f.Errorf("number %d was given twice", n)
		}
		seen[n] = true
	}
	last := f.add(goods, "", values{name: catalog.Text("first")})
	take(last)
	for range 3 {
		last = f.add(goods, "", values{name: catalog.Text("x")})
		take(last)
	}
	f.mustWrite(f.removal(goods, last, 1))
	f.reopen()
	last = f.add(goods, "", values{name: catalog.Text("after a removal and a restart")})
	take(last)
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		_, err := w.Clear(f.Context(), f.catalog(goods), 1, catalog.ChangeRow{Origin: "cli"})
		return err
	})
	f.reopen()
	take(f.add(goods, "", values{name: catalog.Text("after a clear and a restart")}))
	if n := f.reserve(makers, 1); n != 1 {
		f.Errorf("another catalog begins at %d", n)
	}
}

// reopen closes the database and opens it again.
func (f *fixture) reopen() {
	f.Helper()
	if err := f.store.Close(); err != nil {
		f.Fatalf("close: %v", err)
	}
	f.store = f.open(f)
	f.load()
}

func testNumbersInRow(f *fixture) {
	var mu sync.Mutex
	seen := map[query.Record]bool{}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 20 {
				n := 1 + (i+j)%4
				first, err := f.store.Reserve(f.Context(), goods, n)
				mu.Lock()
				for k := range n {
					r := first + query.Record(k)
					if err != nil || seen[r] || r < 1 {
						f.Errorf("number %d again, or %v", r, err)
					}
					seen[r] = true
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
}

func testOutbox(f *fixture) {
	err := f.update(func(w catalog.Writer) error {
		for _, payload := range []string{`{"n":1}`, `{"n":2}`, `{"n":3}`} {
			if err := w.Enqueue(f.Context(), "employee", json.RawMessage(payload)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	var left []catalog.OutboxRow
	err = f.update(func(w catalog.Writer) error {
		list, err := w.Outbox(f.Context(), []string{"employee"}, 0, 10)
		if err != nil || len(list) != 3 || list[0].Kind != "employee" || string(list[0].Payload) != `{"n":1}` {
			f.Fatalf("the outbox has %v, %v", list, err)
		}
		if others, err := w.Outbox(f.Context(), []string{"letter"}, 0, 10); err != nil || len(others) != 0 {
			f.Errorf("of another kind are %v, %v", others, err)
		}
		for _, there := range []bool{true, false} {
			if done, err := w.Done(f.Context(), list[1].ID); err != nil || done != there {
				f.Errorf("done: %t, %v", done, err)
			}
			// The second one comes with what it read before the first.
			if done, err := w.Replace(f.Context(), list[0], json.RawMessage(`{"n":0}`)); err != nil || done != there {
				f.Errorf("replaced: %t, %v", done, err)
			}
		}
		if left, err = w.Outbox(f.Context(), []string{"employee"}, 0, 10); err != nil {
			return err
		}
		after, err := w.Outbox(f.Context(), []string{"employee"}, list[0].ID, 10)
		if err != nil || len(after) != 1 || string(after[0].Payload) != `{"n":3}` {
			f.Errorf("after the first are %v, %v", after, err)
		}
		after, err = w.Outbox(f.Context(), []string{"employee"}, 0, 1)
		if err != nil || len(after) != 1 || string(after[0].Payload) != `{"n":0}` {
			f.Errorf("one of them is %v, %v", after, err)
		}
		return nil
	})
	if err != nil || len(left) != 2 || string(left[1].Payload) != `{"n":3}` {
		f.Errorf("left are %v, %v", left, err)
	}
}
