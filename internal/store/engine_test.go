package store

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"

	"kartoteka/internal/store/testdb"
)

// testFiles are migrations both databases understand.
var testFiles = fstest.MapFS{
	"0001_versions.sql": {Data: []byte(`CREATE TABLE versions (id bigint PRIMARY KEY CHECK (id = 1),
		structure bigint NOT NULL, rights bigint NOT NULL);
		INSERT INTO versions VALUES (1, 1, 1); -- one row`)},
	"0002_notes.sql": {Data: []byte(`CREATE TABLE notes (id bigint PRIMARY KEY, body text NOT NULL DEFAULT '',
		size double precision, parent bigint REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED);`)},
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
		e, err = openSQLite(filepath.Join(target.Dir, "company.db"))
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

func insertNote(ctx context.Context, e engine, id int64) error {
	return e.Update(ctx, updateOptions{}, func(c conn) error {
		_, err := c.Exec(ctx, "INSERT INTO notes (id) VALUES (?)", id)
		return err
	})
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

func TestSmokeBoth(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		if err := insertNote(t.Context(), e, 7); err != nil {
			t.Fatal(err)
		}
		t.Log(noteIDs(t, e))
		v := Version{1, 1}
		if err := e.View(t.Context(), &v, func(c conn) error { return nil }); err != nil {
			t.Fatal(err)
		}
		v.Rights = 2
		if err := e.View(t.Context(), &v, func(c conn) error { return nil }); err != ErrStale {
			t.Fatal(err)
		}
	})
}
