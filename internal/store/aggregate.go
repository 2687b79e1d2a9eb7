package store

import (
	"context"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Aggregate implements catalog.Reader with one statement: the dimensions (a, s)
// and the measured value (v) of each record are a SELECT, and what is around it
// groups them, if the rows are not grouped as they come.
func (t *tx) Aggregate(ctx context.Context, g *catalog.Aggregated, each func(*catalog.Group, catalog.GroupKey) error) error {
	a := &aggregation{builder: newBuilder(t.conn.Dialect(), g.Structure), Aggregated: g}
	a.src = a.alias(g.Catalog)
	a.axis, a.split = a.dimension("a", g.Axis, g.AxisShift), a.dimension("s", g.Split, g.SplitShift)
	if a.streams() {
		return t.stream(ctx, a, each)
	}
	a.columns = a.measures()
	if err := a.compile(); err != nil {
		return err
	}
	err := t.conn.Query(ctx, string(a.sql), a.args, func(r row) error {
		group, value := a.read(r)
		return each(&group, value)
	})
	if classify(err) == classRange {
		return catalog.SumTooLarge()
	}
	return err
}

// measured is a column that measures the records of a group.
type measured struct {
	sql  string
	into func(g *catalog.Group, r row, i int)
}

// measures are the columns that the function of the measure needs.
func (a *aggregation) measures() []measured {
	list := []measured{{"count(*)", func(g *catalog.Group, r row, i int) { g.Records, g.Seen = r.Int(i), r.Int(i) }}}
	if a.Measure.Of == query.Records {
		return list
	}
	if a.hides() {
		list = append(list, measured{"count(w)", func(g *catalog.Group, r row, i int) { g.Seen = r.Int(i) }})
	}
	count := func(g *catalog.Group, r row, i int) { g.Values = r.Int(i) }
	sum := measured{"sum(v)", func(g *catalog.Group, r row, i int) { g.Sum = r.Float(i) }}
	one := func(g *catalog.Group, r row, i int) {
		if !r.Null(i) {
			g.Values, g.Sum, g.Min, g.Max = 1, r.Float(i), r.Float(i), r.Float(i)
		}
	}
	switch {
	case a.EachValue:
		return list
	case a.Measure.Of == query.Distinct:
		return append(list, measured{"count(DISTINCT v)", count})
	case a.Every || a.Measure.Fn == query.Average || a.Measure.Fn == query.AverageAll:
		list = append(list, measured{"count(v)", count}, sum)
	case a.Measure.Fn == query.Count:
		list = append(list, measured{"count(v)", count})
	case a.Measure.Fn == query.Sum:
		list = append(list, measured{"sum(v)", one})
	case a.Measure.Fn == query.Min:
		list = append(list, measured{"min(v)", one})
	case a.Measure.Fn == query.Max:
		list = append(list, measured{"max(v)", one})
	}
	if a.Every {
		list = append(list, measured{"min(v)", func(g *catalog.Group, r row, i int) { g.Min = r.Float(i) }},
			measured{"max(v)", func(g *catalog.Group, r row, i int) { g.Max = r.Float(i) }})
	}
	return list
}

// aggregation is the statement of an Aggregated.
type aggregation struct {
	*builder
	*catalog.Aggregated
	src         source
	axis, split dimension
	columns     []measured
}

// keyType is how a dimension's key is read.
type keyType int

const (
	noKey keyType = iota
	wholeKey
	floatKey
	textKey // with its sort key in the next column
)

// dimension is what records are grouped by.
type dimension struct {
	name string // of its column
	key  keyType
	expr string
	args []any
	join string // of the rows that give it; "" for none
	sort string // expr of the sort key
}

func (a *aggregation) dimension(name string, g query.Grouping, shift int64) dimension {
	d := dimension{name: name}
	switch g.By {
	case query.GroupsOfCreated:
		d.time(a.src.alias+".created", g.Step, shift)
	case query.GroupsOfField:
		a.ofField(&d, a.Catalog.Field(g.Field), g.Step, shift)
	}
	return d
}

func (a *aggregation) ofField(d *dimension, f *catalog.Field, step query.Step, shift int64) {
	value := a.src.value(f)
	d.key, d.expr = wholeKey, value
	switch storage := storageOf(f); {
	case a.Measure.Of.Times() && f.Num == a.Measure.Field:
		d.expr = "o.item"
	case storage.HasRefs():
		ref := "l" + d.name
		d.expr = ref + ".target"
		d.join = " LEFT JOIN refs " + ref + " ON " + ref + ".field = " + strconv.FormatInt(int64(f.Num), 10) +
			" AND " + ref + ".record = " + a.src.id()
	case storage == catalog.TextStorage:
		d.key, d.sort = textKey, a.src.key(f)
	case storage == catalog.FloatStorage && f.Type.Name() == "progress":
		d.expr = "CAST(floor(" + value + " / 10) AS bigint) * 10"
	case storage == catalog.FloatStorage:
		d.key = floatKey
	case storage == catalog.TimeStorage:
		d.time(value, step, shift)
	case storage == catalog.BoolStorage:
		d.expr = switchValue(value)
	}
}

// time makes the hours or days of a time the dimension. Both databases divide
// towards zero, so times are moved to positive numbers before.
func (d *dimension) time(expr string, step query.Step, shift int64) {
	unit := strconv.FormatInt(catalog.RawStep(step), 10)
	d.key = wholeKey
	d.expr = "(" + expr + " + ?) / " + unit + " - " + strconv.FormatInt(positive/catalog.RawStep(step), 10)
	d.args = []any{shift + positive}
}

// positive is what makes every time positive, ms: a number of whole days.
const positive = 8 * cycleSeconds * 1000

// values tells whether a value of each record is measured.
func (a *aggregation) values() bool { return a.Measure.Of != query.Records }

func (a *aggregation) compile() error {
	a.add("SELECT ")
	a.outer(&a.axis)
	a.outer(&a.split)
	for i, c := range a.columns {
		if i > 0 {
			a.add(", ")
		}
		a.add(c.sql)
	}
	if a.EachValue {
		a.add(", v")
	}
	a.add(" FROM (SELECT ")
	if err := a.inner(); err != nil {
		return err
	}
	a.add(") q")
	a.groupBy()
	a.limit(a.Most, 0)
	return nil
}

// outer adds a dimension's columns.
func (a *aggregation) outer(d *dimension) {
	if d.key == noKey {
		return
	}
	a.add(d.name, ", ")
	if d.key == textKey {
		a.add(d.name, "k, ")
	}
}

func (a *aggregation) groupBy() {
	columns := 0
	for _, d := range []*dimension{&a.axis, &a.split} {
		switch d.key {
		case noKey:
		case textKey:
			columns += 2
		default:
			columns++
		}
	}
	for i := range columns {
		if i == 0 {
			a.add(" GROUP BY ")
		} else {
			a.add(", ")
		}
		a.int(int64(i + 1))
	}
	if a.EachValue {
		a.add(", v")
	}
}

// inner adds the dimensions and values of the records that match.
func (a *aggregation) inner() error {
	for _, d := range []*dimension{&a.axis, &a.split} {
		if d.key == noKey {
			continue
		}
		a.add(d.expr, " AS ", d.name, ", ")
		a.bind(d.args...)
		if d.key == textKey {
			a.add(d.sort, " AS ", d.name, "k, ")
		}
	}
	if err := a.value(); err != nil {
		return err
	}
	a.add(" FROM ", recordTable(a.Catalog.Num), " ", a.src.alias, a.axis.join, a.split.join)
	a.joinValues()
	a.add(" WHERE ")
	if err := a.matches(a.src, a.Selected, sorting{}); err != nil {
		return err
	}
	if a.Seen != nil && !a.hides() {
		a.add(" AND ")
		return a.node(a.src, a.Seen)
	}
	return nil
}

// hides tells whether records stay without their value where it may not be seen;
// of times in options such records are left out.
func (a *aggregation) hides() bool { return a.Seen != nil && !a.Measure.Of.Times() }

// value adds v and, if records hide it, w, which is NULL where they do.
func (a *aggregation) value() error {
	if !a.values() {
		a.add("1 AS v")
		return nil
	}
	f := a.Catalog.Field(a.Measure.Field)
	expr := a.src.value(f)
	switch {
	case a.Measure.Of == query.TimeIn:
		expr = "o.spent"
	case a.Measure.Of == query.TimeTo:
		expr = "CAST(o.reached - " + a.src.alias + ".created AS double precision)"
	case storageOf(f) == catalog.LinksStorage:
		expr = "lv.target"
	case storageOf(f) == catalog.WholeStorage:
		expr = "CAST(" + expr + " AS double precision)"
	}
	if !a.hides() {
		a.add(expr, " AS v")
		return nil
	}
	for i, s := range []string{expr + " END AS v", "1 END AS w"} {
		if i > 0 {
			a.add(", ")
		}
		a.add("CASE WHEN ")
		if err := a.node(a.src, a.Seen); err != nil {
			return err
		}
		a.add(" THEN ", s)
	}
	return nil
}

// joinValues adds the rows that are measured. Times are those of every option
// that the record has been in where options are a dimension, else of its options
// now.
func (a *aggregation) joinValues() {
	if !a.values() {
		return
	}
	f := a.Catalog.Field(a.Measure.Field)
	switch {
	case a.Measure.Of.Times():
		a.add(" JOIN (SELECT record, item, CAST(sum(coalesce(exited, ?) - entered) AS double precision) AS spent, min(entered) AS reached")
		a.bind(a.Now)
		a.add(" FROM option_times WHERE field = ")
		a.int(int64(f.Num))
		a.add(" GROUP BY record, item) o ON o.record = ", a.src.id())
		if a.axis.expr == "o.item" || a.split.expr == "o.item" {
			return
		}
		if storageOf(f) == catalog.ItemStorage {
			a.add(" AND o.item = ", a.src.value(f))
			return
		}
		a.add(" AND EXISTS (SELECT 1 FROM refs n WHERE n.target = o.item AND n.record = o.record AND n.field = ")
		a.int(int64(f.Num))
		a.add(")")
	case storageOf(f) == catalog.LinksStorage:
		a.add(" LEFT JOIN refs lv ON lv.field = ")
		a.int(int64(f.Num))
		a.add(" AND lv.record = ", a.src.id())
	}
}

// read makes a group of a row, and with EachValue its value.
func (a *aggregation) read(r row) (g catalog.Group, value catalog.GroupKey) {
	i := 0
	g.Axis = readGroupKey(r, &i, a.axis.key)
	g.Split = readGroupKey(r, &i, a.split.key)
	for _, c := range a.columns {
		c.into(&g, r, i)
		i++
	}
	if a.EachValue && !r.Null(i) {
		g.Values, value = 1, a.readValue(r, i)
	}
	return g, value
}

func (a *aggregation) readValue(r row, i int) catalog.GroupKey {
	if storageOf(a.Catalog.Field(a.Measure.Field)) == catalog.TextStorage {
		return catalog.TextGroup(r.Str(i), "")
	}
	return catalog.GroupKey{Whole: r.Int(i)}
}

func readGroupKey(r row, i *int, k keyType) catalog.GroupKey {
	at := *i
	switch {
	case k == noKey:
		return catalog.NoGroup
	case k == textKey:
		*i += 2
	default:
		*i++
	}
	if r.Null(at) {
		return catalog.NoGroup
	}
	switch k {
	case textKey:
		return catalog.TextGroup(r.Str(at), r.Str(at+1))
	case floatKey:
		return catalog.GroupKey{Number: r.Float(at)}
	}
	return catalog.GroupKey{Whole: r.Int(at)}
}
