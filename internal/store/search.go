package store

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// One search row holds the text of one part of one field; see
// catalog.SearchPart. Which parts of which fields may be looked at is part of
// the condition, so a hidden field is not found by.

// substring adds the condition that a field's text contains another.
func (b *builder) substring(src source, f *catalog.Field, t query.Substring) {
	fold, part := t.Fold, catalog.SearchText
	if t.Digits != "" {
		fold, part = t.Digits, catalog.SearchDigits
	}
	if fold == "" {
		b.add(src.value(f), " IS NOT NULL")
		return
	}
	if !storable(fold) {
		b.add("FALSE")
		return
	}
	if b.probe {
		b.textOf(src, f.Slot(part), fold)
		return
	}
	b.add(src.id(), " IN (")
	b.searchRows(src.catalog, fold, []int{f.Slot(part)}, false)
	b.add(")")
}

// textOf adds the condition that the record's text in a slot contains fold.
func (b *builder) textOf(src source, slot int, fold string) {
	b.add("(")
	for i, p := range b.dialect.SearchPlaces(src.catalog.Num) {
		if i > 0 {
			b.add(" OR ")
		}
		b.add("EXISTS (SELECT 1 FROM ", p.table, " WHERE ", p.at(src.id(), slot), " AND ")
		b.contains("fold", fold)
		b.add(p.also, ")")
	}
	b.add(")")
}

// searchPlace is a table with search rows.
type searchPlace struct {
	table string
	// place is the column of a whole key that orders the rows, if there is one;
	// record and slot are its parts.
	place, record, slot string
	// at is the condition of the row of one record (its number in SQL) and slot.
	at func(id string, slot int) string
	// finds is the condition that a row's text has s in it, by index if there is
	// one and s is long enough for it, with its one argument.
	finds func(s string) (cond, arg string)
	// findsAny is finds for one of some texts, all of them long enough for an index;
	// nil without an index, where a row would be compared with each of them.
	findsAny func(list []string) (cond, arg string)
	also     string // a condition (" AND ...") of the rows that hold
}

// searchRows adds a SELECT of the records with a text that contains fold in
// one of the slots, and of that slot if it is asked for.
func (b *builder) searchRows(c *catalog.Catalog, fold string, slots []int, withSlot bool) {
	for i, p := range b.dialect.SearchPlaces(c.Num) {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", p.record)
		if withSlot {
			b.add(", ", p.slot)
		}
		b.searchFrom(p, fold, slots)
	}
}

// searchFrom adds what follows the columns of such a SELECT.
func (b *builder) searchFrom(p searchPlace, fold string, slots []int) {
	cond, arg := p.finds(fold)
	b.add(" FROM ", p.table, " WHERE ", cond, " AND ")
	b.bind(arg)
	b.oneOf(p.slot, slots)
	b.add(p.also)
}
