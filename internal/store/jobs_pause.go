package store

import (
	"context"
	"fmt"
)

// pausedCounter is above 0 while nothing is delivered.
const pausedCounter = "deliveriesPaused"

// PauseDeliveries stops deliveries of every node, or lets them go on. A database
// that came from a backup is paused: what it has to deliver may have been delivered
// by the original.
func (s *Company) PauseDeliveries(ctx context.Context, paused bool) error {
	err := s.engine.Update(ctx, updateOptions{Repeats: true}, func(c conn) error {
		value := int64(0)
		if paused {
			value = 1
		}
		_, err := c.Exec(ctx, `INSERT INTO counters (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, pausedCounter, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("pause or resume deliveries: %w", err)
	}
	return nil
}

// DeliveriesPaused implements job.Store.
func (s *Company) DeliveriesPaused(ctx context.Context) (paused bool, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		paused = false
		c.Last()
		return c.Query(ctx, `SELECT value FROM counters WHERE name = ?`, []any{pausedCounter}, func(r row) error {
			paused = r.Int(0) > 0
			return nil
		})
	})
	if err != nil {
		return false, fmt.Errorf("look whether deliveries are paused: %w", err)
	}
	return paused, nil
}
