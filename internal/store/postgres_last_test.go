package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"kartoteka/internal/fault"
)

// What is sent at once with the end of the transaction.

func TestLastBatchOfAViewIsOneSnapshot(t *testing.T) {
	e := openTestPostgres(t)
	mustUpdate(t, e, addNote(t.Context(), 1))
	var seen []int64
	added := make(chan error, 1)
	count := statement{SQL: "SELECT count(*) FROM notes", Each: func(r row) error { seen = append(seen, r.Int(0)); return nil }}
	err := e.View(t.Context(), nil, func(c conn) error {
		seen = nil
		go func() {
			time.Sleep(50 * time.Millisecond)
			added <- e.Update(t.Context(), updateOptions{}, addNote(t.Context(), 2))
		}()
		c.Last()
		return c.ExecBatch(t.Context(), []statement{count, {SQL: "SELECT pg_sleep(0.2)"}, count})
	})
	if err != nil || !slices.Equal(seen, []int64{1, 1}) {
		t.Errorf("saw %v, %v", seen, err)
	}
	if err := <-added; err != nil {
		t.Error(err)
	}
	wantNotes(t, e, 1, 2)
}

func TestLastUpdateOfALostConnection(t *testing.T) {
	e := openTestPostgres(t)
	for _, tc := range []struct {
		name    string
		repeats bool
		batch   []statement
		breaks  bool // before the batch is sent
		runs    int
	}{
		{name: "ended by the server before COMMIT", runs: 1 + lostMost,
			batch: []statement{{SQL: "INSERT INTO notes (id) VALUES (1)"}, {SQL: "SELECT pg_terminate_backend(pg_backend_pid())"}}},
		{name: "broken", runs: 1, breaks: true, batch: []statement{{SQL: "INSERT INTO notes (id) VALUES (1)"}}},
		{name: "broken, may be repeated", repeats: true, runs: 1 + lostMost, breaks: true,
			batch: []statement{{SQL: "INSERT INTO notes (id) VALUES (1)"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runs := 0
			err := e.Update(t.Context(), updateOptions{Repeats: tc.repeats}, func(c conn) error {
				runs++
				if tc.breaks {
					_ = c.(*postgresConn).raw.PgConn().Conn().Close()
				}
				c.Last()
				return c.ExecBatch(t.Context(), tc.batch)
			})
			if err == nil || runs != tc.runs {
				t.Errorf("%d runs, want %d: %v", runs, tc.runs, err)
			}
			if tc.runs > 1 && !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
	wantNotes(t, e)
}

// A writer's last batch for an old structure does nothing, whichever statement
// fails first.
func TestLastUpdateOfAnOldVersion(t *testing.T) {
	e := openTestPostgres(t)
	old := Version{Structure: 1, Rights: 1}
	mustUpdate(t, e, func(c conn) error { return c.Bump(t.Context(), partStructure) })
	for _, sql := range []string{"INSERT INTO notes (id) VALUES (1)", "INSERT INTO notes (gone) VALUES (1)", "SELECT 1 / 0"} {
		err := e.Update(t.Context(), updateOptions{Expect: &old, Shared: []int64{5}}, func(c conn) error {
			c.Last()
			return c.Query(t.Context(), sql, nil, nil)
		})
		if !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	now := Version{Structure: 2, Rights: 1}
	err := e.Update(t.Context(), updateOptions{Expect: &now}, func(c conn) error {
		c.Last()
		return c.Query(t.Context(), "SELECT 1 / 0", nil, nil)
	})
	if err == nil || errors.Is(err, ErrStale) {
		t.Errorf("a division by zero of fn's gave %v", err)
	}
	wantNotes(t, e)
}

func TestLastUpdateWhoseCommitFails(t *testing.T) {
	e := openTestPostgres(t)
	mustUpdate(t, e, func(c conn) error {
		return c.Script(t.Context(), "CREATE TABLE late (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
	})
	err := e.Update(t.Context(), updateOptions{}, func(c conn) error {
		c.Last()
		return c.ExecBatch(t.Context(), []statement{{SQL: "INSERT INTO notes (id) VALUES (1)"}, {SQL: "INSERT INTO late VALUES (1), (1)"}})
	})
	if classify(err) != classUnique {
		t.Errorf("got %v", err)
	}
	wantNotes(t, e)
}

// A transaction in which nothing is asked still compares the version.
func TestNothingAsked(t *testing.T) {
	e := openTestPostgres(t)
	for version, want := range map[Version]error{{Structure: 1, Rights: 1}: nil, {Structure: 2, Rights: 1}: ErrStale} {
		nothing := func(conn) error { return nil }
		if err := e.View(t.Context(), &version, nothing); !errors.Is(err, want) {
			t.Errorf("a view gives %v, want %v", err, want)
		}
		if err := e.Update(t.Context(), updateOptions{Expect: &version, Shared: []int64{5}}, nothing); !errors.Is(err, want) {
			t.Errorf("an update gives %v, want %v", err, want)
		}
	}
	if err := e.View(t.Context(), nil, func(conn) error { return nil }); err != nil {
		t.Error(err)
	}
}
