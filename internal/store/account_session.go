package store

import (
	"context"
	"slices"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

const (
	deleteSessions = `DELETE FROM sessions WHERE account = ?`
	// touchChunk is how many last uses are saved by one transaction.
	touchChunk = 1000
)

// CreateSession implements account.Store.
func (c *Control) CreateSession(ctx context.Context, s account.Session) error {
	return c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		err := hitAccount(ctx, tx, `UPDATE accounts SET last_login = ? WHERE id = ?`, s.Created.UnixMilli(), int64(s.Account))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO sessions (key, account, created, last_use, ip, way) VALUES (?, ?, ?, ?, ?, ?)`,
			s.Key[:], int64(s.Account), s.Created.UnixMilli(), s.LastUse.UnixMilli(), s.IP, s.Way)
		return err
	})
}

// Session implements account.Store.
func (c *Control) Session(ctx context.Context, key account.SessionKey) (account.Session, account.Account, error) {
	s, a := account.Session{}, account.Account{}
	err := c.view(ctx, func() { s, a = account.Session{}, account.Account{} },
		statement{
			SQL: `SELECT s.created, s.last_use, s.ip, s.way, ` + accountColumns + `
				FROM sessions s JOIN accounts a ON a.id = s.account WHERE s.key = ?`,
			Args: []any{key[:]},
			Each: func(r row) error {
				a = scanAccount(r, 4)
				s = account.Session{Key: key, Account: a.ID, Created: timeAt(r, 0), LastUse: timeAt(r, 1), IP: r.Str(2), Way: r.Str(3)}
				return nil
			},
		},
		statement{
			SQL:  `SELECT l.company, l.employee FROM sessions s JOIN links l ON l.account = s.account WHERE s.key = ? ORDER BY l.company`,
			Args: []any{key[:]},
			Each: func(r row) error {
				a.Links = append(a.Links, scanLink(r, 0))
				return nil
			},
		})
	if err == nil && s.Account == 0 {
		err = fault.New(fault.NotFound, "there is no such session")
	}
	return s, a, err
}

// TouchSessions implements account.Store.
func (c *Control) TouchSessions(ctx context.Context, touches []account.Touch) error {
	for chunk := range slices.Chunk(touches, touchChunk) {
		batch := make([]statement, 0, len(chunk))
		for _, t := range chunk {
			at := t.At.UnixMilli()
			batch = append(batch, do(`UPDATE sessions SET last_use = ? WHERE key = ? AND last_use < ?`, at, t.Key[:], at))
		}
		err := c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error { return execAll(ctx, tx, batch) })
		if err != nil {
			return err
		}
	}
	return nil
}

// EndSession implements account.Store.
func (c *Control) EndSession(ctx context.Context, key account.SessionKey) error {
	return c.update(ctx, do(`DELETE FROM sessions WHERE key = ?`, key[:]))
}

// EndSessions implements account.Store.
func (c *Control) EndSessions(ctx context.Context, id account.ID) error {
	return c.update(ctx, do(deleteSessions, int64(id)))
}

// PruneSessions implements account.Store.
func (c *Control) PruneSessions(ctx context.Context, before time.Time) error {
	return c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE last_use < ?`, before.UnixMilli())
		return err
	})
}

// Attempt implements account.Store.
func (c *Control) Attempt(ctx context.Context, key, ip string) (account.Attempt, error) {
	var found accounts
	var pair, total account.Failures
	batch := append(found.statements(`a.key = ?`, key), statement{
		SQL:  `SELECT ip, failed, last_at FROM login_failures WHERE login = ? AND ip IN (?, '') ORDER BY ip`,
		Args: []any{key, ip},
		Each: func(r row) error {
			f := account.Failures{Count: int(r.Int(1)), Last: timeAt(r, 2)}
			if r.Str(0) == "" {
				total = f
			} else {
				pair = f
			}
			return nil
		},
	})
	err := c.view(ctx, func() { found, pair, total = accounts{}, account.Failures{}, account.Failures{} }, batch...)
	known := account.Attempt{Pair: pair, Total: total}
	if len(found.list) > 0 {
		known.Account = &found.list[0]
	}
	return known, err
}

// AddFailure implements account.Store.
func (c *Control) AddFailure(ctx context.Context, key, ip string, at time.Time) (pair, total account.Failures, err error) {
	err = c.update(ctx, countFailure(key, ip, at, &pair), countFailure(key, "", at, &total))
	return pair, total, err
}

func countFailure(key, ip string, at time.Time, into *account.Failures) statement {
	return statement{
		SQL: `INSERT INTO login_failures (login, ip, failed, last_at) VALUES (?, ?, 1, ?)
			ON CONFLICT (login, ip) DO UPDATE SET failed = login_failures.failed + 1, last_at = excluded.last_at
			RETURNING failed, last_at`,
		Args: []any{key, ip, at.UnixMilli()},
		Each: func(r row) error {
			*into = account.Failures{Count: int(r.Int(0)), Last: timeAt(r, 1)}
			return nil
		},
	}
}

// ForgetFailures implements account.Store.
func (c *Control) ForgetFailures(ctx context.Context, key, ip string) error {
	return c.update(ctx, do(`DELETE FROM login_failures WHERE login = ? AND ip IN (?, '')`, key, ip))
}

// ForgetLogin implements account.Store.
func (c *Control) ForgetLogin(ctx context.Context, key string) error {
	return c.update(ctx, do(`DELETE FROM login_failures WHERE login = ?`, key))
}

// PruneFailures implements account.Store. Rows as old as the newest that must
// go go too.
func (c *Control) PruneFailures(ctx context.Context, keep int) error {
	return c.engine.Update(ctx, updateOptions{Class: classJob}, func(tx conn) error {
		_, err := tx.Exec(ctx, `DELETE FROM login_failures WHERE last_at <=
			(SELECT last_at FROM login_failures ORDER BY last_at DESC LIMIT 1 OFFSET ?)`, keep)
		return err
	})
}
