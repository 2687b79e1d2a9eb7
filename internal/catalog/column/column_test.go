package column

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/query"
)

// row is a record as the naive side keeps it.
type row struct {
	record  query.Record
	created int64
	number  float64 // NaN for none
	list    []int64
}

// filled makes a table and what must be in it: rows come, change and go.
func filled(t *testing.T, rng *rand.Rand, steps int) (*Table, map[query.Record]*row) {
	t.Helper()
	table, rows := NewTable(), map[query.Record]*row{}
	table.Add(1, NewColumn(Floats))
	table.Add(2, NewColumn(Lists))
	for range steps {
		r := query.Record(1 + rng.IntN(200))
		if rng.IntN(5) == 0 {
			table.Remove(r)
			delete(rows, r)
			continue
		}
		made := &row{record: r, created: int64(rng.IntN(1000)) - 500, number: math.NaN()}
		at := table.Put(r, made.created)
		if rng.IntN(4) == 0 {
			table.Column(1).Clear(at)
		} else {
			made.number = float64(rng.IntN(7)) - 3
			table.Column(1).SetFloat(at, made.number)
		}
		for v := range int64(5) {
			if rng.IntN(3) == 0 {
				made.list = append(made.list, v*v)
			}
		}
		table.Column(2).SetList(at, made.list)
		rows[r] = made
	}
	return table, rows
}

// TestTable: after many changes, with the pool of lists swept now and then, groups
// are those of a loop over the rows.
func TestTable(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		table, rows := filled(t, rng, 6000)
		if table.Len() != len(rows) {
			t.Fatalf("%d records, want %d", table.Len(), len(rows))
		}
		want := map[string]float64{}
		for _, r := range rows {
			step := int64(math.Floor(float64(r.created+30) / 100))
			for _, v := range orNone(r.list) {
				name := fmt.Sprintf("%d/%s", step, v)
				want[name+" rows"]++
				if !math.IsNaN(r.number) {
					want[name+" sum"] += r.number
				}
			}
		}
		a := &Aggregation{Axis: &GroupBy{Unit: 100, Shift: 30}, Split: &GroupBy{Column: table.Column(2)}, Measure: Numbers, Of: table.Column(1)}
		a.Where, _ = table.Where(nil, nil)
		err := table.Aggregate(t.Context(), a, func(g *Group) error {
			name := fmt.Sprintf("%d/%s", g.Axis.Int, noneOr(g.Split))
			if int64(want[name+" rows"]) != g.Rows || want[name+" sum"] != g.Sum {
				t.Errorf("seed %d, %s: %d rows, sum %v, want %v and %v", seed, name, g.Rows, g.Sum, want[name+" rows"], want[name+" sum"])
			}
			delete(want, name+" rows")
			return nil
		})
		for name := range want {
			if strings.HasSuffix(name, " rows") {
				t.Errorf("seed %d: the group %s is missing", seed, name)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func orNone(list []int64) []string {
	if len(list) == 0 {
		return []string{"none"}
	}
	var out []string
	for _, v := range list {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

func noneOr(k Key) string {
	if k.None {
		return "none"
	}
	return fmt.Sprint(k.Int)
}

// TestManyCells: groups beyond those that have a place of their own each are found
// all the same, with 0 and -0 in one.
func TestManyCells(t *testing.T) {
	table := NewTable()
	table.Add(1, NewColumn(Floats))
	for i := range 3000 {
		table.Column(1).SetFloat(table.Put(query.Record(i+1), int64(i%7)), float64(i/2)*math.Copysign(1, float64(i%2)-0.5))
	}
	a := &Aggregation{Axis: &GroupBy{Column: table.Column(1)}, Split: &GroupBy{Unit: 1}}
	a.Where, _ = table.Where(nil, nil)
	groups, rows := 0, int64(0)
	if err := table.Aggregate(t.Context(), a, func(g *Group) error { groups++; rows += g.Rows; return nil }); err != nil {
		t.Fatal(err)
	}
	if groups != 3000 || rows != 3000 { // the two zeros were made at different times
		t.Errorf("%d groups of %d rows", groups, rows)
	}
	a.Split = nil
	groups = 0
	if err := table.Aggregate(t.Context(), a, func(*Group) error { groups++; return nil }); err != nil || groups != 2999 {
		t.Errorf("%d groups, %v", groups, err)
	}
}

// TestBlocks: all rows are counted once, however many of the last block there are.
func TestBlocks(t *testing.T) {
	table := NewTable()
	table.Add(1, NewColumn(Ints))
	for n := range 2*blockRows + 130 {
		table.Column(1).SetInt(table.Put(query.Record(n+1), int64(n)), int64(n%3))
		if n%13 > 0 && n%64 > 2 && n%64 < 62 {
			continue
		}
		a := &Aggregation{Axis: &GroupBy{Column: table.Column(1)}, Split: &GroupBy{Unit: 1000}}
		a.Where, _ = table.Where(nil, nil)
		rows := int64(0)
		if err := table.Aggregate(t.Context(), a, func(g *Group) error { rows += g.Rows; return nil }); err != nil || rows != int64(n+1) {
			t.Fatalf("%d rows of %d are counted; %v", rows, n+1, err)
		}
	}
}

// TestSum: what rounding takes from a sum is put back, and what is too large is
// infinite.
func TestSum(t *testing.T) {
	for _, test := range []struct {
		numbers []float64
		want    float64
	}{
		{[]float64{1e16, 1, -1e16}, 1},
		{slices.Repeat([]float64{0.1}, 1_000_000), 100_000},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, math.Inf(1)},
		{nil, 0},
	} {
		table := NewTable()
		table.Add(1, NewColumn(Floats))
		for i, v := range test.numbers {
			table.Column(1).SetFloat(table.Put(query.Record(i+1), 0), v)
		}
		a := &Aggregation{Measure: Numbers, Of: table.Column(1)}
		a.Where, _ = table.Where(nil, nil)
		groups := 0
		err := table.Aggregate(t.Context(), a, func(g *Group) error {
			groups++
			if g.Sum != test.want {
				t.Errorf("the sum of %d numbers is %v, want %v", len(test.numbers), g.Sum, test.want)
			}
			return nil
		})
		if err != nil || groups != 1 {
			t.Errorf("%d groups, %v", groups, err)
		}
	}
}

// TestTooMany: more groups than there is room for, and rows with so many values
// in two dimensions that their pairs would fill the memory, are refused.
func TestTooMany(t *testing.T) {
	table := NewTable()
	table.Add(1, NewColumn(Floats))
	for i := range mostCells + 1 {
		table.Column(1).SetFloat(table.Put(query.Record(i+1), 0), float64(i))
	}
	a := &Aggregation{Axis: &GroupBy{Column: table.Column(1)}}
	a.Where, _ = table.Where(nil, nil)
	if err := table.Aggregate(t.Context(), a, func(*Group) error { return nil }); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	table = NewTable()
	table.Add(1, NewColumn(Lists))
	values := make([]int64, 1000)
	for i := range values {
		values[i] = int64(i)
	}
	for i := range 10 {
		table.Column(1).SetList(table.Put(query.Record(i+1), 0), values)
	}
	a = &Aggregation{Axis: &GroupBy{Column: table.Column(1)}, Split: &GroupBy{Column: table.Column(1)}}
	a.Where, _ = table.Where(nil, nil)
	if err := table.Aggregate(t.Context(), a, func(*Group) error { return nil }); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkAggregate sums a number by an item over a million rows, and counts them
// by month and item.
func BenchmarkAggregate(b *testing.B) {
	table := NewTable()
	table.Add(1, NewColumn(Floats))
	table.Add(2, NewColumn(Ints))
	table.Add(3, NewColumn(Times))
	for i := range 1_000_000 {
		row := table.Put(query.Record(i+1), int64(i)*60_000)
		table.Column(1).SetFloat(row, float64(i%1000)/4)
		table.Column(2).SetInt(row, int64(i*7919%6+1))
		table.Column(3).SetInt(row, int64(i*7919%1096)*86_400_000)
	}
	table.Compact()
	all, _ := table.Where(nil, nil)
	month := &GroupBy{Column: table.Column(3), Unit: 86_400_000, Same: func(n int64) int64 { return n / 30 }}
	for _, of := range []struct {
		name string
		a    Aggregation
	}{
		{"sum by item", Aggregation{Axis: &GroupBy{Column: table.Column(2)}, Measure: Numbers, Of: table.Column(1), Where: all}},
		{"count by month and item", Aggregation{Axis: month, Split: &GroupBy{Column: table.Column(2)}, Where: all}},
	} {
		b.Run(of.name, func(b *testing.B) {
			for b.Loop() {
				if err := table.Aggregate(b.Context(), &of.a, func(*Group) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
