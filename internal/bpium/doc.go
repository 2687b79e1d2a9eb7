// Package bpium turns Bpium's wire into the domain's terms and back: bracketed
// query strings, filters, field values, records, structures and histories.
//
// Every quirk of that API stops here: ids that are strings and may come as
// numbers, numeric aliases of system objects, doubled keys, lists that hold one
// choice, dates with a lost "+". README.md lists them with their sources.
//
// Decoding is typed by the catalog's fields and never guesses: what cannot be
// understood is a fault that names the parameter or field, because a caller
// whose filter was ignored would act on too many records. Encoding goes from
// a page's cells to bytes without a value in between.
//
// The package must not know HTTP, SQL, accounts, or what an actor may do; it
// asks catalog.Access where the wire depends on it.
package bpium
