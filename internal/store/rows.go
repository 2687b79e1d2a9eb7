package store

import (
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// headColumns stand before the values in every row of records.
const headColumns = 5

// recordColumns adds what a page is made of: the record's own columns and one
// value for each field.
func (b *builder) recordColumns(src source, fields []*catalog.Field) {
	a := src.alias
	b.add(a, ".id, ", a, ".code, ", a, ".created, ", a, ".updated, ", a, ".version")
	for _, f := range fields {
		if storageOf(f) == catalog.NoStorage {
			b.add(", NULL")
		} else {
			b.add(", ", src.value(f))
		}
	}
}

// pageReader fills a page from rows of recordColumns.
type pageReader struct {
	page  *catalog.Page
	kinds []cellKind
	most  int // bytes
}

// cellKind is how a column's value is handed over.
type cellKind uint8

const (
	bytesCell cellKind = iota
	intCell
	floatCell
)

func newPageReader(columns []*catalog.Field) *pageReader {
	p := &pageReader{page: &catalog.Page{}, kinds: make([]cellKind, len(columns)), most: catalog.PageBytes}
	p.page.Reset(columns)
	for i, f := range columns {
		switch storageOf(f) {
		case catalog.FloatStorage:
			p.kinds[i] = floatCell
		case catalog.WholeStorage, catalog.TimeStorage, catalog.BoolStorage, catalog.ItemStorage:
			p.kinds[i] = intCell
		}
	}
	return p
}

// add takes one row.
func (p *pageReader) add(r row) error {
	page := p.page
	page.AddRow(query.Record(r.Int(0)), r.Bytes(1), r.Int(2), r.Int(3), r.Int(4))
	for i, kind := range p.kinds {
		at := headColumns + i
		switch {
		case r.Null(at):
			page.AddEmpty()
		case kind == intCell:
			page.AddInt(r.Int(at))
		case kind == floatCell:
			page.AddFloat(r.Float(at))
		default:
			page.AddBytes(r.Bytes(at))
		}
	}
	if page.Size() > p.most {
		return fault.New(fault.LimitTooLarge, "The records are too big for one answer; ask for fewer of them or fewer fields")
	}
	return nil
}

// Rows reads records by number.
func (t *tx) Rows(ctx context.Context, c *catalog.Catalog, columns []*catalog.Field, records []query.Record) (*catalog.Page, error) {
	p := newPageReader(columns)
	if len(records) == 0 {
		return p.page, nil
	}
	b := newBuilder(t.conn.Dialect(), nil)
	src := b.alias(c)
	b.add("SELECT ")
	b.recordColumns(src, columns)
	b.add(" FROM ", recordTable(c.Num), " ", src.alias, " WHERE ")
	numbers := make([]int64, len(records))
	for i, r := range records {
		numbers[i] = int64(r)
	}
	b.among(src.id(), numbers)
	if err := t.conn.Query(ctx, string(b.sql), b.args, p.add); err != nil {
		return nil, err
	}
	return p.page, nil
}

// Find gives the number of the live record with a custom id, 0 if there is none.
func (t *tx) Find(ctx context.Context, c *catalog.Catalog, code string) (n query.Record, err error) {
	if code == "" || !storable(code) {
		return 0, nil
	}
	sql := "SELECT id FROM " + recordTable(c.Num) + " WHERE code = ?"
	err = t.conn.Query(ctx, sql, []any{code}, func(r row) error {
		n = query.Record(r.Int(0))
		return nil
	})
	return n, err
}
