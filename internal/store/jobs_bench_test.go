package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
)

const insertRounds = 3

// BenchmarkClaim claims the jobs of a target beside another one that rests, with
// a million jobs in a million lanes. Inserts beside them, while somebody looks for what
// is due as often as a Runner does, compare with inserts after they are gone: the later
// rounds of both, as the first pays for what has just been loaded or deleted.
func BenchmarkClaim(b *testing.B) {
	benchOnBoth(b, func(b *testing.B, s *Company, st *catalog.Structure) {
		const many = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)`
		err := s.engine.Update(b.Context(), updateOptions{}, func(c conn) error {
			return c.Script(b.Context(), `
				INSERT INTO targets (queue, target, owner, lease, failures, since, resume)
					VALUES ('hook', 1, '', 0, 9, 1, 9000000000000), ('hook', 2, '', 0, 0, 0, 0);
				INSERT INTO jobs (queue, target, record, change, kind, number, made, state, attempts, status, error, answer, took, size)
					`+many+` SELECT 'hook', 1, i, i, 'record.created', i, 1, 'pending', 0, 0, '', '', 0, 0 FROM n;
				INSERT INTO lanes (queue, target, record, head, due, claimed) SELECT queue, target, record, id, 1, FALSE FROM jobs;
				INSERT INTO jobs (queue, target, record, change, kind, number, made, state, attempts, status, error, answer, took, size)
					VALUES ('hook', 2, 1, 1, 'record.created', 1, 1, 'pending', 0, 0, '', '', 0, 0);
				INSERT INTO lanes (queue, target, record, head, due, claimed) SELECT queue, target, record, id, 1, FALSE FROM jobs WHERE target = 2;
				ANALYZE`)
		})
		if err != nil {
			b.Fatal(err)
		}
		h := job.Hold{Owner: "a", Now: 1000, Until: 2000}
		look := func(ctx context.Context) error {
			targets, err := s.Ready(ctx, "hook", h, 0, 200)
			if err == nil && (len(targets) != 1 || targets[0].ID != 2) {
				err = fmt.Errorf("ready: %v", targets)
			}
			if err == nil {
				_, _, err = s.Next(ctx, "hook", "a")
			}
			return err
		}
		b.Run("look", func(b *testing.B) {
			for b.Loop() {
				if err := look(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		for range insertRounds {
			b.Run("insert-beside", func(b *testing.B) {
				ctx, cancel := context.WithCancel(b.Context())
				var looker sync.WaitGroup
				looker.Go(func() {
					for ctx.Err() == nil {
						if err := look(ctx); err != nil && ctx.Err() == nil {
							b.Error(err)
						}
						time.Sleep(20 * time.Millisecond)
					}
				})
				benchInsert(b, s, st)
				cancel()
				looker.Wait()
			})
		}
		b.Run("claim", func(b *testing.B) {
			for b.Loop() {
				jobs, err := s.Claim(b.Context(), "hook", 2, h, 0, 4)
				if err != nil || len(jobs) != 1 {
					b.Fatalf("claim: %v (%v)", jobs, err)
				}
			}
		})
		err = s.engine.Update(b.Context(), updateOptions{}, func(c conn) error {
			return c.Script(b.Context(), `DELETE FROM jobs WHERE target = 1; DELETE FROM lanes WHERE target = 1; DELETE FROM targets WHERE target = 1`)
		})
		if err != nil {
			b.Fatal(err)
		}
		for range insertRounds {
			b.Run("insert-after", func(b *testing.B) { benchInsert(b, s, st) })
		}
	})
}
