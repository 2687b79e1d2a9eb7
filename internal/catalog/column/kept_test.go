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
		list := func() *GroupBy { return &GroupBy{Column: table.Column(2)} }
		whole := func() *GroupBy { return &GroupBy{Column: table.Column(4)} }
		asks := []keptAsk{
			{kept: NewKept(table), a: Aggregation{}},
			{kept: NewKept(table), a: Aggregation{Measure: Numbers, Of: table.Column(1)}},
			{kept: NewKept(table), a: Aggregation{Axis: whole(), Measure: Numbers, Of: table.Column(1), Hides: true}},
			{kept: NewKept(table), a: Aggregation{Axis: &GroupBy{Unit: 100, Shift: 30}, Split: list(), Measure: Numbers, Of: table.Column(4)}, where: where},
			{kept: NewKept(table), a: Aggregation{Axis: whole(), Measure: Distinct, Of: table.Column(2)}, where: where},
			{kept: NewKept(table), a: Aggregation{Axis: &GroupBy{Unit: 300}, Measure: Each, Of: table.Column(4), Hides: true}},
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
			if len(ask.kept.parts) < 2 || ask.kept.Bytes() == 0 {
				t.Errorf("seed %d: ask %d keeps %d parts of %d bytes", seed, i, len(ask.kept.parts), ask.kept.Bytes())
			}
		}
		many := keptAsk{kept: NewKept(table), a: Aggregation{Axis: &GroupBy{Column: table.Column(1)}}}
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
	row := table.Put(r, int64(rng.IntN(2200)))
	number := math.NaN()
	if rng.IntN(4) > 0 {
		number = float64(rng.IntN(4000)-2000) / 4
	}
	table.Column(1).SetFloat(row, number)
	var values []int64
	for range rng.IntN(3) {
		if v := int64(1 + rng.IntN(5)); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	table.Column(2).SetList(row, values)
	whole := int64(rng.IntN(12))
	if rng.IntN(500) == 0 { // now and then one that is new
		whole = rng.Int64N(1000)
	}
	table.Column(4).SetInt(row, whole)
}
