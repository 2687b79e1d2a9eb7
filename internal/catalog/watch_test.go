package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// lookBack is what somebody is told of the orders who comes back.
func (w *world) lookBack(a catalog.Actor, view string, after int64) string {
	w.Helper()
	watch, err := w.s.Watch(w.Context(), a, w.orders.Key, view)
	if err != nil {
		w.Fatal(err)
	}
	looked, err := w.s.LookBack(w.Context(), after, []*catalog.Watch{watch})
	if err != nil {
		w.Fatal(err)
	}
	if looked.Lost {
		return "lost"
	}
	var list []string
	for _, t := range looked.Told[watch.Key()] {
		list = append(list, fmt.Sprintf("%s %d", []string{"created", "updated", "gone"}[t.Kind], t.Record))
	}
	return strings.Join(list, ", ")
}

func (w *world) last() int64 {
	w.Helper()
	seq, err := w.s.LookFrom(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return seq
}

// TestLookBackIsBounded: whoever is too far behind reads everything anew, and so does
// who was away while rights were changed.
func TestLookBackIsBounded(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		at := w.last()
		want := func(what, want string, after int64) {
			t.Helper()
			if got := w.lookBack(boss, "", after); got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		n := w.order("name", catalog.Text("a"))
		told := fmt.Sprint("created ", n)
		want("one change", told, at)
		want("nothing", "", at+1)
		want("a number that is to come", "lost", at+2)
		w.now = w.now.Add(24 * time.Hour)
		want("a day", told, at)
		w.now = w.now.Add(time.Second)
		want("more than a day", "lost", at)
		want("nothing since a day", "", at+1)
		w.rules(of(w.orders), everybody("view"))
		want("rights", "lost", at+1)
		at = w.last()
		for i := range 10 {
			ops := make([]catalog.Op, 1000)
			for j := range ops {
				ops[j] = catalog.Create{Catalog: w.vendors.Num, Values: values(w.vendors, "title", catalog.Text(fmt.Sprint(i, j)))}
			}
			w.apply(ops...)
		}
		want("10,000 changes", "", at)
		w.vendor("one more")
		want("10,001 changes", "lost", at)
	})
}

// TestLookThroughLinks: a view by a field of linked records is judged by the links
// that a record had.
func TestLookThroughLinks(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		acme, other := w.vendor("acme"), w.vendor("other")
		w.legal(w.orders, "acme", "vendor", `[{"catalogId":"vendors","filters":{"title":"acme"}}]`)
		at := w.last()
		in := w.order("name", catalog.Text("in"), "vendor", catalog.Links{link(w.vendors, acme)})
		out := w.order("name", catalog.Text("out"), "vendor", catalog.Links{link(w.vendors, other)})
		w.patch(out, "note", catalog.Text("unseen"))
		w.patch(in, "vendor", catalog.Links{link(w.vendors, other)})
		w.patch(out, "vendor", catalog.Links{link(w.vendors, other), link(w.vendors, acme)})
		w.apply(catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: out}})
		w.apply(catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: in}})
		want := fmt.Sprintf("created %d, gone %d, created %d, gone %d", in, in, out, out)
		if got := w.lookBack(boss, "acme", at); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// TestWatchOfAnotherNode: rights that one node changes bind what another one tells.
func TestWatchOfAnotherNode(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target)
		node := w.columnsNode(target)
		w.private()
		bo := w.employed("Bo")
		w.rules(of(w.orders), only(bo.Employee, "view"))
		watch, err := node.Watch(t.Context(), bo, w.orders.Key, "")
		if err != nil {
			t.Fatal(err)
		}
		at := w.last()
		w.rules(of(w.orders))
		w.order("name", catalog.Text("secret"))
		looked, err := node.Look(t.Context(), at, []*catalog.Watch{watch})
		if err != nil {
			t.Fatal(err)
		}
		if looked.Failed[watch] == nil || len(looked.Told) > 0 {
			t.Errorf("failed %v, told %v", looked.Failed, looked.Told)
		}
	})
}
