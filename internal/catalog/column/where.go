package column

import (
	"errors"
	"math"
	"slices"
	"time"

	"kartoteka/internal/query"
)

// Leaf finds the rows of a condition that the table cannot test by itself.
type Leaf func(query.Node) (Set, error)

// Tests tells whether the table can test a condition by itself; And, Or and Not
// it can always put together. A condition on a field that is not in the table it
// cannot.
func (t *Table) Tests(n query.Node) bool {
	switch n := n.(type) {
	case nil, query.And, query.Or, query.Not:
		return true
	case query.Among:
		return byNumber(n)
	case query.Cond:
		c := t.columns[n.Field]
		return c != nil && Tests(c.kind, n.Test)
	}
	return false
}

// Tests tells whether a column of a kind can be asked the test.
func Tests(k Kind, test query.Test) bool {
	switch test := test.(type) {
	case query.Empty, query.NotEmpty:
		return k != Flags
	case query.NumberRange:
		return k == Floats || k == Ints
	case query.TimeRange, query.Birthday:
		return k == Times
	case query.AnyOf:
		return k == Ints || k == Flags || k == Lists
	case query.AllOf:
		return k == Ints || k == Lists
	case query.LinksAny:
		for _, l := range test {
			if l.Record <= 0 {
				return false
			}
		}
		return k == Lists
	}
	return false
}

func byNumber(keys query.Among) bool {
	for _, k := range keys {
		if k.Record <= 0 {
			return false
		}
	}
	return true
}

// Where gives the live rows for whose records a condition holds, all of them for
// nil. The set may be the table's own: it holds until the table changes, and is
// not the caller's to change.
func (t *Table) Where(n query.Node, other Leaf) (Set, error) {
	if n == nil {
		return t.live, nil
	}
	test, err := t.compile(n, other)
	if err != nil {
		return nil, err
	}
	set := newSet(len(t.records))
	for w, word := range t.live {
		if word != 0 {
			set[w] = test(w)
		}
	}
	return set, nil
}

// Follow brings a set of the caller's own, which Where has made of a condition
// that the table tests by itself, from an edit of the table up to now.
func (t *Table) Follow(set Set, n query.Node, edit uint64) (Set, error) {
	set = set.grown(len(t.records))
	test, err := t.compile(n, func(query.Node) (Set, error) { return nil, errForeign })
	if err != nil {
		return nil, err
	}
	columns := t.columnsIn(n, nil)
	for b := range t.edits {
		if !t.changed(b*blockRows, (b+1)*blockRows, edit, columns) {
			continue
		}
		for w := b * blockWords; w < min((b+1)*blockWords, len(set)); w++ {
			set[w] = test(w)
		}
	}
	return set, nil
}

// columnsIn adds the columns that a condition is on to a list.
func (t *Table) columnsIn(n query.Node, list []*Column) []*Column {
	switch n := n.(type) {
	case query.And:
		for _, e := range n {
			list = t.columnsIn(e, list)
		}
	case query.Or:
		for _, e := range n {
			list = t.columnsIn(e, list)
		}
	case query.Not:
		list = t.columnsIn(n.Node, list)
	case query.Cond:
		list = append(list, t.columns[n.Field])
	}
	return list
}

var errForeign = errors.New("column: a condition that the table cannot test is not followed")

// wordTest gives those of 64 rows, from 64 times w on, that are live and for which
// a condition holds.
type wordTest func(w int) uint64

func (t *Table) compile(n query.Node, other Leaf) (wordTest, error) {
	switch n := n.(type) {
	case nil:
		return func(w int) uint64 { return t.live[w] }, nil
	case query.And:
		parts, err := t.compileAll(n, other)
		return func(w int) uint64 {
			rows := t.live[w]
			for i := 0; i < len(parts) && rows != 0; i++ {
				rows &= parts[i](w)
			}
			return rows
		}, err
	case query.Or:
		parts, err := t.compileAll(n, other)
		return func(w int) uint64 {
			rows := uint64(0)
			for _, part := range parts {
				rows |= part(w)
			}
			return rows
		}, err
	case query.Not:
		part, err := t.compile(n.Node, other)
		return func(w int) uint64 { return t.live[w] &^ part(w) }, err
	case query.Cond:
		if t.Tests(n) {
			return t.wordsOf(t.cond(t.columns[n.Field], n.Test)), nil
		}
	case query.Among:
		if t.Tests(n) {
			return t.among(n).word, nil
		}
	}
	set, err := other(n)
	return set.word, err
}

func (t *Table) compileAll(list []query.Node, other Leaf) ([]wordTest, error) {
	tests := make([]wordTest, len(list))
	for i, n := range list {
		var err error
		if tests[i], err = t.compile(n, other); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

// wordsOf asks a test about each live row; nil holds for none.
func (t *Table) wordsOf(holds func(row uint32) bool) wordTest {
	return func(w int) uint64 {
		live := t.live[w]
		if live == 0 || holds == nil {
			return 0
		}
		first := uint32(w * 64)
		last := min(first+64, uint32(len(t.records)))
		rows := uint64(0)
		for row := first; row < last; row++ {
			if holds(row) {
				rows |= 1 << (row - first)
			}
		}
		return rows & live
	}
}

// All gives the live rows that are in all of the sets, which are of live rows.
func (t *Table) All(sets []Set) Set {
	switch len(sets) {
	case 0:
		return t.live
	case 1:
		return sets[0]
	}
	all := slices.Clone(sets[0])
	for _, s := range sets[1:] {
		all.keep(s)
	}
	return all
}

// Rows are the live rows of records.
func (t *Table) Rows(records []query.Record) Set {
	set := newSet(len(t.records))
	for _, r := range records {
		if row, ok := t.Find(r); ok && t.live.Has(row) {
			set.add(row)
		}
	}
	return set
}

func (t *Table) among(keys query.Among) Set {
	records := make([]query.Record, len(keys))
	for i, k := range keys {
		records[i] = k.Record
	}
	return t.Rows(records)
}

// cond tests the rows of a column; nil holds for none. A test of what an empty row
// is not holds for no empty row.
func (t *Table) cond(c *Column, test query.Test) func(row uint32) bool {
	switch test := test.(type) {
	case query.Empty:
		return c.Empty
	case query.NotEmpty:
		return func(row uint32) bool { return !c.Empty(row) }
	case query.NumberRange:
		return c.numbers(test)
	case query.TimeRange:
		least, most := int64(noTime+1), int64(math.MaxInt64)
		if test.Min != nil {
			least = max(least, *test.Min)
		}
		if test.Max != nil {
			most = *test.Max
		}
		return func(row uint32) bool { v := c.times[row]; return v >= least && v <= most }
	case query.Birthday:
		return func(row uint32) bool {
			if c.times[row] == noTime {
				return false
			}
			_, month, day := time.UnixMilli(c.times[row] + int64(test.Offset)*60_000).UTC().Date()
			return int(month) == test.Month && day == test.Day
		}
	case query.AnyOf:
		return c.anyOf(test)
	case query.AllOf:
		return c.allOf(test)
	case query.LinksAny:
		refs := make([]int64, 0, len(test))
		for _, l := range test {
			if l.Catalog > 0 && l.Catalog <= query.MaxCatalog && l.Record <= query.MaxRecord {
				refs = append(refs, int64(query.MakeRef(l.Catalog, l.Record)))
			}
		}
		return c.anyOf(refs)
	}
	return nil
}

func (c *Column) numbers(test query.NumberRange) func(row uint32) bool {
	least, most := math.Inf(-1), math.Inf(1)
	if test.Min != nil {
		least = *test.Min
	}
	if test.Max != nil {
		most = *test.Max
	}
	if c.kind == Floats { // NaN, an empty row, is within no bounds
		return func(row uint32) bool { v := c.floats[row]; return v >= least && v <= most }
	}
	marked := make([]bool, len(c.ints.values)+1)
	for i, v := range c.ints.values {
		marked[i+1] = float64(v) >= least && float64(v) <= most
	}
	return func(row uint32) bool { return marked[c.codes[row]] }
}

func (c *Column) anyOf(values []int64) func(row uint32) bool {
	marked, any := c.codesOf(values)
	switch {
	case !any:
		return nil
	case c.kind == Lists:
		return func(row uint32) bool {
			w := c.codes[row]
			if w&several == 0 {
				return marked[w]
			}
			for _, code := range c.list(w) {
				if marked[code] {
					return true
				}
			}
			return false
		}
	case c.kind == Flags:
		marked[0] = marked[c.ints.find(0)]
	}
	return func(row uint32) bool { return marked[c.codes[row]] }
}

// allOf of no values holds for every row that is not empty.
func (c *Column) allOf(values []int64) func(row uint32) bool {
	codes := make([]uint32, 0, len(values))
	known := map[uint32]bool{}
	for _, v := range values {
		code := c.ints.find(v)
		if code == 0 {
			return nil
		}
		if !known[code] {
			known[code] = true
			codes = append(codes, code)
		}
	}
	switch {
	case len(codes) == 0:
		return func(row uint32) bool { return !c.Empty(row) }
	case c.kind == Ints && len(codes) > 1:
		return nil
	case c.kind == Ints:
		return func(row uint32) bool { return c.codes[row] == codes[0] }
	}
	return func(row uint32) bool { return c.hasAll(row, codes) }
}
