package syncapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kartoteka/internal/account"
	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// origin is that of changes which come in by endpoints.
const origin = "sync"

// admit lets pass who may come in: by address, by a credential, by its limit, by
// method.
func (x *exchange) admit(ctx context.Context) error {
	if !within(x.config.AllowedIPs, x.ip) {
		return apisync.Refuse(http.StatusForbidden, "IP_NOT_ALLOWED", "requests from this address are not accepted")
	}
	if err := x.knocks(); err != nil {
		return err
	}
	x.actor = catalog.Actor{Employee: x.config.RunAs, Origin: origin}
	if err := x.authenticate(ctx); err != nil {
		return err
	}
	if err := x.required(); err != nil {
		return err
	}
	x.admitted = true
	if x.credential != nil {
		x.api.opt.Sync.Used(x.config, x.credential)
	}
	if err := x.limitKey(); err != nil {
		return err
	}
	return x.checkMethod()
}

// within tells whether an address is in one of the networks, or one of them itself; in all
// of none.
func within(networks []string, ip netip.Addr) bool {
	if len(networks) == 0 {
		return true
	}
	return slices.ContainsFunc(networks, func(s string) bool {
		if p, err := netip.ParsePrefix(s); err == nil {
			return p.Contains(ip)
		}
		one, err := netip.ParseAddr(s)
		return err == nil && one.Unmap() == ip
	})
}

// authenticate tries the ways in that the endpoint has.
func (x *exchange) authenticate(ctx context.Context) error {
	types := x.config.AuthTypes
	if slices.Contains(types, apisync.AuthNone) {
		return nil
	}
	given, err := x.tryWays(ctx, types)
	if err == nil && given == nil {
		x.challenge(types)
		return apisync.Refuse(http.StatusUnauthorized, "AUTH_REQUIRED", "a credential is needed")
	}
	if err != nil {
		if e := apisync.AsError(err); e != nil && e.Status == http.StatusUnauthorized {
			x.failedKnock()
			x.challenge(types)
		}
		return err
	}
	x.credential = given.credential
	if given.actor != nil {
		x.actor = *given.actor
	}
	if c := x.credential; c != nil && !within(c.AllowedIPs, x.ip) {
		return apisync.Refuse(http.StatusForbidden, "IP_NOT_ALLOWED", "requests from this address are not accepted")
	}
	return nil
}

// passed is how a request came in.
type passed struct {
	credential *apisync.Credential // nil for an account of the platform
	actor      *catalog.Actor
}

// tryWays gives the first way that lets the request in; nil without an error when
// nothing that any way uses was given. Of several refusals the first one is told.
func (x *exchange) tryWays(ctx context.Context, types []string) (*passed, error) {
	var refusal error
	for _, way := range types {
		var p *passed
		var err error
		switch way {
		case apisync.AuthBasic:
			p, err = x.basic()
		case apisync.AuthBearer:
			p, err = x.bearer()
		case apisync.AuthHeader:
			p, err = x.header()
		case apisync.AuthHMAC:
			p, err = x.signature()
		case apisync.AuthPlatform:
			p, err = x.platform(ctx)
		}
		switch {
		case p != nil:
			return p, nil
		case err != nil && apisync.AsError(err) == nil:
			return nil, err
		case err != nil && refusal == nil:
			refusal = err
		}
	}
	if refusal == nil && x.r.Header.Get("Authorization") != "" && !onlyHeaders(types) {
		refusal = invalid()
	}
	return nil, refusal
}

// onlyHeaders tells that none of the ways looks at Authorization.
func onlyHeaders(types []string) bool {
	return !slices.ContainsFunc(types, func(t string) bool { return t != apisync.AuthHeader && t != apisync.AuthHMAC })
}

func invalid() error {
	return apisync.Refuse(http.StatusUnauthorized, "AUTH_INVALID", "the credential is not valid")
}

// authorization gives what follows a scheme; false when the header has another one.
func (x *exchange) authorization(scheme string) (string, bool) {
	given, rest, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(rest), strings.EqualFold(given, scheme)
}

func (x *exchange) login() (login, password string, given, ok bool) {
	text, given := x.authorization("Basic")
	if !given {
		return "", "", false, false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || !utf8.Valid(raw) {
		return "", "", true, false
	}
	login, password, ok = strings.Cut(string(raw), ":")
	return login, password, true, ok
}

func (x *exchange) basic() (*passed, error) {
	login, password, given, ok := x.login()
	if !given {
		return nil, nil
	}
	if !ok {
		return nil, invalid()
	}
	var known *apisync.Credential
	for c := range x.credentials(apisync.AuthBasic) {
		if c.Login == login {
			known = c
			break
		}
	}
	// Who is not known takes as long.
	right := x.matches(known, password)
	if !right {
		if slices.Contains(x.config.AuthTypes, apisync.AuthPlatform) {
			return nil, nil // it may be an account's
		}
		return nil, invalid()
	}
	return x.opened(known)
}

func (x *exchange) bearer() (*passed, error) {
	token, given := x.authorization("Bearer")
	if !given {
		return nil, nil
	}
	return x.key(apisync.AuthBearer, token, func(*apisync.Credential) bool { return true })
}

// header looks for keys in the headers that credentials name.
func (x *exchange) header() (*passed, error) {
	var refusal error
	seen := map[string]bool{}
	for c := range x.credentials(apisync.AuthHeader) {
		name := headerOf(c)
		value := x.r.Header.Get(name)
		if value == "" || seen[name] {
			continue
		}
		seen[name] = true
		p, err := x.key(apisync.AuthHeader, value, func(c *apisync.Credential) bool {
			return headerOf(c) == name
		})
		if p != nil {
			return p, nil
		}
		refusal = err
	}
	return nil, refusal
}

// headerOf is the header that a credential's key comes in.
func headerOf(c *apisync.Credential) string {
	if c.Login == "" {
		return "X-Api-Key"
	}
	return http.CanonicalHeaderKey(c.Login)
}

// key finds the credential that a key belongs to. All are compared, so that the time
// tells nothing.
func (x *exchange) key(kind, given string, may func(*apisync.Credential) bool) (*passed, error) {
	var found *apisync.Credential
	for c := range x.credentials(kind) {
		if may(c) && x.matches(c, given) {
			found = c
		}
	}
	if found == nil {
		return nil, invalid()
	}
	return x.opened(found)
}

// matches tells whether a secret opens a credential, or did before a rotation that is not
// over; nil is none.
func (x *exchange) matches(c *apisync.Credential, given string) bool {
	sync := x.api.opt.Sync
	if c == nil {
		return sync.Matches(apisync.Secret{}, given)
	}
	right := sync.Matches(c.Secret, given)
	old := !right && c.OldUntil != nil && x.began.Before(*c.OldUntil) && sync.Matches(c.Old, given)
	return right || old
}

// opened is a way in by a credential that is the right one, unless its time is over.
func (x *exchange) opened(c *apisync.Credential) (*passed, error) {
	if c.ExpiresAt != nil && !x.began.Before(*c.ExpiresAt) {
		return nil, apisync.Refuse(http.StatusUnauthorized, "AUTH_EXPIRED", "the credential has expired")
	}
	return &passed{credential: c}, nil
}

// credentials are those of a kind that are on.
func (x *exchange) credentials(kind string) func(yield func(*apisync.Credential) bool) {
	return func(yield func(*apisync.Credential) bool) {
		for i := range x.config.Credentials {
			c := &x.config.Credentials[i]
			if c.Type == kind && c.Enabled && !yield(c) {
				return
			}
		}
	}
}

// platform lets accounts of this server in, with their own rights.
func (x *exchange) platform(ctx context.Context) (*passed, error) {
	login, password, given, ok := x.login()
	if !given {
		return nil, nil
	}
	if !ok {
		return nil, invalid()
	}
	p, err := x.api.opt.Accounts.Basic(ctx, account.Credentials{Login: login, Password: password, IP: x.ip, Way: account.WayBasic})
	switch {
	case fault.Is(err, fault.BadCredentials):
		return nil, invalid()
	case fault.Is(err, fault.AccountLocked):
		e := apisync.Refuse(http.StatusTooManyRequests, "RATE_LIMITED", "too many attempts, try again later").With("scope", "auth")
		return nil, e
	case fault.Is(err, fault.RateLimited):
		var f *fault.Error
		if errors.As(err, &f) {
			x.w.Header().Set("Retry-After", wholeSeconds(f.RetryAfter))
		}
		return nil, apisync.Refuse(http.StatusTooManyRequests, "RATE_LIMITED", "too many attempts, try again later").With("scope", "auth")
	case err != nil:
		return nil, err
	}
	employee, ok := p.Employee(x.api.opt.Company)
	if !ok {
		return nil, invalid()
	}
	return &passed{actor: &catalog.Actor{Employee: query.Record(employee), Origin: origin}}, nil
}

// required asks for the headers that the configuration wants besides.
func (x *exchange) required() error {
	if !x.brings() {
		x.failedKnock()
		return invalid()
	}
	return nil
}

// brings tells whether the request has those headers.
func (x *exchange) brings() bool {
	for i := range x.config.Headers {
		h := &x.config.Headers[i]
		if !h.Enabled || h.Role != "require" {
			continue
		}
		if !x.api.opt.Sync.Matches(h.Secret, x.r.Header.Get(h.Key)) {
			return false
		}
	}
	return true
}

// challenge says which schemes the endpoint takes.
func (x *exchange) challenge(types []string) {
	h := x.w.Header()
	if slices.Contains(types, apisync.AuthBasic) || slices.Contains(types, apisync.AuthPlatform) {
		h.Add("WWW-Authenticate", `Basic realm="bj_api_sync", charset="UTF-8"`)
	}
	if slices.Contains(types, apisync.AuthBearer) {
		h.Add("WWW-Authenticate", `Bearer realm="bj_api_sync"`)
	}
}

// stale tells whether a time in a signature is too far from now.
func stale(at, now time.Time, tolerance time.Duration) bool {
	return at.Before(now.Add(-tolerance)) || at.After(now.Add(tolerance))
}
