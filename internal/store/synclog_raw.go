package store

import (
	"context"

	"kartoteka/internal/apisync"
)

// RawRequests implements apisync.LogStore.
func (s *SyncLog) RawRequests(ctx context.Context, after apisync.LogID, limit int) (list []apisync.SealedRequest, err error) {
	err = s.view(ctx, func(c conn) error {
		list = nil
		return c.Query(ctx, `SELECT id, raw FROM bodies WHERE id > ? AND raw <> '' ORDER BY id LIMIT ?`, []any{after[:], limit}, func(r row) error {
			list = append(list, apisync.SealedRequest{ID: apisync.LogID(r.Bytes(0)), Raw: r.Str(1)})
			return nil
		})
	})
	return list, err
}

// ReplaceRaw implements apisync.LogStore.
func (s *SyncLog) ReplaceRaw(ctx context.Context, list []apisync.SealedRequest) error {
	if len(list) == 0 {
		return nil
	}
	batch := make([]statement, len(list))
	for i := range list {
		batch[i] = do(`UPDATE bodies SET raw = ? WHERE id = ? AND raw <> ''`, list[i].Raw, list[i].ID[:])
	}
	return s.update(ctx, func(c conn) error { return execAll(ctx, c, batch) })
}
