package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"zombiezen.com/go/sqlite"

	"kartoteka/internal/apisync"
)

//go:embed migrations/sqlite/log/*.sql migrations/postgres/log/*.sql
var logMigrations embed.FS

// logConnections is the size of the log's pool on PostgreSQL: one writes, and reports
// are seldom read.
const logConnections = 3

// daysLock is the advisory lock of nodes that make or drop a day's partitions.
const daysLock = -3

var logCache = pageCache{writer: 2_000, reader: 500}

// OpenSyncLogSQLite opens the log's file, or makes it. A file that cannot be used is put
// aside, under a name that ends in ".damaged-" and the time, with a warning: the log is
// no reason not to serve. The caller holds the folder's lock (LockFolder).
func OpenSyncLogSQLite(ctx context.Context, path string, o Options) (*SyncLog, error) {
	s := newSyncLog(o)
	s.open = func(ctx context.Context) (engine, error) {
		e, err := openSQLite(path, logCache)
		if err != nil {
			return nil, err
		}
		return migrateLog(ctx, e)
	}
	s.aside = func() error { return renameDamaged(path, time.Now()) }
	var err error
	if s.engine, err = s.open(ctx); err == nil || ctx.Err() != nil {
		return s, err
	}
	if err := s.putAside(err); err != nil {
		return nil, err
	}
	if s.engine, err = s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenSyncLogPostgres opens the log's schema of the database at dsn, or makes it.
func OpenSyncLogPostgres(ctx context.Context, dsn, schema string, o Options) (*SyncLog, error) {
	s := newSyncLog(o)
	e, err := openPostgres(ctx, dsn, schema, logConnections)
	if err != nil {
		return nil, err
	}
	if s.engine, err = migrateLog(ctx, e); err != nil {
		return nil, err
	}
	return s, nil
}

func newSyncLog(o Options) *SyncLog {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &SyncLog{options: o}
}

func migrateLog(ctx context.Context, e engine) (engine, error) {
	files, err := fs.Sub(logMigrations, "migrations/"+e.Dialect().Name()+"/log")
	if err == nil {
		err = migrate(ctx, e, files)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the log of the sync module: %w", err), e.Close())
	}
	return e, nil
}

// damagedFile tells whether an error says that a SQLite file is not what it should be.
func damagedFile(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	}
	return false
}

// renameDamaged renames a database file and what belongs to it.
func renameDamaged(path string, now time.Time) error {
	to := path + ".damaged-" + now.UTC().Format("20060102T150405.000000000")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// dayOf is the day of an id, as partitions are named.
func dayOf(id apisync.LogID) time.Time {
	ms := int64(0)
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms).UTC().Truncate(24 * time.Hour)
}
