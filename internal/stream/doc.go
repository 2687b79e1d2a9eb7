// Package stream tells clients of changes as they happen, by server-sent events.
//
//	Open: the gate says what the listener sees, and what he missed (catalog.LookBack)
//	   |  from then on
//	follow: each 100 ms at most, one look for all (catalog.Look); those who see the
//	   |    same get the same bytes
//	Listener: a bounded queue; a goroutine only while there is something to write
//	   |
//	tend: heartbeats, ends of sessions, connections that were closed
//
// Nothing is kept between looks but the number of the last change: what a listener
// saw before a change is worked out from the log. So a listener may come back to any
// node, also after a restart.
//
// The package must not know SQL, nor HTTP: it writes to what it is given.
package stream
