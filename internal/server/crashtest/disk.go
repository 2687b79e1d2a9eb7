package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"kartoteka/internal/store"
)

// disk is where a world's company is kept.
type disk interface {
	open(ctx context.Context) (*store.Company, error)
	// keep has the next process find what there is now, whatever the current one
	// still does.
	keep() error
}

const (
	companyFile   = "company.db"
	companySchema = "company"
)

// files are a SQLite database. Each crash leaves the folder of the dead process
// behind and goes on with a copy, log included: what a file held then, not what
// closing it would make of it.
type files struct {
	base string
	n    int // of the folder
}

func (d *files) folder() string { return filepath.Join(d.base, fmt.Sprint(d.n)) }

func (d *files) open(ctx context.Context) (*store.Company, error) {
	return store.OpenSQLite(ctx, filepath.Join(d.folder(), companyFile), store.Options{})
}

// keep copies while the log may still grow: SQLite finds its end by sums, as after a
// power failure. Nothing moves pages from the log to the file before it has 16 MB.
func (d *files) keep() error {
	from := d.folder()
	d.n++
	return copyCompany(from, d.folder())
}

func copyCompany(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, name := range []string{companyFile, companyFile + "-wal"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) && name != companyFile {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// schema is a company in a PostgreSQL database of its own.
type schema struct {
	dsn string
}

func (d *schema) open(ctx context.Context) (*store.Company, error) {
	return store.OpenPostgres(ctx, d.dsn, companySchema, store.Options{Connections: 4})
}

// keep ends the sessions of the dead process: what they had not committed is undone.
func (d *schema) keep() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	for others := 1; others > 0; {
		err := c.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`).Scan(&others)
		if err != nil {
			return err
		}
	}
	return nil
}
