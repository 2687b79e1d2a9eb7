package store

import (
	"fmt"
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
			titles := titlesOf(t, s, st, sel)
			if got := strings.Join(titles, ","); got != want {
				t.Errorf("%q finds %s, not %s", fold, got, want)
			}
		}
	})
}

// titlesOf are the titles of the selected records in order.
func titlesOf(t *testing.T, s *Company, st *catalog.Structure, sel *catalog.Selected) (titles []string) {
	t.Helper()
	read(t, s, st, func(r catalog.Reader) error {
		page, err := r.Select(t.Context(), sel)
		if err != nil {
			return err
		}
		var refs []query.Ref
		for i := range page.Len() {
			refs = append(refs, query.MakeRef(sel.Catalog.Num, page.Record(i)))
		}
		known, err := r.Titles(t.Context(), refs)
		for _, ref := range refs {
			titles = append(titles, known[ref].Text)
		}
		return err
	})
	return titles
}

// TestManyTitles: what very many titles have is found in their order, too, and
// where the first of them do not have it.
func TestManyTitles(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		c := st.Catalog(orders)
		var records []*testRecord
		for i := range manyTitles + 500 {
			name := fmt.Sprintf("Order %05d", i)
			if i < 490 {
				name = fmt.Sprintf("Bill %05d", i)
			}
			records = append(records, &testRecord{catalog: orders, id: query.Record(i + 1), values: map[query.Field]catalog.Value{fName: catalog.Text(name)}})
		}
		write(t, s, st, records)
		for _, tt := range []struct {
			fold          string
			limit, offset int
			desc          bool
			want          string
		}{
			{"order", 2, 0, false, "Order 00490,Order 00491"},
			{"order", 2, 1_990, false, "Order 02480,Order 02481"},
			{"order", 2, 0, true, "Order 02499,Order 02498"},
			{"order", 5, 2_008, false, "Order 02498,Order 02499"},
			{"bill", 2, 100, false, "Bill 00100,Bill 00101"},
			{"2499", 2, 0, false, "Order 02499"},
			{"order x", 2, 0, false, ""},
			{"orderx", 2, 0, false, ""},
		} {
			sel := &catalog.Selected{Structure: st, Catalog: c, Columns: []*catalog.Field{}, Search: query.Search{Fold: tt.fold},
				SearchFields: []*catalog.Field{c.Title()}, SearchTitle: true, Sort: query.Sort{By: query.ByTitle, Desc: tt.desc},
				Limit: tt.limit, Offset: tt.offset}
			if got := strings.Join(titlesOf(t, s, st, sel), ","); got != tt.want {
				t.Errorf("%+v finds %s", tt, got)
			}
		}
	})
}
