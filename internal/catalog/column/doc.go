// Package column keeps fields of a catalog's records in memory, a typed array
// each, and groups and measures records by them.
//
// It knows neither rights nor where values come from: whoever fills a Table keeps
// it up to date and says which records count. A Table is not safe for concurrent
// use: any number may read while nobody changes it.
package column
