package catalog

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

// This file keeps fields of catalogs that reports ask for again and again in
// memory, and brings them up to the snapshot of each request that uses them.

// ColumnOptions say what of catalogs is kept in memory for reports.
type ColumnOptions struct {
	// Bytes bounds all of it; 0 keeps nothing.
	Bytes int64
	// Worth is how long groups take the store, at least, whose fields are kept from
	// then on.
	Worth time.Duration
	// Tight tells that memory is short: what was not used for longest is given up.
	// nil for never.
	Tight func() bool
}

const (
	// columnPatience is how long a request waits for columns to be brought up to its
	// snapshot before the store answers it.
	columnPatience = 50 * time.Millisecond
	// followMost bounds the changes that are followed at once.
	followMost = 20_000
	// rereadMost bounds the records that are read again at once.
	rereadMost = 1_000
	// columnsEvery is how often changes are followed while nobody asks.
	columnsEvery = time.Second
)

// columns are the catalogs in memory of one company.
//
// Whoever has the gate follows the log of changes: it begins a snapshot only
// then, so that each is newer than the last. It gives the gate back once it holds
// state for reading, so that what it reads is its snapshot.
type columns struct {
	service *Service
	gate    chan struct{} // full while somebody has it

	// state guards what follows; it is changed by whoever has the gate as well.
	state     sync.RWMutex
	known     bool  // seq is
	seq       int64 // up to which changes are in the tables, or noted as stale there
	structure int64
	// past tells that changes may follow that were made under an older structure: their
	// values are not to be read by this one.
	past   bool
	tables map[query.Catalog]*columnTable

	wants columnWants
	// always, for tests, answers from memory whatever it costs.
	always bool
}

// columnTable is one catalog in memory.
type columnTable struct {
	*column.Table
	fields map[query.Field]*Field // as they were when they were read
	// stale are the records that were changed since they were read.
	stale map[query.Record]bool
	told  int // changes whose values the log had

	mu   sync.Mutex                // guards what follows
	used map[query.Field]time.Time // 0 is the records themselves
	sets []columnSet
	kept []keptGroups
}

func newColumns(s *Service) *columns {
	return &columns{service: s, gate: make(chan struct{}, 1), tables: map[query.Catalog]*columnTable{}, wants: newColumnWants()}
}

// on tells whether anything is kept.
func (x *columns) on() bool { return x.service.options.Columns.Bytes > 0 }

// columnTurn is one request's use of the columns.
type columnTurn struct {
	*columns
	gated   bool // has the gate
	reading bool // holds state for reading; the tables are those of its snapshot
	// pending tells that changes without a number are in the snapshot.
	pending bool
	why     string // not to use them
}

// turn begins a request about a catalog. It must be before the request's
// snapshot: who has a snapshot must not wait for the gate.
func (x *columns) turn(ctx context.Context, c query.Catalog) *columnTurn {
	t := &columnTurn{columns: x}
	if !x.on() {
		t.why = "columns are not kept in memory"
		return t
	}
	x.state.RLock()
	table := x.tables[c]
	x.state.RUnlock()
	if table == nil {
		t.why = "nothing of the catalog is in memory"
		return t
	}
	patience := time.NewTimer(columnPatience)
	defer patience.Stop()
	select {
	case x.gate <- struct{}{}:
		t.gated = true
	case <-patience.C:
		t.why = "too many requests wait for the changes"
	case <-ctx.Done():
		t.why = "the request ended"
	}
	return t
}

// leave ends the use; it may be called again.
func (t *columnTurn) leave() {
	if t.reading {
		t.reading = false
		t.state.RUnlock()
	}
	t.open()
	if t.why == "" {
		t.why = "the request was begun again"
	}
}

// lacks tells whether a field is not in memory.
func (x *columns) lacks(c query.Catalog, fields []*Field) bool {
	x.state.RLock()
	defer x.state.RUnlock()
	table := x.tables[c]
	return table == nil || slices.ContainsFunc(fields, func(f *Field) bool { return table.fields[f.Num] == nil })
}

// open gives the gate back.
func (t *columnTurn) open() {
	if t.gated {
		t.gated = false
		<-t.gate
	}
}

// settle brings a catalog's columns up to the snapshot and holds them there; false
// if the store is to answer.
func (t *columnTurn) settle(ctx context.Context, d *reading, c *Catalog) (*columnTable, error) {
	if t.reading {
		return t.tables[c.Num], nil
	}
	if !t.gated {
		return nil, nil
	}
	defer t.open()
	done, err := t.follow(ctx, d.st, d.r, followMost)
	if err != nil {
		return nil, err
	}
	table := t.tables[c.Num]
	switch {
	case !done:
		t.why = "too many changes to follow"
		t.wants.kick()
		return nil, nil
	case table == nil:
		t.why = "nothing of the catalog is in memory any more"
		return nil, nil
	}
	deadline := time.Now().Add(columnPatience)
	for len(table.stale) > 0 {
		if err := t.reread(ctx, d.st, d.r, c, table); err != nil {
			return nil, err
		}
		if len(table.stale) > 0 && time.Now().After(deadline) {
			t.why = "too many records were changed"
			t.wants.kick()
			return nil, nil
		}
	}
	t.state.RLock()
	t.reading = true
	return table, nil
}

// restructure drops what another structure has made different.
func (x *columns) restructure(st *Structure) {
	if x.structure == st.Version.Structure {
		return
	}
	x.state.Lock()
	defer x.state.Unlock()
	x.structure, x.past = st.Version.Structure, true
	for num, table := range x.tables {
		c := st.Catalog(num)
		table.forget()
		for f, before := range table.fields {
			if c == nil || !sameColumn(before, c.Field(f)) {
				table.drop(f)
			}
		}
		if c == nil {
			delete(x.tables, num)
		}
	}
	x.wants.forget()
}

// sameColumn tells whether a field's values can be no others than before.
func sameColumn(before, now *Field) bool {
	if now == nil || before.Type.Name() != now.Type.Name() || before.Storage() != now.Storage() {
		return false
	}
	a, b := before.Config, now.Config
	if slices.ContainsFunc(a.Items, func(i Item) bool { return !slices.ContainsFunc(b.Items, func(o Item) bool { return o.Num == i.Num }) }) {
		return false // records may have lost that option
	}
	a.Items, b.Items, a.NextItem, b.NextItem = nil, nil, 0, 0
	return reflect.DeepEqual(a, b)
}

func (t *columnTable) drop(f query.Field) {
	t.Drop(f)
	delete(t.fields, f)
	t.forget()
}

// reread reads some of the records again that were changed. The caller has the
// gate.
func (x *columns) reread(ctx context.Context, st *Structure, r Reader, c *Catalog, table *columnTable) error {
	records := make([]query.Record, 0, min(len(table.stale), rereadMost))
	for n := range table.stale {
		if records = append(records, n); len(records) == rereadMost {
			break
		}
	}
	fields := table.list(c)
	page, err := r.Rows(ctx, c, fields, records)
	if err != nil {
		return fmt.Errorf("read changed records of catalog %d: %w", c.Num, err)
	}
	x.state.Lock()
	defer x.state.Unlock()
	gone := make(map[query.Record]bool, len(records))
	for _, n := range records {
		gone[n] = true
		delete(table.stale, n)
	}
	for i := range page.Len() {
		delete(gone, page.Record(i))
	}
	for n := range gone {
		table.Remove(n)
	}
	table.load(page)
	return nil
}

// list are the fields in the table, of a catalog as it is now.
func (t *columnTable) list(c *Catalog) []*Field {
	list := make([]*Field, 0, len(t.fields))
	for _, n := range slices.Sorted(maps.Keys(t.fields)) {
		list = append(list, c.Field(n))
	}
	return list
}

// load puts records into the table as a page has them.
func (t *columnTable) load(page *Page) {
	columns := make([]*column.Column, len(page.Columns))
	for j, f := range page.Columns {
		columns[j] = t.Column(f.Num)
	}
	var values []int64
	for i := range page.Len() {
		row := t.Put(page.Record(i), page.Created(i))
		for j, c := range columns {
			values = setColumn(c, row, page, page.Cell(i, j), values)
		}
	}
}
