// Package server puts the program together: it opens the databases, makes the
// services over them, mounts the APIs, and starts and stops all of it in order.
//
//	Open: folder lock -> control database -> company database -> services
//	Run:  listeners and background work until ctx ends, then
//	      HTTP drains -> background work ends
//	Close: databases -> folder lock
//
// It holds no rules: what it wires it does not look into.
package server
