package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"kartoteka/internal/store"
	"kartoteka/internal/store/storetest"
	"kartoteka/internal/store/testdb"
)

func TestCompany(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		storetest.Writing(t, func(t testing.TB) storetest.Opener {
			file := filepath.Join(testdb.SQLite(t).Dir, "company.db")
			return opener(func(ctx context.Context) (*store.Company, error) {
				return store.OpenSQLite(ctx, file, store.Options{})
			})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		target, schemas := testdb.Postgres(t), 0
		storetest.Writing(t, func(testing.TB) storetest.Opener {
			schemas++
			schema := fmt.Sprintf("company_%d", schemas)
			return opener(func(ctx context.Context) (*store.Company, error) {
				return store.OpenPostgres(ctx, target.DSN, schema, store.Options{Connections: 8})
			})
		})
	})
}

func opener(open func(context.Context) (*store.Company, error)) storetest.Opener {
	return func(t testing.TB) *store.Company {
		t.Helper()
		s, err := open(t.Context())
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
