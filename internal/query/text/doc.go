// Package text holds the few functions that decide when two texts are equal,
// which one sorts first and what a search finds in them. Search index, filters,
// titles and both databases use these functions and nothing of their own, so
// they agree.
//
// It must not know fields, records, filters or databases: strings go in,
// strings and bytes come out. Every function is safe for concurrent use.
//
// Stored values depend on the results: a change of Fold, SortKey or PlainText
// for any input needs a migration that rebuilds search rows, titles and keys.
package text
