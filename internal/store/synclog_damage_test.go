package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"kartoteka/internal/apisync"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

func openLog(t *testing.T, file string) *store.SyncLog {
	t.Helper()
	return logOpener(func(t testing.TB) (*store.SyncLog, error) {
		return store.OpenSyncLogSQLite(t.Context(), file, store.Options{})
	})(t)
}

// logSome appends entries with those numbers.
func logSome(t *testing.T, s *store.SyncLog, numbers ...byte) error {
	t.Helper()
	now := time.Date(2026, 7, 20, 12, 0, 0, 0, time.UTC)
	var records []apisync.LogRecord
	for _, n := range numbers {
		r := apisync.LogRecord{LogEntry: apisync.LogEntry{ID: apisync.FirstLogID(now), Time: now, RequestBody: string(bytes.Repeat([]byte("x"), 4000))}}
		r.ID[15] = n
		records = append(records, r)
	}
	return s.Append(t.Context(), records)
}

func wantLogged(t *testing.T, s *store.SyncLog, want int) {
	t.Helper()
	list, err := s.Entries(t.Context(), apisync.LogFilter{Limit: 100, Bodies: true})
	if err != nil || len(list) != want {
		t.Errorf("%d entries, want %d, %v", len(list), want, err)
	}
}

func wantAside(t *testing.T, file string, want int) {
	t.Helper()
	names, err := filepath.Glob(file + ".damaged-*[0-9]")
	if err != nil || len(names) != want {
		t.Errorf("put aside: %v, want %d, %v", names, want, err)
	}
}

// TestSyncLogAfterKill opens what a process that was killed leaves: its files as they
// are while it runs.
func TestSyncLogAfterKill(t *testing.T) {
	file := filepath.Join(testdb.SQLite(t).Dir, "sync_log.db")
	if err := logSome(t, openLog(t, file), 1, 2, 3); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(t.TempDir(), "sync_log.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix == "-wal" {
			data = append(data, data[:1000]...) // a write that was cut off
		}
		if err := os.WriteFile(left+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openLog(t, left)
	wantLogged(t, s, 3)
	wantAside(t, left, 0)
}

func TestSyncLogDamaged(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"not a database": func(t *testing.T, file string) { write(t, file, bytes.Repeat([]byte("no"), 5000)) },
		"cut short": func(t *testing.T, file string) {
			if err := os.Truncate(file, 5000); err != nil {
				t.Fatal(err)
			}
		},
		"a newer program's": func(t *testing.T, file string) {
			execFile(t, file, `INSERT INTO migrations VALUES (99, 'newer', 0, '')`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(testdb.SQLite(t).Dir, "sync_log.db")
			first := openLog(t, file)
			if err := logSome(t, first, 1, 2, 3); err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, file)
			s := openLog(t, file)
			if err := logSome(t, s, 4, 5); err != nil {
				t.Fatal(err)
			}
			wantLogged(t, s, 2)
			wantAside(t, file, 1)
			if s.Damaged() != 1 {
				t.Errorf("damaged %d times", s.Damaged())
			}
		})
	}
}

// TestSyncLogDamagedLater damages the pages of a log that opens well.
func TestSyncLogDamagedLater(t *testing.T) {
	file := filepath.Join(testdb.SQLite(t).Dir, "sync_log.db")
	first := openLog(t, file)
	if err := logSome(t, first, 1, 2, 3, 4, 5, 6, 7, 8); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for i := 4 * page; i < len(data); i++ { // after the schema and the table of migrations
		data[i] = 0xA5
	}
	write(t, file, data)
	s := openLog(t, file)
	if err := logSome(t, s, 9); err != nil {
		t.Fatalf("append: %v", err)
	}
	wantLogged(t, s, 1)
	wantAside(t, file, 1)
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func execFile(t *testing.T, file, sql string) {
	t.Helper()
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(c, sql, nil); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
