package store

import (
	"context"
	"fmt"

	"kartoteka/internal/job"
)

// Share implements job.Store.
func (s *Company) Share(ctx context.Context, q job.Queue, busy []int64, h job.Hold, more bool) error {
	err := s.engine.Update(ctx, updateOptions{Repeats: true, Volatile: true}, func(c conn) error {
		_, err := c.Exec(ctx, `UPDATE targets SET lease = 0
			WHERE queue = ? AND owner = ? AND lease > ? AND wisher <> '' AND wisher <> ? AND wished > ?
				AND NOT `+c.Dialect().AnyInt("target"),
			string(q), h.Owner, h.Now, h.Owner, h.Now, append([]int64{}, busy...))
		if err != nil || !more {
			return err
		}
		_, err = c.Exec(ctx, `UPDATE targets SET wisher = ?, wished = ? WHERE queue = ? AND target = (
				SELECT t.target FROM targets t
				WHERE t.queue = ? AND t.owner <> ? AND t.lease > ? AND t.resume <= ? AND t.wished <= ?
					AND (SELECT min(l.due) FROM lanes l WHERE l.queue = t.queue AND l.target = t.target) <= ?
					AND (SELECT count(*) FROM targets o WHERE o.queue = t.queue AND o.owner = t.owner AND o.lease > ?) >
						1 + (SELECT count(*) FROM targets o WHERE o.queue = t.queue AND o.owner = ? AND o.lease > ?)
				ORDER BY t.target LIMIT 1)`,
			h.Owner, h.Until, string(q), string(q), h.Owner, h.Now, h.Now, h.Now, h.Now, h.Now, h.Owner, h.Now)
		return err
	})
	if err != nil {
		return fmt.Errorf("share the targets: %w", err)
	}
	return nil
}
