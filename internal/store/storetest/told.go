package storetest

import (
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// testTold: changes of the catalogs that are asked for come with their values, those
// of rights are changes of catalog 0, and what has no number yet comes last.
func testTold(f *fixture) {
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	from := int64(0)
	f.read(func(r catalog.Reader) (err error) {
		from, err = r.LastChange(f.Context())
		return err
	})
	told := func(after int64, of ...query.Catalog) (list []string) {
		f.Helper()
		seq := after
		f.read(func(r catalog.Reader) error {
			list, seq = nil, after
			return r.Told(f.Context(), after, 100, of, func(c *catalog.ToldChange) error {
				if seq++; c.Seq != 0 && c.Seq != seq {
					f.Errorf("change %d follows %d", c.Seq, seq-1)
				}
				values := "-"
				if c.Values != nil {
					values = "values"
				}
				list = append(list, fmt.Sprintf("%d/%d %d %s", c.Catalog, c.Record, c.Kind, values))
				return nil
			})
		})
		return list
	}
	write := func(m catalog.Mutation) {
		f.Helper()
		m.Change.Values = []byte(`{"101":[null,"a"]}`)
		f.mustWrite(m)
	}
	r := f.reserve(goods, 1)
	write(f.mutation(catalog.InsertRecord, goods, r, values{name: catalog.Text("a")}))
	write(f.change(goods, r, 1, values{name: catalog.Text("b")}))
	write(f.removal(goods, r, 2))
	m := f.reserve(makers, 1)
	write(f.mutation(catalog.InsertRecord, makers, m, values{maker: catalog.Text("a")}))
	f.changeRights(func(catalog.Writer) error { return nil })
	want := []string{
		fmt.Sprintf("%d/%d %d values", goods, r, catalog.InsertRecord), fmt.Sprintf("%d/%d %d values", goods, r, catalog.UpdateRecord),
		fmt.Sprintf("%d/%d %d values", goods, r, catalog.RemoveRecord), fmt.Sprintf("%d/%d %d -", makers, m, catalog.InsertRecord),
		fmt.Sprintf("0/0 %d -", catalog.InsertRecord),
	}
	if got := told(from, goods); !slices.Equal(got, want) { // on PostgreSQL without numbers
		f.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	if got := told(from, goods); !slices.Equal(got, want) {
		f.Errorf("told in order\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := told(from+4, goods, makers); !slices.Equal(got, want[4:]) {
		f.Errorf("told after %d: %v", from+4, got)
	}
}

// testChanges: updates come with their values if the catalog is asked for and they are
// short, be they in order yet or not.
func testChanges(f *fixture) {
	if err := f.store.Sequence(f.Context()); err != nil {
		f.Fatal(err)
	}
	from := int64(0)
	f.read(func(r catalog.Reader) (err error) {
		from, err = r.LastChange(f.Context())
		return err
	})
	r := f.reserve(goods, 1)
	long := `{"101":["` + strings.Repeat("a", 2048) + `","b"]}`
	for i, data := range []string{`{"101":[null,"a"]}`, `{"101":["a","b"]}`, long} {
		m := f.mutation(catalog.InsertRecord, goods, r, values{name: catalog.Text("a")})
		if i > 0 {
			m = f.change(goods, r, int64(i), values{name: catalog.Text("b")})
		}
		m.Change.Values = []byte(data)
		f.mustWrite(m)
	}
	f.mustWrite(f.removal(goods, r, 3))
	changes := func(of ...query.Catalog) (list []string) {
		f.Helper()
		f.read(func(r catalog.Reader) error {
			list = nil
			return r.Changes(f.Context(), from, 100, of, func(c catalog.LoggedChange) error {
				list = append(list, fmt.Sprintf("%d/%d %s", c.Catalog, c.Record, c.Updated))
				return nil
			})
		})
		return list
	}
	for range 2 { // the first time, on PostgreSQL, without numbers
		none := fmt.Sprintf("%d/%d ", goods, r)
		if got, want := changes(makers), []string{none, none, none, none}; !slices.Equal(got, want) {
			f.Errorf("changes without values\n%q\nwant\n%q", got, want)
		}
		if got, want := changes(makers, goods), []string{none, none + `{"101":["a","b"]}`, none, none}; !slices.Equal(got, want) {
			f.Errorf("changes\n%q\nwant\n%q", got, want)
		}
		if err := f.store.Sequence(f.Context()); err != nil {
			f.Fatal(err)
		}
	}
}
