package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func TestViews(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		w.rules(of(w.orders), only(bo.Employee, "search"))
		w.order("name", catalog.Text("his"), "owner", catalog.Links{link(w.users(), bo.Employee)})
		w.order("name", catalog.Text("big"), "price", catalog.Number(100))
		own, none := w.legal(w.orders, "own", "owner", `["CURRENT_USER"]`), w.legal(w.orders, "none")
		w.rules(own, only(bo.Employee, "edit"))
		names := func(a catalog.Actor) string {
			page, err := w.s.Views(t.Context(), a, w.orders.Key)
			if err != nil {
				return string(fault.CodeOf(err))
			}
			var list []string
			for _, v := range page.Views {
				list = append(list, fmt.Sprintf("%s:%s", v.Key, v.Privilege.Code()))
			}
			return strings.Join(list, " ")
		}
		personal := func(a catalog.Actor, key string, filters ...string) error {
			_, err := w.s.CreateView(t.Context(), a, w.orders.Key, catalog.ViewInput{Key: &key, Name: &key, Filters: viewFilters(filters)})
			return err
		}
		if err := personal(bo, "mine", "price", `{"at":50}`); err != nil {
			t.Fatal(err)
		}
		if got := names(bo); got != "mine:access own:edit" {
			t.Errorf("he has %s", got)
		}
		if got := names(boss); got != "none:access own:access" {
			t.Errorf("the administrator has %s", got)
		}
		for view, want := range map[string]string{"own": "his", "mine": "", "none": "forbidden", "x": "not_found", "": "his"} {
			if got := w.seen(bo, query.Query{View: view}); got != want {
				t.Errorf("in %q he sees %q, not %q", view, got, want)
			}
		}
		if got := w.seen(boss, query.Query{View: "mine"}); got != "forbidden" {
			t.Errorf("a personal view of somebody else: %q", got)
		}
		for name, err := range map[string]error{
			"a taken id": personal(bo, "own"), "a number as id": personal(bo, "77"),
		} {
			if err == nil {
				t.Error(name)
			}
		}
		if err := personal(bo, "mine"); !fault.Is(err, fault.DuplicateID) {
			t.Errorf("an id twice: %v", err)
		}
		yes, empty, key := true, "", "secret"
		legal := catalog.ViewInput{Key: &key, Name: &key, Legal: &yes}
		if _, err := w.s.CreateView(t.Context(), bo, w.orders.Key, legal); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a legal view by an employee: %v", err)
		}
		// Without a name for employees the view works and is not listed.
		if _, err := w.s.UpdateView(t.Context(), boss, w.orders.Key, "own", catalog.ViewInput{Name: &empty}); err != nil {
			t.Fatal(err)
		}
		renamed := "Own ones"
		if _, err := w.s.UpdateView(t.Context(), boss, w.orders.Key, "own", catalog.ViewInput{OriginName: &renamed}); err != nil {
			t.Fatal(err)
		}
		if got, sees := names(bo), w.seen(bo, query.Query{View: "own"}); got != "mine:access" || sees != "his" {
			t.Errorf("he has %s and sees %s", got, sees)
		}
		for _, v := range []string{"own", "none"} {
			if err := w.s.DeleteView(t.Context(), bo, w.orders.Key, v); !fault.Is(err, fault.Forbidden) {
				t.Errorf("deleting %s: %v", v, err)
			}
		}
		if err := w.s.DeleteView(t.Context(), boss, w.orders.Key, "own"); err != nil {
			t.Fatal(err)
		}
		if got := w.seen(bo, query.Query{}); got != "" {
			t.Errorf("without the view he sees %q", got)
		}
		_ = none
	})
}

// A view that cannot be evaluated any more grants nothing and denies everything;
// a personal one does without the condition.
func TestBrokenViews(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy := w.employed("Bo"), w.employed("Cy")
		w.order("name", catalog.Text("a"), "quiet", catalog.Text("x"))
		w.order("name", catalog.Text("b"))
		view := w.legal(w.orders, "quiet", "quiet", `"x"`)
		w.rules(of(w.orders), only(cy.Employee, "view"), only(bo.Employee, "search"))
		w.rules(view, only(bo.Employee, "view"), only(cy.Employee, "deny"))
		key := "mine"
		if _, err := w.s.CreateView(t.Context(), boss, w.orders.Key, catalog.ViewInput{Key: &key, Name: &key, Filters: viewFilters([]string{"quiet", `"x"`})}); err != nil {
			t.Fatal(err)
		}
		see := func() string {
			return fmt.Sprintf("%q %q %q", w.seen(bo, query.Query{}), w.seen(cy, query.Query{}), w.seen(boss, query.Query{View: "mine"}))
		}
		if got := see(); got != `"a" "b" "a"` {
			t.Errorf("before: %s", got)
		}
		var kept []catalog.FieldInput
		for _, f := range w.orders.Fields {
			if f.Key != "quiet" {
				kept = append(kept, catalog.FieldInput{Num: f.Num})
			}
		}
		if _, err := w.s.UpdateCatalog(t.Context(), boss, w.orders.Key, catalog.CatalogInput{Fields: kept}); err != nil {
			t.Fatal(err)
		}
		if got := see(); got != `"" "" "a b"` {
			t.Errorf("after: %s", got)
		}
		page, err := w.s.View(t.Context(), boss, w.orders.Key, "quiet")
		if err != nil || !page.Views[0].Broken {
			t.Errorf("%+v %v", page, err)
		}
	})
}

// A legal view looks at everything, so its author must not see more by it than
// he may.
func TestLegalViewShowsItsAuthorNoMore(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		w.rules(of(w.orders), only(bo.Employee, "access"))
		w.rules(of(w.vendors), only(bo.Employee, "search"))
		acme := w.vendor("Acme")
		rating := fmt.Sprintf(`[{"catalogId":%q,"filters":{"title":"a"}}]`, w.vendors.Key)
		makes := func(pairs ...string) fault.Code {
			key, yes := "v", true
			_, err := w.s.CreateView(t.Context(), bo, w.orders.Key, catalog.ViewInput{Name: &key, Legal: &yes, Filters: viewFilters(pairs)})
			return fault.CodeOf(err)
		}
		if code := makes("vendor", rating); code != fault.Forbidden {
			t.Errorf("values of what he may not view: %q", code)
		}
		if code := makes("vendor", fmt.Sprintf(`[{"catalogId":%q,"recordId":"%d"}]`, w.vendors.Key, acme), "price", `{"at":1}`); code != "" {
			t.Errorf("a link: %q", code)
		}
		w.rules(of(w.vendors), only(bo.Employee, "view", "title=hide"))
		if code := makes("vendor", rating); code != fault.FieldHidden {
			t.Errorf("a hidden field: %q", code)
		}
		w.rules(of(w.vendors), only(bo.Employee, "view"))
		if code := makes("vendor", rating); code != "" {
			t.Errorf("what he may view: %q", code)
		}
	})
}

// What a field of a single record hides is missing in values, titles, histories.
func TestHiddenOnSomeRecords(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		w.rules(of(w.orders), only(bo.Employee, "view"))
		open := w.order("name", catalog.Text("open"), "price", catalog.Number(1))
		shut := w.order("name", catalog.Text("shut"), "price", catalog.Number(2), "state", catalog.Items{2})
		done := w.legal(w.orders, "done", "state", fmt.Sprintf("[%q]", w.orders.FieldByKey("state").Config.Items[1].Key))
		w.rules(done, only(bo.Employee, "view", "price=hide", "name=hide"))
		rows, err := w.s.Records(t.Context(), bo, w.orders.Num, query.Query{Limit: 10}, nil)
		if err != nil {
			t.Fatal(err)
		}
		j := slices.Index(rows.Fields, rows.Catalog.FieldByKey("price"))
		var hidden []bool
		for i := range rows.Page.Len() {
			hidden = append(hidden, rows.Page.Cell(i, j).Hidden(), rows.Page.Cell(i, rows.Title).Hidden())
		}
		if fmt.Sprint(hidden) != "[false false true true]" {
			t.Errorf("hidden: %v", hidden)
		}
		for name, c := range map[string]struct {
			q    query.Query
			want int
		}{
			"price":  {query.Query{Where: query.Cond{Field: w.num("price"), Test: query.NotEmpty{}}}, 1},
			"search": {query.Query{Search: query.Search{Fold: "shut"}}, 0},
			"not":    {query.Query{Where: query.Not{Node: query.Cond{Field: w.num("price"), Test: query.Empty{}}}}, 2},
		} {
			c.q.Limit, c.q.WithTotal = 10, true
			got, err := w.s.Records(t.Context(), bo, w.orders.Num, c.q, nil)
			if err != nil || int(got.Total) != c.want {
				t.Errorf("%s: %d, %v", name, got.Total, err)
			}
		}
		history, err := w.s.History(t.Context(), bo, catalog.HistoryAsk{Catalog: w.orders.Num, Limit: 10, Asc: true})
		if err != nil || len(history.Entries) != 2 {
			t.Fatalf("%v %v", history, err)
		}
		price := history.Catalog.FieldByKey("price")
		if a, b := history.Shows(&history.Entries[0], price), history.Shows(&history.Entries[1], price); !a || b {
			t.Errorf("shown %v %v", a, b)
		}
		if got := history.Titles[query.MakeRef(w.orders.Num, shut)].Text; got != fmt.Sprintf("#%d", shut) {
			t.Errorf("titled %s", got)
		}
		one, err := w.s.Record(t.Context(), bo, w.orders.Num, query.Key{Record: shut}, nil)
		if err != nil || len(one.Rights.Fields) != 2 || len(one.Rights.Views) != 1 || one.Rights.Privilege != catalog.ViewPrivilege {
			t.Errorf("%+v %v", one.Rights, err)
		}
		_ = open
	})
}
