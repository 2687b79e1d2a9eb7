// Package crashtest runs what stores and delivers in one process on a real database,
// with a clock that is moved by hand, and lets that process die at named steps: what
// it had in memory is gone, and the next process finds what the database held at that
// moment.
//
//	Template   a seeded database, made once
//	World      a copy of it, with a clock and receivers of calls
//	Process    catalog, queue and webhooks over the World's database, until it dies
//	Steps      which steps there are, and how often each was passed
//
// A step is passed between two effects that the outside can see: within and after a
// transaction, before a body is sent, while the receiver has it. Steps are found by
// standing between the rooms (Store is the company's database as a mortal process
// sees it), so that the program itself knows nothing of them.
//
// The package must not know what is right: that is the business of the tests that use
// it.
package crashtest
