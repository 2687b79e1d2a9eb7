package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// nest puts a filter value of a choice that deep into alternatives of one another.
func nest(levels int) string {
	return strings.Repeat(`{"$or":[["1"],{"$and":[["1"],`, levels/2) + `["1"]` + strings.Repeat(`]}]}`, levels/2)
}

// linked is a filter value of links to a firm whose parent's parent's ... title
// contains a text, that many levels away.
func linkedFilter(c *catalog.Catalog, levels int) string {
	inner := `{"title":"a"}`
	for range levels - 1 {
		inner = fmt.Sprintf(`{"parent":[{"catalogId":%q,"filters":%s}]}`, c.Key, inner)
	}
	return fmt.Sprintf(`[{"catalogId":%q,"filters":%s}]`, c.Key, inner)
}

// TestConditionsThatCanBeSavedWork: what a legal view and rules on it may be, the
// store can look records up by; the rest is refused, with the field and why.
func TestConditionsThatCanBeSavedWork(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo := w.employed("Bo")
		firms := w.make("Firms", field("title", "text", nil))
		in := catalog.CatalogInput{Fields: []catalog.FieldInput{{Num: firms.Fields[0].Num}, field("parent", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: firms.Num}}})}}
		if _, err := w.s.UpdateCatalog(t.Context(), boss, firms.Key, in); err != nil {
			t.Fatal(err)
		}
		jobs := w.make("Jobs", field("what", "text", nil), field("pay", "number", nil),
			field("state", "dropdown", &catalog.Config{Items: []catalog.Item{{Name: "A"}, {Name: "B"}}}),
			field("firm", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: firms.Num}}}))
		for i := range 3 {
			w.apply(catalog.Create{Catalog: jobs.Num, Values: values(jobs, "what", catalog.Text(fmt.Sprint("job ", i)), "pay", catalog.Number(float64(i)), "state", catalog.Items{query.Item(i%2 + 1)})})
		}
		view := w.legal(jobs, "deep")
		change := func(filters ...string) error {
			_, err := w.s.UpdateView(t.Context(), boss, jobs.Key, "deep", catalog.ViewInput{Filters: viewFilters(filters)})
			return err
		}
		try := func(name string) {
			t.Helper()
			q := query.Query{Limit: 10, View: "deep", Sort: query.Sort{By: query.ByField, Field: jobs.FieldByKey("pay").Num}}
			search := query.Query{Limit: 10, Search: query.Search{Fold: "job"}, Where: query.Cond{Field: jobs.FieldByKey("pay").Num, Test: query.NotEmpty{}}}
			for _, q := range []query.Query{q, search} {
				if _, err := w.s.Records(t.Context(), bo, jobs.Num, q, nil); err != nil {
					t.Errorf("%s was saved, and a list fails: %v", name, err)
				}
			}
			if _, err := w.s.Record(t.Context(), bo, jobs.Num, query.Key{Record: 1}, nil); err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s was saved, and a record fails: %v", name, err)
			}
			if _, err := w.s.History(t.Context(), bo, catalog.HistoryAsk{Catalog: jobs.Num, Limit: 10}); err != nil {
				t.Errorf("%s was saved, and the history fails: %v", name, err)
			}
		}
		manyFilters := func(n int) (list []string) {
			for range n {
				list = append(list, "pay", `{"$or":[`+strings.Repeat(`{"at":1},`, 39)+`{"at":2}]}`)
			}
			return list
		}
		simple := manyFilters(0)
		for range 100 {
			simple = append(simple, "pay", `{"at":0}`)
		}
		shapes := map[string]func(n int) []string{
			"deep":   func(n int) []string { return []string{"state", nest(12 + 4*n)} },
			"linked": func(n int) []string { return []string{"firm", linkedFilter(firms, 2+n)} },
			"many":   func(n int) []string { return manyFilters(3 * n) },
		}
		for rules, list := range map[string][]catalog.RuleInput{
			"no rule": nil, "a rule on it": {only(bo.Employee, "view")}, "a field": {only(bo.Employee, "view", "pay=hide")},
			"the title": {only(bo.Employee, "view", "what=hide", "pay=hide")},
		} {
			w.rules(of(jobs), only(bo.Employee, "view"))
			if err := change(simple...); err != nil {
				t.Fatalf("100 conditions: %v", err)
			}
			w.rules(view, list...)
			try(rules + ", 100 conditions")
			for shape, filters := range shapes {
				n := 1
				err := change(filters(n)...)
				for ; err == nil && n < 20; n++ {
					try(fmt.Sprintf("%s, %s of %d", rules, shape, n))
					err = change(filters(n + 1)...)
				}
				if code := fault.CodeOf(err); code != fault.ValidationFailed && (code != fault.InvalidFilter || shape != "deep") {
					t.Errorf("%s, %s of %d: %v", rules, shape, n, err)
				}
			}
			w.rules(view)
		}
		// Rules that come after the view are refused as well, and leave no trace.
		if err := change(manyFilters(24)...); err != nil {
			t.Fatal(err)
		}
		w.rules(of(jobs))
		rules := []catalog.RuleInput{only(bo.Employee, "view", "what=hide")}
		_, err := w.s.SetRights(t.Context(), boss, []catalog.RightsInput{{Object: view, Rules: rules}})
		if !fault.Is(err, fault.ValidationFailed) || !strings.Contains(err.Error(), "rules: What: the views have more than 1000 conditions") {
			t.Errorf("rules on a large view: %v", err)
		}
		if page, err := w.s.Rights(t.Context(), boss, []catalog.ObjectKey{view}, false); err != nil || len(page.Objects[0].Rules) != 0 {
			t.Errorf("they are stored: %v %v", page, err)
		}
	})
}
