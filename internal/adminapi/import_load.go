package adminapi

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/table"
)

// pace is how large a transaction is: as many rows as take about that time, so
// that people who write meanwhile hardly wait.
type pace struct {
	first, most int
	time        time.Duration
	bytes       int // of text, which bounds the memory, too: a row may have megabytes
}

var (
	servedPace = pace{first: 200, most: 1000, time: 50 * time.Millisecond, bytes: 512 << 10}
	// alonePace is for a folder that nobody else has open: nobody waits, but
	// an interruption shall not.
	alonePace = pace{first: 1000, most: 10_000, time: time.Second, bytes: 4 << 20}
)

// chunk is what one transaction stores.
type chunk struct {
	ops  []catalog.Op
	rows []tally  // after each operation
	end  tally    // after all rows that were read for it
	bad  []string // what is to be shown
	// prepared is nil if some row was refused.
	prepared *catalog.Prepared
	bytes    int
}

// tally is how far the reading came.
type tally struct{ done, refused, cells int64 }

// loading is the second pass over the file: one goroutine reads, converts and
// prepares chunks, another one commits them.
type loading struct {
	*importer
	pace   pace
	size   atomic.Int64 // rows of the next chunk
	from   int64        // rows that earlier runs have done
	read   tally
	listed int
	chunk  *chunk
	// refused counts the rows that the catalog has refused.
	refused int64
}

func (i *importer) load(ctx context.Context) error {
	l := &loading{importer: i, pace: servedPace, from: i.state.Done, chunk: &chunk{}}
	if i.t.Alone {
		l.pace = alonePace
	}
	l.size.Store(int64(l.pace.first))
	l.read = tally{i.state.Done, i.state.Refused, i.state.Cells}
	group, inner := errgroup.WithContext(ctx)
	chunks := make(chan *chunk, 1)
	group.Go(func() error {
		defer close(chunks)
		return l.produce(inner, chunks)
	})
	group.Go(func() error {
		for c := range chunks {
			if err := l.store(inner, c); err != nil {
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // whatever was under way when it ended
	}
	return err
}

// produce reads the rest of the file.
func (l *loading) produce(ctx context.Context, chunks chan<- *chunk) error {
	send := func() error {
		c := l.chunk
		l.chunk = &chunk{}
		if err := l.prepare(ctx, c); err != nil {
			return err
		}
		select {
		case chunks <- c:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	row := func(row table.Row) error {
		if int64(row.Row) <= l.from {
			return ctx.Err()
		}
		if err := l.add(row); err != nil {
			return err
		}
		if int64(len(l.chunk.ops)) < l.size.Load() && l.chunk.bytes < l.pace.bytes {
			return nil
		}
		return send()
	}
	bad := func(e *table.RowError) {
		if int64(e.Row) > l.from {
			l.read.done = int64(e.Row)
			l.read.refused++
			l.note(e.In("en"))
		}
	}
	if err := l.each(row, bad); err != nil {
		return err
	}
	l.read.done = l.total // also when nothing is left to store
	return send()
}

// add puts a row into the chunk; a cell that cannot be read is left empty and
// reported.
func (l *loading) add(row table.Row) error {
	op := catalog.Create{Catalog: l.target.Num, Values: make([]catalog.FieldValue, 0, len(l.columns))}
	for n := range l.columns {
		v, err := l.columns[n].Convert(row)
		if err != nil {
			var bad *table.RowError
			if !errors.As(err, &bad) {
				return err
			}
			l.read.cells++
			l.note(bad.In("en"))
			continue
		}
		if value := l.fields[n].value(v); value != nil {
			op.Values = append(op.Values, catalog.FieldValue{Field: l.fields[n].field.Num, Value: value})
		}
	}
	for _, cell := range row.Cells {
		l.chunk.bytes += len(cell.Text)
	}
	l.read.done = int64(row.Row)
	l.chunk.ops, l.chunk.rows = append(l.chunk.ops, op), append(l.chunk.rows, l.read)
	return nil
}

// note keeps a line for the other goroutine, which prints; the memory of a file
// in which all is bad stays small.
func (l *loading) note(line string) {
	if l.listed++; l.listed <= maxShown+1 {
		l.chunk.bad = append(l.chunk.bad, line)
	}
}

func (l *loading) prepare(ctx context.Context, c *chunk) (err error) {
	c.end = l.read
	c.prepared, err = l.t.Catalog.Prepare(ctx, operator("import"), c.ops)
	if refused(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("prepare rows %d to %d: %w", l.from+1, c.end.done, err)
	}
	return nil
}

// refused tells whether one row is why it failed, by its values or because a webhook
// refused it, so that the others may be stored.
func refused(err error) bool {
	return errors.Is(err, errRefused) || fault.Is(err, fault.ValidationFailed) || fault.Is(err, fault.Rejected)
}

// store stores a chunk in one transaction. When a row of it is refused, the
// halves are stored alone, and so on.
func (l *loading) store(ctx context.Context, c *chunk) error {
	for _, line := range c.bad {
		l.show(line)
	}
	held, err := l.commit(ctx, c.prepared, len(c.ops), c.end)
	if refused(err) {
		if err = l.split(ctx, c.ops, c.rows); err == nil {
			_, err = l.commitNone(ctx, c.end)
		}
	}
	if err != nil {
		return err
	}
	l.adapt(held, len(c.ops))
	l.progress.Set(l.state.Done)
	return nil
}

var (
	errRefused = errors.New("some row is refused")
	errMoved   = errors.New("another run of this import is at work, or the catalog was emptied; this one ends")
)

// commit stores what is prepared and moves the import on, all or none.
func (l *loading) commit(ctx context.Context, p *catalog.Prepared, rows int, to tally) (time.Duration, error) {
	if p == nil {
		return 0, errRefused
	}
	next := l.state
	next.Done, next.Refused, next.Cells = to.done, to.refused+l.refused, to.cells
	next.Stored += int64(rows)
	held, err := p.Commit(ctx, func(w catalog.Writer) error { return w.MoveImport(ctx, next, l.state.Done) })
	switch {
	case err == nil:
		l.state = next
	case errors.Is(err, catalog.ErrImportMoved):
		err = errMoved
	case !refused(err):
		err = fmt.Errorf("store rows %d to %d: %w", l.state.Done+1, to.done, err)
	}
	return held, err
}

// commitNone moves the import on to where nothing is to be stored.
func (l *loading) commitNone(ctx context.Context, to tally) (time.Duration, error) {
	p, err := l.t.Catalog.Prepare(ctx, operator("import"), nil)
	if err != nil {
		return 0, err
	}
	return l.commit(ctx, p, 0, to)
}

// split stores rows of which some are refused.
func (l *loading) split(ctx context.Context, ops []catalog.Op, rows []tally) error {
	p, err := l.t.Catalog.Prepare(ctx, operator("import"), ops)
	if err == nil {
		_, err = l.commit(ctx, p, len(ops), rows[len(rows)-1])
	}
	switch {
	case !refused(err):
		return err
	case len(ops) == 1:
		l.refused++
		l.show(fmt.Sprintf("row %d: %s", rows[0].done, Explain(err)))
		return nil
	}
	half := len(ops) / 2
	if err := l.split(ctx, ops[:half], rows[:half]); err != nil {
		return err
	}
	return l.split(ctx, ops[half:], rows[half:])
}

// adapt sets the size of the next chunk by how long the last one was held.
func (l *loading) adapt(held time.Duration, rows int) {
	size := int(l.size.Load())
	switch {
	case held > l.pace.time:
		size = max(min(size, rows)/2, 1)
	case held < l.pace.time/2 && rows >= size:
		size = min(size*2, l.pace.most)
	}
	l.size.Store(int64(size))
}
