package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/store/testdb"
)

// post sends messages to the control database as the catalogs do: with the
// company's transaction into the outbox, then carried out, then struck off.
func post(ctx context.Context, control *Control, s *Company) error {
	for ctx.Err() == nil {
		n, id := int64(0), int64(0)
		err := s.engine.Update(ctx, updateOptions{}, func(c conn) (err error) {
			w := &tx{conn: c, company: s}
			if n, err = w.Next(ctx, catalog.FileCounter); err != nil {
				return err
			}
			if err := w.Enqueue(ctx, "test", []byte(strconv.FormatInt(n, 10))); err != nil {
				return err
			}
			return c.Query(ctx, `SELECT max(id) FROM outbox`, nil, func(r row) error {
				id = r.Int(0)
				return nil
			})
		})
		if err == nil {
			err = control.update(ctx, do(`INSERT INTO settings (name, value) VALUES (?, '')`, fmt.Sprint("message ", n)))
		}
		if err == nil {
			err = s.engine.Update(ctx, updateOptions{}, func(c conn) error {
				_, err := (&tx{conn: c, company: s}).Done(ctx, id)
				return err
			})
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// TestSnapshotsAreOfOneMoment: each message of the company's copy is carried
// out in the control database's or still in the outbox, and no other is.
func TestSnapshotsAreOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	control, s := openPair(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const posts = 8
	ended := make(chan error, posts)
	for range posts {
		go func() { ended <- post(ctx, control, s) }()
	}
	for round := range 20 {
		time.Sleep(5 * time.Millisecond)
		to := filepath.Join(dir, fmt.Sprint("copy ", round))
		copyPair(t, control, s, to)
		c, company := openPair(t, to)
		checkMessages(t, c, company)
	}
	stop()
	for range posts {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func openPair(t *testing.T, dir string) (*Control, *Company) {
	t.Helper()
	control, err := OpenControlSQLite(t.Context(), filepath.Join(dir, "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	return control, openTestCompany(t, testdb.Target{Dir: dir})
}

func copyPair(t *testing.T, control *Control, s *Company, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ofControl, ofCompany, err := TakeSnapshots(t.Context(), control, s)
	if err != nil {
		t.Fatal(err)
	}
	// What is written now belongs to no copy.
	time.Sleep(5 * time.Millisecond)
	for name, of := range map[string]*Snapshot{"control.db": ofControl, "company.db": ofCompany} {
		done := int64(0)
		if err := of.Copy(t.Context(), filepath.Join(dir, name), func(n int64) { done = n }); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != of.Size() || done != of.Size() {
			t.Errorf("%s: %v, %v; %d of %d bytes", name, info, err, done, of.Size())
		}
		if err := of.Close(); err != nil {
			t.Error(err)
		}
	}
}

func checkMessages(t *testing.T, control *Control, s *Company) {
	t.Helper()
	here := map[string]bool{}
	last := int64(0)
	err := control.view(t.Context(), func() { clear(here) }, statement{SQL: `SELECT name FROM settings`, Each: func(r row) error {
		here[r.Str(0)] = true
		return nil
	}})
	done := len(here)
	if err == nil {
		err = s.engine.View(t.Context(), nil, func(c conn) error {
			return c.ExecBatch(t.Context(), []statement{
				{SQL: `SELECT payload FROM outbox`, Each: func(r row) error {
					here["message "+r.Str(0)] = true
					return nil
				}},
				{SQL: `SELECT value FROM counters WHERE name = ?`, Args: []any{string(catalog.FileCounter)}, Each: func(r row) error {
					last = r.Int(0)
					return nil
				}},
			})
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= last; n++ {
		if !here[fmt.Sprint("message ", n)] {
			t.Errorf("message %d of %d is lost", n, last)
		}
	}
	if int64(len(here)) != last {
		t.Errorf("there are %d messages of %d, %d carried out", len(here), last, done)
	}
}

func TestCopyEnds(t *testing.T) {
	dir := t.TempDir()
	control, s := openPair(t, dir)
	ofControl, ofCompany, err := TakeSnapshots(t.Context(), control, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ofCompany.Copy(ctx, filepath.Join(dir, "copy"), func(int64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if err := ofControl.Copy(t.Context(), filepath.Join(dir, "control.db"), func(int64) {}); !errors.Is(err, os.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	if err := errors.Join(ofControl.Close(), ofCompany.Close()); err != nil {
		t.Error(err)
	}
}
