package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"kartoteka/internal/account/bounded"
	"kartoteka/internal/fault"
)

// LoginLimit slows down guessing.
type LoginLimit struct {
	Enabled bool
	// Speed is the wait after the first failure; it doubles with each.
	Speed time.Duration
	// MaxInterval is the longest wait.
	MaxInterval time.Duration
	// MaxAttempts locks a login; 0 never does.
	MaxAttempts int
}

// delay is the wait after n failures.
func (l LoginLimit) delay(n int) time.Duration {
	if n <= 0 || l.Speed <= 0 {
		return 0
	}
	d := l.Speed
	for range n - 1 {
		if d >= l.MaxInterval {
			break
		}
		d *= 2
	}
	return min(d, l.MaxInterval)
}

// Options are the settings of a Service. Secret, Now and Logger are required.
type Options struct {
	Secret []byte // signs session cookies
	// SessionTTL is how long a session may stay unused.
	SessionTTL time.Duration
	// SessionRecheck is how long a session or token is trusted before the
	// database is asked again; 0 is for ever, for the one process that owns its database.
	SessionRecheck time.Duration
	// BasicTTL is how long a right password is remembered; 0 is not at all.
	BasicTTL   time.Duration
	LoginLimit LoginLimit
	Now        func() time.Time
	Logger     *slog.Logger
}

const (
	maxCounters = 100_000 // failures in the database; suspects, sessions and tokens in memory
	maxBasic    = 10_000  // remembered Basic credentials
	pruneEvery  = 1_000   // failures between two prunings
	flushEvery  = time.Minute
	pruneHourly = time.Hour
)

// Service is the rules of accounts. It is safe for concurrent use.
type Service struct {
	store    Store
	opt      Options
	log      *slog.Logger
	hasher   *hasher
	signKey  []byte
	basicKey []byte
	sessions *cache[*sessionEntry, Touch]
	tokens   *cache[*tokenEntry, TokenUse]
	basic    *bounded.Map[basicID, basicEntry]
	suspects *bounded.Map[pair, struct{}]
	attempts keyedLock[pair]
	opening  keyedLock[basicID]
	failures atomic.Int64
	ended    chan struct{} // wakes the consumer of ends of sessions and tokens
}

// New makes a service. Run must run for last uses to be saved.
func New(store Store, opt Options) *Service {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails
	return &Service{
		store:    store,
		opt:      opt,
		log:      opt.Logger,
		hasher:   newHasher(runtime.GOMAXPROCS(0)),
		signKey:  derive(opt.Secret, "session"),
		basicKey: key,
		sessions: newCache[*sessionEntry](maxCounters),
		tokens:   newCache[*tokenEntry](maxCounters),
		basic:    bounded.New[basicID, basicEntry](maxBasic),
		suspects: bounded.New[pair, struct{}](maxCounters),
		ended:    make(chan struct{}, 1),
	}
}

// derive gives a key of its own for each use of the one secret.
func derive(secret []byte, use string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("kartoteka " + use))
	return mac.Sum(nil)
}

// Hashes counts the password hashes computed so far.
func (s *Service) Hashes() int64 { return s.hasher.count.Load() }

// Account reads one account.
func (s *Service) Account(ctx context.Context, id ID) (Account, error) {
	return s.store.Account(ctx, id)
}

// AccountByLogin reads the account of a login, or fails with fault.NotFound.
func (s *Service) AccountByLogin(ctx context.Context, login string) (Account, error) {
	if !storable(login) {
		return Account{}, fault.New(fault.NotFound, "there is no such account")
	}
	return s.store.AccountByLogin(ctx, Key(login))
}

// Accounts lists all accounts.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) { return s.store.Accounts(ctx) }

// Uses tells of all accounts, in the order of their ids, what is not in them. The
// newest uses of sessions are known within a minute.
func (s *Service) Uses(ctx context.Context) ([]Use, error) { return s.store.Uses(ctx) }
