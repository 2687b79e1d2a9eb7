package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/catalog"
)

// lists makes the list columns of a field and its entries in refs agree.
func (r *repair) lists(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	find := fmt.Sprintf(`SELECT r.id FROM %[1]s r LEFT JOIN
		(SELECT record, %[2]s AS list, min(position) AS first, max(position) AS last, count(*) AS n
			FROM refs WHERE field = ? AND record > ? GROUP BY record) x ON x.record = r.id
		WHERE r.id > ? AND (r.%[3]s IS DISTINCT FROM x.list OR x.first <> 0 OR x.last <> x.n - 1)
		ORDER BY r.id LIMIT ?`, recordTable(c.Num), r.company.tables.List(), valueColumn(f))
	return r.eachFound(ctx, find, f, func(found []int64) error {
		n := 0
		err := r.update(ctx, c, func(t *tx) (err error) {
			n, err = t.repairLists(ctx, c, f, found)
			return err
		})
		r.count[repairedLinks] += n
		return err
	})
}

// eachFound gives record numbers, some at a time. find takes the field, the
// number to begin after, twice, and the limit.
func (r *repair) eachFound(ctx context.Context, find string, f *catalog.Field, fn func(found []int64) error) error {
	for last := int64(0); ; {
		var found []int64
		err := r.view(ctx, func(k *checker) error {
			found = nil
			return k.conn.Query(ctx, find, []any{int64(f.Num), last, last, repairChunk}, func(row row) error {
				found = append(found, row.Int(0))
				return nil
			})
		})
		if err != nil || len(found) == 0 {
			return err
		}
		if err := fn(found); err != nil {
			return err
		}
		last = found[len(found)-1]
	}
}

// entries are the rows of refs of one record and field.
type entries struct {
	targets []int64
	gaps    bool // positions are not 0, 1, 2 ...
}

// repairLists gives how many of the records it had to change.
func (t *tx) repairLists(ctx context.Context, c *catalog.Catalog, f *catalog.Field, records []int64) (n int, err error) {
	stored := map[int64][]byte{}
	among := t.conn.Dialect().AnyInt
	err = t.conn.Query(ctx, `SELECT id, `+valueColumn(f)+` FROM `+recordTable(c.Num)+` WHERE `+among("id")+
		` ORDER BY id`+t.conn.Dialect().ForUpdate(), []any{records}, func(r row) error {
		stored[r.Int(0)] = slices.Clone(r.Bytes(1))
		return nil
	})
	if err != nil {
		return 0, err
	}
	have := map[int64]*entries{}
	err = t.conn.Query(ctx, `SELECT record, position, target FROM refs WHERE field = ? AND `+among("record")+
		` ORDER BY record, position`, []any{int64(f.Num), records}, func(r row) error {
		e := have[r.Int(0)]
		if e == nil {
			e = &entries{}
			have[r.Int(0)] = e
		}
		e.gaps = e.gaps || r.Int(1) != int64(len(e.targets))
		e.targets = append(e.targets, r.Int(2))
		return nil
	})
	if err != nil {
		return 0, err
	}
	w := writes{tables: t.company.tables}
	for _, record := range records {
		list, ok := stored[record]
		if ok && w.repairList(c, f, record, list, have[record]) {
			n++
		}
	}
	return n, execAll(ctx, t.conn, w.batch)
}

// repairList makes the entries of the list or, where there is no list that can
// be read, the list of the entries.
func (w *writes) repairList(c *catalog.Catalog, f *catalog.Field, record int64, list []byte, have *entries) (changed bool) {
	if have == nil {
		have = &entries{}
	}
	targets := listed(list)
	if targets == nil {
		targets = have.targets
	}
	if have.gaps || !slices.Equal(targets, have.targets) {
		w.run(`DELETE FROM refs WHERE field = ? AND record = ?`, int64(f.Num), record)
		if len(targets) > 0 {
			w.run(w.tables.InsertRefs(), int64(f.Num), record, targets)
		}
		changed = true
	}
	if want := catalog.AppendList(nil, targets...); !slices.Equal(want, list) || (list != nil) != (want != nil) {
		w.run(`UPDATE `+recordTable(c.Num)+` SET `+valueColumn(f)+` = ? WHERE id = ?`, want, record)
		// whoever follows the log has to read the record again
		w.run(insertChange+changeRow, int64(c.Num), record, 0, time.Now().UnixMilli(), 0, "structure", "update", nil, nil)
		changed = true
	}
	return changed
}

// listed gives the integers of a list column; nil when it has none or is broken.
func listed(list []byte) (ints []int64) {
	if len(list)%8 != 0 {
		return nil
	}
	for ; len(list) > 0; list = list[8:] {
		ints = append(ints, int64(binary.BigEndian.Uint64(list)))
	}
	return ints
}

// strayEntries drops the entries of records that are not there. That is asked
// in the same statement, as a record comes together with its entries.
func (r *repair) strayEntries(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	absent := ` AND NOT EXISTS (SELECT 1 FROM ` + recordTable(c.Num) + ` r WHERE r.id = refs.record)`
	find := `SELECT DISTINCT record FROM refs WHERE field = ? AND record > ? AND record > ?` + absent +
		` ORDER BY record LIMIT ?`
	return r.eachFound(ctx, find, f, func(found []int64) error {
		drop := `DELETE FROM refs WHERE field = ? AND ` + r.company.engine.Dialect().AnyInt("record") + absent
		err := r.update(ctx, c, func(t *tx) error {
			_, err := t.conn.Exec(ctx, drop, int64(f.Num), found)
			return err
		})
		if err == nil {
			r.count[repairedLinks] += len(found)
		}
		return err
	})
}
