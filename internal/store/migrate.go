package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNewer says that a newer program has migrated the database further than
// this one knows.
var ErrNewer = errors.New("the database was made by a newer version of the program")

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS migrations (
		number bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL, checksum text NOT NULL)`
	selectMigrations = `SELECT number, name, checksum FROM migrations ORDER BY number`
	insertMigration  = `INSERT INTO migrations (number, name, applied_at, checksum) VALUES (?, ?, ?, ?)`

	// migrationLock is the advisory lock of nodes that start together.
	migrationLock = -1
	// migrationPatience is how long a starting node waits for another one's.
	migrationPatience = 10 * time.Minute
)

// migration is one file NNNN_name.sql.
type migration struct {
	number   int64
	name     string
	checksum string
	sql      string
}

// migrate brings the database to the last migration of files (a folder of
// NNNN_name.sql, numbered from 1 without a gap), each in its own transaction.
// It refuses a database that has more of them (ErrNewer) or applied a file that
// has been changed since.
func migrate(ctx context.Context, e engine, files fs.FS) error {
	all, err := readMigrations(files)
	if err != nil {
		return err
	}
	for {
		done := false
		err := e.Update(ctx, updateOptions{
			Class: classStructure, Exclusive: []int64{migrationLock}, Patience: migrationPatience,
		}, func(c conn) (err error) {
			done, err = migrateOne(ctx, c, all)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// migrateOne applies the first migration that is missing.
func migrateOne(ctx context.Context, c conn, all []migration) (done bool, err error) {
	if _, err := c.Exec(ctx, createMigrations); err != nil {
		return false, err
	}
	applied, err := appliedMigrations(ctx, c)
	if err != nil {
		return false, err
	}
	if err := checkApplied(applied, all); err != nil {
		return false, err
	}
	if len(applied) == len(all) {
		return true, nil
	}
	m := all[len(applied)]
	if err := c.Script(ctx, m.sql); err != nil {
		return false, fmt.Errorf("migration %d (%s): %w", m.number, m.name, err)
	}
	_, err = c.Exec(ctx, insertMigration, m.number, m.name, time.Now().UnixMilli(), m.checksum)
	return false, err
}

func appliedMigrations(ctx context.Context, c conn) (list []migration, err error) {
	err = c.Query(ctx, selectMigrations, nil, func(r row) error {
		list = append(list, migration{number: r.Int(0), name: r.Str(1), checksum: r.Str(2)})
		return nil
	})
	return list, err
}

// checkApplied wants the applied migrations to be the first of all.
func checkApplied(applied, all []migration) error {
	if len(applied) > len(all) {
		last := applied[len(applied)-1]
		return fmt.Errorf("%w: it has migration %d (%s), this program knows %d; start the newer one",
			ErrNewer, last.number, last.name, len(all))
	}
	for i, a := range applied {
		if a.number != all[i].number || a.checksum != all[i].checksum {
			return fmt.Errorf("migration %d (%s) is not the one applied to this database (%d, %s)",
				all[i].number, all[i].name, a.number, a.name)
		}
	}
	return nil
}

// readMigrations gives the folder's migrations in their order.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	all := make([]migration, 0, len(names))
	for _, name := range names {
		m, err := readMigration(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b migration) int { return cmp.Compare(a.number, b.number) })
	for i, m := range all {
		if m.number != int64(i+1) {
			return nil, fmt.Errorf("migration %d (%s) stands where %d should", m.number, m.name, i+1)
		}
	}
	return all, nil
}

func readMigration(files fs.FS, file string) (m migration, err error) {
	number, name, ok := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
	if m.number, err = strconv.ParseInt(number, 10, 32); err != nil || !ok || len(number) != 4 {
		return m, fmt.Errorf("migration %s is not named NNNN_name.sql", file)
	}
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return m, fmt.Errorf("read migration %s: %w", file, err)
	}
	m.name = name
	m.sql = strings.ReplaceAll(string(data), "\r\n", "\n") // a checkout may change line ends
	sum := sha256.Sum256([]byte(m.sql))
	m.checksum = hex.EncodeToString(sum[:])
	return m, nil
}
