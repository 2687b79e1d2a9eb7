package job

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Options are what a Runner needs.
type Options struct {
	Store Store
	Queue Queue
	// Owner names this process among all that there are and were.
	Owner string
	// Do tries a job. What it returns has the job's new state; health is how the
	// target was before.
	Do  func(ctx context.Context, j Job, t Target) Result
	Now func() time.Time
	Log *slog.Logger
	// Poll is how often the queue is looked at for what other nodes have added.
	Poll time.Duration
	// Claim is longer than any attempt takes.
	Claim   time.Duration
	Circuit Circuit
	// Places and PerTarget bound the jobs that are tried at once: all, and those of
	// one target.
	Places, PerTarget int
	// Settled, if not nil, is told of each job after its attempt was noted.
	Settled func(ctx context.Context, r Result, h Health)
}

const (
	lease = 30 * time.Second
	renew = 10 * time.Second
	// drainTime is how long attempts may go on when the program ends.
	drainTime = 5 * time.Second
	// rest is how long a Runner waits after a failure of the store.
	rest = time.Second
	// shortest is the pause between looks that find nothing to begin.
	shortest = 20 * time.Millisecond
	// targetsAtOnce bounds the targets that are looked at in one round.
	targetsAtOnce = 200
)

// Runner does the jobs of a queue.
type Runner struct {
	Options
	wake chan struct{}
	// mu guards what follows.
	mu      sync.Mutex
	running map[int64]int // jobs by target
	total   int
	last    int64 // target that was served last, for the round robin
	renewed time.Time
}

// NewRunner makes a Runner; Run makes it work.
func NewRunner(o Options) *Runner {
	return &Runner{Options: o, wake: make(chan struct{}, 1), running: map[int64]int{}}
}

// Wake lets the Runner look at the queue now. It does not block.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Run does jobs until ctx ends, and waits for those that it has begun. Claims that no
// process can have any more were voided before.
func (r *Runner) Run(ctx context.Context) error {
	var jobs sync.WaitGroup
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	for ctx.Err() == nil {
		wait, err := r.round(ctx, working, &jobs)
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "jobs.failed", "module", "Jobs", "queue", r.Queue, "error", err)
			wait = rest
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-again.C:
		case <-r.wake:
		}
		again.Stop()
	}
	drained := time.AfterFunc(drainTime, stop)
	defer drained.Stop()
	jobs.Wait()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return r.Store.Release(ending, r.Queue, r.Owner)
}

// round begins what is due and fits, and tells how long there is nothing more to
// begin unless somebody wakes the Runner.
func (r *Runner) round(ctx, working context.Context, jobs *sync.WaitGroup) (time.Duration, error) {
	if err := r.renew(ctx); err != nil {
		return 0, err
	}
	free := r.free()
	if free == 0 {
		return renew, nil
	}
	if paused, err := r.Store.DeliveriesPaused(ctx); err != nil || paused {
		return r.Poll, err
	}
	begun, err := r.begin(ctx, working, jobs, free)
	if err != nil || begun {
		return 0, err // look again: there may be more
	}
	at, some, err := r.Store.Next(ctx, r.Queue, r.Owner)
	if err != nil {
		return 0, err
	}
	wait := r.Poll
	if some {
		wait = min(wait, max(time.UnixMilli(at).Sub(r.Now()), shortest))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total > 0 {
		// What is due waits for a place at its target: the end of a job wakes.
		wait = min(max(wait, 100*time.Millisecond), renew)
	}
	return wait, nil
}

func (r *Runner) free() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Places - r.total
}

// begin claims jobs of each target that is ready, in turns, and tells whether it
// got any.
func (r *Runner) begin(ctx, working context.Context, jobs *sync.WaitGroup, free int) (begun bool, err error) {
	targets, err := r.inTurn(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range targets {
		r.mu.Lock()
		n := min(r.Circuit.places(t.Health, r.PerTarget)-r.running[t.ID], free)
		r.mu.Unlock()
		if n <= 0 {
			continue
		}
		claimed, err := r.Store.Claim(ctx, r.Queue, t.ID, r.hold(), r.Options.Claim.Milliseconds(), n)
		if err != nil {
			return begun, err
		}
		free -= len(claimed)
		r.mu.Lock()
		r.last = t.ID
		r.running[t.ID] += len(claimed)
		r.total += len(claimed)
		r.mu.Unlock()
		for _, j := range claimed {
			begun = true
			jobs.Go(func() { r.do(working, j, t) })
		}
		if free == 0 {
			return begun, nil
		}
	}
	return begun, nil
}

// inTurn lists the targets that are ready, from the one on that follows the last
// one served.
func (r *Runner) inTurn(ctx context.Context) ([]Target, error) {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	targets, err := r.Store.Ready(ctx, r.Queue, r.hold(), last, targetsAtOnce)
	if err != nil || last == 0 || len(targets) == targetsAtOnce {
		return targets, err
	}
	first, err := r.Store.Ready(ctx, r.Queue, r.hold(), 0, targetsAtOnce-len(targets))
	for _, t := range first {
		if t.ID <= last {
			targets = append(targets, t)
		}
	}
	return targets, err
}

func (r *Runner) hold() Hold {
	now := r.Now()
	return Hold{Owner: r.Owner, Now: now.UnixMilli(), Until: now.Add(lease).UnixMilli()}
}

// renew prolongs the claims on the targets that are being served.
func (r *Runner) renew(ctx context.Context) error {
	now := r.Now()
	r.mu.Lock()
	held := slices.Sorted(maps.Keys(r.running))
	due := now.Sub(r.renewed) >= renew
	if due {
		r.renewed = now
	}
	r.mu.Unlock()
	if !due || len(held) == 0 {
		return nil
	}
	_, err := r.Store.Renew(ctx, r.Queue, held, r.hold())
	return err
}

// do tries one job and notes what came of it, even when the program ends.
func (r *Runner) do(ctx context.Context, j Job, t Target) {
	if r.Now().UnixMilli() < j.Until {
		r.attempt(ctx, j, t)
	} // else the process stood still: the job is another claimer's
	r.mu.Lock()
	r.total--
	if r.running[j.Target]--; r.running[j.Target] == 0 {
		delete(r.running, j.Target)
	}
	r.mu.Unlock()
	r.Wake()
}

func (r *Runner) attempt(ctx context.Context, j Job, t Target) {
	result := r.Do(ctx, j, t)
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	judge := func(h Health) Health {
		if result.Missed {
			return h
		}
		return r.Circuit.judge(h, result.Failed, r.Now().UnixMilli())
	}
	health, settled, err := r.Store.Settle(noting, result, judge)
	switch {
	case err != nil: // its claim will end, and it is tried again
		r.Log.ErrorContext(ctx, "job.unsettled", "module", "Jobs", "queue", r.Queue, "job", j.ID, "error", err)
	case settled && r.Settled != nil:
		r.Settled(noting, result, health)
	}
}
