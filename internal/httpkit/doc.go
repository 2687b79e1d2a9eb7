// Package httpkit is what every HTTP surface of the program shares: handlers
// that return errors, the one table from fault codes to statuses, request ids
// and the log, limits, authentication, bounded bodies, and the server's
// timeouts. Each API shapes only the body of its errors, by an ErrorWriter.
//
// It must not know what any API serves: no catalogs, no records, no paths.
//
// A request passes
//
//	Kit.Observe      id, client address, log, recover, gzip, safe headers
//	Kit.API          the API's ErrorWriter, no-store, CORS
//	Kit.LimitIP      rate limit by address
//	Authenticator    credentials, origin rule, company, limit by account, verbs
//	                 of the token
//	Router           404 and 405 in the API's envelope
//	Handler          decode, one call, encode
package httpkit
