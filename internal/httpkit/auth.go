package httpkit

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
)

// Authenticator finds out who a request comes from. An Authorization header,
// Basic or Bearer, alone decides; without one the session cookie does. It never
// sends WWW-Authenticate, which would make browsers ask for a password.
type Authenticator struct {
	Kit      *Kit
	Accounts *account.Service
	Cookies  Cookies
	// Company gives the company that the request's host names, or fails with
	// fault.NotFound.
	Company func(r *http.Request) (account.CompanyID, error)
}

// Wrap lets pass only requests with an actor, which the context then carries.
func (a *Authenticator) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := a.Actor(w, r)
		if err != nil {
			a.Kit.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(account.WithActor(r.Context(), actor)))
	})
}

// Actor authenticates a request: credentials, origin rule, company, limit by
// account, what the token is for. A Basic success sets the session cookie. It
// fails with the codes of account.Service, fault.AuthRequired, fault.BadOrigin,
// fault.NoCompany, fault.RateLimited or fault.Forbidden.
func (a *Authenticator) Actor(w http.ResponseWriter, r *http.Request) (account.Actor, error) {
	p, basic, err := a.principal(r)
	if err != nil {
		return account.Actor{}, err
	}
	q := of(r.Context())
	q.user, q.token = p.Login, p.Token
	company, err := a.Company(r)
	if err != nil {
		return account.Actor{}, err
	}
	employee, ok := p.Employee(company)
	if !ok {
		return account.Actor{}, fault.New(fault.NoCompany, "the account does not belong to this company")
	}
	if basic {
		a.Cookies.Write(w, r, p.Cookie)
	}
	if err := a.Kit.limitAccount(w, p); err != nil {
		return account.Actor{}, err
	}
	if !p.Scope.Allows(verbsOf(r.Method)) {
		return account.Actor{}, fault.New(fault.Forbidden, "the token does not allow requests with the method %s", r.Method)
	}
	return account.Actor{
		Account:   p.Account,
		Company:   company,
		Employee:  employee,
		Login:     p.Login,
		Language:  q.lang,
		IP:        q.ip,
		RequestID: q.id,
		Scope:     p.Scope,
		Proof:     account.ProofOf(p, company, employee),
	}, nil
}

// verbsOf are the verbs of which a token needs one to come with a method: what
// it does to which object is decided by the gate of the object. This here is
// for routes whose author forgets that there are tokens.
func verbsOf(method string) account.Verbs {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return account.AllVerbs // the structure is for all, records only for some
	case http.MethodPost:
		return account.Creates | account.Updates | account.Administers
	case http.MethodPut, http.MethodPatch:
		return account.Updates | account.Administers
	case http.MethodDelete:
		return account.Deletes | account.Administers
	}
	return account.AllVerbs &^ account.Reads
}

func (a *Authenticator) principal(r *http.Request) (p *account.Principal, basic bool, err error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return a.header(r, header)
	}
	p, err = a.Session(r)
	if err != nil {
		return nil, false, err
	}
	return p, false, a.Kit.CheckOrigin(r)
}

func (a *Authenticator) header(r *http.Request, header string) (p *account.Principal, basic bool, err error) {
	if scheme, secret, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
		p, err = a.Accounts.Bearer(r.Context(), strings.TrimSpace(secret), ClientIP(r.Context()))
		return p, false, err
	}
	login, password, ok := parseBasic(header)
	if !ok {
		return nil, false, fault.New(fault.BadCredentials, "the login or the password is wrong")
	}
	p, err = a.Accounts.Basic(r.Context(), account.Credentials{
		Login:    login,
		Password: password,
		IP:       ClientIP(r.Context()),
		Way:      account.WayBasic,
	})
	return p, true, err
}

// Session gives the principal of the request's session cookie. It fails with
// fault.AuthRequired when there is none, fault.SessionExpired when it is dead.
func (a *Authenticator) Session(r *http.Request) (*account.Principal, error) {
	var err error
	for _, value := range a.Cookies.Read(r) {
		p, e := a.Accounts.Session(r.Context(), value)
		if e == nil {
			return p, nil
		}
		err = e
		if !fault.Is(e, fault.SessionExpired) {
			break
		}
	}
	if err == nil {
		err = fault.New(fault.AuthRequired, "sign in first")
	}
	return nil, err
}

// parseBasic reads the header as UTF-8 and splits at the first colon only:
// passwords contain colons.
func parseBasic(header string) (login, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	encoded = strings.TrimRight(strings.TrimSpace(encoded), "=")
	raw, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil || !utf8.Valid(raw) {
		return "", "", false
	}
	return strings.Cut(string(raw), ":")
}
