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
func (t *tx) Outbox(ctx context.Context, kinds []string, after int64, limit int) (list []catalog.OutboxRow, err error) {
	sql := `SELECT id, kind, payload FROM outbox WHERE id > ? AND ` + t.conn.Dialect().AnyText("kind") + ` ORDER BY id LIMIT ?`
	err = t.conn.Query(ctx, sql, []any{after, jsonTexts(kinds), limit}, func(r row) error {
		list = append(list, catalog.OutboxRow{ID: r.Int(0), Kind: r.Str(1), Payload: json.RawMessage(r.Str(2))})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return list, nil
}

// Replace implements catalog.Writer.
func (t *tx) Replace(ctx context.Context, m catalog.OutboxRow, payload json.RawMessage) (bool, error) {
	n, err := t.conn.Exec(ctx, `UPDATE outbox SET payload = ? WHERE id = ? AND payload = ?`, string(payload), m.ID, string(m.Payload))
	if err != nil {
		return false, fmt.Errorf("replace message %d of the outbox: %w", m.ID, err)
	}
	return n > 0, nil
}

// Done implements catalog.Writer.
func (t *tx) Done(ctx context.Context, id int64) (bool, error) {
	n, err := t.conn.Exec(ctx, `DELETE FROM outbox WHERE id = ?`, id)
	if err != nil {
		return false, fmt.Errorf("take message %d out of the outbox: %w", id, err)
	}
	return n > 0, nil
}
