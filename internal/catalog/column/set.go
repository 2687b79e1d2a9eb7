package column

import "math/bits"

// Set is a set of rows, a bit each. Rows beyond its end are not in it.
type Set []uint64

func newSet(rows int) Set { return make(Set, (rows+63)/64) }

// Has tells whether the row is in the set.
func (s Set) Has(row uint32) bool {
	word := int(row >> 6)
	return word < len(s) && s[word]&(1<<(row&63)) != 0
}

// word are the rows from 64 times w on.
func (s Set) word(w int) uint64 {
	if w < len(s) {
		return s[w]
	}
	return 0
}

func (s Set) add(row uint32) { s[row>>6] |= 1 << (row & 63) }

func (s Set) remove(row uint32) { s[row>>6] &^= 1 << (row & 63) }

// grown is the set with room for more rows.
func (s Set) grown(rows int) Set {
	for len(s) < (rows+63)/64 {
		s = append(s, 0)
	}
	return s
}

// Bytes is the memory that the set takes.
func (s Set) Bytes() int64 { return int64(cap(s)) * 8 }

// full tells whether all rows are in the set from one on, which is a multiple of
// 64, up to another.
func (s Set) full(from, to int) bool {
	if to%64 != 0 || to/64 > len(s) {
		return false
	}
	for _, word := range s[from/64 : to/64] {
		if word != ^uint64(0) {
			return false
		}
	}
	return true
}

// rows appends the rows of the set from one on, which is a multiple of 64, up to
// another.
func (s Set) rows(dst []uint32, from, to int) []uint32 {
	for w := from / 64; w < min((to+63)/64, len(s)); w++ {
		base := uint32(w * 64)
		for word := s[w]; word != 0; word &= word - 1 {
			dst = append(dst, base+uint32(bits.TrailingZeros64(word)))
		}
	}
	return dst
}

// keep takes out what is not in the other set.
func (s Set) keep(o Set) {
	for i := range s {
		if i < len(o) {
			s[i] &= o[i]
		} else {
			s[i] = 0
		}
	}
}
