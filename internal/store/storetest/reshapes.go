package storetest

import (
	"slices"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var reshapes = []promise{
	{name: "a choice of one becomes a choice of several and back", test: testReshape},
	{name: "a changed index goes with the column", test: testReshapeIndexed},
	{name: "dropped options leave the values", test: testDropItems},
	{name: "records with several entries are counted", test: testMultiValued},
	{name: "titles follow another field", test: testRetitle},
	{name: "titles of many records follow another field", test: testRetitleMany},
	{name: "a cleared catalog is empty and goes on", test: testClear},
	{name: "a removed field is purged when its time is over", test: testPurge},
	{name: "a purged field leaves history and trash", test: testPurgeHistory},
}

// configured changes the configuration of a field of goods.
func (f *fixture) configured(num query.Field, change func(c *catalog.Config)) {
	f.Helper()
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		old, fields := f.field(num), slices.Clone(f.catalog(goods).Fields)
		field := *old
		change(&field.Config)
		for i := range fields {
			if fields[i].Num == num {
				fields[i] = &field
			}
		}
		if err := w.SaveFields(f.Context(), f.catalog(goods), fields); err != nil {
			return err
		}
		return w.Reshape(f.Context(), f.catalog(goods), old, &field)
	})
}

func (f *fixture) withOption(field query.Field, options ...int64) []query.Record {
	f.Helper()
	return f.matching(query.Cond{Field: field, Test: query.AnyOf(options)})
}

func testReshape(f *fixture) {
	a := f.add(goods, "", values{name: catalog.Text("a"), status: catalog.Items{2}})
	b := f.add(goods, "", values{name: catalog.Text("b")})
	c := f.add(goods, "", values{name: catalog.Text("c"), status: catalog.Items{3}})
	check := func() {
		f.Helper()
		f.want(goods, a, f.record(goods, a).version, values{name: catalog.Text("a"), status: catalog.Items{2}})
		f.want(goods, b, 1, values{name: catalog.Text("b")})
		if got := f.withOption(status, 2, 3); !slices.Equal(got, []query.Record{a, c}) {
			f.Errorf("options 2 and 3 are in %v, want %d and %d", got, a, c)
		}
		f.clean()
	}
	for range 2 {
		f.configured(status, func(c *catalog.Config) { c.Multi = true })
		check()
		f.configured(status, func(c *catalog.Config) { c.Multi = false })
		check()
	}
	f.configured(status, func(c *catalog.Config) { c.Multi = true })
	change := f.change(goods, a, 1, values{status: catalog.Items{2, 3}})
	change.Times = []catalog.ItemTime{{Field: status, Item: 3, Enter: true}}
	f.mustWrite(change)
	f.want(goods, a, 2, values{name: catalog.Text("a"), status: catalog.Items{2, 3}})
}

func testReshapeIndexed(f *fixture) {
	f.index(status, price)
	f.index(price)
	f.add(goods, "", values{name: catalog.Text("a"), status: catalog.Items{1}})
	f.configured(status, func(c *catalog.Config) { c.Multi = true })
	f.read(func(r catalog.Reader) error {
		list, err := r.Indexes(f.Context())
		if len(list) != 1 || !slices.Equal(list[0].Fields, []query.Field{price}) {
			f.Errorf("the indexes are %v", list)
		}
		return err
	})
}

func testDropItems(f *fixture) {
	add := func(one catalog.Items, several catalog.Items) query.Record {
		v := values{name: catalog.Text("x")}
		if one != nil {
			v[status] = one
		}
		if several != nil {
			v[tags] = several
		}
		return f.add(goods, "", v)
	}
	a := add(catalog.Items{1}, catalog.Items{1, 2, 3})
	b := add(catalog.Items{2}, catalog.Items{2})
	c := add(nil, catalog.Items{1, 3})
	d := add(catalog.Items{3}, nil)
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		fields := slices.Clone(f.catalog(goods).Fields)
		for i, field := range fields {
			if field.Num == status || field.Num == tags {
				changed := *field
				changed.Config.Items = changed.Config.Items[2:]
				fields[i] = &changed
			}
		}
		if err := w.SaveFields(f.Context(), f.catalog(goods), fields); err != nil {
			return err
		}
		for _, n := range []query.Field{status, tags} {
			if err := w.DropItems(f.Context(), f.catalog(goods), f.field(n), []query.Item{1, 2}); err != nil {
				return err
			}
		}
		return nil
	})
	f.want(goods, a, 1, values{name: catalog.Text("x"), tags: catalog.Items{3}})
	f.want(goods, b, 1, values{name: catalog.Text("x")})
	f.want(goods, c, 1, values{name: catalog.Text("x"), tags: catalog.Items{3}})
	f.want(goods, d, 1, values{name: catalog.Text("x"), status: catalog.Items{3}})
	if got := f.withOption(tags, 3); !slices.Equal(got, []query.Record{a, c}) {
		f.Errorf("option 3 is in %v", got)
	}
}

func testMultiValued(f *fixture) {
	f.add(goods, "", values{tags: catalog.Items{1}})
	f.add(goods, "", values{tags: catalog.Items{1, 2}})
	f.add(goods, "", values{tags: catalog.Items{1, 2, 3}})
	f.add(goods, "", values{})
	f.read(func(r catalog.Reader) error {
		n, err := r.MultiValued(f.Context(), f.catalog(goods), f.field(tags))
		if n != 2 {
			f.Errorf("%d records have several, want 2", n)
		}
		return err
	})
}

// retitle puts remark before all other fields.
func (f *fixture) retitle() {
	f.Helper()
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		fields := []*catalog.Field{f.field(remark)}
		for _, field := range f.catalog(goods).Fields {
			if field.Num != remark {
				fields = append(fields, field)
			}
		}
		if err := w.SaveFields(f.Context(), f.catalog(goods), fields); err != nil {
			return err
		}
		return w.Retitle(f.Context(), f.catalog(goods), f.field(remark))
	})
}

func testRetitle(f *fixture) {
	a := f.add(goods, "", values{name: catalog.Text("a"), remark: catalog.Text("first\nline")})
	b := f.add(goods, "code", values{name: catalog.Text("b"), remark: catalog.Text("  ")})
	c := f.add(goods, "", values{name: catalog.Text("c")})
	gone := f.add(goods, "", values{name: catalog.Text("gone"), remark: catalog.Text("away")})
	f.mustWrite(f.removal(goods, gone, 1))
	f.retitle()
	for r, want := range map[query.Record]string{a: "first line", b: "#code", c: "#3", gone: "gone"} {
		if got, _ := f.title(goods, r); got.Text != want {
			f.Errorf("record %d is called %q, want %q", r, got.Text, want)
		}
	}
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		var fields []*catalog.Field
		for _, field := range f.catalog(goods).Fields {
			if field.Type.Name() == "text" {
				removed := *field
				removed.Removed = time.UnixMilli(1)
				field = &removed
			}
			fields = append(fields, field)
		}
		if err := w.SaveFields(f.Context(), f.catalog(goods), fields); err != nil {
			return err
		}
		return w.Retitle(f.Context(), f.catalog(goods), nil)
	})
	if got, _ := f.title(goods, a); got.Text != "#1" {
		f.Errorf("without a title field the record is called %q", got.Text)
	}
}

func testRetitleMany(f *fixture) {
	const many = 2300
	first := f.reserve(goods, many)
	list := make([]catalog.Mutation, many)
	for i := range list {
		list[i] = f.mutation(catalog.InsertRecord, goods, first+query.Record(i), values{name: catalog.Text("a"), remark: catalog.Text("b")})
	}
	f.mustWrite(list...)
	f.retitle()
	for _, r := range []query.Record{first, first + 999, first + 1000, first + many - 1} {
		if got, _ := f.title(goods, r); got.Text != "b" {
			f.Errorf("record %d is called %q", r, got.Text)
		}
	}
}

func testClear(f *fixture) {
	m := f.add(makers, "", values{maker: catalog.Text("Acme")})
	n := f.reserve(goods, 1)
	insert := f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("a"), made: links(m), tags: catalog.Items{1}})
	insert.History = &catalog.HistoryRow{Kind: catalog.Created, Payload: []byte(`{}`)}
	f.mustWrite(insert)
	f.add(goods, "b", values{name: catalog.Text("b")})
	var cleared int64
	f.reshape(f.st.Version, func(w catalog.Writer) (err error) {
		cleared, err = w.Clear(f.Context(), f.catalog(goods), 1, catalog.ChangeRow{Origin: "cli"})
		return err
	})
	if cleared != 2 || f.matching(nil) != nil || f.history(0) != nil || f.searched("a") != nil {
		f.Errorf("cleared %d, left %v, %v", cleared, f.matching(nil), f.history(0))
	}
	if title, ok := f.title(goods, n); !ok || !title.Removed {
		f.Errorf("the title of a cleared record is %+v", title)
	}
	r := f.add(goods, "b", values{name: catalog.Text("again"), made: links(m)})
	if r != n+2 || !slices.Equal(f.searched("again"), []query.Record{r}) {
		f.Errorf("the next record is %d, found %v", r, f.searched("again"))
	}
}

// drop marks fields of goods as removed.
func (f *fixture) drop(at time.Time, numbers ...query.Field) {
	f.Helper()
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		var fields []*catalog.Field
		for _, field := range f.catalog(goods).Fields {
			if slices.Contains(numbers, field.Num) {
				removed := *field
				removed.Removed = at
				field = &removed
			}
			fields = append(fields, field)
		}
		return w.SaveFields(f.Context(), f.catalog(goods), fields)
	})
}

func (f *fixture) purgeable(before int64) (list []*catalog.Field) {
	f.Helper()
	f.read(func(r catalog.Reader) (err error) {
		list, err = r.Purgeable(f.Context(), before)
		return err
	})
	return list
}

func testPurge(f *fixture) {
	m := f.add(makers, "", values{maker: catalog.Text("Acme")})
	all := values{name: catalog.Text("a"), price: catalog.Number(1), status: catalog.Items{1}, tags: catalog.Items{1, 2},
		made: links(m), remark: catalog.Text("long")}
	r := f.add(goods, "", all)
	f.index(price, status)
	f.drop(time.UnixMilli(1000), status, tags, made, remark)
	if got := f.purgeable(1000); got != nil {
		f.Errorf("purgeable too early: %v", got)
	}
	due := f.purgeable(1001)
	if len(due) != 4 {
		f.Fatalf("%d fields are purgeable, want 4", len(due))
	}
	f.mustWrite(f.change(goods, r, 1, values{price: catalog.Number(2)}))
	for _, field := range due {
		f.reshape(f.st.Version, func(w catalog.Writer) error { return w.Purge(f.Context(), f.catalog(goods), field) })
	}
	if got := f.purgeable(5000); got != nil {
		f.Errorf("still purgeable: %v", got)
	}
	f.want(goods, r, 2, values{name: catalog.Text("a"), price: catalog.Number(2)})
	f.add(goods, "", values{name: catalog.Text("b"), price: catalog.Number(2)})
}

func testPurgeHistory(f *fixture) {
	n := f.reserve(goods, 1)
	insert := f.mutation(catalog.InsertRecord, goods, n, values{name: catalog.Text("a")})
	insert.History = &catalog.HistoryRow{Kind: catalog.Created, Payload: []byte(`{"101":{"n":"<a>"},"107":{"n":"\"101\":"}}`)}
	f.mustWrite(insert)
	const comment = `{"message": "\"107\":"}`
	err := f.update(func(w catalog.Writer) error {
		_, err := w.AddHistory(f.Context(), &catalog.HistoryRow{Catalog: goods, Record: n, Kind: catalog.Commented,
			Payload: []byte(comment)})
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.drop(time.UnixMilli(1000), remark)
	f.reshape(f.st.Version, func(w catalog.Writer) error {
		return w.Purge(f.Context(), f.catalog(goods), f.purgeable(2000)[0])
	})
	list := f.history(n)
	if len(list) != 2 || string(list[0].Payload) != `{"101":{"n":"<a>"}}` || string(list[1].Payload) != comment {
		f.Errorf("the history has %v", list)
	}
}
