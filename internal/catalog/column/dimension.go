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
	// outgrown tells that the column has got values since that have no code; nil for
	// never.
	outgrown func() bool
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
		}, outgrown: more(c)}
	}
	d := dimension{size: len(c.ints.values) + 1, codes: c.plain, key: func(code uint32) Key {
		if code == 0 {
			return Key{None: true}
		}
		return Key{Int: c.ints.values[code-1]}
	}, outgrown: more(c)}
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

// more tells whether a column has more different values than now.
func more(c *Column) func() bool {
	now := c.Different()
	return func() bool { return c.Different() > now }
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
	first := floorDiv(c.least+by.Shift, by.Unit)
	size := floorDiv(c.most+by.Shift, by.Unit) - first + 1
	if size > fewSteps || !c.any {
		return manySteps(c, by)
	}
	codes, firsts := make([]uint32, size), []int64(nil) // of each unit, and the unit that each code came from
	if by.Same == nil {
		firsts = make([]int64, size)
		for i := range codes {
			codes[i], firsts[i] = uint32(i)+1, first+int64(i)
		}
	} else {
		known := dictionary{}
		for i := range codes {
			step := first + int64(i)
			if codes[i] = known.number(by.Same(step)); int(codes[i]) > len(firsts) {
				firsts = append(firsts, step)
			}
		}
	}
	shift, unit, each := by.Shift-first*by.Unit, by.Unit, 1/float64(by.Unit)
	return dimension{
		size: len(firsts) + 1,
		codes: func(dst, rows []uint32) []uint32 {
			for _, row := range rows {
				v := c.times[row]
				if v == noTime {
					dst = append(dst, 0)
					continue
				}
				v += shift // from here on not negative, and small enough to be off by one at most
				step := int64(float64(v) * each)
				if rest := v - step*unit; rest < 0 {
					step--
				} else if rest >= unit {
					step++
				}
				dst = append(dst, codes[step])
			}
			return dst
		},
		key: func(code uint32) Key {
			if code == 0 {
				return Key{None: true}
			}
			return Key{Int: firsts[code-1]}
		},
		outgrown: func() bool {
			return floorDiv(c.least+by.Shift, by.Unit) < first || floorDiv(c.most+by.Shift, by.Unit) >= first+size
		},
	}
}

// manySteps numbers the units as they come.
func manySteps(c *Column, by *GroupBy) dimension {
	steps := dictionary{}
	return dimension{
		codes: func(dst, rows []uint32) []uint32 {
			for _, row := range rows {
				code := uint32(0)
				if v := c.times[row]; v != noTime {
					code = steps.number(floorDiv(v+by.Shift, by.Unit))
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
