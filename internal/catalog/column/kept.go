package column

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"

	"kartoteka/internal/query"
)

// Kept is an aggregation that is asked again and again. What was measured of the
// rows is kept in parts, and only the parts whose rows have changed are measured
// again.
//
// All its asks must be of the same groups, measure and conditions. The table must not
// change during one; several may run at once.
type Kept struct {
	table   *Table
	columns []*Column // that the groups, the measure and the conditions are of
	bytes   atomic.Int64
	// reused counts asks that took parts as they were.
	reused atomic.Int64

	mu    sync.Mutex
	g     *groups
	edit  uint64 // of the table when the parts were measured
	rows  int    // of a part
	parts [][]keptCell
	total []cell // of all parts, by place; never changed
}

// keptCell is the cell of one group that has rows in a part.
type keptCell struct {
	place uint32
	cell
}

const (
	// keptGroups bounds the groups of what is kept.
	keptGroups = 4096
	// rowsPerGroup is how many rows there are in a part, at least, for each group.
	rowsPerGroup = 8
	// littleGroups are kept however few rows there are.
	littleGroups = 1024
)

// NewKept keeps nothing yet. fields are all those that the groups, the measure and the
// conditions are of; the table has them.
func NewKept(t *Table, fields []query.Field) *Kept {
	k := &Kept{table: t}
	for _, f := range fields {
		k.columns = append(k.columns, t.Column(f))
	}
	return k
}

// Aggregate does what Table.Aggregate does. Only if rows have to be measured it calls
// find, which is to set Where and Seen.
func (k *Kept) Aggregate(ctx context.Context, a *Aggregation, find func() error, each func(*Group) error) error {
	g, done, err := k.measured(ctx, a, find)
	if err != nil {
		return err
	}
	if !done {
		if err := find(); err != nil {
			return err
		}
		if err := g.addRows(ctx, 0, len(k.table.records)); err != nil {
			return err
		}
	}
	return g.emit(each)
}

// Reused is how many asks took parts as they were.
func (k *Kept) Reused() int64 { return k.reused.Load() }

// Bytes is the memory that is kept.
func (k *Kept) Bytes() int64 { return k.bytes.Load() }

// measured are the groups of the table as it is; if there are too many to keep they
// are the caller's, and still to be measured.
func (k *Kept) measured(ctx context.Context, a *Aggregation, find func() error) (g *groups, done bool, err error) {
	t := k.table
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.g == nil || k.g.outgrown() {
		k.g, k.edit, k.parts, k.total = newGroups(t, a), 0, nil, nil
		k.bytes.Store(0)
	}
	if n := len(k.g.cells); k.g.at != nil || n > keptGroups || n > max(littleGroups, len(t.records)/rowsPerGroup) {
		g, k.g = k.g, nil
		return g, false, nil
	}
	if k.total != nil {
		k.reused.Add(1)
	}
	if k.total == nil || t.changed(0, len(t.records), k.edit, k.columns) {
		if err := find(); err != nil {
			return nil, false, err
		}
		k.rows = partRows(len(k.g.cells))
		k.g.Aggregation = a
		k.g.number()
		if err := k.follow(ctx); err != nil {
			return nil, false, err
		}
	}
	kept := *k.g
	kept.Aggregation, kept.cells = a, k.total
	return &kept, true, nil
}

// partRows is how many rows a part has, so that there are many more rows than
// groups in it: a multiple of blockRows.
func partRows(groups int) int {
	rows := blockRows
	for rows < rowsPerGroup*groups {
		rows *= 2
	}
	return rows
}

// follow measures the parts that have changed. Counts change by what became of those
// parts; of other measures all parts are added up.
func (k *Kept) follow(ctx context.Context) error {
	t := k.table
	total := make([]cell, len(k.g.cells))
	counts := k.total != nil && k.g.Measure != Numbers
	if counts {
		copy(total, k.total)
	}
	for p := 0; p*k.rows < len(t.records); p++ {
		first, last := p*k.rows, min((p+1)*k.rows, len(t.records))
		if p == len(k.parts) {
			k.parts = append(k.parts, nil)
		} else if !t.changed(first, last, k.edit, k.columns) {
			if !counts {
				addUp(total, k.parts[p])
			}
			continue
		}
		if err := k.g.addRows(ctx, first, last); err != nil {
			k.g = nil // what was measured in part is nobody's
			return err
		}
		if counts {
			takeBack(total, k.parts[p])
		}
		k.parts[p] = k.g.take(k.parts[p])
		addUp(total, k.parts[p])
	}
	cells := len(total)
	for _, part := range k.parts {
		cells += cap(part)
	}
	k.total, k.edit = total, t.edit
	k.bytes.Store(int64(cells) * int64(reflect.TypeFor[keptCell]().Size()))
	return nil
}

func addUp(total []cell, part []keptCell) {
	for i := range part {
		total[part[i].place].join(&part[i].cell)
	}
}

// takeBack takes the rows of a part out of counts.
func takeBack(total []cell, part []keptCell) {
	for i := range part {
		c := &total[part[i].place]
		c.rows -= part[i].rows
		c.seen -= part[i].seen
	}
}

func (c *cell) join(o *cell) {
	c.rows += o.rows
	c.seen += o.seen
	c.Join(&o.Tally)
}

// take gives the cells that have rows, and empties them.
func (g *groups) take(part []keptCell) []keptCell {
	n := 0
	for place := range g.cells {
		if g.cells[place].rows > 0 {
			n++
		}
	}
	if part = part[:0]; cap(part) < n || cap(part) > 2*n {
		part = make([]keptCell, 0, n)
	}
	for place := range g.cells {
		if c := &g.cells[place]; c.rows > 0 {
			part = append(part, keptCell{uint32(place), *c})
			*c = cell{}
		}
	}
	return part
}

// outgrown tells whether there are values that have no cell.
func (g *groups) outgrown() bool {
	for i := range g.dims {
		if g.dims[i].outgrown != nil && g.dims[i].outgrown() {
			return true
		}
	}
	return false
}
