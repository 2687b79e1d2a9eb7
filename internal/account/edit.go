package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// Edit is what an administrator changes of an account; what is nil stays.
type Edit struct {
	Login *string
	Name  *string
	// SessionsFrom ends the sessions begun before it; zero for none.
	SessionsFrom    *time.Time
	RequestLimit    *int           // 0: the server's
	RequestInterval *time.Duration // 0: the server's
	// Unlock forgets the failed logins.
	Unlock bool
}

// EditAccount changes an account; the next request of its sessions knows. It may be
// repeated. It fails with fault.NotFound, fault.ValidationFailed and
// fault.Duplicate.
func (s *Service) EditAccount(ctx context.Context, id ID, e Edit) error {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return fmt.Errorf("edit account %d: %w", id, err)
	}
	before := a
	before.Links = nil
	set(&a.Login, e.Login)
	set(&a.Name, e.Name)
	set(&a.SessionsFrom, e.SessionsFrom)
	set(&a.RequestLimit, e.RequestLimit)
	set(&a.RequestInterval, e.RequestInterval)
	if changed := a.Login != before.Login || a.Name != before.Name || !a.SessionsFrom.Equal(before.SessionsFrom) ||
		a.RequestLimit != before.RequestLimit || a.RequestInterval != before.RequestInterval; changed {
		if err := s.UpdateAccount(ctx, a); err != nil {
			return err
		}
	}
	if e.Unlock {
		return s.forget(ctx, a.Login)
	}
	return nil
}

func set[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

// LoginFree tells whether an account may have the login: it fails with
// fault.ValidationFailed, and with fault.Duplicate when another account has it.
func (s *Service) LoginFree(ctx context.Context, id ID, login string) error {
	if err := s.CheckLogin(login); err != nil {
		return err
	}
	a, err := s.store.AccountByLogin(ctx, Key(strings.TrimSpace(login)))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look for the login: %w", err)
	case a.ID != id:
		return fault.New(fault.Duplicate, "this login is taken")
	}
	return nil
}
