package account

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/fault"
)

// Employee is what a company says of one of its employees' access.
type Employee struct {
	Link
	Name  string
	Login string // "" for an employee who cannot sign in
	// Password is a hash from HashPassword; "" leaves the password as it is.
	Password string
}

// HashPassword makes the hash of a new password for Employee. It fails with
// fault.ValidationFailed when the password is too short or too long.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	if err := fault.Invalid(checkPassword(password)); err != nil {
		return "", err
	}
	return s.hasher.hash(ctx, password)
}

// CheckLogin tells whether an employee may have the login: it fails with
// fault.ValidationFailed.
func (s *Service) CheckLogin(login string) error { return fault.Invalid(checkLogin(login)) }

// SetEmployee makes an employee's access what the company says. It may be
// repeated. An account that the employee had under another login loses its
// link and sessions; a login that no account has gets one.
func (s *Service) SetEmployee(ctx context.Context, e Employee) error {
	old, err := s.store.AccountOfEmployee(ctx, e.Company, e.Employee)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return fmt.Errorf("find the account of employee %d: %w", e.Employee, err)
	}
	if err == nil && (e.Login == "" || Key(old.Login) != Key(e.Login)) {
		if err := s.Unlink(ctx, old.ID, e.Company); err != nil {
			return err
		}
	}
	if e.Login == "" {
		return nil
	}
	a, err := s.store.AccountByLogin(ctx, Key(e.Login))
	if fault.Is(err, fault.NotFound) {
		return s.addEmployee(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("find account: %w", err)
	}
	if a.ID != old.ID {
		if err := s.Link(ctx, a.ID, e.Link); err != nil {
			return err
		}
	}
	return s.replaceHash(ctx, a, e.Password)
}

func (s *Service) addEmployee(ctx context.Context, e Employee) error {
	if err := s.CheckLogin(e.Login); err != nil {
		return err
	}
	a := Account{
		Login: e.Login, Name: e.Name, Password: e.Password, Links: []Link{e.Link},
		Created: s.opt.Now().Truncate(time.Millisecond),
	}
	if _, err := s.store.CreateAccount(ctx, Key(e.Login), a); err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	s.log.InfoContext(ctx, "account.created", "module", "Register", "login", a.Login)
	return nil
}

// replaceHash sets a new password's hash, ends the account's sessions and
// forgets its failed logins. A hash that is there already, as after a repeated
// message, changes nothing.
func (s *Service) replaceHash(ctx context.Context, a Account, hash string) error {
	if hash == "" || hash == a.Password {
		return nil
	}
	if err := s.store.SetPassword(ctx, a.ID, hash); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	s.revoked(ctx, a.ID)
	s.log.InfoContext(ctx, "account.password_changed", "module", "EventHandler", "login", a.Login)
	return s.forget(ctx, a.Login)
}
