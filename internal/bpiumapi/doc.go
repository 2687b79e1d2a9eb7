// Package bpiumapi serves Bpium's HTTP API: /api/v1 and /auth.
//
// It is routes and handlers only. A handler finds out what the request is
// about (404, 403), decodes the rest of it with package bpium (400), makes one
// call of a service and encodes the answer with package bpium. Rules belong to
// the services, wire forms to bpium, statuses and envelopes to httpkit.
//
//	/api/v1: Kit.API -> Kit.LimitIP -> Authenticator -> licence -> Router -> handler
//	/auth:   Kit.API -> Kit.LimitIP -> Router -> handler
//
// The package must not know SQL, settings, or how values are stored.
// README.md lists where it deviates from the API it follows.
package bpiumapi
