package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kartoteka/internal/catalog"
)

// tendPoll is how often a waiting call of Tend looks for the lock.
const tendPoll = 100 * time.Millisecond

// Tend has a connection of its own, which keeps the lock and whose end gives it
// back. Work takes long, and must not take one from the pool.
func (e *postgresEngine) Tend(ctx context.Context, key int64, wait bool, fn func(outside) error) error {
	c, err := pgx.ConnectConfig(ctx, e.apart())
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		_ = c.Close(end) // the lock goes with the connection, however it ends
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	if _, err := c.Exec(ctx, "SET statement_timeout = 0"); err != nil {
		return outward(ctx, err)
	}
	lock := hashKey(e.schema, key)
	if err := tendLock(ctx, c, lock, wait); err != nil {
		return outward(ctx, err)
	}
	defer func() { // a server takes its time to notice the end of a connection
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		_, _ = c.Exec(end, "SELECT pg_advisory_unlock($1)", lock)
	}()
	return fn(func(ctx context.Context, sql string) error {
		if _, err := c.Exec(ctx, sql); err != nil {
			return outward(ctx, fmt.Errorf("%s: %w", brief(sql), err))
		}
		return nil
	})
}

// tendLock asks again and again: a statement that waits would have a snapshot,
// for whose end CREATE INDEX CONCURRENTLY in the other session would wait.
func tendLock(ctx context.Context, c *pgx.Conn, key int64, wait bool) error {
	for {
		var locked bool
		if err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&locked); err != nil || locked {
			return err
		}
		if !wait {
			return catalog.ErrBusy
		}
		select {
		case <-time.After(tendPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
