// Package testdb gives tests fresh databases of both kinds. It knows nothing
// of store, so that store's own tests can use it too.
//
// PostgreSQL must run: a test without it fails and says how to start one.
package testdb

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Target is one kind of database. Exactly one of Dir and DSN is set.
type Target struct {
	// Name is "sqlite" or "postgres".
	Name string
	// Dir is an empty data folder for SQLite files.
	Dir string
	// DSN connects to an empty PostgreSQL database (UTF8, C.UTF-8).
	DSN string
}

// Each runs test once per kind of database, as a subtest of its name. KARTOTEKA_TEST_ON
// names the only kind, for who runs the other by itself (scripts/test.sh).
func Each(t *testing.T, test func(t *testing.T, target Target)) {
	t.Helper()
	only := os.Getenv("KARTOTEKA_TEST_ON")
	if only != "postgres" {
		t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	}
	if only != "sqlite" {
		t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
	}
}

// SQLite gives an empty folder that is removed with the test.
func SQLite(tb testing.TB) Target {
	tb.Helper()
	return Target{Name: "sqlite", Dir: tb.TempDir()}
}

// Postgres gives an empty database that is dropped with the test, together
// with the connections it still has.
func Postgres(tb testing.TB) Target {
	tb.Helper()
	return PostgresWith(tb, "ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
}

// PostgresWith is Postgres with the options of CREATE DATABASE.
func PostgresWith(tb testing.TB, options string) Target {
	tb.Helper()
	return newPostgres(tb, "TEMPLATE template0 "+options)
}

func newPostgres(tb testing.TB, options string) Target {
	tb.Helper()
	base := os.Getenv("KARTOTEKA_TEST_PG")
	if base == "" {
		tb.Fatal("KARTOTEKA_TEST_PG is not set: run 'make test', or 'scripts/pg.sh run -- go test ./internal/...'")
	}
	name := "test_" + strings.ToLower(rand.Text())
	admin(tb, base, "CREATE DATABASE "+name+" "+options)
	tb.Cleanup(func() { admin(tb, base, "DROP DATABASE "+name+" WITH (FORCE)") })
	dsn, err := url.Parse(base)
	if err != nil {
		tb.Fatalf("KARTOTEKA_TEST_PG is not a URL: %v", err)
	}
	dsn.Path = "/" + name
	return Target{Name: "postgres", DSN: dsn.String()}
}

func admin(tb testing.TB, dsn, sql string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		tb.Fatalf("connect to KARTOTEKA_TEST_PG: %v", err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sql); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

// PostgresLike is Postgres with a copy of a database that nobody uses any more.
func PostgresLike(tb testing.TB, from Target) Target {
	tb.Helper()
	u, err := url.Parse(from.DSN)
	if err != nil {
		tb.Fatal(err)
	}
	return newPostgres(tb, "TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
}
