package store

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// tables is what the databases say differently about a company's tables.
type tables interface {
	// Create makes the tables of a catalog.
	Create(c query.Catalog) string
	// Columns is a query for the names of a table's columns.
	Columns() string
	// Type is the type of a column of a record table.
	Type(c column) string

	// InsertSearch takes what SearchArgs gives. There is no such row, or
	// DeleteSearch has dropped it.
	InsertSearch(c query.Catalog) string
	// LoadSearch is InsertSearch for new records by the hundreds: it does at once
	// what otherwise follows later (see searchTail). All of a batch come last.
	LoadSearch(c query.Catalog) string
	SearchArgs(r query.Record, slot int, fold string) []any
	// DeleteSearch drops the rows of a record with slots from first to last; it
	// takes what SlotArgs gives, then the arguments of the further condition also
	// (" AND ...", or "").
	DeleteSearch(c query.Catalog, also string) string
	SlotArgs(r query.Record, first, last int) []any
	// PurgeSearch drops the rows of all records with slots from first to last.
	PurgeSearch(c query.Catalog, first, last int) []statement
	// EmptySearch drops all rows.
	EmptySearch(c query.Catalog) string
	// SearchRows is a query for record, slot and fold of the rows of the records
	// that RecordArgs gives, from first up to and with last.
	SearchRows(c query.Catalog) string
	RecordArgs(first, last query.Record) []any

	// InsertWhole is one statement that does what row, an INSERT of a record, and
	// all that insert what belongs to a new record do (see writes.whole), with a
	// history entry or without; "" where each table takes its own.
	InsertWhole(c query.Catalog, row string, history bool) string
	// MustReturn makes a statement divide by zero that returns no row, where it
	// would be too late to look at the rows (see statement.Refused).
	MustReturn(sql string) string
	// Together is one statement of INSERTs into different tables, which takes the
	// arguments of all; "" where each takes its own.
	Together(inserts ...string) string

	// InsertRefs adds the targets of a []int64 in their order: field, record, targets.
	InsertRefs() string
	// ReplaceRefs is InsertRefs where rows with those positions may exist.
	ReplaceRefs() string
	// List is the aggregate of the targets of refs, by position, as the bytes
	// of a list column (catalog.AppendList).
	List() string
	// ListOf is the list of one integer expression.
	ListOf(expr string) string

	// Reindex builds the indexes of all tables anew; "" when the database is
	// not for the program to repair.
	Reindex(all []query.Catalog) string
	// HasIndex is a query that has a row if there is an index of that name that
	// can be used.
	HasIndex() string
	// IndexNames is a query for the names of all indexes over fields.
	IndexNames() string
	// IndexSize is a query for the bytes of an index by its name.
	IndexSize() string
	// Patience lets the transaction's statements take their time.
	Patience() string
}

// tablesOf gives the tables of the database that d is the dialect of.
func tablesOf(d dialect) tables {
	if d.Name() == "postgres" {
		return postgresTables{trigrams: "public"}
	}
	return sqliteTables{}
}

type sqliteTables struct{}

// createSearch makes a search table. Search rows are folded before they come, so
// the index is told to compare bytes. Their text is kept in the table: searches
// of one or two characters scan it, and hits are compared with it. Segments are
// merged by eights, not fours: those that this leaves are merged in quiet times.
const createSearch = `CREATE VIRTUAL TABLE {s} USING fts5(fold, tokenize = 'trigram case_sensitive 1', columnsize = 0);
	INSERT INTO {s} ({s}, rank) VALUES ('automerge', 8);`

func (sqliteTables) Create(c query.Catalog) string {
	return fill(`CREATE TABLE {r} (
			id INTEGER PRIMARY KEY,
			code TEXT,
			created INTEGER NOT NULL,
			updated INTEGER NOT NULL,
			version INTEGER NOT NULL);
		CREATE UNIQUE INDEX u_{n} ON {r} (code) WHERE code IS NOT NULL;
		`+createSearch, c)
}

func (sqliteTables) Columns() string { return `SELECT name FROM pragma_table_info(?)` }

func (sqliteTables) Type(c column) string {
	switch c.storage {
	case catalog.FloatStorage:
		return "REAL"
	case catalog.WholeStorage, catalog.TimeStorage, catalog.BoolStorage, catalog.ItemStorage:
		return "INTEGER"
	case catalog.ItemsStorage, catalog.LinksStorage:
		return "BLOB"
	}
	if c.key {
		return "BLOB"
	}
	return "TEXT"
}

func (sqliteTables) InsertSearch(c query.Catalog) string {
	return fill(`INSERT INTO search_tail (catalog, place, fold) VALUES ({n}, ?, ?)
		ON CONFLICT (catalog, place) DO UPDATE SET fold = excluded.fold`, c)
}

func (sqliteTables) LoadSearch(c query.Catalog) string {
	return fill(`INSERT INTO {s} (rowid, fold) VALUES (?, ?)`, c)
}

func (sqliteTables) SearchArgs(r query.Record, slot int, fold string) []any {
	return []any{searchRowID(r, slot), fold}
}

// DeleteSearch leaves rows without a text in the tail, which hide those of the
// index until they are taken out of it.
func (sqliteTables) DeleteSearch(c query.Catalog, also string) string {
	return fill(`INSERT INTO search_tail (catalog, place)
		SELECT {n}, place FROM (SELECT rowid AS place FROM {s} WHERE rowid BETWEEN ?1 AND ?2
			UNION SELECT place FROM search_tail WHERE catalog = {n} AND place BETWEEN ?1 AND ?2) WHERE TRUE`+also+`
		ON CONFLICT (catalog, place) DO UPDATE SET fold = NULL`, c)
}

func (sqliteTables) SlotArgs(r query.Record, first, last int) []any {
	return []any{searchRowID(r, first), searchRowID(r, last)}
}

func (sqliteTables) PurgeSearch(c query.Catalog, first, last int) []statement {
	args := []any{first, last}
	return []statement{
		{SQL: fill(`DELETE FROM {s} WHERE (rowid & 65535) BETWEEN ? AND ?`, c), Args: args},
		{SQL: fill(`DELETE FROM search_tail WHERE catalog = {n} AND (place & 65535) BETWEEN ? AND ?`, c), Args: args},
	}
}

// EmptySearch makes the table anew: rows would be taken out of the index one
// by one.
func (sqliteTables) EmptySearch(c query.Catalog) string {
	return fill(`DELETE FROM search_tail WHERE catalog = {n};
		DROP TABLE {s};
		`+createSearch, c)
}

func (sqliteTables) SearchRows(c query.Catalog) string {
	return fill(`SELECT rowid >> 16, rowid & 65535, fold FROM {s} WHERE rowid BETWEEN ?1 AND ?2`+notInTail+`
		UNION ALL SELECT place >> 16, place & 65535, fold FROM search_tail
		WHERE catalog = {n} AND place BETWEEN ?1 AND ?2 AND fold IS NOT NULL`, c)
}

func (sqliteTables) RecordArgs(first, last query.Record) []any {
	return []any{searchRowID(first, 0), searchRowID(last, 1<<slotBits-1)}
}

func (sqliteTables) InsertWhole(query.Catalog, string, bool) string { return "" }

func (sqliteTables) Together(...string) string { return "" }

func (sqliteTables) MustReturn(sql string) string { return sql }

func (sqliteTables) InsertRefs() string {
	return `INSERT INTO refs (field, record, position, target) SELECT ?, ?, key, value FROM json_each(?)`
}

func (t sqliteTables) ReplaceRefs() string {
	return t.InsertRefs() + ` WHERE TRUE ` + replaceTarget
}

func (sqliteTables) List() string {
	return `unhex(group_concat(printf('%016x', target), '' ORDER BY position))`
}

func (sqliteTables) ListOf(expr string) string { return `unhex(printf('%016x', ` + expr + `))` }

func (sqliteTables) Reindex(all []query.Catalog) string {
	sql := "REINDEX;"
	for _, c := range all {
		sql += fill(`INSERT INTO {s} ({s}) VALUES ('rebuild');`, c)
	}
	return sql
}

func (sqliteTables) HasIndex() string {
	return `SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?`
}

func (sqliteTables) IndexNames() string {
	return `SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'i_[0-9]*'`
}

func (sqliteTables) IndexSize() string {
	return `SELECT pgsize FROM dbstat WHERE name = ? AND aggregate = TRUE`
}

func (sqliteTables) Patience() string { return "" }

// postgresTables knows in which schema the extension pg_trgm is.
type postgresTables struct{ trigrams string }

// ownRelation is the table or index of that name in the company's schema: the
// search path has another one.
const ownRelation = `to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?))`

// Records leave room in their pages, so that a change that touches no index
// stays in the page (a HOT update).
func (t postgresTables) Create(c query.Catalog) string {
	class := pgx.Identifier{t.trigrams, "gin_trgm_ops"}.Sanitize()
	return fill(`CREATE TABLE {r} (
			id bigint PRIMARY KEY,
			code text COLLATE "C",
			created bigint NOT NULL,
			updated bigint NOT NULL,
			version bigint NOT NULL) WITH (fillfactor = 85);
		CREATE UNIQUE INDEX u_{n} ON {r} (code) WHERE code IS NOT NULL;
		CREATE TABLE {s} (
			record bigint NOT NULL,
			slot bigint NOT NULL,
			fold text NOT NULL,
			PRIMARY KEY (record, slot));
		CREATE INDEX t_{n} ON {s} USING gin (fold `+class+`);
		CREATE SEQUENCE {q} AS bigint MINVALUE 1;`, c)
}

func (postgresTables) Columns() string {
	return `SELECT attname::text FROM pg_attribute WHERE attrelid = ` + ownRelation + ` AND attnum > 0 AND NOT attisdropped`
}

func (postgresTables) Type(c column) string {
	switch c.storage {
	case catalog.FloatStorage:
		return "double precision"
	case catalog.WholeStorage, catalog.TimeStorage, catalog.BoolStorage, catalog.ItemStorage:
		return "bigint"
	case catalog.ItemsStorage, catalog.LinksStorage:
		return "bytea"
	}
	if c.key {
		return "bytea"
	}
	return "text"
}

func (postgresTables) InsertSearch(c query.Catalog) string {
	return fill(`INSERT INTO {s} (record, slot, fold) VALUES (?, ?, ?)`, c)
}

func (t postgresTables) LoadSearch(c query.Catalog) string { return t.InsertSearch(c) }

func (postgresTables) SearchArgs(r query.Record, slot int, fold string) []any {
	return []any{int64(r), slot, fold}
}

func (postgresTables) DeleteSearch(c query.Catalog, also string) string {
	return fill(`DELETE FROM {s} WHERE record = ? AND slot BETWEEN ? AND ?`, c) + also
}

func (postgresTables) SlotArgs(r query.Record, first, last int) []any {
	return []any{int64(r), first, last}
}

func (postgresTables) PurgeSearch(c query.Catalog, first, last int) []statement {
	return []statement{{SQL: fill(`DELETE FROM {s} WHERE slot BETWEEN ? AND ?`, c), Args: []any{first, last}}}
}

func (postgresTables) EmptySearch(c query.Catalog) string { return fill(`DELETE FROM {s}`, c) }

func (postgresTables) SearchRows(c query.Catalog) string {
	return fill(`SELECT record, slot, fold FROM {s} WHERE record BETWEEN ? AND ?`, c)
}

func (postgresTables) RecordArgs(first, last query.Record) []any {
	return []any{int64(first), int64(last)}
}

func (postgresTables) InsertRefs() string {
	return `INSERT INTO refs (field, record, position, target)
		SELECT ?::bigint, ?::bigint, place - 1, target
		FROM unnest(?::bigint[]) WITH ORDINALITY AS list (target, place)`
}

func (t postgresTables) ReplaceRefs() string { return t.InsertRefs() + ` ` + replaceTarget }

func (postgresTables) List() string {
	return `string_agg(int8send(target), ''::bytea ORDER BY position)`
}

func (postgresTables) ListOf(expr string) string { return `int8send(` + expr + `)` }

func (postgresTables) Reindex([]query.Catalog) string { return "" }

func (postgresTables) HasIndex() string {
	return `SELECT 1 FROM pg_index WHERE indexrelid = ` + ownRelation + ` AND indisvalid`
}

func (postgresTables) IndexNames() string {
	return `SELECT relname::text FROM pg_class WHERE relkind = 'i' AND relname ~ '^i_[0-9]'
		AND relnamespace = quote_ident(current_schema())::regnamespace`
}

func (postgresTables) IndexSize() string { return `SELECT pg_relation_size(` + ownRelation + `)` }

func (postgresTables) Patience() string { return `SET LOCAL statement_timeout = 0` }

const replaceTarget = `ON CONFLICT (field, record, position)
	DO UPDATE SET target = excluded.target WHERE refs.target <> excluded.target`

// fill puts the names of a catalog's tables into a statement: {r}, {s}, its
// sequence {q}, and the number {n}.
func fill(sql string, c query.Catalog) string {
	return strings.NewReplacer("{r}", recordTable(c), "{s}", searchTable(c),
		"{q}", numberSequence(c), "{n}", numbered("", int64(c))).Replace(sql)
}
