package store

import (
	"context"
	"errors"
)

// sqliteReader is one reading connection.
type sqliteReader struct {
	*sqliteConn
	// interrupt stops the running statement when closed; it is replaced after use.
	interrupt chan struct{}
}

func newSQLiteReader(c *sqliteConn) *sqliteReader {
	r := &sqliteReader{sqliteConn: c, interrupt: make(chan struct{})}
	r.raw.SetInterrupt(r.interrupt)
	return r
}

// watch lets the end of ctx interrupt this reader; the result ends that and
// makes the reader usable again.
func (r *sqliteReader) watch(ctx context.Context) (unwatch func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	interrupt := r.interrupt
	stop := context.AfterFunc(ctx, func() { close(interrupt) })
	return func() {
		if stop() {
			return
		}
		<-interrupt
		r.interrupt = make(chan struct{})
		r.raw.SetInterrupt(r.interrupt)
	}
}

// view runs fn between BEGIN and ROLLBACK. The snapshot is opened by the first
// statement after BEGIN, so the version is compared in memory twice: had a
// commit come between, the pointers differ and the row itself decides.
func (r *sqliteReader) view(ctx context.Context, e *sqliteEngine, expect *Version, fn func(conn) error) (err error) {
	before := e.version.Load()
	if expect != nil && before != nil && *before != *expect {
		return ErrStale
	}
	unwatch := r.watch(ctx)
	r.failed = nil
	defer func() {
		r.reset()
		unwatch()
		if err2 := r.control("ROLLBACK"); err2 != nil && !r.raw.AutocommitEnabled() {
			err = errors.Join(err, err2)
		}
		err = outward(ctx, err)
	}()
	if err := r.control("BEGIN"); err != nil {
		return err
	}
	if expect != nil && before == nil {
		if err := expectVersion(ctx, r, *expect); err != nil {
			return err
		}
	}
	err = guard(fn, r)
	if expect != nil && before != nil && e.version.Load() != before {
		r.failed = nil
		if stale := expectVersion(ctx, r, *expect); stale != nil {
			return stale
		}
	}
	if err == nil {
		err = r.failed
	}
	return err
}
