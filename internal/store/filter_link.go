package store

import (
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// openRefs begins the condition that the record is among those with a row in
// refs; the caller adds a condition on l.target and the closing parenthesis.
// A list of records, unlike EXISTS, lets the database begin with the targets.
func (b *builder) openRefs(src source, f *catalog.Field) {
	if b.probe {
		b.add("EXISTS (SELECT 1 FROM refs l WHERE l.record = ", src.id(), " AND l.field = ")
	} else {
		b.add(src.id(), " IN (SELECT l.record FROM refs l WHERE l.field = ")
	}
	b.int(int64(f.Num))
	b.add(" AND ")
}

// refs adds the Refs of a table's records.
func (b *builder) refs(id string, c query.Catalog) {
	b.add(id, " + ")
	b.int(int64(query.MakeRef(c, 0)))
}

func (b *builder) linksAny(src source, f *catalog.Field, links []query.Link) {
	targets, coded := b.splitLinks(links)
	b.openRefs(src, f)
	b.add("(")
	if len(targets) > 0 || len(coded) == 0 {
		b.among("l.target", targets)
	}
	for i, g := range coded {
		if i > 0 || len(targets) > 0 {
			b.add(" OR ")
		}
		b.add("l.target IN (SELECT ")
		b.refs("c.id", g.catalog)
		b.add(" FROM ", recordTable(g.catalog), " c WHERE ")
		b.amongTexts("c.code", g.codes)
		b.add(")")
	}
	b.add("))")
}

// codeGroup are custom ids of one catalog's records.
type codeGroup struct {
	catalog query.Catalog
	codes   []string
}

// splitLinks parts links by number from those by custom id. A catalog that is
// not there has no records with one.
func (b *builder) splitLinks(links []query.Link) (targets []int64, coded []codeGroup) {
	at := map[query.Catalog]int{}
	for _, l := range links {
		if l.Catalog <= 0 || l.Catalog > query.MaxCatalog {
			continue
		}
		numbers, codes := splitKeys([]query.Key{l.Key})
		for _, n := range numbers {
			targets = append(targets, int64(query.MakeRef(l.Catalog, query.Record(n))))
		}
		if len(codes) == 0 || b.st.Catalog(l.Catalog) == nil {
			continue
		}
		i, known := at[l.Catalog]
		if !known {
			i = len(coded)
			at[l.Catalog] = i
			coded = append(coded, codeGroup{catalog: l.Catalog})
		}
		coded[i].codes = append(coded[i].codes, codes...)
	}
	return targets, coded
}

// linksWhere adds the condition that the field links a live record for which
// the other condition holds.
func (b *builder) linksWhere(src source, f *catalog.Field, t query.LinksWhere) error {
	linked := b.st.Catalog(t.Catalog)
	if linked == nil {
		b.add("FALSE")
		return nil
	}
	if b.links++; b.links > b.maxLinks {
		return fault.New(fault.InvalidFilter, "The filter is nested too deeply")
	}
	defer func() { b.links-- }()
	b.openRefs(src, f)
	inner := b.alias(linked)
	table := recordTable(linked.Num) + " " + inner.alias
	if b.probe {
		b.add("EXISTS (SELECT 1 FROM ", table, " WHERE ", inner.id(), " = l.target - ")
		b.int(int64(query.MakeRef(linked.Num, 0)))
		b.add(" AND ")
	} else {
		b.add("l.target IN (SELECT ")
		b.refs(inner.id(), linked.Num)
		b.add(" FROM ", table, " WHERE ")
	}
	if err := b.node(inner, t.Where); err != nil {
		return err
	}
	b.add("))")
	return nil
}

// linksLike adds the condition that the field links what field t.Field of
// record t.Record links.
func (b *builder) linksLike(src source, f *catalog.Field, t query.LinksLike) {
	b.openRefs(src, f)
	b.add("l.target IN (SELECT m.target FROM refs m WHERE m.field = ? AND m.record = ?))")
	b.bind(int64(t.Field), int64(t.Record))
}

// linkedBy adds the condition that the record is linked from one for which
// another condition holds.
func (b *builder) linkedBy(src source, n query.LinkedBy) error {
	from := b.st.Catalog(n.Catalog)
	if from == nil || from.Field(n.Field) == nil {
		b.add("FALSE")
		return nil
	}
	if b.links++; b.links > maxFilterLinks {
		return fault.New(fault.InvalidFilter, "The filter is nested too deeply")
	}
	defer func() { b.links-- }()
	base := int64(query.MakeRef(src.catalog.Num, 0))
	b.add(src.id(), " IN (SELECT l.target - ")
	b.int(base)
	b.add(" FROM refs l WHERE ")
	b.linkRange([]int{int(n.Field)}, query.Ref(base), query.MakeRef(src.catalog.Num, query.MaxRecord))
	if list, ok := n.Where.(query.And); n.Where == nil || ok && len(list) == 0 {
		// every record that still has the link will do
		b.add(")")
		return nil
	}
	b.add(" AND l.record IN (SELECT ")
	inner := b.alias(from)
	b.add(inner.id(), " FROM ", recordTable(from.Num), " ", inner.alias, " WHERE ")
	if err := b.node(inner, n.Where); err != nil {
		return err
	}
	b.add("))")
	return nil
}
