package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// A token's text is the mark, the public id and the secret, both in base 32.
const (
	tokenMark    = "kt_"
	tokenBytes   = 10 + 20 // 80 bits of the id, 160 of the secret
	tokenIDChars = 16
	tokenChars   = len(tokenMark) + tokenBytes*8/5
)

const tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var tokenEncoding = base32.NewEncoding(tokenAlphabet).WithPadding(base32.NoPadding)

// Bounds of tokens.
const (
	maxTokens     = 100 // of one employee
	maxTokenName  = 255 // characters
	maxTokenParts = 300 // catalogs, and networks
	// tokenGrace is how long an expired token stays in the list.
	tokenGrace = 30 * 24 * time.Hour
)

// Token lets a program work as the employee who made it.
type Token struct {
	ID      string // the public part of its text, which finds it
	Account ID
	Link
	Name string
	Scope
	Networks []netip.Prefix // that it may be used from; none for anywhere
	Created  time.Time
	Expires  time.Time // zero for never
	LastUse  time.Time // zero for never
	LastIP   string
}

// Prefix is the part of the token's text that may be shown.
func (t *Token) Prefix() string { return tokenMark + t.ID }

// NewToken is what an employee asks for. Verbs 0 are all that the catalogs
// allow.
type NewToken struct {
	Name string
	Scope
	Networks []netip.Prefix
	Expires  time.Time
}

// tokenID gives the public part of what may be a token's text.
func tokenID(s string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(s, tokenMark)
	if !ok || len(s) != tokenChars {
		return "", false
	}
	for i := range len(rest) {
		if strings.IndexByte(tokenAlphabet, rest[i]) < 0 {
			return "", false
		}
	}
	return rest[:tokenIDChars], true
}

// CreateToken makes a token of the actor's and gives its text, which nobody can
// find out later. It fails with fault.Forbidden for an actor who came with a
// token, fault.ValidationFailed, or fault.LimitTooLarge.
func (s *Service) CreateToken(ctx context.Context, a Actor, n NewToken) (t Token, secret string, err error) {
	if err := s.ManagesTokens(a); err != nil {
		return t, "", err
	}
	t = Token{
		Account: a.Account, Link: Link{a.Company, a.Employee}, Name: strings.TrimSpace(n.Name), Scope: n.Scope,
		Networks: n.Networks, Created: s.opt.Now().Truncate(time.Millisecond), Expires: n.Expires.Truncate(time.Millisecond),
	}
	if t.Verbs == 0 {
		t.Verbs = AllVerbs
		if t.Catalogs != nil {
			t.Verbs &^= Administers
		}
	}
	if err := fault.Invalid(t.check()); err != nil {
		return t, "", err
	}
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails
	secret = tokenMark + tokenEncoding.EncodeToString(raw)
	t.ID, _ = tokenID(secret)
	room, err := s.store.CreateToken(ctx, t, sha256.Sum256([]byte(secret)), maxTokens)
	switch {
	case err != nil:
		return t, "", fmt.Errorf("create token: %w", err)
	case !room:
		return t, "", fault.New(fault.LimitTooLarge, "you have %d tokens already, which is the most; delete one first", maxTokens)
	}
	s.log.InfoContext(ctx, "token.created", "module", "Api:Token", "login", a.Login, "company", int64(a.Company),
		"employee", a.Employee, "token", t.ID, "verbs", t.Verbs.Names(), "catalogs", len(t.Catalogs))
	return t, secret, nil
}

// ManagesTokens fails with fault.Forbidden for an actor who came with a token: a
// leaked one must not make others that outlive it.
func (*Service) ManagesTokens(a Actor) error {
	if a.Scope != nil {
		return fault.New(fault.Forbidden, "a token cannot manage tokens; sign in with your password")
	}
	return nil
}

func (t *Token) check() (details []fault.Detail) {
	switch n := text.Len(t.Name); {
	case n == 0:
		details = append(details, fault.At("name", fault.Required, "a name is required"))
	case n > maxTokenName:
		details = append(details, fault.At("name", fault.TooLong, "a name has at most 255 characters"))
	case strings.ContainsFunc(t.Name, unicode.IsControl):
		details = append(details, fault.At("name", fault.Type, "a name has no control characters"))
	}
	switch n := len(t.Catalogs); {
	case t.Catalogs != nil && n == 0: // would be stored as no limit
		details = append(details, fault.At("catalogs", fault.Required, "at least one catalog is required"))
	case n > maxTokenParts:
		details = append(details, fault.At("catalogs", fault.TooMany, "at most %d entries are possible", maxTokenParts))
	}
	if t.Catalogs != nil && t.Verbs&Administers != 0 {
		details = append(details, fault.At("verbs", fault.UnknownItem, "admin is possible only without catalogs"))
	}
	if len(t.Networks) > maxTokenParts {
		details = append(details, fault.At("ipRanges", fault.TooMany, "at most %d entries are possible", maxTokenParts))
	}
	if !t.Expires.IsZero() && !t.Expires.After(t.Created) {
		details = append(details, fault.At("expiresAt", fault.Date, "the moment must be in the future"))
	}
	return details
}

// Tokens lists the actor's tokens, the oldest first, then by name. It fails with
// fault.Forbidden for an actor who came with a token.
func (s *Service) Tokens(ctx context.Context, a Actor) ([]Token, error) {
	if err := s.ManagesTokens(a); err != nil {
		return nil, err
	}
	list, err := s.store.Tokens(ctx, a.Account, a.Company)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	slices.SortFunc(list, func(a, b Token) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	for i := range list {
		s.lastUse(&list[i])
	}
	return list, nil
}

// Token gives one of the actor's tokens; it fails as Tokens and with
// fault.NotFound.
func (s *Service) Token(ctx context.Context, a Actor, id string) (Token, error) {
	list, err := s.Tokens(ctx, a)
	if err != nil {
		return Token{}, err
	}
	for _, t := range list {
		if t.ID == id {
			return t, nil
		}
	}
	return Token{}, fault.New(fault.NotFound, "there is no such token")
}

// DeleteToken revokes one of the actor's tokens; it fails as Token.
func (s *Service) DeleteToken(ctx context.Context, a Actor, id string) error {
	t, err := s.Token(ctx, a, id)
	if err != nil {
		return err
	}
	if err := s.store.DeleteToken(ctx, a.Account, a.Company, t.ID); err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	s.tokens.dropFunc(func(e *tokenEntry) bool { return e.name() == t.ID })
	s.wakeEnded()
	s.log.InfoContext(ctx, "token.deleted", "module", "Api:Token", "login", a.Login, "company", int64(a.Company),
		"employee", a.Employee, "token", t.ID)
	return nil
}
