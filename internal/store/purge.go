package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
)

// Purgeable implements catalog.Reader.
func (t *tx) Purgeable(ctx context.Context, before int64) (list []*catalog.Field, err error) {
	err = t.conn.Query(ctx, selectFields+` WHERE removed < ? ORDER BY num`, []any{before}, func(r row) error {
		f, err := readField(r)
		list = append(list, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list removed fields: %w", err)
	}
	return list, nil
}

// Purge implements catalog.Writer. On SQLite it rewrites the record table, so
// it is nothing for the time somebody waits. What the history and the trash say
// of the field goes with it.
func (t *tx) Purge(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	err := t.dropColumns(ctx, c, f)
	if err == nil {
		err = execAll(ctx, t.conn, t.purging(c, f))
	}
	if err == nil {
		err = t.purgeJSON(ctx, historyJSON, c, f)
	}
	if err == nil {
		err = t.purgeJSON(ctx, trashJSON, c, f)
	}
	if err != nil {
		return fmt.Errorf("purge field %d: %w", f.Num, err)
	}
	return nil
}

// dropColumns drops every column the field has had (see tables.go).
func (t *tx) dropColumns(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	if err := t.dropIndexesOn(ctx, c, f); err != nil {
		return err
	}
	table := recordTable(c.Num)
	have, err := t.columns(ctx, table)
	if err != nil {
		return err
	}
	for _, prefix := range []string{"f", "l", "k"} {
		name := numbered(prefix, int64(f.Num))
		if !have[name] {
			continue
		}
		if err := t.conn.Script(ctx, `ALTER TABLE `+table+` DROP COLUMN `+name); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) purging(c *catalog.Catalog, f *catalog.Field) []statement {
	num := int64(f.Num)
	first, last := slotRange(f)
	return append(t.company.tables.PurgeSearch(c.Num, first, last),
		statement{SQL: `DELETE FROM refs WHERE field = ?`, Args: []any{num}},
		statement{SQL: `DELETE FROM option_times WHERE field = ?`, Args: []any{num}},
		statement{SQL: `DELETE FROM fields WHERE num = ?`, Args: []any{num}})
}

// jsonTable is a table with JSON objects by field number.
type jsonTable struct {
	name, column string
	id           string // its key within a catalog
	update       string
}

var (
	historyJSON = jsonTable{name: "history", column: "payload", id: "id",
		update: `UPDATE history SET payload = ? WHERE catalog = ? AND id = ?`}
	trashJSON = jsonTable{name: "trash", column: "data", id: "record",
		update: `UPDATE trash SET data = ? WHERE catalog = ? AND record = ?`}
)

// purgeChunk bounds the objects rewritten at once.
const purgeChunk = 1_000

// purgeJSON takes the field out of the objects of a catalog. Those that may
// have it are found by the text of its key.
func (t *tx) purgeJSON(ctx context.Context, j jsonTable, c *catalog.Catalog, f *catalog.Field) error {
	key := numbered("", int64(f.Num))
	find := `SELECT ` + j.id + `, ` + j.column + ` FROM ` + j.name + ` WHERE catalog = ? AND ` + j.id + ` > ?
		AND ` + j.column + ` LIKE ? ORDER BY ` + j.id + ` LIMIT ?`
	for last := int64(0); ; {
		rows := 0
		var batch []statement
		err := t.conn.Query(ctx, find, []any{int64(c.Num), last, `%"` + key + `":%`, purgeChunk}, func(r row) error {
			rows++
			last = r.Int(0)
			without, found, err := withoutKey(r.Bytes(1), key)
			if found {
				batch = append(batch, statement{SQL: j.update, Args: []any{without, int64(c.Num), last}})
			}
			return err
		})
		if err == nil {
			err = execAll(ctx, t.conn, batch)
		}
		if err != nil || rows < purgeChunk {
			return err
		}
	}
}

// withoutKey takes a member out of a JSON object; the others keep their bytes.
func withoutKey(object []byte, key string) (without string, found bool, err error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(object, &m); err != nil {
		return "", false, err
	}
	if _, found = m[key]; !found {
		return "", false, nil
	}
	delete(m, key)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(m)
	return string(bytes.TrimSpace(b.Bytes())), true, err
}
