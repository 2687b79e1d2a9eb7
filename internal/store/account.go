package store

import (
	"context"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

const accountColumns = `a.id, a.login, a.name, a.password, a.created, a.last_login, a.sessions_from, a.request_limit, a.request_interval`

// scanAccount reads accountColumns, which begin at column i.
func scanAccount(r row, i int) account.Account {
	return account.Account{
		ID:              account.ID(r.Int(i)),
		Login:           r.Str(i + 1),
		Name:            r.Str(i + 2),
		Password:        r.Str(i + 3),
		Created:         timeAt(r, i+4),
		LastLogin:       timeAt(r, i+5),
		SessionsFrom:    timeAt(r, i+6),
		RequestLimit:    int(r.Int(i + 7)),
		RequestInterval: time.Duration(r.Int(i+8)) * time.Millisecond,
	}
}

func errNoAccount() error { return fault.New(fault.NotFound, "there is no such account") }

// Account implements account.Store.
func (c *Control) Account(ctx context.Context, id account.ID) (account.Account, error) {
	return c.account(ctx, `a.id = ?`, int64(id))
}

// AccountByLogin implements account.Store.
func (c *Control) AccountByLogin(ctx context.Context, key string) (account.Account, error) {
	return c.account(ctx, `a.key = ?`, key)
}

// AccountOfEmployee implements account.Store.
func (c *Control) AccountOfEmployee(ctx context.Context, company account.CompanyID, employee int64) (account.Account, error) {
	return c.account(ctx, "a.id = (SELECT account FROM links WHERE company = ? AND employee = ?)", int64(company), employee)
}

func (c *Control) account(ctx context.Context, where string, args ...any) (account.Account, error) {
	var found accounts
	if err := c.view(ctx, found.reset, found.statements(where, args...)...); err != nil {
		return account.Account{}, err
	}
	if len(found.list) == 0 {
		return account.Account{}, errNoAccount()
	}
	return found.list[0], nil
}

// Accounts implements account.Store.
func (c *Control) Accounts(ctx context.Context) ([]account.Account, error) {
	var found accounts
	err := c.view(ctx, found.reset, found.statements(`a.id > ?`, int64(0))...)
	return found.list, err
}

// Uses implements account.Store.
func (c *Control) Uses(ctx context.Context) (list []account.Use, err error) {
	err = c.view(ctx, func() { list = nil }, statement{
		SQL: `SELECT a.id, (SELECT failed FROM login_failures WHERE login = a.key AND ip = ''),
				(SELECT MAX(last_use) FROM sessions WHERE account = a.id),
				(SELECT MAX(last_use) FROM tokens WHERE account = a.id)
			FROM accounts a ORDER BY a.id`,
		Each: func(r row) error {
			u := account.Use{Account: account.ID(r.Int(0)), Last: timeAt(r, 2)}
			if !r.Null(1) {
				u.Failed = int(r.Int(1))
			}
			if t := timeAt(r, 3); t.After(u.Last) {
				u.Last = t
			}
			list = append(list, u)
			return nil
		},
	})
	return list, err
}

// accounts collects accounts and their links, in the order of ids.
type accounts struct {
	list []account.Account
	at   int // where the last link went
}

func (f *accounts) reset() { *f = accounts{} }

// statements read the accounts of a condition on a, then all their links.
func (f *accounts) statements(where string, args ...any) []statement {
	return []statement{
		{SQL: `SELECT ` + accountColumns + ` FROM accounts a WHERE ` + where + ` ORDER BY a.id`, Args: args, Each: func(r row) error {
			f.list = append(f.list, scanAccount(r, 0))
			return nil
		}},
		{
			SQL: `SELECT l.account, l.company, l.employee FROM links l JOIN accounts a ON a.id = l.account
				WHERE ` + where + ` ORDER BY l.account, l.company`,
			Args: args, Each: f.link,
		},
	}
}

func (f *accounts) link(r row) error {
	for ; f.at < len(f.list); f.at++ {
		if a := &f.list[f.at]; a.ID == account.ID(r.Int(0)) {
			a.Links = append(a.Links, scanLink(r, 1))
			return nil
		}
	}
	return nil
}

func scanLink(r row, i int) account.Link {
	return account.Link{Company: account.CompanyID(r.Int(i)), Employee: r.Int(i + 1)}
}

// CreateAccount implements account.Store.
func (c *Control) CreateAccount(ctx context.Context, key string, a account.Account) (id account.ID, err error) {
	err = c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		err := tx.Query(ctx, `INSERT INTO accounts
			(key, login, name, password, created, sessions_from, request_limit, request_interval)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{key, a.Login, a.Name, a.Password, a.Created.UnixMilli(), millis(a.SessionsFrom), a.RequestLimit, a.RequestInterval.Milliseconds()},
			func(r row) error { id = account.ID(r.Int(0)); return nil })
		if err != nil {
			return err
		}
		for _, link := range a.Links {
			if err := addLink(ctx, tx, id, link); err != nil {
				return err
			}
		}
		return nil
	})
	return id, taken(err)
}

// taken says so when a login is not free.
func taken(err error) error {
	if err != nil && classify(err) == classUnique {
		return fault.Wrap(err, fault.Duplicate, "this login is taken")
	}
	return err
}

// UpdateAccount implements account.Store.
func (c *Control) UpdateAccount(ctx context.Context, key string, a account.Account) error {
	return taken(c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		err := hitAccount(ctx, tx, `UPDATE accounts SET key = ?, login = ?, name = ?, sessions_from = ?,
			request_limit = ?, request_interval = ? WHERE id = ?`,
			key, a.Login, a.Name, millis(a.SessionsFrom), a.RequestLimit, a.RequestInterval.Milliseconds(), int64(a.ID))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, deleteResets, int64(a.ID))
		return err
	}))
}

// DeleteAccount implements account.Store.
func (c *Control) DeleteAccount(ctx context.Context, id account.ID) error {
	return c.change(ctx, `DELETE FROM accounts WHERE id = ?`, int64(id))
}

// change runs a statement that must hit one account.
func (c *Control) change(ctx context.Context, sql string, args ...any) error {
	return c.engine.Update(ctx, updateOptions{}, func(tx conn) error {
		return hitAccount(ctx, tx, sql, args...)
	})
}

func hitAccount(ctx context.Context, tx conn, sql string, args ...any) error {
	n, err := tx.Exec(ctx, sql, args...)
	if err == nil && n == 0 {
		return errNoAccount()
	}
	return err
}

// SetPassword implements account.Store.
func (c *Control) SetPassword(ctx context.Context, id account.ID, hash string) error {
	return c.engine.Update(ctx, updateOptions{}, func(tx conn) error { return setPassword(ctx, tx, id, hash) })
}

// setPassword replaces a hash and ends what opened the account until now, but for
// tokens of programs.
func setPassword(ctx context.Context, tx conn, id account.ID, hash string) error {
	if err := hitAccount(ctx, tx, `UPDATE accounts SET password = ? WHERE id = ?`, hash, int64(id)); err != nil {
		return err
	}
	return execAll(ctx, tx, []statement{do(deleteSessions, int64(id)), do(deleteResets, int64(id))})
}

// Link implements account.Store.
func (c *Control) Link(ctx context.Context, id account.ID, link account.Link) error {
	return c.engine.Update(ctx, updateOptions{}, func(tx conn) error { return addLink(ctx, tx, id, link) })
}

// addLink leaves a link that is there already as it is: tokens depend on it.
func addLink(ctx context.Context, tx conn, id account.ID, link account.Link) error {
	_, err := tx.Exec(ctx, `DELETE FROM links WHERE company = ? AND (account = ? OR employee = ?) AND NOT (account = ? AND employee = ?)`,
		int64(link.Company), int64(id), link.Employee, int64(id), link.Employee)
	if err != nil {
		return err
	}
	return hitAccount(ctx, tx, `INSERT INTO links (account, company, employee)
		SELECT id, CAST(? AS bigint), CAST(? AS bigint) FROM accounts WHERE id = ?
		ON CONFLICT (account, company) DO UPDATE SET employee = excluded.employee`,
		int64(link.Company), link.Employee, int64(id))
}

// Unlink implements account.Store.
func (c *Control) Unlink(ctx context.Context, id account.ID, company account.CompanyID) error {
	return c.update(ctx,
		do(`DELETE FROM links WHERE account = ? AND company = ?`, int64(id), int64(company)),
		do(deleteSessions, int64(id)))
}
