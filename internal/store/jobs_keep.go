package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"kartoteka/internal/job"
)

// Jobs implements job.Keeper.
func (s *Company) Jobs(ctx context.Context, q job.Queue, target, before int64, limit int) (list []job.Job, err error) {
	sql, args := `SELECT `+jobColumns+` FROM jobs j WHERE j.queue = ? AND j.target = ?`, []any{string(q), target}
	if before > 0 {
		sql, args = sql+` AND j.id < ?`, append(args, before)
	}
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		c.Last()
		return c.Query(ctx, sql+` ORDER BY j.id DESC LIMIT ?`, append(args, limit), func(r row) error {
			list = append(list, readJob(r))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs of target %d: %w", target, err)
	}
	return list, nil
}

// Job implements job.Keeper.
func (s *Company) Job(ctx context.Context, q job.Queue, target, id int64) (j job.Job, found bool, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		j, found = job.Job{}, false
		c.Last()
		return c.Query(ctx, `SELECT `+jobColumns+` FROM jobs j WHERE j.id = ? AND j.queue = ? AND j.target = ?`,
			[]any{id, string(q), target}, func(r row) error {
				j, found = readJob(r), true
				return nil
			})
	})
	if err != nil {
		return j, false, fmt.Errorf("read job %d: %w", id, err)
	}
	return j, found, nil
}

// Again implements job.Keeper. The jobs are older than those of their lanes that
// wait, so that they are done before them.
func (s *Company) Again(ctx context.Context, q job.Queue, target, from, to, now int64, limit int) (n int, err error) {
	type renewed struct{ id, record int64 }
	err = s.engine.Update(ctx, updateOptions{}, func(c conn) error {
		var list []renewed
		err := c.Query(ctx, `UPDATE jobs SET state = 'pending', attempts = 0 WHERE id IN (
				SELECT id FROM jobs WHERE queue = ? AND target = ? AND number >= ? AND number <= ? AND state <> 'pending'
				ORDER BY number LIMIT ?) RETURNING id, record`,
			[]any{string(q), target, from, to, limit}, func(r row) error {
				list = append(list, renewed{r.Int(0), r.Int(1)})
				return nil
			})
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b renewed) int { return cmp.Compare(a.id, b.id) })
		n = len(list)
		batch := []statement{{SQL: addTarget, Args: []any{string(q), target}}}
		for _, j := range list {
			batch = append(batch, statement{SQL: addLane, Args: []any{string(q), target, j.record, j.id, now}})
		}
		return execAll(ctx, c, batch)
	})
	if err != nil {
		return 0, fmt.Errorf("have jobs of target %d done again: %w", target, err)
	}
	return n, nil
}

// DropJobs implements job.Keeper.
func (s *Company) DropJobs(ctx context.Context, before, bytes int64, limit int) (n int, err error) {
	err = s.engine.Update(ctx, updateOptions{Class: classJob}, func(c conn) error {
		excess := -bytes
		err := c.Query(ctx, `SELECT coalesce(sum(size), 0) FROM jobs WHERE state <> 'pending'`, nil, func(r row) error {
			excess += r.Int(0)
			return nil
		})
		if err != nil {
			return err
		}
		var ids []int64
		err = c.Query(ctx, `SELECT id, made, size FROM jobs WHERE state <> 'pending' ORDER BY id LIMIT ?`, []any{limit}, func(r row) error {
			if excess <= 0 && r.Int(1) >= before {
				return errStop
			}
			excess -= r.Int(2)
			ids = append(ids, r.Int(0))
			return nil
		})
		n = 0
		if err != nil || len(ids) == 0 {
			return err
		}
		// Those that somebody has done again by now stay: lanes wait for them.
		gone, err := c.Exec(ctx, `DELETE FROM jobs WHERE state <> 'pending' AND `+c.Dialect().AnyInt("id"), ids)
		n = int(gone)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop old jobs: %w", err)
	}
	return n, nil
}

// Forgive implements job.Keeper.
func (s *Company) Forgive(ctx context.Context, q job.Queue, target int64) error {
	err := s.engine.Update(ctx, updateOptions{Repeats: true}, func(c conn) error {
		_, err := c.Exec(ctx, `UPDATE targets SET failures = 0, since = 0, resume = 0 WHERE queue = ? AND target = ?`, string(q), target)
		return err
	})
	if err != nil {
		return fmt.Errorf("forgive target %d: %w", target, err)
	}
	return nil
}

// Counts implements job.Keeper.
func (s *Company) Counts(ctx context.Context) (list []job.Count, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		c.Last()
		return c.Query(ctx, `SELECT t.queue, t.target, t.failures, t.since, t.resume,
				coalesce(sum(CASE WHEN j.state = 'pending' THEN 1 END), 0),
				coalesce(sum(CASE WHEN j.state = 'done' THEN 1 END), 0),
				coalesce(sum(CASE WHEN j.state = 'dead' THEN 1 END), 0)
			FROM targets t LEFT JOIN jobs j ON j.queue = t.queue AND j.target = t.target
			GROUP BY t.queue, t.target, t.failures, t.since, t.resume ORDER BY t.queue, t.target`, nil, func(r row) error {
			list = append(list, job.Count{Queue: job.Queue(r.Str(0)), Target: r.Int(1), Health: health(r, 2),
				Pending: r.Int(5), Done: r.Int(6), Dead: r.Int(7)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count the jobs: %w", err)
	}
	return list, nil
}

// PurgeChanges implements catalog.Store. The last change stays: its number is the
// log's end. One that a job has not yet been made into a body of stays too, and
// while nobody has followed any change, those that set something off.
func (s *Company) PurgeChanges(ctx context.Context, before int64, limit int) (n int64, err error) {
	err = s.engine.Update(ctx, updateOptions{Class: classJob}, func(c conn) error {
		to := int64(math.MaxInt64)
		err := c.Query(ctx, `SELECT c.seq - 1 FROM (SELECT max(seq) AS seq FROM changes) c
			UNION ALL SELECT min(seq) FROM cursors HAVING count(*) > 0
			UNION ALL SELECT min(seq) - 1 FROM changes WHERE fires IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cursors) HAVING count(*) > 0
			UNION ALL SELECT min(change) - 1 FROM jobs WHERE state = 'pending' AND body IS NULL AND change > 0 HAVING count(*) > 0`,
			nil, func(r row) error {
				to = min(to, r.Int(0))
				return nil
			})
		if err != nil || to <= 0 {
			return err
		}
		last := int64(0)
		err = c.Query(ctx, `SELECT seq, at FROM changes WHERE seq <= ? ORDER BY seq LIMIT ?`, []any{to, limit}, func(r row) error {
			if r.Int(1) >= before {
				return errStop
			}
			last = r.Int(0)
			return nil
		})
		if err != nil || last == 0 {
			return err
		}
		n, err = c.Exec(ctx, `DELETE FROM changes WHERE seq <= ?`, last)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge changes: %w", err)
	}
	return n, nil
}

var _ job.Keeper = (*Company)(nil)
