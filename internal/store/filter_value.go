package store

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// storable tells whether a text can be in the database at all.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// bounds adds the condition that expr is within both bounds, nil for open ones.
func (b *builder) bounds(expr string, from, to any, equal bool) {
	switch {
	case from == nil && to == nil:
		b.add(expr, " IS NOT NULL")
	case to == nil:
		b.add(expr, " >= ?")
		b.bind(from)
	case from == nil:
		b.add(expr, " <= ?")
		b.bind(to)
	case equal: // lets an index go on with the next column's order
		b.add(expr, " = ?")
		b.bind(from)
	default:
		b.add(expr, " BETWEEN ? AND ?")
		b.bind(from, to)
	}
}

// bound is *p, nil for nil.
func bound[T int64 | float64](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func (b *builder) timeRange(src source, f *catalog.Field, t query.TimeRange) {
	equal := t.Min != nil && t.Max != nil && *t.Min == *t.Max
	b.bounds(src.value(f), bound(t.Min), bound(t.Max), equal)
}

// numberRange rounds the bounds of an integer column inwards, since PostgreSQL
// takes no others. Not a number is between no bounds.
func (b *builder) numberRange(src source, f *catalog.Field, t query.NumberRange) {
	if t.Min != nil && math.IsNaN(*t.Min) || t.Max != nil && math.IsNaN(*t.Max) {
		b.add("FALSE")
		return
	}
	if storageOf(f) == catalog.FloatStorage {
		equal := t.Min != nil && t.Max != nil && *t.Min == *t.Max
		b.bounds(src.value(f), bound(t.Min), bound(t.Max), equal)
		return
	}
	var whole query.TimeRange
	if t.Min != nil {
		n := wholeNumber(math.Ceil(*t.Min))
		whole.Min = &n
	}
	if t.Max != nil {
		n := wholeNumber(math.Floor(*t.Max))
		whole.Max = &n
	}
	b.timeRange(src, f, whole)
}

// numberIs adds the condition that the number is one of some.
func (b *builder) numberIs(src source, f *catalog.Field, list query.NumberIs) {
	if storageOf(f) != catalog.FloatStorage {
		var whole []int64
		for _, n := range list {
			if n == math.Trunc(n) {
				whole = append(whole, wholeNumber(n))
			}
		}
		b.among(src.value(f), whole)
		return
	}
	numbers := slices.DeleteFunc(slices.Clone([]float64(list)), func(n float64) bool { return math.IsNaN(n) || math.IsInf(n, 0) })
	switch len(numbers) {
	case 0:
		b.add("FALSE")
	case 1:
		b.add(src.value(f), " = ?")
		b.bind(numbers[0])
	default:
		b.add(b.dialect.AnyFloat(src.value(f)))
		b.bind(numbers)
	}
}

// spans adds the condition that a time is within one of some parts. Many of which some
// are longer than a millisecond no index serves.
func (b *builder) spans(expr string, list []query.Span) {
	list = joinedSpans(list)
	long := func(s query.Span) bool { return s.First < s.Last }
	switch {
	case len(list) == 0:
		b.add("FALSE")
	case !slices.ContainsFunc(list, long):
		moments := make([]int64, len(list))
		for i, s := range list {
			moments[i] = s.First
		}
		b.among(expr, moments)
	case len(list) <= chainLength:
		b.add("(")
		for i, s := range list {
			if i > 0 {
				b.add(" OR ")
			}
			b.bounds(expr, s.First, s.Last, !long(s))
		}
		b.add(")")
	default: // within one when an odd number of ends are passed
		ends := make([]int64, 0, 2*len(list))
		for _, s := range list {
			ends = append(ends, s.First, s.Last+1)
		}
		b.add(b.dialect.CountUpTo(expr), " % 2 = 1")
		b.bind(ends)
	}
}

// joinedSpans are the spans in their order, those that touch joined.
func joinedSpans(list []query.Span) (joined []query.Span) {
	list = slices.SortedFunc(slices.Values(list), func(a, b query.Span) int { return cmp.Compare(a.First, b.First) })
	for _, s := range list {
		last := len(joined) - 1
		switch {
		case s.Last < s.First:
		case last >= 0 && s.First <= joined[last].Last+1:
			joined[last].Last = max(joined[last].Last, s.Last)
		default:
			joined = append(joined, s)
		}
	}
	return joined
}

// wholeNumber converts and stays within a range that no stars field exceeds.
func wholeNumber(v float64) int64 { return int64(min(max(v, -1<<53), 1<<53)) }

func (b *builder) birthday(src source, f *catalog.Field, t query.Birthday) {
	b.add(b.dialect.MonthDay(src.value(f)), " = ?")
	b.bind(monthDayShift(t.Offset), fmt.Sprintf("%02d-%02d", t.Month, t.Day))
}

// timePart adds the condition that a part of the time is one of some numbers.
func (b *builder) timePart(src source, f *catalog.Field, t query.TimePart) {
	expr := b.dialect.TimePart(src.value(f), t.Part)
	if expr == "" || len(t.In) == 0 {
		b.add("FALSE")
		return
	}
	for range strings.Count(expr, "?") {
		b.bind(monthDayShift(t.Offset))
	}
	b.among(expr, t.In)
}

// stamped adds the condition that the record was made or changed within bounds.
func (b *builder) stamped(src source, n query.Stamped) error {
	column := ".created"
	switch n.By {
	case query.ByCreated:
	case query.ByUpdated:
		column = ".updated"
	default:
		return unknownKind()
	}
	if n.In != nil {
		b.spans(src.alias+column, n.In)
		if n.Min == nil && n.Max == nil {
			return nil
		}
		b.add(" AND ")
	}
	equal := n.Min != nil && n.Max != nil && *n.Min == *n.Max
	b.bounds(src.alias+column, bound(n.Min), bound(n.Max), equal)
	return nil
}

// numberedIn adds the condition that the record's number is within bounds.
func (b *builder) numberedIn(src source, n query.Numbered) {
	whole := func(r *query.Record) any {
		if r == nil {
			return nil
		}
		return int64(*r)
	}
	equal := n.Min != nil && n.Max != nil && *n.Min == *n.Max
	b.bounds(src.id(), whole(n.Min), whole(n.Max), equal)
}

func (b *builder) anyOf(src source, f *catalog.Field, list []int64) {
	switch storageOf(f) {
	case catalog.BoolStorage:
		b.anyBool(src.value(f), slices.Contains(list, 0), slices.Contains(list, 1))
	case catalog.ItemsStorage:
		b.openRefs(src, f)
		b.among("l.target", list)
		b.add(")")
	default:
		b.among(src.value(f), list)
	}
}

// anyBool takes an empty switch for one that is off.
func (b *builder) anyBool(expr string, off, on bool) {
	switch {
	case off && on:
		b.add("TRUE")
	case on:
		b.add(switchValue(expr), " = 1")
	case off:
		b.add(switchValue(expr), " = 0")
	default:
		b.add("FALSE")
	}
}

// allOf adds the condition that the field has all the items. All of none is
// whatever is not empty.
func (b *builder) allOf(src source, f *catalog.Field, list []int64) {
	items := slices.Clone(list)
	slices.Sort(items)
	items = slices.Compact(items)
	switch {
	case len(items) == 0:
		b.add(src.value(f), " IS NOT NULL")
	case len(items) == 1:
		b.anyOf(src, f, items)
	case storageOf(f) == catalog.ItemStorage:
		b.add("FALSE")
	case len(items) <= chainLength: // grouping would read the whole field on SQLite
		b.add("(")
		for i, item := range items {
			if i > 0 {
				b.add(" AND ")
			}
			b.anyOf(src, f, []int64{item})
		}
		b.add(")")
	default:
		b.openRefs(src, f)
		b.among("l.target", items)
		b.add(" GROUP BY l.record HAVING count(DISTINCT l.target) = ?)")
		b.bind(len(items))
	}
}
