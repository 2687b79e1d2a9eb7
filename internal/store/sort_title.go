package store

import (
	"context"
	"slices"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Records in the order of their titles are found in one of two ways: along the
// index of titles, looking up each record, or by sorting those that a condition
// lists. Without statistics SQLite cannot tell which is better.

// walkTitles works out the way for an order of titles that an index can serve.
// A text that is too short for an index is likely to be in the next title.
func (o *sorting) walkTitles(s *catalog.Selected) {
	short := utf8.RuneCountInString(s.Search.Fold) < ftsCharacters
	o.inTitles, o.walked = short && inTitlesAlone(s), walkedTitles
	o.walksTitles = o.inTitles || s.Search == (query.Search{}) && !leads(s.Where)
}

// manyTitles is how many records have a text when it is likely to be in one of
// the next titles, too: then these are looked through first.
const manyTitles = 2_000

// findTitles looks for what is searched in titles before the rest of the
// statement is written: where many have it, the order is that of titles. It is
// for a database that does not work that out by itself.
func (t *tx) findTitles(ctx context.Context, s *catalog.Selected, o *sorting) error {
	fold := s.Search.Fold
	if !o.title || o.computed || o.inTitles || !inTitlesAlone(s) || !searchesTitle(s) || !t.conn.Dialect().FindsInOrder(fold) {
		return nil
	}
	b := newBuilder(t.conn.Dialect(), s.Structure)
	b.searchRows(s.Catalog, fold, slotsOf(s.SearchFields, catalog.SearchText), false)
	b.limit(manyTitles, 0)
	o.found = []int64{}
	err := t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		o.found = append(o.found, r.Int(0))
		return nil
	})
	if len(o.found) == manyTitles {
		o.found, o.inTitles, o.walksTitles, o.walked = nil, true, true, walkedOften
	}
	o.titlesAlone = s.Where == nil && len(s.Visible) == 0
	return err
}

// nowhere tells whether no title has what is searched, not even one that is made
// of a public id.
func (o *sorting) nowhere(s *catalog.Selected) bool {
	fold := s.Search.Fold
	return o.titlesAlone && o.found != nil && len(o.found) == 0 && inTitleField(s, fold) && !inPublicID(fold)
}

// titled writes the statement of a page for which titles are enough: the records
// themselves are looked up for the page only.
func (b *builder) titled(list string, src source, s *catalog.Selected, o sorting, limit, offset int) error {
	base := numbered("", int64(query.MakeRef(src.catalog.Num, 0)))
	b.add("SELECT ", list, " FROM (SELECT t.ref - ", base, " AS id, t.key AS place FROM titles t WHERE t.ref IN (WITH h (record) AS (")
	if err := b.searched(s, o.found); err != nil {
		return err
	}
	b.add(") SELECT ", base, " + record FROM h) AND t.removed = 0")
	b.orderBy("t.key", "t.ref", o)
	b.limit(limit, offset)
	b.add(") p JOIN ", recordTable(src.catalog.Num), " ", src.alias, " ON ", src.id(), " = p.id")
	b.orderBy("p.place", "p.id", o)
	return nil
}

// walkedTitles is how many titles are looked through for a text before all
// records that have it are listed; walkedOften is that for a text of which it is
// known that many have it.
const walkedTitles, walkedOften = 20_000, 2_000

// firstTitles adds a SELECT of the first titles of a catalog.
func (b *builder) firstTitles(src source, o sorting) {
	b.add("(SELECT ref, catalog, key, fold FROM titles WHERE catalog = ")
	b.int(int64(src.catalog.Num))
	b.orderBy("key", "ref", o)
	b.limit(o.walked, 0)
	b.add(")")
}

// inTitlesAlone tells whether a search is for titles only.
func inTitlesAlone(s *catalog.Selected) bool {
	fold := s.Search.Fold
	if fold == "" || s.Search.Digits != "" || !storable(fold) {
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
	case query.Among, query.LinkedBy, query.Unread:
		return true
	case query.Synced:
		return n.External != nil
	case query.Titled:
		return leadsTest(n.Test)
	case query.Cond:
		return leadsTest(n.Test)
	}
	return false
}

func leadsTest(t query.Test) bool {
	switch t := t.(type) {
	case query.LinksAny, query.LinksWhere, query.LinksLike, query.Substring, query.TextIs:
		return true
	case query.TextLike:
		return leadingLiteral(t) != ""
	}
	return false
}
