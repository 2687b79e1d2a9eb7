package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kartoteka-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "kartoteka")
	cmd := exec.Command("go", "build", "-o", binary, "../cmd/kartoteka")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// database is where a server keeps its records.
type database string

const (
	sqlite   database = "sqlite"
	postgres database = "postgres"
)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, db database)) {
	for _, db := range []database{sqlite, postgres} {
		t.Run(string(db), func(t *testing.T) { test(t, db) })
	}
}

// newPostgres makes an empty database for one test and gives its connection string.
func newPostgres(t *testing.T) string {
	t.Helper()
	base := os.Getenv("KARTOTEKA_TEST_PG")
	if base == "" {
		t.Fatal("KARTOTEKA_TEST_PG is not set: run the tests with make test, or scripts/pg.sh run -- go test ./e2e")
	}
	name := "kt_" + strings.ToLower(rand.Text())
	postgresExec(t, base, "CREATE DATABASE "+name)
	t.Cleanup(func() { postgresExec(t, base, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func postgresExec(t *testing.T, dsn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
