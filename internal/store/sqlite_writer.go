package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// groupMost bounds how many requests share a commit, and so how long the
	// first of them waits for the last.
	groupMost = 64
	// jobPatience is how long background work lets interactive writes go first.
	jobPatience = 200 * time.Millisecond
	// checkpointEvery is after how many transactions the log's length is looked at.
	checkpointEvery = 32
	// checkpointPages is the length at which the log is written back (16 MB).
	checkpointPages = 4_000
)

// States of a writeRequest.
const (
	requestWaiting = iota
	requestJoined
	requestWithdrawn
)

// writeRequest is one Update on its way through the writer.
type writeRequest struct {
	ctx   context.Context
	opts  updateOptions
	fn    func(conn) error
	since time.Time // of jobs
	state atomic.Int32
	err   error
	done  chan struct{}
}

// sqliteWriter owns the one connection that writes. Requests wait in a queue
// per class; run takes them.
type sqliteWriter struct {
	engine *sqliteEngine
	conn   *sqliteConn

	mu      sync.Mutex
	queues  [classStructure + 1][]*writeRequest
	stopped bool
	wake    chan struct{}
	ended   chan struct{}

	// These belong to run's goroutine: how many transactions there were, and whether
	// commits do not wait for the disk now.
	commits  int
	volatile bool
}

func newSQLiteWriter(e *sqliteEngine, c *sqliteConn) *sqliteWriter {
	return &sqliteWriter{engine: e, conn: c, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// do queues a request and waits for its answer. When ctx ends first the request
// is withdrawn, unless the writer has taken it: then its end is near.
func (w *sqliteWriter) do(ctx context.Context, opts updateOptions, fn func(conn) error) error {
	r := &writeRequest{ctx: ctx, opts: opts, fn: fn, done: make(chan struct{})}
	if opts.Class == classJob {
		r.since = time.Now()
	}
	if err := w.enqueue(r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(requestWaiting, requestWithdrawn) {
		return ctx.Err()
	}
	<-r.done
	return r.err
}

func (w *sqliteWriter) enqueue(r *writeRequest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return errClosed
	}
	w.queues[r.opts.Class] = append(w.queues[r.opts.Class], r)
	w.signal()
	return nil
}

func (w *sqliteWriter) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// stop refuses new requests and waits until the waiting ones are answered.
func (w *sqliteWriter) stop() {
	w.mu.Lock()
	w.stopped = true
	w.signal()
	w.mu.Unlock()
	<-w.ended
}

// run serves requests until stop. When fn ends the goroutine (runtime.Goexit,
// as a failing test does) another one goes on.
func (w *sqliteWriter) run() {
	stopped := false
	defer func() {
		if stopped {
			close(w.ended)
		} else {
			go w.run()
		}
	}()
	for !stopped {
		group, last := w.next()
		switch {
		case len(group) > 0:
			w.serve(group)
			w.checkpoint(group[0].opts.Class)
		case last:
			stopped = true
		default:
			<-w.wake
		}
	}
}

// next takes the requests of the next transaction: a structure change, else all
// interactive ones, else a job; a job that is urgent or has waited for long goes first.
func (w *sqliteWriter) next() (group []*writeRequest, stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	order := [...]class{classStructure, classInteractive, classJob}
	if jobs := w.queues[classJob]; len(jobs) > 0 && (jobs[0].opts.Urgent || time.Since(jobs[0].since) > jobPatience) {
		order = [...]class{classStructure, classJob, classInteractive}
	}
	for _, class := range order {
		most := 1
		if class == classInteractive {
			most = groupMost
		}
		if group = w.take(class, most); len(group) > 0 {
			return group, false
		}
	}
	return nil, w.stopped
}

// take removes up to most requests whose callers are still there.
func (w *sqliteWriter) take(class class, most int) (group []*writeRequest) {
	queue := w.queues[class]
	taken := 0
	for taken < len(queue) && len(group) < most {
		r := queue[taken]
		queue[taken] = nil
		taken++
		if r.ctx.Err() == nil && r.state.CompareAndSwap(requestWaiting, requestJoined) {
			group = append(group, r)
		} else if r.state.CompareAndSwap(requestWaiting, requestWithdrawn) {
			r.err = r.ctx.Err()
			close(r.done)
		}
	}
	w.queues[class] = queue[taken:]
	if taken == len(queue) {
		w.queues[class] = queue[:0]
	}
	return group
}

// serve runs the group's transaction and answers.
func (w *sqliteWriter) serve(group []*writeRequest) {
	returned := false
	defer func() {
		if !returned {
			w.rollback()
		}
		for _, r := range group {
			if !returned {
				r.err = errors.New("the function of an update ended its goroutine")
			}
			close(r.done)
		}
	}()
	if len(group) == 1 {
		w.alone(group[0])
	} else {
		w.together(group)
	}
	returned = true
}

// together runs a group in one transaction, a savepoint each.
func (w *sqliteWriter) together(group []*writeRequest) {
	err := w.begin(!slices.ContainsFunc(group, func(r *writeRequest) bool { return !r.opts.Volatile }))
	for _, r := range group {
		if err != nil {
			break
		}
		r.err, err = w.saved(r)
	}
	if err != nil {
		w.rollback()
		for _, r := range group {
			w.alone(r)
		}
		return
	}
	if err := w.commit(); err != nil {
		for _, r := range group {
			r.err = errors.Join(r.err, err)
		}
	}
}

// saved runs one request of a group. lost is set when the transaction is gone.
func (w *sqliteWriter) saved(r *writeRequest) (err, lost error) {
	if lost := w.conn.control("SAVEPOINT request"); lost != nil {
		return nil, lost
	}
	if err = w.call(r); err != nil {
		if w.conn.raw.AutocommitEnabled() {
			return nil, errDead
		}
		if lost := w.conn.control("ROLLBACK TO request"); lost != nil {
			return nil, lost
		}
	}
	return err, w.conn.control("RELEASE request")
}

// alone runs one request in its own transaction.
func (w *sqliteWriter) alone(r *writeRequest) {
	if r.err = w.begin(r.opts.Volatile); r.err != nil {
		return
	}
	// A migration changes the version row without Bump.
	w.conn.bumped = r.opts.Class == classStructure
	if r.err = w.call(r); r.err != nil {
		w.rollback()
		return
	}
	r.err = w.commit()
}

// call runs the request's function. Its error is what fn gave, or the first
// error of a statement that fn kept to itself.
func (w *sqliteWriter) call(r *writeRequest) error {
	w.conn.failed = nil
	if err := w.expect(r.opts.Expect); err != nil {
		return err
	}
	err := guard(r.fn, w.conn)
	w.conn.reset()
	if err == nil {
		err = w.conn.failed
	}
	if err == nil && w.conn.raw.AutocommitEnabled() {
		err = errDead
	}
	return err
}

// expect compares versions: from memory, as nobody else writes, unless this
// transaction itself may have changed it.
func (w *sqliteWriter) expect(want *Version) error {
	if want == nil {
		return nil
	}
	if v := w.engine.version.Load(); v != nil && !w.conn.bumped {
		if *v != *want {
			return ErrStale
		}
		return nil
	}
	return expectVersion(context.Background(), w.conn, *want)
}

// begin begins a transaction, whose commit does not wait for the disk if it is volatile.
func (w *sqliteWriter) begin(volatile bool) error {
	w.conn.failed, w.conn.bumped = nil, false
	if volatile != w.volatile {
		setting := "PRAGMA synchronous=FULL"
		if volatile {
			setting = "PRAGMA synchronous=NORMAL"
		}
		if err := w.conn.control(setting); err != nil {
			return err
		}
		w.volatile = volatile
	}
	return w.conn.control("BEGIN IMMEDIATE")
}

// commit makes the transaction durable. Readers that begin around it must not
// take the old version for the new one's, so there is none meanwhile.
func (w *sqliteWriter) commit() error {
	bumped := w.conn.bumped
	if bumped {
		w.engine.version.Store(nil)
	}
	err := w.conn.control("COMMIT")
	if err != nil {
		w.rollback()
		err = fmt.Errorf("commit: %w", err)
	}
	if bumped {
		w.publish()
	}
	return err
}

func (w *sqliteWriter) rollback() {
	w.conn.reset()
	if !w.conn.raw.AutocommitEnabled() {
		_ = w.conn.control("ROLLBACK") // it can only fail when there is nothing left to roll back
	}
}

// publish tells readers and waiters the committed version.
func (w *sqliteWriter) publish() {
	w.conn.failed = nil
	v, err := readVersion(context.Background(), w.conn)
	if err != nil {
		return // no such table (yet): readers look for themselves
	}
	w.engine.version.Store(&v)
	raised := make(chan struct{})
	close(*w.engine.raised.Swap(&raised))
}

// checkpoint writes the log back into the file when it is long, after the
// requests have been answered.
func (w *sqliteWriter) checkpoint(last class) {
	w.commits++
	if last == classInteractive && w.commits%checkpointEvery != 0 {
		return
	}
	w.conn.failed = nil
	pages := int64(0)
	err := w.conn.run("PRAGMA wal_checkpoint(NOOP)", nil, func(r row) error {
		pages = r.Int(1) - r.Int(2)
		return nil
	})
	if err == nil && pages >= checkpointPages {
		_ = w.conn.control("PRAGMA wal_checkpoint(PASSIVE)") // a failure shows at the next commit
	}
}
