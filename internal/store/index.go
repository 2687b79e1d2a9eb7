package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// errNotIndexable: the field keeps nothing in a column, or in refs, which have
// their index.
var errNotIndexable = errors.New("the field cannot be in an index")

// indexPrefix begins the names of indexes over fields, and of no others.
const indexPrefix = "i_"

// indexName is the same for the same fields, so that an index is not made twice.
func indexName(c query.Catalog, fields []query.Field) string {
	name := numbered(indexPrefix, int64(c))
	for _, f := range fields {
		switch f {
		case catalog.CreatedTime:
			name += "_created"
		case catalog.UpdatedTime:
			name += "_updated"
		default:
			name += numbered("_", int64(f))
		}
	}
	return name
}

// indexColumn is what a field in an index is compared and sorted by.
func indexColumn(f *catalog.Field) string {
	switch {
	case f.Storage().HasKey():
		return keyColumn(f)
	case f.Storage() == catalog.BoolStorage:
		return "(" + switchValue(valueColumn(f)) + ")"
	}
	return valueColumn(f)
}

// indexColumns are the columns of an index over fields; find gives a field, or nil.
func indexColumns(find func(query.Field) *catalog.Field, fields []query.Field) ([]string, error) {
	names := make([]string, len(fields))
	for i, n := range fields {
		switch n {
		case catalog.CreatedTime:
			names[i] = "created"
			continue
		case catalog.UpdatedTime:
			names[i] = "updated"
			continue
		}
		f := find(n)
		if f == nil || f.Storage() == catalog.NoStorage || f.Storage().HasRefs() {
			return nil, fmt.Errorf("field %d: %w", n, errNotIndexable)
		}
		names[i] = indexColumn(f)
	}
	return names, nil
}

// indexStatement makes an index, whose last column is the number that breaks
// ties; how stands behind CREATE INDEX.
func indexStatement(how, name string, c query.Catalog, columns []string) string {
	return `CREATE INDEX ` + how + `IF NOT EXISTS ` + name + ` ON ` + recordTable(c) +
		` (` + strings.Join(columns, ", ") + `, id)`
}

const (
	selectIndexes = `SELECT name, catalog, fields, operator, since, slow, uses, last FROM indexes ORDER BY catalog, name`
	insertIndex   = `INSERT INTO indexes (name, catalog, fields, operator, since, slow) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET operator = TRUE WHERE excluded.operator`
	useIndex = `UPDATE indexes SET uses = uses + ?, last = CASE WHEN last < ? THEN ? ELSE last END WHERE name = ?`
)

// saveIndex notes an index that exists.
func (t *tx) saveIndex(ctx context.Context, i catalog.Index) error {
	list, err := json.Marshal(i.Fields)
	if err == nil {
		_, err = t.conn.Exec(ctx, insertIndex, i.Name, int64(i.Catalog), string(list), i.Operator, i.Since, i.Slow)
	}
	return err
}

// Indexes implements catalog.Reader.
func (t *tx) Indexes(ctx context.Context) (list []catalog.Index, err error) {
	err = t.conn.Query(ctx, selectIndexes, nil, func(r row) error {
		list = append(list, catalog.Index{Name: r.Str(0), Catalog: query.Catalog(r.Int(1)), Operator: r.Int(3) != 0,
			Since: r.Int(4), Slow: int(r.Int(5)), Uses: r.Int(6), Last: r.Int(7)})
		return json.Unmarshal(r.Bytes(2), &list[len(list)-1].Fields)
	})
	if err != nil {
		return nil, fmt.Errorf("list indexes: %w", err)
	}
	t.company.indexed.Store(&list)
	return list, nil
}

// IndexSize implements catalog.Reader.
func (t *tx) IndexSize(ctx context.Context, name string) (size int64, err error) {
	err = t.conn.Query(ctx, t.company.tables.IndexSize(), []any{name}, func(r row) error {
		size = r.Int(0)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("size of index %s: %w", name, err)
	}
	return size, nil
}

// UseIndexes implements catalog.Writer.
func (t *tx) UseIndexes(ctx context.Context, list []catalog.IndexUse) error {
	batch := make([]statement, len(list))
	for i, u := range list {
		batch[i] = statement{SQL: useIndex, Args: []any{u.Uses, u.Last, u.Last, u.Name}}
	}
	if err := execAll(ctx, t.conn, batch); err != nil {
		return fmt.Errorf("store uses of indexes: %w", err)
	}
	return nil
}

// hasIndex tells whether there is an index of that name, noted or not.
func (t *tx) hasIndex(ctx context.Context, name string) (found bool, err error) {
	err = t.conn.Query(ctx, t.company.tables.HasIndex(), []any{name}, func(row) error {
		found = true
		return nil
	})
	return found, err
}

// dropIndexesOn drops the indexes over a field.
func (t *tx) dropIndexesOn(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	list, err := t.Indexes(ctx)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Catalog != c.Num || !slices.Contains(i.Fields, f.Num) {
			continue
		}
		if err := t.conn.Script(ctx, `DROP INDEX IF EXISTS `+i.Name); err != nil {
			return err
		}
		if _, err := t.conn.Exec(ctx, `DELETE FROM indexes WHERE name = ?`, i.Name); err != nil {
			return err
		}
	}
	return nil
}
