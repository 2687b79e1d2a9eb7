package store

import (
	"fmt"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// largeFilter is one of the largest conditions on orders, and how many of the
// two records of largeRecords satisfy it.
type largeFilter struct {
	name  string
	where query.Node
	want  int
}

func largeFilters(depth, links int) []largeFilter {
	deep := cond(fAmount, query.NumberRange{Min: ptr(1.0)})
	for range depth - 1 {
		deep = query.Not{Node: deep}
	}
	among, anyOf := make(query.Among, 50_000), make(query.AnyOf, 50_000)
	wide := make(query.Or, maxFilterNodes-1)
	for i := range among {
		among[i].Record, anyOf[i] = query.Record(i+1), int64(i)
	}
	for i := range wide {
		wide[i] = cond(fAmount, query.NumberRange{Min: ptr(float64(i)), Max: ptr(float64(i) + 0.5)})
	}
	codes := make(query.Among, 40_000)
	for i := range codes {
		codes[i].Code = fmt.Sprint("c", i)
	}
	return []largeFilter{
		{"deep", deep, 1}, {"deep and wide", worstFilter(depth, links, fClients, fAmount), 1}, {"among numbers", among, 2},
		{"among codes", codes, 1}, {"any of", cond(fStars, anyOf), 1}, {"wide", wide, 1},
	}
}

func largeRecords() []*testRecord {
	coded := order(2, map[query.Field]catalog.Value{fStars: catalog.Whole(5), fName: catalog.Text("acme")})
	coded.code = "c7"
	return []*testRecord{coded, order(1, map[query.Field]catalog.Value{fAmount: catalog.Number(3), fName: catalog.Text("acme")})}
}

// worstFilter is the deepest expression that a filter can be, of a catalog with
// that field of links to clients and that number.
func worstFilter(depth, links int, link, number query.Field) query.Node {
	levels := depth - links - 1
	level := func(field query.Field, n query.Node) query.Node {
		or := query.Or{n}
		for range maxFilterNodes/levels - 3 {
			or = append(or, cond(field, query.NumberRange{Min: ptr(3.0), Max: ptr(4.0)}))
		}
		return or
	}
	n := cond(fTitle, query.NotEmpty{})
	for range links - 1 {
		n = cond(fParents, query.LinksWhere{Catalog: clients, Where: level(fSize, n)})
	}
	n = cond(link, query.LinksWhere{Catalog: clients, Where: n})
	for range levels - (links - 1) {
		n = level(number, n)
	}
	return n
}

// TestLargeFilters runs the largest statements that are made at all.
func TestLargeFilters(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		write(t, s, st, largeRecords())
		for _, c := range largeFilters(maxFilterDepth, maxFilterLinks) {
			if numbers := foundOrders(t, s, st, c.where); len(numbers) != c.want {
				t.Errorf("%s: found %v, want %d", c.name, numbers, c.want)
			}
		}
	})
}

// TestLargeProbes searches and sorts by fields that are hidden where the largest
// conditions do not hold, in each place where such a condition can stand.
func TestLargeProbes(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		write(t, s, st, largeRecords())
		title := worstFilter(maxProbeDepth, maxProbeLinks, fParents, fSize)
		for _, c := range largeFilters(maxProbeDepth, maxProbeLinks) {
			sel := &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Limit: 9, Where: c.where,
				Visible: map[query.Field]query.Node{fName: c.where, fAmount: c.where, fClients: c.where, fTitle: title},
				Search:  query.Search{Fold: "acme"}, SearchFields: fieldsOf(st.Catalog(orders), fName),
				SearchLinks: fieldsOf(st.Catalog(orders), fClients), SearchTitle: true}
			read(t, s, st, func(r catalog.Reader) error {
				for _, sel.Sort = range []query.Sort{{}, {By: query.ByTitle}, byField(fAmount, true), byField(fClients, false)} {
					n, err := selectedCount(t, r, sel)
					if err != nil || n != c.want {
						t.Errorf("%s, %+v: %v, %d records, want %d", c.name, sel.Sort, err, n, c.want)
						return err
					}
				}
				n, err := memberCount(t, r, sel, c.where)
				if err != nil || n != c.want {
					t.Errorf("%s: %v, %d members, want %d", c.name, err, n, c.want)
				}
				return err
			})
		}
	})
}

func selectedCount(t *testing.T, r catalog.Reader, s *catalog.Selected) (int, error) {
	p, err := r.Select(t.Context(), s)
	if err != nil {
		return 0, err
	}
	return p.Len(), nil
}

// memberCount asks the same thrice over.
func memberCount(t *testing.T, r catalog.Reader, s *catalog.Selected, n query.Node) (int, error) {
	members, err := r.Members(t.Context(), s.Structure, s.Catalog, []query.Record{1, 2}, []query.Node{n, nil, n})
	count := 0
	for _, bits := range members {
		if bits[0] && bits[1] && bits[2] {
			count++
		}
	}
	return count, err
}

// TestRefusedProbes: what is nested deeper is refused before the database does.
func TestRefusedProbes(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		for name, n := range map[string]query.Node{
			"deep": worstFilter(maxProbeDepth+1, maxProbeLinks, fClients, fAmount),
			"far":  worstFilter(maxProbeDepth, maxProbeLinks+1, fClients, fAmount),
		} {
			sel := &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Limit: 9, Visible: map[query.Field]query.Node{fName: n}}
			searched, byTitle := *sel, *sel
			searched.Search, searched.SearchTitle, byTitle.Sort = query.Search{Fold: "x"}, true, query.Sort{By: query.ByTitle}
			read(t, s, st, func(r catalog.Reader) error {
				_, search := selectedCount(t, r, &searched)
				_, sort := selectedCount(t, r, &byTitle)
				_, members := memberCount(t, r, sel, n)
				if !fault.Is(search, fault.InvalidFilter) || !fault.Is(sort, fault.InvalidFilter) || !fault.Is(members, fault.InvalidFilter) {
					t.Errorf("%s: %v; %v; %v", name, search, sort, members)
				}
				return nil
			})
		}
	})
}

// TestProbeBounds: what is refused on saving is what would be refused here.
func TestProbeBounds(t *testing.T) {
	if maxProbeDepth != catalog.MaxProbeDepth || maxProbeLinks != catalog.MaxProbeLinks || maxFilterNodes != catalog.MaxProbeNodes {
		t.Error("the bounds of a probe are not those that the catalog promises")
	}
}
