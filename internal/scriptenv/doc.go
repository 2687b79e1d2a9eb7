// Package scriptenv is env, the catalogs to a script: records that it searches, reads,
// makes, changes and removes as in Odoo.
//
// A Host answers the calls of package script for one run. Whoever runs scripts says as
// whom they act, and where their writes go:
//
//	scenarios (hook)      as the system; each call writes at once
//	sync scripts (apisync) as the config's employee; writes are Kept and carried out by
//	                      the request, all or none
//
// It has no rights of its own: whatever it reads and writes goes through catalog.Service.
package scriptenv
