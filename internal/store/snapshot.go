package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"zombiezen.com/go/sqlite"
)

// copyPages is how many pages are copied between two looks at the context: 4 MB.
const copyPages = 1_000

// ErrNotFiles says that a database is not a file that could be copied.
var ErrNotFiles = errors.New("the database is not made of files")

// Snapshot is the content of a SQLite database at one moment. It holds a
// reading connection until Close; meanwhile the log next to the file grows.
type Snapshot struct {
	conn            *sqliteConn
	pages, pageSize int64
}

// TakeSnapshots fixes the content of both databases at one moment: what the
// company had committed when the call began is in it, and of the messages for
// the control database each is carried out there or still in the outbox. The
// company's writer is held for that moment only. It fails with ErrNotFiles on
// PostgreSQL.
func TakeSnapshots(ctx context.Context, control *Control, company *Company) (ofControl, ofCompany *Snapshot, err error) {
	first, ok1 := control.engine.(*sqliteEngine)
	second, ok2 := company.engine.(*sqliteEngine)
	if !ok1 || !ok2 {
		return nil, nil, ErrNotFiles
	}
	if ofControl, err = openSnapshot(first.path); err != nil {
		return nil, nil, err
	}
	if ofCompany, err = openSnapshot(second.path); err != nil {
		return nil, nil, errors.Join(err, ofControl.Close())
	}
	err = company.engine.Update(ctx, updateOptions{Class: classJob}, func(conn) error {
		return errors.Join(ofCompany.begin(), ofControl.begin())
	})
	if err != nil {
		err = fmt.Errorf("take a snapshot: %w", err)
		return nil, nil, errors.Join(err, ofControl.Close(), ofCompany.Close())
	}
	return ofControl, ofCompany, nil
}

func openSnapshot(path string) (*Snapshot, error) {
	c, err := openSQLiteConn(path, false, copyCache)
	if err != nil {
		return nil, err
	}
	return &Snapshot{conn: c}, nil
}

// begin opens the transaction; its first reading statement fixes the content.
func (s *Snapshot) begin() error {
	if err := s.conn.control("BEGIN"); err != nil {
		return err
	}
	const size = `SELECT page_count, page_size FROM pragma_page_count, pragma_page_size`
	return s.conn.run(size, nil, func(r row) error {
		s.pages, s.pageSize = r.Int(0), r.Int(1)
		return nil
	})
}

// Size is about how many bytes the copy will have.
func (s *Snapshot) Size() int64 { return s.pages * s.pageSize }

// Copy writes the content to a new file that only the owner can read, and makes
// it durable. It calls progress with the bytes that are copied.
func (s *Snapshot) Copy(ctx context.Context, path string, progress func(done int64)) error {
	err := s.copy(ctx, path, progress)
	if err == nil {
		err = syncPath(path)
	}
	if err != nil {
		return fmt.Errorf("copy to %s: %w", path, err)
	}
	return nil
}

func (s *Snapshot) copy(ctx context.Context, path string, progress func(done int64)) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	to, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	// Neither a journal nor synchronization: a copy that breaks off is of no use.
	c := &sqliteConn{raw: to, stmts: map[string]*sqliteStmt{}}
	settings := fmt.Sprintf(`PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-%d`, copyCache.writer)
	if err := c.Script(ctx, settings); err != nil {
		return err
	}
	b, err := sqlite.NewBackup(to, "", s.conn.raw, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = b.Step(copyPages); err != nil {
			return err
		}
		progress(int64(b.PageCount()-b.Remaining()) * s.pageSize)
	}
	return nil
}

// Close gives the connection back.
func (s *Snapshot) Close() error { return s.conn.raw.Close() }

func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SQLiteSchemas gives how many migrations this program has for the control
// database and for a company's.
func SQLiteSchemas() (control, company int, err error) {
	count := func(files fs.FS, dir string) (n int, err error) {
		if files, err = fs.Sub(files, dir); err != nil {
			return 0, err
		}
		all, err := readMigrations(files)
		return len(all), err
	}
	if control, err = count(controlMigrations, "migrations/sqlite/control"); err != nil {
		return 0, 0, err
	}
	company, err = count(companyMigrations, "migrations/sqlite/company")
	return control, company, err
}
