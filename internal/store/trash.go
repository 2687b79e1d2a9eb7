package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Removed implements catalog.Reader.
func (t *tx) Removed(ctx context.Context, c *catalog.Catalog, ask catalog.RemovedAsk, values bool) (list []catalog.RemovedRow, err error) {
	b := compileRemoved(t.conn.Dialect(), c, ask, values)
	err = t.conn.Query(ctx, string(b.sql), b.args, func(r row) error {
		row := catalog.RemovedRow{Gone: catalog.Gone{Record: query.Record(r.Int(0)), At: r.Int(1), Code: r.Str(2)}}
		if values {
			row.Values = append([]byte(nil), r.Bytes(3)...)
		}
		list = append(list, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the trash of catalog %d: %w", c.Num, err)
	}
	return list, nil
}

// compileRemoved goes along the index trash_at.
func compileRemoved(d dialect, c *catalog.Catalog, ask catalog.RemovedAsk, values bool) *builder {
	b := newBuilder(d, nil)
	b.add("SELECT x.record, x.at, t.code")
	if values {
		b.add(", x.data")
	}
	b.add(" FROM trash x LEFT JOIN titles t ON t.ref = x.record + ")
	b.int(int64(query.MakeRef(c.Num, 0)))
	b.add(" WHERE x.catalog = ")
	b.int(int64(c.Num))
	b.add(" AND (x.at, x.record) > (?, ?) ORDER BY x.at, x.record")
	b.bind(ask.Since, int64(ask.After))
	b.limit(ask.Limit, 0)
	return b
}

// Clear implements catalog.Writer. Numbers go on where they were, and links
// from elsewhere show the last titles: both are kept in titles.
func (t *tx) Clear(ctx context.Context, c *catalog.Catalog, at int64, by catalog.ChangeRow) (int64, error) {
	n, err := t.clear(ctx, c)
	if err == nil {
		_, err = t.conn.Exec(ctx, insertChange+changeRow, int64(c.Num), 0, 0, at, int64(by.Actor), by.Origin, "clear", nil, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("clear catalog %d: %w", c.Num, err)
	}
	return n, nil
}

func (t *tx) clear(ctx context.Context, c *catalog.Catalog) (int64, error) {
	num := int64(c.Num)
	n, err := t.conn.Exec(ctx, `DELETE FROM `+recordTable(c.Num))
	if err != nil {
		return 0, err
	}
	if err := t.conn.Script(ctx, t.company.tables.EmptySearch(c.Num)); err != nil {
		return 0, err
	}
	const fields = ` WHERE field IN (SELECT num FROM fields WHERE catalog = ?)`
	return n, execAll(ctx, t.conn, append(clearChats(c.Num), []statement{
		{SQL: `DELETE FROM refs` + fields, Args: []any{num}},
		{SQL: `DELETE FROM option_times` + fields, Args: []any{num}},
		{SQL: `DELETE FROM history WHERE catalog = ?`, Args: []any{num}},
		{SQL: `DELETE FROM trash WHERE catalog = ?`, Args: []any{num}},
		{SQL: `DELETE FROM imports WHERE catalog = ?`, Args: []any{num}},
		{SQL: `UPDATE titles SET removed = TRUE WHERE catalog = ? AND removed IS FALSE`, Args: []any{num}},
	}...))
}
