// Package adminapi is what operators and our own interface need beyond the
// public APIs. In this version: the operations behind the program's commands.
//
// An operation reads a stream and writes text. The command understands the
// arguments, opens what is to be read and runs the task in its own process when
// nobody holds the data folder; otherwise it sends the arguments over the
// folder's socket (mode 0600) and the server runs the same function, its output
// streamed back as it is written:
//
//	kartoteka import FILE --> Prepare --> Task.Run                 folder is free
//	                             \--> Dial --> admin.sock --> Handler
//	                                                             \--> Prepare --> Task.Run
//
// The package knows no settings, no standard streams and no SQL; records go
// through catalog.Service like everybody's.
package adminapi
