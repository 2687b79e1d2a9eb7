package column

import "math/bits"

// dictionary numbers different integers, from 1 in the order in which they came.
// Numbers are never given again.
type dictionary struct {
	values []int64
	slots  []uint32 // a power of two, at most half of them taken; 0 is free
}

func (d *dictionary) slot(v int64) int {
	at := int(uint64(v) * 0x9E3779B97F4A7C15 >> (64 - bits.TrailingZeros(uint(len(d.slots)))))
	for d.slots[at] != 0 && d.values[d.slots[at]-1] != v {
		at = (at + 1) & (len(d.slots) - 1)
	}
	return at
}

// find gives the number of an integer, 0 if it has none.
func (d *dictionary) find(v int64) uint32 {
	if len(d.slots) == 0 {
		return 0
	}
	return d.slots[d.slot(v)]
}

// number gives the number of an integer, a new one if it has none.
func (d *dictionary) number(v int64) uint32 {
	if 2*len(d.values) >= len(d.slots) {
		d.grow()
	}
	at := d.slot(v)
	if d.slots[at] == 0 {
		d.values = append(d.values, v)
		d.slots[at] = uint32(len(d.values))
	}
	return d.slots[at]
}

func (d *dictionary) grow() {
	d.slots = make([]uint32, max(16, 2*len(d.slots)))
	for i, v := range d.values {
		d.slots[d.slot(v)] = uint32(i + 1)
	}
}

func (d *dictionary) bytes() int64 { return int64(cap(d.values))*8 + int64(len(d.slots))*4 }
