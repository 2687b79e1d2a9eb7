package store

import (
	"bytes"
	"context"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// searchKey is the place of a search row.
type searchKey struct {
	record query.Record
	slot   int
}

// records compares titles, sort keys and search rows with the values they were
// made from, some records at a time.
func (k *checker) records(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	d := newDeriving(c, fields)
	last := query.Record(0)
	for {
		chunk, err := d.read(ctx, k.conn, last)
		if err != nil {
			return err
		}
		upto := chunk.last()
		if err := k.derivedOf(ctx, c, chunk, last, upto); err != nil {
			return err
		}
		if last = upto; last == query.MaxRecord {
			return nil
		}
	}
}

// derivedOf checks what follows from the values of a chunk, the records after
// one number up to another.
func (k *checker) derivedOf(ctx context.Context, c *catalog.Catalog, chunk *derived, after, upto query.Record) error {
	if err := k.titlesOf(ctx, c, chunk, after, upto); err != nil {
		return err
	}
	k.keysOf(c, chunk)
	return k.searchOf(ctx, c, chunk, after, upto)
}

func (k *checker) keysOf(c *catalog.Catalog, chunk *derived) {
	for _, row := range chunk.rows {
		for _, v := range row.values {
			if !bytes.Equal(v.stored, v.key) {
				k.addOf(row.record, v.hurt(hurtKeys), "values", "record %d of catalog %d: the sort key of field %d is not that of its value",
					row.record, c.Num, v.field.Num)
			}
			if v.unread {
				k.add("values", "record %d of catalog %d: the value of field %d cannot be read", row.record, c.Num, v.field.Num)
			}
		}
	}
}

// titlesOf checks the titles of the records after one number, up to another.
func (k *checker) titlesOf(ctx context.Context, c *catalog.Catalog, chunk *derived, after, upto query.Record) error {
	want := make(map[query.Record]*derivedRow, len(chunk.rows))
	for _, row := range chunk.rows {
		want[row.record] = row
	}
	err := k.conn.Query(ctx, `SELECT ref, title, fold, key, code, catalog FROM titles
		WHERE ref > ? AND ref <= ? AND removed IS FALSE`,
		[]any{int64(query.MakeRef(c.Num, after)), int64(query.MakeRef(c.Num, upto))}, func(r row) error {
			record := query.Ref(r.Int(0)).Record()
			row := want[record]
			if row == nil {
				return nil // reported by titles
			}
			delete(want, record)
			title := catalog.NewTitleRow(catalog.TitleText(row.title, record, row.code))
			if r.Str(1) != title.Text || r.Str(2) != title.Fold || !bytes.Equal(r.Bytes(3), title.Key) ||
				r.Str(4) != row.code || r.Int(5) != int64(c.Num) {
				k.addOf(record, hurtTitle, "titles", "the title of record %d of catalog %d is not the one its values give", record, c.Num)
			}
			return nil
		})
	for record := range want {
		k.addOf(record, hurtTitle, "titles", "record %d of catalog %d has no title", record, c.Num)
	}
	return err
}

// searchOf checks the search rows of the records after one number, up to
// another.
func (k *checker) searchOf(ctx context.Context, c *catalog.Catalog, chunk *derived, after, upto query.Record) error {
	want, lost := map[searchKey]string{}, map[searchKey]hurt{}
	for _, row := range chunk.rows {
		for _, v := range row.values {
			if first, last := slotRange(v.field); v.unread {
				for slot := first; slot <= last; slot++ {
					lost[searchKey{row.record, slot}] = hurtSearch
				}
			}
			for _, s := range v.search {
				want[searchKey{row.record, v.field.Slot(s.Part)}] = s.Fold
			}
		}
	}
	err := k.conn.Query(ctx, k.company.tables.SearchRows(c.Num), k.company.tables.RecordArgs(after+1, upto), func(r row) error {
		at := searchKey{query.Record(r.Int(0)), int(r.Int(1))}
		fold, ok := want[at]
		if !ok || fold != string(r.Bytes(2)) {
			k.addOf(at.record, hurtSearch&^lost[at], "search", "record %d of catalog %d is found by a text it does not have (slot %d)", at.record, c.Num, at.slot)
		}
		delete(want, at)
		return nil
	})
	for at := range want {
		k.addOf(at.record, hurtSearch, "search", "record %d of catalog %d is not found by its text (slot %d)", at.record, c.Num, at.slot)
	}
	return err
}
