package store

import (
	"slices"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Records in the order of their titles are found in one of two ways: along the
// index of titles, looking up each record, or by sorting those that a condition
// lists. Without statistics SQLite cannot tell which is better.

// walkTitles works out the way for an order of titles that an index can serve.
func (o *sorting) walkTitles(s *catalog.Selected) {
	o.inTitles = inTitlesAlone(s)
	o.walksTitles = o.inTitles || s.Search == (query.Search{}) && !leads(s.Where)
}

// walkedTitles is how many titles are looked through for a text before all
// records that have it are listed.
const walkedTitles = 20_000

// firstTitles adds a SELECT of the first titles of a catalog.
func (b *builder) firstTitles(src source, o sorting) {
	b.add("(SELECT ref, catalog, key, fold FROM titles WHERE catalog = ")
	b.int(int64(src.catalog.Num))
	b.orderBy("key", "ref", o)
	b.limit(walkedTitles, 0)
	b.add(")")
}

// inTitlesAlone tells whether a search is for titles only, and too short for an
// index to find them: then it is likely that the next title has it.
func inTitlesAlone(s *catalog.Selected) bool {
	fold := s.Search.Fold
	if fold == "" || s.Search.Digits != "" || !storable(fold) || utf8.RuneCountInString(fold) >= ftsCharacters {
		return false
	}
	other := func(f *catalog.Field) bool { return f != s.Catalog.Title() }
	return s.SearchTitle && len(s.SearchLinks) == 0 && !slices.ContainsFunc(s.SearchFields, other)
}

// leads tells whether a condition is a list of records, or is in one with others:
// then these are looked up and sorted, and not found by the way in an order.
func leads(n query.Node) bool {
	switch n := n.(type) {
	case query.And:
		return slices.ContainsFunc(n, leads)
	case query.Or:
		return len(n) > 0 && !slices.ContainsFunc(n, func(e query.Node) bool { return !leads(e) })
	case query.Among, query.LinkedBy:
		return true
	case query.Cond:
		switch n.Test.(type) {
		case query.LinksAny, query.LinksWhere, query.LinksLike, query.Substring:
			return true
		}
	}
	return false
}
