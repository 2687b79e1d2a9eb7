package store

import (
	"strings"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// titledBy adds the condition that the record's title, as it is seen, satisfies a test.
// Titles are rows of their own: t is that of the record.
func (b *builder) titledBy(src source, n query.Titled) error {
	test, err := b.titleTest(src, n.Test)
	if err != nil {
		return err
	}
	if test == nil {
		b.add("FALSE")
		return nil
	}
	base := numbered("", int64(query.MakeRef(src.catalog.Num, 0)))
	if b.probe {
		b.add("EXISTS (SELECT 1 FROM titles t WHERE t.ref = ", src.id(), " + ", base, " AND ")
	} else {
		b.add(src.id(), " IN (SELECT t.ref - ", base, " FROM titles t WHERE t.catalog = ")
		b.int(int64(src.catalog.Num))
		b.add(" AND ")
	}
	if n.Seen == nil {
		test.title()
		b.add(")")
		return nil
	}
	seen, err := b.sightOf(src.catalog, n.Seen)
	if err != nil {
		return err
	}
	b.seenTitle(test, []sight{seen})
	b.add(")")
	return nil
}

// seenTitle adds the condition that a title which may be hidden satisfies a test.
func (b *builder) seenTitle(test *titleTest, seen []sight) {
	if test.made == nil {
		test.title()
		b.add(" AND ")
		b.seesTitle("t.ref", seen)
		return
	}
	b.add("(")
	test.title()
	b.add(" OR ")
	test.made()
	b.add(") AND CASE WHEN ")
	b.seesTitle("t.ref", seen)
	b.add(" THEN ")
	test.title()
	b.add(" ELSE ")
	test.made()
	b.add(" END")
}

// titleTest adds conditions on a row t of titles: that its title satisfies the test,
// and that "#" and the record's public id does, nil if that cannot be.
type titleTest struct{ title, made func() }

// titleTest is nil for a test that no title satisfies.
func (b *builder) titleTest(src source, t query.Test) (*titleTest, error) {
	switch t := t.(type) {
	case query.TextIs:
		return b.titleIs(t), nil
	case query.TextLike:
		p, err := patternOf(t)
		if p == nil {
			return nil, err
		}
		return b.titleLike(src, t, p), nil
	}
	return nil, unknownKind()
}

func (b *builder) titleIs(list []string) *titleTest {
	var known, ids []string
	for _, s := range list {
		if !storable(s) || s == "" {
			continue
		}
		known = append(known, s)
		if s[0] == '#' && inPublicID(text.Fold(s)) {
			ids = append(ids, s)
		}
	}
	if len(known) == 0 {
		return nil
	}
	test := &titleTest{title: func() { b.sortedTexts("t.key", "t.title", known, text.SortKey) }}
	if len(ids) > 0 {
		test.made = func() { b.amongTexts(rawPublicID, ids) }
	}
	return test
}

func (b *builder) titleLike(src source, t query.TextLike, p text.Pattern) *titleTest {
	column, id := "t.title", rawPublicID
	if t.Fold {
		column, id = "t.fold", publicID
	}
	lead := titleLead(src.catalog, t)
	test := &titleTest{title: func() {
		b.add("(")
		if lead != "" && !b.probe {
			b.mayBeTitled(src, lead, inPublicIDs(p))
			b.add(" AND ")
		}
		b.matchesPattern(column, p)
		b.add(")")
	}}
	if inPublicIDs(p) {
		test.made = func() { b.matchesPattern("("+id+")", p) }
	}
	return test
}

// inPublicIDs tells whether "#" and a public id may match.
func inPublicIDs(p text.Pattern) bool {
	for _, part := range p {
		if !inPublicID(text.Fold(part.Text)) {
			return false
		}
	}
	return true
}

// titleLead is a folded text by which the values of the title's field that may match
// are found; "" for none. A title has a space for each line break.
func titleLead(c *catalog.Catalog, t query.TextLike) (longest string) {
	if c.Title() == nil {
		return ""
	}
	for _, s := range strings.Split(leadingLiteral(t), " ") {
		if n := utf8.RuneCountInString(s); n >= ftsCharacters && n > utf8.RuneCountInString(longest) {
			longest = s
		}
	}
	return longest
}

// mayBeTitled adds the condition that a row t of titles is of a record whose title's
// value has the text, or, if made, has a title that begins as "#" and a public id do.
func (b *builder) mayBeTitled(src source, lead string, made bool) {
	b.add("t.ref IN (SELECT ")
	b.refs("h.record", src.catalog.Num)
	b.add(" FROM (")
	for i, p := range b.dialect.SearchPlaces(src.catalog.Num) {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", p.record, " AS record")
		b.searchFrom(p, lead, []int{src.catalog.Title().Slot(catalog.SearchText)})
	}
	b.add(") h")
	if made {
		first := text.SortKey("#")
		b.add(" UNION ALL SELECT m.ref FROM titles m WHERE m.catalog = ")
		b.int(int64(src.catalog.Num))
		b.add(" AND m.key BETWEEN ? AND ?")
		b.bind(first, append(first[:len(first):len(first)], 0xff))
	}
	b.add(")")
}
