package store

import (
	"context"
	"fmt"

	"kartoteka/internal/fault"
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
