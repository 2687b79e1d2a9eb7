package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Identity tells a database from its copies: some parts that a copy does not share,
// those that are known. The zero value is that of a database of which nothing is.
//
//	sqlite    born: when the company's file came into being
//	postgres  system: the cluster's system identifier; database, schema: their oids
//
// A file that is moved within its file system stays the same, as does a database on
// a replica that is promoted. See docs/adr/0023.
type Identity map[string]string

// Text is the form that is stored, "" for nothing known.
func (i Identity) Text() string {
	var parts []string
	for _, name := range []string{"born", "system", "database", "schema"} {
		if v := i[name]; v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// ParseIdentity reads what Text gave.
func ParseIdentity(text string) Identity {
	i := Identity{}
	for _, part := range strings.Fields(text) {
		name, value, _ := strings.Cut(part, "=")
		i[name] = value
	}
	return i
}

// Differs tells that both are known not to be the same database. What is known of
// one only says nothing.
func (i Identity) Differs(other Identity) bool {
	for name, v := range i {
		if o := other[name]; v != "" && o != "" && v != o {
			return true
		}
	}
	return false
}

// Identity is that of the company's database.
func (s *Company) Identity(ctx context.Context) (Identity, error) {
	i, err := s.engine.Identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the identity of the database: %w", err)
	}
	return i, nil
}

func (e *sqliteEngine) Identity(context.Context) (Identity, error) {
	born, err := bornAt(e.path)
	return Identity{"born": born}, err
}

// Identity of a role that may not read the cluster's identifier lacks that part.
func (e *postgresEngine) Identity(ctx context.Context) (Identity, error) {
	i := Identity{}
	for _, part := range []struct {
		sql, name string
		args      []any
	}{
		{"SELECT system_identifier::text FROM pg_control_system()", "system", nil},
		{"SELECT oid::text FROM pg_database WHERE datname = current_database()", "database", nil},
		{"SELECT ?::regnamespace::oid::text", "schema", []any{pgx.Identifier{e.schema}.Sanitize()}},
	} {
		err := e.View(ctx, nil, func(c conn) error {
			return c.Query(ctx, part.sql, part.args, func(r row) error {
				i[part.name] = r.Str(0)
				return nil
			})
		})
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == insufficientPrivilege && part.name == "system" {
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	return i, nil
}

const insufficientPrivilege = "42501"

// NoteIdentity keeps the identity of a company's database, and tells whether the one
// that was kept is another's: then the databases are a copy. The caller calls act
// before that is forgotten; act may be called again at the next start.
func (c *Control) NoteIdentity(ctx context.Context, company int64, now Identity, act func() error) (copied bool, err error) {
	name, kept := fmt.Sprintf("identity_%d", company), ""
	read := statement{SQL: `SELECT value FROM settings WHERE name = ?`, Args: []any{name}, Each: func(r row) error {
		kept = r.Str(0)
		return nil
	}}
	if err := c.view(ctx, func() { kept = "" }, read); err != nil {
		return false, fmt.Errorf("read the identity of the database: %w", err)
	}
	if copied = ParseIdentity(kept).Differs(now); copied {
		if err := act(); err != nil {
			return true, err
		}
	}
	if text := now.Text(); text != "" && text != kept {
		err = c.update(ctx, do(`INSERT INTO settings (name, value) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, text))
	}
	if err != nil {
		return copied, fmt.Errorf("keep the identity of the database: %w", err)
	}
	return copied, nil
}
