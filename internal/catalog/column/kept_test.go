package column

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kartoteka/internal/query"
)

// TestKept: whatever rows change, groups that are kept and sets that follow are
// those that are made anew.
func TestKept(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 9))
		const records = 6_000
		table := NewTable()
		table.Add(1, NewColumn(Floats))
		table.Add(2, NewColumn(Lists))
		table.Add(4, NewColumn(Ints))
		for range 3 * records {
			changeRow(rng, table, records)
		}
		low, high := -200.0, 300.0
		where := query.Or{query.Cond{Field: 1, Test: query.NumberRange{Min: &low, Max: &high}}, query.Not{Node: query.Cond{Field: 2, Test: query.AnyOf{1, 2}}}}
		seen := query.Cond{Field: 2, Test: query.NotEmpty{}}
		of := func(fields ...query.Field) *Kept { return NewKept(table, fields) }
		list := func() *GroupBy { return &GroupBy{Column: table.Column(2)} }
		whole := func() *GroupBy { return &GroupBy{Column: table.Column(4)} }
		asks := []keptAsk{
			{kept: of(), a: Aggregation{}},
			{kept: of(1), a: Aggregation{Measure: Numbers, Of: table.Column(1)}},
			{kept: of(1, 2, 4), a: Aggregation{Axis: whole(), Measure: Numbers, Of: table.Column(1), Hides: true}},
			{kept: of(1, 2, 4), a: Aggregation{Axis: &GroupBy{Unit: 100, Shift: 30}, Split: list(), Measure: Numbers, Of: table.Column(4)}, where: where},
			{kept: of(1, 2, 4), a: Aggregation{Axis: whole(), Measure: Distinct, Of: table.Column(2)}, where: where},
			{kept: of(2, 4), a: Aggregation{Axis: &GroupBy{Unit: 300}, Measure: Each, Of: table.Column(4), Hides: true}},
		}
		for step := range 40 {
			for range rng.IntN(60) {
				changeRow(rng, table, records)
			}
			for i := range asks {
				asks[i].compare(t, fmt.Sprintf("seed %d, step %d, ask %d", seed, step, i), table, seen)
			}
		}
		for i, ask := range asks {
			if len(ask.kept.parts) < 2 || ask.kept.Bytes() == 0 || ask.kept.Reused() < 20 {
				t.Errorf("seed %d: ask %d keeps %d parts of %d bytes, reused %d times", seed, i, len(ask.kept.parts), ask.kept.Bytes(), ask.kept.Reused())
			}
		}
		many := keptAsk{kept: of(1), a: Aggregation{Axis: &GroupBy{Column: table.Column(1)}}}
		if many.compare(t, fmt.Sprintf("seed %d, many groups", seed), table, nil); many.kept.Bytes() != 0 {
			t.Errorf("seed %d: thousands of groups are kept", seed)
		}
	}
}

// keptAsk is an aggregation that is kept, with sets that follow.
type keptAsk struct {
	kept  *Kept
	a     Aggregation
	where query.Node
	set   Set // what it holds for
	edit  uint64
}

// aggregate finds the rows only when it is asked to.
func (k *Kept) aggregate(ctx context.Context, a *Aggregation, each func(*Group) error) error {
	where, seen := a.Where, a.Seen
	a.Where, a.Seen = nil, nil
	return k.Aggregate(ctx, a, func() error {
		a.Where, a.Seen = where, seen
		return nil
	}, each)
}

func (k *keptAsk) compare(t *testing.T, name string, table *Table, seen query.Node) {
	t.Helper()
	set, err := table.Where(k.where, nil)
	if err != nil {
		t.Fatal(err)
	}
	if k.where != nil {
		if k.set == nil {
			k.set = slices.Clone(set)
		} else if k.set, err = table.Follow(k.set, k.where, k.edit); err != nil {
			t.Fatal(err)
		}
		k.edit = table.Edit()
		if !slices.Equal(k.set, set) {
			t.Fatalf("%s: the set that follows is another", name)
		}
	}
	k.a.Where = set
	if k.a.Hides {
		k.a.Seen, _ = table.Where(seen, nil)
	}
	want, got := k.groups(t, table.Aggregate), k.groups(t, k.kept.aggregate)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got\n%v\nwant\n%v", name, got, want)
	}
}

func (k *keptAsk) groups(t *testing.T, aggregate func(context.Context, *Aggregation, func(*Group) error) error) (list []string) {
	t.Helper()
	a := k.a
	err := aggregate(t.Context(), &a, func(g *Group) error {
		list = append(list, fmt.Sprintf("%+v", *g))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// changeRow makes, changes or removes a record.
func changeRow(rng *rand.Rand, table *Table, most int) {
	r := query.Record(1 + rng.IntN(most+most/8))
	if rng.IntN(4) == 0 {
		table.Remove(r)
		return
	}
	column := func(row uint32, f query.Field) *Column { return table.Column(f) }
	row, live := table.Live(r)
	one := query.Field(0) // the only one to change, 0 for all
	if live && rng.IntN(2) == 0 {
		one, column = []query.Field{1, 2, 4}[rng.IntN(3)], table.Change
	} else {
		row = table.Put(r, int64(rng.IntN(2200)))
	}
	if one == 0 || one == 1 {
		number := math.NaN()
		if rng.IntN(4) > 0 {
			number = float64(rng.IntN(4000)-2000) / 4
		}
		column(row, 1).SetFloat(row, number)
	}
	if one == 0 || one == 2 {
		column(row, 2).SetList(row, someList(rng))
	}
	if one == 0 || one == 4 {
		whole := int64(rng.IntN(12))
		if rng.IntN(500) == 0 { // now and then one that is new
			whole = rng.Int64N(1000)
		}
		column(row, 4).SetInt(row, whole)
	}
}

func someList(rng *rand.Rand) (values []int64) {
	for range rng.IntN(3) {
		if v := int64(1 + rng.IntN(5)); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}
