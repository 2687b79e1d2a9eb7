package store

import (
	"context"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// pagePart is which records of a selection a statement reads.
type pagePart int

const (
	everything  pagePart = iota
	presentOnly          // those with a value in the field that is sorted by
	emptyOnly            // those without
)

// Select reads a page of records.
func (t *tx) Select(ctx context.Context, s *catalog.Selected) (*catalog.Page, error) {
	plan := t.company.reads.of(s.Catalog, s.Columns)
	p := plan.reader()
	if s.Limit <= 0 {
		return p.page, nil
	}
	o, err := newSorting(t.conn.Dialect(), source{s.Catalog, recordAlias}, s)
	if err == nil {
		err = t.findTitles(ctx, s, &o)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case o.nowhere(s):
	case o.inTitles:
		// The first titles are likely to have enough of what is looked for.
		first := plan.reader()
		if err = t.readPart(ctx, s, o, everything, s.Offset, plan, first); err != nil || first.page.Len() == s.Limit {
			return first.page, err
		}
		o.inTitles, o.walksTitles = false, false
		t.ending()
		err = t.readPart(ctx, s, o, everything, s.Offset, plan, p)
	case t.walkable(s, &o):
		err = t.readWalk(ctx, s, o, plan, p)
	case o.split:
		err = t.readSplit(ctx, s, o, plan, p)
	default:
		t.ending()
		err = t.readPart(ctx, s, o, everything, s.Offset, plan, p)
	}
	if err != nil {
		return nil, err
	}
	return p.page, nil
}

// readPart adds the records of a part to the page, until it is full.
func (t *tx) readPart(ctx context.Context, s *catalog.Selected, o sorting, part pagePart, offset int,
	plan *readPlan, p *pageReader,
) error {
	b, err := compilePage(t.conn.Dialect(), plan.list, s, o, part, s.Limit, offset)
	if err != nil {
		return err
	}
	return t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		if p.page.Len() == s.Limit {
			return errStop
		}
		return p.add(r)
	})
}

// readSplit reads the records with a value in the sorted field, and if they do
// not fill the page, those without.
func (t *tx) readSplit(ctx context.Context, s *catalog.Selected, o sorting, plan *readPlan, p *pageReader) error {
	if err := t.readPart(ctx, s, o, presentOnly, s.Offset, plan, p); err != nil {
		return err
	}
	n := p.page.Len()
	if n == s.Limit {
		return nil
	}
	present := int64(s.Offset + n)
	if n == 0 && s.Offset > 0 {
		var err error
		if present, err = t.count(ctx, s, o, presentOnly); err != nil {
			return err
		}
	}
	return t.readPart(ctx, s, o, emptyOnly, max(s.Offset-int(present), 0), plan, p)
}

// Count counts the records that match.
func (t *tx) Count(ctx context.Context, s *catalog.Selected) (int64, error) {
	return t.count(ctx, s, sorting{}, everything)
}

func (t *tx) count(ctx context.Context, s *catalog.Selected, o sorting, part pagePart) (n int64, err error) {
	b := newBuilder(t.conn.Dialect(), s.Structure)
	src := b.alias(s.Catalog)
	b.add("SELECT count(*)")
	if err := b.fromWhere(src, s, o, part); err != nil {
		return 0, err
	}
	err = t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		n = r.Int(0)
		return nil
	})
	return n, err
}

// compilePage writes the statement for a page of columns list, or for a part of
// it. From the second page on, and where an order must be worked out, the
// numbers of the page are found first: then a record that is skipped costs no
// more than that.
func compilePage(d dialect, list string, s *catalog.Selected, o sorting, part pagePart, limit, offset int) (*builder, error) {
	b := newBuilder(d, s.Structure)
	src := b.alias(s.Catalog)
	if o.titlesAlone && !o.inTitles {
		return b, b.titled(list, src, s, o, limit, offset)
	}
	if offset == 0 && !o.computed {
		return b, b.ordered(list, src, s, o, part, limit, offset)
	}
	b.add("SELECT ", list, " FROM (")
	key, columns := "", "r.id AS id"
	if o.expr != "" && part != emptyOnly {
		key, columns = "p.place", columns+", "+o.expr+" AS place"
	}
	for i := range o.then {
		columns += ", " + o.then[i].expr + " AS " + thenPlace(i)
	}
	if err := b.ordered(columns, src, s, o, part, limit, offset); err != nil {
		return nil, err
	}
	b.add(") p JOIN ", recordTable(s.Catalog.Num), " r ON r.id = p.id")
	b.orderBy(key, "p.id", o)
	return b, nil
}

// ordered adds a SELECT of the columns of a page, in its order.
func (b *builder) ordered(columns string, src source, s *catalog.Selected, o sorting, part pagePart, limit, offset int) error {
	var err error
	if o.lead != nil {
		err = b.streamed(columns, src, s, o)
	} else {
		b.add("SELECT ", columns)
		b.bind(o.args...)
		for i := range o.then {
			b.bind(o.then[i].args...)
		}
		err = b.fromWhere(src, s, o, part)
	}
	if err != nil {
		return err
	}
	key := o.expr
	switch {
	case part == emptyOnly:
		key = ""
	case len(o.args) > 0:
		key = "place"
	}
	b.orderBy(key, o.tie(src), o)
	b.limit(limit, offset)
	return nil
}

// limit adds how many rows are wanted. Their number is not an argument:
// PostgreSQL, once it plans for arguments that it does not know, would take it
// for a tenth of all there are and prepare for an early end.
func (b *builder) limit(limit, offset int) {
	b.add(" LIMIT ")
	b.int(int64(limit))
	if offset > 0 {
		b.add(" OFFSET ?")
		b.bind(offset)
	}
}

// fromWhere adds the records that match and belong to the part.
func (b *builder) fromWhere(src source, s *catalog.Selected, o sorting, part pagePart) error {
	b.add(" FROM ", recordTable(src.catalog.Num), " ", src.alias)
	base := strconv.FormatInt(int64(query.MakeRef(src.catalog.Num, 0)), 10)
	switch {
	case o.inTitles:
		b.add(" JOIN ")
		b.firstTitles(src, o)
		b.add(" t ON ", b.dialect.TitleWalk("t.ref", src.id(), base))
	case o.walksTitles:
		b.add(" JOIN titles t ON ", b.dialect.TitleWalk("t.ref", src.id(), base))
	case o.title:
		b.add(" JOIN titles t ON t.ref = ", src.id(), " + ", base)
	}
	b.add(" WHERE ")
	if err := b.matches(src, s, o); err != nil {
		return err
	}
	switch {
	case o.walksTitles: // leads the index that has the order
		b.add(" AND t.catalog = ")
		b.int(int64(src.catalog.Num))
	case part == presentOnly:
		b.add(" AND ", o.expr, " IS NOT NULL")
	case part == emptyOnly:
		b.add(" AND ", o.expr, " IS NULL")
	}
	return nil
}

// matches adds the whole condition of a selection.
func (b *builder) matches(src source, s *catalog.Selected, o sorting) error {
	where := s.Where
	if o.lead != nil {
		where = o.rest
	}
	if err := b.node(src, where); err != nil {
		return err
	}
	switch {
	case s.Search == (query.Search{}):
		return nil
	case o.inTitles:
		b.add(" AND ")
		b.contains("t.fold", s.Search.Fold)
		return nil
	}
	b.add(" AND ")
	return b.search(src, s, o.found)
}
