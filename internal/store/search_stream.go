package store

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// A list in the order of the record numbers that asks for a text in one field
// need not collect everything that has the text and then find the page: SQLite
// reads the search index in the order of its keys, which begin with the record,
// and so the page ends the search. Only one slot is looked at, or a record
// would come several times. Rows that are not in the index yet (see searchTail)
// have the same order, so that both tables are read as one.

// leadingSearch is the search that a list is read in the order of.
type leadingSearch struct {
	fold string
	slot int
}

// stream lets the order be that of a search if the condition has one.
func (o *sorting) stream(d dialect, src source, where query.Node) {
	list := conjuncts(nil, where)
	for i, n := range list {
		if lead := leading(d, src, n); lead != nil {
			o.lead, o.rest = lead, without(list, i)
			return
		}
	}
}

// conjuncts adds the parts of a condition that must all hold to a list.
func conjuncts(list query.And, n query.Node) query.And {
	and, ok := n.(query.And)
	if !ok {
		return append(list, n)
	}
	for _, e := range and {
		list = conjuncts(list, e)
	}
	return list
}

func leading(d dialect, src source, n query.Node) *leadingSearch {
	c, _ := n.(query.Cond)
	t, ok := c.Test.(query.Substring)
	if !ok {
		return nil
	}
	f := src.catalog.Field(c.Field)
	if f == nil || !allows(storageOf(f), t) {
		return nil // refused where it is compiled
	}
	lead := &leadingSearch{t.Fold, f.Slot(catalog.SearchText)}
	if t.Digits != "" {
		lead = &leadingSearch{t.Digits, f.Slot(catalog.SearchDigits)}
	}
	if !storable(lead.fold) || !d.FindsInOrder(lead.fold) {
		return nil
	}
	return lead
}

// without is the list but for one; nil when nothing is left.
func without(list query.And, i int) query.Node {
	if len(list) == 1 {
		return nil
	}
	rest := make(query.And, 0, len(list)-1)
	return append(append(rest, list[:i]...), list[i+1:]...)
}

// streamed adds a SELECT of the columns and place, for each table that is
// searched, with the search as the outer loop.
func (b *builder) streamed(columns string, src source, s *catalog.Selected, o sorting) error {
	nodes := b.nodes
	for i, p := range b.dialect.SearchPlaces(src.catalog.Num) {
		if i > 0 {
			b.nodes = nodes // the same conditions
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", columns, ", s.place AS place FROM (SELECT ", p.place, " AS place")
		b.searchFrom(p, o.lead.fold, []int{o.lead.slot})
		b.add(") s CROSS JOIN ", recordTable(src.catalog.Num), " ", src.alias, " ON ", src.id(), " = s.place >> ")
		b.int(slotBits)
		b.add(" WHERE ")
		if err := b.matches(src, s, o); err != nil {
			return err
		}
	}
	return nil
}
