package report

import (
	"context"
	"math"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/report/picture"
)

// Sketch is how values are to be drawn.
type Sketch struct {
	Kind                picture.Kind
	Name                string // "" for what is measured
	Stacked, Multicolor bool
	Language            string // of fault.Languages
}

// Chart breaks records down and makes a chart of them; of the kind picture.Number
// it is what Totals gives as the sum. It fails like Values and Totals.
func (s *Service) Chart(ctx context.Context, a catalog.Actor, ask Ask, k Sketch) (*picture.Chart, error) {
	var chart *picture.Chart
	ask.Whole = k.Kind == picture.Number
	err := s.Catalog.Aggregate(ctx, a, ask.AggregateAsk, func(g *catalog.Groups) error {
		n := namer{language: k.Language, offset: int64(a.Offset)}
		if ask.Whole {
			chart = n.figure(g, &ask)
			return nil
		}
		v, err := shape(ctx, g, &ask)
		if err == nil {
			chart = n.chart(v, g.Measured, k.Kind)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	chart.Kind, chart.Stacked, chart.Multicolor = k.Kind, k.Stacked, k.Multicolor
	if k.Name != "" {
		chart.Title = k.Name
	}
	return chart, nil
}

// figure is the chart of one number.
func (n namer) figure(g *catalog.Groups, ask *Ask) *picture.Chart {
	sum := total(g, ask.Measure, ask.Axis.By == query.NoGroups).Sum
	return &picture.Chart{
		Title: n.measure(g.Measured, ask.Measure), Format: formatOf(g.Measured, ask.Measure),
		Series: []picture.Series{{Values: []float64{drawn(sum)}}},
	}
}

// drawn is a value as pictures have it.
func drawn(v Value) float64 {
	if v.None {
		return math.NaN()
	}
	return v.Number
}

// chart names the groups: those of the axis are categories, those of the split
// series.
func (n namer) chart(v *Values, measured *catalog.Field, kind picture.Kind) *picture.Chart {
	m := v.Ask.Measure
	c := &picture.Chart{
		Title: n.measure(measured, m), Axis: n.dimension(v.Axis, v.Ask.Axis), Format: formatOf(measured, m),
		More: v.All - len(v.Groups),
	}
	if c.Axis != "" {
		c.Title += " — " + c.Axis
	}
	_, desc := v.order(v.Axis)
	c.Backward = v.passes() && desc
	keys, groups := v.splits(), v.Groups
	if kind == picture.Columns || kind == picture.Lines {
		groups = v.filled(n.shift(v.Axis))
	}
	for _, key := range keys {
		one := n.group(v, v.Split, v.Ask.Split, key)
		c.Series = append(c.Series, picture.Series{Name: one.Name, Color: one.Color})
	}
	if v.Ask.Split.By == query.NoGroups && len(c.Series) > 0 {
		c.Series[0].Name = n.measure(measured, m)
	}
	for i := range groups {
		g := &groups[i]
		one := n.group(v, v.Axis, v.Ask.Axis, g.Axis)
		one.Apart = g.Axis.Kind == catalog.NoKey && v.Ask.Axis.Timed()
		c.Categories = append(c.Categories, one)
		for j, key := range keys {
			c.Series[j].Values = append(c.Series[j].Values, g.value(key, m))
		}
	}
	return c
}

// splits are the groups of the split in their order.
func (v *Values) splits() (keys []catalog.GroupKey) {
	seen := map[catalog.GroupKey]bool{}
	for i := range v.Groups {
		for _, one := range v.Groups[i].Values {
			if !seen[one.Split] {
				seen[one.Split] = true
				keys = append(keys, one.Split)
			}
		}
	}
	slices.SortFunc(keys, func(a, b catalog.GroupKey) int { return v.compare(v.Split, a, b) })
	return keys
}

// value is what is drawn for a group of the split. Where there are no records
// their number is 0, and there is nothing else to measure.
func (g *Group) value(split catalog.GroupKey, m query.Measure) float64 {
	for _, v := range g.Values {
		if v.Split == split {
			return drawn(v)
		}
	}
	if counts(m) {
		return 0
	}
	return math.NaN()
}

func counts(m query.Measure) bool {
	return m.Of == query.Records || m.Of == query.Distinct || m.Fn == query.Count
}

// formatOf is how numbers of a measure are written: as those of the field, unless
// something else is counted or the field has no numbers of its own.
func formatOf(f *catalog.Field, m query.Measure) picture.Format {
	switch {
	case counts(m) || f == nil:
		return picture.Format{}
	case m.Of.Times():
		return picture.Format{Duration: true}
	}
	format := numbersOf(f)
	if average := m.Fn == query.Average || m.Fn == query.AverageAll; average && format.Digits != nil && *format.Digits < 2 {
		format.Digits = nil
	}
	return format
}

// numbersOf is how the numbers of a field are written.
func numbersOf(f *catalog.Field) picture.Format {
	if f.Type.Name() == "progress" {
		return picture.Format{Unit: "%"}
	}
	return picture.Format{Digits: f.Config.Digits, Unit: f.Config.Unit}
}

// measure names what is measured.
func (n namer) measure(f *catalog.Field, m query.Measure) string {
	if f == nil {
		return n.say(fault.Msg("Number of records"))
	}
	switch {
	case m.Of == query.Distinct:
		return n.say(fault.Msg("%s: different values", f.Name))
	case m.Of == query.TimeIn:
		return n.say(fault.Msg("%s: time in the option", f.Name))
	case m.Of == query.TimeTo:
		return n.say(fault.Msg("%s: time until the option", f.Name))
	}
	switch m.Fn {
	case query.Count:
		return n.say(fault.Msg("%s: number of values", f.Name))
	case query.Max:
		return n.say(fault.Msg("%s: greatest", f.Name))
	case query.Min:
		return n.say(fault.Msg("%s: least", f.Name))
	case query.Average, query.AverageAll:
		return n.say(fault.Msg("%s: average", f.Name))
	}
	return n.say(fault.Msg("%s: sum", f.Name))
}
