package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
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
