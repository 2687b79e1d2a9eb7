package column

import (
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
	switch n := n.(type) {
	case nil:
		return t.live, nil
	case query.And:
		sets := make([]Set, len(n))
		for i, e := range n {
			var err error
			if sets[i], err = t.Where(e, other); err != nil {
				return nil, err
			}
		}
		return t.All(sets), nil
	case query.Or:
		either := Set{}
		for _, e := range n {
			set, err := t.Where(e, other)
			if err != nil {
				return nil, err
			}
			either = either.or(set)
		}
		return either, nil
	case query.Not:
		set, err := t.Where(n.Node, other)
		return t.live.without(set), err
	}
	if !t.Tests(n) {
		return other(n)
	}
	return t.test(n), nil
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

func (t *Table) test(n query.Node) Set {
	switch n := n.(type) {
	case query.Among:
		records := make([]query.Record, len(n))
		for i, k := range n {
			records[i] = k.Record
		}
		return t.Rows(records)
	case query.Cond:
		return t.cond(t.columns[n.Field], n.Test)
	}
	return nil
}

// cond tests a column. A test of what an empty row is not holds for no empty row.
func (t *Table) cond(c *Column, test query.Test) Set {
	switch test := test.(type) {
	case query.Empty:
		return t.filter(c.Empty)
	case query.NotEmpty:
		return t.filter(func(row uint32) bool { return !c.Empty(row) })
	case query.NumberRange:
		return t.numbers(c, test)
	case query.TimeRange:
		least, most := int64(noTime+1), int64(math.MaxInt64)
		if test.Min != nil {
			least = max(least, *test.Min)
		}
		if test.Max != nil {
			most = *test.Max
		}
		return t.filter(func(row uint32) bool { v := c.times[row]; return v >= least && v <= most })
	case query.Birthday:
		return t.filter(func(row uint32) bool {
			if c.times[row] == noTime {
				return false
			}
			_, month, day := time.UnixMilli(c.times[row] + int64(test.Offset)*60_000).UTC().Date()
			return int(month) == test.Month && day == test.Day
		})
	case query.AnyOf:
		return t.anyOf(c, test)
	case query.AllOf:
		return t.allOf(c, test)
	case query.LinksAny:
		refs := make([]int64, 0, len(test))
		for _, l := range test {
			if l.Catalog > 0 && l.Catalog <= query.MaxCatalog && l.Record <= query.MaxRecord {
				refs = append(refs, int64(query.MakeRef(l.Catalog, l.Record)))
			}
		}
		return t.anyOf(c, refs)
	}
	return nil
}

// filter gives the live rows that hold.
func (t *Table) filter(holds func(row uint32) bool) Set {
	set := newSet(len(t.records))
	for w, word := range t.live {
		if word == 0 {
			continue
		}
		first := uint32(w * 64)
		last := min(first+64, uint32(len(t.records)))
		bits := uint64(0)
		for row := first; row < last; row++ {
			if holds(row) {
				bits |= 1 << (row - first)
			}
		}
		set[w] = bits & word
	}
	return set
}

func (t *Table) numbers(c *Column, test query.NumberRange) Set {
	least, most := math.Inf(-1), math.Inf(1)
	if test.Min != nil {
		least = *test.Min
	}
	if test.Max != nil {
		most = *test.Max
	}
	if c.kind == Floats { // NaN, an empty row, is within no bounds
		return t.filter(func(row uint32) bool { v := c.floats[row]; return v >= least && v <= most })
	}
	marked := make([]bool, len(c.ints.values)+1)
	for i, v := range c.ints.values {
		marked[i+1] = float64(v) >= least && float64(v) <= most
	}
	return t.filter(func(row uint32) bool { return marked[c.codes[row]] })
}

func (t *Table) anyOf(c *Column, values []int64) Set {
	marked, any := c.codesOf(values)
	switch {
	case !any:
		return nil
	case c.kind == Lists:
		return t.filter(func(row uint32) bool {
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
		})
	case c.kind == Flags:
		marked[0] = marked[c.ints.find(0)]
	}
	return t.filter(func(row uint32) bool { return marked[c.codes[row]] })
}

// allOf of no values holds for every row that is not empty.
func (t *Table) allOf(c *Column, values []int64) Set {
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
		return t.filter(func(row uint32) bool { return !c.Empty(row) })
	case c.kind == Ints && len(codes) > 1:
		return nil
	case c.kind == Ints:
		return t.filter(func(row uint32) bool { return c.codes[row] == codes[0] })
	}
	return t.filter(func(row uint32) bool { return c.hasAll(row, codes) })
}
