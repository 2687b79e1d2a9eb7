package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestStaleVersion(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		v := Version{Structure: 1, Rights: 1}
		check := func(name string, expect Version, want error) {
			t.Helper()
			ran, done := false, false
			fn := func(c conn) error {
				ran = true
				return c.Query(t.Context(), "SELECT 1", nil, func(row) error { done = true; return nil })
			}
			for _, err := range []error{
				e.View(t.Context(), &expect, fn),
				e.Update(t.Context(), updateOptions{Expect: &expect}, fn),
				e.Update(t.Context(), updateOptions{Expect: &expect, Shared: []int64{5, 6, 5}}, fn),
			} {
				if !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if want == nil && !ran || want != nil && done {
				t.Errorf("%s: fn ran: %t, its statement: %t", name, ran, done)
			}
		}
		check("as migrated", v, nil)
		for _, tc := range []struct {
			name  string
			what  part
			class class
			next  Version
		}{
			{"structure", partStructure, classStructure, Version{Structure: 2, Rights: 1}},
			{"rights", partRights, classInteractive, Version{Structure: 2, Rights: 2}},
			{"both", partStructure | partRights, classStructure, Version{Structure: 3, Rights: 3}},
		} {
			err := e.Update(t.Context(), updateOptions{Class: tc.class, Expect: &v, Exclusive: []int64{5}, Shared: []int64{5}}, func(c conn) error {
				return c.Bump(t.Context(), tc.what)
			})
			if err != nil {
				t.Fatalf("%s: bump: %v", tc.name, err)
			}
			check(tc.name+", old", v, ErrStale)
			check(tc.name+", new", tc.next, nil)
			v = tc.next
		}
		err := e.Update(t.Context(), updateOptions{Class: classStructure}, func(c conn) error {
			return errors.Join(c.Bump(t.Context(), partStructure), errors.New("no"))
		})
		if err == nil {
			t.Fatal("the failing bump was committed")
		}
		check("after a rollback", v, nil)
	})
}

// A view that expects a version must never see another one's rows.
func TestVersionFitsTheSnapshot(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		var group sync.WaitGroup
		stop := make(chan struct{})
		for range 3 {
			group.Go(func() {
				var known Version
				for {
					select {
					case <-stop:
						return
					default:
					}
					var seen Version
					err := e.View(t.Context(), &known, func(c conn) (err error) {
						seen, err = readVersion(t.Context(), c)
						return err
					})
					if err == nil && seen != known {
						t.Errorf("expected %v, saw %v", known, seen)
						return
					}
					_ = e.View(t.Context(), nil, func(c conn) (err error) {
						known, err = readVersion(t.Context(), c)
						return err
					})
				}
			})
		}
		for range 100 {
			err := e.Update(t.Context(), updateOptions{Class: classStructure}, func(c conn) error {
				return c.Bump(t.Context(), partStructure)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		close(stop)
		group.Wait()
	})
}

func TestWait(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		v, err := e.Wait(t.Context(), Version{})
		if err != nil || v != (Version{Structure: 1, Rights: 1}) {
			t.Fatalf("the first wait gave %v, %v", v, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := e.Wait(ctx, v); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing happened, but wait gave %v", err)
		}
		go func() {
			time.Sleep(50 * time.Millisecond)
			_ = e.Update(context.Background(), updateOptions{Class: classStructure}, func(c conn) error {
				return c.Bump(context.Background(), partRights)
			})
		}()
		if v, err = e.Wait(t.Context(), v); err != nil || v != (Version{Structure: 1, Rights: 2}) {
			t.Errorf("after a bump wait gave %v, %v", v, err)
		}
	})
}

// Whatever an old structure leads to, the caller learns that it is old: a
// refusal without a statement, none at all, a column that is gone.
func TestStaleComesFirst(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		old, own := Version{Structure: 7, Rights: 7}, errors.New("own")
		for name, fn := range map[string]func(conn) error{
			"own error":    func(conn) error { return own },
			"no statement": func(conn) error { return nil },
			"gone column": func(c conn) error {
				return c.Query(t.Context(), "SELECT gone FROM notes", nil, nil)
			},
			"gone column in a batch": func(c conn) error {
				return c.ExecBatch(t.Context(), []statement{{SQL: "SELECT gone FROM notes"}, {SQL: "SELECT 1"}})
			},
		} {
			for kind, err := range map[string]error{
				"view":   e.View(t.Context(), &old, fn),
				"update": e.Update(t.Context(), updateOptions{Expect: &old, Shared: []int64{5}}, fn),
			} {
				if !errors.Is(err, ErrStale) {
					t.Errorf("%s, %s: got %v", name, kind, err)
				}
			}
		}
		known := Version{Structure: 1, Rights: 1}
		if err := e.View(t.Context(), &known, func(conn) error { return own }); !errors.Is(err, own) {
			t.Errorf("own error: got %v", err)
		}
		err := e.View(t.Context(), &known, func(c conn) error { return c.Query(t.Context(), "SELECT gone FROM notes", nil, nil) })
		if err == nil || errors.Is(err, ErrStale) {
			t.Errorf("a column that never was: got %v", err)
		}
	})
}
