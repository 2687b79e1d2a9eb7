package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// A cookie value is the secret id and its signature, both in URL-safe base64
// with a dot between them.
const (
	idBytes   = 18 // 144 random bits
	idChars   = 24
	signChars = 43
)

var encoding = base64.RawURLEncoding

func (s *Service) sign(id string) string {
	mac := hmac.New(sha256.New, s.signKey)
	mac.Write([]byte(id))
	return encoding.EncodeToString(mac.Sum(nil))
}

// sessionKey checks a cookie's form and signature without the database.
func (s *Service) sessionKey(cookie string) (SessionKey, bool) {
	id, signature, ok := strings.Cut(cookie, ".")
	if !ok || len(id) != idChars || len(signature) != signChars || !hmac.Equal([]byte(signature), []byte(s.sign(id))) {
		return SessionKey{}, false
	}
	return sha256.Sum256([]byte(id)), true
}

// open begins a session.
func (s *Service) open(ctx context.Context, a Account, c Credentials) (*Principal, error) {
	raw := make([]byte, idBytes)
	rand.Read(raw) // never fails
	id := encoding.EncodeToString(raw)
	now := s.opt.Now().Truncate(time.Millisecond)
	row := Session{Key: sha256.Sum256([]byte(id)), Account: a.ID, Created: now, LastUse: now, IP: c.IP.String(), Way: c.Way}
	generation := s.sessions.current()
	if err := s.store.CreateSession(ctx, row); err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	s.log.InfoContext(ctx, "auth.login", "module", "Auth:Login", "login", a.Login, "ip", row.IP, "way", c.Way)
	e := s.entry(id+"."+s.sign(id), row, a)
	s.sessions.put(e, generation)
	return e.principal, nil
}

func (s *Service) entry(cookie string, row Session, a Account) *sessionEntry {
	e := &sessionEntry{
		key:     row.Key,
		created: row.Created.UnixMilli(),
		checked: s.opt.Now().UnixMilli(),
		principal: &Principal{
			Account:         a.ID,
			Login:           a.Login,
			Links:           a.Links,
			RequestLimit:    a.RequestLimit,
			RequestInterval: a.RequestInterval,
			Cookie:          cookie,
		},
	}
	if !a.SessionsFrom.IsZero() {
		e.from = a.SessionsFrom.UnixMilli()
	}
	e.used.Store(row.LastUse.UnixMilli())
	e.saved.Store(row.LastUse.UnixMilli())
	return e
}

// Session gives the principal of a session cookie and counts as its use. It
// fails with fault.SessionExpired when the cookie is forged, or the session is
// unknown, revoked or unused for too long.
func (s *Service) Session(ctx context.Context, cookie string) (*Principal, error) {
	now := s.opt.Now().UnixMilli()
	e := s.sessions.get(cookie)
	if e == nil || s.opt.SessionRecheck > 0 && now-e.checked >= s.opt.SessionRecheck.Milliseconds() {
		var err error
		if e, err = s.loadSession(ctx, cookie, e); err != nil {
			return nil, err
		}
	}
	if !e.alive(now, s.opt.SessionTTL) {
		s.sessions.drop(e)
		return nil, errExpired()
	}
	e.use(now)
	return e.principal, nil
}

func errExpired() error {
	return fault.New(fault.SessionExpired, "the session has ended, sign in again")
}

// loadSession reads a session; known is what the cache still has of it.
func (s *Service) loadSession(ctx context.Context, cookie string, known *sessionEntry) (*sessionEntry, error) {
	key, ok := s.sessionKey(cookie)
	if !ok {
		return nil, errExpired()
	}
	generation := s.sessions.current()
	row, a, err := s.store.Session(ctx, key)
	if fault.Is(err, fault.NotFound) {
		if known != nil {
			s.sessions.drop(known)
		}
		return nil, errExpired()
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	e := s.entry(cookie, row, a)
	if known != nil {
		e.used.Store(max(e.used.Load(), known.used.Load()))
	}
	s.sessions.put(e, generation)
	return e, nil
}

// EndSession signs out the client with this cookie; an unknown one is no
// error.
func (s *Service) EndSession(ctx context.Context, cookie string) error {
	key, ok := s.sessionKey(cookie)
	if !ok {
		return nil
	}
	login := ""
	if e := s.sessions.get(cookie); e != nil {
		login = e.principal.Login
	}
	if err := s.store.EndSession(ctx, key); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	s.sessions.dropFunc(func(e *sessionEntry) bool { return e.key == key })
	s.wakeEnded()
	s.log.InfoContext(ctx, "auth.logout", "module", "Auth:Logout", "user", login)
	return nil
}

// EndSessions signs out every client of an account.
func (s *Service) EndSessions(ctx context.Context, id ID) error {
	if err := s.store.EndSessions(ctx, id); err != nil {
		return fmt.Errorf("end sessions of account %d: %w", id, err)
	}
	s.revoked(ctx, id)
	return nil
}

// revoked follows a change that ended the sessions of an account.
func (s *Service) revoked(ctx context.Context, id ID) {
	s.drop(id)
	s.log.InfoContext(ctx, "auth.session_revoked", "module", "Auth", "account", int64(id))
}

// drop forgets what is cached about an account.
func (s *Service) drop(id ID) {
	s.sessions.dropOwner(id)
	s.tokens.dropOwner(id)
	s.wakeEnded()
}

// Reset forgets what is cached about accounts, sessions and tokens: the database
// was changed by somebody else.
func (s *Service) Reset() {
	s.sessions.clear()
	s.tokens.clear()
	s.wakeEnded()
}

// Run saves the last uses of sessions and tokens each minute and removes dead
// ones each hour, until ctx ends; then it saves once more.
func (s *Service) Run(ctx context.Context) error {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	prune := time.NewTicker(pruneHourly)
	defer prune.Stop()
	for {
		select {
		case <-flush.C:
			s.attempt(ctx, "auth.touch_failed", s.flush)
		case <-prune.C:
			s.attempt(ctx, "auth.prune_failed", s.prune)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return s.flush(last)
		}
	}
}

func (s *Service) attempt(ctx context.Context, event string, work func(context.Context) error) {
	if err := work(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, event, "module", "Auth", "error", err)
	}
}

func (s *Service) flush(ctx context.Context) error {
	err := flushUses(ctx, s.sessions, s.store.TouchSessions)
	return errors.Join(err, flushUses(ctx, s.tokens, s.store.TouchTokens))
}

func flushUses[E cached[T], T any](ctx context.Context, c *cache[E, T], save func(context.Context, []T) error) error {
	uses := c.uses()
	if len(uses) == 0 {
		return nil
	}
	if err := save(ctx, uses); err != nil {
		c.giveBack(uses)
		return fmt.Errorf("save last uses: %w", err)
	}
	return nil
}

func (s *Service) prune(ctx context.Context) error {
	// A minute's uses may not be saved yet.
	before := s.opt.Now().Add(-s.opt.SessionTTL - 2*flushEvery)
	if err := s.store.PruneSessions(ctx, before); err != nil {
		return fmt.Errorf("remove dead sessions: %w", err)
	}
	if err := s.store.PruneTokens(ctx, s.opt.Now().Add(-tokenGrace)); err != nil {
		return fmt.Errorf("remove expired tokens: %w", err)
	}
	if err := s.store.PruneResets(ctx, s.opt.Now()); err != nil {
		return fmt.Errorf("remove expired links: %w", err)
	}
	return nil
}
