package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// retryMost bounds how often a transaction in conflict is begun again.
	retryMost = 10
	// lostMost bounds it for connections lost before COMMIT, as by a failover.
	lostMost = 3
	// structurePatience is how long a structure change tries to get its locks.
	structurePatience = 10 * time.Second
	// endTimeout bounds COMMIT and ROLLBACK, which the caller's context must
	// not cut short.
	endTimeout = 30 * time.Second
	// poolMost is how many connections an engine has when nobody says; poolIdle
	// is how long one is kept that is not needed.
	poolMost = 16
	poolIdle = 5 * time.Minute
	// versionPoll is how often Wait looks without being notified.
	versionPoll = time.Second
)

// postgresEngine is one schema of a PostgreSQL database.
type postgresEngine struct {
	pool    *pgxpool.Pool
	schema  string
	channel string // of NOTIFY
	sql     rewriter
	// life ends with Close.
	life context.Context
	end  context.CancelFunc
}

// openPostgres connects to dsn and makes the schema if it is missing. most
// bounds the connections; 0 leaves it to dsn (pool_max_conns) or means 16.
func openPostgres(ctx context.Context, dsn, schema string, most int) (*postgresEngine, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the connection string: %w", err)
	}
	switch {
	case most > 0:
		config.MaxConns = int32(most)
	case !strings.Contains(dsn, "pool_max_conns"):
		config.MaxConns = poolMost
	}
	config.MaxConnIdleTime = poolIdle
	setPostgres(config.ConnConfig, schema)
	if err := preparePostgres(ctx, config.ConnConfig, schema); err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams[defaultIsolation] = "repeatable read"
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	e := &postgresEngine{pool: pool, schema: schema, channel: channelOf(schema)}
	e.life, e.end = context.WithCancel(context.Background())
	return e, nil
}

// defaultIsolation is that of transactions without BEGIN: what is sent at once
// is one for the server; see postgresConn.repeats.
const defaultIsolation = "default_transaction_isolation"

// apart is the configuration of a connection that is not of the pool.
func (e *postgresEngine) apart() *pgx.ConnConfig {
	config := e.pool.Config().ConnConfig
	delete(config.RuntimeParams, defaultIsolation)
	return config
}

// channelOf names the NOTIFY channel of a schema, whose name may be as long as
// a channel's may be.
func channelOf(schema string) string {
	return fmt.Sprintf("kartoteka_%016x", uint64(hashKey(schema, 0)))
}

// setPostgres sets what every connection of the engine has.
func setPostgres(c *pgx.ConnConfig, schema string) {
	c.RuntimeParams["application_name"] = "kartoteka"
	// public holds extensions, such as pg_trgm and its operators.
	c.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize() + ", public"
	c.RuntimeParams["statement_timeout"] = "30s"
	c.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	c.RuntimeParams["timezone"] = "UTC"
	c.RuntimeParams["jit"] = "off" // compiles longer than our queries run
	// The end of a context cancels the statement and spares the connection.
	c.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: 2 * time.Second}
	}
}

// preparePostgres refuses a database that would sort or fold text wrongly, and
// makes the schema.
func preparePostgres(ctx context.Context, config *pgx.ConnConfig, schema string) error {
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	var encoding, ctype string
	err = c.QueryRow(ctx, `SELECT pg_encoding_to_char(encoding), datctype FROM pg_database
		WHERE datname = current_database()`).Scan(&encoding, &ctype)
	if err != nil {
		return fmt.Errorf("look at the database: %w", err)
	}
	if err := checkLocale(encoding, ctype); err != nil {
		return err
	}
	return createSchema(ctx, c, schema)
}

func checkLocale(encoding, ctype string) error {
	if encoding != "UTF8" {
		return fmt.Errorf("the database has encoding %s; make one with ENCODING 'UTF8'", encoding)
	}
	if ctype == "C" || ctype == "POSIX" {
		return fmt.Errorf("the database has LC_CTYPE %s, which knows no letters but English ones; make one with LC_CTYPE 'C.UTF-8' or a language's", ctype)
	}
	return nil
}

// createSchema asks first, as the role may not be allowed to make schemas.
func createSchema(ctx context.Context, c *pgx.Conn, schema string) error {
	var there bool
	err := c.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, schema).Scan(&there)
	if err == nil && !there {
		err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			// Two nodes at once: IF NOT EXISTS alone may fail with a duplicate.
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, hashKey(schema, 0)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{schema}.Sanitize())
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("make the schema %s: %w", schema, err)
	}
	return nil
}

// hashKey spreads the locks of all schemas over the one space of a database.
func hashKey(schema string, key int64) int64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%d", schema, key)
	return int64(h.Sum64())
}

func (e *postgresEngine) Dialect() dialect { return postgresDialect{} }

const beginView = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

func (e *postgresEngine) View(ctx context.Context, expect *Version, fn func(conn) error) error {
	begin := []statement{{SQL: beginView}}
	return e.transact(ctx, begin, updateOptions{Expect: expect}, fn)
}

func (e *postgresEngine) Update(ctx context.Context, opts updateOptions, fn func(conn) error) error {
	begin := []statement{{SQL: "BEGIN ISOLATION LEVEL READ COMMITTED"}}
	if opts.Class == classStructure {
		begin = append(begin,
			statement{SQL: "SET LOCAL lock_timeout = '500ms'"},
			statement{SQL: "SET LOCAL statement_timeout = '10min'"}) // building an index
	}
	if opts.Volatile {
		begin = append(begin, statement{SQL: "SET LOCAL synchronous_commit = off"})
	}
	begin = append(begin, e.locks(opts)...)
	return e.transact(ctx, begin, opts, fn)
}

// locks takes the advisory locks in one order everywhere, so that they cannot
// deadlock, and each only once, as shared to exclusive would.
func (e *postgresEngine) locks(opts updateOptions) (list []statement) {
	how := map[int64]string{}
	for _, key := range opts.Shared {
		how[hashKey(e.schema, key)] = "SELECT pg_advisory_xact_lock_shared(?)"
	}
	for _, key := range opts.Exclusive {
		how[hashKey(e.schema, key)] = "SELECT pg_advisory_xact_lock(?)"
	}
	keys := make([]int64, 0, len(how))
	for key := range how {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		list = append(list, statement{SQL: how[key], Args: []any{key}})
	}
	return list
}

// transact runs transactions until one ends for good.
func (e *postgresEngine) transact(ctx context.Context, begin []statement, opts updateOptions, fn func(conn) error) error {
	started := time.Now()
	for attempt := 0; ; attempt++ {
		err := e.once(ctx, begin, opts, fn)
		wait, again := retryAfter(err, opts, attempt, time.Since(started))
		if !again {
			return outward(ctx, err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return outward(ctx, errors.Join(ctx.Err(), err))
		}
	}
}

// retryAfter tells whether the transaction that failed should begin again.
func retryAfter(err error, opts updateOptions, attempt int, spent time.Duration) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	jitter := rand.N(10 * time.Millisecond << min(attempt, 5))
	patience := opts.Patience
	if patience == 0 {
		patience = structurePatience
	}
	switch classify(err) {
	case classConflict:
		return jitter, attempt < retryMost
	case classLocked:
		return 50*time.Millisecond + jitter, opts.Class == classStructure && spent < patience
	}
	return jitter, errors.Is(err, errLost) && attempt < lostMost
}

// once runs one transaction. What precedes fn goes to the server in one piece
// with the first that fn asks.
func (e *postgresEngine) once(ctx context.Context, begin []statement, opts updateOptions, fn func(conn) error) (err error) {
	if e.life.Err() != nil {
		return errClosed
	}
	pooled, err := e.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("get a connection to the database: %w", err)
	}
	defer pooled.Release() // which closes a connection still in a transaction
	c := &postgresConn{engine: e, raw: pooled.Conn(), repeats: opts.Repeats || begin[0].SQL == beginView}
	committed := false
	defer func() {
		if !committed {
			c.rollback(ctx)
		}
	}()
	c.begin(begin, opts.Expect)
	if err = c.call(ctx, opts, fn); err == nil && !c.ended {
		err = ctx.Err()
	}
	if err != nil {
		return e.lost(ctx, c, err)
	}
	committed = true
	if c.ended {
		return nil
	}
	return c.commit(ctx)
}

// lost marks the error of a connection that broke before COMMIT: nothing of the
// transaction is there. The other idle connections are no better.
func (e *postgresEngine) lost(ctx context.Context, c *postgresConn, err error) error {
	if !c.raw.IsClosed() || ctx.Err() != nil {
		return err
	}
	e.pool.Reset()
	if c.unsure {
		return fmt.Errorf("commit: %w", err)
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// begin prepares what starts the transaction and compares versions. With locks
// the version is a statement of its own after them, and READ COMMITTED gives it
// a snapshot of its own, so it is what the lock protects.
func (c *postgresConn) begin(begin []statement, expect *Version) {
	c.opening = slices.Clone(begin)
	if expect == nil {
		return
	}
	if begin[0].SQL != beginView {
		args := []any{expect.Structure, expect.Rights}
		c.opening = append(c.opening, statement{SQL: assertVersion, Args: args, Refused: ErrStale})
		return
	}
	c.opening = append(c.opening, statement{SQL: selectVersion, Each: func(r row) error {
		if (Version{Structure: r.Int(0), Rights: r.Int(1)}) != *expect {
			c.failed = ErrStale
			return ErrStale
		}
		return nil
	}})
}

// call runs fn in the transaction that begin has prepared.
func (c *postgresConn) call(ctx context.Context, opts updateOptions, fn func(conn) error) (err error) {
	if opts.Class == classStructure {
		err = c.open(ctx, false) // its locks are held and its timeouts set when fn begins
	}
	if err == nil {
		err = guard(fn, c)
	}
	// fn may have asked nothing, or refused because of an old structure.
	if early := c.open(ctx, err == nil); err == nil || errors.Is(early, ErrStale) {
		err = early
	}
	if err != nil && c.doubtful && opts.Expect != nil {
		err = c.reconsider(ctx, *opts.Expect, err)
	}
	return err
}

// reconsider gives ErrStale in place of the error of a first statement that was
// written for another structure: a column that is gone is found out before the
// version is compared.
func (c *postgresConn) reconsider(ctx context.Context, expect Version, err error) error {
	if c.raw.IsClosed() || ctx.Err() != nil {
		return err
	}
	c.rollback(ctx)
	var v Version
	if c.raw.QueryRow(ctx, selectVersion).Scan(&v.Structure, &v.Rights) == nil && v != expect {
		return ErrStale
	}
	return err
}

func (c *postgresConn) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if _, err := c.raw.Exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rollback need not succeed: a connection left in a transaction is closed.
func (c *postgresConn) rollback(ctx context.Context) {
	if c.raw.IsClosed() || c.raw.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, _ = c.raw.Exec(ctx, "ROLLBACK")
}

// Wait holds a connection of its own: it is idle nearly always and must not
// take one from the pool.
func (e *postgresEngine) Wait(ctx context.Context, known Version) (Version, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	v, err := e.wait(ctx, known)
	if e.life.Err() != nil {
		return known, errClosed
	}
	if ctx.Err() != nil {
		return known, ctx.Err()
	}
	return v, err
}

func (e *postgresEngine) wait(ctx context.Context, known Version) (v Version, err error) {
	config := e.apart()
	config.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: pg.Conn()} // the end of a poll is no request to cancel
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return known, fmt.Errorf("wait for a version: %w", err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "LISTEN "+e.channel); err != nil {
		return known, fmt.Errorf("wait for a version: %w", err)
	}
	for {
		if err := c.QueryRow(ctx, selectVersion).Scan(&v.Structure, &v.Rights); err != nil {
			return known, fmt.Errorf("wait for a version: %w", err)
		}
		if v != known {
			return v, nil
		}
		poll, cancel := context.WithTimeout(ctx, versionPoll)
		_, err := c.WaitForNotification(poll)
		timeout := poll.Err() != nil
		cancel()
		if err != nil && (ctx.Err() != nil || !timeout) {
			return known, fmt.Errorf("wait for a version: %w", err)
		}
	}
}

// Integrity lists indexes that are not valid, but for those over fields: these
// come and go meanwhile, and whoever notes one looks whether it is valid. The
// pages themselves are the server's business (checksums, amcheck).
func (e *postgresEngine) Integrity(ctx context.Context, _ bool) (found []string, err error) {
	err = e.View(ctx, nil, func(c conn) error {
		found = nil
		return c.Query(ctx, `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE NOT i.indisvalid AND c.relnamespace = ?::regnamespace AND c.relname !~ '^i_[0-9]'
			ORDER BY 1`,
			[]any{pgx.Identifier{e.schema}.Sanitize()}, func(r row) error {
				found = append(found, "the index "+r.Str(0)+" is not valid")
				return nil
			})
	})
	return found, err
}

func (e *postgresEngine) Close() error {
	e.end()
	e.pool.Close()
	return nil
}
