package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "modernc.org/sqlite" // the database/sql driver that ADR 0001 compares with

	"kartoteka/internal/store/testdb"
)

// The figures of ADR 0001 come from these:
//
//	go test -run '^$' -bench 'SQLite' -cpu 1,4 ./internal/store

const benchRows = 20_000

const (
	benchPoint = "SELECT id, body, size FROM notes WHERE id = ?"
	benchList  = "SELECT n.id, n.body, n.size, p.body FROM notes n LEFT JOIN notes p ON p.id = n.parent WHERE n.id >= ? ORDER BY n.id LIMIT 50"
	benchPatch = "UPDATE notes SET size = ? WHERE id = ?"
)

// benchSQLite gives a filled database through both APIs.
func benchSQLite(b *testing.B) (*sqliteEngine, *sql.DB) {
	b.Helper()
	target := testdb.SQLite(b)
	e := openEngine(b, target).(*sqliteEngine)
	mustUpdate(b, e, func(c conn) error {
		_, err := c.Exec(b.Context(), `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO notes (id, body, size, parent) SELECT i, 'the text of note ' || i, i / 3.0, i / 10 FROM n`, benchRows)
		return err
	})
	db, err := sql.Open("sqlite", filepath.Join(target.Dir, "company.db")+
		fmt.Sprintf("?_pragma=mmap_size(%d)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)", mmapSize))
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(cap(e.readers))
	db.SetMaxIdleConns(cap(e.readers))
	b.Cleanup(func() { _ = db.Close() })
	return e, db
}

// readNote uses what a statement of three or more columns gives.
func readNote(r row) error {
	if r.Float(2) < 0 || len(r.Bytes(1)) == 0 {
		return fmt.Errorf("note %d", r.Int(0))
	}
	return nil
}

func BenchmarkSQLitePoint(b *testing.B) {
	e, db := benchSQLite(b)
	prepared, err := db.Prepare(benchPoint)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context()) // as a request's is
	defer cancel()
	version := Version{Structure: 1, Rights: 1}
	view := func(expect *Version, first string) func(int64) error {
		return func(id int64) error {
			return e.View(ctx, expect, func(c conn) error {
				if first != "" {
					if err := c.Query(ctx, first, nil, func(r row) error { _ = r.Int(0); return nil }); err != nil {
						return err
					}
				}
				return c.Query(ctx, benchPoint, []any{id}, readNote)
			})
		}
	}
	alone := func(query func(int64) *sql.Row) func(int64) error {
		return func(id int64) error {
			var n int64
			var body []byte
			var size float64
			return query(id).Scan(&n, &body, &size)
		}
	}
	for _, bc := range []struct {
		name string
		read func(id int64) error
	}{
		{"view", view(nil, "")},
		{"view expecting a version", view(&version, "")},
		{"view reading the version", view(nil, selectVersion)},
		{"database-sql", alone(func(id int64) *sql.Row { return prepared.QueryRowContext(ctx, id) })},
		{"database-sql in a transaction", func(id int64) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			return alone(func(id int64) *sql.Row { return tx.StmtContext(ctx, prepared).QueryRowContext(ctx, id) })(id)
		}},
	} {
		b.Run(bc.name, func(b *testing.B) { benchParallel(b, bc.read) })
	}
}

func BenchmarkSQLiteList(b *testing.B) {
	e, db := benchSQLite(b)
	prepared, err := db.Prepare(benchList)
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.Run("view", func(b *testing.B) {
		benchParallel(b, func(id int64) error {
			return e.View(ctx, nil, func(c conn) error { return c.Query(ctx, benchList, []any{id}, readNote) })
		})
	})
	b.Run("database-sql", func(b *testing.B) {
		benchParallel(b, func(id int64) error {
			rows, err := prepared.QueryContext(ctx, id)
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var n int64
				var body, parent sql.RawBytes
				var size float64
				if err := rows.Scan(&n, &body, &size, &parent); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}

func benchParallel(b *testing.B, read func(id int64) error) {
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := read(next.Add(7919) % (benchRows - 50)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// One iteration is a durable group of 16 patches, a savepoint each.
func BenchmarkSQLiteGroup(b *testing.B) {
	const size = 16
	e, db := benchSQLite(b)
	ctx := b.Context()
	b.Run("conn", func(b *testing.B) {
		for i := range b.N {
			err := e.Update(ctx, updateOptions{Class: classJob}, func(c conn) error {
				for j := range size {
					for _, s := range []statement{{SQL: "SAVEPOINT one"}, {SQL: benchPatch, Args: []any{float64(i), j}}, {SQL: "RELEASE one"}} {
						if _, err := c.Exec(ctx, s.SQL, s.Args...); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("database-sql", func(b *testing.B) {
		patch, err := db.Prepare(benchPatch)
		if err != nil {
			b.Fatal(err)
		}
		for i := range b.N {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				b.Fatal(err)
			}
			own := tx.Stmt(patch)
			for j := range size {
				_, err1 := tx.Exec("SAVEPOINT one")
				_, err2 := own.Exec(float64(i), j)
				_, err3 := tx.Exec("RELEASE one")
				if err1 != nil || err2 != nil || err3 != nil {
					b.Fatal(err1, err2, err3)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Patches by so many callers at once, each durable when it is answered.
func BenchmarkSQLitePatch(b *testing.B) {
	e, _ := benchSQLite(b)
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			b.SetParallelism(callers)
			benchParallel(b, func(id int64) error {
				return e.Update(b.Context(), updateOptions{}, func(c conn) error {
					_, err := c.Exec(b.Context(), benchPatch, float64(id), id)
					return err
				})
			})
		})
	}
}
