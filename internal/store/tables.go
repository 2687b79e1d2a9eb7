package store

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// A catalog with number N has the tables
//
//	r_N  id, code, created, updated, version, and for each field its columns
//	s_N  one folded text per row, found by record and slot (catalog.Field.Slot)
//
// and on PostgreSQL the sequence n_N, which gives the records' numbers.
//
// A field with number F has, by its storage, a value column f<F>, or l<F> when
// it is a list (several choices, links); the two names let a choice field move
// from one to the other and back without a change of a column's type. Storages
// with a sort key have k<F> beside it. An empty value is NULL in all of them.
// Columns appear when a field first gets that storage and stay until a purge.

// recordTable is the table of a catalog's live records.
func recordTable(c query.Catalog) string { return numbered("r_", int64(c)) }

// searchTable is the table of a catalog's folded texts.
func searchTable(c query.Catalog) string { return numbered("s_", int64(c)) }

// numberSequence is PostgreSQL's sequence of a catalog's record numbers.
func numberSequence(c query.Catalog) string { return numbered("n_", int64(c)) }

// valueColumn is the column of r_N with a field's value.
func valueColumn(f *catalog.Field) string {
	if f.Storage().HasRefs() {
		return numbered("l", int64(f.Num))
	}
	return numbered("f", int64(f.Num))
}

// keyColumn is the column of r_N with a field's sort key; only for storages
// with HasKey.
func keyColumn(f *catalog.Field) string { return numbered("k", int64(f.Num)) }

func numbered(prefix string, n int64) string { return prefix + strconv.FormatInt(n, 10) }

// column is one column of a record table.
type column struct {
	name    string
	storage catalog.Storage
	key     bool
}

// columnsOf lists the columns of a field: none, its value, or value and key.
func columnsOf(f *catalog.Field) []column {
	s := f.Storage()
	switch {
	case s == catalog.NoStorage:
		return nil
	case s.HasKey():
		return []column{{name: valueColumn(f), storage: s}, {name: keyColumn(f), storage: s, key: true}}
	}
	return []column{{name: valueColumn(f), storage: s}}
}

// slotBits is the part of a search row's number on SQLite that is the slot: a
// row of s_N has the rowid record << slotBits | slot.
const slotBits = 16

// searchRowID is the rowid of a search row on SQLite.
func searchRowID(r query.Record, slot int) int64 { return int64(r)<<slotBits | int64(slot) }

// slotRange gives the slots of a field: from first up to and with last.
func slotRange(f *catalog.Field) (first, last int) {
	return f.Slot(0), f.Slot(0) + 3
}

// storageOf is how the store keeps a field's values.
func storageOf(f *catalog.Field) catalog.Storage { return f.Storage() }
