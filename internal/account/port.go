package account

import (
	"context"
	"time"
)

// SessionKey is the SHA-256 of a session's secret id: a stolen database opens
// no session.
type SessionKey [32]byte

// Session is one signed-in client.
type Session struct {
	Key     SessionKey
	Account ID
	Created time.Time
	LastUse time.Time
	IP      string // where it began
	Way     string // "basic", "form", "url" or "link"
}

// Touch is the newest use of a session.
type Touch struct {
	Key SessionKey
	At  time.Time
}

// Use is what became of an account lately.
type Use struct {
	Account ID
	Last    time.Time // newest use of a session or token that there still is; zero for none
	Failed  int       // failed logins since the last success, from anywhere
}

// Failures counts the failed logins since the last success.
type Failures struct {
	Count int
	Last  time.Time // zero when Count is 0
}

// Attempt is what is known before a password is looked at.
type Attempt struct {
	Account *Account // nil when no account has the login
	Pair    Failures // of this address with this login
	Total   Failures // of the login from anywhere
}

// TokenHash is the SHA-256 of a token's text.
type TokenHash [32]byte

// TokenUse is the newest use of a token.
type TokenUse struct {
	ID string
	At time.Time
	IP string
}

// Store keeps accounts, sessions, tokens and failures in the control database. Times
// have milliseconds. A missing account, session or token is a fault.NotFound. Methods
// that change something have done so durably, in one transaction, when they
// return nil. Login keys are made by Key.
type Store interface {
	// Account reads one account with its links.
	Account(ctx context.Context, id ID) (Account, error)
	// AccountByLogin reads the account of a login key.
	AccountByLogin(ctx context.Context, key string) (Account, error)
	// AccountOfEmployee reads the account linked to an employee of a company.
	AccountOfEmployee(ctx context.Context, company CompanyID, employee int64) (Account, error)
	// Accounts lists all accounts in the order of their ids.
	Accounts(ctx context.Context) ([]Account, error)
	// Uses tells of all accounts, in the order of their ids, what is not in them.
	Uses(ctx context.Context) ([]Use, error)
	// CreateAccount adds an account, without its ID but with its links. A
	// taken key is a fault.Duplicate.
	CreateAccount(ctx context.Context, key string, a Account) (ID, error)
	// UpdateAccount replaces Login, Name, SessionsFrom and the limits. It voids
	// the account's resets, which went to the old login.
	UpdateAccount(ctx context.Context, key string, a Account) error
	// DeleteAccount removes an account, its links and its sessions.
	DeleteAccount(ctx context.Context, id ID) error
	// SetPassword replaces the hash, ends all sessions of the account and voids
	// its resets.
	SetPassword(ctx context.Context, id ID, hash string) error

	// Link joins an account and an employee; a link of this account to this
	// company is replaced, and so is one of another account to this employee.
	// Tokens go with the link that they were made under.
	Link(ctx context.Context, id ID, link Link) error
	// Unlink removes the link to a company, if there is one, and ends all
	// sessions of the account.
	Unlink(ctx context.Context, id ID, company CompanyID) error

	// Attempt reads what decides whether a password is looked at.
	Attempt(ctx context.Context, key, ip string) (Attempt, error)
	// AddFailure counts a failed login of the pair and of the login, and
	// gives both counts.
	AddFailure(ctx context.Context, key, ip string, at time.Time) (pair, total Failures, err error)
	// ForgetFailures removes the counts of the pair and of the login.
	ForgetFailures(ctx context.Context, key, ip string) error
	// ForgetLogin removes all counts of a login.
	ForgetLogin(ctx context.Context, key string) error
	// PruneFailures keeps the newest counts only.
	PruneFailures(ctx context.Context, keep int) error

	// CreateSession adds a session and sets the account's LastLogin.
	CreateSession(ctx context.Context, s Session) error
	// Session reads a session and its account with links.
	Session(ctx context.Context, key SessionKey) (Session, Account, error)
	// TouchSessions raises the last use of sessions; unknown ones are passed
	// over.
	TouchSessions(ctx context.Context, touches []Touch) error
	// EndSession removes one session, if it exists.
	EndSession(ctx context.Context, key SessionKey) error
	// EndSessions removes all sessions of an account.
	EndSessions(ctx context.Context, id ID) error
	// PruneSessions removes the sessions last used before a time.
	PruneSessions(ctx context.Context, before time.Time) error

	// CreateToken adds a token under its link, which must be there; false when
	// the link has most tokens already.
	CreateToken(ctx context.Context, t Token, hash TokenHash, most int) (bool, error)
	// Tokens lists an account's tokens of a company, in any order.
	Tokens(ctx context.Context, id ID, company CompanyID) ([]Token, error)
	// TokenByID reads a token and its account without links. One whose link is
	// not there any more is a fault.NotFound.
	TokenByID(ctx context.Context, id string) (Token, TokenHash, Account, error)
	// DeleteToken removes one, if it exists.
	DeleteToken(ctx context.Context, id ID, company CompanyID, token string) error
	// TouchTokens raises the last use of tokens; unknown ones are passed over.
	TouchTokens(ctx context.Context, uses []TokenUse) error
	// PruneTokens removes the tokens that expired before a time.
	PruneTokens(ctx context.Context, before time.Time) error

	// CreateReset keeps a link to a new password.
	CreateReset(ctx context.Context, id ID, hash TokenHash, expires time.Time) error
	// Reset gives the account of a link that is alive at that time, or fails with
	// fault.NotFound.
	Reset(ctx context.Context, hash TokenHash, now time.Time) (ID, error)
	// UseReset is SetPassword by a link that is alive at that time: of several
	// calls one gets through, the others fail with fault.NotFound.
	UseReset(ctx context.Context, hash TokenHash, now time.Time, password string) (ID, error)
	// PruneResets removes the links that expired before a time.
	PruneResets(ctx context.Context, before time.Time) error
}
