package store

import (
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"kartoteka/internal/store/testdb"
)

func file(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }

func TestMigrate(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		e := openEngine(t, target)
		mustUpdate(t, e, addNote(t.Context(), 1))
		if err := migrate(t.Context(), e, testFiles); err != nil {
			t.Fatalf("again: %v", err)
		}
		more := maps.Clone(testFiles)
		more["0003_more.sql"] = file("ALTER TABLE notes ADD COLUMN more text;")
		if err := migrate(t.Context(), e, more); err != nil {
			t.Fatalf("one more: %v", err)
		}
		if err := migrate(t.Context(), e, testFiles); !errors.Is(err, ErrNewer) {
			t.Errorf("an older program got %v", err)
		}
		changed := maps.Clone(more)
		changed["0002_notes.sql"] = file("SELECT 1")
		if err := migrate(t.Context(), e, changed); err == nil || !strings.Contains(err.Error(), "not the one applied") {
			t.Errorf("a changed file gave %v", err)
		}
		broken := maps.Clone(more)
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint); INSERT INTO nowhere VALUES (1);")
		if err := migrate(t.Context(), e, broken); err == nil || !strings.Contains(err.Error(), "migration 4 (broken)") {
			t.Errorf("a broken file gave %v", err)
		}
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint);\r\n")
		if err := migrate(t.Context(), e, broken); err != nil {
			t.Errorf("half of a migration stayed: %v", err)
		}
		broken["0004_broken.sql"] = file("CREATE TABLE half (id bigint);\n")
		if err := migrate(t.Context(), e, broken); err != nil {
			t.Errorf("line ends matter: %v", err)
		}
		wantNotes(t, e, 1)
	})
}

func TestMigrateTogether(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		e := openTarget(t, target)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := migrate(t.Context(), e, testFiles); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		wantNotes(t, e)
	})
}

func TestMigrationNames(t *testing.T) {
	cases := map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"gap":       {fstest.MapFS{"0001_a.sql": file(""), "0003_b.sql": file("")}, "where 2 should"},
		"twice":     {fstest.MapFS{"0001_a.sql": file(""), "0001_b.sql": file("")}, "where 2 should"},
		"from zero": {fstest.MapFS{"0000_a.sql": file("")}, "where 1 should"},
		"no number": {fstest.MapFS{"first.sql": file("")}, "not named"},
		"no name":   {fstest.MapFS{"0001.sql": file("")}, "not named"},
		"short":     {fstest.MapFS{"1_a.sql": file("")}, "not named"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := readMigrations(tc.files); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
