package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"kartoteka/internal/fault"
)

// tokenEntry is a token in memory. Times are UTC milliseconds.
type tokenEntry struct {
	hash      TokenHash
	principal *Principal
	networks  []netip.Prefix
	expires   int64 // 0 for never
	checked   int64 // when it was read
	used      atomic.Pointer[tokenUse]
	saved     atomic.Int64
}

// tokenUse is when and from where a token was used last.
type tokenUse struct {
	at int64
	ip netip.Addr
}

func (e *tokenEntry) name() string { return e.principal.Token }

func (e *tokenEntry) owner() ID { return e.principal.Account }

func (e *tokenEntry) use(now int64, ip netip.Addr) {
	if u := e.used.Load(); u == nil || now-u.at >= useGrain {
		e.used.Store(&tokenUse{now, ip})
	}
}

func (e *tokenEntry) unsaved() (TokenUse, bool) {
	u := e.used.Load()
	if u == nil || e.saved.Swap(u.at) >= u.at {
		return TokenUse{}, false
	}
	return TokenUse{e.name(), time.UnixMilli(u.at), u.ip.String()}, true
}

// refusal says for the log why the token does not open anything to a client,
// "" when it does.
func (e *tokenEntry) refusal(sum TokenHash, now int64, ip netip.Addr) string {
	switch {
	case subtle.ConstantTimeCompare(sum[:], e.hash[:]) != 1:
		return "wrong"
	case e.expires != 0 && now >= e.expires:
		return "expired"
	case !within(e.networks, ip):
		return "address"
	}
	return ""
}

func within(networks []netip.Prefix, ip netip.Addr) bool {
	for _, p := range networks {
		if p.Contains(ip.Unmap().WithZone("")) {
			return true
		}
	}
	return len(networks) == 0
}

// Bearer gives the principal of a token's text and counts as its use. It fails
// with fault.BadCredentials, whatever is wrong with the token or the address.
func (s *Service) Bearer(ctx context.Context, secret string, ip netip.Addr) (*Principal, error) {
	id, ok := tokenID(secret)
	if !ok {
		return nil, s.refuseToken(ctx, "", ip, "malformed")
	}
	now := s.opt.Now().UnixMilli()
	e := s.tokens.get(id)
	if e == nil || s.opt.SessionRecheck > 0 && now-e.checked >= s.opt.SessionRecheck.Milliseconds() {
		var err error
		if e, err = s.loadToken(ctx, id, e); err != nil {
			return nil, err
		}
	}
	if e == nil {
		return nil, s.refuseToken(ctx, id, ip, "unknown")
	}
	if reason := e.refusal(sha256.Sum256([]byte(secret)), now, ip); reason != "" {
		return nil, s.refuseToken(ctx, id, ip, reason)
	}
	e.use(now, ip)
	return e.principal, nil
}

func (s *Service) refuseToken(ctx context.Context, id string, ip netip.Addr, reason string) error {
	s.log.WarnContext(ctx, "auth.token_refused", "module", "Auth:Token", "token", id, "reason", reason, "ip", ip.String())
	return fault.New(fault.BadCredentials, "the token is not valid")
}

// loadToken reads a token, nil if there is none; known is what the cache still
// has of it.
func (s *Service) loadToken(ctx context.Context, id string, known *tokenEntry) (*tokenEntry, error) {
	generation := s.tokens.current()
	t, hash, a, err := s.store.TokenByID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		if known != nil {
			s.tokens.drop(known)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	e := newTokenEntry(t, hash, a)
	e.checked = s.opt.Now().UnixMilli()
	if known != nil {
		e.used.Store(known.used.Load())
		e.saved.Store(known.saved.Load())
	}
	s.tokens.put(e, generation)
	return e, nil
}

func newTokenEntry(t Token, hash TokenHash, a Account) *tokenEntry {
	e := &tokenEntry{
		hash:     hash,
		networks: t.Networks,
		principal: &Principal{
			Account:         a.ID,
			Login:           a.Login,
			Links:           []Link{t.Link}, // a token opens one company
			RequestLimit:    a.RequestLimit,
			RequestInterval: a.RequestInterval,
			Token:           t.ID,
			Scope:           &t.Scope,
		},
	}
	if !t.Expires.IsZero() {
		e.expires = t.Expires.UnixMilli()
	}
	return e
}

// lastUse notes a use that is not saved yet.
func (s *Service) lastUse(t *Token) {
	e := s.tokens.get(t.ID)
	if e == nil {
		return
	}
	if u := e.used.Load(); u != nil && u.at > t.LastUse.UnixMilli() {
		t.LastUse, t.LastIP = time.UnixMilli(u.at).UTC(), u.ip.String()
	}
}
