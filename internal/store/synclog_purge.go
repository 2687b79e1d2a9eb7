package store

import (
	"context"
	"time"

	"kartoteka/internal/apisync"
)

// logChunk is how many entries one transaction removes.
const logChunk = 500

// Purge implements apisync.LogStore. On PostgreSQL days that are old as a whole are
// dropped with their partitions.
func (s *SyncLog) Purge(ctx context.Context, p apisync.LogPurge) (removed int64, err error) {
	if removed, err = s.dropDays(ctx, p); err != nil {
		return removed, err
	}
	for _, old := range []struct {
		failed int
		before time.Time
	}{{0, p.SuccessBefore}, {1, p.ErrorBefore}} {
		if old.before.IsZero() {
			continue
		}
		n, err := s.remove(ctx, &oldest{failed: old.failed, before: idOf(old.before)})
		if removed += n; err != nil {
			return removed, err
		}
	}
	if !p.BodyBefore.IsZero() {
		if err := s.dropBodies(ctx, idOf(p.BodyBefore)); err != nil {
			return removed, err
		}
	}
	n, err := s.thin(ctx, p)
	return removed + n, err
}

// thin removes what is too much, the oldest successes first.
func (s *SyncLog) thin(ctx context.Context, p apisync.LogPurge) (removed int64, err error) {
	if p.MaxRows <= 0 && p.MaxBytes <= 0 {
		return 0, nil
	}
	size, err := s.Size(ctx)
	if err != nil {
		return 0, err
	}
	var over apisync.LogSize
	if p.MaxRows > 0 {
		over.Rows = size.Rows - p.MaxRows
	}
	if p.MaxBytes > 0 {
		over.Bytes = size.Bytes - p.MaxBytes
	}
	for _, failed := range []int{0, 1} {
		n, err := s.remove(ctx, &oldest{failed: failed, until: &over})
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// oldest picks entries from the oldest on.
type oldest struct {
	failed int
	before []byte // an id; nil for no bound
	// until is how much is too much still; nil to pick all.
	until *apisync.LogSize
	after []byte // the last id that was looked at
}

// remove removes what o picks, a chunk in each transaction.
func (s *SyncLog) remove(ctx context.Context, o *oldest) (removed int64, err error) {
	for {
		if o.until != nil && o.until.Rows <= 0 && o.until.Bytes <= 0 {
			return removed, nil
		}
		var n int
		err := s.update(ctx, func(c conn) (err error) {
			n, err = o.step(ctx, c)
			return err
		})
		if err != nil {
			return removed, err
		}
		if n == 0 {
			return removed, nil
		}
		removed += int64(n)
	}
}

// step removes the next chunk and gives its number of entries.
func (o *oldest) step(ctx context.Context, c conn) (int, error) {
	w := logWhere{}
	w.add("e.failed = ?", o.failed)
	if o.after != nil {
		w.add("e.id > ?", o.after)
	}
	if o.before != nil {
		w.add("e.id < ?", o.before)
	}
	var ids [][]byte
	left := apisync.LogSize{}
	if o.until != nil {
		left = *o.until
	}
	err := c.Query(ctx, `SELECT e.id, e.size + coalesce(b.size, 0) FROM entries e LEFT JOIN bodies b ON b.id = e.id`+
		w.String()+` ORDER BY e.id LIMIT ?`, append(w.args, logChunk), func(r row) error {
		if o.until != nil && left.Rows <= 0 && left.Bytes <= 0 {
			return errStop
		}
		ids = append(ids, append([]byte(nil), r.Bytes(0)...))
		left.Rows--
		left.Bytes -= r.Int(1)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	for _, id := range ids {
		if _, err := deleteEntry(ctx, c, id); err != nil {
			return 0, err
		}
	}
	o.after = ids[len(ids)-1]
	if o.until != nil {
		*o.until = left
	}
	return len(ids), nil
}

// dropBodies drops bodies and raw requests that are older than an id.
func (s *SyncLog) dropBodies(ctx context.Context, before []byte) error {
	for {
		n := int64(0)
		err := s.update(ctx, func(c conn) (err error) {
			n, err = c.Exec(ctx, `DELETE FROM bodies WHERE id IN (SELECT id FROM bodies WHERE id < ? ORDER BY id LIMIT ?)`, before, logChunk)
			return err
		})
		if err != nil || n < logChunk {
			return err
		}
	}
}

// Size implements apisync.LogStore.
func (s *SyncLog) Size(ctx context.Context) (size apisync.LogSize, err error) {
	err = s.view(ctx, func(c conn) error {
		return c.Query(ctx, `SELECT count(*), coalesce(sum(size), 0) + (SELECT coalesce(sum(size), 0) FROM bodies) FROM entries`, nil, func(r row) error {
			size = apisync.LogSize{Rows: r.Int(0), Bytes: r.Int(1)}
			return nil
		})
	})
	return size, err
}
