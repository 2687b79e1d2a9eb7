package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	_ "modernc.org/sqlite"
)

// byHand repeats a batch that the program wrote, under new numbers, into a copy of its
// tables: one transaction of prepared inserts, as durable as the program's. It knows
// which tables there are, and nothing of what stands in them.
type byHand struct {
	dir    string
	db     *sql.DB
	tables []handTable
	record int64 // the last number given
	size   int64 // records of a batch
}

// handTable are the rows of the batch in one table.
type handTable struct {
	insert string
	rows   [][]any
	at     int   // the column that has the record's number
	step   int64 // what one record adds to it
}

// openByHand takes the last records of a catalog as the batch.
func openByHand(dir, catalogID string, records int64) (*byHand, error) {
	catalog, err := strconv.ParseInt(catalogID, 10, 64)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "companies", "[0-9].db"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("the company's file: %v %w", files, err)
	}
	db, err := sql.Open("sqlite", dsn("sqlite", files[0], "FULL")+"&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	h := &byHand{dir: dir, db: db, size: records}
	if err := db.QueryRow(fmt.Sprintf("SELECT max(id) FROM r_%d", catalog)).Scan(&h.record); err != nil {
		return nil, err
	}
	const recordBits, fieldBits = 40, 16
	first := h.record - records + 1
	in := fmt.Sprintf("BETWEEN %d AND %d", first, h.record)
	ref := func(n int64) int64 { return catalog<<recordBits | n }
	ofFields := fmt.Sprintf("field IN (SELECT num FROM fields WHERE catalog = %d) AND record ", catalog)
	ofCatalog := fmt.Sprintf("catalog = %d AND record ", catalog)
	for _, t := range []struct {
		table, where, at, without string
	}{
		{fmt.Sprintf("r_%d", catalog), "id " + in, "id", ""},
		{"titles", fmt.Sprintf("ref BETWEEN %d AND %d", ref(first), ref(h.record)), "ref", ""},
		{"refs", ofFields + in, "record", ""},
		{"option_times", ofFields + in, "record", ""},
		{"changes", ofCatalog + in, "record", "seq"},
		{"history", ofCatalog + in, "record", "id"},
	} {
		one, err := readTable(db, "SELECT * FROM "+t.table+" WHERE "+t.where, t.table, t.at, t.without)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.table, err)
		}
		if one.step = 1; len(one.rows) > 0 { // these records need not have links, for one
			h.tables = append(h.tables, one)
		}
	}
	// The program puts texts into search_tail first, and hundreds of them at once into the
	// index later, which its figures contain.
	search, err := readTable(db, fmt.Sprintf("SELECT place AS rowid, fold FROM search_tail WHERE catalog = %d AND place >> %d %s UNION ALL "+
		"SELECT rowid, fold FROM s_%d WHERE rowid BETWEEN %d AND %d", catalog, fieldBits, in, catalog, first<<fieldBits, (h.record+1)<<fieldBits-1),
		fmt.Sprintf("s_%d", catalog), "rowid", "")
	if err == nil && len(search.rows) == 0 {
		err = errors.New("no texts")
	}
	if err != nil {
		return nil, err
	}
	search.step = 1 << fieldBits
	h.tables = append(h.tables, search)
	return h, nil
}

// readTable reads the rows that a table is to have more of; the column without is given by
// the database.
func readTable(db *sql.DB, query, table, at, without string) (handTable, error) {
	rows, err := db.Query(query)
	if err != nil {
		return handTable{}, err
	}
	defer rows.Close()
	all, err := rows.Columns()
	if err != nil {
		return handTable{}, err
	}
	t := handTable{}
	var names []string
	var kept []int
	for i, name := range all {
		if name == without {
			continue
		}
		if name == at {
			t.at = len(names)
		}
		names, kept = append(names, name), append(kept, i)
	}
	for rows.Next() {
		values, into := make([]any, len(all)), make([]any, len(all))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return handTable{}, err
		}
		row := make([]any, len(kept))
		for i, k := range kept {
			row[i] = values[k]
		}
		t.rows = append(t.rows, row)
	}
	t.insert = "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	return t, rows.Err()
}

// batch writes the batch once more.
func (h *byHand) batch() error {
	tx, err := h.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of nothing after the commit
	for i := range h.tables {
		t := &h.tables[i]
		insert, err := tx.Prepare(t.insert)
		if err != nil {
			return err
		}
		for _, row := range t.rows {
			row[t.at] = row[t.at].(int64) + h.size*t.step
			if _, err := insert.Exec(row...); err != nil {
				return fmt.Errorf("%s: %w", t.insert, err)
			}
		}
		if err := insert.Close(); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (h *byHand) close() { _ = h.db.Close() }
