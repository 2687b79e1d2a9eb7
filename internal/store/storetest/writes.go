package storetest

import (
	"errors"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var writes = []promise{
	{name: "an inserted record has its values, title and first version", test: testInsert},
	{name: "an update changes the named cells and what hangs on them", test: testUpdate},
	{name: "an emptied field leaves nothing behind", test: testEmptied},
	{name: "a removed record keeps its title, and links to it stay", test: testRemove},
	{name: "a removed record's number is used again", test: testRestore},
	{name: "a write with another version fails with ErrMoved", test: testMoved},
	{name: "a custom id is unique among live records", test: testCodeTaken},
	{name: "a custom id can be changed, cleared and taken over", test: testCodes},
	{name: "an error undoes the whole transaction", test: testRollback},
	{name: "mutations are applied in order", test: testOrder},
	{name: "a write carries its history entry", test: testHistory},
	{name: "a comment's entry has a number", test: testComment},
	{name: "a transaction reads what it has written", test: testReadsOwn},
	{name: "a lost version is found among many writers", test: testLostUpdates},
	{name: "a write of many records is one transaction", test: testMany},
}

func testInsert(f *fixture) {
	m := f.add(makers, "", values{maker: catalog.Text("Acme")})
	v := values{
		name:    catalog.Text("Straße Ärger"),
		price:   catalog.Number(12.5),
		status:  catalog.Items{2},
		tags:    catalog.Items{1, 3},
		made:    links(m),
		contact: catalog.Contacts{{ID: "1", Contact: "+7 900 123-45-67", Comment: "home"}},
		remark:  catalog.Text("one\ntwo"),
		files:   catalog.Files{{ID: 1, Title: "a.png", URL: "https://example.com/a.png", Storage: "url"}},
	}
	r := f.add(goods, "first", v)
	f.want(goods, r, 1, v)
	got := f.record(goods, r)
	if got.code != "first" || got.created != got.updated || got.created == 0 {
		f.Errorf("the record has %+v", got)
	}
	title, ok := f.title(goods, r)
	if want := (catalog.Title{Text: "Straße Ärger", Code: "first"}); !ok || title != want {
		f.Errorf("title %+v, want %+v", title, want)
	}
	for _, s := range []string{"STRASSE", "ärg", "(900) 123", "8 900 123 45 67", "home"} {
		if got := f.searched(s); !slices.Equal(got, []query.Record{r}) {
			f.Errorf("a search for %q finds %v", s, got)
		}
	}
}

func testUpdate(f *fixture) {
	a, b, c := f.add(makers, "", values{maker: catalog.Text("A")}), f.add(makers, "", values{maker: catalog.Text("B")}),
		f.add(makers, "", values{maker: catalog.Text("C")})
	r := f.add(goods, "", values{name: catalog.Text("before"), price: catalog.Number(1), made: links(a, b, c)})
	f.mustWrite(f.change(goods, r, 1, values{name: catalog.Text("after"), made: links(c, a)}))
	f.want(goods, r, 2, values{name: catalog.Text("after"), price: catalog.Number(1), made: links(c, a)})
	if title, _ := f.title(goods, r); title.Text != "after" {
		f.Errorf("the title is %q", title.Text)
	}
	if got := f.searched("before"); got != nil {
		f.Errorf("the old text is still found: %v", got)
	}
	if got := f.searched("after"); !slices.Equal(got, []query.Record{r}) {
		f.Errorf("the new text finds %v", got)
	}
	linking := func(m query.Record) []query.Record {
		return f.matching(query.Cond{Field: made, Test: query.LinksAny{{Catalog: makers, Key: query.Key{Record: m}}}})
	}
	if len(linking(a)) != 1 || len(linking(b)) != 0 || len(linking(c)) != 1 {
		f.Errorf("links %v, %v, %v", linking(a), linking(b), linking(c))
	}
	got := f.record(goods, r)
	if got.updated <= got.created {
		f.Errorf("updated %d after created %d", got.updated, got.created)
	}
}

func testEmptied(f *fixture) {
	m := f.add(makers, "", values{maker: catalog.Text("Acme")})
	r := f.add(goods, "", values{name: catalog.Text("thing"), price: catalog.Number(0), status: catalog.Items{1},
		tags: catalog.Items{2}, made: links(m), remark: catalog.Text("long story")})
	change := f.change(goods, r, 1, values{name: nil, price: nil, status: nil, tags: nil, made: nil, remark: nil})
	change.Title = titleRow("#1")
	change.Times = []catalog.ItemTime{{Field: status, Item: 1}, {Field: tags, Item: 2}}
	f.mustWrite(change)
	f.want(goods, r, 2, values{})
	for _, field := range []query.Field{name, price, status, tags, made, remark} {
		if got := f.matching(query.Cond{Field: field, Test: query.NotEmpty{}}); got != nil {
			f.Errorf("field %d is not empty in %v", field, got)
		}
	}
}

func testRemove(f *fixture) {
	m := f.add(makers, "acme", values{maker: catalog.Text("Acme")})
	r := f.add(goods, "", values{name: catalog.Text("thing"), made: links(m), tags: catalog.Items{1}})
	f.mustWrite(f.removal(makers, m, 1))
	if f.record(makers, m) != nil || f.find(makers, "acme") != 0 {
		f.Error("the record is still there")
	}
	title, ok := f.title(makers, m)
	if want := (catalog.Title{Text: "Acme", Code: "acme", Removed: true}); !ok || title != want {
		f.Errorf("title %+v, want %+v", title, want)
	}
	f.want(goods, r, 1, values{name: catalog.Text("thing"), made: links(m), tags: catalog.Items{1}})
	f.mustWrite(f.removal(goods, r, 1))
	f.read(func(r catalog.Reader) error {
		for code, want := range map[string]query.Record{"acme": m, "other": 0, "": 0} {
			if got, err := r.FindRemoved(f.Context(), f.catalog(makers), code); err != nil || got != want {
				f.Errorf("the removed record %q is %d, want %d: %v", code, got, want, err)
			}
		}
		return nil
	})
	if got := f.searched("thing"); got != nil {
		f.Errorf("a removed record is found: %v", got)
	}
	if again := f.add(makers, "acme", values{maker: catalog.Text("Acme II")}); again == m || f.find(makers, "acme") != again {
		f.Errorf("the custom id is of %d, want %d", f.find(makers, "acme"), again)
	}
}

func testRestore(f *fixture) {
	m := f.add(makers, "acme", values{maker: catalog.Text("Acme")})
	r := f.add(goods, "", values{name: catalog.Text("thing"), made: links(m)})
	for _, title := range []string{"Acme II", "Acme III"} {
		f.mustWrite(f.removal(makers, m, 1))
		again := f.mutation(catalog.RestoreRecord, makers, m, values{maker: catalog.Text(title)})
		f.mustWrite(again)
		f.want(makers, m, 1, values{maker: catalog.Text(title)})
		if got, _ := f.title(makers, m); got != (catalog.Title{Text: title}) {
			f.Errorf("the title is %+v", got)
		}
	}
	f.want(goods, r, 1, values{name: catalog.Text("thing"), made: links(m)})
	first := f.mutation(catalog.RestoreRecord, makers, f.reserve(makers, 1), values{maker: catalog.Text("new")})
	f.mustWrite(first)
	if err := f.write(first); err == nil {
		f.Error("a living record was written over")
	}
}

func testMoved(f *fixture) {
	r := f.add(goods, "", values{name: catalog.Text("one")})
	f.mustWrite(f.change(goods, r, 1, values{name: catalog.Text("two")}))
	gone := f.reserve(goods, 1)
	removed := f.add(goods, "", values{name: catalog.Text("three")})
	f.mustWrite(f.removal(goods, removed, 1))
	for name, m := range map[string]catalog.Mutation{
		"removal of a removed record":  f.removal(goods, removed, 1),
		"update of a removed record":   f.change(goods, removed, 1, values{name: catalog.Text("four")}),
		"update of an old version":     f.change(goods, r, 1, values{price: catalog.Number(5)}),
		"update of a coming version":   f.change(goods, r, 3, values{price: catalog.Number(5)}),
		"update of no record":          f.change(goods, gone, 1, values{price: catalog.Number(5), tags: catalog.Items{1}}),
		"removal of an old version":    f.removal(goods, r, 1),
		"removal of no record":         f.removal(goods, gone, 1),
		"removal in another catalog":   f.removal(makers, r, 2),
		"update of links of no record": f.change(goods, gone, 1, values{made: links(1)}),
	} {
		for _, last := range []bool{false, true} {
			if err := f.writeAs(last, m); !errors.Is(err, catalog.ErrMoved) {
				f.Errorf("%s, the last %v: %v, want ErrMoved", name, last, err)
			}
		}
	}
	f.want(goods, r, 2, values{name: catalog.Text("two")})
}

func testCodeTaken(f *fixture) {
	f.add(goods, "x", values{name: catalog.Text("one")})
	r := f.add(goods, "y", values{name: catalog.Text("two")})
	code := "x"
	for _, last := range []bool{false, true} {
		m := f.change(goods, r, 1, nil)
		m.Code = &code
		if err := f.writeAs(last, m); !errors.Is(err, catalog.ErrCodeTaken) {
			f.Errorf("update, the last %v: %v, want ErrCodeTaken", last, err)
		}
		m = f.mutation(catalog.InsertRecord, goods, f.reserve(goods, 1), values{name: catalog.Text("three")})
		m.Code = &code
		if err := f.writeAs(last, m); !errors.Is(err, catalog.ErrCodeTaken) {
			f.Errorf("insert, the last %v: %v, want ErrCodeTaken", last, err)
		}
	}
	if got := f.record(goods, r); got.code != "y" || got.version != 1 {
		f.Errorf("the record has changed: %+v", got)
	}
	f.add(makers, "x", values{maker: catalog.Text("in another catalog")})
}

func testCodes(f *fixture) {
	a := f.add(goods, "a", values{name: catalog.Text("one")})
	b := f.add(goods, "", values{name: catalog.Text("two")})
	set := func(r query.Record, version int64, code string) {
		m := f.change(goods, r, version, nil)
		m.Code = &code
		f.mustWrite(m)
	}
	set(a, 1, "")
	set(b, 1, "a")
	set(a, 2, "c")
	if f.find(goods, "a") != b || f.find(goods, "c") != a || f.find(goods, "b") != 0 || f.find(goods, "A") != 0 {
		f.Errorf("ids: a is %d, c is %d", f.find(goods, "a"), f.find(goods, "c"))
	}
	if title, _ := f.title(goods, b); title.Code != "a" {
		f.Errorf("the title knows the id %q", title.Code)
	}
}

func testRollback(f *fixture) {
	r := f.add(goods, "", values{name: catalog.Text("stays"), tags: catalog.Items{1}})
	before := len(f.history(0))
	n := f.reserve(goods, 1)
	failure := errors.New("not like this")
	err := f.update(func(w catalog.Writer) error {
		change := f.change(goods, r, 1, values{name: catalog.Text("goes"), tags: catalog.Items{2}})
		change.History = &catalog.HistoryRow{Kind: catalog.Updated}
		if err := w.Write(f.Context(), []catalog.Mutation{
			f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("new")}), change,
		}); err != nil {
			return err
		}
		if _, err := w.Next(f.Context(), catalog.FieldCounter); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		f.Errorf("the update gives %v", err)
	}
	f.want(goods, r, 1, values{name: catalog.Text("stays"), tags: catalog.Items{1}})
	if got := f.searched("new"); got != nil || len(f.history(0)) != before {
		f.Errorf("something of the transaction is there: %v", got)
	}
}

func testOrder(f *fixture) {
	n := f.reserve(goods, 1)
	removal := f.removal(goods, n, 3)
	removal.History = &catalog.HistoryRow{Kind: catalog.Removed}
	f.mustWrite(
		f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("a"), tags: catalog.Items{1}}),
		f.change(goods, n, 1, values{name: catalog.Text("b")}),
		f.change(goods, n, 2, values{name: catalog.Text("c")}),
		removal,
	)
	if title, ok := f.title(goods, n); !ok || title.Text != "c" || !title.Removed {
		f.Errorf("the title is %+v", title)
	}
}

func testHistory(f *fixture) {
	n := f.reserve(goods, 1)
	insert := f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("a")})
	insert.History = &catalog.HistoryRow{Actor: 7, Kind: catalog.Created, Payload: []byte(`{"101":{"n":"a"}}`)}
	f.mustWrite(insert)
	f.mustWrite(f.change(goods, n, 1, values{name: catalog.Text("silent")}))
	removal := f.removal(goods, n, 2)
	removal.History = &catalog.HistoryRow{Kind: catalog.Removed, Payload: []byte(`{}`)}
	f.mustWrite(removal)
	list := f.history(0)
	if len(list) != 2 {
		f.Fatalf("%d entries, want 2", len(list))
	}
	first, last := list[0], list[1]
	if first.Record != n || first.Catalog != goods || first.At != insert.At || first.Actor != 7 ||
		first.Kind != catalog.Created || string(first.Payload) != `{"101":{"n":"a"}}` {
		f.Errorf("the first entry is %+v", first)
	}
	if last.Kind != catalog.Removed || last.Actor != 0 || last.ID <= first.ID {
		f.Errorf("the last entry is %+v", last)
	}
}

func testComment(f *fixture) {
	r := f.add(goods, "", values{name: catalog.Text("a")})
	var id int64
	err := f.update(func(w catalog.Writer) (err error) {
		id, err = w.AddHistory(f.Context(), &catalog.HistoryRow{Catalog: goods, Record: r, At: 5, Actor: 3,
			Kind: catalog.Commented, Payload: []byte(`{"message":"hi"}`)})
		return err
	})
	list := f.history(r)
	if err != nil || len(list) != 1 || list[0].ID != id || id == 0 || list[0].At != 5 {
		f.Errorf("comment %d: %v, %v", id, list, err)
	}
}

func testReadsOwn(f *fixture) {
	n := f.reserve(goods, 1)
	err := f.update(func(w catalog.Writer) error {
		insert := f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("own")})
		code := "own"
		insert.Code = &code
		if err := w.Write(f.Context(), []catalog.Mutation{insert}); err != nil {
			return err
		}
		found, err := w.Find(f.Context(), f.catalog(goods), code)
		if err == nil && found != n {
			f.Errorf("found %d, want %d", found, n)
		}
		return err
	})
	if err != nil {
		f.Error(err)
	}
}

func testLostUpdates(f *fixture) {
	const writers, each = 8, 10
	r := f.add(goods, "", values{name: catalog.Text("counter"), price: catalog.Number(0)})
	done := make(chan error)
	for range writers {
		go func() { done <- f.countUp(r, each) }()
	}
	for range writers {
		if err := <-done; err != nil {
			f.Error(err)
		}
	}
	f.want(goods, r, writers*each+1, values{name: catalog.Text(counted(writers * each)), price: catalog.Number(writers * each)})
}

func counted(n int) string { return "counted up to " + strconv.Itoa(n) }

// countUp adds 1 to a record's price some times, as one of many. Its name
// changes too: the search rows of one writer must not meet those of another.
func (f *fixture) countUp(r query.Record, times int) error {
	column := []*catalog.Field{f.st.Field(price)}
	for done := 0; done < times; {
		err := f.update(func(w catalog.Writer) error {
			p, err := w.Rows(f.Context(), f.catalog(goods), column, []query.Record{r})
			if err != nil {
				return err
			}
			value := catalog.Number(p.Cell(0, 0).Float() + 1)
			title := counted(int(value))
			if done%2 == 0 {
				w.Last()
			}
			return w.Write(f.Context(), []catalog.Mutation{{Kind: catalog.UpdateRecord, Catalog: f.catalog(goods), Record: r,
				Version: p.Version(0), At: 1, Title: titleRow(title),
				Cells: []catalog.StoredValue{catalog.StoredOf(column[0], value), catalog.StoredOf(f.st.Field(name), catalog.Text(title))}}})
		})
		switch {
		case err == nil:
			done++
		case !errors.Is(err, catalog.ErrMoved):
			return err
		}
	}
	return nil
}

func testMany(f *fixture) {
	const many = 1000
	first := f.reserve(goods, many)
	list := make([]catalog.Mutation, many)
	for i := range list {
		list[i] = f.mutation(catalog.InsertRecord, goods, first+query.Record(i),
			values{name: catalog.Text("many"), price: catalog.Number(float64(i)), tags: catalog.Items{1, 2}})
	}
	f.mustWrite(list...)
	f.want(goods, first+many-1, 1, values{name: catalog.Text("many"), price: catalog.Number(many - 1), tags: catalog.Items{1, 2}})
	if got := f.reserve(goods, 1); got != first+many {
		f.Errorf("the next number is %d, want %d", got, first+many)
	}
}
