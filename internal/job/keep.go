package job

import "context"

// Keeper shows jobs, also those that are over, and has them done again.
type Keeper interface {
	// Jobs lists jobs of a target, newest first, before that one by ID (0: from the
	// newest on).
	Jobs(ctx context.Context, q Queue, target, before int64, limit int) ([]Job, error)
	// Job gives one job of a target; false when there is none.
	Job(ctx context.Context, q Queue, target, id int64) (Job, bool, error)
	// Again makes jobs that are over pending, at most limit of them, and gives how
	// many: those with an event number of the target within the bounds.
	Again(ctx context.Context, q Queue, target, from, to int64, now int64, limit int) (int, error)
	// DropJobs drops some of the oldest jobs that are over: those made before (Unix
	// ms), and more until the rest take at most bytes. It gives how many.
	DropJobs(ctx context.Context, before, bytes int64, limit int) (int, error)
	// Forgive makes a target one that has not failed.
	Forgive(ctx context.Context, q Queue, target int64) error
	// Counts tells how many jobs the targets of all queues have.
	Counts(ctx context.Context) ([]Count, error)
}

// Count is how many jobs a target has, by state, and how it answers.
type Count struct {
	Queue  Queue
	Target int64
	Health
	Pending, Done, Dead int64
}
