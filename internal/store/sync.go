package store

import (
	"bytes"
	"context"
	"fmt"

	"kartoteka/internal/apisync"
	"kartoteka/internal/query"
)

// syncResources reads all resources, by kind and code.
func syncResources(ctx context.Context, c conn) (list []apisync.Resource, err error) {
	err = c.Query(ctx, `SELECT id, kind, code, version, created, updated, body FROM sync_resources ORDER BY kind, code`, nil,
		func(r row) error {
			list = append(list, apisync.Resource{
				ID: r.Int(0), Kind: apisync.Kind(r.Str(1)), Code: r.Str(2), Version: r.Int(3), Created: r.Int(4), Updated: r.Int(5),
				Body: bytes.Clone(r.Bytes(6)),
			})
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read the resources of the sync module: %w", err)
	}
	return list, nil
}

// SyncResources implements apisync.Store.
func (s *Company) SyncResources(ctx context.Context) (list []apisync.Resource, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		c.Last()
		list, err = syncResources(ctx, c)
		return err
	})
	return list, err
}

// SyncResources implements apisync.Writer.
func (t *tx) SyncResources(ctx context.Context) ([]apisync.Resource, error) {
	return syncResources(ctx, t.conn)
}

// SaveSyncResource implements apisync.Writer.
func (t *tx) SaveSyncResource(ctx context.Context, r *apisync.Resource) error {
	sql := `UPDATE sync_resources SET kind = ?, code = ?, version = ?, created = ?, updated = ?, body = ? WHERE id = ? RETURNING id`
	args := []any{string(r.Kind), r.Code, r.Version, r.Created, r.Updated, string(r.Body)}
	if r.ID == 0 {
		sql = `INSERT INTO sync_resources (kind, code, version, created, updated, body) VALUES (?, ?, ?, ?, ?, ?) RETURNING id`
	} else {
		args = append(args, r.ID)
	}
	id := int64(0)
	err := t.conn.Query(ctx, sql, args, func(row row) error {
		id = row.Int(0)
		return nil
	})
	if err == nil && id == 0 {
		err = fmt.Errorf("there is no resource %d", r.ID)
	}
	if err != nil {
		return fmt.Errorf("save the %s %q of the sync module: %w", r.Kind, r.Code, err)
	}
	r.ID = id
	return nil
}

// DeleteSyncResource implements apisync.Writer.
func (t *tx) DeleteSyncResource(ctx context.Context, id int64) error {
	err := execAll(ctx, t.conn, []statement{
		{SQL: `DELETE FROM sync_resources WHERE id = ?`, Args: []any{id}}, {SQL: `DELETE FROM sync_uses WHERE config = ?`, Args: []any{id}},
	})
	if err != nil {
		return fmt.Errorf("delete resource %d of the sync module: %w", id, err)
	}
	return nil
}

// SyncAnswer implements apisync.Store.
func (s *Company) SyncAnswer(ctx context.Context, key []byte, since int64) (found *apisync.Answer, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		found = nil
		c.Last()
		return c.Query(ctx, `SELECT hash, at, status, headers, body FROM sync_answers WHERE key = ? AND at >= ?`, []any{key, since},
			func(r row) error {
				found = &apisync.Answer{
					Key: bytes.Clone(key), Hash: bytes.Clone(r.Bytes(0)), At: r.Int(1), Status: int(r.Int(2)),
					Headers: bytes.Clone(r.Bytes(3)),
				}
				if !r.Null(4) {
					found.Body = append([]byte{}, r.Bytes(4)...)
				}
				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("find a kept answer: %w", err)
	}
	return found, nil
}

// KeepSyncAnswer implements apisync.Writer.
func (t *tx) KeepSyncAnswer(ctx context.Context, a *apisync.Answer, since int64) (bool, error) {
	var body any
	if a.Body != nil {
		body = a.Body
	}
	n, err := t.conn.Exec(ctx, `INSERT INTO sync_answers (key, hash, at, status, headers, body) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET hash = excluded.hash, at = excluded.at, status = excluded.status,
			headers = excluded.headers, body = excluded.body
		WHERE sync_answers.at < ?`, a.Key, a.Hash, a.At, a.Status, string(a.Headers), body, since)
	if err != nil {
		return false, fmt.Errorf("keep an answer: %w", err)
	}
	return n > 0, nil
}

// DropSyncAnswers implements apisync.Writer.
func (t *tx) DropSyncAnswers(ctx context.Context, before int64, limit int) (int, error) {
	n, err := t.conn.Exec(ctx, `DELETE FROM sync_answers WHERE key IN (SELECT key FROM sync_answers WHERE at < ? ORDER BY at LIMIT ?)`,
		before, limit)
	if err != nil {
		return 0, fmt.Errorf("drop kept answers: %w", err)
	}
	return int(n), nil
}

// ReserveSyncIdentifier implements apisync.Writer.
func (t *tx) ReserveSyncIdentifier(ctx context.Context, c query.Catalog, identifier string) error {
	sql := t.conn.Dialect().Reserve()
	if sql == "" {
		return nil
	}
	if _, err := t.conn.Exec(ctx, sql, fmt.Sprintf("%d %s", c, identifier)); err != nil {
		return fmt.Errorf("reserve an identifier in catalog %d: %w", c, err)
	}
	return nil
}

var (
	_ apisync.Store  = (*Company)(nil)
	_ apisync.Writer = (*tx)(nil)
)
