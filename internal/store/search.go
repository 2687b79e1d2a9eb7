package store

import (
	"math"
	"slices"
	"strings"

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
	b.add(src.id(), " IN (")
	b.searchRows(src.catalog, fold, []int{f.Slot(part)})
	b.add(")")
}

// searchPlace is a table with search rows.
type searchPlace struct {
	table string
	// place is the column of a whole key that orders the rows, if there is one;
	// record and slot are its parts.
	place, record, slot string
	// finds is the condition that a row's text has s in it, by index if there is
	// one and s is long enough for it, with its one argument.
	finds func(s string) (cond, arg string)
	also  string // a condition (" AND ...") of the rows that hold
}

// searchRows adds a SELECT of the records with a text that contains fold in
// one of the slots.
func (b *builder) searchRows(c *catalog.Catalog, fold string, slots []int) {
	for i, p := range b.dialect.SearchPlaces(c.Num) {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", p.record)
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

// search adds the condition of a quick search. Its parts are one list of
// records: with OR between them neither database would begin with the matches.
func (b *builder) search(src source, s *catalog.Selected) {
	fold, digits := s.Search.Fold, s.Search.Digits
	if !storable(fold) || !storable(digits) {
		b.add("FALSE")
		return
	}
	b.add(src.id(), " IN (")
	empty := len(b.sql)
	if fold != "" {
		b.searchPart(empty, src.catalog, fold, slotsOf(s.SearchFields, catalog.SearchText, catalog.SearchComment))
		b.searchLinked(empty, s.SearchLinks, fold)
		b.searchTitles(empty, s, fold)
	}
	if digits != "" {
		b.searchPart(empty, src.catalog, digits, slotsOf(s.SearchFields, catalog.SearchDigits))
	}
	if len(b.sql) == empty {
		b.add("NULL")
	}
	b.add(")")
}

// union separates a part of a list from those before it, which begins at start.
func (b *builder) union(start int) {
	if len(b.sql) > start {
		b.add(" UNION ALL ")
	}
}

func (b *builder) searchPart(start int, c *catalog.Catalog, fold string, slots []int) {
	if len(slots) > 0 {
		b.union(start)
		b.searchRows(c, fold, slots)
	}
}

func slotsOf(fields []*catalog.Field, parts ...catalog.SearchPart) []int {
	slots := make([]int, 0, len(fields)*len(parts))
	for _, f := range fields {
		for _, p := range parts {
			slots = append(slots, f.Slot(p))
		}
	}
	return slots
}

// searchLinked adds the records that link one with such a title. The titles of
// the catalogs that the fields have as sources are read in a row; what links
// elsewhere (a source that was taken from the field) is looked up by its link.
func (b *builder) searchLinked(start int, fields []*catalog.Field, fold string) {
	if len(fields) == 0 {
		return
	}
	numbers := make([]int, len(fields))
	for i, f := range fields {
		numbers[i] = int(f.Num)
	}
	sources := sourcesOf(fields)
	if len(sources) > 0 {
		b.union(start)
		b.add("SELECT l.record FROM refs l WHERE ")
		b.oneOf("l.field", numbers)
		b.add(" AND l.target IN (SELECT t.ref FROM titles t WHERE ")
		b.inCatalogs("t.ref", sources)
		b.add(" AND ")
		b.contains("t.fold", fold)
		b.add(")")
	}
	b.union(start)
	b.add("SELECT l.record FROM refs l JOIN titles t ON t.ref = l.target WHERE (")
	from := query.MakeRef(0, 0)
	for _, c := range sources {
		if first := query.MakeRef(c, 0); from < first {
			b.linkRange(numbers, from, first-1)
			b.add(" OR ")
		}
		from = query.MakeRef(c, query.MaxRecord) + 1
	}
	b.linkRange(numbers, from, math.MaxInt64)
	b.add(") AND ")
	b.contains("t.fold", fold)
}

// linkRange adds the condition that a link of one of the fields has a target
// between two. It is a range of the index, in a row of alternatives, too.
func (b *builder) linkRange(fields []int, first, last query.Ref) {
	b.add("(")
	b.oneOf("l.field", fields)
	b.add(" AND l.target BETWEEN ")
	b.int(int64(first))
	b.add(" AND ")
	b.int(int64(last))
	b.add(")")
}

// sourcesOf lists the catalogs that the fields may link, each once.
func sourcesOf(fields []*catalog.Field) []query.Catalog {
	var all []query.Catalog
	for _, f := range fields {
		for _, s := range f.Config.Sources {
			all = append(all, s.Catalog)
		}
		if len(f.Config.Sources) == 0 {
			all = append(all, catalog.Employees)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inCatalogs adds the condition that a Ref is of one of the catalogs, as ranges
// of the number that leads the index.
func (b *builder) inCatalogs(ref string, catalogs []query.Catalog) {
	b.add("(")
	for i, c := range catalogs {
		if i > 0 {
			b.add(" OR ")
		}
		b.inCatalog(ref, c)
	}
	b.add(")")
}

func (b *builder) inCatalog(ref string, c query.Catalog) {
	b.add(ref, " BETWEEN ")
	b.int(int64(query.MakeRef(c, 0)))
	b.add(" AND ")
	b.int(int64(query.MakeRef(c, query.MaxRecord)))
}

// searchTitles adds the records with such a title of their own. Where the title
// field is searched anyway, only titles that are not its value are left.
func (b *builder) searchTitles(start int, s *catalog.Selected, fold string) {
	if !s.SearchTitle {
		return
	}
	if !inTitleField(s, fold) {
		b.union(start)
		b.add("SELECT t.ref - ")
		b.int(int64(query.MakeRef(s.Catalog.Num, 0)))
		b.add(" FROM titles t WHERE ")
		b.inCatalog("t.ref", s.Catalog.Num)
		b.add(" AND ")
		b.contains("t.fold", fold)
		return
	}
	if strings.Trim(fold, codeChars) == "" {
		b.union(start)
		b.add("SELECT c.id FROM ", recordTable(s.Catalog.Num), " c JOIN titles t ON t.ref = c.id + ")
		b.int(int64(query.MakeRef(s.Catalog.Num, 0)))
		b.add(" WHERE c.code IS NOT NULL AND ")
		b.contains("t.fold", fold)
	}
}

// codeChars are the folded characters of "#" and a custom id.
const codeChars = "#$-_0123456789abcdefghijklmnopqrstuvwxyz"

// inTitleField tells whether a title with the text in it can only be the value
// of a field that is searched anyway, or "#" and a custom id. Titles have a
// space for each line break of the value, and are "#" and the record's id where
// there is none.
func inTitleField(s *catalog.Selected, fold string) bool {
	f := s.Catalog.Title()
	if f == nil || !slices.Contains(s.SearchFields, f) || strings.Trim(fold, "#0123456789") == "" {
		return false
	}
	return f.Config.Kind != catalog.KindMultiline || !strings.Contains(fold, " ")
}
