package catalog_test

import (
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// answered is the title of a written record and that of a vendor in the answer.
func (w *world) answered(a catalog.Actor, op catalog.Op, vendor query.Record) (title, linked string) {
	w.Helper()
	outcomes, err := w.s.Apply(w.Context(), a, []catalog.Op{op}, nil)
	if err != nil {
		w.Fatal(err)
	}
	return outcomes[0].Title, outcomes[0].Row.Titles[query.MakeRef(w.vendors.Num, vendor)].Text
}

func TestAnswersToWritesHideTitles(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		acme := w.vendor("Acme")
		n := w.order("name", catalog.Text("Chairs"))
		linked := catalog.Links{link(w.vendors, acme)}
		create := catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("Tables"), "vendor", linked)}
		update, undo := w.change(n, "vendor", linked), w.change(n, "vendor", catalog.Links{})
		both := func(want string) {
			t.Helper()
			for _, op := range []catalog.Op{create, update} {
				if _, got := w.answered(bo, op, acme); got != want {
					t.Errorf("the answer to a %T links %q, not %q", op, got, want)
				}
			}
			w.answered(bo, undo, acme)
		}
		w.rules(of(w.orders), only(bo.Employee, "create"))
		both("Acme")
		w.rules(of(w.vendors), only(bo.Employee, "search", "title=hide"))
		both("#1")
		w.rules(of(w.orders), only(bo.Employee, "create", "name=hide"))
		if title, _ := w.answered(bo, update, acme); title != "#1" {
			t.Errorf("the record's own hidden title is answered: %q", title)
		}
	})
}

// A removed record is in no view any more, but what a view's rule hid of it does
// not come to light.
func TestRemovedRecordsStayHidden(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy := w.employed("Bo"), w.employed("Cy")
		acme := w.vendor("Acme")
		n := w.order("name", catalog.Text("Chairs"), "vendor", catalog.Links{link(w.vendors, acme)})
		closed := w.legal(w.vendors, "closed", "title", `"acme"`)
		for _, c := range []*catalog.Catalog{w.orders, w.vendors} {
			w.rules(of(c), only(bo.Employee, "view"), only(cy.Employee, "view"))
		}
		w.rules(closed, only(bo.Employee, "view", "title=hide"))
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: acme}})
		for who, want := range map[catalog.Actor]string{bo: "#1", cy: "Acme"} {
			rows, err := w.s.Record(t.Context(), who, w.orders.Num, query.Key{Record: n}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := rows.Titles[query.MakeRef(w.vendors.Num, acme)].Text; got != want {
				t.Errorf("the link is called %q, not %q", got, want)
			}
			page, err := w.s.History(t.Context(), who, catalog.HistoryAsk{Catalog: w.orders.Num, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			if hides := page.HidesTitle(query.MakeRef(w.vendors.Num, acme)); hides != (want == "#1") {
				t.Errorf("the history hides %q: %t", want, hides)
			}
			if page, err = w.s.History(t.Context(), who, catalog.HistoryAsk{Catalog: w.vendors.Num, Limit: 10}); err != nil {
				t.Fatal(err)
			}
			title := w.vendors.FieldByKey("title")
			for i := range page.Entries {
				if shows := page.Shows(&page.Entries[i], title); shows != (want == "Acme") {
					t.Errorf("the history of the removed shows %q: %t", want, shows)
				}
			}
		}
	})
}

// A rule on a view shows a field also while nothing is in the view: whether a
// filter by it is refused does not depend on records.
func TestFieldsOfEmptyViewsAreShown(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		w.order("name", catalog.Text("a"), "note", catalog.Text("b"))
		w.order("name", catalog.Text("c"), "note", catalog.Text("d"))
		empty := w.legal(w.orders, "empty", "paid", `"$empty"`) // a switch is never empty
		w.rules(of(w.orders), only(bo.Employee, "view", "note=hide"))
		w.rules(empty, only(bo.Employee, "view", "note=view"))
		note := w.num("note")
		if got := w.seen(bo, query.Query{Where: query.Cond{Field: note, Test: query.NotEmpty{}}}); got != "" {
			t.Errorf("by a condition on the field: %s", got)
		}
		if got := w.seen(bo, query.Query{Sort: query.Sort{By: query.ByField, Field: note}}); got != "a c" {
			t.Errorf("sorted by the field: %s", got)
		}
		page, err := w.s.History(t.Context(), bo, catalog.HistoryAsk{Catalog: w.orders.Num, Fields: []query.Field{note}, Limit: 10})
		if err != nil || len(page.Entries) != 0 {
			t.Errorf("entries of the field: %v %v", page, err)
		}
	})
}

// A field that is hidden on every record is not in the list of fields, so the
// rights on fields must say why.
func TestFieldsHiddenEverywhereAreSaidToBe(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		w.rules(w.legal(w.orders, "dear", "price", `{"at":5}`), only(bo.Employee, "view", "note=hide", "due=edit"))
		scope, err := w.s.Catalog(t.Context(), bo, w.orders.Key)
		if err != nil {
			t.Fatal(err)
		}
		rights := scope.Access.Fields(scope.Catalog)
		note, due := scope.Catalog.FieldByKey("note"), scope.Catalog.FieldByKey("due")
		if right, ok := rights[note]; !ok || right != catalog.HideField || scope.Access.Field(note) != catalog.HideField {
			t.Errorf("the hidden field: %v %t", right, ok)
		}
		if right, ok := rights[due]; ok {
			t.Errorf("the right on a field of some records is said to be %v", right)
		}
	})
}
