package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
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
	// one has. endable tells that one may: not an update that expects a version,
	// for which it is too late to find another one in the batch.
	last, ended, endable bool
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
	opens, ends := c.opening != nil, c.last && len(batch) > 0
	if opens {
		batch, c.opening = append(c.opening, batch...), nil
	}
	var queue pgx.Batch
	for i := range batch {
		queue.Queue(c.engine.sql.rewrite(batch[i].SQL), batch[i].Args...)
	}
	if ends {
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
			c.doubtful = opens
			return c.fail(batch[i].SQL, err)
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
		return c.fail("batch", err)
	}
	c.ended = ends
	return nil
}

// errEnded is a mistake of the caller: a statement after what it called the last.
var errEnded = errors.New("store: the transaction has ended")

// Last implements conn.
func (c *postgresConn) Last() { c.last = c.endable }

// ready tells whether a statement may run, and begins the transaction.
func (c *postgresConn) ready(ctx context.Context) error {
	if c.failed == nil && c.ended {
		return c.fail("statement", errEnded)
	}
	return c.open(ctx)
}

// drop ends a batch whose caller wants no more of it. Later statements may have
// run already, so the transaction must not be committed.
func (c *postgresConn) drop(results pgx.BatchResults, own error) error {
	_ = results.Close()
	c.failed = own
	return own
}

// open begins the transaction if nothing has; it gives the request's error.
func (c *postgresConn) open(ctx context.Context) error {
	if c.failed == nil && c.opening != nil {
		return c.ExecBatch(ctx, nil)
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
