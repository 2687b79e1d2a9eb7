package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// indexName is the same for the same fields, so that an index is not made twice.
func indexName(c *catalog.Catalog, fields []*catalog.Field) string {
	name := numbered("i_", int64(c.Num))
	for _, f := range fields {
		name += numbered("_", int64(f.Num))
	}
	return name
}

// indexColumns are what the fields are compared and sorted by, and the number
// that breaks ties.
func indexColumns(fields []*catalog.Field) []string {
	names := make([]string, 0, len(fields)+1)
	for _, f := range fields {
		if f.Storage().HasKey() {
			names = append(names, keyColumn(f))
		} else {
			names = append(names, valueColumn(f))
		}
	}
	return append(names, "id")
}

// AddIndex implements catalog.Writer. One that exists stays as it is. Fields
// without a column, and those in refs, which have their index, are refused.
func (t *tx) AddIndex(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	numbers := make([]query.Field, len(fields))
	for i, f := range fields {
		if s := f.Storage(); s == catalog.NoStorage || s.HasRefs() {
			return fmt.Errorf("field %d cannot be in an index", f.Num)
		}
		numbers[i] = f.Num
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	name := indexName(c, fields)
	added, err := t.conn.Exec(ctx, `INSERT INTO indexes (name, catalog, fields) VALUES (?, ?, ?)
		ON CONFLICT (name) DO NOTHING`, name, int64(c.Num), string(list))
	if err == nil && added > 0 {
		err = t.conn.Script(ctx, `CREATE INDEX `+name+` ON `+recordTable(c.Num)+` (`+
			strings.Join(indexColumns(fields), ", ")+`)`)
	}
	if err != nil {
		return fmt.Errorf("add index %s: %w", name, err)
	}
	return nil
}

// Indexes implements catalog.Reader.
func (t *tx) Indexes(ctx context.Context) (list []catalog.Index, err error) {
	err = t.conn.Query(ctx, `SELECT name, catalog, fields FROM indexes ORDER BY catalog, name`, nil, func(r row) error {
		i := catalog.Index{Name: r.Str(0), Catalog: query.Catalog(r.Int(1))}
		list = append(list, i)
		return json.Unmarshal(r.Bytes(2), &list[len(list)-1].Fields)
	})
	if err != nil {
		return nil, fmt.Errorf("list indexes: %w", err)
	}
	return list, nil
}

// dropIndexesOn drops the operators' indexes over a field.
func (t *tx) dropIndexesOn(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	list, err := t.Indexes(ctx)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Catalog != c.Num || !slices.Contains(i.Fields, f.Num) {
			continue
		}
		if err := t.conn.Script(ctx, `DROP INDEX `+i.Name); err != nil {
			return err
		}
		if _, err := t.conn.Exec(ctx, `DELETE FROM indexes WHERE name = ?`, i.Name); err != nil {
			return err
		}
	}
	return nil
}
