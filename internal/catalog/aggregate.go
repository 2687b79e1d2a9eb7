package catalog

import (
	"context"
	"fmt"
	"math"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

const (
	// MaxGroups bounds the pairs of groups of an aggregation.
	MaxGroups = 100_000
	// maxRawGroups bounds what a store gives of one: hours and days are joined to
	// longer intervals, and single values are counted, after it.
	maxRawGroups = 1_000_000
)

// Reach says which records an aggregation may count.
type Reach int

// The reaches.
const (
	// Visible: those that the actor may view.
	Visible Reach = iota
	// Entire: all of the catalog; for actors who may view them all.
	Entire
	// Granted: all of the catalog, whoever asks. Somebody who may decide that has
	// decided it.
	Granted
)

// AggregateAsk asks for the groups of records of a catalog.
type AggregateAsk struct {
	Catalog query.Catalog
	Query   query.Query // Where, View and Search
	Reach   Reach
	query.Aggregation
	// Board, if not nil, narrows to the records of its view, and Widget, one on it,
	// to those of its filters. A Granted reach counts only while all of these hold
	// that the widget was made with, and for no personal view; else it is Visible.
	Board  *BoardInfo
	Widget *WidgetSettings
	// Whole asks also for all the records together, each once.
	Whole bool
	// Explain asks also how the groups are worked out; for administrators of the
	// catalog.
	Explain bool
}

// Aggregated is an aggregation ready for the store: rights are in Selected.
type Aggregated struct {
	*Selected
	query.Aggregation
	// Seen is where the measured field may be seen; nil for everywhere.
	Seen query.Node
	// EachValue asks for a row for every different value of a Distinct measure,
	// instead of their number.
	EachValue bool
	// Every asks for the sum, the number, the least and the greatest of values,
	// whichever of them the function is.
	Every bool
	Now   int64 // Unix ms
	// Shifts are what is added to times of the axis and of the split before they
	// are cut to hours or days, ms.
	AxisShift, SplitShift int64
	Most                  int // rows at most
}

// Groups are the records of a catalog in groups, in no order. Keys of times are
// the start of their interval or the number of a cyclic step.
type Groups struct {
	Structure             *Structure
	Catalog               *Catalog
	Axis, Split, Measured *Field   // nil for none
	List                  []Group  // none where Whole is asked for and is all of it
	Whole                 Group    // if asked for
	Engines               []Engine // if Explain is asked for: of each part of the answer
	d                     *reading
}

// Titles reads the titles of linked records as the actor may see them.
func (g *Groups) Titles(ctx context.Context, refs []query.Ref) (Titles, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	titles, err := g.d.readTitles(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("read titles of groups: %w", err)
	}
	return titles, nil
}

// Aggregate groups records and measures the groups. use works with them while
// the snapshot lasts, and may run again. A record is in no group of a field that
// the actor may not see on it, and counts as without a value where what is
// measured is hidden. It fails like Records, with InvalidParameter for a field
// that cannot be used so, and with LimitTooLarge for more than MaxGroups.
func (s *Service) Aggregate(ctx context.Context, a Actor, ask AggregateAsk, use func(*Groups) error) error {
	turn := s.columns.turn(ctx, ask.Catalog)
	defer turn.leave()
	return s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		d, c, err := s.open(ctx, st, r, a, ask.Catalog)
		if err != nil {
			return err
		}
		d.turn = turn
		g, err := d.aggregate(ctx, c, ask)
		turn.leave()
		if err != nil {
			return err
		}
		return use(g)
	})
}

func (d *reading) aggregate(ctx context.Context, c *Catalog, ask AggregateAsk) (*Groups, error) {
	g := &Groups{Structure: d.st, Catalog: c, d: d}
	var err error
	if ask.Explain {
		err = need(d.access.Catalog(c), AdminPrivilege)
	}
	if err != nil {
		return nil, err
	}
	if g.Axis, err = d.groupedBy(c, "axis", &ask.Axis); err != nil {
		return nil, err
	}
	if g.Split, err = d.groupedBy(c, "split", &ask.Split); err != nil {
		return nil, err
	}
	if g.Measured, err = d.measured(c, ask.Measure); err != nil {
		return nil, err
	}
	selected, err := d.counted(ctx, c, ask)
	if err != nil {
		return nil, err
	}
	whole := *selected
	for _, f := range []*Field{g.Axis, g.Split} {
		if f != nil {
			selected.Where = and(selected.Where, d.access.visible(f))
		}
	}
	sum := &Aggregated{Selected: selected, Aggregation: ask.Aggregation, Now: d.service.options.Now().UnixMilli(), Most: maxRawGroups + 1,
		AxisShift: d.shift(g.Axis), SplitShift: d.shift(g.Split)}
	if g.Measured != nil {
		sum.Seen = d.access.visible(g.Measured)
	}
	if !ask.Whole || ask.Axis.By != query.NoGroups || ask.Split.By != query.NoGroups {
		if g.List, err = d.groups(ctx, sum); err != nil {
			return nil, err
		}
	}
	if ask.Whole {
		sum.Selected, sum.Axis, sum.Split, sum.Every = &whole, query.Grouping{}, query.Grouping{}, true
		g.Whole, err = d.whole(ctx, sum)
	}
	if ask.Explain {
		g.Engines = d.engines
	}
	return g, err
}

// whole measures all records together.
func (d *reading) whole(ctx context.Context, sum *Aggregated) (whole Group, err error) {
	list, err := d.groups(ctx, sum)
	if err != nil || len(list) == 0 {
		return whole, err
	}
	whole = list[0]
	if sum.joins() {
		one := []Group{whole}
		err = d.recount(ctx, sum, one)
		whole = one[0]
	}
	return whole, err
}

// joins tells whether a record may be measured several times.
func (g *Aggregated) joins() bool {
	return g.Measure.Of.Times() || g.countsLinks()
}

// countsLinks tells whether different links are counted.
func (g *Aggregated) countsLinks() bool {
	return g.Measure.Of == query.Distinct && g.Catalog.Field(g.Measure.Field).HoldsLinks()
}

// counted selects the records that an aggregation counts.
func (d *reading) counted(ctx context.Context, c *Catalog, ask AggregateAsk) (*Selected, error) {
	q := query.Query{Where: ask.Query.Where, View: ask.Query.View, Search: ask.Query.Search}
	within, whole, err := d.within(c, ask)
	if err != nil {
		return nil, err
	}
	mine := d.access.Where(c)
	switch {
	case ask.Reach == Granted && whole:
		mine = nil
	case ask.Reach == Entire && mine != nil:
		return nil, fault.New(fault.Forbidden, "You may not view all records of this catalog")
	}
	return d.selectedWithin(ctx, c, q, and(mine, within))
}

// shift is what moves times of a field, or of the creation for nil, to the
// caller's clock, ms. A date without a time is nobody's clock's.
func (d *reading) shift(f *Field) int64 {
	if f != nil && f.Storage() == TimeStorage && !f.Config.HasTime() {
		return 0
	}
	return int64(d.access.actor.Offset) * minuteMs
}

// groupedBy checks a dimension, leaves a step to times only, and finds its field.
func (d *reading) groupedBy(c *Catalog, name string, g *query.Grouping) (*Field, error) {
	if g.By != query.GroupsOfField {
		return nil, nil
	}
	f, err := d.readable(c, g.Field)
	if err != nil {
		return nil, err
	}
	if f.Storage() != TimeStorage {
		g.Step = query.NoStep
	}
	switch f.Storage() {
	case TextStorage:
		if f.tellsText() {
			return f, nil
		}
	case FloatStorage, WholeStorage, TimeStorage, BoolStorage, ItemStorage, ItemsStorage, LinksStorage:
		return f, nil
	}
	return nil, fault.New(fault.InvalidParameter, "%s: records cannot be grouped by the field %s", name, f.Key)
}

// tellsText tells whether the texts of the field may be told apart: those of rich
// text and secrets may not.
func (f *Field) tellsText() bool {
	return f.Storage() == TextStorage && f.Config.Kind != KindEditor && !f.Secret
}

// measured checks a measure and finds its field.
func (d *reading) measured(c *Catalog, m query.Measure) (*Field, error) {
	if m.Of == query.Records {
		return nil, nil
	}
	f, err := d.readable(c, m.Field)
	if err != nil {
		return nil, err
	}
	suits := false
	switch s := f.Storage(); m.Of {
	case query.Numbers:
		suits = s == FloatStorage || s == WholeStorage
	case query.Distinct:
		suits = s == LinksStorage || f.tellsText()
	case query.TimeIn, query.TimeTo:
		suits = s.HasItems()
	}
	if !suits {
		return nil, fault.New(fault.InvalidParameter, "value: the field %s cannot be measured in this way", f.Key)
	}
	return f, nil
}

// groups reads an aggregation and joins hours and days to the steps asked for.
func (d *reading) groups(ctx context.Context, g *Aggregated) ([]Group, error) {
	f := folding{Aggregated: g, at: map[[2]GroupKey]int{}}
	g.EachValue = g.Measure.Of == query.Distinct && (folds(g.Axis) || folds(g.Split))
	if g.EachValue {
		f.seen = map[[3]GroupKey]bool{}
	}
	if err := d.groupRows(ctx, g, f.add); err != nil {
		return nil, fmt.Errorf("aggregate records: %w", err)
	}
	if g.Split.By == query.NoGroups || !g.countsLinks() {
		return f.list, nil
	}
	return f.list, d.recount(ctx, g, f.list)
}

// recount sets how many records the groups have where links were counted.
func (d *reading) recount(ctx context.Context, g *Aggregated, list []Group) error {
	records := *g
	records.Measure, records.Seen, records.EachValue = query.Measure{}, nil, false
	counted, err := d.groups(ctx, &records)
	if err != nil {
		return err
	}
	at := make(map[[2]GroupKey]int64, len(counted))
	for i := range counted {
		at[[2]GroupKey{counted[i].Axis, counted[i].Split}] = counted[i].Records
	}
	for i := range list {
		list[i].Records = at[[2]GroupKey{list[i].Axis, list[i].Split}]
	}
	return nil
}

// folding joins the rows of a store.
type folding struct {
	*Aggregated
	rows int
	list []Group
	at   map[[2]GroupKey]int
	seen map[[3]GroupKey]bool // different values, with EachValue
}

func (f *folding) add(c *Group, value GroupKey) error {
	if f.rows++; f.rows > maxRawGroups {
		return tooManyGroups()
	}
	if math.IsInf(c.Sum, 0) {
		return SumTooLarge()
	}
	fold(&c.Axis, f.Axis, f.AxisShift)
	fold(&c.Split, f.Split, f.SplitShift)
	if f.EachValue && c.Values > 0 {
		key := [3]GroupKey{c.Axis, c.Split, value}
		if f.seen[key] {
			c.Values = 0
		}
		f.seen[key] = true
	}
	key := [2]GroupKey{c.Axis, c.Split}
	if i, ok := f.at[key]; ok {
		f.list[i].Add(c)
		if math.IsInf(f.list[i].Sum, 0) {
			return SumTooLarge()
		}
		return nil
	}
	if len(f.list) == MaxGroups {
		return tooManyGroups()
	}
	f.at[key] = len(f.list)
	f.list = append(f.list, *c)
	return nil
}

// SumTooLarge is the fault of numbers whose sum no number can hold.
func SumTooLarge() error {
	return fault.New(fault.InvalidParameter, "value: the numbers are too large to be added up")
}

func tooManyGroups() error {
	return fault.New(fault.LimitTooLarge, "There are more than %d groups; narrow the selection", MaxGroups)
}

// folds tells whether several rows may become one group.
func folds(g query.Grouping) bool { return g.Timed() && g.Step != query.Hour && g.Step != query.Day }

func fold(k *GroupKey, g query.Grouping, shift int64) {
	if k.Kind == NumberKey && g.Timed() {
		k.Whole = foldTime(k.Whole, g.Step, shift)
	}
}
