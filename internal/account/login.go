package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Ways to sign in, for the log and the session.
const (
	WayBasic = "basic"
	WayForm  = "form"
	WayURL   = "url"
	WayLink  = "link" // of an invitation or to a new password
)

// Credentials are one attempt to sign in.
type Credentials struct {
	Login    string
	Password string
	IP       netip.Addr
	Way      string
}

// pair is what the delay after failures counts.
type pair struct {
	key string
	ip  netip.Addr
}

// basicID names credentials without keeping them.
type basicID [sha256.Size]byte

// basicEntry remembers credentials that were right. After until they must be
// proved again, but keep their session.
type basicEntry struct {
	cookie string
	until  time.Time
}

// maxLogged is how many characters of a login the log repeats.
const maxLogged = 100

// SignIn checks credentials and opens a session. It fails with
// fault.BadCredentials, fault.RateLimited while the delay after failures runs,
// or fault.AccountLocked.
func (s *Service) SignIn(ctx context.Context, c Credentials) (*Principal, error) {
	a, err := s.Verify(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, a, c)
}

// Verify checks credentials without opening a session; it fails as SignIn.
func (s *Service) Verify(ctx context.Context, c Credentials) (Account, error) {
	if !possible(c.Login, c.Password) {
		s.logFailure(ctx, c, "impossible", 0)
		return Account{}, errCredentials()
	}
	p := pair{Key(c.Login), Network(c.IP)}
	unlock, err := s.attempts.lock(ctx, p)
	if err != nil {
		return Account{}, fmt.Errorf("wait for an earlier login: %w", err)
	}
	defer unlock()
	return s.verify(ctx, p, c)
}

// Basic checks the credentials of a request that carries them. Right ones are
// remembered for Options.BasicTTL and always lead to the same session while it
// lives. It fails as SignIn.
func (s *Service) Basic(ctx context.Context, c Credentials) (*Principal, error) {
	if !possible(c.Login, c.Password) {
		s.logFailure(ctx, c, "impossible", 0)
		return nil, errCredentials()
	}
	p := pair{Key(c.Login), Network(c.IP)}
	id := s.basicName(p.key, c.Password)
	if principal := s.remembered(ctx, p, id); principal != nil {
		return principal, nil
	}
	unlock, err := s.attempts.lock(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("wait for an earlier login: %w", err)
	}
	defer unlock()
	if principal := s.remembered(ctx, p, id); principal != nil {
		return principal, nil // proved by the request before
	}
	a, err := s.verify(ctx, p, c)
	if err != nil {
		return nil, err
	}
	return s.remember(ctx, id, a, c)
}

func (s *Service) basicName(key, password string) (id basicID) {
	mac := hmac.New(sha256.New, s.basicKey)
	mac.Write([]byte(key))
	mac.Write([]byte{0})
	mac.Write([]byte(password))
	mac.Sum(id[:0])
	return id
}

// remembered gives the principal of credentials proved lately. An address
// that failed on this login does not get here: guesses would pass the delay.
func (s *Service) remembered(ctx context.Context, p pair, id basicID) *Principal {
	e, ok := s.basic.Get(id)
	if !ok || !s.opt.Now().Before(e.until) {
		return nil
	}
	if _, suspect := s.suspects.Get(p); suspect {
		return nil
	}
	principal, err := s.Session(ctx, e.cookie)
	if err != nil {
		return nil // ended, by a new password for one: prove again
	}
	return principal
}

// remember opens a session for credentials just proved, or goes on with the
// one they had.
func (s *Service) remember(ctx context.Context, id basicID, a Account, c Credentials) (*Principal, error) {
	unlock, err := s.opening.lock(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("wait for an earlier login: %w", err)
	}
	defer unlock()
	principal, err := (*Principal)(nil), error(nil)
	if e, ok := s.basic.Get(id); ok {
		principal, err = s.Session(ctx, e.cookie)
	}
	if principal == nil || err != nil || principal.Account != a.ID {
		if principal, err = s.open(ctx, a, c); err != nil {
			return nil, err
		}
	}
	s.basic.Set(id, basicEntry{principal.Cookie, s.opt.Now().Add(s.opt.BasicTTL)})
	return principal, nil
}

// verify looks at a password; the caller holds the pair's turn, so that
// parallel guesses see each other's failures.
func (s *Service) verify(ctx context.Context, p pair, c Credentials) (Account, error) {
	known, err := s.store.Attempt(ctx, p.key, p.ip.String())
	if err != nil {
		return Account{}, fmt.Errorf("read login state: %w", err)
	}
	if err := s.admit(known); err != nil {
		s.logFailure(ctx, c, string(fault.CodeOf(err)), known.Pair.Count)
		return Account{}, err
	}
	phc := ""
	if known.Account != nil {
		phc = known.Account.Password
	}
	right, err := s.hasher.matches(ctx, c.Password, phc)
	if err != nil {
		return Account{}, fmt.Errorf("check password: %w", err)
	}
	if !right || known.Account == nil {
		return Account{}, s.fail(ctx, p, c)
	}
	if err := s.stillOpen(ctx, p); err != nil {
		s.logFailure(ctx, c, string(fault.CodeOf(err)), known.Pair.Count)
		return Account{}, err
	}
	return *known.Account, s.succeed(ctx, p, known)
}

// stillOpen looks at the lock again after the hash was computed: guesses from
// many addresses at once would otherwise all be let in before any of them is
// counted.
func (s *Service) stillOpen(ctx context.Context, p pair) error {
	if s.opt.LoginLimit.MaxAttempts <= 0 || !s.opt.LoginLimit.Enabled {
		return nil
	}
	now, err := s.store.Attempt(ctx, p.key, p.ip.String())
	if err != nil {
		return fmt.Errorf("read login state again: %w", err)
	}
	return s.locked(now)
}

// locked fails with fault.AccountLocked.
func (s *Service) locked(known Attempt) error {
	if most := s.opt.LoginLimit.MaxAttempts; most > 0 && known.Total.Count >= most {
		return fault.New(fault.AccountLocked, "the account is locked after too many failed logins")
	}
	return nil
}

// admit tells whether the password may be looked at now.
func (s *Service) admit(known Attempt) error {
	limit := s.opt.LoginLimit
	if !limit.Enabled {
		return nil
	}
	if err := s.locked(known); err != nil {
		return err
	}
	if known.Pair.Count == 0 {
		return nil
	}
	wait := known.Pair.Last.Add(limit.delay(known.Pair.Count)).Sub(s.opt.Now())
	if wait <= 0 {
		return nil
	}
	e := fault.New(fault.RateLimited, "too many failed logins, try again later")
	e.RetryAfter = wait
	return e
}

func errCredentials() error {
	return fault.New(fault.BadCredentials, "the login or the password is wrong")
}

// fail counts a failure and gives the error for the caller.
func (s *Service) fail(ctx context.Context, p pair, c Credentials) error {
	if !s.opt.LoginLimit.Enabled {
		s.logFailure(ctx, c, "wrong", 0)
		return errCredentials()
	}
	ctx = context.WithoutCancel(ctx) // hanging up must not save a guess from being counted
	s.suspects.Set(p, struct{}{})
	n, total, err := s.store.AddFailure(ctx, p.key, p.ip.String(), s.opt.Now())
	if err != nil {
		return fmt.Errorf("count failed login: %w", err)
	}
	s.logFailure(ctx, c, "wrong", n.Count)
	if total.Count == s.opt.LoginLimit.MaxAttempts {
		s.log.WarnContext(ctx, "auth.locked", "module", "Auth", "login", c.Login)
	}
	if s.failures.Add(1)%pruneEvery == 0 {
		if err := s.store.PruneFailures(ctx, maxCounters-pruneEvery); err != nil {
			return fmt.Errorf("prune failed logins: %w", err)
		}
	}
	return errCredentials()
}

func (s *Service) succeed(ctx context.Context, p pair, known Attempt) error {
	s.suspects.Delete(p)
	if known.Pair.Count == 0 && known.Total.Count == 0 {
		return nil
	}
	if err := s.store.ForgetFailures(ctx, p.key, p.ip.String()); err != nil {
		return fmt.Errorf("forget failed logins: %w", err)
	}
	return nil
}

func (s *Service) logFailure(ctx context.Context, c Credentials, reason string, attempt int) {
	s.log.WarnContext(ctx, "auth.login_failed", "module", "Auth:Login", "login", text.Cut(c.Login, maxLogged),
		"reason", reason, "ip", c.IP.String(), "way", c.Way, "attempt", attempt)
}
