package store

import (
	"encoding/hex"
	"slices"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

const (
	// maxPattern bounds a pattern in bytes: SQLite takes none above 50,000, and one
	// grows when it is written for it.
	maxPattern = 10_000
	// maxPhrases bounds the texts that a search index is asked for at once: those that
	// are alike (all of one domain) each cost a look at whatever is like them.
	maxPhrases = 8
)

// textCond adds a test of texts.
func (b *builder) textCond(src source, f *catalog.Field, t query.Test) error {
	switch t := t.(type) {
	case query.TextIs:
		b.textIs(src, f, t)
	case query.TextLike:
		return b.textLike(src, f, t)
	case query.TextRange:
		b.textRange(src, f, t)
	}
	return nil
}

// textIs looks texts up by their sort keys, which an index may be over.
func (b *builder) textIs(src source, f *catalog.Field, list []string) {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !storable(s) })
	switch {
	case len(list) == 0:
		b.add("FALSE")
	case storageOf(f) == catalog.TextStorage:
		key := func(s string) []byte { return f.Type.Key(f, catalog.Text(s)) }
		b.sortedTexts(src.key(f), src.value(f), list, key)
	default:
		b.entryIs(src, f, list)
	}
}

// sortedTexts adds the condition that value, whose sort key is the column key, is
// among some texts.
func (b *builder) sortedTexts(key, value string, list []string, of func(string) []byte) {
	var keys [][]byte
	var keyed, bare []string // bare have nothing to sort by
	for _, s := range list {
		if k := of(s); len(k) > 0 {
			keys, keyed = append(keys, k), append(keyed, s)
		} else {
			bare = append(bare, s)
		}
	}
	both := len(keyed) > 0 && len(bare) > 0
	b.add("(")
	if len(keyed) > 0 {
		b.amongBytes(key, keys)
		b.add(" AND ")
		b.amongTexts(value, keyed)
	}
	if both {
		b.add(" OR ")
	}
	if len(bare) > 0 {
		b.add(key, " IS NULL AND ")
		b.amongTexts(value, bare)
	}
	b.add(")")
}

// amongBytes adds the condition that expr is one of some sequences of bytes.
func (b *builder) amongBytes(expr string, list [][]byte) {
	if len(list) == 1 {
		b.add(expr, " = ?")
		b.bind(list[0])
		return
	}
	texts := make([]string, len(list))
	for i, k := range list {
		texts[i] = hex.EncodeToString(k)
	}
	slices.Sort(texts)
	b.add(b.dialect.AnyBytes(expr))
	b.bind(jsonTexts(slices.Compact(texts)))
}

// entryIs adds the condition that an entry, or the address, is among some texts.
// The search index tells which records may have one. Contacts are a list of their own,
// so that the texts are read once and not for each record.
func (b *builder) entryIs(src source, f *catalog.Field, list []string) {
	is := func(expr string) { b.amongTexts(expr, list) }
	folds := phrases(list)
	switch {
	case b.probe:
		b.entries(src.value(f), f, is)
	case !hasEntries(f):
		b.add("(")
		b.mayHave(src.id(), src.catalog, f, folds)
		b.entries(src.value(f), f, is)
		b.add(")")
	default:
		of := source{src.catalog, "c"}
		from, entry := b.dialect.Contacts(of.value(f))
		b.add(src.id(), " IN (SELECT c.id FROM ", recordTable(src.catalog.Num), " c CROSS JOIN ", from, " WHERE ")
		b.mayHave(of.id(), src.catalog, f, folds)
		is(entry)
		b.add(")")
	}
}

// mayHave adds the condition, and an AND, that a record has one of some folded texts
// in a field, if the search index can tell.
func (b *builder) mayHave(id string, c *catalog.Catalog, f *catalog.Field, folds []string) {
	places := b.dialect.SearchPlaces(c.Num)
	if folds == nil || len(folds) > maxPhrases {
		return
	}
	b.add(id, " IN (")
	for i, p := range places {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", p.record, " FROM ", p.table, " WHERE ")
		if p.findsAny != nil {
			cond, arg := p.findsAny(folds)
			b.add(cond, " AND ")
			b.bind(arg)
		}
		b.oneOf(p.slot, []int{f.Slot(catalog.SearchText)})
		b.add(p.also)
	}
	b.add(") AND ")
}

// phrases are the folded texts if the search index can find all of them; else nil.
func phrases(list []string) []string {
	folds := make([]string, len(list))
	for i, s := range list {
		if folds[i] = text.Fold(s); utf8.RuneCountInString(folds[i]) < ftsCharacters {
			return nil
		}
	}
	return folds
}

// entries adds the condition that an entry of contacts, or the address, satisfies a
// test. What is no JSON, a text, is one itself.
func (b *builder) entries(value string, f *catalog.Field, test func(expr string)) {
	switch {
	case storageOf(f) == catalog.TextStorage:
		test(value)
	case !hasEntries(f):
		test(b.dialect.AddressText(value))
	default:
		from, entry := b.dialect.Contacts(value)
		b.add("EXISTS (SELECT 1 FROM ", from, " WHERE ")
		test(entry)
		b.add(")")
	}
}

// hasEntries tells whether the values are lists of texts.
func hasEntries(f *catalog.Field) bool { return f.Type.Name() == "contact" }

// matchesPattern adds the condition that expr matches a pattern.
func (b *builder) matchesPattern(expr string, p text.Pattern) {
	cond, arg := b.dialect.Matches(expr, p)
	b.add(cond)
	b.bind(arg)
}

// textLike adds the condition that a text matches a pattern. Folded texts are in the
// search rows; others are compared where they are, after the search index has told
// which may match.
func (b *builder) textLike(src source, f *catalog.Field, t query.TextLike) error {
	p, err := patternOf(t)
	switch {
	case err != nil:
		return err
	case p == nil:
		b.add("FALSE")
	case p.Everything():
		b.add(src.value(f), " IS NOT NULL")
	case t.Fold:
		b.foldLike(src, f, p)
	default:
		b.add("(")
		// What is found of a rich text is not its HTML.
		if lead := leadingLiteral(t); !b.probe && lead != "" && f.Config.Kind != catalog.KindEditor {
			b.add(src.id(), " IN (")
			b.searchRows(src.catalog, lead, []int{f.Slot(catalog.SearchText)}, false)
			b.add(") AND ")
		}
		b.entries(src.value(f), f, func(expr string) { b.matchesPattern(expr, p) })
		b.add(")")
	}
	return nil
}

// patternOf is the parsed pattern, nil for one that nothing matches.
func patternOf(t query.TextLike) (text.Pattern, error) {
	if len(t.Pattern) > maxPattern {
		return nil, fault.New(fault.InvalidFilter, "A pattern has at most %d bytes", maxPattern)
	}
	if !storable(t.Pattern) {
		return nil, nil
	}
	if t.Fold {
		t.Pattern = text.Fold(t.Pattern)
	}
	return append(text.Pattern{}, text.ParsePattern(t.Pattern)...), nil
}

// leadingLiteral is a folded text that whatever matches has, and that the search
// index can find; "" for none.
func leadingLiteral(t query.TextLike) string {
	p, err := patternOf(t)
	if err != nil {
		return ""
	}
	lead := p.LongestFolded()
	if t.Fold {
		lead = p.Longest()
	}
	if utf8.RuneCountInString(lead) < ftsCharacters {
		return ""
	}
	return lead
}

// foldLike adds the condition that a folded text, or a line of it, matches.
func (b *builder) foldLike(src source, f *catalog.Field, p text.Pattern) {
	slot := f.Slot(catalog.SearchText)
	test := func() {
		if !hasEntries(f) {
			b.matchesPattern("fold", p)
			return
		}
		from, line := b.dialect.Lines("fold")
		b.add("EXISTS (SELECT 1 FROM ", from, " WHERE ")
		b.matchesPattern(line, p)
		b.add(")")
	}
	if b.probe {
		b.add("(")
		for i, place := range b.dialect.SearchPlaces(src.catalog.Num) {
			if i > 0 {
				b.add(" OR ")
			}
			b.add("EXISTS (SELECT 1 FROM ", place.table, " WHERE ", place.at(src.id(), slot), " AND ")
			test()
			b.add(place.also, ")")
		}
		b.add(")")
		return
	}
	lead := p.Longest()
	b.add(src.id(), " IN (")
	for i, place := range b.dialect.SearchPlaces(src.catalog.Num) {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ", place.record, " FROM ", place.table, " WHERE ")
		if utf8.RuneCountInString(lead) >= ftsCharacters {
			cond, arg := place.finds(lead)
			b.add(cond, " AND ")
			b.bind(arg)
		}
		b.oneOf(place.slot, []int{slot})
		b.add(" AND ")
		test()
		b.add(place.also)
	}
	b.add(")")
}

// textRange compares sort keys.
func (b *builder) textRange(src source, f *catalog.Field, t query.TextRange) {
	key := func(s *string) any {
		if s == nil {
			return nil
		}
		if k := text.SortKey(*s); len(k) > 0 {
			return k
		}
		return nil
	}
	low, high := key(t.Min), key(t.Max)
	if t.Max != nil && high == nil { // nothing comes before it
		b.add("FALSE")
		return
	}
	b.bounds(src.key(f), low, high, t.Min != nil && t.Max != nil && *t.Min == *t.Max)
}
