package server

import (
	"context"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// directory is the accounts as the company's catalogs see them.
type directory struct{ accounts *account.Service }

func (d directory) HashPassword(ctx context.Context, password string) (string, error) {
	return d.accounts.HashPassword(ctx, password)
}

func (d directory) CheckLogin(login string) error { return d.accounts.CheckLogin(login) }

func (d directory) Apply(ctx context.Context, m catalog.DirectoryMessage) (account.Standing, error) {
	return d.accounts.SetEmployee(ctx, account.Employee{
		Link:     account.Link{Company: company, Employee: int64(m.Employee)},
		Name:     m.Name,
		Login:    m.Login,
		Password: m.PasswordHash,
		By:       m.By(),
	})
}

// accountDirectory is the accounts as the catalog of accounts shows and changes
// them.
type accountDirectory struct{ accounts *account.Service }

func (d accountDirectory) LoginFree(ctx context.Context, n query.Record, login string) error {
	return d.accounts.LoginFree(ctx, account.ID(n), login)
}

func (d accountDirectory) Accounts(ctx context.Context) ([]catalog.DirectoryAccount, error) {
	all, err := d.accounts.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	uses, err := d.accounts.Uses(ctx)
	if err != nil {
		return nil, err
	}
	used := make(map[account.ID]account.Use, len(uses))
	for _, u := range uses {
		used[u.Account] = u
	}
	list := make([]catalog.DirectoryAccount, len(all))
	for i, a := range all {
		list[i] = shownAccount(a, used[a.ID])
	}
	return list, nil
}

func shownAccount(a account.Account, u account.Use) catalog.DirectoryAccount {
	shown := catalog.DirectoryAccount{
		Account: query.Record(a.ID), Name: a.Name, Login: a.Login,
		LastLogin: a.LastLogin, LastActivity: u.Last, FailedLogins: u.Failed,
		SessionsFrom: a.SessionsFrom, RequestLimit: a.RequestLimit, RequestInterval: a.RequestInterval,
	}
	if a.LastLogin.After(u.Last) {
		shown.LastActivity = a.LastLogin
	}
	for _, l := range a.Links {
		if l.Company == company {
			shown.Employee = query.Record(l.Employee)
		}
	}
	return shown
}

// Apply does nothing to an account that is gone.
func (d accountDirectory) Apply(ctx context.Context, m catalog.AccountMessage) error {
	id := account.ID(m.Account)
	var err error
	if m.Delete {
		err = d.accounts.DeleteAccount(ctx, id)
	} else {
		err = d.accounts.EditAccount(ctx, id, accountEdit(m))
	}
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func accountEdit(m catalog.AccountMessage) account.Edit {
	e := account.Edit{Login: m.Login, Name: m.Name, RequestLimit: m.RequestLimit, Unlock: m.Unlock}
	if m.SessionsFrom != nil {
		from := time.Time{}
		if *m.SessionsFrom != 0 {
			from = time.UnixMilli(*m.SessionsFrom).UTC()
		}
		e.SessionsFrom = &from
	}
	if m.RequestInterval != nil {
		interval := time.Duration(*m.RequestInterval) * time.Millisecond
		e.RequestInterval = &interval
	}
	return e
}
