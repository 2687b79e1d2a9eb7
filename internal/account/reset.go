package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"time"

	"kartoteka/internal/fault"
)

// resetTime is how long a link to a new password is valid.
const resetTime = 24 * time.Hour

// resetMark begins the token of a link to a new password; the rest is 130 random
// bits.
const resetMark = "r"

// NewReset makes the token of a link by which the owner of a login may choose a
// new password within 24 hours, once. It fails with fault.NotFound when no account
// with a password has the login: the others are invited.
func (s *Service) NewReset(ctx context.Context, login string) (token string, a Account, err error) {
	if a, err = s.AccountByLogin(ctx, login); err != nil {
		return "", a, err
	}
	if a.Password == "" {
		return "", a, fault.New(fault.NotFound, "there is no such account")
	}
	token = resetMark + rand.Text()
	if err := s.store.CreateReset(ctx, a.ID, sha256.Sum256([]byte(token)), s.opt.Now().Add(resetTime)); err != nil {
		return "", a, fmt.Errorf("keep the link to a new password: %w", err)
	}
	return token, a, nil
}

// ErrDeadLink is the answer to every token of a link that was never given out, was
// used, is too old or was withdrawn: one answer, which tells nothing.
func ErrDeadLink() error {
	return fault.New(fault.InvalidParameter, "this link is not valid: it was used, is too old or was withdrawn")
}

// IsReset tells whether a token may be one of NewReset.
func IsReset(token string) bool {
	return len(token) == len(resetMark)+len(rand.Text()) && token[:len(resetMark)] == resetMark
}

// CheckReset fails with ErrDeadLink when a token leads to no new password.
func (s *Service) CheckReset(ctx context.Context, token string) error {
	if !IsReset(token) {
		return ErrDeadLink()
	}
	_, err := s.store.Reset(ctx, sha256.Sum256([]byte(token)), s.opt.Now())
	return deadLink(err)
}

func deadLink(err error) error {
	if fault.Is(err, fault.NotFound) {
		return ErrDeadLink()
	}
	return err
}

// ResetPassword sets a password by the token of a link, which dies with all others
// of the account. It ends the account's sessions and forgets its failed logins. It
// fails with ErrDeadLink, or fault.ValidationFailed for a bad password, after which
// the link still works.
func (s *Service) ResetPassword(ctx context.Context, token, password string) (ID, error) {
	if err := s.CheckReset(ctx, token); err != nil {
		return 0, err
	}
	hash, err := s.HashPassword(ctx, password)
	if err != nil {
		return 0, err
	}
	id, err := s.store.UseReset(ctx, sha256.Sum256([]byte(token)), s.opt.Now(), hash)
	if err != nil {
		return 0, deadLink(err)
	}
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("read account: %w", err)
	}
	return id, s.passwordChanged(ctx, a, "link")
}

// Enter opens a session for an account that somebody proved to be his otherwise
// than by its password.
func (s *Service) Enter(ctx context.Context, id ID, ip netip.Addr) (*Principal, error) {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return s.open(ctx, a, Credentials{Login: a.Login, IP: ip, Way: WayLink})
}
