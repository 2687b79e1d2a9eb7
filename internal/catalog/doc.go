// Package catalog is what the program exists for: sections, catalogs, field
// types, records, their history, and every rule about them.
//
// Service is the one gate. Whatever reads or writes records, of either API, of
// imports, reports and scripts, goes through it, and each of its methods asks
// the same Access what the actor may do. Storage is behind the Store port,
// which keeps no rules.
//
// The package knows no HTTP, no SQL, no clock of its own and no foreign id or
// wire format: callers hand it typed values and numbers from package query.
//
// A structure is an immutable snapshot; a change makes the next one:
//
//	load -> Structure v1 --CreateCatalog--> v2 --UpdateCatalog--> v3
//	            \_ every transaction states the version it was planned with;
//	               the store refuses another one and the service plans again
//
// What a change has to do elsewhere waits in the company's outbox, written in the
// change's transaction: logins and edits of accounts for the directory, before the
// answer, and letters, after it. Records of accounts show the directory, which is
// the truth:
//
//	$users ----tx--> outbox: directory --Directory--> account --FollowServer--> $accounts
//	                     \--tx--> $invites, outbox: mail --LetterOptions.Send--> mail server
//	$accounts -tx--> outbox: account --AccountDirectory--> account --FollowServer--> $accounts
package catalog
