package account

import (
	"context"
	"fmt"

	"kartoteka/internal/fault"
)

// Proof is what somebody signed in with, for requests that last: Holds tells whether
// it still opens the company. It is comparable, and its text tells nothing.
type Proof struct {
	cookie, token string
	company       CompanyID
	employee      int64
}

func (Proof) String() string { return "proof" }

// ProofOf is that of a principal in one of his companies.
func ProofOf(p *Principal, company CompanyID, employee int64) Proof {
	return Proof{p.Cookie, p.Token, company, employee}
}

// Holds fails when the session or token of a proof has ended, or is of that employee
// no more: with fault.SessionExpired or fault.BadCredentials. It is no use of it.
func (s *Service) Holds(ctx context.Context, p Proof) error {
	now := s.opt.Now().UnixMilli()
	var found *Principal
	var err error
	if p.token != "" {
		found, err = s.heldToken(ctx, p.token, now)
	} else {
		found, err = s.heldSession(ctx, p.cookie, now)
	}
	if err != nil {
		return err
	}
	if employee, ok := found.Employee(p.company); !ok || employee != p.employee {
		return errExpired()
	}
	return nil
}

func (s *Service) trusts(checked, now int64) bool {
	return s.opt.SessionRecheck == 0 || now-checked < s.opt.SessionRecheck.Milliseconds()
}

func (s *Service) heldSession(ctx context.Context, cookie string, now int64) (*Principal, error) {
	e := s.sessions.get(cookie)
	if e == nil || !s.trusts(e.checked, now) {
		var err error
		if e, err = s.loadSession(ctx, cookie, e); err != nil {
			return nil, err
		}
	}
	if !e.alive(now, s.opt.SessionTTL) {
		return nil, errExpired()
	}
	return e.principal, nil
}

func (s *Service) heldToken(ctx context.Context, id string, now int64) (*Principal, error) {
	e := s.tokens.get(id)
	if e == nil || !s.trusts(e.checked, now) {
		var err error
		if e, err = s.loadToken(ctx, id, e); err != nil {
			return nil, fmt.Errorf("look for a token: %w", err)
		}
	}
	if e == nil || e.expires != 0 && now >= e.expires {
		return nil, fault.New(fault.BadCredentials, "the token is not valid")
	}
	return e.principal, nil
}

// Ended gives a value when sessions or tokens have ended in this process since the
// last one. One consumer waits for it.
func (s *Service) Ended() <-chan struct{} { return s.ended }

func (s *Service) wakeEnded() {
	select {
	case s.ended <- struct{}{}:
	default: // it is awake
	}
}
