package store

import (
	"bytes"
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// deriveChunk is how many records are read at once where Go computes from them.
const deriveChunk = 500

// deriving reads records together with what the store keeps beside their
// values: sort keys, search rows and titles follow from them.
type deriving struct {
	catalog *catalog.Catalog
	fields  []*catalog.Field // those with a sort key
	title   *catalog.Field
	columns string // of a SELECT
}

// derived are some records in the order of their numbers.
type derived struct{ rows []*derivedRow }

// last gives up to which record a chunk reaches: those after its last one are
// another chunk's.
func (d *derived) last() query.Record {
	if len(d.rows) < deriveChunk {
		return query.MaxRecord
	}
	return d.rows[len(d.rows)-1].record
}

type derivedRow struct {
	record query.Record
	code   string
	title  string // value of the title field
	values []derivedValue
}

// derivedValue is what follows from a field's value, and the key as stored.
type derivedValue struct {
	field       *catalog.Field
	stored, key []byte
	search      []catalog.SearchRow
	unread      bool // there is a value, but no sense in it
}

// hurt is h, or nothing where no value can be read to make it again.
func (v *derivedValue) hurt(h hurt) hurt {
	if v.unread {
		return 0
	}
	return h
}

// newDeriving prepares to read a catalog. Of the fields, given in card order
// with removed ones, the title is the one that catalog.Catalog.Title would be.
func newDeriving(c *catalog.Catalog, fields []*catalog.Field) *deriving {
	d := &deriving{catalog: c}
	columns, keys := "", ""
	for _, f := range fields {
		if !f.Storage().HasKey() {
			continue
		}
		if d.title == nil && f.Removed.IsZero() && f.Type.Name() == "text" &&
			f.Config.Kind != catalog.KindEditor && !f.Secret {
			d.title = f
		}
		d.fields = append(d.fields, f)
		columns += ", " + valueColumn(f)
		keys += ", " + keyColumn(f)
	}
	d.columns = `id, code, created, updated, version` + columns + keys
	return d
}

// read gives the records after one number.
func (d *deriving) read(ctx context.Context, c conn, after query.Record) (*derived, error) {
	return d.rows(ctx, c, `id > ? ORDER BY id LIMIT ?`, int64(after), deriveChunk)
}

// lock gives those of the records that are there, and keeps them from changing
// until the end of the update.
func (d *deriving) lock(ctx context.Context, c conn, records []int64) (*derived, error) {
	return d.rows(ctx, c, c.Dialect().AnyInt("id")+` ORDER BY id`+c.Dialect().ForUpdate(), records)
}

func (d *deriving) rows(ctx context.Context, c conn, where string, args ...any) (*derived, error) {
	sql := `SELECT ` + d.columns + ` FROM ` + recordTable(d.catalog.Num) + ` WHERE ` + where
	pages := newPageReader(d.fields)
	var keys [][]byte
	err := c.Query(ctx, sql, args, func(r row) error {
		for i := range d.fields {
			keys = append(keys, bytes.Clone(r.Bytes(headColumns+len(d.fields)+i)))
		}
		return pages.add(r)
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	out := &derived{rows: make([]*derivedRow, pages.page.Len())}
	for i := range out.rows {
		out.rows[i] = d.derive(pages.page, i, keys[i*len(d.fields):])
	}
	return out, nil
}

func (d *deriving) derive(p *catalog.Page, i int, keys [][]byte) *derivedRow {
	row := &derivedRow{record: p.Record(i), code: string(p.Code(i)), values: make([]derivedValue, len(d.fields))}
	for j, f := range d.fields {
		v := catalog.CellValue(f, p, p.Cell(i, j))
		of := derivedValue{field: f, stored: keys[j], unread: v == nil && !p.Cell(i, j).Empty()}
		if v != nil {
			stored := catalog.StoredOf(f, v)
			of.key, of.search = stored.Key, stored.Search
		}
		if t, ok := v.(catalog.Text); ok && f == d.title {
			row.title = string(t)
		}
		row.values[j] = of
	}
	return row
}
