package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
)

const (
	// sqliteStatements bounds the prepared statements of one connection.
	sqliteStatements = 256
	// keptBytes is the largest argument or buffer that is kept with a statement
	// between its runs.
	keptBytes = 4 << 10
)

// sqliteConn is one connection, of the writer or of a reader.
type sqliteConn struct {
	raw    *sqlite.Conn
	stmts  map[string]*sqliteStmt
	tick   uint64
	writer bool
	// failed is the first error of the current request; see conn.
	failed error
	// bumped says that the transaction may have changed the version row.
	bumped bool
}

// sqliteStmt is a prepared statement and the row it stands on.
type sqliteStmt struct {
	raw    *sqlite.Stmt
	params int
	used   uint64
	busy   bool
	large  bool // holds an argument that is not worth keeping
	row    sqliteRow
}

func (c *sqliteConn) Dialect() dialect { return sqliteDialect{} }

func (c *sqliteConn) Exec(_ context.Context, sql string, args ...any) (int64, error) {
	if err := c.run(sql, args, nil); err != nil {
		return 0, err
	}
	return int64(c.raw.Changes()), nil
}

func (c *sqliteConn) Query(_ context.Context, sql string, args []any, each func(row) error) error {
	return c.run(sql, args, each)
}

func (c *sqliteConn) ExecBatch(_ context.Context, batch []statement) error {
	for i := range batch {
		if err := c.run(batch[i].SQL, batch[i].Args, batch[i].Each); err != nil {
			return err
		}
	}
	return nil
}

// Last implements conn: to end a transaction costs nothing here.
func (c *sqliteConn) Last() {}

func (c *sqliteConn) Bump(ctx context.Context, what part) error {
	c.bumped = true
	_, err := c.Exec(ctx, bumpVersion, what.increments()...)
	return err
}

func (c *sqliteConn) Script(_ context.Context, sql string) error {
	if c.failed != nil {
		return c.failed
	}
	for sql = skipBlank(sql); sql != ""; {
		stmt, rest, err := c.raw.PrepareTransient(sql)
		if err != nil {
			return c.fail(sql, err)
		}
		for more := true; more && err == nil; {
			more, err = stmt.Step()
		}
		err = errors.Join(err, stmt.Finalize())
		if err != nil {
			return c.fail(sql, err)
		}
		sql = skipBlank(sql[len(sql)-rest:])
	}
	return nil
}

// skipBlank drops what SQLite prepares to nothing: white space, comments and
// empty statements at the start.
func skipBlank(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n;")
		end := ""
		switch {
		case strings.HasPrefix(sql, "--"):
			end = "\n"
		case strings.HasPrefix(sql, "/*"):
			end = "*/"
		default:
			return sql
		}
		if _, rest, found := strings.Cut(sql, end); found {
			sql = rest
		} else {
			return ""
		}
	}
}

// run executes one statement of a request.
func (c *sqliteConn) run(sql string, args []any, each func(row) error) error {
	if c.failed != nil {
		return c.failed
	}
	s, err := c.start(sql, args)
	if err != nil {
		return c.fail(sql, err)
	}
	defer c.finish(sql, s)
	for {
		more, err := s.raw.Step()
		if err != nil {
			return c.fail(sql, err)
		}
		if !more {
			return nil
		}
		if each == nil {
			continue
		}
		s.row.buf = s.row.buf[:0]
		if err := each(&s.row); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// finish ends a run, and forgets a statement that is too long to be kept.
func (c *sqliteConn) finish(sql string, s *sqliteStmt) {
	s.finish()
	if len(sql) > cachedSQL {
		delete(c.stmts, sql)
		_ = s.raw.Finalize() // repeats the error of the last step, if any
	}
}

// fail notes the first error of the request. On the writer it also keeps the
// rest of fn from committing statement by statement when the error has ended
// the transaction.
func (c *sqliteConn) fail(sql string, err error) error {
	if c.writer && c.raw.AutocommitEnabled() {
		err = fmt.Errorf("%w: %w", errDead, err)
	}
	c.failed = fmt.Errorf("%s: %w", brief(sql), err)
	return c.failed
}

// control runs the engine's own statement, such as BEGIN, whatever has failed.
func (c *sqliteConn) control(sql string) error {
	s, err := c.start(sql, nil)
	if err == nil {
		_, err = s.raw.Step()
		s.finish()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// start gives the statement with its arguments bound.
func (c *sqliteConn) start(sql string, args []any) (*sqliteStmt, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	if len(args) != s.params {
		return nil, fmt.Errorf("%d arguments for %d parameters", len(args), s.params)
	}
	for i, a := range args {
		if err := s.bind(i+1, a); err != nil {
			return nil, err
		}
	}
	s.busy = true
	return s, nil
}

func (c *sqliteConn) prepare(sql string) (*sqliteStmt, error) {
	c.tick++
	if s := c.stmts[sql]; s != nil {
		if s.busy {
			return nil, errors.New("the same statement is already running on this connection")
		}
		s.used = c.tick
		return s, nil
	}
	if len(c.stmts) >= sqliteStatements {
		c.evict()
	}
	raw, err := c.raw.Prepare(sql)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the whole statement in its text
		}
		return nil, err
	}
	s := &sqliteStmt{raw: raw, params: raw.BindParamCount(), used: c.tick}
	s.row.stmt = raw
	c.stmts[sql] = s
	return s, nil
}

// evict drops the statement used longest ago. A scan of all is nothing beside
// the preparation that follows.
func (c *sqliteConn) evict() {
	oldest, sql := c.tick, ""
	for k, s := range c.stmts {
		if !s.busy && s.used < oldest {
			oldest, sql = s.used, k
		}
	}
	if s := c.stmts[sql]; s != nil {
		delete(c.stmts, sql)
		_ = s.raw.Finalize() // repeats the error of the last step, if any
	}
}

// reset ends what a panic may have left running.
func (c *sqliteConn) reset() {
	for _, s := range c.stmts {
		if s.busy {
			s.finish()
		}
	}
}

func (s *sqliteStmt) bind(i int, arg any) error {
	switch a := arg.(type) {
	case nil:
		s.raw.BindNull(i)
	case int64:
		s.raw.BindInt64(i, a)
	case int:
		s.raw.BindInt64(i, int64(a))
	case string:
		s.large = s.large || len(a) > keptBytes
		s.raw.BindText(i, a)
	case float64:
		s.raw.BindFloat(i, a)
	case bool:
		s.raw.BindBool(i, a)
	case []byte:
		s.bindBytes(i, a)
	case []int64:
		s.bindList(i, jsonInts(a))
	case []float64:
		s.bindList(i, jsonFloats(a))
	default:
		return fmt.Errorf("argument %d has type %T", i, arg)
	}
	return nil
}

func (s *sqliteStmt) bindList(i int, text string) {
	s.large = s.large || len(text) > keptBytes
	s.raw.BindText(i, text)
}

func (s *sqliteStmt) bindBytes(i int, b []byte) {
	if b == nil {
		s.raw.BindNull(i)
		return
	}
	s.large = s.large || len(b) > keptBytes
	s.raw.BindBytes(i, b)
}

// finish makes the statement ready for its next run.
func (s *sqliteStmt) finish() {
	s.busy = false
	_ = s.raw.Reset() // repeats the error of the last step, which was reported
	if s.large {
		s.large = false
		_ = s.raw.ClearBindings()
	}
	if cap(s.row.buf) > keptBytes {
		s.row.buf = nil
	}
}

func jsonFloats(list []float64) string {
	b := []byte{'['}
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, n, 'e', -1, 64) // with an exponent it is no integer
	}
	return string(append(b, ']'))
}

func jsonInts(list []int64) string {
	b := append(make([]byte, 0, 2+8*len(list)), '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(append(b, ']'))
}

// sqliteRow reads columns straight from the statement.
type sqliteRow struct {
	stmt *sqlite.Stmt
	// buf holds what Bytes gave for the current row; when it is too short a new
	// one is made and the old slices stay valid.
	buf []byte
}

func (r *sqliteRow) Null(i int) bool     { return r.stmt.ColumnType(i) == sqlite.TypeNull }
func (r *sqliteRow) Int(i int) int64     { return r.stmt.ColumnInt64(i) }
func (r *sqliteRow) Float(i int) float64 { return r.stmt.ColumnFloat(i) }
func (r *sqliteRow) Str(i int) string    { return r.stmt.ColumnText(i) }

func (r *sqliteRow) Bytes(i int) []byte {
	if r.Null(i) {
		return nil
	}
	n := r.stmt.ColumnLen(i)
	start := len(r.buf)
	if cap(r.buf)-start < n {
		r.buf, start = make([]byte, 0, max(n, 2*cap(r.buf), 512)), 0
	}
	r.buf = r.buf[:start+n]
	r.stmt.ColumnBytes(i, r.buf[start:])
	return r.buf[start : start+n : start+n]
}
