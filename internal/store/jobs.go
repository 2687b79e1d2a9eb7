package store

import (
	"context"
	"fmt"

	"kartoteka/internal/job"
)

// VoidLeases implements job.Store. Only one process has a data folder, so that
// claims of SQLite that are there at the start are those of a dead one.
func (s *Company) VoidLeases(ctx context.Context) error {
	if s.engine.Dialect().Remote() {
		return nil
	}
	err := s.engine.Update(ctx, updateOptions{Class: classJob, Repeats: true}, func(c conn) error {
		return execAll(ctx, c, []statement{
			{SQL: `UPDATE cursors SET lease = 0`},
			{SQL: `UPDATE targets SET lease = 0 WHERE lease > 0`},
			{SQL: `UPDATE lanes SET claimed = FALSE, due = 0 WHERE claimed IS TRUE`},
		})
	})
	if err != nil {
		return fmt.Errorf("void the leases: %w", err)
	}
	return nil
}

// Ready implements job.Store.
func (s *Company) Ready(ctx context.Context, q job.Queue, h job.Hold, after int64, limit int) (list []job.Target, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		c.Last()
		return c.Query(ctx, `SELECT t.target, t.failures, t.since, t.resume FROM targets t
			WHERE t.queue = ? AND t.target > ? AND t.resume <= ? AND (t.owner = ? OR t.lease <= ?)
				AND (t.wisher = ? OR t.wished <= ?)
				AND (SELECT min(l.due) FROM lanes l WHERE l.queue = t.queue AND l.target = t.target) <= ?
			ORDER BY t.target LIMIT ?`,
			[]any{string(q), after, h.Now, h.Owner, h.Now, h.Owner, h.Now, h.Now, limit}, func(r row) error {
				list = append(list, job.Target{ID: r.Int(0), Health: health(r, 1)})
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("list the ready targets: %w", err)
	}
	return list, nil
}

func health(r row, i int) job.Health {
	return job.Health{Failures: int(r.Int(i)), Since: r.Int(i + 1), Resume: r.Int(i + 2)}
}

// Next implements job.Store.
func (s *Company) Next(ctx context.Context, q job.Queue, owner string) (at int64, some bool, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		at, some = 0, false
		c.Last()
		return c.Query(ctx, `SELECT t.resume, CASE WHEN t.owner = ? THEN 0 ELSE t.lease END,
				CASE WHEN t.wisher = ? THEN 0 ELSE t.wished END,
				(SELECT min(l.due) FROM lanes l WHERE l.queue = t.queue AND l.target = t.target) AS due
			FROM targets t WHERE t.queue = ?`, []any{owner, owner, string(q)}, func(r row) error {
			if r.Null(3) {
				return nil
			}
			due := max(r.Int(0), r.Int(1), r.Int(2), r.Int(3))
			if !some || due < at {
				at, some = due, true
			}
			return nil
		})
	})
	if err != nil {
		return 0, false, fmt.Errorf("find the next job: %w", err)
	}
	return at, some, nil
}

const jobColumns = `j.id, j.queue, j.target, j.record, j.change, j.kind, j.number, j.made, j.state, j.attempts,
	j.tried, j.status, j.error, j.answer, j.took, j.body`

func readJob(r row) job.Job {
	j := job.Job{
		ID: r.Int(0), Queue: job.Queue(r.Str(1)), Target: r.Int(2), Record: r.Int(3), Change: r.Int(4), Kind: r.Str(5),
		Number: r.Int(6), Made: r.Int(7), State: job.State(r.Str(8)), Attempts: int(r.Int(9)), Tried: r.Int(10),
		Attempt: job.Attempt{Status: int(r.Int(11)), Error: r.Str(12), Answer: r.Str(13), Took: r.Int(14)},
	}
	if !r.Null(15) {
		j.Body = append([]byte{}, r.Bytes(15)...)
	}
	return j
}

// Claim implements job.Store. When a power failure undoes a claim the job is tried
// again, as after every attempt whose end nobody knows.
func (s *Company) Claim(ctx context.Context, q job.Queue, target int64, h job.Hold, claim int64, n int) (list []job.Job, err error) {
	until := h.Now + claim
	err = s.engine.Update(ctx, updateOptions{Volatile: true}, func(c conn) error {
		list = nil
		var claimed []int64
		err := execAll(ctx, c, []statement{
			{SQL: `UPDATE targets SET owner = ?, lease = ?, wisher = '', wished = 0
				WHERE queue = ? AND target = ? AND (owner = ? OR lease <= ?) AND resume <= ? AND (wisher = ? OR wished <= ?)`,
				Args: []any{h.Owner, h.Until, string(q), target, h.Owner, h.Now, h.Now, h.Owner, h.Now}},
			{SQL: `UPDATE lanes SET claimed = TRUE, due = ? WHERE queue = ? AND target = ? AND record IN (
					SELECT record FROM lanes WHERE queue = ? AND target = ? AND due <= ? ORDER BY due, record LIMIT ?)
				AND EXISTS (SELECT 1 FROM targets
					WHERE queue = ? AND target = ? AND owner = ? AND lease = ? AND resume <= ? AND wisher = '')
				RETURNING record`,
				Args: []any{until, string(q), target, string(q), target, h.Now, n, string(q), target, h.Owner, h.Until, h.Now},
				Each: func(r row) error {
					claimed = append(claimed, r.Int(0))
					return nil
				}},
		})
		if err != nil || len(claimed) == 0 {
			return err
		}
		c.Last()
		return c.Query(ctx, `SELECT `+jobColumns+` FROM lanes l JOIN jobs j ON j.id = l.head
			WHERE l.queue = ? AND l.target = ? AND `+c.Dialect().AnyInt("l.record")+` ORDER BY j.id`,
			[]any{string(q), target, claimed}, func(r row) error {
				j := readJob(r)
				j.Until = until
				list = append(list, j)
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("claim jobs of target %d: %w", target, err)
	}
	return list, nil
}

// Renew implements job.Store.
func (s *Company) Renew(ctx context.Context, q job.Queue, targets []int64, h job.Hold) (held []int64, err error) {
	err = s.engine.Update(ctx, updateOptions{Repeats: true, Volatile: true}, func(c conn) error {
		held = nil
		return c.Query(ctx, `UPDATE targets SET owner = ?, lease = ?
			WHERE queue = ? AND (owner = ? OR lease <= ?) AND `+c.Dialect().AnyInt("target")+` RETURNING target`,
			[]any{h.Owner, h.Until, string(q), h.Owner, h.Now, targets}, func(r row) error {
				held = append(held, r.Int(0))
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("renew the claims on targets: %w", err)
	}
	return held, nil
}

// Release implements job.Store.
func (s *Company) Release(ctx context.Context, q job.Queue, owner string) error {
	err := s.engine.Update(ctx, updateOptions{Repeats: true}, func(c conn) error {
		_, err := c.Exec(ctx, `UPDATE targets SET lease = 0 WHERE queue = ? AND owner = ?`, string(q), owner)
		return err
	})
	if err != nil {
		return fmt.Errorf("release the targets: %w", err)
	}
	return nil
}

var _ job.Store = (*Company)(nil)
