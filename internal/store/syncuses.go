package store

import (
	"context"
	"fmt"

	"kartoteka/internal/apisync"
)

// SyncUses implements apisync.Store.
func (s *Company) SyncUses(ctx context.Context) (list []apisync.Use, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		c.Last()
		return c.Query(ctx, `SELECT config, credential, at FROM sync_uses`, nil, func(r row) error {
			list = append(list, apisync.Use{Config: r.Int(0), Credential: r.Int(1), At: r.Int(2)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read when credentials were used: %w", err)
	}
	return list, nil
}

// KeepSyncUses implements apisync.Writer. What is of a config that is not there is
// passed over.
func (t *tx) KeepSyncUses(ctx context.Context, list []apisync.Use) error {
	batch := make([]statement, len(list))
	for i, u := range list {
		batch[i] = statement{
			SQL: `INSERT INTO sync_uses (config, credential, at) SELECT id, ?, ? FROM sync_resources WHERE id = ? AND kind = 'config'
				ON CONFLICT (config, credential) DO UPDATE SET at = excluded.at WHERE sync_uses.at < excluded.at`,
			Args: []any{u.Credential, u.At, u.Config},
		}
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("keep when credentials were used: %w", err)
	}
	return nil
}
