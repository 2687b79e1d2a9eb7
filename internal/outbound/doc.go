// Package outbound is the one HTTP client for calls to addresses that people of a
// company chose: webhooks, sync, fetched files, tokens, alerts, scripts.
//
// People may write any address, and their names may lead anywhere, so a call is
// judged where nobody can change it any more: in the dialer, after the look-up and
// before the connection, for every address that is tried. A Client has one Policy,
// because the connections it keeps are shared by its calls.
//
//	Do --> CheckURL --> look-up --> Policy, each address --> connect --> TLS --> answer
//	           ^                                                                   |
//	           +------------------- a redirect, when it is followed ---------------+
//
// Everything of a call is bounded: the time of its parts and of the whole, the
// headers and the body of the answer, redirects, calls at once, idle connections.
// It fails with *Error, whose Message is for people and repeats no address that
// the caller did not write; what is behind it is for the log.
//
// HTTP/2 is not spoken. Each call in flight has a connection of its own, so that a
// receiver that stalls one call stalls no other, and its far larger surface
// (multiplexing, compressed headers, floods of frames) is not open to strangers.
// Answers are not decompressed: MaxBody bounds what is kept in memory.
//
// The package must not know who calls: webhooks, attempts, secrets and logs are the
// callers'. Servers that the operator names (mail, files, the database) are not
// reached through it: they may well be in a private network.
package outbound
