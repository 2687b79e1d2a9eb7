package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// gone lists the removed orders since a time that an actor is told of, page by page.
func (w *world) gone(a catalog.Actor, since int64, limit int) string {
	w.Helper()
	var list []string
	ask := catalog.RemovedAsk{Since: since, Limit: limit}
	for range 20 {
		page, err := w.s.RemovedSince(w.Context(), a, w.orders.Num, ask)
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range page.Records {
			list = append(list, fmt.Sprint(r.Record, r.Code, "@", r.At-since))
		}
		if !page.More {
			return strings.Join(list, " ")
		}
		ask = page.Next
		ask.Limit = limit
	}
	w.Fatal("the pages do not end")
	return ""
}

func (w *world) remove(records ...query.Record) {
	w.Helper()
	var ops []catalog.Op
	for _, r := range records {
		ops = append(ops, catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: r}})
	}
	w.apply(ops...)
}

// TestRemovedSince: who might have viewed a record with its last values is told that
// it is gone.
func TestRemovedSince(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy, di := w.employed("Bo"), w.employed("Cy"), w.employed("Di")
		acme := w.vendor("Acme")
		linked := catalog.Links{link(w.vendors, acme)}
		for i := range 6 {
			w.order("name", catalog.Text(fmt.Sprint("order ", i)), "price", catalog.Number(i%2), "vendor", linked)
		}
		w.patch(4, "price", catalog.Number(9)) // out of the view before it is removed
		dear := w.legal(w.orders, "dear", "price", `1`)
		w.rules(of(w.orders), only(bo.Employee, "view"), only(cy.Employee, "search"))
		w.rules(dear, only(cy.Employee, "view"))
		w.rules(catalog.ObjectKey{Catalog: w.orders.Key, Record: query.Key{Record: 6}}, only(cy.Employee, "deny"), only(di.Employee, "view"))
		since := w.now.UnixMilli()
		w.remove(1)
		w.now = w.now.Add(time.Second)
		w.remove(2, 3, 4, 6)
		w.now = w.now.Add(time.Second)
		w.remove(5)
		for limit := 1; limit < 8; limit++ {
			for name, c := range map[string]struct {
				who   catalog.Actor
				since int64
				want  string
			}{
				"everything":         {bo, since, "1@0 2@1000 3@1000 4@1000 6@1000 5@2000"},
				"later":              {bo, since + 1001, "5@999"},
				"never":              {bo, since + 2001, ""},
				"of a view":          {cy, since, "2@1000"},
				"by a rule on it":    {di, since, "6@1000"},
				"as the boss":        {boss, since + 2000, "5@0"},
				"since for ever":     {di, 0, fmt.Sprint("6@", since+1000)},
				"by the view, later": {cy, since + 1001, ""},
			} {
				if got := w.gone(c.who, c.since, limit); got != c.want {
					t.Errorf("%s, %d at once: %q, want %q", name, limit, got, c.want)
				}
			}
		}
	})
}

// numbers lists the numbers of the orders that an actor is shown.
func (w *world) numbers(a catalog.Actor, q query.Query) string {
	w.Helper()
	q.Limit = 100
	rows, err := w.s.Records(w.Context(), a, w.orders.Num, q, nil)
	if err != nil {
		return string(fault.CodeOf(err))
	}
	var list []string
	for i := range rows.Page.Len() {
		list = append(list, fmt.Sprint(rows.Page.Record(i)))
	}
	return strings.Join(list, " ")
}

// TestHiddenTexts: a condition on what is hidden tells nothing of it, neither said
// straight nor turned round; a hidden title is the number.
func TestHiddenTexts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy, di := w.employed("Bo"), w.employed("Cy"), w.employed("Di")
		w.order("name", catalog.Text("Chairs"), "note", catalog.Text("secret"), "due", catalog.Time(0), "paid", catalog.Bool(true))
		w.order("name", catalog.Text("Tables"), "note", catalog.Text("secret"), "due", catalog.Time(0))
		open := w.legal(w.orders, "open", "paid", `true`)
		w.rules(of(w.orders), only(bo.Employee, "view", "note=hide", "name=hide", "due=hide"), only(cy.Employee, "view"), only(di.Employee, "view"))
		w.rules(open, only(cy.Employee, "view", "note=hide", "name=hide", "due=hide"))
		note, due := w.num("note"), w.num("due")
		whole := "secret"
		for name, test := range map[string]query.Node{
			"is": query.Cond{Field: note, Test: query.TextIs{"secret"}}, "like": query.Cond{Field: note, Test: query.TextLike{Pattern: "sec%"}},
			"ilike": query.Cond{Field: note, Test: query.TextLike{Pattern: "SEC%", Fold: true}},
			"range": query.Cond{Field: note, Test: query.TextRange{Min: &whole, Max: &whole}},
			"part":  query.Cond{Field: due, Test: query.TimePart{Part: query.YearPart, In: []int64{1970}}},
		} {
			for who, want := range map[catalog.Actor][2]string{bo: {"field_hidden", "field_hidden"}, cy: {"2", "1"}, di: {"1 2", ""}} {
				got := [2]string{w.numbers(who, query.Query{Where: test}), w.numbers(who, query.Query{Where: query.Not{Node: test}})}
				if got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		}
		for name, c := range map[string]struct {
			test         query.Test
			bo, cy, open string
		}{
			"the title":           {query.TextIs{"Chairs", "Tables"}, "", "2", "1 2"},
			"the number":          {query.TextIs{"#1", "#2"}, "1 2", "1", ""},
			"a part of the title": {query.TextLike{Pattern: "%ai%"}, "", "", "1"},
			"a folded part":       {query.TextLike{Pattern: "%AIRS", Fold: true}, "", "", "1"},
			"the number's part":   {query.TextLike{Pattern: "%1"}, "1", "1", ""},
			"anything":            {query.TextLike{Pattern: "%"}, "1 2", "1 2", "1 2"},
		} {
			titled := query.Titled{Test: c.test, Seen: query.And{}} // it is not the caller's to say
			for who, want := range map[catalog.Actor]string{bo: c.bo, cy: c.cy, di: c.open} {
				if got := w.numbers(who, query.Query{Where: titled}); got != want {
					t.Errorf("titled by %s: %q, want %q", name, got, want)
				}
				if got := w.numbers(who, query.Query{Where: query.Not{Node: query.Not{Node: titled}}}); got != want {
					t.Errorf("titled by %s, turned round: %q, want %q", name, got, want)
				}
			}
		}
	})
}
