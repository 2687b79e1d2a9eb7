package account

import (
	"context"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ID names an account on this server; 0 is none.
type ID int64

// CompanyID names a company on this server; 0 is none.
type CompanyID int64

// Account is a person who may sign in.
type Account struct {
	ID    ID
	Login string // as it was given; Key(Login) is unique
	Name  string
	// Password is the argon2id hash in PHC form; "" means that no password
	// opens the account.
	Password string
	Created  time.Time
	// LastLogin is when the newest session began; zero for never.
	LastLogin time.Time
	// SessionsFrom ends every session begun before it, once it has passed;
	// zero for none.
	SessionsFrom time.Time
	// RequestLimit and RequestInterval replace the server's rate limit per
	// account where they are above 0.
	RequestLimit    int
	RequestInterval time.Duration
	Links           []Link
}

// Link says that an account is an employee of a company.
type Link struct {
	Company  CompanyID
	Employee int64 // the record's number in $users
}

// Principal is who a request's credentials belong to. It is shared between
// requests: nobody changes it.
type Principal struct {
	Account         ID
	Login           string
	Links           []Link
	RequestLimit    int           // 0: the server's
	RequestInterval time.Duration // 0: the server's
	// Cookie is the signed session value to hand to the client; "" for a token.
	Cookie string
	Token  string // id of the token that it came by; "" for none
	Scope  *Scope // of the token; nil for none
}

// Employee gives the number of the principal's record in a company; false
// when the account is not linked to it.
func (p *Principal) Employee(company CompanyID) (int64, bool) {
	for _, l := range p.Links {
		if l.Company == company {
			return l.Employee, true
		}
	}
	return 0, false
}

// Actor is what a request runs as.
type Actor struct {
	Account   ID
	Company   CompanyID
	Employee  int64 // the record's number in $users
	Login     string
	Language  string // of fault.Languages
	IP        netip.Addr
	RequestID string
	// Scope narrows an actor who came with a token; nil for any other.
	Scope *Scope
	// Proof is what the actor signed in with.
	Proof Proof
}

type actorKey struct{}

// WithActor gives a context that carries the actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf gives the context's actor; false when nobody was authenticated.
func ActorOf(ctx context.Context) (Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(Actor)
	return a, ok
}

// Key gives the form under which a login is unique and looked up: letters'
// case, blanks around it and the way accents are composed do not matter.
func Key(login string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(login)))
}

const (
	maxLogin    = 256  // characters
	maxPassword = 1024 // bytes
	minPassword = 6    // characters
)

// possible tells whether such credentials can belong to any account. Others
// are refused without a look, which is equal for known and unknown logins.
func possible(login, password string) bool {
	return storable(login) && len(login) <= 4*maxLogin && utf8.ValidString(password) && len(password) <= maxPassword
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// Network gives the address under which a client is counted: an IPv6 client
// commands a whole /64, so that is one.
func Network(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}
