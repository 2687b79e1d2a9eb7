package store

// dialect is what the databases say differently. SQL is written once, in the
// subset both understand (RETURNING, ON CONFLICT, IS TRUE, ? for parameters).
type dialect interface {
	// Name is "sqlite" or "postgres", also the folder of its migrations.
	Name() string
	// AnyInt is the condition that expr is among the integers of one parameter
	// of type []int64, so that a list of any length is one prepared statement.
	AnyInt(expr string) string
	// Integers is a SELECT of the integers of such a parameter.
	Integers() string
	// AnyFloat is AnyInt for a parameter of type []float64.
	AnyFloat(expr string) string
	// CountUpTo is how many integers of one parameter of type []int64 are not greater
	// than expr, 0 for NULL.
	CountUpTo(expr string) string
	// ForUpdate ends a SELECT whose rows the transaction is about to change.
	ForUpdate() string
	// Remote tells that each call of a conn is a round trip.
	Remote() bool
	// Reserve is a statement that waits until no other transaction has reserved its
	// parameter, a text, and reserves it; "" where there is one writer.
	Reserve() string
	queryDialect
}

type sqliteDialect struct{}

func (sqliteDialect) Name() string                  { return "sqlite" }
func (d sqliteDialect) AnyInt(expr string) string   { return expr + " IN (" + d.Integers() + ")" }
func (sqliteDialect) Integers() string              { return "SELECT value FROM json_each(?)" }
func (d sqliteDialect) AnyFloat(expr string) string { return d.AnyInt(expr) }
func (sqliteDialect) ForUpdate() string             { return "" }
func (sqliteDialect) Remote() bool                  { return false }
func (sqliteDialect) Reserve() string               { return "" }

func (sqliteDialect) CountUpTo(expr string) string {
	return "(SELECT count(*) FROM json_each(?) WHERE value <= " + expr + ")"
}

type postgresDialect struct{}

func (postgresDialect) Name() string                { return "postgres" }
func (postgresDialect) AnyInt(expr string) string   { return expr + " = ANY(?::bigint[])" }
func (postgresDialect) Integers() string            { return "SELECT unnest(?::bigint[])" }
func (postgresDialect) AnyFloat(expr string) string { return expr + " = ANY(?::double precision[])" }
func (postgresDialect) ForUpdate() string           { return " FOR UPDATE" }
func (postgresDialect) Remote() bool                { return true }

func (postgresDialect) CountUpTo(expr string) string {
	return "(SELECT count(*) FROM unnest(?::bigint[]) e WHERE e <= " + expr + ")"
}

func (postgresDialect) Reserve() string {
	return "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || ?, 0))"
}
