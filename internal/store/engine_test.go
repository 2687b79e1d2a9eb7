package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

// testFiles are migrations both databases understand.
var testFiles = fstest.MapFS{
	"0001_versions.sql": {Data: []byte(`-- the version row
		CREATE TABLE versions (id bigint PRIMARY KEY CHECK (id = 1),
			structure bigint NOT NULL, rights bigint NOT NULL);
		INSERT INTO versions VALUES (1, 1, 1); /* one row; */ -- no more`)},
	"0002_notes.sql": {Data: []byte(`CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL DEFAULT '' CHECK (body <> 'bad'),
		size double precision, raw bytea, flag boolean, parent bigint REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED);`)},
}

// openEngine opens one kind of database with the tables of testFiles.
func openEngine(t testing.TB, target testdb.Target) engine {
	t.Helper()
	e := openTarget(t, target)
	if err := migrate(t.Context(), e, testFiles); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return e
}

func openTarget(t testing.TB, target testdb.Target) engine {
	t.Helper()
	var e engine
	var err error
	if target.Dir != "" {
		e, err = openSQLite(filepath.Join(target.Dir, "company.db"), companyCache)
	} else {
		e, err = openPostgres(t.Context(), target.DSN, "company_1", 0)
	}
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// eachEngine runs test on both databases.
func eachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(t, openEngine(t, target)) })
}

// addNote is the function of an update that inserts a note.
func addNote(ctx context.Context, id int64) func(conn) error {
	return func(c conn) error {
		_, err := c.Exec(ctx, "INSERT INTO notes (id) VALUES (?)", id)
		return err
	}
}

// noteIDs gives the ids in the table, in order.
func noteIDs(t testing.TB, e engine) (ids []int64) {
	t.Helper()
	err := e.View(context.Background(), nil, func(c conn) error {
		ids = nil
		return c.Query(context.Background(), "SELECT id FROM notes ORDER BY id", nil, func(r row) error {
			ids = append(ids, r.Int(0))
			return nil
		})
	})
	if err != nil {
		t.Fatalf("read notes: %v", err)
	}
	return ids
}

func wantNotes(t testing.TB, e engine, want ...int64) {
	t.Helper()
	if got := noteIDs(t, e); !slices.Equal(got, want) {
		t.Errorf("notes %v, want %v", got, want)
	}
}

func mustUpdate(t testing.TB, e engine, fn func(conn) error) {
	t.Helper()
	if err := e.Update(t.Context(), updateOptions{}, fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	long := bytes.Repeat([]byte{0, 1, 2, 255}, 10_000)
	text := "Привіт ?'\"$1 " + strings.Repeat("ж", 5000)
	eachEngine(t, func(t *testing.T, e engine) {
		mustUpdate(t, e, func(c conn) error {
			n, err := c.Exec(t.Context(), "INSERT INTO notes (id, body, size, raw, flag) VALUES (?, ?, ?, ?, ?), (?, '?', ?, ?, ?)",
				int64(math.MaxInt64), text, 0.1, long, true, 5, nil, []byte{}, nil)
			if n != 2 {
				t.Errorf("%d rows affected, want 2", n)
			}
			return err
		})
		err := e.View(t.Context(), nil, func(c conn) error {
			seen := 0
			return c.Query(t.Context(), "SELECT id, body, size, raw, flag FROM notes WHERE "+c.Dialect().AnyInt("id")+" ORDER BY id DESC",
				[]any{[]int64{5, 6, math.MaxInt64}}, func(r row) error {
					seen++
					body, raw := r.Bytes(1), r.Bytes(3)
					if seen == 1 && (r.Int(0) != math.MaxInt64 || r.Str(1) != text || string(body) != text ||
						r.Float(2) != 0.1 || !bytes.Equal(raw, long) || r.Int(4) != 1) {
						t.Error("the first row differs")
					}
					if seen == 2 && (r.Int(0) != 5 || r.Str(1) != "?" || !r.Null(2) || r.Float(2) != 0 || r.Null(3) ||
						len(raw) != 0 || !r.Null(4) || r.Int(4) != 0 || r.Str(4) != "" || r.Bytes(4) != nil || r.Str(0) != "5") {
						t.Error("the second row differs")
					}
					return nil
				})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAggregatesReadAsNumbers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		mustUpdate(t, e, func(c conn) error {
			_, err := c.Exec(t.Context(), "INSERT INTO notes (id, size) VALUES (1, 0.5), (2, 1.25)")
			return err
		})
		err := e.View(t.Context(), nil, func(c conn) error {
			return c.Query(t.Context(), "SELECT count(*), sum(size), sum(id), avg(id), max(size) > 1, CAST(7 AS smallint), CAST(7 AS integer) FROM notes", nil, func(r row) error {
				got := fmt.Sprintln(r.Int(0), r.Float(0), r.Float(1), r.Int(1), r.Int(2), r.Float(2), r.Float(3), r.Int(4), r.Int(5), r.Int(6), r.Str(1))
				if want := "2 2 1.75 1 3 3 1.5 1 7 7 1.75\n"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestQueryEndsEarly(t *testing.T) {
	own := errors.New("own")
	eachEngine(t, func(t *testing.T, e engine) {
		mustUpdate(t, e, func(c conn) error {
			_, err := c.Exec(t.Context(), "INSERT INTO notes (id) VALUES (1), (2), (3)")
			return err
		})
		for name, stop := range map[string]error{"by errStop": errStop, "by an error": own} {
			rows := 0
			err := e.View(t.Context(), nil, func(c conn) error {
				rows = 0
				err := c.Query(t.Context(), "SELECT id FROM notes", nil, func(row) error { rows++; return stop })
				if stop == own && err != own || stop == errStop && err != nil {
					t.Errorf("%s: query gave %v", name, err)
				}
				_, err = c.Exec(t.Context(), "SELECT 1")
				return err
			})
			if err != nil || rows != 1 {
				t.Errorf("%s: %d rows, %v", name, rows, err)
			}
		}
	})
}

// TestLast: PostgreSQL ends the transaction with the statement that is the last;
// whoever asks more learns that he was wrong.
func TestLast(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		own := errors.New("own")
		mustUpdate(t, e, func(c conn) error {
			c.Last()
			return c.Query(t.Context(), "INSERT INTO notes (id) VALUES (1), (2) RETURNING id", nil, func(row) error { return nil })
		})
		rows := 0
		read := func(stop error) error {
			return e.View(t.Context(), nil, func(c conn) error {
				rows = 0
				c.Last()
				return c.Query(t.Context(), "SELECT id FROM notes", nil, func(row) error { rows++; return stop })
			})
		}
		for stop, want := range map[error]int{nil: 2, errStop: 1, own: 1} {
			if err := read(stop); rows != want || (stop == own) != (err == own) || stop != own && err != nil {
				t.Errorf("%d rows until %v, %v", rows, stop, err)
			}
		}
		err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
			c.Last()
			return c.Query(t.Context(), "INSERT INTO notes (id) VALUES (3), (1)", nil, nil)
		})
		if err == nil || read(nil) != nil || rows != 2 {
			t.Errorf("%d rows after a last statement that failed: %v", rows, err)
		}
		if e.Dialect().Name() != "postgres" {
			return
		}
		err = e.View(t.Context(), nil, func(c conn) error {
			c.Last()
			_ = c.Query(t.Context(), "SELECT 1", nil, nil)
			return c.Query(t.Context(), "SELECT 1", nil, nil)
		})
		if !errors.Is(err, errEnded) {
			t.Errorf("a statement after the last gives %v", err)
		}
		version := &Version{Structure: 99, Rights: 99}
		err = e.Update(t.Context(), updateOptions{Expect: version}, func(c conn) error {
			c.Last()
			return c.Query(t.Context(), "INSERT INTO notes (id) VALUES (4)", nil, nil)
		})
		if !errors.Is(err, ErrStale) || read(nil) != nil || rows != 2 {
			t.Errorf("%d rows after a last statement for another version: %v", rows, err)
		}
	})
}

func TestBatch(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		var seen []int64
		collect := func(r row) error { seen = append(seen, r.Int(0)); return nil }
		mustUpdate(t, e, func(c conn) error {
			seen = nil
			return c.ExecBatch(t.Context(), []statement{
				{SQL: "INSERT INTO notes (id) VALUES (?), (?) RETURNING id", Args: []any{1, 2}, Each: collect},
				{SQL: "UPDATE notes SET id = id + 10 WHERE id = ?", Args: []any{2}},
				{SQL: "SELECT id FROM notes ORDER BY id DESC", Each: collect},
			})
		})
		if !slices.Equal(seen, []int64{1, 2, 12, 1}) {
			t.Errorf("the batch gave %v", seen)
		}
		err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
			return c.ExecBatch(t.Context(), []statement{
				{SQL: "INSERT INTO notes (id) VALUES (3)"},
				{SQL: "INSERT INTO notes (id) VALUES (1)"},
				{SQL: "INSERT INTO notes (id) VALUES (4)"},
			})
		})
		if classify(err) != classUnique {
			t.Errorf("a batch with a duplicate gave %v", err)
		}
		wantNotes(t, e, 1, 12)
	})
}

func TestErrorClasses(t *testing.T) {
	cases := map[string]struct {
		sql  string
		want errClass
	}{
		"primary key": {"INSERT INTO notes (id) VALUES (1)", classUnique},
		"check":       {"INSERT INTO notes (id, body) VALUES (2, 'bad')", classConstraint},
		"not null":    {"INSERT INTO notes (id, body) VALUES (2, NULL)", classConstraint},
		"foreign key": {"INSERT INTO notes (id, parent) VALUES (2, 99)", classConstraint},
		"no table":    {"INSERT INTO nowhere VALUES (1)", classOther},
	}
	eachEngine(t, func(t *testing.T, e engine) {
		mustUpdate(t, e, addNote(t.Context(), 1))
		for name, tc := range cases {
			err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
				_, err := c.Exec(t.Context(), tc.sql)
				return err
			})
			if err == nil || classify(err) != tc.want {
				t.Errorf("%s: class %d of %v, want %d", name, classify(err), err, tc.want)
			}
		}
		wantNotes(t, e, 1)
	})
}

func TestSwallowedErrorIsReturned(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		mustUpdate(t, e, addNote(t.Context(), 1))
		err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
			_, _ = c.Exec(t.Context(), "INSERT INTO notes (id) VALUES (2)")
			_, _ = c.Exec(t.Context(), "INSERT INTO notes (id) VALUES (1)")
			_, _ = c.Exec(t.Context(), "INSERT INTO notes (id) VALUES (3)")
			return nil
		})
		if classify(err) != classUnique {
			t.Errorf("got %v", err)
		}
		wantNotes(t, e, 1)
	})
}

func TestViewIsOneSnapshotAndCannotWrite(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		count := func(c conn) (n int64) {
			_ = c.Query(t.Context(), "SELECT count(*) FROM notes", nil, func(r row) error { n = r.Int(0); return nil })
			return n
		}
		err := e.View(t.Context(), nil, func(c conn) error {
			before := count(c)
			mustUpdate(t, e, addNote(t.Context(), 1))
			if after := count(c); after != before {
				t.Errorf("%d notes, then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.View(t.Context(), nil, addNote(t.Context(), 2)); err == nil {
			t.Error("a view could write")
		}
		wantNotes(t, e, 1)
	})
}

func TestPanicBecomesAnError(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		panics := func(c conn) error {
			return c.Query(t.Context(), "SELECT 1", nil, func(row) error { panic("broken") })
		}
		for name, err := range map[string]error{
			"update": e.Update(t.Context(), updateOptions{}, panics),
			"view":   e.View(t.Context(), nil, panics),
		} {
			if err == nil || !strings.Contains(err.Error(), "broken") {
				t.Errorf("%s gave %v", name, err)
			}
		}
		mustUpdate(t, e, addNote(t.Context(), 1))
		wantNotes(t, e, 1)
	})
}

func TestManyStatements(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		err := e.View(t.Context(), nil, func(c conn) error {
			for i := range 3 * sqliteStatements {
				var got int64
				sql := fmt.Sprintf("SELECT %d + ?", i)
				err := c.Query(t.Context(), sql, []any{1}, func(r row) error { got = r.Int(0); return nil })
				if err != nil || got != int64(i+1) {
					return fmt.Errorf("%s gave %d: %w", sql, got, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Long statements run, and neither stay prepared nor fill an error's text.
func TestLongStatements(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		long := "SELECT id FROM notes WHERE id IN (?" + strings.Repeat(", ?", cachedSQL/3) + ")"
		args := make([]any, strings.Count(long, "?"))
		for i := range args {
			args[i] = i
		}
		mustUpdate(t, e, addNote(t.Context(), 5))
		err := e.View(t.Context(), nil, func(c conn) error {
			for range 2 {
				n := 0
				if err := c.Query(t.Context(), long, args, func(row) error { n++; return nil }); err != nil || n != 1 {
					t.Errorf("%d rows, %v", n, err)
				}
			}
			if c, ok := c.(*sqliteReader); ok && c.stmts[long] != nil {
				t.Error("the statement stays prepared")
			}
			return c.Query(t.Context(), long+" AND nothing", args, nil)
		})
		if err == nil || len(err.Error()) > 500 {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestCancelledView(t *testing.T) {
	slow := map[string]string{
		"sqlite":   "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
		"postgres": "SELECT pg_sleep(30)",
	}
	eachEngine(t, func(t *testing.T, e engine) {
		for range 5 { // more often than there are readers
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			other := make(chan error, 1)
			go func() { other <- e.View(t.Context(), nil, func(c conn) error { return usesItself(t.Context(), c) }) }()
			err := e.View(ctx, nil, func(c conn) error {
				return c.Query(ctx, slow[e.Dialect().Name()], nil, nil)
			})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			if err := <-other; err != nil {
				t.Fatalf("the other view gave %v", err)
			}
		}
		mustUpdate(t, e, addNote(t.Context(), 1))
		wantNotes(t, e, 1)
	})
}

// usesItself runs statements for longer than the cancelled view does.
func usesItself(ctx context.Context, c conn) error {
	for end := time.Now().Add(60 * time.Millisecond); time.Now().Before(end); {
		if _, err := c.Exec(ctx, "SELECT count(*) FROM notes"); err != nil {
			return err
		}
	}
	return nil
}

func TestEndedContextRunsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	eachEngine(t, func(t *testing.T, e engine) {
		ran := false
		fn := func(conn) error { ran = true; return nil }
		if err := e.Update(ctx, updateOptions{}, fn); !errors.Is(err, context.Canceled) {
			t.Errorf("update gave %v", err)
		}
		if err := e.View(ctx, nil, fn); !errors.Is(err, context.Canceled) {
			t.Errorf("view gave %v", err)
		}
		if ran {
			t.Error("fn ran")
		}
	})
}

func TestClosed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		e := openEngine(t, target)
		waited := make(chan error, 1)
		go func() { _, err := e.Wait(context.Background(), Version{Structure: 1, Rights: 1}); waited <- err }()
		time.Sleep(20 * time.Millisecond)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		fn := func(conn) error { return nil }
		for name, err := range map[string]error{
			"update": e.Update(t.Context(), updateOptions{}, fn),
			"view":   e.View(t.Context(), nil, fn),
			"wait":   <-waited,
		} {
			if !errors.Is(err, errClosed) {
				t.Errorf("%s gave %v", name, err)
			}
		}
	})
}

func TestFaultPassesThrough(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		err := e.Update(t.Context(), updateOptions{}, func(conn) error { return fault.New(fault.NotFound, "gone") })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestIntegrityOfAHealthyDatabase(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		for _, quick := range []bool{false, true} {
			if found, err := e.Integrity(t.Context(), quick); err != nil || len(found) > 0 {
				t.Errorf("quick %t: %v, %v", quick, found, err)
			}
		}
	})
}
