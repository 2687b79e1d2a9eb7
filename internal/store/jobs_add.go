package store

import (
	"context"
	"fmt"

	"kartoteka/internal/job"
)

// Cursor implements job.Writer. The row's lock keeps other dispatchers out.
func (t *tx) Cursor(ctx context.Context, consumer string, h job.Hold) (seq int64, held bool, err error) {
	err = t.conn.Query(ctx, `INSERT INTO cursors (consumer, seq, owner, lease) VALUES (?, 0, ?, ?)
		ON CONFLICT (consumer) DO UPDATE SET owner = excluded.owner, lease = excluded.lease
			WHERE cursors.owner = excluded.owner OR cursors.lease <= ?
		RETURNING seq`, []any{consumer, h.Owner, h.Until, h.Now}, func(r row) error {
		seq, held = r.Int(0), true
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("take the cursor of %s: %w", consumer, err)
	}
	return seq, held, nil
}

// MoveCursor implements job.Writer.
func (t *tx) MoveCursor(ctx context.Context, consumer string, seq int64) error {
	if _, err := t.conn.Exec(ctx, `UPDATE cursors SET seq = ? WHERE consumer = ?`, seq, consumer); err != nil {
		return fmt.Errorf("move the cursor of %s: %w", consumer, err)
	}
	return nil
}

const (
	addJob = `INSERT INTO jobs (queue, target, record, change, kind, number, made, state, attempts, status, error, answer, took, body, size)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, 0, '', '', 0, ?, ?) RETURNING id`
	addTarget = `INSERT INTO targets (queue, target, owner, lease, failures, since, resume)
		VALUES (?, ?, '', 0, 0, 0, 0) ON CONFLICT (queue, target) DO NOTHING`
	// A lane that there is stays as it is; its lock keeps it from being given up
	// before the job is there to be found.
	addLane = `INSERT INTO lanes (queue, target, record, head, due, claimed) VALUES (?, ?, ?, ?, ?, FALSE)
		ON CONFLICT (queue, target, record) DO UPDATE SET claimed = lanes.claimed`
)

// jobTarget names a target: queues number theirs each for itself.
type jobTarget struct {
	queue  job.Queue
	number int64
}

// AddJobs implements job.Writer.
func (t *tx) AddJobs(ctx context.Context, jobs []job.Job) error {
	ids := make([]int64, len(jobs))
	batch := make([]statement, 0, 2*len(jobs))
	known := map[jobTarget]bool{}
	for i := range jobs {
		j := &jobs[i]
		if target := (jobTarget{j.Queue, j.Target}); !known[target] {
			known[target] = true
			batch = append(batch, statement{SQL: addTarget, Args: []any{string(j.Queue), j.Target}})
		}
		batch = append(batch, statement{SQL: addJob, Args: []any{
			string(j.Queue), j.Target, j.Record, j.Change, j.Kind, j.Number, j.Made, j.Body, int64(len(j.Body)),
		}, Each: func(r row) error {
			ids[i] = r.Int(0)
			return nil
		}})
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("add jobs: %w", err)
	}
	batch = batch[:0]
	for i := range jobs {
		j := &jobs[i]
		batch = append(batch, statement{SQL: addLane, Args: []any{string(j.Queue), j.Target, j.Record, ids[i], j.Made}})
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("add lanes: %w", err)
	}
	return nil
}

var _ job.Writer = (*tx)(nil)
