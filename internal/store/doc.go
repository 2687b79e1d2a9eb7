// Package store keeps everything in a database: all SQL of the program is here.
//
// It knows two databases, SQLite and PostgreSQL, and must not know HTTP, rights
// or any rule of the domain: it does what catalog and the other rooms ask, in
// transactions. Differences of the databases are methods of dialect; what runs
// a transaction is an engine, and inside one all SQL goes through a conn, which
// is each driver's own API without database/sql (ADR 0001).
//
// A company is a database: a SQLite file, or a schema of PostgreSQL. One more
// holds what companies share.
//
// An update on SQLite goes through the one writer of its file:
//
//	           ctx ends: withdrawn, never runs
//	         ┌──────────────────────────────────►
//	waiting ─┤                            ┌─ all committed ─► answered
//	         └─► joined a group ─► COMMIT ┤
//	              │  │                    └─ failed ────────► none acknowledged
//	              │  └ fn fails: ROLLBACK TO its savepoint, only it is refused
//	              └ the transaction died: every request of the group runs alone
//
// On PostgreSQL a transaction is its own, and is begun again after a
// serialization failure, a deadlock or, for structure changes, a lock that was
// not given in time.
package store
