package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
)

// field checks what refs, titles and option_times say of one field against the
// record table.
func (k *checker) field(ctx context.Context, c *catalog.Catalog, f *catalog.Field) error {
	table, num := recordTable(c.Num), numbered("", int64(f.Num))
	if f.Storage().HasRefs() {
		if err := k.list(ctx, table, f); err != nil {
			return err
		}
	}
	if f.Storage() == catalog.LinksStorage {
		return k.ask(ctx, "links", "record %d links a record that there never was (field "+num+", target %d)",
			`SELECT record, target FROM refs WHERE field = `+num+`
				AND NOT EXISTS (SELECT 1 FROM titles WHERE ref = target)`)
	}
	if !f.Storage().HasItems() {
		return nil
	}
	current := `SELECT id AS record, ` + valueColumn(f) + ` AS item FROM ` + table + ` WHERE ` + valueColumn(f) + ` IS NOT NULL`
	if f.Storage() == catalog.ItemsStorage {
		current = `SELECT record, target AS item FROM refs WHERE field = ` + num
	}
	if err := k.items(ctx, f, current); err != nil {
		return err
	}
	return k.times(ctx, num, current)
}

// list compares refs with the list column, and their positions with 0, 1, 2 ...
func (k *checker) list(ctx context.Context, table string, f *catalog.Field) error {
	num, column := numbered("", int64(f.Num)), valueColumn(f)
	err := k.ask(ctx, "links", "record %d: the list of field %d differs from its entries",
		fmt.Sprintf(`SELECT r.id, %[1]s FROM %[2]s r LEFT JOIN
			(SELECT record, %[3]s AS list FROM refs WHERE field = %[1]s GROUP BY record) x ON x.record = r.id
			WHERE r.%[4]s IS DISTINCT FROM x.list`, num, table, k.company.tables.List(), column))
	if err == nil {
		err = k.ask(ctx, "links", "record %d: the positions of field %d are not 0, 1, 2 ...",
			`SELECT record, field FROM refs WHERE field = `+num+` GROUP BY field, record
				HAVING min(position) <> 0 OR max(position) <> count(*) - 1`)
	}
	if err == nil {
		err = k.ask(ctx, "links", "record %d, which there is not, has entries in field %d",
			`SELECT record, field FROM refs WHERE field = `+num+` AND NOT EXISTS
				(SELECT 1 FROM `+table+` r WHERE r.id = record) GROUP BY record, field`)
	}
	return err
}

// items finds options that the field does not have.
func (k *checker) items(ctx context.Context, f *catalog.Field, current string) error {
	known := make([]int64, len(f.Config.Items))
	for i, item := range f.Config.Items {
		known[i] = int64(item.Num)
	}
	return k.ask(ctx, "options", "record %d has the option %d, which field "+numbered("", int64(f.Num))+" has not",
		`SELECT record, item FROM (`+current+`) AS now WHERE NOT (`+k.conn.Dialect().AnyInt("item")+`)`, known)
}

// times compares the options that records are in with those they entered last.
func (k *checker) times(ctx context.Context, num, current string) error {
	open := `SELECT record, item FROM option_times WHERE exited IS NULL AND field = ` + num
	err := k.ask(ctx, "options", "record %d: no entry into option %d of field "+num+" is noted",
		`SELECT record, item FROM (`+current+` EXCEPT `+open+`) AS missing`)
	if err == nil {
		err = k.ask(ctx, "options", "record %d has not left option %d of field "+num+", says the note, but is not in it",
			`SELECT record, item FROM (`+open+` EXCEPT `+current+`) AS extra`)
	}
	return err
}
