// Package e2e tests the whole program as its users see it: the real binary,
// on both databases, called by public clients unmodified (js/), by the requests
// that older clients send, and by people who pull the plug.
//
// It must not import any room: what it knows is the command line and HTTP.
package e2e
