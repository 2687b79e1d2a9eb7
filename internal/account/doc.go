// Package account knows who may come in: accounts and their passwords, the
// sessions they opened, the tokens that programs come with, their links to
// companies, and the delay after failed logins.
//
// An account is a person on this server; an employee is a record of a
// company. A link joins the two, and an Actor is what a request runs as once
// both are known. The package declares the Store it needs and knows no HTTP,
// SQL, environment or clock.
//
// A login attempt:
//
//	             delay runs -> rate_limited       wrong -> failure counted -> bad_credentials
//	            /                                /
//	attempt ---+---- locked -> account_locked   +
//	            \                                \
//	             one hash at a time per core ----- right -> failures forgotten, session
//
// Failures are counted per (address, login) for the delay and per login for
// the lock, whether the login exists or not, and an unknown login costs the
// same one hash: an answer never tells which logins exist.
//
// A session lives until it was not used for Options.SessionTTL, or until its
// account's password or login changes, a company unlinks it, somebody revokes
// it, or it is older than the account's SessionsFrom.
//
// The owner of a login chooses a new password by a link that works once within 24
// hours; the database has the hash of its token. An account without a password is
// that of somebody who was invited and has not come yet: the invitation is the
// company's, and ends with Employee.Password.
//
// A token belongs to one link of an account, so to one employee of one company,
// and goes with it. It survives a new password: it was made in order that a
// program need not know that. What its Scope narrows is enforced by the gates of
// what is narrowed; its networks and expiry are looked at here.
package account
