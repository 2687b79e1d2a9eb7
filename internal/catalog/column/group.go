package column

import (
	"context"
	"errors"
	"math"
	"slices"
)

// ErrTooMany says that there are more groups than can be told apart or kept.
var ErrTooMany = errors.New("column: too many groups")

// GroupBy is one dimension of groups: a column, or the time of creation.
type GroupBy struct {
	Column *Column // nil for the time of creation
	// Unit, of times, and Shift before it are ms: the groups are the numbers of
	// units since 1970.
	Unit, Shift int64
	// Same, if not nil, gives what the numbers of one longer group have in common:
	// they may be one group then, with one of their numbers as its key.
	Same func(int64) int64
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

// Aggregate calls each for every group that has rows, in no promised order, and
// for the only one there is without dimensions. The sum is as exact as one of twice
// the digits, infinite where it is too large. It fails with ErrTooMany, and as each
// does.
func (t *Table) Aggregate(ctx context.Context, a *Aggregation, each func(*Group) error) error {
	g := newGroups(t, a)
	if err := g.addRows(ctx, 0, len(t.records)); err != nil {
		return err
	}
	return g.emit(each)
}

// addRows measures the rows from one on, which is a multiple of blockRows, up to
// another.
func (g *groups) addRows(ctx context.Context, first, last int) error {
	rows := make([]uint32, blockRows)
	for from := first; from < last; from += blockRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+blockRows, last)
		if g.from, g.all = from, g.Where.full(from, to); g.all {
			rows = rows[:to-from]
			for i := range rows {
				rows[i] = uint32(from + i)
			}
		} else if rows = g.Where.rows(rows[:0], from, to); len(rows) == 0 {
			continue
		}
		if err := g.add(rows); err != nil {
			return err
		}
		rows = rows[:blockRows]
	}
	return nil
}

// cell is what was measured of one group.
type cell struct {
	rows, seen int64
	Tally
}

// groups are the cells of an aggregation: one for each group of axis, split and,
// where different values count, value.
type groups struct {
	*Aggregation
	dims  [3]dimension
	cells []cell
	at    map[uint64]uint32 // cells by key; nil where there are few: their key is their place
	keys  []uint64          // of the cells

	numbers []float64 // of codes of Ints

	// The rows that are being measured: once for each of their codes. all tells that
	// they are a whole block, as it is, from one row on.
	lined []uint32
	from  int
	all   bool
	codes [3][]uint32 // by dimension, nil for one group
	place []uint32    // their cells
	room  [7][]uint32 // of codes, of lined by dimension and of place
}

const (
	// fewCells is how many cells have a place of their own each.
	fewCells = 1 << 17
	// mostCells bounds the cells.
	mostCells = 1 << 20
	// mostLined bounds how often the rows of a block are lined up.
	mostLined = 1 << 20
)

func newGroups(t *Table, a *Aggregation) *groups {
	g := &groups{Aggregation: a}
	g.dims[0], g.dims[1] = newDimension(t, a.Axis), newDimension(t, a.Split)
	if a.Measure == Distinct || a.Measure == Each {
		g.dims[2] = newDimension(t, &GroupBy{Column: a.Of})
	} else {
		g.dims[2] = dimension{size: 1}
	}
	g.number()
	total := 1
	for i := range g.dims {
		if size := g.dims[i].size; size == 0 || total > fewCells/size {
			g.at = map[uint64]uint32{}
			return g
		}
		total *= g.dims[i].size
	}
	g.cells = make([]cell, total)
	return g
}

// number makes numbers of the codes that have none yet.
func (g *groups) number() {
	if g.Measure != Numbers || g.Of.kind != Ints {
		return
	}
	if g.numbers == nil {
		g.numbers = []float64{math.NaN()}
	}
	for _, v := range g.Of.ints.values[len(g.numbers)-1:] {
		g.numbers = append(g.numbers, float64(v))
	}
}

// bitsPerCode is how many bits of a key a dimension has.
const bitsPerCode = 21

// maxCodes is how many groups one dimension may have.
const maxCodes = 1 << bitsPerCode

// add measures rows.
func (g *groups) add(rows []uint32) error {
	g.lined = rows
	for i := range g.dims {
		d := &g.dims[i]
		switch {
		case d.codes == nil:
			g.codes[i] = nil
			continue
		case d.list != nil:
			if err := g.expand(i); err != nil {
				return err
			}
		case g.all && d.plain != nil && i < 2:
			g.codes[i] = d.plain.codes[g.from : g.from+len(rows)]
			continue
		default:
			g.room[i] = d.codes(g.room[i][:0], g.lined)
			g.codes[i] = g.room[i]
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
func (g *groups) expand(i int) error {
	list := g.dims[i].list
	codes, lined := g.room[i][:0], g.room[3+i][:0]
	g.all = false
	var before [2][]uint32
	for at, row := range g.lined {
		n := len(codes)
		if w := list.codes[row]; w&several == 0 {
			codes = append(codes, w)
		} else {
			codes = append(codes, list.list(w)...)
		}
		if len(codes) > mostLined {
			return ErrTooMany
		}
		for range len(codes) - n {
			lined = append(lined, row)
			for j := range i {
				if g.codes[j] != nil {
					before[j] = append(before[j], g.codes[j][at])
				}
			}
		}
	}
	g.room[3+i], g.lined = lined, lined
	g.room[i], g.codes[i] = codes, codes
	for j := range i {
		if g.codes[j] != nil {
			g.codes[j] = before[j]
		}
	}
	return nil
}

// locate finds the cell of each row that is lined up.
func (g *groups) locate() error {
	g.room[6] = slices.Grow(g.room[6][:0], len(g.lined))[:len(g.lined)]
	g.place = g.room[6]
	if g.at != nil {
		return g.look()
	}
	var sole []uint32
	for i, codes := range g.codes {
		switch {
		case codes == nil:
		case sole == nil:
			sole = codes
		default:
			size := uint32(g.dims[i].size)
			for at, code := range codes {
				g.place[at] = sole[at]*size + code
			}
			sole = g.place
		}
	}
	if sole == nil {
		clear(g.place)
	} else {
		g.place = sole
	}
	return nil
}

// look finds the cells by their keys, and makes those that are not there.
func (g *groups) look() error {
	for at := range g.place {
		key := uint64(0)
		for _, codes := range g.codes {
			key <<= bitsPerCode
			if codes != nil {
				if codes[at] >= maxCodes {
					return ErrTooMany
				}
				key |= uint64(codes[at])
			}
		}
		place, ok := g.at[key]
		if !ok {
			if len(g.keys) == mostCells {
				return ErrTooMany
			}
			place = uint32(len(g.keys))
			g.at[key] = place
			g.keys = append(g.keys, key)
			g.cells = append(g.cells, cell{})
		}
		g.place[at] = place
	}
	return nil
}

func (g *groups) measure() {
	switch {
	case g.Hides:
		for at, place := range g.place {
			c := &g.cells[place]
			c.rows++
			if row := g.lined[at]; g.Seen.Has(row) {
				c.seen++
				if g.Measure == Numbers {
					c.Add(g.numberOf(row))
				}
			}
		}
	case g.Measure != Numbers:
		for _, place := range g.place {
			g.cells[place].rows++
		}
	case g.numbers == nil && g.all: // as below, but for the way to the number
		for at, v := range g.Of.floats[g.from : g.from+len(g.place)] {
			c := &g.cells[g.place[at]]
			c.rows++
			c.Add(v)
		}
	default:
		for at, place := range g.place {
			c := &g.cells[place]
			c.rows++
			c.Add(g.numberOf(g.lined[at]))
		}
	}
}

// numberOf is the measured number of a row, NaN for none.
func (g *groups) numberOf(row uint32) float64 {
	if g.numbers != nil {
		return g.numbers[g.Of.codes[row]]
	}
	return g.Of.floats[row]
}

// emit gives the groups that have rows.
func (g *groups) emit(each func(*Group) error) error {
	if g.Measure == Distinct {
		return g.emitDistinct(each)
	}
	for place := range g.cells {
		c := &g.cells[place]
		if c.rows == 0 && !g.whole() {
			continue
		}
		group := g.group(place)
		group.Values, group.Min, group.Max, group.Sum = c.Values, c.Min, c.Max, c.Sum()
		if g.Measure == Each {
			if code := g.code(place, 2); code != 0 {
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
	for place := range g.cells {
		if g.cells[place].rows == 0 && !(g.whole() && place == 0) {
			continue
		}
		key := pair{g.code(place, 0), g.code(place, 1)}
		group := at[key]
		if group == nil {
			group = &Group{Axis: g.key(place, 0), Split: g.key(place, 1), Value: Key{None: true}}
			at[key] = group
			list = append(list, group)
		}
		group.Rows += g.cells[place].rows
		group.Seen += g.seenIn(place)
		if g.code(place, 2) != 0 {
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

func (g *groups) group(place int) *Group {
	return &Group{Axis: g.key(place, 0), Split: g.key(place, 1), Value: Key{None: true}, Rows: g.cells[place].rows, Seen: g.seenIn(place)}
}

func (g *groups) seenIn(place int) int64 {
	if g.Hides {
		return g.cells[place].seen
	}
	return g.cells[place].rows
}

// code is the code of a cell in a dimension.
func (g *groups) code(place, i int) uint32 {
	if g.at != nil {
		return uint32(g.keys[place]>>((2-i)*bitsPerCode)) & (maxCodes - 1)
	}
	for j := 2; j > i; j-- {
		place /= g.dims[j].size
	}
	return uint32(place % g.dims[i].size)
}

func (g *groups) key(place, i int) Key {
	if g.dims[i].codes == nil {
		return Key{None: true}
	}
	return g.dims[i].key(g.code(place, i))
}
