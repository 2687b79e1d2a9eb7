package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// same makes the inputs that keep a catalog's fields as they are, in order.
func same(c *catalog.Catalog) []catalog.FieldInput {
	inputs := make([]catalog.FieldInput, len(c.Fields))
	for i, f := range c.Fields {
		inputs[i] = catalog.FieldInput{Path: fmt.Sprintf("fields[%d]", i), Num: f.Num}
	}
	return inputs
}

// at is the place of a field in its card.
func at(c *catalog.Catalog, key string) int {
	return slices.IndexFunc(c.Fields, func(f *catalog.Field) bool { return f.Key == key })
}

func (w *world) rebuild(c *catalog.Catalog, fields []catalog.FieldInput) *catalog.Catalog {
	w.Helper()
	scope, err := w.s.UpdateCatalog(w.Context(), boss, c.Key, catalog.CatalogInput{Fields: fields})
	if err != nil {
		w.Fatal(err)
	}
	return scope.Catalog
}

func keys(c *catalog.Catalog) string {
	list := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		list[i] = f.Key
	}
	return strings.Join(list, " ")
}

func ptr[T any](v T) *T { return &v }

// refusal is the code of an error and those of its details with their paths.
func refusal(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return fmt.Sprint(err)
	}
	text := string(f.Code)
	for _, d := range f.Details {
		text += " " + d.Path + ":" + string(d.Code)
	}
	return text
}

func TestIDsOfARemovedSectionStayTaken(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		section, err := w.s.CreateSection(t.Context(), boss, catalog.SectionInput{Name: ptr("Old")})
		if err != nil {
			t.Fatal(err)
		}
		in := catalog.CatalogInput{Name: ptr("X"), Key: ptr("x"), Section: &section.Key}
		if _, err := w.s.CreateCatalog(t.Context(), boss, in); err != nil {
			t.Fatal(err)
		}
		if err := w.s.DeleteSection(t.Context(), boss, section.Key); err != nil {
			t.Fatal(err)
		}
		in.Section = ptr("3")
		if _, err := w.s.CreateCatalog(t.Context(), boss, in); refusal(err) != "duplicate_id" {
			t.Error(refusal(err))
		}
	})
}

func TestStructureRefuses(t *testing.T) {
	long := strings.Repeat("я", 256)
	object := func(n query.Catalog) *catalog.Config { return &catalog.Config{Sources: []catalog.Source{{Catalog: n}}} }
	many := make([]catalog.FieldInput, 301)
	for i := range many {
		many[i] = field("f"+fmt.Sprint(i), "text", nil)
	}
	create := func(in catalog.CatalogInput) func(w *world) error {
		return func(w *world) error {
			if in.Section == nil {
				in.Section = ptr("3")
			}
			_, err := w.s.CreateCatalog(w.Context(), boss, in)
			return err
		}
	}
	fields := func(list ...catalog.FieldInput) func(w *world) error {
		for i := range list {
			list[i].Path = fmt.Sprintf("fields[%d]", i)
		}
		return create(catalog.CatalogInput{Name: ptr("X"), Fields: list})
	}
	alter := func(change func(w *world, in []catalog.FieldInput) []catalog.FieldInput) func(w *world) error {
		return func(w *world) error {
			_, err := w.s.UpdateCatalog(w.Context(), boss, "orders", catalog.CatalogInput{Fields: change(w, same(w.orders))})
			return err
		}
	}
	tests := []struct {
		name string
		do   func(w *world) error
		want string
	}{
		{"a section without a name", func(w *world) error {
			_, err := w.s.CreateSection(w.Context(), boss, catalog.SectionInput{})
			return err
		}, "validation_failed name:required"},
		{"a long name", create(catalog.CatalogInput{Name: &long}), "validation_failed name:too_long"},
		{"a name of blanks", create(catalog.CatalogInput{Name: ptr("  ")}), "validation_failed name:required"},
		{"a long icon", create(catalog.CatalogInput{Name: ptr("X"), Icon: &long}), "validation_failed icon:too_long"},
		{"no section", func(w *world) error {
			_, err := w.s.CreateCatalog(w.Context(), boss, catalog.CatalogInput{Name: ptr("X")})
			return err
		}, "validation_failed sectionId:required"},
		{"an unknown section", create(catalog.CatalogInput{Name: ptr("X"), Section: ptr("99")}), "not_found"},
		{"a number as id", create(catalog.CatalogInput{Name: ptr("X"), Key: ptr("77")}), "invalid_id"},
		{"a reserved id", create(catalog.CatalogInput{Name: ptr("X"), Key: ptr("$x")}), "invalid_id"},
		{"a taken id", create(catalog.CatalogInput{Name: ptr("X"), Key: ptr("orders")}), "duplicate_id"},
		{"301 fields", create(catalog.CatalogInput{Name: ptr("X"), Fields: many}), "validation_failed fields:too_many"},
		{"an unknown type", fields(field("a", "video", nil)), "validation_failed fields[0].type:type"},
		{"all errors at once", fields(field("a", "video", nil), field("b", "number", &catalog.Config{Min: ptr(2.0), Max: ptr(1.0)})),
			"validation_failed fields[0].type:type fields[1].config.min:min"},
		{"two fields of one id", fields(field("a", "text", nil), field("a", "text", nil)), "validation_failed fields[1].id:duplicate_id"},
		{"a number as field id", fields(field("a", "text", nil), catalog.FieldInput{Key: ptr("7"), Type: "text", Name: ptr("B")}), "invalid_id fields[1].id:invalid_id"},
		{"a long mask", fields(field("a", "text", &catalog.Config{Kind: catalog.KindMask, Mask: strings.Repeat("1", 257)})), "validation_failed fields[0].config.mask:too_long"},
		{"long unknown settings", fields(field("a", "text", &catalog.Config{Extra: []byte(`{"x":"` + strings.Repeat("x", 1<<16) + `"}`)})), "validation_failed fields[0].config:too_long"},
		{"an unknown source", fields(field("a", "object", object(99))), "validation_failed fields[0].config.catalogs[0]:not_found"},
		{"another type", alter(func(_ *world, in []catalog.FieldInput) []catalog.FieldInput {
			in[1].Type = "number"
			return in
		}), "type_change fields[1].type:type_change"},
		{"plain to rich text", alter(func(_ *world, in []catalog.FieldInput) []catalog.FieldInput {
			in[1].Config = &catalog.Config{Kind: catalog.KindEditor}
			return in
		}), "type_change fields[1].config.type:type_change"},
		{"a field twice", alter(func(_ *world, in []catalog.FieldInput) []catalog.FieldInput {
			return append(in, in[1])
		}), "validation_failed fields[1].id:duplicate_id fields[1].id:duplicate_id"},
		{"a system field dropped", func(w *world) error {
			_, err := w.s.UpdateCatalog(w.Context(), boss, "$users", catalog.CatalogInput{Fields: []catalog.FieldInput{}})
			return err
		}, "validation_failed fields:required fields:required fields:required fields:required"},
		{"a system catalog deleted", func(w *world) error { return w.s.DeleteCatalog(w.Context(), boss, "$users") }, "invalid_parameter"},
		{"a system section deleted", func(w *world) error { return w.s.DeleteSection(w.Context(), boss, "$settings") }, "invalid_parameter"},
		{"an old number of a section", func(w *world) error {
			_, err := w.s.Section(w.Context(), boss, "1")
			return err
		}, "not_found"},
		{"cleared under another name", func(w *world) error {
			_, err := w.s.ClearCatalog(w.Context(), boss, "orders", "orders")
			return err
		}, "invalid_parameter"},
		{"employees cleared", func(w *world) error {
			_, err := w.s.ClearCatalog(w.Context(), boss, "$users", "Employees")
			return err
		}, "invalid_parameter"},
		{"catalogs of another section in order", func(w *world) error {
			_, err := w.s.UpdateSection(w.Context(), boss, "3", catalog.SectionInput{CatalogOrder: []string{"$users"}})
			return err
		}, "invalid_parameter"},
		{"an index over links", func(w *world) error { return w.s.AddIndex(w.Context(), boss, "orders", []string{"vendor"}) }, "invalid_parameter"},
		{"an index over nothing", func(w *world) error { return w.s.AddIndex(w.Context(), boss, "orders", []string{"nothing"}) }, "unknown_field"},
		{"nothing to bring back", func(w *world) error { return w.s.Undelete(w.Context(), boss, catalog.FieldKind, "name", "orders") }, "duplicate_id"},
		{"somebody without rights", func(w *world) error {
			_, err := w.s.Sections(w.Context(), catalog.Actor{})
			return err
		}, "forbidden"},
	}
	oneWorld(t, func(t *testing.T, w *world) {
		st, err := w.s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				if got := refusal(test.do(w)); got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
			})
		}
		if now, err := w.s.Structure(t.Context()); err != nil || now.Version != st.Version {
			t.Errorf("refusals changed the structure: %v", err)
		}
	})
}

// One PATCH renames, drops, adds, moves and configures fields; values follow.
func TestFieldsAreReplaced(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Ship"), "note", catalog.Text("soon"), "tags", catalog.Items{1, 3}, "price", catalog.Number(5))
		in := same(w.orders)
		in[at(w.orders, "price")].Key = ptr("cost")
		in[at(w.orders, "tags")].Config = &catalog.Config{Items: []catalog.Item{{Key: "3", Name: "C"}, {Name: "D"}, {Key: "2", Name: "B"}}}
		in = slices.Delete(in, at(w.orders, "note"), at(w.orders, "note")+1)
		in = append([]catalog.FieldInput{field("code", "text", nil)}, in...)
		c := w.rebuild(w.orders, in)

		want := "code head name cost state tags paid due vendor owner files quiet"
		if got := keys(c); got != want {
			t.Errorf("fields %s, want %s", got, want)
		}
		if got := text(w.row(c, r, nil), 0); got != `name="Ship" cost=5 state=["1"] tags=["3"]` {
			t.Errorf("values %s", got)
		}
		if got := c.FieldByKey("tags").Config.Items[1]; got.Key != "4" {
			t.Errorf("a new option has the id %s, want 4", got.Key)
		}
		if got := c.FieldByKey("code").ID; got != 13 {
			t.Errorf("a new field has the number %d, want 13: numbers do not come back", got)
		}
		// The first text field is another one now, so titles are numbers.
		if got := w.row(c, r, nil); got.Catalog.Title().Key != "code" {
			t.Errorf("titles come from %s", got.Catalog.Title().Key)
		}
	})
}

func TestOneOptionBecomesSeveral(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Ship"), "state", catalog.Items{2})
		multi := func(c *catalog.Catalog, several bool) ([]catalog.FieldInput, *catalog.Config) {
			in := same(c)
			config := c.FieldByKey("state").Config
			config.Multi = several
			in[at(c, "state")].Config = &config
			return in, &config
		}
		in, _ := multi(w.orders, true)
		c := w.rebuild(w.orders, in)
		w.orders = c
		w.patch(r, "state", catalog.Items{1, 2})
		in, _ = multi(c, false)
		_, err := w.s.UpdateCatalog(t.Context(), boss, c.Key, catalog.CatalogInput{Fields: in})
		if got := refusal(err); got != "validation_failed fields:too_many" {
			t.Errorf("several options would be lost: %s", got)
		}
		w.patch(r, "state", catalog.Items{1})
		c = w.rebuild(c, in)
		if got := text(w.row(c, r, nil), 0); got != `name="Ship" state=["1"]` {
			t.Errorf("values %s", got)
		}
		q := query.Query{Limit: 5, Where: query.Cond{Field: c.FieldByKey("state").Num, Test: query.AnyOf{1}}}
		rows, err := w.s.Records(t.Context(), boss, c.Num, q, &catalog.Selection{All: true})
		if err != nil || rows.Page.Len() != 1 {
			t.Errorf("found %v, %v", rows, err)
		}
	})
}

// What was removed vanishes and comes back with its values; after 30 days a
// field does not.
func TestRemovedComesBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Ship"), "note", catalog.Text("soon"), "vendor", catalog.Links{link(w.vendors, w.vendor("Acme"))})
		in := same(w.orders)
		without := slices.Delete(slices.Clone(in), at(w.orders, "note"), at(w.orders, "note")+1)
		w.rebuild(w.orders, without)
		w.now = w.now.Add(29 * 24 * time.Hour)
		if err := w.s.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		undelete := func(kind, id, cat string) {
			t.Helper()
			if err := w.s.Undelete(t.Context(), boss, kind, id, cat); err != nil {
				t.Fatalf("bring back the %s %s: %v", kind, id, err)
			}
		}
		undelete(catalog.FieldKind, "note", "orders")
		current := func() *catalog.Catalog {
			t.Helper()
			scope, err := w.s.Catalog(t.Context(), boss, "orders")
			if err != nil {
				t.Fatal(err)
			}
			return scope.Catalog
		}
		if got := text(w.row(current(), r, nil), 0); !strings.Contains(got, `note="soon"`) {
			t.Errorf("values %s", got)
		}
		if err := w.s.DeleteCatalog(t.Context(), boss, "vendors"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Catalog(t.Context(), boss, "vendors"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted catalog answers %v", err)
		}
		if got := text(w.row(current(), r, nil), 0); !strings.Contains(got, `"t":"Acme"`) {
			t.Errorf("a link into a deleted catalog lost its title: %s", got)
		}
		undelete(catalog.CatalogKind, "vendors", "")
		if err := w.s.DeleteSection(t.Context(), boss, "3"); err != nil {
			t.Fatal(err)
		}
		if scopes, err := w.s.Catalogs(t.Context(), boss, catalog.CatalogFilter{Sections: []string{"3"}}); err != nil || len(scopes) != 0 {
			t.Errorf("a deleted section has catalogs: %v, %v", scopes, err)
		}
		undelete(catalog.SectionKind, "3", "")
		c := current()
		w.rebuild(c, slices.DeleteFunc(same(c), func(in catalog.FieldInput) bool { return in.Num == c.FieldByKey("note").Num }))
		w.now = w.now.Add(31 * 24 * time.Hour)
		if err := w.s.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Undelete(t.Context(), boss, catalog.FieldKind, "note", "orders"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a purged field answers %v", err)
		}
	})
}

func TestMenuOrder(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.make("Third")
		order := func() string {
			t.Helper()
			scopes, err := w.s.Catalogs(t.Context(), boss, catalog.CatalogFilter{Sections: []string{"3"}})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, s := range scopes {
				list = append(list, s.Catalog.Key)
			}
			return strings.Join(list, " ")
		}
		if got := order(); got != "vendors orders third" {
			t.Errorf("new catalogs come last: %s", got)
		}
		if _, err := w.s.UpdateSection(t.Context(), boss, "3", catalog.SectionInput{CatalogOrder: []string{"third"}}); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != "third vendors orders" {
			t.Errorf("those not named follow in their order: %s", got)
		}
		made, err := w.s.CreateSection(t.Context(), boss, catalog.SectionInput{Name: ptr("Later"), Key: ptr("later")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.UpdateCatalog(t.Context(), boss, "third", catalog.CatalogInput{Section: ptr("later")}); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != "vendors orders" || made.Num != 4 {
			t.Errorf("a moved catalog stays: %s; section %d", got, made.Num)
		}
		if made.Priority != 2 {
			t.Errorf("a new section has the place %d, want 2: before the system's", made.Priority)
		}
		hidden, err := w.s.Catalogs(t.Context(), boss, catalog.CatalogFilter{Sections: []string{"$settings"}, Hidden: true})
		shown, err2 := w.s.Catalogs(t.Context(), boss, catalog.CatalogFilter{Sections: []string{"$settings"}})
		if err != nil || err2 != nil || len(hidden) != 15 || len(shown) != 7 {
			t.Errorf("%d of %d system catalogs are shown (%v, %v), want 7 of 15", len(shown), len(hidden), err, err2)
		}
	})
}

func TestIndexesAndClear(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Ship"), "price", catalog.Number(5))
		if err := w.s.AddIndex(t.Context(), boss, "orders", []string{"state", "price"}); err != nil {
			t.Fatal(err)
		}
		_, all, err := w.s.Indexes(t.Context(), boss)
		if err != nil || len(all) != 1 || len(all[0].Fields) != 2 {
			t.Errorf("indexes %v, %v", all, err)
		}
		n, err := w.s.ClearCatalog(t.Context(), boss, "orders", "Orders")
		if err != nil || n != 1 {
			t.Errorf("cleared %d, %v", n, err)
		}
		if list := w.history(w.orders, catalog.HistoryAsk{}); len(list) != 0 {
			t.Errorf("a cleared catalog has a history: %v", list)
		}
		if next := w.order("name", catalog.Text("Next")); next <= r {
			t.Errorf("record %d came back as %d", r, next)
		}
	})
}
