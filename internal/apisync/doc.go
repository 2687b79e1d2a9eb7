// Package apisync is the synchronisation module: endpoints that people configure in
// front of a catalog, under other names, with their own authentication, mapping,
// scripts and log. It knows nothing of HTTP; syncapi serves it.
//
// A Config (config*.go) is stored as one JSON resource (resource.go) and compiled
// (compile.go) against the structure of the company whenever one of the two has
// changed. A request reads the domain (domain*.go), maps values in and out (map*.go),
// and writes through catalog.Service.Apply as the config's employee (receive*.go).
// What was exchanged is kept in a log of its own (log*.go).
package apisync
