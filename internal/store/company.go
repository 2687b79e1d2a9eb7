package store

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"kartoteka/internal/catalog"
)

//go:embed migrations/sqlite/company/*.sql migrations/postgres/company/*.sql
var companyMigrations embed.FS

// Locks of a company that are not catalogs; -1 is migrationLock. They mean
// something on PostgreSQL only.
const (
	structureLock = 0
	sequenceLock  = -2
	// numbersLock minus the catalog's number guards its record numbers.
	numbersLock = -1 << 32
)

// Options are what a company's database needs from outside.
type Options struct {
	Log *slog.Logger // nil for none
	// Connections bounds those to PostgreSQL; 0 leaves it to the connection
	// string (pool_max_conns) or means 16.
	Connections int
}

// Company is one company's database. It implements catalog.Store and is safe
// for concurrent use.
type Company struct {
	engine  engine
	tables  tables
	log     *slog.Logger
	plans   writePlans
	reads   readPlans
	numbers numbers
	draws   draws
	// indexed are the indexes there were at the last look.
	indexed atomic.Pointer[[]catalog.Index]
	tail    *searchTail // nil on PostgreSQL
	// written is when the last write ended, in Unix nanoseconds.
	written atomic.Int64
	// viewed is how often the database has been read.
	viewed atomic.Int64
}

// OpenSQLite opens the company's database file, or makes it, and brings it to
// this program's schema. It fails with ErrNewer when a newer program was there.
// The caller holds the folder's lock (LockFolder).
func OpenSQLite(ctx context.Context, path string, o Options) (*Company, error) {
	e, err := openSQLite(path, companyCache)
	if err != nil {
		return nil, err
	}
	s, err := openCompany(ctx, e, o)
	if err != nil {
		return nil, err
	}
	s.tail, err = openSearchTail(ctx, s)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return s, nil
}

func openCompany(ctx context.Context, e engine, o Options) (*Company, error) {
	s := &Company{engine: e, tables: tablesOf(e.Dialect()), log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	files, err := fs.Sub(companyMigrations, "migrations/"+e.Dialect().Name()+"/company")
	if err == nil {
		err = migrate(ctx, e, files)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return s, nil
}

// Version implements catalog.Store.
func (s *Company) Version(ctx context.Context) (Version, error) { return s.engine.Version(ctx) }

// Close waits for transactions that have begun and closes the database.
func (s *Company) Close() error {
	s.tail.close()
	return s.engine.Close()
}

// View implements catalog.Store.
func (s *Company) View(ctx context.Context, version Version, fn func(catalog.Reader) error) error {
	s.viewed.Add(1)
	err := s.engine.View(ctx, &version, func(c conn) error {
		return fn(&tx{conn: c, company: s})
	})
	return staleAsCatalog(err)
}

// Update implements catalog.Store.
func (s *Company) Update(ctx context.Context, p catalog.Plan, fn func(catalog.Writer) error) error {
	err := s.engine.Update(ctx, s.optionsOf(p), func(c conn) error {
		return fn(&tx{conn: c, company: s})
	})
	s.written.Store(time.Now().UnixNano())
	return staleAsCatalog(err)
}

func (s *Company) optionsOf(p catalog.Plan) updateOptions {
	o := updateOptions{Expect: &p.Version, Volatile: p.Volatile}
	catalogs := make([]int64, len(p.Catalogs), len(p.Catalogs)+1)
	for i, c := range p.Catalogs {
		catalogs[i] = int64(c)
	}
	switch p.Class {
	case catalog.Interactive:
		o.Class, o.Shared = classInteractive, catalogs
	case catalog.Job:
		o.Class, o.Shared = classJob, catalogs
	case catalog.Reshape:
		// One structure change at a time: what it checks (that ids are free)
		// stays true until it commits.
		o.Class, o.Exclusive = classStructure, append(catalogs, structureLock)
	}
	return o
}

func staleAsCatalog(err error) error {
	if errors.Is(err, ErrStale) {
		return catalog.ErrStale
	}
	return err
}

// tx is one transaction on a company's database. It implements catalog.Reader
// and catalog.Writer, and belongs to the function it was given to.
type tx struct {
	conn    conn
	company *Company
	last    bool // the next call is the last
}

// Last implements catalog.Reader.
func (t *tx) Last() { t.last = true }

// ending is called before the one statement of a call.
func (t *tx) ending() {
	if t.last {
		t.conn.Last()
	}
}

var _ catalog.Store = (*Company)(nil)
