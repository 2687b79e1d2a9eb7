// Package syncapi is the synchronisation module over HTTP: its configuration below
// /api/v1/sync (admin*.go). What is configured is apisync's; here are routes, JSON and
// statuses. It knows no store.
package syncapi
