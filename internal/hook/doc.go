// Package hook calls the webhooks of a company, the subscriptions in its catalog
// $webhooks, and runs its scenarios, those in $events and $webRequests.
//
//	Apply writes a change and, with it, whom it fires (catalog/fire.go)
//	   | wakes
//	dispatcher: numbers the events, adds a job each, moves its cursor: one transaction
//	   | wakes
//	job.Runner: claims, and Deliver renders, signs and posts; one lane per record
//	            another one runs scenarios likewise, also those that job.Scheduler adds
//	            at the times of their events
//
// What is called before a write, and while a card is edited, is asked directly: see
// gate.go. No call is made while a transaction is open.
//
// A scenario is run by package script; its calls reach the catalogs by scriptenv,
// and each run is noted in $processes:
//
//	enter (a place) --> $running --> script --> $done, $error or $aborted
//
// A short run that somebody waits for is noted once, after the answer (scenario_late.go).
//
// The package must not know SQL, nor who may see what: messages carry whole values,
// as the original documents.
package hook
