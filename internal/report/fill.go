package report

import (
	"slices"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// maxFilled is how many intervals a chart has at most for the empty ones to be shown.
const maxFilled = 200

// passes tells whether the axis is time that passes, in its order.
func (v *Values) passes() bool {
	byValue, _ := v.order(v.Axis)
	return v.Ask.Axis.Timed() && !v.Ask.Axis.Step.Cyclic() && !byValue
}

// filled are the groups with empty ones for the intervals between them that have no
// records: side by side, times that are far apart would look near. shift is that of
// the axis, ms.
func (v *Values) filled(shift int64) []Group {
	groups := v.Groups
	if n := len(groups); n > 0 && groups[n-1].Axis.Kind == catalog.NoKey {
		groups = groups[:n-1]
	}
	if len(groups) < 2 || !v.passes() {
		return v.Groups
	}
	first, last := groups[0].Axis.Whole, groups[len(groups)-1].Axis.Whole
	desc := first > last
	if desc {
		first, last = last, first
	}
	found := map[int64]Group{}
	for _, g := range groups {
		found[g.Axis.Whole] = g
	}
	var list []Group
	for at := first; at <= last; at = next(at, v.Ask.Axis.Step, shift) {
		if len(list) == maxFilled {
			return v.Groups
		}
		g, ok := found[at]
		if !ok {
			g.Axis = catalog.GroupKey{Whole: at}
		}
		list = append(list, g)
	}
	if desc {
		slices.Reverse(list)
	}
	return append(list, v.Groups[len(groups):]...)
}

// next is the start of the interval after one, both in UTC milliseconds.
func next(start int64, s query.Step, shift int64) int64 {
	at := time.UnixMilli(start + shift).UTC()
	switch s {
	case query.Hour:
		at = at.Add(time.Hour)
	case query.Week:
		at = at.AddDate(0, 0, 7)
	case query.Month:
		at = at.AddDate(0, 1, 0)
	case query.Quarter:
		at = at.AddDate(0, 3, 0)
	case query.Year:
		at = at.AddDate(1, 0, 0)
	default:
		at = at.AddDate(0, 0, 1)
	}
	return at.UnixMilli() - shift
}
