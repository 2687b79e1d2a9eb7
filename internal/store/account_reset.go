package store

import (
	"context"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

const deleteResets = `DELETE FROM resets WHERE account = ?`

// CreateReset implements account.Store.
func (c *Control) CreateReset(ctx context.Context, id account.ID, hash account.TokenHash, expires time.Time) error {
	return c.update(ctx, do(`INSERT INTO resets (hash, account, expires) VALUES (?, ?, ?)`, hash[:], int64(id), expires.UnixMilli()))
}

// Reset implements account.Store.
func (c *Control) Reset(ctx context.Context, hash account.TokenHash, now time.Time) (id account.ID, err error) {
	err = c.view(ctx, func() { id = 0 }, statement{
		SQL:  `SELECT account FROM resets WHERE hash = ? AND expires > ?`,
		Args: []any{hash[:], now.UnixMilli()},
		Each: func(r row) error { id = account.ID(r.Int(0)); return nil },
	})
	if err == nil && id == 0 {
		err = errNoReset()
	}
	return id, err
}

func errNoReset() error { return fault.New(fault.NotFound, "there is no such link") }

// UseReset implements account.Store.
func (c *Control) UseReset(ctx context.Context, hash account.TokenHash, now time.Time, password string) (id account.ID, err error) {
	err = c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		id = 0
		err := tx.Query(ctx, `DELETE FROM resets WHERE hash = ? AND expires > ? RETURNING account`, []any{hash[:], now.UnixMilli()},
			func(r row) error { id = account.ID(r.Int(0)); return nil })
		if err != nil {
			return err
		}
		if id == 0 {
			return errNoReset()
		}
		return setPassword(ctx, tx, id, password)
	})
	return id, err
}

// PruneResets implements account.Store.
func (c *Control) PruneResets(ctx context.Context, before time.Time) error {
	return c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM resets WHERE expires <= ?`, before.UnixMilli())
		return err
	})
}
