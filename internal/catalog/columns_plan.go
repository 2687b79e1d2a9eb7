package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

// Engine tells how groups were worked out.
type Engine struct {
	Columns bool   // from memory; else by the store
	Why     string // in English
	Records int    // that are in memory
	// FromColumns and FromStore are what it was thought to take; 0 for unknown.
	FromColumns, FromStore time.Duration
	Took                   time.Duration
}

// columnPlan is what an aggregation needs of the columns.
type columnPlan struct {
	axis, split, measured *Field
	fields                []*Field
	// foreign are the conditions that the store has to test.
	foreign []query.Node
	tests   int
}

// groupRows groups records from memory where that is possible and cheaper, else by
// the store.
func (d *reading) groupRows(ctx context.Context, g *Aggregated, each func(*Group, GroupKey) error) error {
	started := time.Now()
	e := &Engine{}
	p, why := planColumns(g)
	done, err := false, error(nil)
	if e.Why = why; why == "" {
		done, err = d.fromColumns(ctx, g, p, e, each)
	}
	if err == nil && !done {
		d.turn.open()
		d.turn.why = cmp.Or(d.turn.why, e.Why)
		err = d.r.Aggregate(ctx, g, each)
		worth := d.turn.on() && time.Since(started) >= d.service.options.Columns.Worth
		if err == nil && why == "" && worth && d.turn.lacks(g.Catalog.Num, p.fields) {
			d.turn.wants.want(g.Catalog.Num, p.fields)
		}
	}
	e.Columns, e.Took = done, time.Since(started)
	d.engines = append(d.engines, *e)
	return err
}

// planColumns finds out what an aggregation needs of columns, or why it cannot be
// made of them.
func planColumns(g *Aggregated) (p *columnPlan, why string) {
	p = &columnPlan{}
	switch {
	case g.Catalog.Mirror:
		return nil, "the catalog shows other objects"
	case g.Search.Fold != "" || g.Search.Digits != "":
		return nil, "a text is searched for"
	case g.Measure.Of.Times():
		return nil, "times in options are measured"
	}
	for _, of := range []struct {
		by query.Grouping
		to **Field
	}{{g.Axis, &p.axis}, {g.Split, &p.split}} {
		if of.by.By == query.GroupsOfField {
			*of.to = g.Catalog.Field(of.by.Field)
			p.need(*of.to)
		}
	}
	if g.Measure.Of != query.Records {
		p.measured = g.Catalog.Field(g.Measure.Field)
		p.need(p.measured)
	}
	if !p.conditions(g, g.Where) || !p.conditions(g, g.Seen) {
		return nil, "a condition is on what is not in the log of changes"
	}
	return p, ""
}

func (p *columnPlan) need(f *Field) {
	if !slices.Contains(p.fields, f) {
		p.fields = append(p.fields, f)
	}
}

// conditions gathers what a condition needs; false for one that can change without
// a change that is logged.
func (p *columnPlan) conditions(g *Aggregated, n query.Node) bool {
	logged := true
	query.Walk(g.Catalog.Num, n, func(c query.Catalog, n query.Node) {
		_, unread := n.(query.Unread)
		_, titled := n.(query.Titled)     // titles change with the structure
		_, authored := n.(query.Authored) // the history may be cleared
		of := g.Structure.Catalog(c)
		logged = logged && !unread && !titled && !authored && of != nil && !of.Mirror
	})
	p.leaves(g.Catalog, n)
	return logged
}

func (p *columnPlan) leaves(c *Catalog, n query.Node) {
	switch n := n.(type) {
	case nil:
	case query.And:
		for _, e := range n {
			p.leaves(c, e)
		}
	case query.Or:
		for _, e := range n {
			p.leaves(c, e)
		}
	case query.Not:
		p.leaves(c, n.Node)
	default:
		p.tests++
		if f, own := ownTest(c, n); own {
			if f != nil {
				p.need(f)
			}
			return
		}
		p.foreign = append(p.foreign, n)
	}
}

// ownTest tells whether columns can be asked a condition, and which. A text's is
// not worth one.
func ownTest(c *Catalog, n query.Node) (*Field, bool) {
	cond, ok := n.(query.Cond)
	if !ok {
		return nil, column.NewTable().Tests(n)
	}
	f := c.Field(cond.Field)
	if f == nil || f.Storage() == TextStorage {
		return nil, false
	}
	kind, ok := columnKind(f)
	return f, ok && column.Tests(kind, cond.Test)
}

// fromColumns answers from memory, or not at all.
func (d *reading) fromColumns(ctx context.Context, g *Aggregated, p *columnPlan, e *Engine,
	each func(*Group, GroupKey) error,
) (done bool, err error) {
	t := d.turn
	if !t.gated && !t.reading {
		e.Why = t.why
		return false, nil
	}
	if e.Why = d.refusal(g, p, e); e.Why != "" {
		return false, nil
	}
	table, err := t.settle(ctx, d, g.Catalog)
	if table == nil || err != nil {
		e.Why = t.why
		return false, err
	}
	if e.Why = table.missing(p.fields); e.Why != "" { // since the structure has changed
		return false, nil
	}
	e.Why = cheaper
	table.use(p.fields, time.Now())
	a := &column.Aggregation{Axis: table.groupBy(p.axis, g.Axis, g.AxisShift), Split: table.groupBy(p.split, g.Split, g.SplitShift)}
	if p.measured != nil {
		a.Measure, a.Of, a.Hides = columnMeasure(g), table.Column(p.measured.Num), g.Seen != nil
	}
	find := func() (err error) {
		if a.Where, err = d.rowsWhere(ctx, g, table, g.Where); err == nil && a.Hides {
			a.Seen, err = d.rowsWhere(ctx, g, table, g.Seen)
		}
		return err
	}
	emit := func(c *column.Group) error {
		group := &Group{Axis: groupKeyOf(p.axis, c.Axis), Split: groupKeyOf(p.split, c.Split),
			Records: c.Rows, Seen: c.Seen, Values: c.Values, Sum: c.Sum, Min: c.Min, Max: c.Max}
		return each(group, groupKeyOf(p.measured, c.Value))
	}
	if len(p.foreign) == 0 {
		err = table.keep(g, a, p.fields).Aggregate(ctx, a, find, emit)
	} else if err = find(); err == nil {
		err = table.Aggregate(ctx, a, emit)
	}
	if errors.Is(err, column.ErrTooMany) {
		e.Why = "there are too many groups"
		return false, nil
	}
	return true, err
}

func columnMeasure(g *Aggregated) column.Measure {
	switch {
	case g.EachValue:
		return column.Each
	case g.Measure.Of == query.Distinct:
		return column.Distinct
	}
	return column.Numbers
}

// refusal is why the columns are not to answer: "" if they are. The tables are
// looked at without being brought up to date: what they cost does not depend on it.
func (d *reading) refusal(g *Aggregated, p *columnPlan, e *Engine) string {
	t := d.turn
	if !t.reading {
		t.state.RLock()
		defer t.state.RUnlock()
	}
	table := t.tables[g.Catalog.Num]
	if table == nil {
		return "nothing of the catalog is in memory any more"
	}
	if why := table.missing(p.fields); why != "" {
		return why
	}
	e.Records = table.Len()
	e.FromColumns, e.FromStore = d.costs(g, p, table)
	if e.FromColumns > e.FromStore && !t.always {
		return "the store finds few records"
	}
	return ""
}

// cheaper is why columns answer.
const cheaper = "they cost less"

// missing names a field that the table lacks; "" for none.
func (t *columnTable) missing(fields []*Field) string {
	for _, f := range fields {
		if t.Column(f.Num) == nil {
			return fmt.Sprintf("the field %s is not in memory", f.Key)
		}
	}
	return ""
}

// use notes that columns were used.
func (t *columnTable) use(fields []*Field, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[0] = now
	for _, f := range fields {
		t.used[f.Num] = now
	}
}

// What parts of an answer take, roughly, in nanoseconds per record. They were
// measured with BenchmarkReport.
const (
	columnRecord = 3.0  // to group or measure
	columnTest   = 1.5  // a condition
	storeRecord  = 300. // to group and measure
	storeMatch   = 150. // a condition
	storeFound   = 2_000.
	storeBegin   = 100_000.
)

// costs estimates what an answer takes from memory and from the store.
func (d *reading) costs(g *Aggregated, p *columnPlan, table *columnTable) (fromColumns, fromStore time.Duration) {
	records := float64(table.Len())
	found := d.found(g, p, table)
	columns := records * (columnRecord*float64(1+len(p.fields)) + columnTest*float64(p.tests))
	columns += float64(len(p.foreign))*(storeBegin+records*storeMatch) + float64(len(table.stale))*storeFound
	store := storeBegin + min(found*storeFound, records*(storeRecord+storeMatch*float64(p.tests)))
	return time.Duration(columns), time.Duration(store)
}

// found is how many records the store looks at if it begins with the narrowest
// condition that it has an index for.
func (d *reading) found(g *Aggregated, p *columnPlan, table *columnTable) float64 {
	records := float64(table.Len())
	least := records
	parts, ok := g.Where.(query.And)
	if !ok {
		parts = query.And{g.Where}
	}
	for _, n := range parts {
		switch n := n.(type) {
		case query.Among:
			least = min(least, float64(len(n)))
		case query.Cond:
			least = min(least, records*d.share(g.Catalog, n, table))
		}
	}
	return least
}

// share is which part of the records a condition may leave that the store has an
// index for; 1 for no other.
func (d *reading) share(c *Catalog, n query.Cond, table *columnTable) float64 {
	f, col := c.Field(n.Field), table.Column(n.Field)
	if f == nil || col == nil {
		return 1
	}
	indexed := f.Storage().HasRefs() || slices.ContainsFunc(d.service.indexer.indexes(c.Num),
		func(i *watchedIndex) bool { return i.fields[0] == n.Field })
	values := 0
	switch test := n.Test.(type) {
	case query.AnyOf:
		values = len(test)
	case query.LinksAny:
		values = len(test)
	case query.AllOf:
		values = 1
	}
	if !indexed || values == 0 || col.Different() == 0 {
		return 1
	}
	return min(1, float64(values)/float64(col.Different()))
}
