// Package job is a durable queue of deliveries: each job carries one change of one
// record to one target, or is a run of what a target does at times.
//
// The jobs of a target about one record are a lane, done in their order: only the
// head of a lane is ever tried. Lanes, not jobs, are claimed, so that the length of
// the queue costs nothing. A target belongs to one node at a time, which renews its
// lease while it serves it; the node holds the target's places and its circuit.
//
//	             claim                     delivered
//	pending ----------------> tried -------------------> done --+
//	   ^                        |  given up                     | resend
//	   |      back off          |-----------------------> dead -+
//	   +------------------------+                               |
//	   +--------------------------------------------------------+
//
// A Scheduler adds jobs at times, by cron expressions or intervals: whoever moves a
// schedule on to its next time adds the job in the same transaction, so that of
// several nodes one does, and that a crash neither loses nor doubles a run.
//
// A job whose claimer died is tried again when its claim ends: it is done at least
// once, and only what was added is ever done. Dispatchers add jobs, a Runner does
// them; what a job means, and how a change becomes jobs, is their users' business.
// The package knows no change, no HTTP and no SQL.
package job
