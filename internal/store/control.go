package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

//go:embed migrations/sqlite/control/*.sql migrations/postgres/control/*.sql
var controlMigrations embed.FS

// controlSchema is the PostgreSQL schema of the control database.
const controlSchema = "kartoteka_control"

// Control is the database of what companies share. It implements
// account.Store and is safe for concurrent use.
type Control struct {
	engine engine
}

// OpenControlSQLite opens the control file, makes it when it is missing, and
// migrates it. The caller holds the folder's lock (LockFolder).
func OpenControlSQLite(ctx context.Context, path string) (*Control, error) {
	e, err := openSQLite(path, controlCache)
	if err != nil {
		return nil, err
	}
	return newControl(ctx, e)
}

// OpenControlPostgres connects to a PostgreSQL database, makes the control
// schema when it is missing, and migrates it. connections bounds the pool; 0
// leaves it to dsn.
func OpenControlPostgres(ctx context.Context, dsn string, connections int) (*Control, error) {
	e, err := openPostgres(ctx, dsn, controlSchema, connections)
	if err != nil {
		return nil, err
	}
	return newControl(ctx, e)
}

func newControl(ctx context.Context, e engine) (*Control, error) {
	files, err := fs.Sub(controlMigrations, "migrations/"+e.Dialect().Name()+"/control")
	if err == nil {
		err = migrate(ctx, e, files)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the control database: %w", err), e.Close())
	}
	return &Control{e}, nil
}

// Close waits for transactions that have begun.
func (c *Control) Close() error { return c.engine.Close() }

// ErrOtherKey says that the database was first used with another secret key.
var ErrOtherKey = errors.New("the database belongs to servers with another secret key")

// CheckKey keeps the fingerprint of the secret key at the first start and
// gives ErrOtherKey to a node that comes with another key.
func (c *Control) CheckKey(ctx context.Context, fingerprint string) error {
	kept := ""
	err := c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		_, err := tx.Exec(ctx, `INSERT INTO settings (name, value) VALUES ('key', ?) ON CONFLICT (name) DO NOTHING`, fingerprint)
		if err != nil {
			return err
		}
		return tx.Query(ctx, `SELECT value FROM settings WHERE name = 'key'`, nil, func(r row) error {
			kept = r.Str(0)
			return nil
		})
	})
	if err == nil && kept != fingerprint {
		return ErrOtherKey
	}
	return err
}

// view runs statements in one snapshot. reset forgets what they found, as the
// transaction may run twice.
func (c *Control) view(ctx context.Context, reset func(), batch ...statement) error {
	return c.engine.View(ctx, nil, func(tx conn) error {
		reset()
		return execAll(ctx, tx, batch)
	})
}

// update runs statements in one transaction.
func (c *Control) update(ctx context.Context, batch ...statement) error {
	return c.engine.Update(ctx, updateOptions{}, func(tx conn) error { return execAll(ctx, tx, batch) })
}

// do is a statement without rows.
func do(sql string, args ...any) statement { return statement{SQL: sql, Args: args} }

// millis is a time's column value; nil for the zero time.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// timeAt reads a column written by millis.
func timeAt(r row, i int) time.Time {
	if r.Null(i) {
		return time.Time{}
	}
	return time.UnixMilli(r.Int(i)).UTC()
}
