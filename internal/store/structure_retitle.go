package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	// retitleChunk is how many records are read before their titles are written.
	retitleChunk = 1_000
)

// titleSource is a query for id, code and title value of records after one
// number, in order.
func titleSource(c *catalog.Catalog, title *catalog.Field) string {
	column := "NULL"
	if title != nil {
		column = valueColumn(title)
	}
	return `SELECT id, code, ` + column + ` FROM ` + recordTable(c.Num) + ` WHERE id > ? ORDER BY id LIMIT ?`
}

// Retitle implements catalog.Writer.
func (t *tx) Retitle(ctx context.Context, c *catalog.Catalog, title *catalog.Field) error {
	source := titleSource(c, title)
	for last := int64(0); ; {
		var batch []statement
		err := t.conn.Query(ctx, source, []any{last, retitleChunk}, func(r row) error {
			last = r.Int(0)
			row := catalog.NewTitleRow(catalog.TitleText(r.Str(2), query.Record(last), r.Str(1)))
			batch = append(batch, statement{SQL: `UPDATE titles SET title = ?, fold = ?, key = ? WHERE ref = ?`,
				Args: []any{row.Text, row.Fold, row.Key, int64(query.MakeRef(c.Num, query.Record(last)))}})
			return nil
		})
		if err == nil {
			err = execAll(ctx, t.conn, batch)
		}
		if err != nil {
			return fmt.Errorf("retitle catalog %d: %w", c.Num, err)
		}
		if len(batch) < retitleChunk {
			return nil
		}
	}
}
