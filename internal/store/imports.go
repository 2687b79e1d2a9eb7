package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	selectImport = `SELECT file, plan, total, done, stored, refused, cells FROM imports WHERE catalog = ?`
	insertImport = `INSERT INTO imports (catalog, file, plan, total, done, stored, refused, cells)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	moveImport = `UPDATE imports SET done = ?, stored = ?, refused = ?, cells = ? WHERE catalog = ? AND done = ?`
)

// Import implements catalog.Reader.
func (t *tx) Import(ctx context.Context, c query.Catalog) (found *catalog.Import, err error) {
	err = t.conn.Query(ctx, selectImport, []any{int64(c)}, func(r row) error {
		found = &catalog.Import{
			Catalog: c, File: r.Str(0), Plan: json.RawMessage(r.Str(1)), Total: r.Int(2),
			Done: r.Int(3), Stored: r.Int(4), Refused: r.Int(5), Cells: r.Int(6),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the import into catalog %d: %w", c, err)
	}
	return found, nil
}

// BeginImport implements catalog.Writer.
func (t *tx) BeginImport(ctx context.Context, i catalog.Import) error {
	_, err := t.conn.Exec(ctx, insertImport, int64(i.Catalog), i.File, string(i.Plan), i.Total,
		i.Done, i.Stored, i.Refused, i.Cells)
	if err != nil {
		return fmt.Errorf("note the import into catalog %d: %w", i.Catalog, err)
	}
	return nil
}

// MoveImport implements catalog.Writer.
func (t *tx) MoveImport(ctx context.Context, i catalog.Import, from int64) error {
	n, err := t.conn.Exec(ctx, moveImport, i.Done, i.Stored, i.Refused, i.Cells, int64(i.Catalog), from)
	if err != nil {
		return fmt.Errorf("move the import into catalog %d: %w", i.Catalog, err)
	}
	if n == 0 {
		return catalog.ErrImportMoved
	}
	return nil
}
