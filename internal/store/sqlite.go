package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"kartoteka/internal/catalog"
)

const (
	// oldestSQLite is 3.51.3: an older WAL could lose a checkpoint's pages
	// ("WAL-reset bug", https://sqlite.org/wal.html).
	oldestSQLite = 3_051_003
	// mmapSize lets readers go past the page cache's mutex, which all
	// connections of the process share. It is address space, not memory, and
	// the most that SQLite takes.
	mmapSize = 1<<31 - 1<<16
	// walPages is how long the log grows (32 MB) before it is written back
	// within a commit, should the checkpoints after commits not keep up.
	walPages = 8_000
	// sortCache bounds, like a page cache, what SQLite sorts in memory at once
	// when it makes an index: its allocator keeps a block of that size for good.
	sortCache = 4_000
)

// pageCache is how much the connections to a file keep of its pages, each, KB.
// SQLite is built with one cache for the whole process, which may grow to the
// sum over all open connections whoever fills it, and a page of 4 KB takes 8:
// the sum decides how much memory a server has after some time. Readers map the
// file, so that they keep only what is in the log.
type pageCache struct{ writer, reader int }

var (
	companyCache = pageCache{writer: 16_000, reader: 1_000}
	controlCache = pageCache{writer: 1_000, reader: 500}
	copyCache    = pageCache{writer: 500, reader: 500}
)

// sqliteEngine is one database file: one writer, a few readers.
type sqliteEngine struct {
	path   string
	cache  pageCache
	writer *sqliteWriter
	// readers holds the idle readers; nil is one that is not open yet.
	readers chan *sqliteReader
	closed  chan struct{}
	closing sync.Once
	// tending holds one token while Tend runs.
	tending chan struct{}

	// version is the committed version row. It is nil while a commit that may
	// change it is under way, and when there is no such table; the pointer is
	// new after each commit, so that equal pointers mean nothing happened.
	version atomic.Pointer[Version]
	// raised is closed and replaced when version changes.
	raised atomic.Pointer[chan struct{}]
}

// openSQLite opens the file, or makes it. The caller holds the folder's lock
// (LockFolder).
func openSQLite(path string, cache pageCache) (*sqliteEngine, error) {
	if sqlite.VersionNumber < oldestSQLite {
		return nil, fmt.Errorf("this program is built with SQLite %s, and needs 3.51.3 or newer", sqlite.Version)
	}
	c, err := openSQLiteConn(path, true, cache)
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: path, cache: cache, closed: make(chan struct{}), tending: make(chan struct{}, 1)}
	e.readers = make(chan *sqliteReader, max(2, runtime.GOMAXPROCS(0)))
	for range cap(e.readers) {
		e.readers <- nil
	}
	raised := make(chan struct{})
	e.raised.Store(&raised)
	e.writer = newSQLiteWriter(e, c)
	e.writer.publish()
	go e.writer.run()
	return e, nil
}

func openSQLiteConn(path string, writer bool, cache pageCache) (*sqliteConn, error) {
	raw, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	raw.SetBusyTimeout(5 * time.Second)
	c := &sqliteConn{raw: raw, stmts: map[string]*sqliteStmt{}, writer: writer}
	settings := fmt.Sprintf(`PRAGMA mmap_size=%d; PRAGMA cache_size=-%d; PRAGMA temp_store=%s; PRAGMA query_only=1`,
		mmapSize, cache.reader, sortsIn())
	if writer {
		settings = fmt.Sprintf(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=1;
			PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY;
			PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=67108864`, cache.writer, walPages)
	}
	c.writer = false // outside a transaction every error would look like its end
	if err := c.Script(context.Background(), settings); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), raw.Close())
	}
	c.writer = writer
	return c, nil
}

// sortsIn is where SQLite keeps what it sorts beyond a block of the cache's size.
// In memory it would keep each row by itself, and all of them; in files of the
// temporary folder it sorts block by block, which is also faster. FILE needs such a
// folder, which a container may not have.
var sortsIn = sync.OnceValue(func() string {
	f, err := os.CreateTemp("", "kartoteka-*")
	if err != nil {
		return "MEMORY"
	}
	_, _ = f.Close(), os.Remove(f.Name())
	return "FILE"
})

func (e *sqliteEngine) Dialect() dialect { return sqliteDialect{} }

func (e *sqliteEngine) View(ctx context.Context, expect *Version, fn func(conn) error) error {
	r, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() { e.readers <- r }()
	return r.view(ctx, e, expect, fn)
}

func (e *sqliteEngine) acquire(ctx context.Context) (*sqliteReader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var r *sqliteReader
	select {
	case <-e.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	case r = <-e.readers:
	}
	if r != nil {
		return r, nil
	}
	c, err := openSQLiteConn(e.path, false, e.cache)
	if err != nil {
		e.readers <- nil
		return nil, err
	}
	return newSQLiteReader(c), nil
}

func (e *sqliteEngine) Update(ctx context.Context, opts updateOptions, fn func(conn) error) error {
	return outward(ctx, e.writer.do(ctx, opts, fn))
}

func (e *sqliteEngine) Wait(ctx context.Context, known Version) (Version, error) {
	for {
		raised := *e.raised.Load()
		if v := e.version.Load(); v != nil && *v != known {
			return *v, nil
		}
		select {
		case <-raised:
		case <-e.closed:
			return known, errClosed
		case <-ctx.Done():
			return known, ctx.Err()
		}
	}
}

// Tend has one lock for all keys: one process owns the file.
func (e *sqliteEngine) Tend(ctx context.Context, _ int64, wait bool, fn func(outside) error) error {
	select {
	case e.tending <- struct{}{}:
	default:
		if !wait {
			return catalog.ErrBusy
		}
		select {
		case e.tending <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-e.tending }()
	return fn(nil)
}

func (e *sqliteEngine) Integrity(ctx context.Context, quick bool) (found []string, err error) {
	check := "PRAGMA integrity_check(100)"
	if quick {
		check = "PRAGMA quick_check(100)"
	}
	// On a connection of its own: it may take minutes, and readers are few.
	c, err := openSQLiteConn(e.path, false, e.cache)
	if err != nil {
		return nil, err
	}
	r := newSQLiteReader(c)
	defer func() { err = errors.Join(err, r.raw.Close()) }()
	err = r.view(ctx, e, nil, func(c conn) error {
		return c.Query(ctx, check, nil, func(r row) error {
			if s := r.Str(0); s != "ok" {
				found = append(found, s)
			}
			return nil
		})
	})
	return found, err
}

func (e *sqliteEngine) Close() (err error) {
	e.closing.Do(func() {
		close(e.closed)
		e.writer.stop()
		for range cap(e.readers) {
			if r := <-e.readers; r != nil {
				err = errors.Join(err, r.raw.Close())
			}
		}
		// The last one: closing it writes the log back into the file.
		err = errors.Join(err, e.writer.conn.raw.Close())
	})
	return err
}
