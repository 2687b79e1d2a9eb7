package store

import (
	"math"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// search adds the condition of a quick search. Its parts are one list of
// records: with OR between them neither database would begin with the matches.
func (b *builder) search(src source, s *catalog.Selected, found []int64) error {
	if !storable(s.Search.Fold) || !storable(s.Search.Digits) {
		b.add("FALSE")
		return nil
	}
	b.add(src.id(), " IN (")
	if err := b.searched(s, found); err != nil {
		return err
	}
	b.add(")")
	return nil
}

// searched adds the list of the records that a quick search finds. found, unless
// it is nil, are those with the text in the title's field, and no other field is
// searched.
func (b *builder) searched(s *catalog.Selected, found []int64) error {
	fold, digits := s.Search.Fold, s.Search.Digits
	limits, err := b.searchLimits(s)
	if err != nil {
		return err
	}
	titles, err := b.titleSights(s.Visible)
	if err != nil {
		return err
	}
	own, _ := titlesIn(titles, s.Catalog.Num)
	q := &quickSearch{builder: b, s: s, titles: titles, limited: len(limits) > 0, mayHide: len(own) > 0}
	q.begin()
	switch {
	case fold == "":
	case found != nil && !q.limited:
		q.add(b.dialect.Integers())
		q.bind(found)
		q.ownTitles(fold)
	default:
		q.rows(fold, slotsOf(s.SearchFields, catalog.SearchText, catalog.SearchComment))
		q.linked(s.SearchLinks, fold)
		q.ownTitles(fold)
	}
	if digits != "" {
		q.rows(digits, slotsOf(s.SearchFields, catalog.SearchDigits))
	}
	q.end(limits)
	return nil
}

// quickSearch writes the list of records that a quick search finds.
type quickSearch struct {
	*builder
	s      *catalog.Selected
	start  int     // of the list
	titles []sight // of linked records, where they are not seen everywhere
	// limited says that the rows of the list say what the record was found by (its
	// slot, minus the number of a link field, or one of the following): where all
	// of it is looked at the list is longer than what the caller may see.
	limited bool
	// mayHide says that the record's own title may be hidden.
	mayHide bool
}

// What a record is found by besides slots, which are greater, and link fields.
const (
	byAnyTitle = iota // its title, whether it is hidden or not
	byTitle           // its title
	byNoTitle         // "#" and its public id, which is the title where it is hidden
)

func (q *quickSearch) begin() {
	if q.limited {
		q.add("WITH h (record, what) AS MATERIALIZED (")
	}
	q.start = len(q.sql)
}

// end leaves the records on which what they were found by is seen.
func (q *quickSearch) end(limits []sight) {
	switch empty := len(q.sql) == q.start; {
	case !q.limited && empty:
		q.add("NULL")
	case empty:
		q.add("SELECT 0, 0")
	}
	if !q.limited {
		return
	}
	q.add(") SELECT h.record FROM h JOIN ", recordTable(q.s.Catalog.Num), " ", visibleAlias, " ON ", visibleAlias,
		".id = h.record WHERE CASE")
	for _, l := range limits {
		q.add(" WHEN ")
		q.oneOf("h.what", l.numbers)
		q.add(" THEN ((", l.sql, ") IS TRUE) = (h.what <> ")
		q.int(byNoTitle)
		q.add(")")
		q.bind(l.args...)
	}
	q.add(" ELSE TRUE END")
}

// searchLimits are the conditions under which parts of a quick search are seen
// that are not always.
func (b *builder) searchLimits(s *catalog.Selected) ([]sight, error) {
	if len(s.Visible) == 0 {
		return nil, nil
	}
	g := &sightGroups{builder: b, catalog: s.Catalog, visible: s.Visible}
	for _, f := range s.SearchFields {
		g.put(f, slotsOf([]*catalog.Field{f}, catalog.SearchText, catalog.SearchComment, catalog.SearchDigits)...)
	}
	for _, f := range s.SearchLinks {
		g.put(f, -int(f.Num))
	}
	if title := s.Catalog.Title(); s.SearchTitle && title != nil {
		g.put(title, byTitle, byNoTitle)
	}
	return g.list, g.err
}

// union begins another part of the list.
func (q *quickSearch) union() {
	if len(q.sql) > q.start {
		q.add(" UNION ALL ")
	}
}

func (q *quickSearch) rows(fold string, slots []int) {
	if len(slots) > 0 {
		q.union()
		q.searchRows(q.s.Catalog, fold, slots, q.limited)
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

// linked adds the records that link one with such a title. The titles of
// the catalogs that the fields have as sources are read in a row; what links
// elsewhere (a source that was taken from the field) is looked up by its link.
func (q *quickSearch) linked(fields []*catalog.Field, fold string) {
	if len(fields) == 0 {
		return
	}
	numbers := make([]int, len(fields))
	for i, f := range fields {
		numbers[i] = int(f.Num)
	}
	columns := "SELECT l.record"
	if q.limited {
		columns += ", -l.field"
	}
	sources := sourcesOf(fields)
	titles, others := titlesIn(q.titles, sources...)
	if len(sources) > 0 {
		q.union()
		q.add(columns, " FROM refs l WHERE ")
		q.oneOf("l.field", numbers)
		q.add(" AND l.target IN (SELECT t.ref FROM titles t WHERE ")
		q.inCatalogs("t.ref", sources)
		q.add(" AND ")
		q.inTitle(fold, titles)
		q.add(")")
	}
	q.union()
	q.add(columns, " FROM refs l JOIN titles t ON t.ref = l.target WHERE (")
	from := query.MakeRef(0, 0)
	for _, c := range sources {
		if first := query.MakeRef(c, 0); from < first {
			q.linkRange(numbers, from, first-1)
			q.add(" OR ")
		}
		from = query.MakeRef(c, query.MaxRecord) + 1
	}
	q.linkRange(numbers, from, math.MaxInt64)
	q.add(") AND ")
	q.inTitle(fold, others)
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

// ownTitles adds the records with such a title of their own. Where the title
// field is searched anyway, only titles that are not its value are left.
func (q *quickSearch) ownTitles(fold string) {
	if !q.s.SearchTitle {
		return
	}
	base := numbered("", int64(query.MakeRef(q.s.Catalog.Num, 0)))
	if !inTitleField(q.s, fold) {
		q.union()
		q.add("SELECT t.ref - ", base)
		q.titleWhat(fold)
		q.add(" FROM titles t WHERE ")
		if searchesTitle(q.s) && !q.mayHide && isNumber(fold) {
			q.madeTitles()
		} else {
			q.inCatalog("t.ref", q.s.Catalog.Num)
		}
		q.add(" AND ")
		q.inAnyTitle(fold)
		return
	}
	if inPublicID(fold) {
		q.union()
		q.add("SELECT c.id")
		q.titleWhat(fold)
		q.add(" FROM ", recordTable(q.s.Catalog.Num), " c JOIN titles t ON t.ref = c.id + ", base,
			" WHERE c.code IS NOT NULL AND ")
		q.inAnyTitle(fold)
	}
}

// searchesTitle tells whether the value that titles are made of is searched.
func searchesTitle(s *catalog.Selected) bool {
	f := s.Catalog.Title()
	return f != nil && slices.Contains(s.SearchFields, f)
}

// madeTitles adds the condition that a title is "#" and a public id, or at least
// begins so: these are in a row.
func (q *quickSearch) madeTitles() {
	first := text.SortKey("#")
	last := append(slices.Clip(first), 0xff)
	q.add("t.catalog = ")
	q.int(int64(q.s.Catalog.Num))
	q.add(" AND t.key BETWEEN ? AND ?")
	q.bind(first, last)
}

// inAnyTitle adds the condition that the text is in the title of a row t of
// titles, or in the one that is shown where that is hidden.
func (q *quickSearch) inAnyTitle(fold string) {
	if !q.mayHide || !inPublicID(fold) {
		q.contains("t.fold", fold)
		return
	}
	q.add("(")
	q.contains("t.fold", fold)
	q.add(" OR ")
	q.contains(publicID, fold)
	q.add(")")
}

// titleWhat adds the column of what inAnyTitle has found.
func (q *quickSearch) titleWhat(fold string) {
	switch {
	case !q.limited:
		return
	case !q.mayHide || !inPublicID(fold):
		q.add(", ")
		q.int(byTitle)
		return
	}
	q.add(", CASE WHEN ")
	q.contains("t.fold", fold)
	q.add(" THEN CASE WHEN ")
	q.contains(publicID, fold)
	q.add(" THEN ")
	q.int(byAnyTitle)
	q.add(" ELSE ")
	q.int(byTitle)
	q.add(" END ELSE ")
	q.int(byNoTitle)
	q.add(" END")
}

// inPublicID tells whether the text can be in "#" and a public id.
func inPublicID(fold string) bool { return strings.Trim(fold, codeChars) == "" }

// codeChars are the folded characters of "#" and a custom id.
const codeChars = "#$-_0123456789abcdefghijklmnopqrstuvwxyz"

// isNumber tells whether the text can be in "#" and a number.
func isNumber(fold string) bool { return strings.Trim(fold, "#0123456789") == "" }

// inTitleField tells whether a title with the text in it can only be the value
// of a field that is searched anyway, or "#" and a custom id. Titles have a
// space for each line break of the value, and are "#" and the record's id where
// there is none.
func inTitleField(s *catalog.Selected, fold string) bool {
	if !searchesTitle(s) || isNumber(fold) {
		return false
	}
	return s.Catalog.Title().Config.Kind != catalog.KindMultiline || !strings.Contains(fold, " ")
}
