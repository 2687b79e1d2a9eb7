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
