package store

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/apisync"
	"kartoteka/internal/query"
)

// linked is the condition that the record of a link l is there.
var linked = `EXISTS (SELECT 1 FROM titles t JOIN catalogs c ON c.num = t.catalog
	WHERE t.ref = l.catalog * ` + refFactor + ` + l.record AND t.removed IS FALSE AND c.removed IS NULL)`

// SyncLinksOf implements apisync.Store.
func (s *Company) SyncLinksOf(ctx context.Context, group string, external []string) ([]apisync.Link, error) {
	return s.syncLinks(ctx, func(d dialect) (string, []any) {
		return ` WHERE l.link_group = ? AND ` + d.AnyText("l.external_id") + ` AND ` + linked, []any{group, jsonTexts(external)}
	})
}

// SyncLinksTo implements apisync.Store.
func (s *Company) SyncLinksTo(ctx context.Context, group string, c query.Catalog, records []query.Record) ([]apisync.Link, error) {
	numbers := make([]int64, len(records))
	for i, n := range records {
		numbers[i] = int64(n)
	}
	return s.syncLinks(ctx, func(d dialect) (string, []any) {
		return ` WHERE l.link_group = ? AND l.catalog = ? AND l.external_id IS NOT NULL AND ` + d.AnyInt("l.record"),
			[]any{group, int64(c), numbers}
	})
}

// syncLinks reads the links that meet a condition.
func (s *Company) syncLinks(ctx context.Context, where func(dialect) (sql string, args []any)) (list []apisync.Link, err error) {
	err = s.engine.View(ctx, nil, func(c conn) error {
		list = nil
		sql, args := where(c.Dialect())
		c.Last()
		return c.Query(ctx, `SELECT l.link_group, l.catalog, l.record, l.external_id FROM sync_links l`+sql, args, func(r row) error {
			list = append(list, apisync.Link{
				Group: r.Str(0), Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2)), External: r.Str(3),
			})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	return list, nil
}

// KeepSyncLink implements apisync.Writer.
func (t *tx) KeepSyncLink(ctx context.Context, l apisync.Link) (bool, error) {
	other, there := int64(0), false
	err := t.conn.Query(ctx, `SELECT l.id, `+linked+` FROM sync_links l
		WHERE l.link_group = ? AND l.external_id = ? AND NOT (l.catalog = ? AND l.record = ?)`,
		[]any{l.Group, l.External, int64(l.Catalog), int64(l.Record)}, func(r row) error {
			other, there = r.Int(0), r.Int(1) != 0
			return nil
		})
	if err == nil && other != 0 && !there {
		_, err = t.conn.Exec(ctx, `DELETE FROM sync_links WHERE id = ?`, other)
	}
	if err == nil && !there {
		_, err = t.conn.Exec(ctx, `INSERT INTO sync_links (link_group, catalog, record, external_id) VALUES (?, ?, ?, ?)
			ON CONFLICT (catalog, record, link_group) DO UPDATE SET external_id = excluded.external_id`,
			l.Group, int64(l.Catalog), int64(l.Record), l.External)
	}
	if err != nil {
		return false, fmt.Errorf("link record %d of catalog %d: %w", l.Record, l.Catalog, err)
	}
	return !there, nil
}

// DropSyncLink implements apisync.Writer.
func (t *tx) DropSyncLink(ctx context.Context, group string, c query.Catalog, n query.Record) error {
	if _, err := t.conn.Exec(ctx, `DELETE FROM sync_links WHERE link_group = ? AND catalog = ? AND record = ?`, group, int64(c), int64(n)); err != nil {
		return fmt.Errorf("unlink record %d of catalog %d: %w", n, c, err)
	}
	return nil
}

// synced adds the condition that a record has a link of a group.
func (b *builder) synced(src source, n query.Synced) {
	external := slices.DeleteFunc(slices.Clone(n.External), func(s string) bool { return !storable(s) })
	if n.External != nil && len(external) == 0 {
		b.add("FALSE")
		return
	}
	if b.probe {
		b.add("EXISTS (SELECT 1 FROM sync_links y WHERE y.record = ", src.id(), " AND y.link_group = ? AND ")
	} else {
		b.add(src.id(), " IN (SELECT y.record FROM sync_links y WHERE y.link_group = ? AND ")
	}
	b.bind(n.Group)
	if external == nil {
		b.add("y.external_id IS NOT NULL AND y.catalog = ")
	} else {
		b.amongTexts("y.external_id", external)
		b.add(" AND +y.catalog = ") // not by the index over it, which leads to all of the group
	}
	b.int(int64(src.catalog.Num))
	b.add(")")
}
