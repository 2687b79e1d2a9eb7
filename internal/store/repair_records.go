package store

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// records repairs what follows from the values of a catalog's records.
func (r *repair) records(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	d := newDeriving(c, fields)
	for last := query.Record(0); last < query.MaxRecord; {
		var found map[query.Record]hurt
		upto := query.MaxRecord
		err := r.view(ctx, func(k *checker) error {
			found = k.hurt
			chunk, err := d.read(ctx, k.conn, last)
			if err != nil {
				return err
			}
			upto = chunk.last()
			return k.derivedOf(ctx, c, chunk, last, upto)
		})
		if err != nil {
			return err
		}
		for some := range slices.Chunk(slices.Sorted(maps.Keys(found)), repairChunk) {
			if err := r.some(ctx, d, some, found); err != nil {
				return err
			}
		}
		last = upto
	}
	return nil
}

// some repairs records in one transaction. They may have changed since they
// were found; what is written is made of what they are now.
func (r *repair) some(ctx context.Context, d *deriving, some []query.Record, found map[query.Record]hurt) error {
	numbers := make([]int64, len(some))
	for i, n := range some {
		numbers[i] = int64(n)
	}
	err := r.update(ctx, d.catalog, func(t *tx) error {
		chunk, err := d.lock(ctx, t.conn, numbers)
		if err != nil {
			return err
		}
		w := writes{tables: t.company.tables}
		there := map[query.Record]bool{}
		for _, row := range chunk.rows {
			there[row.record] = true
			w.repair(d.catalog, row, found[row.record])
		}
		for _, n := range some {
			if !there[n] && found[n]&hurtSearch != 0 {
				w.dropStraySearch(d.catalog, n)
			}
		}
		return execAll(ctx, t.conn, w.batch)
	})
	if err == nil {
		r.tally(some, found)
	}
	return err
}

func (r *repair) tally(some []query.Record, found map[query.Record]hurt) {
	for h, what := range map[hurt]string{hurtTitle: repairedTitles, hurtKeys: repairedKeys, hurtSearch: repairedSearch} {
		for _, n := range some {
			if found[n]&h != 0 {
				r.count[what]++
			}
		}
	}
}

// repair writes what of a record is hurt. What belongs to a value that cannot
// be read stays: it may be all that is left of it.
func (w *writes) repair(c *catalog.Catalog, row *derivedRow, h hurt) {
	if h&hurtTitle != 0 {
		w.putTitle(c, row)
	}
	if h&hurtKeys != 0 {
		for _, v := range row.values {
			if !v.unread && !bytes.Equal(v.stored, v.key) {
				w.run(`UPDATE `+recordTable(c.Num)+` SET `+keyColumn(v.field)+` = ? WHERE id = ?`, v.key, int64(row.record))
			}
		}
	}
	if h&hurtSearch != 0 {
		w.putSearch(c, row)
	}
}

func (w *writes) putTitle(c *catalog.Catalog, row *derivedRow) {
	title := catalog.NewTitleRow(catalog.TitleText(row.title, row.record, row.code))
	w.run(`INSERT INTO titles (ref, catalog, title, fold, key, code, removed) VALUES (?, ?, ?, ?, ?, ?, FALSE)
		ON CONFLICT (ref) DO UPDATE SET catalog = excluded.catalog, title = excluded.title, fold = excluded.fold,
			key = excluded.key, code = excluded.code, removed = FALSE`,
		int64(query.MakeRef(c.Num, row.record)), int64(c.Num), title.Text, title.Fold, title.Key, storedCode(row.code))
}

// putSearch replaces the search rows between the slots of unreadable values.
func (w *writes) putSearch(c *catalog.Catalog, row *derivedRow) {
	next := 0
	for _, f := range unreadable(row) {
		first, last := slotRange(f)
		if next < first {
			w.run(w.tables.DeleteSearch(c.Num, ""), w.tables.SlotArgs(row.record, next, first-1)...)
		}
		next = last + 1
	}
	w.run(w.tables.DeleteSearch(c.Num, ""), w.tables.SlotArgs(row.record, next, 1<<slotBits-1)...)
	for _, v := range row.values {
		for _, s := range v.search {
			w.run(w.tables.InsertSearch(c.Num), w.tables.SearchArgs(row.record, v.field.Slot(s.Part), s.Fold)...)
		}
	}
}

// unreadable lists the fields whose value cannot be read, by their slots.
func unreadable(row *derivedRow) (list []*catalog.Field) {
	for _, v := range row.values {
		if v.unread {
			list = append(list, v.field)
		}
	}
	slices.SortFunc(list, func(a, b *catalog.Field) int { return a.Slot(0) - b.Slot(0) })
	return list
}

// dropStraySearch drops the rows of a record that is not there. That is asked
// in the same statement, as a record comes together with its rows.
func (w *writes) dropStraySearch(c *catalog.Catalog, n query.Record) {
	w.run(w.tables.DeleteSearch(c.Num, ` AND NOT EXISTS (SELECT 1 FROM `+recordTable(c.Num)+` WHERE id = ?)`),
		append(w.tables.SlotArgs(n, 0, 1<<slotBits-1), int64(n))...)
}

// strayTitles marks the titles of records that are not there as removed ones'.
func (r *repair) strayTitles(ctx context.Context, c *catalog.Catalog) error {
	find := `SELECT t.ref FROM titles t WHERE t.catalog = ? AND t.ref > ? AND t.ref <= ? AND t.removed IS FALSE
		AND NOT EXISTS (SELECT 1 FROM ` + recordTable(c.Num) + ` r WHERE r.id = t.ref - ?) ORDER BY t.ref LIMIT ?`
	zero := int64(query.MakeRef(c.Num, 0))
	for last := zero; ; {
		var found []int64
		err := r.view(ctx, func(k *checker) error {
			found = nil
			args := []any{int64(c.Num), last, int64(query.MakeRef(c.Num, query.MaxRecord)), zero, repairChunk}
			return k.conn.Query(ctx, find, args, func(row row) error {
				found = append(found, row.Int(0))
				return nil
			})
		})
		if err != nil || len(found) == 0 {
			return err
		}
		n := int64(0)
		err = r.update(ctx, c, func(t *tx) (err error) {
			n, err = t.conn.Exec(ctx, `UPDATE titles SET removed = TRUE WHERE removed IS FALSE AND `+
				t.conn.Dialect().AnyInt("ref")+` AND NOT EXISTS
				(SELECT 1 FROM `+recordTable(c.Num)+` r WHERE r.id = titles.ref - ?)`, found, zero)
			return err
		})
		if err != nil {
			return err
		}
		r.count[repairedTitles] += int(n)
		last = found[len(found)-1]
	}
}
