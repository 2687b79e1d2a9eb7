package store

import (
	"context"
	"errors"
)

// row is the current row of a query. Columns count from 0. A getter of another
// type than the column's converts as SQLite does (NULL is 0, "" or nil); asking
// a text for a number is not promised on PostgreSQL.
type row interface {
	Null(i int) bool
	// Int gives an integer or a boolean (0 or 1).
	Int(i int) int64
	Float(i int) float64
	// Bytes gives text or a blob; the slice is valid until the next row.
	Bytes(i int) []byte
	Str(i int) string
}

// errStop ends a query early when its each returns it; the query then gives nil.
var errStop = errors.New("store: enough rows")

// statement is one element of a batch.
type statement struct {
	SQL  string
	Args []any
	// Each receives the statement's rows; nil drops them.
	Each func(row) error
	// Refused is what a division by zero means, for a statement of PostgreSQL that
	// has one to keep those after it from being done, COMMIT among them.
	Refused error
}

// cachedSQL is the longest statement, in bytes, that is kept prepared. Longer
// ones come from large filters, are rarely the same twice, and would fill the
// memory.
const cachedSQL = 16 << 10

// conn runs SQL inside one transaction of an engine. It lives as long as the
// function it was given to and belongs to that function's goroutine.
//
// SQL marks parameters with ? on both databases. Arguments are nil, bool, int,
// int64, float64, string, []byte, []int64 or []float64 (see dialect.AnyInt), and []string
// in what only PostgreSQL runs. PostgreSQL takes a parameter's type from its
// place in the statement and accepts no other.
//
// After an error of a statement the transaction can only be given up: when fn
// swallows the error, the engine returns it all the same. (PostgreSQL aborts
// the transaction by itself; SQLite is made to behave alike.)
type conn interface {
	// Exec gives the number of rows inserted, updated or deleted.
	Exec(ctx context.Context, sql string, args ...any) (affected int64, err error)
	// Query calls each for every row. Inside each no other statement may run on
	// this conn: SQLite could, PostgreSQL cannot.
	Query(ctx context.Context, sql string, args []any, each func(row) error) error
	// ExecBatch runs statements in order, in one round trip on PostgreSQL, until
	// one fails.
	ExecBatch(ctx context.Context, batch []statement) error
	// Script runs several statements separated by semicolons; for migrations
	// and DDL, as nothing of it is cached.
	Script(ctx context.Context, sql string) error
	// Last tells that the next Query or ExecBatch is the last one: PostgreSQL
	// ends the transaction in the same round trip. In an Update it must be one
	// whose rows cannot make the caller change its mind, and fn gives nil when it
	// has succeeded.
	Last()
	// Bump raises the parts of the version row; see Version.
	Bump(ctx context.Context, what part) error
	Dialect() dialect
}

// execAll is for code that builds its statements in a slice.
func execAll(ctx context.Context, c conn, batch []statement) error {
	switch len(batch) {
	case 0:
		return nil
	case 1:
		return c.Query(ctx, batch[0].SQL, batch[0].Args, batch[0].Each)
	}
	return c.ExecBatch(ctx, batch)
}
