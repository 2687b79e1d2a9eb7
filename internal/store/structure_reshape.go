package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// Reshape implements catalog.Writer. A choice field moves between one option
// (a column f) and several (a column l and refs); an index over the column it
// leaves is dropped.
func (t *tx) Reshape(ctx context.Context, c *catalog.Catalog, old, f *catalog.Field) error {
	if !old.Storage().HasItems() || !f.Storage().HasItems() {
		return fmt.Errorf("field %d cannot change its storage from %d to %d", f.Num, old.Storage(), f.Storage())
	}
	err := t.addColumns(ctx, c, []*catalog.Field{f})
	if err == nil {
		err = t.dropIndexesOn(ctx, c, old)
	}
	if err == nil {
		err = execAll(ctx, t.conn, t.reshaping(c, old, f))
	}
	if err != nil {
		return fmt.Errorf("reshape field %d: %w", f.Num, err)
	}
	return nil
}

func (t *tx) reshaping(c *catalog.Catalog, old, f *catalog.Field) []statement {
	table, from, to, num := recordTable(c.Num), valueColumn(old), valueColumn(f), int64(f.Num)
	if f.Storage() == catalog.ItemsStorage {
		return []statement{
			{SQL: `INSERT INTO refs (field, record, position, target)
				SELECT ` + numbered("", num) + `, id, 0, ` + from + ` FROM ` + table + ` WHERE ` + from + ` IS NOT NULL`},
			{SQL: `UPDATE ` + table + ` SET ` + to + ` = ` + t.company.tables.ListOf(from) + `, ` + from + ` = NULL
				WHERE ` + from + ` IS NOT NULL`},
		}
	}
	return []statement{
		{SQL: `UPDATE ` + table + ` SET ` + from + ` = NULL, ` + to + ` = (SELECT target FROM refs
			WHERE field = ? AND record = ` + table + `.id AND position = 0) WHERE ` + from + ` IS NOT NULL`, Args: []any{num}},
		{SQL: `DELETE FROM refs WHERE field = ?`, Args: []any{num}},
	}
}

// DropItems implements catalog.Writer. The times spent in the options go too:
// nobody can ask for them any more.
func (t *tx) DropItems(ctx context.Context, c *catalog.Catalog, f *catalog.Field, items []query.Item) error {
	numbers := make([]int64, len(items))
	for i, item := range items {
		numbers[i] = int64(item)
	}
	var batch []statement
	if f.Storage() == catalog.ItemsStorage {
		batch = t.droppingFromLists(c, f, numbers)
	} else {
		column := valueColumn(f)
		batch = []statement{{SQL: `UPDATE ` + recordTable(c.Num) + ` SET ` + column + ` = NULL WHERE ` +
			t.conn.Dialect().AnyInt(column), Args: []any{numbers}}}
	}
	batch = append(batch, statement{SQL: `DELETE FROM option_times WHERE field = ? AND ` +
		t.conn.Dialect().AnyInt("item"), Args: []any{int64(f.Num), numbers}})
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("drop options of field %d: %w", f.Num, err)
	}
	return nil
}

// droppingFromLists marks the refs to drop by a negative position, so that the
// records concerned can be found until the end. The rest is moved up by way of
// negative positions too, since each row must be free of conflicts at any time.
func (t *tx) droppingFromLists(c *catalog.Catalog, f *catalog.Field, items []int64) []statement {
	const mark = -1 << 40
	num, table, column := int64(f.Num), recordTable(c.Num), valueColumn(f)
	marked := fmt.Sprintf(`SELECT record FROM refs WHERE field = %d AND position < %d`, num, mark/2)
	return []statement{
		{SQL: `UPDATE refs SET position = position - ? WHERE field = ? AND ` + t.conn.Dialect().AnyInt("target"),
			Args: []any{-mark, num, items}},
		{SQL: `UPDATE ` + table + ` SET ` + column + ` = (SELECT ` + t.company.tables.List() + ` FROM refs
			WHERE field = ? AND record = ` + table + `.id AND position >= 0 HAVING count(*) > 0)
			WHERE id IN (` + marked + `)`, Args: []any{num}},
		{SQL: `UPDATE refs SET position = -1 - moved.place
			FROM (SELECT record, position, row_number() OVER (PARTITION BY record ORDER BY position) - 1 AS place
				FROM refs WHERE field = ? AND position >= 0 AND record IN (` + marked + `)) AS moved
			WHERE refs.field = ? AND refs.record = moved.record AND refs.position = moved.position`,
			Args: []any{num, num}},
		{SQL: `DELETE FROM refs WHERE field = ? AND position < ?`, Args: []any{num, mark / 2}},
		{SQL: `UPDATE refs SET position = -1 - position WHERE field = ? AND position < 0`, Args: []any{num}},
	}
}

// MultiValued implements catalog.Reader.
func (t *tx) MultiValued(ctx context.Context, _ *catalog.Catalog, f *catalog.Field) (n int64, err error) {
	err = t.conn.Query(ctx, `SELECT count(*) FROM refs WHERE field = ? AND position = 1`, []any{int64(f.Num)},
		func(r row) error {
			n = r.Int(0)
			return nil
		})
	if err != nil {
		return 0, fmt.Errorf("count records with several values in field %d: %w", f.Num, err)
	}
	return n, nil
}
