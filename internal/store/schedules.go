package store

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/job"
)

// PutSchedule implements job.ScheduleWriter.
func (t *tx) PutSchedule(ctx context.Context, s job.Schedule) (next int64, err error) {
	p := s.Spec
	err = t.conn.Query(ctx, `INSERT INTO schedules (queue, target, kind, cron, zone, every, missed, next, last)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (queue, target, kind) DO UPDATE SET
			next = CASE WHEN schedules.cron = excluded.cron AND schedules.zone = excluded.zone AND schedules.every = excluded.every
				AND schedules.next > 0 THEN schedules.next ELSE excluded.next END,
			cron = excluded.cron, zone = excluded.zone, every = excluded.every, missed = excluded.missed
		RETURNING next`,
		[]any{string(s.Queue), s.Target, s.Kind, p.Cron, p.Zone, p.Every.Milliseconds(), string(p.Missed), s.Next}, func(r row) error {
			next = r.Int(0)
			return nil
		})
	if err != nil {
		return 0, fmt.Errorf("set the schedule %s of target %d: %w", s.Kind, s.Target, err)
	}
	return next, nil
}

// DropSchedules implements job.ScheduleWriter.
func (t *tx) DropSchedules(ctx context.Context, q job.Queue, target int64) error {
	if _, err := t.conn.Exec(ctx, `DELETE FROM schedules WHERE queue = ? AND target = ?`, string(q), target); err != nil {
		return fmt.Errorf("remove the schedules of target %d: %w", target, err)
	}
	return nil
}

const scheduleColumns = `SELECT queue, target, kind, cron, zone, every, missed, next, last FROM schedules`

func readSchedule(r row) job.Schedule {
	return job.Schedule{
		Queue: job.Queue(r.Str(0)), Target: r.Int(1), Kind: r.Str(2), Next: r.Int(7), Last: r.Int(8),
		Spec: job.Spec{Cron: r.Str(3), Zone: r.Str(4), Every: time.Duration(r.Int(5)) * time.Millisecond, Missed: job.Missed(r.Str(6))},
	}
}

// Schedules implements job.ScheduleStore.
func (s *Company) Schedules(ctx context.Context, q job.Queue, target int64) (list []job.Schedule, err error) {
	sql, args := scheduleColumns, []any(nil)
	if q != "" {
		sql, args = sql+` WHERE queue = ? AND target = ?`, []any{string(q), target}
	}
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		c.Last()
		return c.Query(ctx, sql+` ORDER BY queue, target, kind`, args, func(r row) error {
			list = append(list, readSchedule(r))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the schedules: %w", err)
	}
	return list, nil
}

// Upcoming implements job.ScheduleStore.
func (s *Company) Upcoming(ctx context.Context) (at int64, some bool, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		at, some = 0, false
		c.Last()
		return c.Query(ctx, `SELECT next FROM schedules WHERE next > 0 ORDER BY next LIMIT 1`, nil, func(r row) error {
			at, some = r.Int(0), true
			return nil
		})
	})
	if err != nil {
		return 0, false, fmt.Errorf("find the next schedule: %w", err)
	}
	return at, some, nil
}

// Fire implements job.ScheduleStore. Whoever moves a schedule on first has its lock;
// another node then finds it moved.
func (s *Company) Fire(ctx context.Context, now int64, limit int, judge func(job.Schedule) (int64, bool)) (moved []job.Schedule, err error) {
	err = s.engine.Update(ctx, updateOptions{}, func(c conn) error {
		moved = nil
		var due []job.Schedule
		err := c.Query(ctx, scheduleColumns+` WHERE next > 0 AND next <= ? ORDER BY next, queue, target, kind LIMIT ?`,
			[]any{now, limit}, func(r row) error {
				due = append(due, readSchedule(r))
				return nil
			})
		if err != nil {
			return err
		}
		for _, d := range due {
			done, err := fire(ctx, c, &d, now, judge)
			if err != nil {
				return err
			}
			if done {
				moved = append(moved, d)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add the jobs of schedules: %w", err)
	}
	return moved, nil
}

// fire moves one schedule on and adds its job; moved is false when another node did.
func fire(ctx context.Context, c conn, d *job.Schedule, now int64, judge func(job.Schedule) (int64, bool)) (moved bool, err error) {
	next, run := judge(*d)
	waits := false
	err = c.Query(ctx, `SELECT 1 FROM jobs WHERE queue = ? AND target = ? AND record = 0 AND state = 'pending' AND kind = ? LIMIT 1`,
		[]any{string(d.Queue), d.Target, d.Kind}, func(row) error {
			waits = true
			return nil
		})
	if err != nil {
		return false, err
	}
	due, last := d.Next, d.Last
	if run = run && !waits; run {
		last = now
	}
	n, err := c.Exec(ctx, `UPDATE schedules SET next = ?, last = ? WHERE queue = ? AND target = ? AND kind = ? AND next = ?`,
		next, last, string(d.Queue), d.Target, d.Kind, due)
	if err != nil || n == 0 {
		return false, err
	}
	if d.Next, d.Last = next, last; !run {
		return true, nil
	}
	t := &tx{conn: c}
	return true, t.AddJobs(ctx, []job.Job{{Queue: d.Queue, Target: d.Target, Kind: d.Kind, Number: due, Made: now}})
}

var (
	_ job.ScheduleStore  = (*Company)(nil)
	_ job.ScheduleWriter = (*tx)(nil)
)
