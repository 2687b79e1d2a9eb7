package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kartoteka/internal/fault"
	"kartoteka/internal/store/testdb"
)

func openTestPostgres(t testing.TB) *postgresEngine {
	t.Helper()
	return openEngine(t, testdb.Postgres(t)).(*postgresEngine)
}

func TestPlaceholders(t *testing.T) {
	cases := map[string]string{
		"SELECT 1":                 "SELECT 1",
		"a = ? AND b = ?":          "a = $1 AND b = $2",
		"'?' || ? || '''?'''":      "'?' || $1 || '''?'''",
		`"a?""?" = ?`:              `"a?""?" = $1`,
		"? -- what?\n, ?":          "$1 -- what?\n, $2",
		"? /* a? /* b? */ c? */ ?": "$1 /* a? /* b? */ c? */ $2",
		"$$ ? $$ ?":                "$$ ? $$ $1",
		"$tag$ ? $$ ? $tag$ ?":     "$tag$ ? $$ ? $tag$ $1",
		"a$b$ = ?":                 "a$b$ = $1",
		`E'\'?' || ?`:              `E'\'?' || $1`,
		`'\' || ?`:                 `'\' || $1`,
		`name'\' || ?`:             `name'\' || $1`,
		"?::bigint[]":              "$1::bigint[]",
		"'open ?":                  "'open ?",
		"/* open ?":                "/* open ?",
		"$$ open ?":                "$$ open ?",
		"ж = ? AND 'ж?'":           "ж = $1 AND 'ж?'",
		"(?,?,?,?,?,?,?,?,?,?,?)":  "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		"SELECT $1$ ? $1$":         "SELECT $1$ $1 $1$",
		"INSERT INTO t VALUES (?, '{\"a\":\"?\"}')": "INSERT INTO t VALUES ($1, '{\"a\":\"?\"}')",
	}
	var w rewriter
	for in, want := range cases {
		for range 2 {
			if got := w.rewrite(in); got != want {
				t.Errorf("%s\ngave %s\nwant %s", in, got, want)
			}
		}
	}
}

func TestRewrittenStatementsAreBounded(t *testing.T) {
	var w rewriter
	for i := range 3 * rewriteMost {
		w.rewrite(strings.Repeat(" ", i%1000) + strings.Repeat("?", i/1000))
	}
	if len(w.done) > rewriteMost {
		t.Errorf("%d statements are remembered", len(w.done))
	}
}

func TestLocaleIsChecked(t *testing.T) {
	cases := map[string]struct{ options, want string }{
		"ctype C":   {"ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C'", "LC_CTYPE C"},
		"posix":     {"ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'POSIX'", "LC_CTYPE "},
		"latin":     {"ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'", "encoding LATIN1"},
		"sql ascii": {"ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'", "encoding SQL_ASCII"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			target := testdb.PostgresWith(t, tc.options)
			_, err := openPostgres(t.Context(), target.DSN, "company_1", 0)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestConnectionString(t *testing.T) {
	target := testdb.Postgres(t)
	e, err := openPostgres(t.Context(), target.DSN+"&pool_max_conns=3", `odd "name`, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if n := e.pool.Config().MaxConns; n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	if err := migrate(t.Context(), e, testFiles); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Integrity(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := openPostgres(t.Context(), target.DSN+"&pool_max_conns=x", "a", 0); err == nil {
		t.Error("pool_max_conns=x was accepted")
	}
	if _, err := openPostgres(t.Context(), "postgres://nobody@127.0.0.1:1/x", "a", 0); classify(err) != classGone {
		t.Errorf("no server gave %v", err)
	}
}

func TestSerializationFailureRunsAgain(t *testing.T) {
	e := openTestPostgres(t)
	mustUpdate(t, e, addNote(t.Context(), 1))
	runs := 0
	err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
		runs++
		if err := c.Script(t.Context(), "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT * FROM notes"); err != nil {
			return err
		}
		if runs == 1 {
			mustUpdate(t, e, setSize(t.Context(), 1, 5))
		}
		return setSize(t.Context(), 1, 6)(c)
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func setSize(ctx context.Context, id int64, size float64) func(conn) error {
	return func(c conn) error {
		_, err := c.Exec(ctx, "UPDATE notes SET size = ? WHERE id = ?", size, id)
		return err
	}
}

func TestDeadlockRunsAgain(t *testing.T) {
	e := openTestPostgres(t)
	mustUpdate(t, e, func(c conn) error {
		return errors.Join(addNote(t.Context(), 1)(c), addNote(t.Context(), 2)(c))
	})
	var met sync.WaitGroup
	met.Add(2)
	var runs atomic.Int32
	cross := func(first, second int64) error {
		announced := false
		return e.Update(t.Context(), updateOptions{}, func(c conn) error {
			runs.Add(1)
			if err := setSize(t.Context(), first, 1)(c); err != nil {
				return err
			}
			if !announced {
				announced = true
				met.Done()
			}
			met.Wait()
			return setSize(t.Context(), second, 2)(c)
		})
	}
	other := make(chan error, 1)
	go func() { other <- cross(2, 1) }()
	err := cross(1, 2)
	if err := errors.Join(err, <-other); err != nil || runs.Load() < 3 {
		t.Errorf("%d runs, %v", runs.Load(), err)
	}
}

func TestStructureChangeWaitsForALock(t *testing.T) {
	e := openTestPostgres(t)
	alter := func(patience time.Duration, column string) error {
		opts := updateOptions{Class: classStructure, Patience: patience}
		return e.Update(t.Context(), opts, func(c conn) error {
			return c.Script(t.Context(), "ALTER TABLE notes ADD COLUMN "+column+" text")
		})
	}
	err := e.View(t.Context(), nil, func(c conn) error {
		if _, err := c.Exec(t.Context(), "SELECT count(*) FROM notes"); err != nil {
			return err
		}
		if err := alter(time.Second, "a"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("behind a reader: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reading, changed := make(chan struct{}), make(chan error, 1)
	go func() { <-reading; changed <- alter(0, "b") }()
	err = e.View(t.Context(), nil, func(c conn) error {
		_, err := c.Exec(t.Context(), "SELECT count(*) FROM notes")
		close(reading)
		time.Sleep(700 * time.Millisecond) // longer than one lock_timeout
		return err
	})
	if err := errors.Join(err, <-changed); err != nil {
		t.Error(err)
	}
}

// The writer behind the lock must see what the structure change before it did.
func TestVersionIsReadAfterTheLock(t *testing.T) {
	e := openTestPostgres(t)
	locked := make(chan struct{})
	changed := make(chan error, 1)
	go func() {
		opts := updateOptions{Class: classStructure, Exclusive: []int64{5}}
		changed <- e.Update(context.Background(), opts, func(c conn) error {
			close(locked)
			time.Sleep(100 * time.Millisecond)
			return c.Bump(context.Background(), partStructure)
		})
	}()
	<-locked
	known := Version{Structure: 1, Rights: 1}
	err := e.Update(t.Context(), updateOptions{Shared: []int64{5}, Expect: &known}, func(conn) error { return nil })
	if !errors.Is(err, ErrStale) {
		t.Errorf("behind the lock: %v", err)
	}
	if err := e.Update(t.Context(), updateOptions{Shared: []int64{6}}, func(conn) error { return nil }); err != nil {
		t.Errorf("another catalog: %v", err)
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
}

func TestStatementTimeout(t *testing.T) {
	e := openTestPostgres(t)
	err := e.View(t.Context(), nil, func(c conn) error {
		return c.Script(t.Context(), "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)")
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

// What a server that restarts or fails over does to its connections.
func TestLostConnections(t *testing.T) {
	target := testdb.Postgres(t)
	e := openEngine(t, target).(*postgresEngine)
	admin, err := pgx.Connect(t.Context(), target.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	kill := func() {
		t.Helper()
		_, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
	}
	kill()
	mustUpdate(t, e, addNote(t.Context(), 1)) // an idle connection is gone
	runs := 0
	mustUpdate(t, e, func(c conn) error {
		runs++
		if err := addNote(t.Context(), 2)(c); err != nil {
			return err
		}
		if runs == 1 {
			kill()
		}
		return addNote(t.Context(), 3)(c)
	})
	if runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
	wantNotes(t, e, 1, 2, 3)
}

func TestConnectionsAreReusedAndBounded(t *testing.T) {
	target := testdb.Postgres(t)
	e, err := openPostgres(t.Context(), target.DSN, "company_1", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	var first, second uint32
	for _, pid := range []*uint32{&first, &second} {
		err := e.View(t.Context(), nil, func(c conn) error { *pid = c.(*postgresConn).raw.PgConn().PID(); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if first != second {
		t.Error("the connection was not reused")
	}
	err = e.View(t.Context(), nil, func(conn) error {
		return e.View(t.Context(), nil, func(conn) error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := e.View(ctx, nil, func(conn) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the third of two connections gave %v", err)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
