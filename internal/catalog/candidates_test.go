package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// candidates shows records for a link field: titles, with the values of those
// that have any.
func (w *world) candidates(a catalog.Actor, c *catalog.Catalog, key string, ask catalog.CandidatesAsk) string {
	w.Helper()
	return w.shown(w.s.Candidates(w.Context(), a, c.Num, w.fieldOf(c, key), paged(ask)))
}

func (w *world) filterCandidates(a catalog.Actor, c *catalog.Catalog, key string, ask catalog.CandidatesAsk) string {
	w.Helper()
	return w.shown(w.s.FilterCandidates(w.Context(), a, c.Num, w.fieldOf(c, key), paged(ask)))
}

func paged(ask catalog.CandidatesAsk) catalog.CandidatesAsk {
	if ask.Limit == 0 {
		ask.Limit = 100
	}
	return ask
}

func (w *world) fieldOf(c *catalog.Catalog, key string) query.Field {
	if f := c.FieldByKey(key); f != nil {
		return f.Num
	}
	return 999
}

func (w *world) shown(page *catalog.Candidates, err error) string {
	w.Helper()
	if err != nil {
		return string(fault.CodeOf(err))
	}
	var list []string
	for _, ref := range page.Refs {
		one := page.Titles[ref].Text
		if rows := page.Rows[ref.Catalog()]; rows != nil && rows.At(ref.Record()) >= 0 {
			one += "{" + text(rows, rows.At(ref.Record())) + "}"
		}
		list = append(list, one)
	}
	return strings.Join(list, " ")
}

func TestCandidates(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy := w.employed("Bo"), w.employed("Cy")
		w.rules(of(w.orders), only(bo.Employee, "edit"), only(cy.Employee, "edit"))
		w.rules(of(w.vendors), only(cy.Employee, "view", "mail=hide"))
		acme := w.vendor("Acme Ltd")
		w.vendor("Zeta")
		w.vendor("beta acme")
		w.vendor("")
		where := func(part string) map[query.Catalog]query.Query {
			return map[query.Catalog]query.Query{w.vendors.Num: {Where: query.Cond{Field: w.vendors.FieldByKey("title").Num, Test: query.Substring{Fold: part}}}}
		}
		tests := []struct {
			name string
			who  catalog.Actor
			key  string
			ask  catalog.CandidatesAsk
			want string
		}{
			{"all by title, with values", boss, "vendor", catalog.CandidatesAsk{}, `#4{} Acme Ltd{title="Acme Ltd"} beta acme{title="beta acme"} Zeta{title="Zeta"}`},
			{"part of the title", boss, "vendor", catalog.CandidatesAsk{Title: "ACME"}, `Acme Ltd{title="Acme Ltd"} beta acme{title="beta acme"}`},
			{"a page", boss, "vendor", catalog.CandidatesAsk{Limit: 1, Offset: 2}, `beta acme{title="beta acme"}`},
			{"a number for a title", boss, "vendor", catalog.CandidatesAsk{Title: "#4"}, `#4{}`},
			{"another catalog", boss, "vendor", catalog.CandidatesAsk{Catalog: "orders"}, ``},
			{"that catalog", boss, "vendor", catalog.CandidatesAsk{Catalog: "vendors", Title: "zeta"}, `Zeta{title="Zeta"}`},
			{"without a right on the source: titles", bo, "vendor", catalog.CandidatesAsk{Title: "zeta"}, `Zeta`},
			{"a condition needs the right", bo, "vendor", catalog.CandidatesAsk{Sources: where("zeta")}, ``},
			{"a condition", cy, "vendor", catalog.CandidatesAsk{Sources: where("zeta")}, `Zeta{title="Zeta"}`},
			{"employees", bo, "owner", catalog.CandidatesAsk{Title: "b"}, `Bo`},
			{"no link field", boss, "name", catalog.CandidatesAsk{}, "invalid_parameter"},
			{"no field", boss, "none", catalog.CandidatesAsk{}, "not_found"},
			{"too many", boss, "vendor", catalog.CandidatesAsk{Limit: 10_001}, "limit_too_large"},
			{"no such view", boss, "vendor", catalog.CandidatesAsk{Sources: map[query.Catalog]query.Query{w.vendors.Num: {View: "x"}}}, "not_found"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := w.candidates(tt.who, w.orders, tt.key, tt.ask); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		}
		w.rules(of(w.vendors), only(cy.Employee, "view", "title=hide"), only(bo.Employee, "search", "title=hide"))
		for _, who := range []catalog.Actor{bo, cy} {
			got := []string{w.candidates(who, w.orders, "vendor", catalog.CandidatesAsk{}), w.candidates(who, w.orders, "vendor", catalog.CandidatesAsk{Title: "acme"})}
			if want := []string{"#1 #2 #3 #4", ""}; fmt.Sprint(strings.ReplaceAll(got[0], "{}", ""), got[1]) != fmt.Sprint(want[0], want[1]) {
				t.Errorf("hidden titles: %q", got)
			}
		}
		w.rules(catalog.ObjectKey{Catalog: "vendors", Record: query.Key{Record: acme}}, only(cy.Employee, "view", "title=view"))
		if got := w.candidates(cy, w.orders, "vendor", catalog.CandidatesAsk{Title: "acme"}); got != `Acme Ltd{title="Acme Ltd"}` {
			t.Errorf("one shown title: %s", got)
		}
		w.rules(of(w.orders), only(bo.Employee, "edit", "vendor=hide"))
		if got := w.candidates(bo, w.orders, "vendor", catalog.CandidatesAsk{}); got != "field_hidden" {
			t.Errorf("a hidden field: %s", got)
		}
	})
}

// Sources of several catalogs and views come in one order, page by page.
func TestCandidatesOfSeveralSources(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		places := w.make("Places", field("name", "text", nil), field("boss", "user", nil), field("open", "switch", nil))
		w.legal(places, "open", "open", "true")
		w.legal(places, "bosses", "boss", `["CURRENT_USER"]`)
		view := func(key string) query.View {
			st, err := w.s.Current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return st.ViewByKey(places.Num, key).Num
		}
		sources := []catalog.Source{{Catalog: w.vendors.Num}, {Catalog: places.Num, View: view("open")}, {Catalog: places.Num, View: view("bosses")}}
		jobs := w.make("Jobs", field("what", "text", nil), field("where", "object", &catalog.Config{Multi: true, Sources: sources}),
			field("known", "object", &catalog.Config{Multi: true, AccessOnly: true, Sources: sources}),
			field("typed", "object", &catalog.Config{DisableSelect: true, Sources: sources}))
		w.rules(of(jobs), only(bo.Employee, "edit"))
		for i, name := range []string{"d", "a", "c", "b"} {
			w.vendor(name + "v")
			w.apply(catalog.Create{Catalog: places.Num, Values: values(places, "name", catalog.Text(name+"p"), "open", catalog.Bool(i%2 == 0), "boss", catalog.Links{link(w.users(), bo.Employee)}[:i/3])})
		}
		if got := w.candidates(boss, jobs, "where", catalog.CandidatesAsk{}); got != "av bv cp cv dp dv" {
			t.Errorf("the administrator has %s", got)
		}
		if got := w.candidates(bo, jobs, "where", catalog.CandidatesAsk{}); got != "av bp bv cp cv dp dv" {
			t.Errorf("he has %s", got)
		}
		for offset := range 8 {
			want := []string{"av bp bv", "bp bv cp", "bv cp cv", "cp cv dp", "cv dp dv", "dp dv", "dv", ""}[offset]
			if got := w.candidates(bo, jobs, "where", catalog.CandidatesAsk{Limit: 3, Offset: offset}); got != want {
				t.Errorf("from %d: %s", offset, got)
			}
		}
		if got := w.candidates(bo, jobs, "known", catalog.CandidatesAsk{}); got != "" {
			t.Errorf("what he may view: %s", got)
		}
		w.rules(of(places), only(bo.Employee, "view"))
		if got := w.candidates(bo, jobs, "known", catalog.CandidatesAsk{}); got != "bp cp dp" {
			t.Errorf("what he may view then: %s", got)
		}
		if got := w.candidates(bo, jobs, "typed", catalog.CandidatesAsk{}); got != "" {
			t.Errorf("nothing is to be selected: %s", got)
		}
		// A link is to what the sources offer.
		links := func(a catalog.Actor, n query.Record) fault.Code {
			op := catalog.Create{Catalog: jobs.Num, Values: values(jobs, "where", catalog.Links{link(places, n)})}
			_, err := w.s.Apply(t.Context(), a, []catalog.Op{op}, nil)
			return fault.CodeOf(err)
		}
		w.rules(of(jobs), only(bo.Employee, "create"))
		if a, b, c := links(boss, 1), links(boss, 4), links(bo, 4); a != "" || b != fault.ValidationFailed || c != "" {
			t.Errorf("links: %q %q %q", a, b, c)
		}
		if err := w.s.DeleteView(t.Context(), boss, places.Key, "open"); err != nil {
			t.Fatal(err)
		}
		if got := w.candidates(bo, jobs, "where", catalog.CandidatesAsk{Title: "p"}); got != "bp" {
			t.Errorf("without the view: %s", got)
		}
	})
}

// Whoever sets up a link field shows titles of its source, so he must see it.
func TestSourcesMustBeSeen(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		own := w.make("Own", field("name", "text", nil))
		w.rules(of(own), only(bo.Employee, "admin"))
		w.legal(w.vendors, "all")
		st, err := w.s.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		view := st.ViewByKey(w.vendors.Num, "all").Num
		adds := func(s catalog.Source) fault.Code {
			in := catalog.CatalogInput{Fields: []catalog.FieldInput{{Num: own.Fields[0].Num}, field("to", "object", &catalog.Config{Sources: []catalog.Source{s}})}}
			_, err := w.s.UpdateCatalog(t.Context(), bo, own.Key, in)
			return fault.CodeOf(err)
		}
		for name, c := range map[string]struct {
			source catalog.Source
			code   fault.Code
		}{
			"a catalog":                 {catalog.Source{Catalog: w.vendors.Num}, fault.ValidationFailed},
			"a view":                    {catalog.Source{Catalog: w.vendors.Num, View: view}, fault.ValidationFailed},
			"a view of another catalog": {catalog.Source{Catalog: own.Num, View: view}, fault.ValidationFailed},
			"itself":                    {catalog.Source{Catalog: own.Num}, ""},
			"employees":                 {catalog.Source{Catalog: catalog.Employees}, ""},
		} {
			if code := adds(c.source); code != c.code {
				t.Errorf("%s: %q", name, code)
			}
		}
	})
}

func TestFilterCandidates(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		acme, zeta, free := w.vendor("Acme"), w.vendor("Zeta"), w.vendor("Free")
		w.order("name", catalog.Text("a"), "vendor", catalog.Links{link(w.vendors, acme)})
		w.order("name", catalog.Text("b"), "vendor", catalog.Links{link(w.vendors, acme), link(w.vendors, zeta)}, "price", catalog.Number(9))
		gone := w.vendor("Gone")
		w.order("name", catalog.Text("c"), "vendor", catalog.Links{link(w.vendors, gone)})
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: gone}})
		dear := w.legal(w.orders, "dear", "price", `{"at":5}`)
		cheap := w.legal(w.orders, "cheap", "price", `{"to":0}`)
		_ = free
		check := func(name string, a catalog.Actor, ask catalog.CandidatesAsk, want string) {
			t.Helper()
			if got := w.filterCandidates(a, w.orders, "vendor", ask); got != want {
				t.Errorf("%s: %s, not %s", name, got, want)
			}
		}
		check("all that are used", boss, catalog.CandidatesAsk{}, "Acme Zeta")
		check("by title", boss, catalog.CandidatesAsk{Title: "et"}, "Zeta")
		check("a page", boss, catalog.CandidatesAsk{Limit: 1, Offset: 1}, "Zeta")
		check("no access", bo, catalog.CandidatesAsk{}, "forbidden")
		w.rules(cheap, only(bo.Employee, "view"))
		check("by none of his records", bo, catalog.CandidatesAsk{}, "")
		w.rules(dear, only(bo.Employee, "view"))
		check("by his records", bo, catalog.CandidatesAsk{}, "Acme Zeta")
		w.rules(of(w.vendors), only(bo.Employee, "search", "title=hide"))
		check("with hidden titles", bo, catalog.CandidatesAsk{}, "#1 #2")
		check("not found by them", bo, catalog.CandidatesAsk{Title: "acme"}, "")
		w.rules(dear, only(bo.Employee, "view", "vendor=hide"))
		check("hidden where a record is", bo, catalog.CandidatesAsk{}, "")
		w.rules(cheap)
		check("hidden where he may view", bo, catalog.CandidatesAsk{}, "field_hidden")
	})
}
