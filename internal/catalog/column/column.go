package column

import (
	"math"
	"slices"
)

// Kind is what values a column holds.
type Kind uint8

// The kinds.
const (
	Ints   Kind = iota // integers of which there are few different ones
	Flags              // 0 and 1; an empty one is 0
	Floats             // numbers, none of them NaN
	Times              // UTC milliseconds
	Texts              // texts of which there are few different ones
	Lists              // several integers, in no order, each once
)

// Text is a text with what it sorts by.
type Text struct{ Text, Sort string }

// noTime is the time of a row without one.
const noTime = math.MinInt64

// several marks the word of a row of a list with more than one value: the rest is
// where in the pool they are, after their number.
const several = 1 << 31

// Column is the values of one field by row.
type Column struct {
	kind Kind
	// codes are numbers of the dictionary or of texts, 0 for an empty row.
	codes   []uint32
	ints    dictionary
	pool    []uint32
	garbage int // of the pool
	floats  []float64
	times   []int64
	texts   []Text
	textAt  map[string]uint32
	long    int64 // bytes of texts
	// least and most are bounds of all times that the column ever had, if any.
	least, most int64
	any         bool
	// edits are the last changes of each block of rows that were of this column only.
	edits []uint64
}

// NewColumn makes an empty column.
func NewColumn(k Kind) *Column {
	c := &Column{kind: k}
	if k == Flags {
		c.ints.number(0)
	}
	return c
}

// Kind is what values the column holds.
func (c *Column) Kind() Kind { return c.kind }

// Different is how many different values the column has had, if it counts them.
func (c *Column) Different() int { return max(len(c.ints.values), len(c.texts)) }

// grow gives the column rows, which are empty.
func (c *Column) grow(rows int) {
	for len(c.edits)*blockRows < rows {
		c.edits = append(c.edits, 0)
	}
	switch c.kind {
	case Floats:
		for len(c.floats) < rows {
			c.floats = append(c.floats, math.NaN())
		}
	case Times:
		for len(c.times) < rows {
			c.times = append(c.times, noTime)
		}
	default:
		for len(c.codes) < rows {
			c.codes = append(c.codes, 0)
		}
	}
}

// Clear empties a row.
func (c *Column) Clear(row uint32) {
	switch c.kind {
	case Floats:
		c.floats[row] = math.NaN()
	case Times:
		c.times[row] = noTime
	case Lists:
		c.SetList(row, nil)
	default:
		c.codes[row] = 0
	}
}

// SetInt sets a row of Ints, Flags or Times.
func (c *Column) SetInt(row uint32, v int64) {
	if c.kind != Times {
		c.codes[row] = c.ints.number(v)
		return
	}
	if !c.any {
		c.least, c.most, c.any = v, v, true
	}
	c.least, c.most = min(c.least, v), max(c.most, v)
	c.times[row] = v
}

// SetFloat sets a row of Floats.
func (c *Column) SetFloat(row uint32, v float64) { c.floats[row] = v }

// SetText sets a row of Texts. sort is what the text sorts by; it is called for
// new texts only.
func (c *Column) SetText(row uint32, text []byte, sort func(string) string) {
	code, ok := c.textAt[string(text)]
	if !ok {
		t := Text{Text: string(text)}
		t.Sort = sort(t.Text)
		c.texts = append(c.texts, t)
		code = uint32(len(c.texts))
		if c.textAt == nil {
			c.textAt = map[string]uint32{}
		}
		c.textAt[t.Text] = code
		c.long += int64(len(t.Text) + len(t.Sort))
	}
	c.codes[row] = code
}

// SetList sets a row of Lists.
func (c *Column) SetList(row uint32, values []int64) {
	if w := c.codes[row]; w&several != 0 {
		c.garbage += int(c.pool[w&^several]) + 1
	}
	switch len(values) {
	case 0:
		c.codes[row] = 0
	case 1:
		c.codes[row] = c.ints.number(values[0])
	default:
		at := len(c.pool)
		c.pool = append(c.pool, uint32(len(values)))
		for _, v := range values {
			c.pool = append(c.pool, c.ints.number(v))
		}
		c.codes[row] = several | uint32(at)
	}
	if c.garbage > len(c.pool)/2 && c.garbage > 1024 {
		c.sweep()
	}
}

// sweep drops what no row refers to from the pool.
func (c *Column) sweep() {
	pool := make([]uint32, 0, len(c.pool)-c.garbage)
	for row, w := range c.codes {
		if w&several != 0 {
			at := len(pool)
			pool = append(pool, uint32(len(c.list(w))))
			pool = append(pool, c.list(w)...)
			c.codes[row] = several | uint32(at)
		}
	}
	c.pool, c.garbage = pool, 0
}

// list are the codes of a row with several values.
func (c *Column) list(w uint32) []uint32 {
	at := w &^ several
	return c.pool[at+1 : at+1+c.pool[at]]
}

// Bytes is the memory that the column takes.
func (c *Column) Bytes() int64 {
	return int64(cap(c.codes)+cap(c.pool))*4 + int64(cap(c.floats)+cap(c.times)+cap(c.edits))*8 + c.ints.bytes() +
		int64(len(c.texts))*80 + c.long
}

func (c *Column) compact() {
	c.codes, c.pool = tight(c.codes), tight(c.pool)
	c.floats, c.times = tight(c.floats), tight(c.times)
	c.ints.values = tight(c.ints.values)
}

// tight is the list with little room to grow: a sixteenth.
func tight[T any](list []T) []T {
	if cap(list) <= len(list)+len(list)/8 {
		return list
	}
	return append(make([]T, 0, len(list)+len(list)/16), list...)
}

// Empty tells whether a row has no value.
func (c *Column) Empty(row uint32) bool {
	switch c.kind {
	case Floats:
		return math.IsNaN(c.floats[row])
	case Times:
		return c.times[row] == noTime
	}
	return c.codes[row] == 0
}

// codesOf marks the codes of some values, by code.
func (c *Column) codesOf(values []int64) (marked []bool, any bool) {
	marked = make([]bool, len(c.ints.values)+1)
	for _, v := range values {
		if code := c.ints.find(v); code != 0 {
			marked[code], any = true, true
		}
	}
	return marked, any
}

// hasAll tells whether a row of Lists has all of some codes.
func (c *Column) hasAll(row uint32, codes []uint32) bool {
	w := c.codes[row]
	if w&several == 0 {
		return len(codes) == 1 && codes[0] == w
	}
	list := c.list(w)
	return !slices.ContainsFunc(codes, func(code uint32) bool { return !slices.Contains(list, code) })
}
