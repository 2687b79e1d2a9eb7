package store

import (
	"context"
	"fmt"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// trigramLock is the advisory lock of nodes that add the extension; it is one
// for the whole database, not of a schema.
const trigramLock = 0x6b61727474726772

// OpenPostgres opens the company's schema of the database at dsn, or makes it,
// and brings it to this program's schema. It fails with ErrNewer when a newer
// program was there.
func OpenPostgres(ctx context.Context, dsn, schema string, o Options) (*Company, error) {
	e, err := openPostgres(ctx, dsn, schema, o.Connections)
	if err != nil {
		return nil, err
	}
	s, err := openCompany(ctx, e, o)
	if err != nil {
		return nil, err
	}
	trigrams, err := addTrigrams(ctx, e)
	if err != nil {
		_ = s.Close() // the reason is the error before
		return nil, err
	}
	s.tables = postgresTables{trigrams: trigrams}
	return s, nil
}

// InsertWhole has lists in arrays of the same length. The parts run in no
// promised order, which nobody sees: the record is new.
func (t postgresTables) InsertWhole(c query.Catalog, row string, history bool) string {
	parts := []string{
		row,
		`INSERT INTO refs (field, record, position, target)
			SELECT unnest(?::bigint[]), ?::bigint, unnest(?::bigint[]), unnest(?::bigint[])`,
		fill(`INSERT INTO {s} (record, slot, fold) SELECT ?::bigint, unnest(?::bigint[]), unnest(?::text[])`, c),
		insertTime + ` SELECT unnest(?::bigint[]), ?::bigint, unnest(?::bigint[]), ?::bigint` + enteredAgain,
		insertTitle + titleRow,
		insertChange + changeRow,
	}
	if history {
		parts = append(parts, insertHistory+historyRow)
	}
	return t.Together(parts...)
}

func (postgresTables) Together(inserts ...string) string {
	var sql strings.Builder
	last := len(inserts) - 1
	for i, insert := range inserts[:last] {
		sql.WriteString([]string{"WITH ", ", "}[min(i, 1)])
		sql.WriteString(numbered("part_", int64(i)) + " AS (" + insert + ")")
	}
	sql.WriteString(" " + inserts[last])
	return sql.String()
}

func (postgresTables) MustReturn(sql string) string {
	return `WITH returned AS (` + sql + `) SELECT 1 / count(*) FROM returned`
}

// addTrigrams makes sure that the database has the extension pg_trgm and gives
// its schema. An extension is shared by all schemas of a database, so a new one
// goes to public; on many servers only an administrator may add it.
func addTrigrams(ctx context.Context, e engine) (schema string, err error) {
	if schema, err = trigramSchema(ctx, e); err != nil || schema != "" {
		return schema, err
	}
	err = e.Update(ctx, updateOptions{}, func(c conn) error {
		return c.Script(ctx, fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d);
			CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public`, trigramLock))
	})
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable,
			"The PostgreSQL database needs the extension pg_trgm: an administrator adds it with CREATE EXTENSION pg_trgm SCHEMA public")
	}
	return trigramSchema(ctx, e)
}

func trigramSchema(ctx context.Context, e engine) (schema string, err error) {
	err = e.View(ctx, nil, func(c conn) error {
		return c.Query(ctx, `SELECT n.nspname::text FROM pg_extension x
			JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_trgm'`, nil,
			func(r row) error {
				schema = r.Str(0)
				return nil
			})
	})
	if err != nil {
		return "", fmt.Errorf("look for the extension pg_trgm: %w", err)
	}
	return schema, nil
}
