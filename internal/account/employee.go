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
	By       string // who says so, for the log
}

// Standing is how an employee's login stands after SetEmployee.
type Standing struct {
	// SignsIn says that the account has a password.
	SignsIn bool
	// Known says that it had one before, from its owner: not the one that
	// SetEmployee has just set.
	Known bool
}

// HashPassword makes the hash of a new password for Employee. It fails with
// fault.ValidationFailed when the password is too short or too long.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	if err := s.CheckPassword(password); err != nil {
		return "", err
	}
	return s.hasher.hash(ctx, password)
}

// CheckLogin tells whether an employee may have the login: it fails with
// fault.ValidationFailed.
func (s *Service) CheckLogin(login string) error { return fault.Invalid(checkLogin(login)) }

// OfEmployee reads the account of an employee, or fails with fault.NotFound.
func (s *Service) OfEmployee(ctx context.Context, link Link) (Account, error) {
	return s.store.AccountOfEmployee(ctx, link.Company, link.Employee)
}

// SetEmployee makes an employee's access what the company says. It may be
// repeated. An account that the employee had under another login loses its
// link and sessions; a login that no account has gets one.
func (s *Service) SetEmployee(ctx context.Context, e Employee) (Standing, error) {
	old, err := s.store.AccountOfEmployee(ctx, e.Company, e.Employee)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Standing{}, fmt.Errorf("find the account of employee %d: %w", e.Employee, err)
	}
	if err == nil && (e.Login == "" || Key(old.Login) != Key(e.Login)) {
		if err := s.Unlink(ctx, old.ID, e.Company); err != nil {
			return Standing{}, err
		}
	}
	if e.Login == "" {
		return Standing{}, nil
	}
	a, err := s.store.AccountByLogin(ctx, Key(e.Login))
	if fault.Is(err, fault.NotFound) {
		return Standing{SignsIn: e.Password != ""}, s.addEmployee(ctx, e)
	}
	if err != nil {
		return Standing{}, fmt.Errorf("find account: %w", err)
	}
	if a.ID != old.ID {
		if err := s.Link(ctx, a.ID, e.Link); err != nil {
			return Standing{}, err
		}
	}
	return standing(a.Password, e.Password), s.replaceHash(ctx, a, e.Password, e.By)
}

// standing compares the hash that an account had with the new one. Equal ones are
// those of a message that is repeated.
func standing(old, hash string) Standing {
	return Standing{SignsIn: old != "" || hash != "", Known: old != "" && old != hash}
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
	s.log.InfoContext(ctx, "account.created", "module", "Register", "login", a.Login, "inviter", e.By)
	return nil
}

// replaceHash sets a new password's hash, ends the account's sessions and
// forgets its failed logins. A hash that is there already, as after a repeated
// message, changes nothing.
func (s *Service) replaceHash(ctx context.Context, a Account, hash, by string) error {
	if hash == "" || hash == a.Password {
		return nil
	}
	if err := s.store.SetPassword(ctx, a.ID, hash); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return s.passwordChanged(ctx, a, by)
}

// passwordChanged follows a new password that the database has.
func (s *Service) passwordChanged(ctx context.Context, a Account, by string) error {
	s.revoked(ctx, a.ID)
	s.log.InfoContext(ctx, "account.password_changed", "module", "EventHandler", "login", a.Login, "by", by)
	return s.forget(ctx, a.Login)
}
