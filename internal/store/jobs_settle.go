package store

import (
	"context"
	"fmt"

	"kartoteka/internal/job"
)

// jobRow is about what a job's row takes beside its texts.
const jobRow = 200

// Freeze implements job.Store.
func (s *Company) Freeze(ctx context.Context, j job.Job) (held bool, err error) {
	err = s.engine.Update(ctx, updateOptions{}, func(c conn) error {
		if held, err = stillClaimed(ctx, c, &j); err != nil || !held {
			return err
		}
		_, err := c.Exec(ctx, `UPDATE jobs SET body = ?, size = ? WHERE id = ?`, storedJSON(j.Body), int64(jobRow+len(j.Body)), j.ID)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("freeze the body of job %d: %w", j.ID, err)
	}
	return held, nil
}

// Settle implements job.Store.
func (s *Company) Settle(ctx context.Context, r job.Result, judge func(job.Health) job.Health) (h job.Health, done bool, err error) {
	err = s.engine.Update(ctx, updateOptions{}, func(c conn) error {
		h, done = job.Health{}, false
		claimed, err := stillClaimed(ctx, c, &r.Job)
		if err != nil || !claimed {
			return err
		}
		done = true
		if h, err = judged(ctx, c, &r.Job, judge); err != nil {
			return err
		}
		if err := noteAttempt(ctx, c, &r); err != nil {
			return err
		}
		if r.State == job.Pending {
			_, err := c.Exec(ctx, `UPDATE lanes SET claimed = FALSE, due = ? WHERE queue = ? AND target = ? AND record = ?`,
				r.Due, string(r.Queue), r.Target, r.Record)
			return err
		}
		return nextInLane(ctx, c, &r.Job)
	})
	if err != nil {
		return h, false, fmt.Errorf("settle job %d: %w", r.ID, err)
	}
	return h, done, nil
}

// stillClaimed locks the job's lane and tells whether its claim holds. A claim that
// has ended holds until somebody else makes one.
func stillClaimed(ctx context.Context, c conn, j *job.Job) (claimed bool, err error) {
	err = c.Query(ctx, `SELECT head, due FROM lanes WHERE queue = ? AND target = ? AND record = ? AND claimed IS TRUE`+c.Dialect().ForUpdate(),
		[]any{string(j.Queue), j.Target, j.Record}, func(r row) error {
			claimed = r.Int(0) == j.ID && r.Int(1) == j.Until
			return nil
		})
	return claimed, err
}

// judged brings the health of the job's target up to date.
func judged(ctx context.Context, c conn, j *job.Job, judge func(job.Health) job.Health) (h job.Health, err error) {
	key := []any{string(j.Queue), j.Target}
	err = c.Query(ctx, `SELECT failures, since, resume FROM targets WHERE queue = ? AND target = ?`+c.Dialect().ForUpdate(), key,
		func(r row) error {
			h = health(r, 0)
			return nil
		})
	after := judge(h)
	if err != nil || after == h {
		return h, err
	}
	_, err = c.Exec(ctx, `UPDATE targets SET failures = ?, since = ?, resume = ? WHERE queue = ? AND target = ?`,
		append([]any{int64(after.Failures), after.Since, after.Resume}, key...)...)
	return after, err
}

func noteAttempt(ctx context.Context, c conn, r *job.Result) error {
	size := jobRow + len(r.Body) + len(r.Answer) + len(r.Error)
	var tried any
	if r.Tried != 0 {
		tried = r.Tried
	}
	_, err := c.Exec(ctx, `UPDATE jobs SET state = ?, attempts = ?, tried = ?, status = ?, error = ?, answer = ?, took = ?,
		body = ?, size = ? WHERE id = ?`, string(r.State), int64(r.Attempts), tried, int64(r.Status), r.Error, r.Answer, r.Took,
		storedJSON(r.Body), int64(size), r.ID)
	return err
}

// nextInLane makes the next pending job the head of a job's lane, or gives the lane
// up. The caller has the lane's lock.
func nextInLane(ctx context.Context, c conn, j *job.Job) error {
	key := []any{string(j.Queue), j.Target, j.Record}
	next := int64(0)
	err := c.Query(ctx, `SELECT id FROM jobs WHERE queue = ? AND target = ? AND record = ? AND state = 'pending' ORDER BY id LIMIT 1`, key,
		func(r row) error {
			next = r.Int(0)
			return nil
		})
	if err != nil {
		return err
	}
	if next == 0 {
		_, err = c.Exec(ctx, `DELETE FROM lanes WHERE queue = ? AND target = ? AND record = ?`, key...)
		return err
	}
	_, err = c.Exec(ctx, `UPDATE lanes SET head = ?, due = 0, claimed = FALSE WHERE queue = ? AND target = ? AND record = ?`,
		append([]any{next}, key...)...)
	return err
}
