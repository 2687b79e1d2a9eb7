package store

// lateStatements are those of a transaction that wait for its end; see
// statement. FTS5 collects new rows in memory and writes them out at each
// savepoint, and SQLite makes one for every request of a group and for many a
// statement. Together at the end, the rows of all requests are written once.
type lateStatements struct {
	list []statement
	// done counts those that have run, own those of earlier requests.
	done, own int
	// broken is set when one failed: it may be another request's.
	broken bool
}

// request begins a request of the transaction; the result takes back what it
// adds, as a rollback does with what it has run.
func (l *lateStatements) request() (undo func()) {
	done, own := l.done, len(l.list)
	l.own = own
	return func() {
		clear(l.list[own:])
		l.list, l.done = l.list[:own], done
	}
}

// reset begins a transaction.
func (l *lateStatements) reset() {
	clear(l.list)
	*l = lateStatements{list: l.list[:0]}
}

// ready begins a call: it gives the request's error and runs the late
// statements that the request itself has left, and those before them.
func (c *sqliteConn) ready() error {
	if c.failed == nil && len(c.late.list) > max(c.late.own, c.late.done) {
		return c.settle()
	}
	return c.failed
}

// settle runs the late statements that wait.
func (c *sqliteConn) settle() error {
	waiting := c.late.list[c.late.done:]
	c.late.done = len(c.late.list)
	for i := range waiting {
		if err := c.run(waiting[i].SQL, waiting[i].Args, nil); err != nil {
			c.late.broken = true
			return err
		}
	}
	return nil
}
