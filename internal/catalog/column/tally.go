package column

import "math"

// Tally measures numbers. The zero Tally has none.
type Tally struct {
	Values   int64
	Min, Max float64 // of the values, if any
	sum, low float64 // low is what rounding took from sum
}

// Add measures a number; NaN is none. What rounding takes from the sum is Knuth's
// two-sum.
func (t *Tally) Add(v float64) {
	if v != v {
		return
	}
	if t.Values == 0 {
		t.Min, t.Max = v, v
	}
	t.Values++
	if v < t.Min {
		t.Min = v
	}
	if v > t.Max {
		t.Max = v
	}
	t.grow(v)
}

// grow adds to the sum.
func (t *Tally) grow(v float64) {
	next := t.sum + v
	part := next - t.sum
	t.low += (t.sum - (next - part)) + (v - part)
	t.sum = next
}

// Join measures what another Tally has measured as well.
func (t *Tally) Join(o *Tally) {
	switch {
	case o.Values == 0:
		return
	case t.Values == 0:
		*t = *o
		return
	}
	t.Values += o.Values
	t.Min, t.Max = min(t.Min, o.Min), max(t.Max, o.Max)
	switch {
	case math.IsInf(t.sum, 0):
	case math.IsInf(o.sum, 0):
		t.sum, t.low = o.sum, 0
	default:
		t.grow(o.sum)
		t.low += o.low
	}
}

// Sum is as exact as a sum of twice the digits, infinite where it is too large.
func (t *Tally) Sum() float64 {
	if math.IsInf(t.sum, 0) {
		return t.sum
	}
	return t.sum + t.low
}
