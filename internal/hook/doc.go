// Package hook calls the webhooks of a company: the subscriptions in its catalog
// $webhooks.
//
//	Apply writes a change and, with it, whom it fires (catalog/fire.go)
//	   | wakes
//	dispatcher: numbers the events, adds a job each, moves its cursor: one transaction
//	   | wakes
//	job.Runner: claims, and Deliver renders, signs and posts; one lane per record
//
// What is called before a write, and while a card is edited, is asked directly: see
// gate.go. No call is made while a transaction is open.
//
// The package must not know SQL, nor who may see what: messages carry whole values,
// as the original documents.
package hook
