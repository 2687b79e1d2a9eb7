package store

import (
	"context"
	"errors"
	"testing"
)

// addLate adds a note and, late, another.
func addLate(ctx context.Context, now, late int64) func(conn) error {
	const insert = "INSERT INTO notes (id) VALUES (?)"
	return func(c conn) error {
		return c.ExecBatch(ctx, []statement{{SQL: insert, Args: []any{late}, Late: true}, {SQL: insert, Args: []any{now}}})
	}
}

func countNotes(ctx context.Context, c conn) (n int64) {
	_ = c.Query(ctx, "SELECT count(*) FROM notes", nil, func(r row) error { n = r.Int(0); return nil })
	return n // an error of a statement is the request's
}

// A request sees its own late statements, and none of its neighbours has gone
// missing when it is rolled back after that.
func TestLateStatementsOfAGroup(t *testing.T) {
	e := openTestSQLite(t)
	ctx := t.Context()
	own := errors.New("own")
	var seen, seenAfter int64
	u := holdWriter(t, e)
	u.add(ctx, updateOptions{}, addLate(ctx, 1, 11))
	u.add(ctx, updateOptions{}, func(c conn) error {
		err := addLate(ctx, 2, 12)(c)
		seen = countNotes(ctx, c)
		return errors.Join(err, own)
	})
	u.add(ctx, updateOptions{}, func(c conn) error {
		seenAfter = countNotes(ctx, c)
		return addLate(ctx, 3, 13)(c)
	})
	errs := u.done()
	if errs[0] != nil || !errors.Is(errs[1], own) || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
	if seen != 4 || seenAfter != 1 {
		t.Errorf("the second saw %d notes, want 4; the third %d, want 1, as the first's late one waits", seen, seenAfter)
	}
	wantNotes(t, e, 1, 3, 11, 13)
}

// A late statement that fails is its own request's, whoever made it run.
func TestFailedLateStatement(t *testing.T) {
	for _, reads := range []bool{false, true} {
		e := openTestSQLite(t)
		ctx := t.Context()
		u := holdWriter(t, e)
		u.add(ctx, updateOptions{}, addLate(ctx, 1, 11))
		u.add(ctx, updateOptions{}, addLate(ctx, 2, 11)) // a duplicate
		u.add(ctx, updateOptions{}, func(c conn) error {
			err := addLate(ctx, 3, 13)(c)
			if reads {
				countNotes(ctx, c)
			}
			return err
		})
		errs := u.done()
		if errs[0] != nil || classify(errs[1]) != classUnique || errs[2] != nil {
			t.Errorf("reads %v: errors %v", reads, errs)
		}
		wantNotes(t, e, 1, 3, 11, 13)
	}
}

func TestLateStatementsAlone(t *testing.T) {
	e := openTestSQLite(t)
	ctx := t.Context()
	mustUpdate(t, e, addLate(ctx, 1, 11))
	if err := e.Update(ctx, updateOptions{}, addLate(ctx, 2, 11)); classify(err) != classUnique {
		t.Errorf("got %v", err)
	}
	if err := e.Update(ctx, updateOptions{}, func(c conn) error {
		return errors.Join(addLate(ctx, 3, 13)(c), errors.New("own"))
	}); err == nil {
		t.Error("no error")
	}
	mustUpdate(t, e, addLate(ctx, 4, 14))
	wantNotes(t, e, 1, 4, 11, 14)
}
