package catalog

import (
	"encoding/binary"
	"math"

	"kartoteka/internal/query"
)

// Page is a block of records as the store read them, one cell per column, all
// bytes in one arena. It takes no allocation per row or value.
type Page struct {
	Columns []*Field // data fields, one cell each per row

	heads []head
	cells []Cell
	arena []byte
}

type head struct {
	record           query.Record
	code             span
	created, updated int64
	version          int64
}

type span struct{ from, to uint32 }

// Cell is one value as stored. Its field's Storage says which reading is right.
type Cell struct {
	set, hidden bool
	bits        uint64
}

// Hidden tells whether the caller may not know the value; it is Empty then.
func (c Cell) Hidden() bool { return c.hidden }

// Empty tells whether the field has no value.
func (c Cell) Empty() bool { return !c.set }

// Int is an integer cell's value: date, item, stars, switch.
func (c Cell) Int() int64 { return int64(c.bits) }

// Float is a number cell's value.
func (c Cell) Float() float64 { return math.Float64frombits(c.bits) }

// Len is the number of records.
func (p *Page) Len() int { return len(p.heads) }

// Record is the number of record i.
func (p *Page) Record(i int) query.Record { return p.heads[i].record }

// Code is the custom id of record i, nil if it has none. The bytes are the page's.
func (p *Page) Code(i int) []byte { s := p.heads[i].code; return p.arena[s.from:s.to] }

// Created is when record i was made, in UTC milliseconds.
func (p *Page) Created(i int) int64 { return p.heads[i].created }

// Updated is when record i was last changed, in UTC milliseconds.
func (p *Page) Updated(i int) int64 { return p.heads[i].updated }

// Version counts the changes of record i, from 1.
func (p *Page) Version(i int) int64 { return p.heads[i].version }

// Cell is the value of column j of record i.
func (p *Page) Cell(i, j int) Cell { return p.cells[i*len(p.Columns)+j] }

// Bytes are a text, JSON or list cell's bytes. They are the page's.
func (p *Page) Bytes(c Cell) []byte {
	if !c.set {
		return nil
	}
	return p.arena[uint32(c.bits>>32):uint32(c.bits)]
}

// Size is the number of bytes the page holds.
func (p *Page) Size() int { return len(p.arena) + 16*len(p.cells) }

// Column is the index of a field among the columns, -1 if it was not read.
func (p *Page) Column(f query.Field) int {
	for j, c := range p.Columns {
		if c.Num == f {
			return j
		}
	}
	return -1
}

// AddRow starts the next record; the store then adds one cell per column.
func (p *Page) AddRow(r query.Record, code []byte, created, updated, version int64) {
	p.heads = append(p.heads, head{r, p.keep(code), created, updated, version})
}

// AddEmpty adds a cell without a value.
func (p *Page) AddEmpty() { p.cells = append(p.cells, Cell{}) }

// AddInt adds an integer cell.
func (p *Page) AddInt(v int64) { p.cells = append(p.cells, Cell{set: true, bits: uint64(v)}) }

// AddFloat adds a number cell.
func (p *Page) AddFloat(v float64) {
	p.cells = append(p.cells, Cell{set: true, bits: math.Float64bits(v)})
}

// AddBytes adds a text, JSON or list cell; the bytes are copied.
func (p *Page) AddBytes(b []byte) {
	s := p.keep(b)
	p.cells = append(p.cells, Cell{set: true, bits: uint64(s.from)<<32 | uint64(s.to)})
}

func (p *Page) keep(b []byte) span {
	from := len(p.arena)
	p.arena = append(p.arena, b...)
	return span{uint32(from), uint32(len(p.arena))}
}

// clear empties a column.
func (p *Page) clear(j int) {
	for i := range p.heads {
		p.cells[i*len(p.Columns)+j] = Cell{}
	}
}

// hide makes a value one that the caller may not know.
func (p *Page) hide(i, j int) { p.cells[i*len(p.Columns)+j] = Cell{hidden: true} }

// Reset empties the page for reuse with other columns.
func (p *Page) Reset(columns []*Field) {
	p.Columns, p.heads, p.cells, p.arena = columns, p.heads[:0], p.cells[:0], p.arena[:0]
}

// A list cell (items, links) is its integers of eight bytes each, big-endian.

// ListLen is the number of integers in a list cell's bytes.
func ListLen(b []byte) int { return len(b) / 8 }

// ListAt is integer i of a list cell's bytes.
func ListAt(b []byte, i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }

// ListHas tells whether a list cell's bytes have an integer.
func ListHas(b []byte, n int64) bool {
	for i := range ListLen(b) {
		if ListAt(b, i) == n {
			return true
		}
	}
	return false
}

// AppendList adds integers in the form of a list cell.
func AppendList(dst []byte, ints ...int64) []byte {
	for _, n := range ints {
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	return dst
}
