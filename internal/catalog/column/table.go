package column

import (
	"slices"

	"kartoteka/internal/query"
)

// MaxRows bounds the rows of a table.
const MaxRows = 1 << 30

// Table is the records of one catalog, a row each, with some of their fields. A
// row stays its record's for as long as the table lives.
type Table struct {
	records []query.Record
	created Column
	live    Set
	count   int
	// sorted is how many of records are in ascending order; later has the rows of
	// the others.
	sorted  int
	later   map[query.Record]uint32
	columns map[query.Field]*Column
	// edit numbers the changes of rows; the last one of each block of rows is in edits,
	// or in the column's if it was of one column.
	edit  uint64
	edits []uint64
}

// blockRows is how many rows are worked on, and known to have changed, at once.
const (
	blockRows  = 1024
	blockWords = blockRows / 64
)

// NewTable makes a table without rows.
func NewTable() *Table {
	return &Table{created: Column{kind: Times}, columns: map[query.Field]*Column{}}
}

// Edit numbers the state of the rows: what was made of them holds while it is the
// same.
func (t *Table) Edit() uint64 { return t.edit }

// Len is the number of records.
func (t *Table) Len() int { return t.count }

// Dead is the number of rows whose records are gone.
func (t *Table) Dead() int { return len(t.records) - t.count }

// Column is a field's column, nil if it is not in the table.
func (t *Table) Column(f query.Field) *Column { return t.columns[f] }

// Fields are the fields that the table has, ascending.
func (t *Table) Fields() []query.Field {
	list := make([]query.Field, 0, len(t.columns))
	for f := range t.columns {
		list = append(list, f)
	}
	slices.Sort(list)
	return list
}

// Add puts a column into the table; rows that it lacks are empty.
func (t *Table) Add(f query.Field, c *Column) {
	c.grow(len(t.records))
	t.columns[f] = c
}

// Drop takes a column out of the table.
func (t *Table) Drop(f query.Field) { delete(t.columns, f) }

// Find gives the row of a record, be it live or gone.
func (t *Table) Find(r query.Record) (row uint32, ok bool) {
	if at, found := slices.BinarySearch(t.records[:t.sorted], r); found {
		return uint32(at), true
	}
	row, ok = t.later[r]
	return row, ok
}

// Put makes a record live and gives its row, which is empty if it is new; its
// columns are to be set at once. created is in UTC milliseconds.
func (t *Table) Put(r query.Record, created int64) uint32 {
	row, ok := t.Find(r)
	if !ok {
		row = t.append(r)
	}
	if !t.live.Has(row) {
		t.live.add(row)
		t.count++
	}
	t.created.SetInt(row, created)
	t.touch(row)
	return row
}

// touch notes that a row changes.
func (t *Table) touch(row uint32) {
	t.edit++
	t.edits[row/blockRows] = t.edit
}

// Live gives the row of a record that is there.
func (t *Table) Live(r query.Record) (row uint32, ok bool) {
	row, ok = t.Find(r)
	return row, ok && t.live.Has(row)
}

// Change gives a column whose value of a row is to be set at once.
func (t *Table) Change(row uint32, f query.Field) *Column {
	c := t.columns[f]
	t.edit++
	c.edits[row/blockRows] = t.edit
	return c
}

// changed tells whether something of a row was changed after an edit, of rows from one
// on, which is a multiple of blockRows, up to another: that it is there, or one of the
// columns.
func (t *Table) changed(first, last int, edit uint64, columns []*Column) bool {
	for b := first / blockRows; b*blockRows < last; b++ {
		if t.edits[b] > edit || slices.ContainsFunc(columns, func(c *Column) bool { return c.edits[b] > edit }) {
			return true
		}
	}
	return false
}

func (t *Table) append(r query.Record) uint32 {
	row := uint32(len(t.records))
	switch {
	case t.sorted == len(t.records) && (row == 0 || r > t.records[row-1]):
		t.sorted++
	case t.later == nil:
		t.later = map[query.Record]uint32{r: row}
	default:
		t.later[r] = row
	}
	t.records = append(t.records, r)
	t.live = t.live.grown(len(t.records))
	if int(row/blockRows) == len(t.edits) {
		t.edits = append(t.edits, 0)
	}
	t.created.grow(len(t.records))
	for _, c := range t.columns {
		c.grow(len(t.records))
	}
	return row
}

// Remove takes a record out, if it is there.
func (t *Table) Remove(r query.Record) {
	row, ok := t.Live(r)
	if !ok {
		return
	}
	t.live.remove(row)
	t.count--
	t.touch(row)
}

// Bytes is the memory that the records take without their columns.
func (t *Table) Bytes() int64 {
	return int64(cap(t.records))*8 + t.created.Bytes() + t.live.Bytes() + int64(len(t.later))*32 + int64(cap(t.edits))*8
}

// Compact gives up memory that growing has reserved.
func (t *Table) Compact() {
	t.records = slices.Clip(slices.Clone(t.records))
	t.created.compact()
	for _, c := range t.columns {
		c.compact()
	}
}
