package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// Service is the one gate to everything a company keeps. It is safe for
// concurrent use.
type Service struct {
	store     Store
	options   Options
	structure atomic.Pointer[Structure]
	loading   sync.Mutex // held while the structure is read
	relaying  sync.Mutex // held while the outbox is carried out, to keep its order
	// contending is held by writers that met another writer of their record.
	contending sync.Mutex
	indexer    *indexer
	columns    *columns
	server     serverView
	letters    chan struct{} // wakes the sender of letters
	relayAgain chan struct{} // tells Run that messages are left
	fired      chan struct{} // wakes the consumer of what changes set off
	changed    chan struct{} // wakes the consumer of all changes
}

// Options are what a Service needs from outside.
type Options struct {
	Now        func() time.Time
	Log        *slog.Logger
	Directory  Directory
	Filters    FilterReader
	FieldsMax  int // fields per catalog
	TextMax    int // characters of one-line text, 0 for no limit
	RecordsMax int // largest limit of a list
	Zone       *time.Location
	Files      FileOptions
	// Company is the number that the Directory knows the company by; 0 means 1.
	Company account.CompanyID
	Letters LetterOptions
	Columns ColumnOptions
	Server  ServerOptions
	// Language is that of messages that the program writes by itself, of
	// fault.Languages.
	Language string
	// Gate is asked before writes; nil when nobody is.
	Gate Gate
	// CheckSource compiles the source of a scenario and gives what is wrong with it;
	// nil when scenarios are not run.
	CheckSource func(ctx context.Context, source string) ([]SourceProblem, error)
	// ChainMost is the greatest Depth of a write that sets anything off.
	ChainMost int
	// Planned is called when schedules were set; nil when nobody waits for that.
	Planned func()
	// NoWebhooks says that the licence does not have them: none can be made.
	NoWebhooks bool
}

// ServerOptions are what the company that administers the server is told of it;
// zero for any other company.
type ServerOptions struct {
	Accounts AccountDirectory
	Name     string // of the company when it is made
	Database string // where its data are
	Version  string // of the program; "" for one without
}

// Directory is where the accounts of employees live: outside the company's
// database. Apply must be idempotent: messages are repeated after a crash.
type Directory interface {
	// HashPassword gives a hash that can be stored. It fails with a fault when
	// the password is too short.
	HashPassword(ctx context.Context, password string) (string, error)
	// CheckLogin fails with a fault when nobody can sign in under the login.
	CheckLogin(login string) error
	// Apply carries out one message of the outbox, and tells how the employee's
	// login then stands.
	Apply(ctx context.Context, m DirectoryMessage) (account.Standing, error)
}

// DirectoryMessage says what an employee's login is from now on.
type DirectoryMessage struct {
	Employee query.Record `json:"employee"`
	Name     string       `json:"name"`
	Login    string       `json:"login"` // "" withdraws the access
	// PasswordHash is set when the password was changed; all sessions end.
	PasswordHash string `json:"passwordHash,omitempty"`
	// Invite is set when the login was given to the employee, who is to learn of it.
	Invite bool `json:"invite,omitempty"`
	// Actor and Origin tell whose change it was.
	Actor  query.Record `json:"actor,omitempty"`
	Origin string       `json:"origin,omitempty"`
}

// By names who caused the message, for the log.
func (m DirectoryMessage) By() string {
	if m.Actor != 0 {
		return fmt.Sprintf("employee %d", m.Actor)
	}
	return m.Origin
}

// New makes a service over a store; Open must succeed before any other call.
func New(store Store, options Options) *Service {
	if options.Company == 0 {
		options.Company = 1
	}
	s := &Service{
		store: store, options: options, indexer: newIndexer(),
		letters: make(chan struct{}, 1), relayAgain: make(chan struct{}, 1), fired: make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
	}
	s.columns = newColumns(s)
	return s
}

// Actor is on whose behalf something is done.
type Actor struct {
	Employee query.Record // record in the employees' catalog; 0 for automation
	// System acts without an employee and without bounds: import by an
	// operator, recomputation, first start.
	System bool
	Offset int    // minutes east of UTC, for dates without a zone
	Origin string // "api", "import", "cli", "system", "invitation"
	// Depth is how many events led to the write, one after the other; Asked tells that
	// somebody waits for a subscription that does it: nobody is asked about it.
	Depth int
	Asked bool
	// Volatile tells that a power failure may undo the write if nothing durable follows.
	Volatile bool
	// Under is the structure that the request was read with; see Request. nil
	// stands for whichever is current.
	Under *Structure
	// Scope narrows what an employee may do who came with a token; nil does not.
	Scope *account.Scope
}
