package catalog_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// mirror shows the records of a mirror beyond those of the system as
// "number:id title", in order.
func (w *world) mirror(key string) string {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	rows, err := w.s.Records(w.Context(), boss, st.CatalogByKey(key).Num, query.Query{Limit: 1000}, nil)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for i := range rows.Page.Len() {
		if code := string(rows.Page.Code(i)); !strings.HasPrefix(code, "$") {
			list = append(list, fmt.Sprintf("%d:%s %s", rows.Page.Record(i), code, title(rows, i)))
		}
	}
	return strings.Join(list, ", ")
}

func TestMirrorsFollowTheStructure(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		expect := func(when, catalogs, sections string) {
			t.Helper()
			if got := w.mirror("$catalogs"); got != catalogs {
				t.Errorf("%s: catalogs %s", when, got)
			}
			if got := w.mirror("$sections"); got != sections {
				t.Errorf("%s: sections %s", when, got)
			}
		}
		expect("at first", "25:vendors Vendors, 26:orders Orders", "3: Work")
		_, err := w.s.CreateSection(t.Context(), boss, catalog.SectionInput{Name: ptr("More")})
		must(err)
		_, err = w.s.UpdateCatalog(t.Context(), boss, "orders", catalog.CatalogInput{Key: ptr("deals"), Name: ptr("Deals"), Section: ptr("4")})
		must(err)
		expect("after changes", "25:vendors Vendors, 26:deals Deals", "3: Work, 4: More")
		must(w.s.DeleteSection(t.Context(), boss, "4"))
		expect("without a section", "25:vendors Vendors", "3: Work")
		must(w.s.Undelete(t.Context(), boss, catalog.SectionKind, "4", ""))
		expect("after the section's return", "25:vendors Vendors, 26:deals Deals", "3: Work, 4: More")
		must(w.s.DeleteCatalog(t.Context(), boss, "deals"))
		_, err = w.s.UpdateCatalog(t.Context(), boss, "vendors", catalog.CatalogInput{Key: ptr("deals")})
		must(err)
		expect("under a freed id", "25:deals Vendors", "3: Work, 4: More")
	})
}

func TestScenariosTakeDiagrams(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		st, err := w.s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := string(st.CatalogByKey("$scripts").FieldByKey("$file").Config.Extra); got != `{"mimeType":"application/bpmn+xml"}` {
			t.Error(got)
		}
	})
}

func TestMirrorsCanBeLinkedAndNotWritten(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		st, err := w.s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		hooks, mirror := st.CatalogByKey("$webhooks"), st.CatalogByKey("$catalogs")
		hook := func(key query.Key) []catalog.FieldValue {
			return values(hooks, "$url", catalog.Text("https://example.com"), "$events", catalog.Items{1},
				"$catalog", catalog.Links{{Link: query.Link{Catalog: mirror.Num, Key: key}}})
		}
		for name, key := range map[string]query.Key{"by number": {Record: 26}, "by id": {Code: "orders"}, "of the system": {Code: "$users"}} {
			out := w.apply(catalog.Create{Catalog: hooks.Num, Values: hook(key)})[0]
			if got := text(out.Row, 0); !strings.Contains(got, `$catalog=[{"c":1,`) {
				t.Errorf("%s: %s", name, got)
			}
		}
		w.fails(fault.ValidationFailed, catalog.Create{Catalog: hooks.Num, Values: hook(query.Key{Record: 99})})
		w.fails(fault.MethodNotAllowed, catalog.Delete{Catalog: mirror.Num, Record: query.Key{Record: 26}})
	})
}

// linked is a linked record in a history's form, its title caught.
var linked = regexp.MustCompile(`\{"c":[^{}]*"t":"([^"]*)"\}`)

// shows lists the records of a mirror with their values, in the order of their
// numbers.
func (w *world) shows(key string) []string {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	rows, err := w.s.Records(w.Context(), boss, st.CatalogByKey(key).Num, query.Query{Limit: 1000}, nil)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for i := range rows.Page.Len() {
		list = append(list, title(rows, i)+": "+linked.ReplaceAllString(text(rows, i), `"$1"`))
	}
	return list
}

func TestMirrorsShowRulesAndViews(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		bo := w.employed("Bo")
		n := w.order("name", catalog.Text("a"))
		view := w.legal(w.orders, "dear", "price", `{"at":50}`)
		w.rules(of(w.orders), only(1, "admin"), everybody("search"), only(bo.Employee, "edit", "price=view", "note=hide"))
		w.rules(view, only(bo.Employee, "deny"))
		w.rules(catalog.ObjectKey{Catalog: w.orders.Key, Record: query.Key{Record: n}}, only(bo.Employee, "view"))
		expect := func(when, key string, want ...string) {
			t.Helper()
			got := slices.DeleteFunc(w.shows(key), func(s string) bool { return strings.Contains(s, "admin:") || strings.Contains(s, ": admin") })
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s: %s has\n%s\nnot\n%s", when, key, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		expect("at first", "$views", `dear: $name="dear" $catalog=["Orders"] $code="dear" $filters="[{\"fieldId\":\"price\",\"value\":{\"at\":50}}]"`)
		expect("at first", "$rightFields",
			`Note: hide: $name="Note: hide" $right=["Orders: edit"] $field="note" $privilege=["$hide"]`,
			`Price: view: $name="Price: view" $right=["Orders: edit"] $field="price" $privilege=["$view"]`)
		search, deny := `Orders: search: $name="Orders: search" $object=["Orders"] $subjectAttr="allUsers" $privileges=["$available","$search"]`,
			`Orders, dear: deny: $name="Orders, dear: deny" $object=["dear"] $subjectAttr="id" $subject=["Bo"] $privileges=["$deny"]`
		record := `Orders #1: view: $name="Orders #1: view" $object=["a"] $subjectAttr="id" $subject=["Bo"] $privileges=["$available","$search","$view"]`
		expect("at first", "$rights", search,
			`Orders: edit: $name="Orders: edit" $object=["Orders"] $subjectAttr="id" $subject=["Bo"] $privileges=["$available","$search","$view","$edit"] $fieldsPrivileges=["Note: hide","Price: view"]`,
			deny, record)
		w.rules(of(w.orders), only(1, "admin"), everybody("search"), only(bo.Employee, "edit", "price=edit"))
		expect("after a change", "$rightFields", `Price: edit: $name="Price: edit" $right=["Orders: edit"] $field="price" $privilege=["$edit"]`)
		if err := w.s.DeleteView(t.Context(), boss, w.orders.Key, "dear"); err != nil {
			t.Fatal(err)
		}
		expect("without the view", "$views")
		w.rules(of(w.orders), only(1, "admin"), everybody("search"))
		expect("without its rules", "$rightFields")
		expect("without its rules", "$rights", search, record)
		if err := w.s.DeleteCatalog(t.Context(), boss, w.orders.Key); err != nil {
			t.Fatal(err)
		}
		expect("without the catalog", "$rights")
		if err := w.s.Undelete(t.Context(), boss, catalog.CatalogKind, w.orders.Key, ""); err != nil {
			t.Fatal(err)
		}
		expect("with it again", "$rights", search, record)
	})
}

// A role group is shown by the attribute and the record that make it; groups of
// a field that is gone under a name that no field has.
func TestMirrorShowsGroups(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		acme := w.vendor("Acme")
		w.usersField(field("branch", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}}}))
		w.rules(of(w.orders), group("branch", w.vendors, acme, "view"))
		shown := func() string {
			list := w.shows("$rights")
			return list[len(list)-1] // the newest
		}
		if got := shown(); !strings.Contains(got, `$subjectAttr="branch" $subject=["Acme"]`) {
			t.Error(got)
		}
		w.usersField()
		if got := shown(); !strings.Contains(got, `$subjectAttr="$removed`) {
			t.Error(got)
		}
	})
}

// A company that was made when mirrors had less gets the rest on opening.
func TestMirrorsOfAnOlderCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		restore := catalog.OlderSystem()
		older := openWorld(t, target)
		restore()
		older.rules(of(older.orders), only(1, "admin", "price=view"))
		w := openWorld(t, target)
		if got := w.shows("$rightFields"); len(got) != 1 || !strings.Contains(got[0], `$right=["Orders: admin"] $field="price"`) {
			t.Errorf("rights on fields: %v", got)
		}
		if got := w.shows("$rights"); len(got) != 4 || !strings.Contains(got[3], `$object=["Orders"] $subjectAttr="id" $subject=["Ada"]`) {
			t.Errorf("rules: %v", got)
		}
		if got := openWorld(t, target).shows("$rights"); len(got) != 4 {
			t.Errorf("opened again: %v", got)
		}
	})
}

// So do its other system catalogs; a number that an own field has stays with it.
func TestFieldsOfAnOlderCompany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		restore := catalog.OlderSystem()
		older := openWorld(t, target)
		restore()
		older.ownFields("$webhooks", catalog.FieldInput{Type: "text", Name: ptr("Note")})
		w := openWorld(t, target)
		numbers := func(c *catalog.Catalog) string {
			var list []string
			for _, f := range c.Fields {
				if f.ID > 7 {
					list = append(list, fmt.Sprintf("%d:%s", f.ID, f.Key))
				}
			}
			return strings.Join(list, " ")
		}
		want := "8:$sequenceId 9:9 10:$retry 11:$signing 12:$state"
		if got := numbers(w.system("$webhooks")); got != want {
			t.Error(got)
		}
		if got := numbers(openWorld(t, target).system("$webhooks")); got != want {
			t.Errorf("opened again: %s", got)
		}
		c := w.system("$webhooks")
		n := w.apply(catalog.Create{Catalog: c.Num, Values: values(c, "$catalog", catalog.Links{link(w.system("$catalogs"), 25)},
			"$events", catalog.Items{1}, "$url", catalog.Text("https://a.example"), "$signing", catalog.Text("s3cret"), "9", catalog.Text("mine"))})[0].Record
		if got := text(w.row(c, n, nil), 0); !strings.Contains(got, `9="mine" $retry=["$once"]`) {
			t.Error(got)
		}
	})
}

func (w *world) system(key string) *catalog.Catalog {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return st.CatalogByKey(key)
}
