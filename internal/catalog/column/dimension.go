package column

import "math"

// dimension gives rows the codes of their groups.
type dimension struct {
	// size is more than every code, 0 while that is not known.
	size  int
	codes func(dst, rows []uint32) []uint32 // nil for one group
	plain *Column                           // whose codes they are as they stand
	list  *Column                           // rows may have several codes
	key   func(code uint32) Key
}

// fewSteps is how many steps of time are numbered as they follow each other.
const fewSteps = 1 << 16

func newDimension(t *Table, by *GroupBy) dimension {
	if by == nil {
		return dimension{size: 1}
	}
	c := by.Column
	if c == nil {
		c = &t.created
	}
	switch c.kind {
	case Floats:
		return numbered(c, by.Tenths)
	case Times:
		return stepped(c, by)
	case Texts:
		return dimension{size: len(c.texts) + 1, codes: c.plain, plain: c, key: func(code uint32) Key {
			if code == 0 {
				return Key{None: true}
			}
			return Key{Text: c.texts[code-1]}
		}}
	}
	d := dimension{size: len(c.ints.values) + 1, codes: c.plain, key: func(code uint32) Key {
		if code == 0 {
			return Key{None: true}
		}
		return Key{Int: c.ints.values[code-1]}
	}}
	switch c.kind {
	case Ints:
		d.plain = c
	case Lists:
		d.list = c
	case Flags:
		off := c.ints.find(0)
		d.codes = func(dst, rows []uint32) []uint32 {
			for _, row := range rows {
				dst = append(dst, max(c.codes[row], off))
			}
			return dst
		}
	}
	return d
}

// plain are the codes of rows.
func (c *Column) plain(dst, rows []uint32) []uint32 {
	for _, row := range rows {
		dst = append(dst, c.codes[row])
	}
	return dst
}

// stepped groups times by the number of their unit since 1970.
func stepped(c *Column, by *GroupBy) dimension {
	shift, unit := by.Shift, by.Unit
	first := floorDiv(c.least+shift, unit)
	if size := floorDiv(c.most+shift, unit) - first + 2; size < fewSteps {
		return dimension{
			size: int(size),
			codes: func(dst, rows []uint32) []uint32 {
				from, code := int64(0), uint32(0) // of the last step: the next row is often in it as well
				for _, row := range rows {
					v := c.times[row]
					if v == noTime {
						dst = append(dst, 0)
						continue
					}
					if v += shift; code == 0 || v < from || v >= from+unit {
						step := floorDiv(v, unit)
						from, code = step*unit, uint32(step-first)+1
					}
					dst = append(dst, code)
				}
				return dst
			},
			key: func(code uint32) Key {
				if code == 0 {
					return Key{None: true}
				}
				return Key{Int: first + int64(code) - 1}
			},
		}
	}
	steps := dictionary{}
	return dimension{
		codes: func(dst, rows []uint32) []uint32 {
			for _, row := range rows {
				code := uint32(0)
				if v := c.times[row]; v != noTime {
					code = steps.number(floorDiv(v+shift, unit))
				}
				dst = append(dst, code)
			}
			return dst
		},
		key: func(code uint32) Key {
			if code == 0 {
				return Key{None: true}
			}
			return Key{Int: steps.values[code-1]}
		},
	}
}

// numbered groups numbers, or tens of them, which are whole.
func numbered(c *Column, tenths bool) dimension {
	seen := dictionary{}
	return dimension{
		codes: func(dst, rows []uint32) []uint32 {
			for _, row := range rows {
				v, code := c.floats[row], uint32(0)
				switch {
				case v != v:
				case v == 0: // so that -0 is 0
					code = seen.number(0)
				case tenths:
					code = seen.number(int64(math.Floor(v/10)) * 10)
				default:
					code = seen.number(int64(math.Float64bits(v)))
				}
				dst = append(dst, code)
			}
			return dst
		},
		key: func(code uint32) Key {
			switch {
			case code == 0:
				return Key{None: true}
			case tenths:
				return Key{Int: seen.values[code-1]}
			}
			return Key{Float: math.Float64frombits(uint64(seen.values[code-1]))}
		},
	}
}

// floorDiv divides towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
