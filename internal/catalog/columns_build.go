package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

const (
	// scanRows is how many records are read at once to make columns.
	scanRows = 20_000
	// largeColumns is how many bytes of a table leave so much garbage behind that it
	// is given back at once.
	largeColumns = 1 << 20
	// differentTexts bounds the different texts of a column.
	differentTexts = 50_000
	// unfitFor is how long what did not fit is not tried again.
	unfitFor = 10 * time.Minute
)

// columnWants are the fields that are to be kept.
type columnWants struct {
	wake chan struct{}

	mu     sync.Mutex
	fields map[query.Catalog]map[query.Field]bool
	unfit  map[query.Field]time.Time // since when
}

func newColumnWants() columnWants {
	return columnWants{wake: make(chan struct{}, 1), fields: map[query.Catalog]map[query.Field]bool{}, unfit: map[query.Field]time.Time{}}
}

// want asks for fields of a catalog to be kept.
func (w *columnWants) want(c query.Catalog, fields []*Field) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range fields {
		if since, ok := w.unfit[f.Num]; ok && time.Since(since) < unfitFor {
			return
		}
	}
	if w.fields[c] == nil {
		w.fields[c] = map[query.Field]bool{}
	}
	for _, f := range fields {
		w.fields[c][f.Num] = true
	}
	w.kick()
}

// kick wakes who keeps the columns.
func (w *columnWants) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take gives a catalog with the fields that are wanted of it.
func (w *columnWants) take() (c query.Catalog, fields map[query.Field]bool, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, fields = range w.fields {
		delete(w.fields, c)
		return c, fields, true
	}
	return 0, nil, false
}

// refuse notes that fields cannot be kept.
func (w *columnWants) refuse(fields ...query.Field) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range fields {
		w.unfit[f] = time.Now()
	}
}

// forget lets fields be tried again that could not be kept.
func (w *columnWants) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.unfit)
}

// RunColumns makes the columns that are wanted, follows the changes and gives up
// what there is no room for, until ctx ends.
func (s *Service) RunColumns(ctx context.Context) error {
	if !s.columns.on() {
		return nil
	}
	tick := time.NewTicker(columnsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.columns.wants.wake:
		}
		if err := s.columns.tend(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "keep columns for reports", "error", err)
		}
	}
}

func (x *columns) tend(ctx context.Context) error {
	if err := x.followAll(ctx); err != nil {
		return err
	}
	if x.tight() {
		return x.relieve(ctx)
	}
	for {
		c, fields, ok := x.wants.take()
		if !ok {
			return nil
		}
		err := x.build(ctx, c, fields)
		if err != nil && !errors.Is(err, ErrStale) { // then somebody will ask again
			return fmt.Errorf("catalog %d: %w", c, err)
		}
	}
}

func (x *columns) tight() bool {
	return x.service.options.Columns.Tight != nil && x.service.options.Columns.Tight()
}

// locked runs fn with the gate and a snapshot that was begun after it was had.
func (x *columns) locked(ctx context.Context, fn func(t *columnTurn, st *Structure, r Reader) error) error {
	t := &columnTurn{columns: x}
	select {
	case x.gate <- struct{}{}:
		t.gated = true
	case <-ctx.Done():
		return ctx.Err()
	}
	defer t.leave()
	return x.service.view(ctx, func(st *Structure, r Reader) error { return fn(t, st, r) })
}

// followAll brings all tables up to now, in steps that let requests in between.
func (x *columns) followAll(ctx context.Context) error {
	x.state.RLock()
	idle := len(x.tables) == 0
	x.state.RUnlock()
	for done := idle; !done; {
		err := x.locked(ctx, func(t *columnTurn, st *Structure, r Reader) (err error) {
			if done, err = t.follow(ctx, st, r, followMost); err != nil {
				return err
			}
			for num, table := range x.tables {
				if len(table.stale) > 0 {
					if err := x.reread(ctx, st, r, st.Catalog(num), table); err != nil {
						return err
					}
					done = done && len(table.stale) == 0
				}
			}
			x.tidy()
			x.evict(func() bool { return x.bytes() <= x.service.options.Columns.Bytes })
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tidy gives up what is mostly of records and texts that are gone: it is made anew
// when somebody asks. The caller has the gate.
func (x *columns) tidy() {
	x.state.Lock()
	defer x.state.Unlock()
	for num, table := range x.tables {
		if table.Dead() > max(followMost, table.Len()) {
			delete(x.tables, num)
			continue
		}
		for f := range table.fields {
			if c := table.Column(f); c.Kind() == column.Texts && c.Different() > 2*differentTexts {
				table.drop(f)
			}
		}
	}
}

// build reads a catalog into memory: those fields that are there already as well
// if there is room for them.
func (x *columns) build(ctx context.Context, num query.Catalog, wanted map[query.Field]bool) error {
	for _, all := range []bool{true, false} {
		b := &columnBuild{columns: x, num: num, table: newColumnTable()}
		err := x.locked(ctx, func(t *columnTurn, st *Structure, r Reader) error {
			if _, err := t.follow(ctx, st, r, followMost); err != nil {
				return err
			}
			b.st, b.from = st, x.seq
			b.choose(wanted, all)
			return nil
		})
		if err != nil || !b.due {
			return err
		}
		fits, err := b.read(ctx)
		if err != nil {
			return err
		}
		if fits {
			large := b.table.bytes() > largeColumns
			err := x.locked(ctx, func(t *columnTurn, st *Structure, r Reader) error { return b.install(ctx, t, st, r) })
			if large {
				debug.FreeOSMemory() // of what was read
			}
			return err
		}
	}
	x.wants.refuse(slices.Collect(maps.Keys(wanted))...)
	return nil
}

func newColumnTable() *columnTable {
	return &columnTable{Table: column.NewTable(), fields: map[query.Field]*Field{}, stale: map[query.Record]bool{}, used: map[query.Field]time.Time{}}
}

// columnBuild is a table in the making.
type columnBuild struct {
	*columns
	num    query.Catalog
	st     *Structure
	from   int64 // all changes up to this one are older than what is read
	due    bool
	others int64 // bytes of the tables that there are
	fields []*Field
	table  *columnTable
}

// choose takes the fields that can be kept: all that are in memory as well, or the
// wanted ones alone. The caller has the gate.
func (b *columnBuild) choose(wanted map[query.Field]bool, all bool) {
	c := b.st.Catalog(b.num)
	if c == nil {
		return
	}
	if before := b.tables[b.num]; before != nil {
		missing := false
		for f := range wanted {
			missing = missing || before.fields[f] == nil
		}
		if !missing {
			return
		}
		before.mu.Lock()
		if all {
			for f := range before.fields {
				b.table.used[f] = before.used[f]
			}
		}
		before.mu.Unlock()
	}
	b.due, b.others = true, b.bytes()
	b.table.used[0] = time.Now()
	for f := range wanted {
		b.table.used[f] = time.Now()
	}
	for _, f := range c.Fields {
		if _, keep := b.table.used[f.Num]; !keep {
			continue
		}
		if kind, ok := columnKind(f); ok {
			b.fields = append(b.fields, f)
			b.table.fields[f.Num] = f
			b.table.Add(f.Num, column.NewColumn(kind))
		}
	}
}

// read fills the table, in snapshots of their own: a long one would keep the
// database from clearing up. What is changed meanwhile is read again. false tells
// that there is no room.
func (b *columnBuild) read(ctx context.Context) (bool, error) {
	c := b.st.Catalog(b.num)
	for after := query.Record(0); ; {
		var page *Page
		err := b.service.store.View(ctx, b.st.Version, func(r Reader) (err error) {
			page, err = r.Scan(ctx, c, b.fields, after, scanRows)
			return err
		})
		if err != nil {
			return false, err
		}
		b.table.load(page)
		b.dropUnfit()
		if fits, err := b.makeRoom(ctx); err != nil || !fits {
			return false, err
		}
		if page.Len() < scanRows {
			b.table.Compact()
			return true, nil
		}
		after = page.Record(page.Len() - 1)
	}
}

// makeRoom gives up other columns for this table; false if it is too large by
// itself.
func (b *columnBuild) makeRoom(ctx context.Context) (bool, error) {
	most, need := b.service.options.Columns.Bytes, b.table.bytes()
	if need > most || b.table.Len() > column.MaxRows {
		return false, nil
	}
	if b.others+need <= most {
		return true, nil
	}
	return true, b.locked(ctx, func(*columnTurn, *Structure, Reader) error {
		b.evict(func() bool { return b.bytes()+need <= most })
		b.others = b.bytes()
		return nil
	})
}

// dropUnfit gives up fields with too many different texts.
func (b *columnBuild) dropUnfit() {
	b.fields = slices.DeleteFunc(slices.Clone(b.fields), func(f *Field) bool {
		c := b.table.Column(f.Num)
		unfit := c.Kind() == column.Texts && c.Different() > differentTexts
		if unfit {
			b.wants.refuse(f.Num)
			b.table.drop(f.Num)
		}
		return unfit
	})
}

// install puts the table in its place, with what was changed since it was begun
// noted as stale.
func (b *columnBuild) install(ctx context.Context, t *columnTurn, st *Structure, r Reader) error {
	if st.Version.Structure != b.st.Version.Structure {
		return ErrStale
	}
	done, err := t.follow(ctx, st, r, followMost)
	if err != nil || !done {
		return err
	}
	log := changeLog{last: b.from, edits: map[query.Catalog][]columnEdit{}}
	if err := r.Changes(ctx, b.from, int(b.seq-b.from)+followMost, nil, log.add); err != nil {
		return err
	}
	if log.gap || !b.table.note(log.edits[b.num]) {
		return nil // begun again when somebody asks
	}
	b.state.Lock()
	b.tables[b.num] = b.table
	b.state.Unlock()
	b.evict(func() bool { return b.bytes() <= b.service.options.Columns.Bytes })
	return nil
}

// bytes is the memory of all tables. The caller has the gate.
func (x *columns) bytes() (n int64) {
	for _, table := range x.tables {
		n += table.bytes()
	}
	return n
}

func (t *columnTable) bytes() int64 {
	n := t.columnBytes() + int64(len(t.stale))*32
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sets {
		n += s.rows.Bytes()
	}
	return n + t.keptBytes()
}

// columnBytes is the memory of the records and their fields.
func (t *columnTable) columnBytes() int64 {
	n := t.Bytes()
	for f := range t.fields {
		n += t.Column(f).Bytes()
	}
	return n
}

// evict gives up the columns that were used least lately until it is enough. The
// caller has the gate.
func (x *columns) evict(enough func() bool) {
	for !enough() {
		var oldest *columnTable
		var num query.Catalog
		var field query.Field
		var since time.Time
		for n, table := range x.tables {
			f, used := table.oldest()
			if oldest == nil || used.Before(since) {
				oldest, num, field, since = table, n, f, used
			}
		}
		if oldest == nil {
			return
		}
		x.state.Lock()
		if oldest.drop(field); len(oldest.fields) == 0 {
			delete(x.tables, num)
		}
		x.state.Unlock()
	}
}

// oldest is the field that was used least lately, 0 if there is none.
func (t *columnTable) oldest() (field query.Field, used time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	used = t.used[0]
	for f := range t.fields {
		if field == 0 || t.used[f].Before(used) {
			field, used = f, t.used[f]
		}
	}
	return field, used
}

// relieve gives up half of what there is.
func (x *columns) relieve(ctx context.Context) error {
	return x.locked(ctx, func(*columnTurn, *Structure, Reader) error {
		half := x.bytes() / 2
		x.evict(func() bool { return x.bytes() <= half })
		return nil
	})
}
