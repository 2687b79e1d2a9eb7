package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"kartoteka/internal/store"
	"kartoteka/internal/store/storetest"
	"kartoteka/internal/store/testdb"
)

func TestSyncLog(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		storetest.Logging(t, func(t testing.TB) storetest.LogOpener {
			file := filepath.Join(testdb.SQLite(t).Dir, "sync_log.db")
			return logOpener(func(t testing.TB) (*store.SyncLog, error) {
				return store.OpenSyncLogSQLite(t.Context(), file, store.Options{})
			})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		target, schemas := testdb.Postgres(t), 0
		storetest.Logging(t, func(testing.TB) storetest.LogOpener {
			schemas++
			schema := fmt.Sprintf("log_%d", schemas)
			return logOpener(func(t testing.TB) (*store.SyncLog, error) {
				return store.OpenSyncLogPostgres(t.Context(), target.DSN, schema, store.Options{})
			})
		})
	})
}

func logOpener(open func(testing.TB) (*store.SyncLog, error)) storetest.LogOpener {
	return func(t testing.TB) *store.SyncLog {
		t.Helper()
		s, err := open(t)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return s
	}
}
