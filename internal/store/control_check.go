package store

import (
	"context"
	"fmt"
	"time"
)

// Check lists what the database itself finds broken in the control database.
func (c *Control) Check(ctx context.Context) ([]Problem, error) {
	broken, err := c.engine.Integrity(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("check the control database: %w", err)
	}
	problems := make([]Problem, len(broken))
	for i, text := range broken {
		problems[i] = Problem{"accounts", text}
	}
	return problems, nil
}

// NoteRestored keeps when the database came from a backup.
func (c *Control) NoteRestored(ctx context.Context, at time.Time) error {
	return c.update(ctx, do(`INSERT INTO settings (name, value) VALUES ('restored_at', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, at.UTC().Format(time.RFC3339)))
}
