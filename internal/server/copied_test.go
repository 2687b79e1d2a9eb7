package server

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kartoteka/internal/config"
	"kartoteka/internal/store/testdb"
)

// started opens a program and closes it, and tells whether its deliveries are paused
// and what it logged.
func started(t *testing.T, target testdb.Target, resume bool) (paused bool, log string) {
	t.Helper()
	env := []string{
		"DATA_DIR=" + target.Dir, "DB_CONNECTION_STRING=" + target.DSN, "COOKIE_SECRET=one secret for all folders",
		"ADMIN_LOGIN=" + bossLogin, "ADMIN_PASSWORD=" + bossPassword, "LISTEN=127.0.0.1:0",
	}
	settings, err := config.Load(config.Sources{Env: env, Dir: target.Dir})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	app, err := Open(t.Context(), settings, "1.2.3", slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if resume {
		if err := app.company.PauseDeliveries(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if paused, err = app.company.DeliveriesPaused(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	return paused, out.String()
}

func wantPaused(t *testing.T, what string, target testdb.Target, want bool) {
	t.Helper()
	paused, log := started(t, target, false)
	if paused != want || strings.Contains(log, "deliveries.paused") != want || want && !strings.Contains(log, "kartoteka sync resume") {
		t.Errorf("%s: paused %v, want %v; it logged\n%s", what, paused, want, log)
	}
}

// A folder that was copied delivers nothing until somebody says so; one that was
// moved or is just started again goes on.
func TestCopiedFolder(t *testing.T) {
	base := t.TempDir()
	original := testdb.Target{Name: "sqlite", Dir: filepath.Join(base, "original")}
	wantPaused(t, "a new one", original, false)
	wantPaused(t, "started again", original, false)
	moved := testdb.Target{Name: "sqlite", Dir: filepath.Join(base, "moved")}
	if err := os.Rename(original.Dir, moved.Dir); err != nil {
		t.Fatal(err)
	}
	wantPaused(t, "moved", moved, false)
	replica := testdb.Target{Name: "sqlite", Dir: filepath.Join(base, "copy")}
	if out, err := exec.Command("cp", "-a", moved.Dir, replica.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	paused, log := started(t, replica, false)
	if !paused || !strings.Contains(log, "the database is a copy") {
		t.Errorf("a copy: paused %v; it logged\n%s", paused, log)
	}
	wantPaused(t, "the copy again", replica, true)
	wantPaused(t, "the original", moved, false)
	started(t, replica, true)
	wantPaused(t, "resumed", replica, false)
}

func TestCopiedDatabase(t *testing.T) {
	target := testdb.Postgres(t)
	target.Dir = t.TempDir()
	wantPaused(t, "a new one", target, false)
	wantPaused(t, "started again", target, false)
	replica := testdb.PostgresLike(t, testdb.Target{DSN: target.DSN})
	replica.Dir = t.TempDir() // another node, which is no matter
	paused, log := started(t, replica, false)
	if !paused || !strings.Contains(log, "the database is a copy") {
		t.Errorf("a copy: paused %v; it logged\n%s", paused, log)
	}
	elsewhere := target
	elsewhere.Dir = t.TempDir()
	wantPaused(t, "the original from another node", elsewhere, false)
	started(t, replica, true)
	wantPaused(t, "resumed", replica, false)
}
