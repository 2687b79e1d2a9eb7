package catalog

import (
	"context"
	"reflect"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

// This file remembers what was worked out of a catalog in memory: rows for which a
// condition holds, and groups. Both follow the records that change.

// columnSet are the rows that a condition holds for.
type columnSet struct {
	node query.Node
	rows column.Set
	edit uint64 // of the table
	// foreign conditions are the store's: they hold as of one change only.
	foreign bool
	seq     int64
}

// keptGroups are the groups of an aggregation.
type keptGroups struct {
	of aggregationKey
	*column.Kept
}

// aggregationKey tells aggregations apart. In conditions stands what CURRENT_USER,
// groups of employees and relative dates mean to the caller, so that callers share
// groups only where they may see the same of them.
type aggregationKey struct {
	axis, split           query.Grouping
	axisShift, splitShift int64
	measure               column.Measure
	measured              query.Field
	where, seen           query.Node
}

const (
	// columnSets bounds the sets that are remembered of a catalog.
	columnSets = 32
	// columnGroups bounds the aggregations that are remembered of a catalog.
	columnGroups = 64
	// groupsBytes is the memory that they may take, or half of the columns' if that is
	// more.
	groupsBytes = 1 << 20
)

// forget drops what was remembered: a column has changed as a whole. The caller
// has the state.
func (t *columnTable) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sets, t.kept = nil, nil
}

// keep gives the groups that are remembered of an aggregation, or that are to be.
// fields are all that it is of.
func (t *columnTable) keep(g *Aggregated, a *column.Aggregation, fields []*Field) *column.Kept {
	of := aggregationKey{g.Axis, g.Split, g.AxisShift, g.SplitShift, a.Measure, g.Measure.Field, g.Where, g.Seen}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, k := range t.kept {
		if reflect.DeepEqual(k.of, of) {
			copy(t.kept[1:], t.kept[:i])
			t.kept[0] = k
			return k.Kept
		}
	}
	nums := make([]query.Field, len(fields))
	for i, f := range fields {
		nums[i] = f.Num
	}
	t.kept = pushed(t.kept, keptGroups{of, column.NewKept(t.Table, nums)}, columnGroups)
	for t.keptBytes() > max(groupsBytes, t.columnBytes()/2) && len(t.kept) > 1 {
		t.kept[len(t.kept)-1] = keptGroups{}
		t.kept = t.kept[:len(t.kept)-1]
	}
	return t.kept[0].Kept
}

// keptBytes is the memory of the groups. The caller has mu.
func (t *columnTable) keptBytes() (n int64) {
	for _, k := range t.kept {
		n += k.Bytes()
	}
	return n
}

// pushed is the list with an element before the others, of which the last one is
// dropped if there are more than most.
func pushed[T any](list []T, e T, most int) []T {
	if len(list) < most {
		list = append(list, e)
	}
	copy(list[1:], list)
	list[0] = e
	return list
}

// rowsWhere gives the rows for which a condition holds. The parts of a
// conjunction are remembered: the rights of a caller, and a filter of a board, are
// asked again and again.
func (d *reading) rowsWhere(ctx context.Context, g *Aggregated, table *columnTable, n query.Node) (column.Set, error) {
	parts, ok := n.(query.And)
	if !ok {
		parts = query.And{n}
	}
	rows := make([]column.Set, len(parts))
	for i, part := range parts {
		var err error
		if rows[i], err = d.rowsOf(ctx, g, table, part); err != nil {
			return nil, err
		}
	}
	return table.All(rows), nil
}

func (d *reading) rowsOf(ctx context.Context, g *Aggregated, table *columnTable, n query.Node) (column.Set, error) {
	if n == nil {
		return table.Where(nil, nil)
	}
	seq := d.turn.seq
	if rows, ok, err := table.recall(n, seq, d.turn.pending); ok || err != nil {
		return rows, err
	}
	foreign := false
	rows, err := table.Where(n, func(leaf query.Node) (column.Set, error) {
		foreign = true
		var records []query.Record
		s := &Selected{Structure: g.Structure, Catalog: g.Catalog, Where: leaf}
		err := d.r.Matching(ctx, s, func(r query.Record) { records = append(records, r) })
		return table.Rows(records), err
	})
	if err == nil && !(foreign && d.turn.pending) {
		table.remember(columnSet{n, rows, table.Edit(), foreign, seq})
	}
	return rows, err
}

// recall finds a set that was remembered and still holds. Where changes without a
// number are in the snapshot none of the store does.
//
// A set is brought up to date where it is: whoever else had it has left, since the
// table changes only while nobody reads.
func (t *columnTable) recall(n query.Node, seq int64, pending bool) (column.Set, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.sets {
		if s.foreign && (s.seq != seq || s.edit != t.Edit() || pending) || !reflect.DeepEqual(s.node, n) {
			continue
		}
		if s.edit != t.Edit() {
			var err error
			if s.rows, err = t.Follow(s.rows, n, s.edit); err != nil {
				return nil, false, err
			}
			s.edit = t.Edit()
		}
		copy(t.sets[1:], t.sets[:i])
		t.sets[0] = s
		return s.rows, true, nil
	}
	return nil, false, nil
}

// remember keeps a set, and drops the one that was used least lately.
func (t *columnTable) remember(s columnSet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sets = pushed(t.sets, s, columnSets)
}
