package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"zombiezen.com/go/sqlite"

	"kartoteka/internal/fault"
)

// errClass is what the store does about a driver's error. It follows from the
// driver's code, never from its text.
type errClass int

const (
	classOther errClass = iota
	// classUnique: a row with this key exists.
	classUnique
	// classConstraint: another constraint (foreign key, check, not null).
	classConstraint
	// classConflict: another transaction was in the way; begin again.
	classConflict
	// classLocked: a lock was not given in time.
	classLocked
	// classCancelled: the statement was stopped, by its context or by a time limit.
	classCancelled
	// classFull: no room on the disk.
	classFull
	// classRange: a number is too large for its type.
	classRange
	// classGone: the connection or the server is not there.
	classGone
)

var (
	errClosed = errors.New("the database is closed")
	errLost   = errors.New("the connection to the database was lost")
	errDead   = errors.New("the transaction was rolled back by the database")
)

// classify gives the class of any error in err's chain.
func classify(err error) errClass {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return classifyPostgres(pg)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return classCancelled
	}
	if conn := (*pgconn.ConnectError)(nil); errors.Is(err, errLost) || errors.As(err, &conn) {
		return classGone
	}
	return classifySQLite(sqlite.ErrCode(err))
}

func classifySQLite(code sqlite.ResultCode) errClass {
	switch code {
	case sqlite.ResultConstraintUnique, sqlite.ResultConstraintPrimaryKey, sqlite.ResultConstraintRowID:
		return classUnique
	}
	switch code.ToPrimary() {
	case sqlite.ResultConstraint:
		return classConstraint
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return classLocked
	case sqlite.ResultInterrupt:
		return classCancelled
	case sqlite.ResultFull:
		return classFull
	}
	return classOther
}

// classifyPostgres: https://www.postgresql.org/docs/current/errcodes-appendix.html
func classifyPostgres(err *pgconn.PgError) errClass {
	switch err.Code {
	case "23505", "23P01":
		return classUnique
	case "40001", "40P01":
		return classConflict
	case "0A000": // a prepared statement whose table has changed; a new one fits
		if err.Routine == "RevalidateCachedQuery" {
			return classConflict
		}
	case "55P03":
		return classLocked
	case "57014":
		return classCancelled
	case "53100":
		return classFull
	case "22003":
		return classRange
	}
	switch err.Code[:min(2, len(err.Code))] {
	case "23":
		return classConstraint
	case "08", "57", "53":
		return classGone
	}
	return classOther
}

// outward makes the last error of a transaction fit for the caller of the
// engine: the end of ctx is ctx's error, what the operator must mend is
// fault.Unavailable, anything else stays.
func outward(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return err
	}
	switch classify(err) {
	case classCancelled:
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err // of a context of fn's own
		}
		return fault.Wrap(err, fault.Unavailable, "The database took too long")
	case classLocked:
		return fault.Wrap(err, fault.Unavailable, "The table is in use; try again later")
	case classConflict:
		return fault.Wrap(err, fault.Unavailable, "Too many changes at once; try again later")
	case classFull:
		return fault.Wrap(err, fault.Unavailable, "The disk of the database is full")
	case classGone:
		return fault.Wrap(err, fault.Unavailable, "The database does not answer")
	}
	return err
}

// brief shortens SQL for an error message; parameters never are in it.
func brief(sql string) string {
	const most = 120
	if len(sql) > most {
		return sql[:most] + "..."
	}
	return sql
}
