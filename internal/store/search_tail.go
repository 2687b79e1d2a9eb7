package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/query"
)

// A row that comes alone costs a full text index of SQLite six times what it
// costs among hundreds, and every commit leaves a segment that all searches
// look into until it is merged. So writes put their search rows into the table
// search_tail, where searches look too, and the rows move by the hundreds.
//
//	           write                 move
//	(nothing) -------> search_tail ---------> s_N
//
// A row in the tail holds instead of the one in s_N with its rowid; one without
// a text says that there is none.
const (
	// tailChunk and tailBytes bound what moves in one transaction, some 50 ms.
	tailChunk = 512
	tailBytes = 512 << 10
	// tailFull is how many rows may wait before they move at once.
	tailFull = 512
	// tailPatience is how long fewer may wait.
	tailPatience = time.Second
	// tailLate is from how many on interactive writes no longer go first.
	tailLate = 4_096
)

// searchTail moves search rows. A nil one does nothing.
type searchTail struct {
	company *Company
	// waiting is about how many rows there are: it counts those of transactions
	// that were rolled back, too.
	waiting atomic.Int64
	// grown are the catalogs whose indexes may be worth merging (bool).
	grown  sync.Map
	wake   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// openSearchTail starts moving rows, those first that were left, and looks at
// every index: an import without a server leaves it as it is.
func openSearchTail(ctx context.Context, s *Company) (*searchTail, error) {
	t := &searchTail{company: s, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	err := s.engine.View(ctx, nil, func(c conn) error {
		err := c.Query(ctx, `SELECT count(*) FROM search_tail`, nil, func(r row) error {
			t.waiting.Store(r.Int(0))
			return nil
		})
		if err != nil {
			return err
		}
		return c.Query(ctx, `SELECT substr(name, 3) FROM sqlite_master WHERE name GLOB 's_[0-9]*' AND sql LIKE 'CREATE VIRTUAL %'`, nil, func(r row) error {
			n, err := strconv.ParseInt(r.Str(0), 10, 64)
			t.grown.Store(query.Catalog(n), true)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look at the search indexes: %w", err)
	}
	t.signal()
	ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go t.run(ctx)
	return t, nil
}

// expect tells that so many rows come with the transaction under way.
func (t *searchTail) expect(rows int) {
	if t == nil || rows == 0 {
		return
	}
	n := int64(rows)
	if now := t.waiting.Add(n); now == n || now >= tailFull && now-n < tailFull {
		t.signal()
	}
}

// loaded tells that rows of a catalog come into its index with the transaction
// under way.
func (t *searchTail) loaded(c query.Catalog) {
	if t == nil {
		return
	}
	if _, known := t.grown.Swap(c, true); !known {
		t.signal()
	}
}

func (t *searchTail) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *searchTail) close() {
	if t == nil {
		return
	}
	t.cancel()
	<-t.ended
}

func (t *searchTail) run(ctx context.Context) {
	defer close(t.ended)
	for {
		select {
		case <-t.wake:
		case <-ctx.Done():
			return
		}
		if err := t.work(ctx); err != nil && ctx.Err() == nil {
			t.company.log.ErrorContext(ctx, "index texts for search", "error", err)
			t.signal() // again, later
			t.rest(ctx, tailPatience)
		}
	}
}

// work moves what waits, now or when it has waited for long enough. In the end
// it uses the time until more comes.
func (t *searchTail) work(ctx context.Context) error {
	for {
		if t.waiting.Load() < tailFull {
			t.rest(ctx, tailPatience)
		}
		for more := t.waiting.Load() > 0; more; {
			rows, err := t.move(ctx)
			if err != nil {
				return err
			}
			more = rows > 0 && t.waiting.Load() >= tailChunk
		}
		if err := t.tidy(ctx); err != nil || ctx.Err() != nil || t.waiting.Load() == 0 {
			return err
		}
	}
}

// rest waits until many rows are there, or for a while.
func (t *searchTail) rest(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	for t.waiting.Load() < tailFull {
		select {
		case <-t.wake:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// tailRow is a row of the tail.
type tailRow struct {
	catalog query.Catalog
	place   int64
	fold    []byte // nil to drop
}

// move moves the first rows of the tail, in one transaction, and gives their
// number.
func (t *searchTail) move(ctx context.Context) (rows int, err error) {
	before := t.waiting.Load()
	o := updateOptions{Class: classJob, Urgent: before >= tailLate}
	err = t.company.engine.Update(ctx, o, func(c conn) error {
		list, all, err := readTail(ctx, c)
		if err != nil {
			return err
		}
		for i := 0; err == nil && i < len(list); {
			n := i
			for i < len(list) && list[i].catalog == list[n].catalog {
				i++
			}
			t.grown.Store(list[n].catalog, true)
			err = indexRows(ctx, c, list[n:i])
		}
		if rows = len(list); !all {
			before = int64(rows)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("move rows to the search index: %w", err)
	}
	t.waiting.Add(-before)
	return rows, nil
}

// readTail gives the first rows of the tail, and whether they are all.
func readTail(ctx context.Context, c conn) (list []tailRow, all bool, err error) {
	all = true
	size := 0
	const first = `SELECT catalog, place, fold FROM search_tail ORDER BY catalog, place LIMIT ?`
	err = c.Query(ctx, first, []any{tailChunk + 1}, func(r row) error {
		if len(list) == tailChunk || size > tailBytes {
			all = false
			return errStop
		}
		row := tailRow{catalog: query.Catalog(r.Int(0)), place: r.Int(1)}
		if !r.Null(2) {
			row.fold = append([]byte{}, r.Bytes(2)...)
		}
		size += len(row.fold)
		list = append(list, row)
		return nil
	})
	return list, all, err
}

// indexRows moves rows of one catalog, in the order of their places.
func indexRows(ctx context.Context, c conn, list []tailRow) error {
	table := searchTable(list[0].catalog)
	put := `INSERT OR REPLACE INTO ` + table + ` (rowid, fold) VALUES (?, ?)`
	drop := `DELETE FROM ` + table + ` WHERE rowid = ?`
	batch := make([]statement, 0, len(list)+1)
	for _, r := range list {
		if r.fold == nil {
			batch = append(batch, statement{SQL: drop, Args: []any{r.place}})
		} else {
			batch = append(batch, statement{SQL: put, Args: []any{r.place, string(r.fold)}})
		}
	}
	first, last := list[0], list[len(list)-1]
	batch = append(batch, statement{SQL: `DELETE FROM search_tail WHERE catalog = ? AND place BETWEEN ? AND ?`,
		Args: []any{int64(first.catalog), first.place, last.place}})
	return c.ExecBatch(ctx, batch)
}
