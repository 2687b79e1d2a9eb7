// Package storetest states what a company's database promises to catalog, as
// tests that every kind of database runs: each promise of catalog.Store and
// catalog.Writer has a case of its name.
//
// It knows the store by its exported methods only.
package storetest
