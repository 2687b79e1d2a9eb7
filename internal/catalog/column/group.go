package column

import (
	"errors"
	"math"
)

// ErrTooMany says that a dimension has more groups than can be told apart.
var ErrTooMany = errors.New("column: too many groups")

// GroupBy is one dimension of groups: a column, or the time of creation.
type GroupBy struct {
	Column *Column // nil for the time of creation
	// Unit, of times, and Shift before it are ms: the groups are the numbers of
	// units since 1970.
	Unit, Shift int64
	// Tenths makes groups of tens of a number.
	Tenths bool
}

// Measure is what is measured of the rows of a group.
type Measure int

// The measures.
const (
	Rows     Measure = iota // how many there are
	Numbers                 // the sum, the number, the least and the greatest
	Distinct                // how many different values there are
	Each                    // a group of its own for each value
)

// Aggregation says how rows are grouped and measured.
type Aggregation struct {
	Axis, Split *GroupBy // nil for none
	Measure     Measure
	Of          *Column // but for Rows
	Where       Set     // the rows that count; see Table.Where
	// Seen, if Hides, are the rows whose values may be measured.
	Seen  Set
	Hides bool
}

// Key names a group.
type Key struct {
	None  bool // no value, or no such dimension
	Int   int64
	Float float64 // of numbers
	Text  Text    // of texts
}

// Group is what was measured.
type Group struct {
	Axis, Split, Value Key // Value with Each
	Rows               int64
	Seen               int64 // rows whose value may be measured
	Values             int64
	Sum, Min, Max      float64
}

// block is how many rows are worked on at once.
const block = 1024

// Aggregate calls each for every group that has rows, in no promised order, and
// for the only one there is without dimensions. The
// sum is as exact as one of twice the digits, infinite where it is too large. It
// fails with ErrTooMany, and as each does.
func (t *Table) Aggregate(a *Aggregation, each func(*Group) error) error {
	g := newGroups(t, a)
	rows := make([]uint32, 0, block)
	for from := 0; from < len(t.records); from += block {
		rows = a.Where.rows(rows[:0], from, min(from+block, len(t.records)))
		if len(rows) == 0 {
			continue
		}
		if err := g.add(rows); err != nil {
			return err
		}
	}
	return g.emit(each)
}

// groups are the cells of an aggregation: one for each group of axis, split and,
// where different values count, value.
type groups struct {
	*Aggregation
	dims  [3]dimension
	cells map[uint64]uint32 // nil where there are few: their number is their place
	keys  []uint64          // of the cells

	rows, seen, values  []int64
	sum, low, min, max  []float64
	numbers             []float64 // of codes of Ints
	codes               [3][]uint32
	lined, other, place []uint32
}

// fewCells is how many cells have a place of their own each.
const fewCells = 1 << 20

func newGroups(t *Table, a *Aggregation) *groups {
	g := &groups{Aggregation: a}
	g.dims[0], g.dims[1] = newDimension(t, a.Axis), newDimension(t, a.Split)
	if a.Measure == Distinct || a.Measure == Each {
		g.dims[2] = newDimension(t, &GroupBy{Column: a.Of})
	} else {
		g.dims[2] = dimension{size: 1}
	}
	if a.Measure == Numbers && a.Of.kind == Ints {
		g.numbers = make([]float64, len(a.Of.ints.values)+1)
		for i, v := range a.Of.ints.values {
			g.numbers[i+1] = float64(v)
		}
	}
	total := 1
	for i := range g.dims {
		if size := g.dims[i].size; size == 0 || total > fewCells/size {
			g.cells = map[uint64]uint32{}
			return g
		}
		total *= g.dims[i].size
	}
	g.grow(total)
	return g
}

// grow makes room for some cells in all.
func (g *groups) grow(cells int) {
	g.rows = longer(g.rows, cells)
	if g.Hides {
		g.seen = longer(g.seen, cells)
	}
	if g.Measure == Numbers {
		g.values = longer(g.values, cells)
		g.sum, g.low = longer(g.sum, cells), longer(g.low, cells)
		g.min, g.max = longer(g.min, cells), longer(g.max, cells)
	}
}

func longer[T any](list []T, n int) []T {
	for len(list) < n {
		list = append(list, make([]T, n-len(list))...)
	}
	return list
}

// bitsPerCode is how many bits of a key a dimension has.
const bitsPerCode = 21

// maxCodes is how many groups one dimension may have.
const maxCodes = 1 << bitsPerCode

// add measures rows.
func (g *groups) add(rows []uint32) error {
	g.lined = append(g.lined[:0], rows...)
	for i := range g.dims {
		d := &g.dims[i]
		switch {
		case d.codes == nil:
			g.codes[i] = g.codes[i][:0]
			continue
		case d.list != nil:
			g.expand(i)
		default:
			g.codes[i] = d.codes(g.codes[i][:0], g.lined)
		}
		if i == 2 && g.Hides {
			g.hide(g.codes[i])
		}
	}
	if err := g.locate(); err != nil {
		return err
	}
	g.measure()
	return nil
}

// hide takes the values of rows that may not be measured for none.
func (g *groups) hide(codes []uint32) {
	for at, row := range g.lined {
		if !g.Seen.Has(row) {
			codes[at] = 0
		}
	}
}

// expand lines up a row as often as it has values.
func (g *groups) expand(i int) {
	d := &g.dims[i]
	g.other, g.codes[i] = g.other[:0], g.codes[i][:0]
	var before [2][]uint32
	for at, row := range g.lined {
		n := len(g.codes[i])
		if d.list.codes[row] == 0 {
			g.codes[i] = append(g.codes[i], 0)
		} else {
			d.list.each(d.list.codes[row], func(code uint32) { g.codes[i] = append(g.codes[i], code) })
		}
		for range len(g.codes[i]) - n {
			g.other = append(g.other, row)
			for j := range i {
				if len(g.codes[j]) > 0 {
					before[j] = append(before[j], g.codes[j][at])
				}
			}
		}
	}
	g.lined, g.other = g.other, g.lined
	for j := range i {
		if len(g.codes[j]) > 0 {
			g.codes[j] = before[j]
		}
	}
}

// locate finds the cell of each row that is lined up.
func (g *groups) locate() error {
	if cap(g.place) < len(g.lined) {
		g.place = make([]uint32, len(g.lined))
	}
	g.place = g.place[:len(g.lined)]
	if g.cells == nil {
		clear(g.place)
		for i := range g.dims {
			if codes := g.codes[i]; len(codes) > 0 {
				size := uint32(g.dims[i].size)
				for at := range g.place {
					g.place[at] = g.place[at]*size + codes[at]
				}
			}
		}
		return nil
	}
	for at := range g.place {
		key := uint64(0)
		for i := range g.dims {
			key <<= bitsPerCode
			if codes := g.codes[i]; len(codes) > 0 {
				if codes[at] >= maxCodes {
					return ErrTooMany
				}
				key |= uint64(codes[at])
			}
		}
		cell, ok := g.cells[key]
		if !ok {
			cell = uint32(len(g.keys))
			g.cells[key] = cell
			g.keys = append(g.keys, key)
			g.grow(len(g.keys))
		}
		g.place[at] = cell
	}
	return nil
}

func (g *groups) measure() {
	for _, cell := range g.place {
		g.rows[cell]++
	}
	if g.Hides {
		for at, cell := range g.place {
			if g.Seen.Has(g.lined[at]) {
				g.seen[cell]++
			}
		}
	}
	if g.Measure != Numbers {
		return
	}
	for at, cell := range g.place {
		row := g.lined[at]
		v, ok := g.number(row)
		if !ok || g.Hides && !g.Seen.Has(row) {
			continue
		}
		if g.values[cell] == 0 {
			g.min[cell], g.max[cell] = v, v
		} else {
			g.min[cell], g.max[cell] = min(g.min[cell], v), max(g.max[cell], v)
		}
		g.values[cell]++
		// the sum and what rounding took from it (Knuth's two-sum)
		sum := g.sum[cell]
		next := sum + v
		part := next - sum
		g.low[cell] += (sum - (next - part)) + (v - part)
		g.sum[cell] = next
	}
}

// number is the measured number of a row.
func (g *groups) number(row uint32) (float64, bool) {
	if g.numbers != nil {
		code := g.Of.codes[row]
		return g.numbers[code], code != 0
	}
	v := g.Of.floats[row]
	return v, v == v
}

// emit gives the groups that have rows.
func (g *groups) emit(each func(*Group) error) error {
	if g.Measure == Distinct {
		return g.emitDistinct(each)
	}
	for cell := range g.rows {
		if g.rows[cell] == 0 && !g.whole() {
			continue
		}
		group := g.group(cell)
		if g.Measure == Numbers {
			group.Values, group.Min, group.Max = g.values[cell], g.min[cell], g.max[cell]
			group.Sum = g.sum[cell]
			if low := g.low[cell]; !math.IsInf(group.Sum, 0) && !math.IsNaN(low) {
				group.Sum += low
			}
		}
		if g.Measure == Each {
			if code := g.code(cell, 2); code != 0 {
				group.Value, group.Values = g.dims[2].key(code), 1
			}
		}
		if err := each(group); err != nil {
			return err
		}
	}
	return nil
}

// whole tells whether all rows are one group, which there is even without rows.
func (g *groups) whole() bool { return g.Axis == nil && g.Split == nil && g.Measure != Each }

// emitDistinct joins the cells of a group's different values.
func (g *groups) emitDistinct(each func(*Group) error) error {
	type pair struct{ axis, split uint32 }
	at := map[pair]*Group{}
	var list []*Group
	for cell := range g.rows {
		if g.rows[cell] == 0 && !(g.whole() && cell == 0) {
			continue
		}
		key := pair{g.code(cell, 0), g.code(cell, 1)}
		group := at[key]
		if group == nil {
			group = &Group{Axis: g.key(cell, 0), Split: g.key(cell, 1), Value: Key{None: true}}
			at[key] = group
			list = append(list, group)
		}
		group.Rows += g.rows[cell]
		group.Seen += g.seenIn(cell)
		if g.code(cell, 2) != 0 {
			group.Values++
		}
	}
	for _, group := range list {
		if err := each(group); err != nil {
			return err
		}
	}
	return nil
}

func (g *groups) group(cell int) *Group {
	return &Group{Axis: g.key(cell, 0), Split: g.key(cell, 1), Value: Key{None: true}, Rows: g.rows[cell], Seen: g.seenIn(cell)}
}

func (g *groups) seenIn(cell int) int64 {
	if g.Hides {
		return g.seen[cell]
	}
	return g.rows[cell]
}

// code is the code of a cell in a dimension.
func (g *groups) code(cell, i int) uint32 {
	if g.cells != nil {
		return uint32(g.keys[cell]>>((2-i)*bitsPerCode)) & (maxCodes - 1)
	}
	for j := 2; j > i; j-- {
		cell /= g.dims[j].size
	}
	return uint32(cell % g.dims[i].size)
}

func (g *groups) key(cell, i int) Key {
	code := g.code(cell, i)
	if g.dims[i].codes == nil {
		return Key{None: true}
	}
	return g.dims[i].key(code)
}
