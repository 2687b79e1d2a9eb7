package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
)

// Enqueue implements catalog.Writer.
func (t *tx) Enqueue(ctx context.Context, kind string, payload json.RawMessage) error {
	if _, err := t.conn.Exec(ctx, `INSERT INTO outbox (kind, payload) VALUES (?, ?)`, kind, string(payload)); err != nil {
		return fmt.Errorf("put a message into the outbox: %w", err)
	}
	return nil
}

// Outbox implements catalog.Writer.
func (t *tx) Outbox(ctx context.Context) (list []catalog.OutboxRow, err error) {
	err = t.conn.Query(ctx, `SELECT id, kind, payload FROM outbox ORDER BY id`, nil, func(r row) error {
		list = append(list, catalog.OutboxRow{ID: r.Int(0), Kind: r.Str(1), Payload: json.RawMessage(r.Str(2))})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return list, nil
}

// Done implements catalog.Writer.
func (t *tx) Done(ctx context.Context, id int64) error {
	if _, err := t.conn.Exec(ctx, `DELETE FROM outbox WHERE id = ?`, id); err != nil {
		return fmt.Errorf("take message %d out of the outbox: %w", id, err)
	}
	return nil
}
