package job

import "context"

// Queue names a kind of targets.
type Queue string

// State is what became of a job.
type State string

// The states.
const (
	Pending State = "pending"
	Done    State = "done"
	Dead    State = "dead" // given up
)

// Job is one delivery.
type Job struct {
	ID     int64
	Queue  Queue
	Target int64
	Record int64 // which lane of the target: jobs of one are done in order
	Change int64 // number of the change that it delivers, 0 for none
	Kind   string
	Number int64 // of the target's event; of a schedule's job when it was due, Unix ms
	Made   int64 // Unix ms
	State  State
	// Attempts that were made; Tried is when the last one was (Unix ms, 0 for
	// never), and the rest is what came of it.
	Attempts int
	Tried    int64
	Attempt
	// Body is what is sent. It is frozen before the first attempt; nil before.
	Body []byte
	// Until is when the claim on it ends, Unix ms; 0 for one that is not claimed.
	Until int64
}

// Attempt is what came of trying a job.
type Attempt struct {
	Status int    // of the answer; 0 without one
	Error  string // "" for none
	Answer string // its beginning
	Took   int64  // ms
}

// Health is how a target has answered lately.
type Health struct {
	Failures int   // attempts in a row that failed
	Since    int64 // when the first of them was, Unix ms; 0 without
	Resume   int64 // the circuit is open until then, Unix ms
}

// Target is where jobs go to.
type Target struct {
	ID int64
	Health
}

// Result is what an attempt makes of a job and of its target.
type Result struct {
	Job
	// Due is when a job that stays pending is tried again, Unix ms.
	Due int64
	// Missed says that nothing was tried: Attempts, Tried and the target stay.
	Missed bool
	// Failed tells the target's health.
	Failed bool
}

// Hold is a claim on targets or on the work of a dispatcher: who has it, and from
// when until when (Unix ms).
type Hold struct {
	Owner      string
	Now, Until int64
}

// Writer adds jobs within a transaction that is not the queue's.
type Writer interface {
	// Cursor gives up to which change a consumer has made its jobs, 0 at first, and
	// takes the lease on it; false when another node has that. Until the transaction
	// ends nobody else moves the cursor.
	Cursor(ctx context.Context, consumer string, h Hold) (seq int64, held bool, err error)
	MoveCursor(ctx context.Context, consumer string, seq int64) error
	// AddJobs adds pending jobs in order; ID and what attempts set are ignored,
	// but for Body, which may be fixed before the first.
	AddJobs(ctx context.Context, jobs []Job) error
}

// Store keeps jobs. It is safe for concurrent use.
type Store interface {
	// VoidLeases ends all claims where no other process can have made one.
	VoidLeases(ctx context.Context) error
	// DeliveriesPaused tells that nothing may be begun.
	DeliveriesPaused(ctx context.Context) (bool, error)
	// Ready lists targets with a lane that is due, that are not resting and may be
	// held, after that one by number.
	Ready(ctx context.Context, q Queue, h Hold, after int64, limit int) ([]Target, error)
	// Next is when something can be due at the earliest for that owner (Unix ms);
	// false for never.
	Next(ctx context.Context, q Queue, owner string) (at int64, some bool, err error)
	// Claim holds a target and takes the heads of up to n of its due lanes, for
	// claim ms. It gives none when another node holds the target.
	Claim(ctx context.Context, q Queue, target int64, h Hold, claim int64, n int) ([]Job, error)
	// Renew prolongs the claims on targets and gives those that are still held.
	Renew(ctx context.Context, q Queue, targets []int64, h Hold) ([]int64, error)
	// Share lets owners have about as many targets each: the owner gives away those
	// that another one wishes to have, but for busy ones, and, if it can do more,
	// wishes for one of an owner that holds more than one more than it does.
	Share(ctx context.Context, q Queue, busy []int64, h Hold, more bool) error
	// Freeze keeps the body of a claimed job before it is sent, so that every attempt
	// sends the same; false when the claim is no longer held.
	Freeze(ctx context.Context, j Job) (held bool, err error)
	// Settle notes what became of a claimed job, and false when its claim is no longer
	// held: somebody else does it. The target's health becomes what judge makes of it; judge
	// may run twice.
	Settle(ctx context.Context, r Result, judge func(Health) Health) (Health, bool, error)
	// Release ends the claims of an owner.
	Release(ctx context.Context, q Queue, owner string) error
}
