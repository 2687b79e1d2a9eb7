package store

import (
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// sorting is how the statement sorts records. The zero sorting is by number.
type sorting struct {
	expr     string // SQL; "" for the number itself
	args     []any  // of expr; it is computed, then
	title    bool   // expr is of titles t, to be joined
	desc     bool
	computed bool // no index can serve expr
	// nullsLast is set when expr may be NULL and the database is to put those
	// records last, for which it must sort.
	nullsLast bool
	// split is set instead when an index could serve the order but for the place
	// of the empty ones: PostgreSQL has them first in descending order, SQLite
	// in ascending. The page is then read in two parts; see readSplit.
	split bool
	// then are the orders of records that are alike; each has an expr. The statement
	// sorts then.
	then []sorting
	// walk is the choice field whose options have another order than their
	// numbers; see readWalk.
	walk *catalog.Field
	// walksTitles is set when the statement follows the index of titles, inTitles
	// when it looks for the searched text in them on the way; see walkTitles.
	walksTitles, inTitles bool
	// walked is how many titles are looked through, then.
	walked int
	// found are the records with the searched text, when they are known;
	// titlesAlone is set when titles say all about which records the page has.
	found       []int64
	titlesAlone bool
	// lead is set when the order is that of a search, and rest is the condition
	// without it; see streamed.
	lead *leadingSearch
	rest query.Node
}

// newSorting works out the order of records of src.
func newSorting(d dialect, src source, s *catalog.Selected) (sorting, error) {
	o, err := sortingOf(d, src, s)
	if err == nil && len(s.Visible) > 0 {
		err = o.hide(d, src, s)
	}
	if err == nil && s.Sort.By != query.ByID {
		err = o.goOn(d, src, s)
	}
	if o.title && !o.computed {
		o.walkTitles(s)
	}
	return o, err
}

// goOn adds the orders of records that are alike.
func (o *sorting) goOn(d dialect, src source, s *catalog.Selected) error {
	one := *s
	one.Search, one.Where = query.Search{}, nil
	for _, one.Sort = range s.Then {
		if one.Sort.By == query.ByID {
			o.then = append(o.then, sorting{expr: src.id(), desc: one.Sort.Desc})
			break
		}
		next, err := sortingOf(d, src, &one)
		if err == nil && len(s.Visible) > 0 {
			err = next.hide(d, src, &one)
		}
		if err != nil {
			return err
		}
		o.then, o.title = append(o.then, next), o.title || next.title
	}
	if len(o.then) > 0 {
		o.computed, o.walk = true, nil
	}
	return nil
}

// thenPlace is the column of the order number i of then.
func thenPlace(i int) string { return "place" + strconv.Itoa(i+1) }

func sortingOf(d dialect, src source, s *catalog.Selected) (sorting, error) {
	o := sorting{desc: s.Sort.Desc}
	switch s.Sort.By {
	case query.ByID:
		o.stream(d, src, s.Where)
	case query.ByTitle:
		o.expr, o.title = "t.key", true
	case query.ByCreated:
		o.expr = src.alias + ".created"
	case query.ByUpdated:
		o.expr = src.alias + ".updated"
	case query.ByField:
		f := src.catalog.Field(s.Sort.Field)
		if f == nil {
			return o, fault.New(fault.UnknownField, "There is no such field to sort by")
		}
		return o, o.byField(d, src, f, s.Where)
	}
	return o, nil
}

// byField sets the order by a field's value. No index serves options whose order
// was changed (see readWalk), and several options or links: these look up another
// table for every record that matches.
func (o *sorting) byField(d dialect, src source, f *catalog.Field, where query.Node) error {
	storage := storageOf(f)
	switch storage {
	case catalog.NoStorage:
		return fault.New(fault.InvalidParameter, "The field %s cannot be sorted by", f.Name)
	case catalog.TextStorage, catalog.JSONStorage, catalog.FilesStorage:
		o.expr = src.key(f)
	case catalog.FloatStorage, catalog.WholeStorage, catalog.TimeStorage:
		o.expr = src.value(f)
	case catalog.BoolStorage:
		o.expr = switchValue(src.value(f))
		return nil
	case catalog.ItemStorage:
		o.expr = itemPlace(src.value(f), f)
		if o.expr != src.value(f) {
			o.computed, o.walk = true, f
		}
	case catalog.ItemsStorage:
		o.expr, o.computed = firstItem(src, f), true
	case catalog.LinksStorage:
		o.expr, o.computed = firstTitle(src, f), true
	}
	o.nullsLast = o.computed
	o.split = !o.computed && !d.EmptyLast(o.desc) && (storage.HasKey() || !excludesEmpty(where, f.Num))
	return nil
}

// switchValue takes an empty switch for one that is off. Indexes over switches
// are over this.
func switchValue(expr string) string { return "COALESCE(" + expr + ", 0)" }

// itemPlace is the place of an item in the config: the item itself while the
// numbers ascend there, so that an index on the column is one on the order.
func itemPlace(expr string, f *catalog.Field) string {
	items := f.Config.Items
	if slices.IsSortedFunc(items, func(a, b catalog.Item) int { return int(a.Num - b.Num) }) {
		return expr
	}
	sql := append([]byte("CASE "), expr...)
	for i, item := range items {
		sql = append(sql, " WHEN "...)
		sql = strconv.AppendInt(sql, int64(item.Num), 10)
		sql = append(sql, " THEN "...)
		sql = strconv.AppendInt(sql, int64(i), 10)
	}
	return string(append(sql, " END"...))
}

func firstItem(src source, f *catalog.Field) string {
	return "(SELECT min(" + itemPlace("l.target", f) + ") FROM refs l WHERE l.field = " +
		strconv.FormatInt(int64(f.Num), 10) + " AND l.record = " + src.id() + ")"
}

func firstTitle(src source, f *catalog.Field) string {
	return "(SELECT k.key" + fromFirstTitle(src, f)
}

func fromFirstTitle(src source, f *catalog.Field) string {
	return " FROM refs l JOIN titles k ON k.ref = l.target WHERE l.field = " +
		strconv.FormatInt(int64(f.Num), 10) + " AND l.record = " + src.id() + " AND l.position = 0)"
}

// firstSeenTitle adds firstTitle where not all titles are seen.
func (b *builder) firstSeenTitle(src source, f *catalog.Field, titles []sight) {
	b.add("(SELECT CASE WHEN ")
	b.seesTitle("k.ref", titles)
	b.add(" THEN k.key END", fromFirstTitle(src, f))
}

// hide lets records on which the field is hidden sort as if it were empty there,
// and titles that are hidden as if there were none. No index serves that.
func (o *sorting) hide(d dialect, src source, s *catalog.Selected) error {
	b := newProbe(d, s.Structure)
	var f *catalog.Field
	switch s.Sort.By {
	case query.ByTitle:
		f = src.catalog.Title()
	case query.ByField:
		f = src.catalog.Field(s.Sort.Field)
	}
	if f == nil {
		return nil
	}
	n, limited := s.Visible[f.Num]
	if limited {
		b.add("CASE WHEN ")
		if err := b.node(src, n); err != nil {
			return err
		}
		b.add(" THEN ")
	}
	titles, err := b.titleSights(s.Visible)
	if err != nil {
		return err
	}
	linked := s.Sort.By == query.ByField && storageOf(f) == catalog.LinksStorage && len(titles) > 0
	switch {
	case linked:
		b.firstSeenTitle(src, f, titles)
	case limited:
		b.add(o.expr)
	default:
		return nil
	}
	off := s.Sort.By == query.ByField && storageOf(f) == catalog.BoolStorage
	if limited && off {
		b.add(" ELSE 0")
	}
	if limited {
		b.add(" END")
	}
	o.expr, o.args, o.computed, o.nullsLast, o.split, o.walk = string(b.sql), b.args, true, !off, false, nil
	return nil
}

// excludesEmpty tells whether only records with a value in the field, which
// sorts by the value itself, can satisfy the condition.
func excludesEmpty(n query.Node, f query.Field) bool {
	switch n := n.(type) {
	case query.And:
		return slices.ContainsFunc(n, func(e query.Node) bool { return excludesEmpty(e, f) })
	case query.Or:
		return !slices.ContainsFunc(n, func(e query.Node) bool { return !excludesEmpty(e, f) })
	case query.Not:
		c, ok := n.Node.(query.Cond)
		_, empty := c.Test.(query.Empty)
		return ok && empty && c.Field == f
	case query.Cond:
		_, empty := n.Test.(query.Empty)
		return !empty && n.Field == f
	}
	return false
}

// tie is the column that breaks ties. It is the last of the index that serves
// the order.
func (o *sorting) tie(src source) string {
	switch {
	case o.title:
		return "t.ref"
	case o.lead != nil:
		return "place"
	}
	return src.id()
}

// orderBy adds the ORDER BY clause: by key, when there is one, and by tie.
func (b *builder) orderBy(key, tie string, o sorting) {
	direction := ""
	if o.desc {
		direction = " DESC"
	}
	b.add(" ORDER BY ")
	if key != "" {
		b.add(key, direction)
		if o.nullsLast {
			b.add(" NULLS LAST")
		}
		b.add(", ")
	}
	for i := range o.then {
		b.add(thenPlace(i))
		if o.then[i].desc {
			b.add(" DESC")
		}
		b.add(" NULLS LAST, ")
	}
	b.add(tie, direction)
}
