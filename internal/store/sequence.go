package store

import (
	"context"
	"fmt"
	"time"
)

const (
	// sequenceChunk bounds the changes numbered in one transaction.
	sequenceChunk = 5_000
	// sequenceEvery is how long a change waits for its number when nobody calls
	// Sequence.
	sequenceEvery = 200 * time.Millisecond
	// sequenceRest is how long RunSequence rests after a failure.
	sequenceRest = 5 * time.Second
)

// numberChanges gives the next numbers to committed changes, oldest first. The
// counter's row, not the table, remembers the last one, as the table may be
// emptied.
const numberChanges = `WITH waiting AS (
		SELECT id, row_number() OVER (ORDER BY id) AS place FROM changes WHERE seq IS NULL ORDER BY id LIMIT ?),
	taken AS (
		UPDATE counters SET value = value + (SELECT count(*) FROM waiting) WHERE name = 'change'
			AND EXISTS (SELECT 1 FROM waiting)
		RETURNING value - (SELECT count(*) FROM waiting) AS base)
	UPDATE changes SET seq = taken.base + waiting.place FROM waiting, taken WHERE changes.id = waiting.id`

// Sequence gives every change that is committed now its place in the order that
// consumers follow: changes.seq is dense and, once seen, nothing appears before
// it. On SQLite changes have it from the start. Several nodes may call it: one
// at a time works.
func (s *Company) Sequence(ctx context.Context) error {
	if s.engine.Dialect().Name() != "postgres" {
		return nil
	}
	for {
		waiting, err := s.waitingChanges(ctx)
		if err != nil || !waiting {
			return err
		}
		n := int64(0)
		err = s.engine.Update(ctx, updateOptions{Class: classJob, Exclusive: []int64{sequenceLock}}, func(c conn) (err error) {
			n, err = c.Exec(ctx, numberChanges, sequenceChunk)
			return err
		})
		if err != nil {
			return fmt.Errorf("number the changes: %w", err)
		}
		if n < sequenceChunk {
			return nil
		}
	}
}

// waitingChanges tells whether there is work: looking takes no lock.
func (s *Company) waitingChanges(ctx context.Context) (waiting bool, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		c.Last()
		return c.Query(ctx, `SELECT 1 FROM changes WHERE seq IS NULL ORDER BY id LIMIT 1`, nil, func(row) error {
			waiting = true
			return nil
		})
	})
	if err != nil {
		return false, fmt.Errorf("look for changes without a number: %w", err)
	}
	return waiting, nil
}

// RunSequence calls Sequence again and again until ctx ends.
func (s *Company) RunSequence(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		rest := sequenceEvery
		if err := s.Sequence(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "number the changes", "error", err)
			rest = sequenceRest
		}
		timer.Reset(rest)
	}
}
