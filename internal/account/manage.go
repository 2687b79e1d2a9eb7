package account

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// NewAccount is what a new account starts with. Without a password nobody can
// sign in to it until one is set.
type NewAccount struct {
	Login    string
	Name     string
	Password string
	Links    []Link
}

// CreateAccount adds an account. It fails with fault.ValidationFailed or, for
// a login that is taken, fault.Duplicate.
func (s *Service) CreateAccount(ctx context.Context, n NewAccount) (ID, error) {
	details := checkLogin(n.Login)
	if n.Password != "" {
		details = append(details, checkPassword(n.Password)...)
	}
	if err := fault.Invalid(details); err != nil {
		return 0, err
	}
	a := Account{Login: strings.TrimSpace(n.Login), Name: n.Name, Links: n.Links, Created: s.opt.Now().Truncate(time.Millisecond)}
	if n.Password != "" {
		var err error
		if a.Password, err = s.hasher.hash(ctx, n.Password); err != nil {
			return 0, fmt.Errorf("create account: %w", err)
		}
	}
	id, err := s.store.CreateAccount(ctx, Key(n.Login), a)
	if err != nil {
		return 0, fmt.Errorf("create account: %w", err)
	}
	s.log.InfoContext(ctx, "account.created", "module", "Register", "login", a.Login)
	return id, nil
}

// checkLogin refuses what cannot be a login; a colon could not be sent by
// Basic.
func checkLogin(login string) []fault.Detail {
	login = strings.TrimSpace(login)
	switch {
	case login == "":
		return []fault.Detail{fault.At("login", fault.Required, "a login is required")}
	case !utf8.ValidString(login), strings.ContainsFunc(login, unicode.IsControl), strings.Contains(login, ":"):
		return []fault.Detail{fault.At("login", fault.Type, "a login has no colon and no control characters")}
	case utf8.RuneCountInString(login) > maxLogin:
		return []fault.Detail{fault.At("login", fault.TooLong, "a login has at most %d characters", maxLogin)}
	}
	return nil
}

func checkPassword(password string) []fault.Detail {
	switch {
	case !storable(password): // nor would a login with it be read
		return []fault.Detail{fault.At("password", fault.Type, "the password is not UTF-8 without U+0000")}
	case utf8.RuneCountInString(password) < minPassword:
		return []fault.Detail{fault.At("password", fault.Min, "a password has at least %d characters", minPassword)}
	case len(password) > maxPassword:
		return []fault.Detail{fault.At("password", fault.TooLong, "a password has at most %d bytes", maxPassword)}
	}
	return nil
}

// CheckPassword fails with fault.ValidationFailed when a new password is too short
// or too long.
func (s *Service) CheckPassword(password string) error { return fault.Invalid(checkPassword(password)) }

// Rename sets the name of an account, as its owner may.
func (s *Service) Rename(ctx context.Context, id ID, name string) error {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return fmt.Errorf("rename account: %w", err)
	}
	a.Name = name
	return s.UpdateAccount(ctx, a)
}

// SetPassword replaces a password, ends all sessions of the account and
// forgets its failed logins.
func (s *Service) SetPassword(ctx context.Context, id ID, password string) error {
	hash, err := s.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return s.replaceHash(ctx, a, hash, "operator")
}

// Unlock forgets the failed logins of an account, as its administrator may.
func (s *Service) Unlock(ctx context.Context, id ID) error {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return fmt.Errorf("unlock account: %w", err)
	}
	return s.forget(ctx, a.Login)
}

func (s *Service) forget(ctx context.Context, login string) error {
	if err := s.store.ForgetLogin(ctx, Key(login)); err != nil {
		return fmt.Errorf("forget failed logins: %w", err)
	}
	return nil
}

// UpdateAccount replaces the login, the name, SessionsFrom and the limits of
// the account a.ID. A changed login ends its sessions. It fails with
// fault.ValidationFailed, fault.Duplicate or fault.NotFound.
func (s *Service) UpdateAccount(ctx context.Context, a Account) error {
	if err := fault.Invalid(checkLogin(a.Login)); err != nil {
		return err
	}
	a.Login = strings.TrimSpace(a.Login)
	old, err := s.store.Account(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("update account %d: %w", a.ID, err)
	}
	if err := s.store.UpdateAccount(ctx, Key(a.Login), a); err != nil {
		return fmt.Errorf("update account %d: %w", a.ID, err)
	}
	if Key(old.Login) != Key(a.Login) {
		return s.EndSessions(ctx, a.ID)
	}
	s.drop(a.ID)
	return nil
}

// DeleteAccount removes an account for good.
func (s *Service) DeleteAccount(ctx context.Context, id ID) error {
	if err := s.store.DeleteAccount(ctx, id); err != nil {
		return fmt.Errorf("delete account %d: %w", id, err)
	}
	s.revoked(ctx, id)
	s.log.InfoContext(ctx, "account.deleted", "module", "Register", "account", int64(id))
	return nil
}

// Link makes an account an employee of a company. It may be repeated.
func (s *Service) Link(ctx context.Context, id ID, link Link) error {
	if err := s.store.Link(ctx, id, link); err != nil {
		return fmt.Errorf("link account %d to company %d: %w", id, link.Company, err)
	}
	s.Reset() // another account may have lost its link
	return nil
}

// Unlink takes an account out of a company, which revokes its tokens there, and
// ends its sessions. It may be repeated.
func (s *Service) Unlink(ctx context.Context, id ID, company CompanyID) error {
	if err := s.store.Unlink(ctx, id, company); err != nil {
		return fmt.Errorf("unlink account %d from company %d: %w", id, company, err)
	}
	s.revoked(ctx, id)
	return nil
}
