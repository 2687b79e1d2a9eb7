package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresConn is one transaction on a connection of the pool.
type postgresConn struct {
	engine *postgresEngine
	raw    *pgx.Conn
	// failed is the first error of a statement; see conn.
	failed error
	// opening are the statements that begin the transaction and have not been
	// sent: they travel with the first batch or query.
	opening []statement
	// last is set when the next batch is to end the transaction, and ended when
	// one has. unsure is set when nobody knows whether one has: the connection
	// broke. repeats tells that this is no matter, as all may be done again, and
	// that a transaction of one batch, which the server begins and ends by itself,
	// will do: it has one snapshot (see defaultIsolation).
	last, ended, unsure, repeats bool
	// doubtful is set when that failed as a whole: the structure may have changed.
	doubtful bool
}

func (c *postgresConn) Dialect() dialect { return postgresDialect{} }

func (c *postgresConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := c.ready(ctx); err != nil {
		return 0, err
	}
	tag, err := c.raw.Exec(ctx, c.engine.sql.rewrite(sql), args...)
	if err != nil {
		return 0, c.fail(sql, err)
	}
	return tag.RowsAffected(), nil
}

func (c *postgresConn) Query(ctx context.Context, sql string, args []any, each func(row) error) error {
	if (c.opening != nil || c.last) && len(sql) <= cachedSQL {
		return c.ExecBatch(ctx, []statement{{SQL: sql, Args: args, Each: each}})
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if len(sql) > cachedSQL {
		args = append([]any{pgx.QueryExecModeDescribeExec}, args...)
	}
	rows, err := c.raw.Query(ctx, c.engine.sql.rewrite(sql), args...)
	if err != nil {
		return c.fail(sql, err)
	}
	own, err := scanRows(rows, each)
	if err != nil {
		return c.fail(sql, err)
	}
	return own
}

func (c *postgresConn) ExecBatch(ctx context.Context, batch []statement) error {
	if c.failed != nil {
		return c.failed
	}
	if c.ended {
		return c.fail("batch", errEnded)
	}
	return c.send(ctx, batch, c.last)
}

// send runs statements and those that begin the transaction if nothing has, and
// ends it.
func (c *postgresConn) send(ctx context.Context, batch []statement, ends bool) error {
	opens := c.opening != nil
	implicit := opens && ends && c.repeats
	if opens {
		if implicit {
			c.opening = c.opening[1:] // BEGIN
		}
		batch, c.opening = append(c.opening, batch...), nil
	}
	if implicit && len(batch) == 0 {
		c.ended = true
		return nil
	}
	var queue pgx.Batch
	for i := range batch {
		queue.Queue(c.engine.sql.rewrite(batch[i].SQL), batch[i].Args...)
	}
	if ends && !implicit {
		queue.Queue("COMMIT")
	}
	results := c.raw.SendBatch(ctx, &queue)
	for i := range batch {
		rows, err := results.Query()
		var own error
		if err == nil {
			own, err = scanRows(rows, batch[i].Each)
		}
		if err != nil {
			_ = results.Close() // repeats err
			return c.failIn(&batch[i], err, opens, ends)
		}
		if own != nil && i == len(batch)-1 && !ends {
			_ = results.Close()
			return own
		}
		if own != nil {
			return c.drop(results, own)
		}
	}
	if err := results.Close(); err != nil {
		c.unsure = ends && !c.repeats
		return c.fail("batch", err)
	}
	c.ended = ends
	return nil
}

// failIn is fail for a statement of a batch that opens or ends the transaction.
func (c *postgresConn) failIn(s *statement, err error, opens, ends bool) error {
	pg := (*pgconn.PgError)(nil)
	answered := errors.As(err, &pg)
	if answered && s.Refused != nil && pg.Code == divisionByZero {
		return c.fail(s.SQL, s.Refused)
	}
	c.doubtful = opens
	c.unsure = ends && !answered && !c.repeats // the server stops before COMMIT when it gives an error
	return c.fail(s.SQL, err)
}

const divisionByZero = "22012"

// errEnded is a mistake of the caller: a statement after what it called the last.
var errEnded = errors.New("store: the transaction has ended")

// Last implements conn.
func (c *postgresConn) Last() { c.last = true }

// ready tells whether a statement may run, and begins the transaction.
func (c *postgresConn) ready(ctx context.Context) error {
	if c.failed == nil && c.ended {
		return c.fail("statement", errEnded)
	}
	return c.open(ctx, false)
}

// drop ends a batch whose caller wants no more of it. Later statements may have
// run already, so the transaction must not be committed.
func (c *postgresConn) drop(results pgx.BatchResults, own error) error {
	_ = results.Close()
	c.failed = own
	return own
}

// open begins the transaction if nothing has, and then ends it if that is all;
// it gives the request's error.
func (c *postgresConn) open(ctx context.Context, all bool) error {
	if c.failed == nil && c.opening != nil {
		return c.send(ctx, nil, all)
	}
	return c.failed
}

func (c *postgresConn) Script(ctx context.Context, sql string) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if _, err := c.raw.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return c.fail(sql, err)
	}
	return nil
}

func (c *postgresConn) Bump(ctx context.Context, what part) error {
	return c.ExecBatch(ctx, []statement{
		{SQL: bumpVersion, Args: what.increments()},
		{SQL: "SELECT pg_notify(?, '')", Args: []any{c.engine.channel}},
	})
}

func (c *postgresConn) fail(sql string, err error) error {
	c.failed = fmt.Errorf("%s: %w", brief(sql), err)
	return c.failed
}

// scanRows reads rows to their end. own is the error of each, err the database's.
func scanRows(rows pgx.Rows, each func(row) error) (own, err error) {
	defer rows.Close()
	r := postgresRow{types: rows.TypeMap()}
	for rows.Next() {
		if each == nil {
			continue
		}
		r.values, r.fields = rows.RawValues(), rows.FieldDescriptions()
		if own = each(&r); own != nil {
			break
		}
	}
	rows.Close()
	if own == errStop {
		own = nil
	}
	return own, rows.Err()
}
