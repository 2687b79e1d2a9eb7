// Package tree holds what a caller sent before anybody knows what it means:
// JSON values, from a body or from bracketed query parameters, in the order
// and with the number texts they came in.
//
// The parser is bounded (depth, number of values) and refuses what could not
// be stored or compared later: invalid UTF-8, U+0000, lone surrogates, and
// numbers beyond the range of a double. It knows nothing of HTTP, of fields
// or of filters.
package tree
