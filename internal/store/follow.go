package store

import (
	"context"
	"fmt"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// fewValues bounds the bytes of what LoggedChange has of an update.
const fewValues = 2048

// Changes implements catalog.Reader.
func (t *tx) Changes(ctx context.Context, after int64, limit int, of []query.Catalog, each func(catalog.LoggedChange) error) error {
	columns := fmt.Sprintf(`catalog, record, CASE WHEN catalog IN (0%s) AND kind = '%s' AND octet_length(data) <= %d THEN data END`,
		listedCatalogs(of), changeKinds[catalog.UpdateRecord], fewValues)
	sql := `SELECT seq, ` + columns + ` FROM changes WHERE seq > ? ORDER BY seq LIMIT ?`
	args := []any{after, limit}
	if t.conn.Dialect().Remote() { // without a number: committed, but not yet in order
		sql = `(` + sql + `) UNION ALL (SELECT 0, ` + columns + ` FROM changes WHERE seq IS NULL ORDER BY id LIMIT ?)`
		args = append(args, limit)
	}
	err := t.conn.Query(ctx, sql, args, func(r row) error {
		c := catalog.LoggedChange{Seq: r.Int(0), Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2))}
		if !r.Null(3) {
			c.Updated = []byte(r.Str(3))
		}
		return each(c)
	})
	if err != nil {
		return fmt.Errorf("read the changes after %d: %w", after, err)
	}
	return nil
}

// Told implements catalog.Reader.
func (t *tx) Told(ctx context.Context, after int64, limit int, of []query.Catalog, each func(*catalog.ToldChange) error) error {
	columns := `catalog, record, kind, at, CASE WHEN catalog IN (0` + listedCatalogs(of) + `) THEN data END`
	sql := `SELECT seq, ` + columns + ` FROM changes WHERE seq > ? ORDER BY seq LIMIT ?`
	args := []any{after, limit}
	if t.conn.Dialect().Remote() {
		sql = `(` + sql + `) UNION ALL (SELECT 0, ` + columns + ` FROM changes WHERE seq IS NULL ORDER BY id LIMIT ?)`
		args = append(args, limit)
	}
	var c catalog.ToldChange
	err := t.conn.Query(ctx, sql, args, func(r row) error {
		c = catalog.ToldChange{
			LoggedChange: catalog.LoggedChange{Seq: r.Int(0), Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2))},
			Kind:         mutationKind(r.Str(3)), At: r.Int(4),
		}
		if !r.Null(5) {
			c.Values = []byte(r.Str(5))
		}
		return each(&c)
	})
	if err != nil {
		return fmt.Errorf("read what changed after %d: %w", after, err)
	}
	return nil
}

// listedCatalogs adds catalogs to a list in SQL.
func listedCatalogs(of []query.Catalog) string {
	var sql []byte
	for _, n := range of {
		sql = strconv.AppendInt(append(sql, ',', ' '), int64(n), 10)
	}
	return string(sql)
}

// mutationKind is that of a change in the log; InsertRecord stands for a record
// that was brought back, and for what is no record's.
func mutationKind(name string) catalog.MutationKind {
	switch name {
	case changeKinds[catalog.UpdateRecord]:
		return catalog.UpdateRecord
	case changeKinds[catalog.RemoveRecord]:
		return catalog.RemoveRecord
	}
	return catalog.InsertRecord
}

// Fired implements catalog.Reader.
func (t *tx) Fired(ctx context.Context, from, to int64, limit int) (list []catalog.FiredChange, err error) {
	err = t.conn.Query(ctx, `SELECT seq, catalog, record, kind, at, actor, origin, data, fires FROM changes
		WHERE seq >= ? AND seq <= ? AND fires IS NOT NULL ORDER BY seq LIMIT ?`, []any{from, to, limit}, func(r row) error {
		c := catalog.FiredChange{Seq: r.Int(0), Catalog: query.Catalog(r.Int(1)), Record: query.Record(r.Int(2)), At: r.Int(4),
			Kind:      mutationKind(r.Str(3)),
			ChangeRow: catalog.ChangeRow{Actor: query.Record(r.Int(5)), Origin: r.Str(6), Values: []byte(r.Str(7)), Fires: []byte(r.Str(8))}}
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what changes set off: %w", err)
	}
	return list, nil
}

// LastChange implements catalog.Reader.
func (t *tx) LastChange(ctx context.Context) (seq int64, err error) {
	err = t.conn.Query(ctx, `SELECT coalesce(max(seq), 0) FROM changes`, nil, func(r row) error {
		seq = r.Int(0)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read the last change: %w", err)
	}
	return seq, nil
}

// Scan implements catalog.Reader.
func (t *tx) Scan(ctx context.Context, c *catalog.Catalog, columns []*catalog.Field, after query.Record, limit int) (*catalog.Page, error) {
	plan := t.company.reads.of(c, columns)
	p := plan.reader()
	sql := "SELECT " + plan.list + " FROM " + recordTable(c.Num) + " r WHERE r.id > ? ORDER BY r.id LIMIT ?"
	if err := t.conn.Query(ctx, sql, []any{int64(after), limit}, p.add); err != nil {
		return nil, fmt.Errorf("scan catalog %d: %w", c.Num, err)
	}
	return p.page, nil
}

// Matching implements catalog.Reader.
func (t *tx) Matching(ctx context.Context, s *catalog.Selected, each func(query.Record)) error {
	b := newBuilder(t.conn.Dialect(), s.Structure)
	src := b.alias(s.Catalog)
	b.add("SELECT ", src.id())
	if err := b.fromWhere(src, s, sorting{}, everything); err != nil {
		return err
	}
	return t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		each(query.Record(r.Int(0)))
		return nil
	})
}
