package store

import (
	"context"
	"fmt"
	"sync"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Next implements catalog.Writer.
func (t *tx) Next(ctx context.Context, c catalog.Counter) (int64, error) { return t.raise(ctx, c, 1) }

// raise raises a counter by n and gives its new value.
func (t *tx) raise(ctx context.Context, c catalog.Counter, n int) (last int64, err error) {
	err = t.conn.Query(ctx, `INSERT INTO counters (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value`,
		[]any{string(c), n}, func(r row) error {
			last = r.Int(0)
			return nil
		})
	if err != nil {
		return 0, fmt.Errorf("raise counter %s: %w", c, err)
	}
	return last, nil
}

// numbers gives out record numbers on SQLite, where one process writes. The
// greatest number used so far is that of the last row of titles, which even
// removed records keep; numbers that were taken and not used are free again
// after a restart, since nobody has seen them.
type numbers struct {
	mu     sync.Mutex
	loaded map[query.Catalog]bool
	last   map[query.Catalog]query.Record
}

// raise notes a number that is in use.
func (n *numbers) raise(c query.Catalog, r query.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		n.last, n.loaded = map[query.Catalog]query.Record{}, map[query.Catalog]bool{}
	}
	n.last[c] = max(n.last[c], r)
}

// take gives the first of k numbers; false when the catalog's last number has
// not been loaded.
func (n *numbers) take(c query.Catalog, k int) (query.Record, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.loaded[c] {
		return 0, false
	}
	first := n.last[c] + 1
	n.last[c] += query.Record(k)
	return first, true
}

func (n *numbers) load(c query.Catalog, last query.Record) {
	n.raise(c, last)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loaded[c] = true
}

// Reserve implements catalog.Store.
func (s *Company) Reserve(ctx context.Context, c query.Catalog, n int) (query.Record, error) {
	if n < 1 {
		return 0, fmt.Errorf("reserve %d numbers of catalog %d", n, c)
	}
	first, err := s.reserve(ctx, c, n)
	if err != nil {
		return 0, fmt.Errorf("reserve numbers of catalog %d: %w", c, err)
	}
	if first+query.Record(n)-1 > query.MaxRecord {
		return 0, fmt.Errorf("catalog %d has no more record numbers", c)
	}
	return first, nil
}

func (s *Company) reserve(ctx context.Context, c query.Catalog, n int) (query.Record, error) {
	if s.engine.Dialect().Name() == "postgres" {
		return s.reserveFromSequence(ctx, c, n)
	}
	if first, ok := s.numbers.take(c, n); ok {
		return first, nil
	}
	if err := s.loadNumbers(ctx, c); err != nil {
		return 0, err
	}
	first, _ := s.numbers.take(c, n)
	return first, nil
}

func (s *Company) loadNumbers(ctx context.Context, c query.Catalog) error {
	return s.engine.View(ctx, nil, func(conn conn) error {
		return conn.Query(ctx, `SELECT coalesce(max(ref), 0) FROM titles WHERE ref BETWEEN ? AND ?`,
			[]any{int64(query.MakeRef(c, 0)), int64(query.MakeRef(c, query.MaxRecord))},
			func(r row) error {
				s.numbers.load(c, query.Ref(r.Int(0)).Record())
				return nil
			})
	})
}

// draws lets callers that want numbers of a catalog at the same time share one
// transaction: those who come while one is under way are the next one. The
// zero value is ready.
type draws struct {
	mu      sync.Mutex
	waiting map[query.Catalog]*draw
	turns   map[query.Catalog]chan struct{}
}

// draw is one taking of n numbers, of which each caller has a part.
type draw struct {
	n     int
	first query.Record
	err   error
	done  chan struct{}
}

// join adds n numbers to the next draw; leads is set for the caller that has to
// do it, in the catalog's turn.
func (d *draws) join(c query.Catalog, n int) (to *draw, part int, turn chan struct{}, leads bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting, d.turns = map[query.Catalog]*draw{}, map[query.Catalog]chan struct{}{}
	}
	if d.turns[c] == nil {
		d.turns[c] = make(chan struct{}, 1)
	}
	to = d.waiting[c]
	if leads = to == nil; leads {
		to = &draw{done: make(chan struct{})}
		d.waiting[c] = to
	}
	part = to.n
	to.n += n
	return to, part, d.turns[c], leads
}

// close lets nobody else join.
func (d *draws) close(c query.Catalog) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, c)
}

// reserveFromSequence draws from the catalog's sequence. The end of ctx ends
// the waiting only: others may need the numbers.
func (s *Company) reserveFromSequence(ctx context.Context, c query.Catalog, n int) (query.Record, error) {
	d, part, turn, leads := s.draws.join(c, n)
	if leads {
		go func() {
			turn <- struct{}{}
			s.draws.close(c)
			d.first, d.err = s.draw(context.WithoutCancel(ctx), c, d.n)
			<-turn
			close(d.done)
		}()
	}
	select {
	case <-d.done:
		return d.first + query.Record(part), d.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// draw takes n numbers from a sequence, which no rollback gives back. They must
// follow each other, so a call for several keeps other nodes' out with a lock
// that calls for one share.
func (s *Company) draw(ctx context.Context, c query.Catalog, n int) (first query.Record, err error) {
	lock := []int64{numbersLock - int64(c)}
	o := updateOptions{Shared: lock, Repeats: true}
	sql := fill(`SELECT nextval('{q}')`, c)
	args := []any(nil)
	if n > 1 {
		o = updateOptions{Exclusive: lock, Repeats: true}
		// A number that the planner cannot see needs no new plan.
		sql = fill(`SELECT min(number) FROM (SELECT nextval('{q}') AS number
			FROM generate_series(1, (SELECT ?::bigint))) AS taken`, c)
		args = []any{n}
	}
	err = s.engine.Update(ctx, o, func(conn conn) error {
		conn.Last()
		return conn.Query(ctx, sql, args, func(r row) error {
			first = query.Record(r.Int(0))
			return nil
		})
	})
	return first, err
}
