package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kartoteka/internal/store/testdb"
)

func openTestControl(t *testing.T, target testdb.Target) *Control {
	t.Helper()
	c, err := (*Control)(nil), error(nil)
	if target.Dir != "" {
		c, err = OpenControlSQLite(t.Context(), filepath.Join(target.Dir, "control.db"))
	} else {
		c, err = OpenControlPostgres(t.Context(), target.DSN, 4)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestControlRefusesAnotherKey(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		for _, step := range []struct {
			key  string
			want error
		}{{"a", nil}, {"a", nil}, {"b", ErrOtherKey}, {"a", nil}} {
			c := openTestControl(t, target)
			if err := c.CheckKey(t.Context(), step.key); !errors.Is(err, step.want) {
				t.Errorf("key %s: %v", step.key, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPruneFailuresKeepsTheNewest(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		ctx := context.Background()
		c := openTestControl(t, target)
		defer func() { _ = c.Close() }()
		start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		for i := range 10 { // two counts each
			if _, _, err := c.AddFailure(ctx, fmt.Sprintf("login %d", i), "192.0.2.1", start.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		for _, keep := range []int{100, 8, 8} {
			if err := c.PruneFailures(ctx, keep); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []int{0, 0, 0, 0, 0, 0, 1, 1, 1, 1} {
			got, err := c.Attempt(ctx, fmt.Sprintf("login %d", i), "192.0.2.1")
			if err != nil || got.Pair.Count != want || got.Total.Count != want || got.Account != nil {
				t.Errorf("login %d: %+v, %v", i, got, err)
			}
		}
	})
}
