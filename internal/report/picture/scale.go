package picture

import (
	"math"
	"slices"
)

// scale are the numbers of an axis: from low to high in steps that people count
// in. Zero is among them.
type scale struct{ low, high, step float64 }

// newScale holds all values; whole is for numbers that are counted.
func newScale(low, high float64, steps int, whole bool) scale {
	low, high = min(low, 0), max(high, 0)
	if low == high {
		high = 1
	}
	steps = max(steps, 1)
	step := (high - low) / float64(steps)
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, nice := range []float64{1, 2, 5, 10} {
		if nice*power >= step*(1-1e-9) {
			step = nice * power
			break
		}
	}
	if whole {
		step = max(step, 1)
	}
	s := scale{step: step}
	s.low, s.high = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	if s.high <= s.low || !usable(s.high-s.low) { // beyond the precision of numbers
		s = scale{low, high, high - low}
	}
	return s
}

// ticks are the numbers of the axis.
func (s scale) ticks() (list []float64) {
	n := min(int(math.Round((s.high-s.low)/s.step)), 50)
	for i := range n + 1 {
		v := s.low + float64(i)*s.step
		if math.Abs(v) < s.step/1e6 {
			v = 0
		}
		list = append(list, v)
	}
	return list
}

// part is where a value is, 0 at the low end and 1 at the high one.
func (s scale) part(v float64) float64 { return min(max((v-s.low)/(s.high-s.low), 0), 1) }

// words are what the ticks are named.
func (d *drawing) words(s scale) []string {
	ticks := s.ticks()
	largest := max(math.Abs(s.low), math.Abs(s.high))
	list := make([]string, len(ticks))
	for i, v := range ticks {
		list[i] = d.chart.Format.short(v, s.step, largest, d.language)
	}
	if n := len(list); n > 0 && d.chart.Format.Unit != "" {
		at := n - 1
		if ticks[at] == 0 {
			at = 0
		}
		list[at] = d.chart.Format.withUnit(list[at])
	}
	for i := range list {
		list[i] = d.pen.fit(list[i], smallSize, false, d.w()/4)
	}
	return list
}

// spread is a scale of so many steps for all values, stacked or not.
func (d *drawing) spread(steps int, stacked bool) scale {
	low, high, whole := 0.0, 0.0, !d.chart.Format.Duration
	for i := range d.chart.Categories {
		down, up := 0.0, 0.0
		for _, s := range d.chart.Series {
			v := or0(s.Values[i])
			whole = whole && v == math.Trunc(v)
			if !stacked {
				down, up = 0, 0
			}
			down, up = down+min(v, 0), up+max(v, 0)
			low, high = min(low, down), max(high, up)
		}
	}
	if d.chart.Kind == Columns {
		low *= 1.1 // the values stand below
	}
	return newScale(low, high, steps, whole)
}

// backward turns the categories around, if the chart wants that.
func (d *drawing) backward() {
	if !d.chart.Backward {
		return
	}
	n := len(d.chart.Categories)
	for n > 0 && d.chart.Categories[n-1].Apart {
		n--
	}
	slices.Reverse(d.chart.Categories[:n])
	for i := range d.chart.Series {
		slices.Reverse(d.chart.Series[i].Values[:n])
	}
}

// segment is one column or bar: of a series, for a category, between two values.
type segment struct {
	series   int
	from, to float64
	place    int // of those beside each other
}

// segments are the columns of a category, and how many stand beside each other.
func (d *drawing) segments(category int) (list []segment, beside int) {
	down, up := 0.0, 0.0
	for i, s := range d.chart.Series {
		v := s.Values[category]
		switch {
		case none(v):
		case !d.chart.Stacked:
			list = append(list, segment{i, 0, v, i})
		case v < 0:
			list = append(list, segment{i, down, down + v, 0})
			down += v
		default:
			list = append(list, segment{i, up, up + v, 0})
			up += v
		}
	}
	if d.chart.Stacked {
		return list, 1
	}
	return list, len(d.chart.Series)
}

// segmentColor is by the category where there is one series.
func (d *drawing) segmentColor(s segment, category int) paint {
	if len(d.chart.Series) == 1 {
		return d.categoryColor(category)
	}
	return d.seriesColor(s.series)
}
