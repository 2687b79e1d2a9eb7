package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// class says how urgent an update is and what it may do.
type class int

const (
	// classInteractive is a person's or a client's write. Such writes share a
	// commit on SQLite.
	classInteractive class = iota
	// classJob is background work in chunks of at most 1,000 rows or 50 ms, a
	// transaction of its own that lets interactive writes go first.
	classJob
	// classStructure changes tables, a transaction of its own. On PostgreSQL it
	// waits at most 500 ms for each lock, so that it never blocks the readers
	// queued behind it, and is begun again for a while.
	classStructure
)

// updateOptions of the zero value are an interactive write without conditions.
type updateOptions struct {
	Class class
	// Urgent lets a job go before interactive writes: they make what it clears
	// away faster than it does.
	Urgent bool
	// Expect, if set, is the version the caller prepared its work for; the
	// update gives ErrStale when the database has another, and nothing is done.
	// On PostgreSQL fn may learn of it by its first statement only.
	Expect *Version
	// Shared and Exclusive are locks held until the end of the transaction,
	// taken before the version is read. The numbers are the caller's (catalog
	// ids); 0 and below are the store's own. SQLite has one writer and needs none.
	Shared, Exclusive []int64
	// Repeats says that the update may be done twice, so that a connection lost
	// during COMMIT begins it again, and that it may see one snapshot throughout.
	Repeats bool
	// Volatile says that a power failure may undo the update, so that its commit
	// does not wait for the disk. The next one that does keeps it as well.
	Volatile bool
	// Patience is how long a structure change tries to get its locks; 0 means 10 s.
	Patience time.Duration
}

// engine is one open database. It is safe for concurrent use.
type engine interface {
	// View runs fn in one consistent snapshot that cannot be written to. fn may
	// run twice and so may change nothing but what it starts by resetting. With
	// expect it gives ErrStale when the snapshot has another version; whatever
	// fn did then must be dropped. When ctx ends, statements stop and View gives
	// ctx's error. fn must not call View: connections are few, and enough callers
	// that hold one and wait for a second would wait for ever.
	View(ctx context.Context, expect *Version, fn func(conn) error) error
	// Update runs fn in a transaction and commits it when fn gives nil. fn may
	// run twice. A panic in fn becomes an error. After nil the changes are
	// durable; after an error none of them is there, except that a connection
	// lost during COMMIT leaves it unknown.
	//
	// On SQLite fn runs on the writer's goroutine with other requests waiting:
	// it must neither block nor call View or Update. Once it has begun, the end
	// of ctx no longer stops it.
	Update(ctx context.Context, opts updateOptions, fn func(conn) error) error
	// Version gives the committed version as cheaply as there is.
	Version(ctx context.Context) (Version, error)
	// Wait gives the version of the database as soon as it differs from known,
	// whichever node raised it. An error other than ctx's may pass.
	Wait(ctx context.Context, known Version) (Version, error)
	// Integrity lists what the database itself finds broken; quick leaves out
	// the comparison of indexes with their tables.
	Integrity(ctx context.Context, quick bool) ([]string, error)
	// Tend runs fn while no other call with that key runs on any node. If one
	// does, it waits for its end or, if it is not to wait, fails with
	// catalog.ErrBusy. Transactions are not kept from anything.
	Tend(ctx context.Context, key int64, wait bool, fn func(outside) error) error
	// Identity tells the database from its copies.
	Identity(ctx context.Context) (Identity, error)
	Dialect() dialect
	// Close waits for transactions that have begun.
	Close() error
}

// outside runs one statement outside of transactions, as long as that takes. It
// is nil where none needs that: SQLite makes indexes in a transaction.
type outside func(ctx context.Context, sql string) error

// guard calls fn and turns a panic into an error, so that one broken request
// takes neither the writer nor its neighbours along.
func guard(fn func(conn) error, c conn) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(c)
}
