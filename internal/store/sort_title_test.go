package store

import (
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// TestTitleSearches: a search of titles only gives the same whether they are
// walked or listed, and is walked when it is short.
func TestTitleSearches(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		c := st.Catalog(orders)
		var records []*testRecord
		for i, name := range []string{"Ab", "", "xaB", "Zed", "жук", "a b"} {
			r := &testRecord{catalog: orders, id: query.Record(i + 1), values: map[query.Field]catalog.Value{}}
			if name != "" {
				r.values[fName] = catalog.Text(name)
			}
			records = append(records, r)
		}
		write(t, s, st, records)
		mutate(t, s, st, catalog.Mutation{Kind: catalog.RemoveRecord, Catalog: c, Record: 4, Version: 1, Trash: []byte("{}")})
		for fold, want := range map[string]string{"a": "a b,Ab,xaB", "ab": "Ab,xaB", "#": "#2", "#2": "#2", "ж": "жук", "z": "", "zed": "", "xab": "xaB", "'": ""} {
			sel := &catalog.Selected{Structure: st, Catalog: c, Columns: []*catalog.Field{}, Search: query.Search{Fold: fold},
				SearchFields: []*catalog.Field{c.Title()}, SearchTitle: true, Sort: query.Sort{By: query.ByTitle}, Limit: 10}
			b := pageStatement(t, s.engine.Dialect(), sel)
			if walks := strings.Contains(string(b.sql), "t.catalog = 5"); walks != (len([]rune(fold)) < 3) {
				t.Errorf("%q: %s", fold, b.sql)
			}
			var titles []string
			read(t, s, st, func(r catalog.Reader) error {
				page, err := r.Select(t.Context(), sel)
				if err != nil {
					return err
				}
				var refs []query.Ref
				for i := range page.Len() {
					refs = append(refs, query.MakeRef(orders, page.Record(i)))
				}
				known, err := r.Titles(t.Context(), refs)
				for _, ref := range refs {
					titles = append(titles, known[ref].Text)
				}
				return err
			})
			if got := strings.Join(titles, ","); got != want {
				t.Errorf("%q finds %s, not %s", fold, got, want)
			}
		}
	})
}
