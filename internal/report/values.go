package report

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// Bounds of an answer.
const (
	DefaultLimit  = 30
	MaxLimit      = 1000
	DefaultSplits = 10
	MaxSplits     = 100
)

// Order is by what the groups of the axis are sorted. Groups of records without
// a value come last, and ties are in the order of the axis.
type Order int

// The orders. ByDefault is by the axis, dates newest first; links and employees by
// their value, the greatest first, or the least where least is the function.
const (
	ByDefault Order = iota
	ByAxis
	ByValue
)

// Direction is the direction of an Order.
type Direction int

// The directions. Usual is ascending by axis, but for dates, and by value
// descending, but for least values.
const (
	Usual Direction = iota
	Ascending
	Descending
)

// Ask asks for the values of a breakdown. Limit and Offset are of groups of the
// axis; Splits is how many of the most frequent groups of the split are kept.
type Ask struct {
	catalog.AggregateAsk
	Order         Order
	Direction     Direction
	Limit, Offset int
	Splits        int
}

// Values are the groups of the axis that were asked for.
type Values struct {
	Structure   *catalog.Structure
	Axis, Split *catalog.Field // nil for none, and for the time of creation
	Ask         *Ask
	Groups      []Group
	Titles      catalog.Titles // of linked records and employees
	Engines     []catalog.Engine
	// All is how many groups of the axis there are, and Dropped how many of the
	// split were left out because others are more frequent.
	All, Dropped int
}

// Group is one group of the axis with its value for each group of the split, in
// the order of that; one for NoGroup where there is no split.
type Group struct {
	Axis   catalog.GroupKey
	Values []Value
	sum    catalog.Group // of the groups that are kept
	sorted float64       // the value to sort by
	none   bool          // there is no such value
}

// Value is a measured value; None tells that there was nothing to measure.
type Value struct {
	Split  catalog.GroupKey
	Number float64
	None   bool
}

// Total is what is measured over all records that match.
type Total struct {
	Sum, Average Value
	Count        int64
	Engines      []catalog.Engine
}

// Service answers reports of one company.
type Service struct{ Catalog *catalog.Service }

// Values breaks records down. It fails like catalog.Service.Aggregate.
func (s *Service) Values(ctx context.Context, a catalog.Actor, ask Ask) (*Values, error) {
	var v *Values
	err := s.Catalog.Aggregate(ctx, a, ask.AggregateAsk, func(g *catalog.Groups) (err error) {
		v, err = shape(ctx, g, &ask)
		return err
	})
	return v, err
}

// Totals measures over all groups: the sum is the value over all records, each
// once, the average that of the values of the groups, and the count that of the
// records. Without an axis the average is one per record.
func (s *Service) Totals(ctx context.Context, a catalog.Actor, ask Ask) (t Total, err error) {
	ask.Whole = true
	err = s.Catalog.Aggregate(ctx, a, ask.AggregateAsk, func(g *catalog.Groups) error {
		t = total(g, ask.Measure, ask.Axis.By == query.NoGroups)
		t.Engines = g.Engines
		return nil
	})
	return t, err
}

func total(g *catalog.Groups, m query.Measure, plain bool) Total {
	t := Total{Sum: valueOf(&g.Whole, m), Count: g.Whole.Records}
	if plain {
		t.Average = t.Sum
		if m.Of == query.Numbers {
			m.Fn = query.Average
			t.Average = valueOf(&g.Whole, m)
		}
		return t
	}
	sum, n := 0.0, 0
	for i := range g.List {
		if v := valueOf(&g.List[i], m); !v.None {
			sum += v.Number
			n++
		}
	}
	if n == 0 {
		t.Average.None = true
		return t
	}
	t.Average.Number = catalog.RoundNumber(sum / float64(n))
	return t
}

func valueOf(g *catalog.Group, m query.Measure) Value {
	n, ok := g.Value(m)
	return Value{Split: g.Split, Number: n, None: !ok}
}

// shape makes the answer of the measured groups.
func shape(ctx context.Context, g *catalog.Groups, ask *Ask) (*Values, error) {
	v := &Values{Engines: g.Engines, Structure: g.Structure, Axis: g.Axis, Split: g.Split, Ask: ask}
	list := g.List
	if ask.Split.By != query.NoGroups {
		list, v.Dropped = frequent(list, ask.Splits)
	}
	groups := v.groups(list)
	v.All = len(groups)
	if err := v.sort(ctx, g, groups); err != nil {
		return nil, err
	}
	from := min(ask.Offset, len(groups))
	v.Groups = groups[from:min(from+ask.Limit, len(groups))]
	for i := range v.Groups {
		slices.SortFunc(v.Groups[i].Values, func(a, b Value) int { return v.compare(g.Split, a.Split, b.Split) })
	}
	var err error
	v.Titles, err = g.Titles(ctx, v.refs())
	return v, err
}

// frequent keeps the groups of the most frequent values of the split, and tells
// how many values it dropped.
func frequent(list []catalog.Group, most int) (kept []catalog.Group, dropped int) {
	counts := map[catalog.GroupKey]int64{}
	for i := range list {
		counts[list[i].Split] += list[i].Records
	}
	if len(counts) <= most {
		return list, 0
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b catalog.GroupKey) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), a.Compare(b))
	})
	for _, k := range keys[most:] {
		delete(counts, k)
	}
	kept = slices.DeleteFunc(slices.Clone(list), func(g catalog.Group) bool {
		_, keep := counts[g.Split]
		return !keep
	})
	return kept, len(keys) - len(counts)
}

// Splits are the groups of the split that the answer has, each once, in their
// order.
func (v *Values) Splits() []catalog.GroupKey {
	seen := map[catalog.GroupKey]bool{}
	for i := range v.Groups {
		for _, value := range v.Groups[i].Values {
			seen[value.Split] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b catalog.GroupKey) int { return v.compare(v.Split, a, b) })
}

// groups gathers the values of each group of the axis.
func (v *Values) groups(list []catalog.Group) []Group {
	at := map[catalog.GroupKey]int{}
	groups := make([]Group, 0, len(list))
	for i := range list {
		g := &list[i]
		if v.gone(v.Axis, g.Axis) || v.gone(v.Split, g.Split) {
			continue
		}
		n, ok := at[g.Axis]
		if !ok {
			n = len(groups)
			at[g.Axis] = n
			groups = append(groups, Group{Axis: g.Axis})
		}
		groups[n].Values = append(groups[n].Values, valueOf(g, v.Ask.Measure))
		groups[n].sum.Add(g)
	}
	for i := range groups {
		n, ok := groups[i].sum.Value(v.Ask.Measure)
		groups[i].sorted, groups[i].none = n, !ok
	}
	return groups
}

// sort puts the groups of the axis into their order.
func (v *Values) sort(ctx context.Context, g *catalog.Groups, groups []Group) error {
	byValue, desc := v.order(g.Axis)
	byAxis := func(a, b *Group) int { return v.compare(g.Axis, a.Axis, b.Axis) }
	if g.Axis.HoldsLinks() && v.Ask.Order == ByAxis {
		titles, err := titleKeys(ctx, g, groups)
		if err != nil {
			return err
		}
		byAxis = func(a, b *Group) int {
			return cmp.Or(cmp.Compare(titles[a.Axis], titles[b.Axis]), a.Axis.Compare(b.Axis))
		}
	}
	slices.SortFunc(groups, func(a, b Group) int {
		if empty := last(a.Axis.Kind == catalog.NoKey, b.Axis.Kind == catalog.NoKey); empty != 0 {
			return empty
		}
		if !byValue {
			if desc {
				return byAxis(&b, &a)
			}
			return byAxis(&a, &b)
		}
		order := cmp.Compare(a.sorted, b.sorted)
		if desc {
			order = -order
		}
		return cmp.Or(last(a.none, b.none), order, byAxis(&a, &b))
	})
	return nil
}

// last puts what is so after what is not.
func last(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// order tells what the groups are sorted by.
func (v *Values) order(axis *catalog.Field) (byValue, desc bool) {
	byValue = v.Ask.Order == ByValue || v.Ask.Order == ByDefault && axis.HoldsLinks()
	switch {
	case v.Ask.Direction != Usual:
		desc = v.Ask.Direction == Descending
	case byValue:
		desc = v.Ask.Measure.Fn != query.Min
	default:
		desc = v.Ask.Axis.Timed() && !v.Ask.Axis.Step.Cyclic()
	}
	return byValue, desc
}

// compare is the order of two keys of a field: options as the card has them.
func (v *Values) compare(f *catalog.Field, a, b catalog.GroupKey) int {
	if f == nil || !f.Storage().HasItems() || a.Kind != b.Kind {
		return a.Compare(b)
	}
	return cmp.Or(cmp.Compare(f.Config.Place(query.Item(a.Whole)), f.Config.Place(query.Item(b.Whole))), a.Compare(b))
}

// gone tells whether a key is of an option that the field has no more: records may
// have spent time in it.
func (v *Values) gone(f *catalog.Field, k catalog.GroupKey) bool {
	return f != nil && f.Storage().HasItems() && k.Kind != catalog.NoKey && f.Config.Item(query.Item(k.Whole)) == nil
}

// titleKeys are the sort keys of the titles of the axis.
func titleKeys(ctx context.Context, g *catalog.Groups, groups []Group) (map[catalog.GroupKey]string, error) {
	refs := make([]query.Ref, 0, len(groups))
	for i := range groups {
		refs = appendRef(refs, groups[i].Axis)
	}
	titles, err := g.Titles(ctx, refs)
	if err != nil {
		return nil, err
	}
	keys := make(map[catalog.GroupKey]string, len(groups))
	for i := range groups {
		k := groups[i].Axis
		keys[k] = string(text.SortKey(titles[query.Ref(k.Whole)].Text))
	}
	return keys, nil
}

func appendRef(refs []query.Ref, k catalog.GroupKey) []query.Ref {
	if k.Kind == catalog.NoKey {
		return refs
	}
	return append(refs, query.Ref(k.Whole))
}

// refs are the linked records that the answer names, each once.
func (v *Values) refs() (refs []query.Ref) {
	for i := range v.Groups {
		if v.Axis.HoldsLinks() {
			refs = appendRef(refs, v.Groups[i].Axis)
		}
		for _, value := range v.Groups[i].Values {
			if v.Split.HoldsLinks() {
				refs = appendRef(refs, value.Split)
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}
