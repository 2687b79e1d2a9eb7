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
	// Shared tells that there may be other nodes, to share the targets with.
	Shared bool
	// Claim is longer than any attempt takes.
	Claim   time.Duration
	Circuit Circuit
	// Places and PerTarget bound the jobs that are tried at once: all, and those of
	// one target.
	Places, PerTarget int
	// Rate bounds the jobs of one target that are begun in a second; 0 for no bound.
	Rate int
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
	// manyPaid is how many targets' rates are counted before those are dropped that
	// are used up no more.
	manyPaid = 1_000
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
	shared  time.Time
	// paid is until when the jobs that were begun of a target use up its rate.
	paid map[int64]time.Time
}

// NewRunner makes a Runner; Run makes it work.
func NewRunner(o Options) *Runner {
	return &Runner{Options: o, wake: make(chan struct{}, 1), running: map[int64]int{}, paid: map[int64]time.Time{}}
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
	if err := r.share(ctx, free > 0); err != nil {
		return 0, err
	}
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
		n := min(r.Circuit.places(t.Health, r.PerTarget)-r.running[t.ID], free, r.allowance(t.ID))
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
		r.pay(t.ID, len(claimed))
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

// allowance is how many jobs of a target its rate lets begin: those of a second at
// most. The caller has mu.
func (r *Runner) allowance(target int64) int {
	if r.Rate == 0 {
		return r.Places
	}
	spare := r.Now().Add(time.Second).Sub(r.paid[target])
	return int(min(spare, time.Second) * time.Duration(r.Rate) / time.Second)
}

// pay counts jobs that were begun. The caller has mu.
func (r *Runner) pay(target int64, n int) {
	if r.Rate == 0 || n == 0 {
		return
	}
	now := r.Now()
	from := now
	if until := r.paid[target]; until.After(now) {
		from = until
	}
	r.paid[target] = from.Add(time.Duration(n) * time.Second / time.Duration(r.Rate))
	if len(r.paid) > manyPaid {
		maps.DeleteFunc(r.paid, func(_ int64, until time.Time) bool { return !until.After(now) })
	}
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

// share lets other nodes have targets, or asks them for one if there is more to do
// for this one.
func (r *Runner) share(ctx context.Context, more bool) error {
	now := r.Now()
	if !r.Shared || now.Sub(r.shared) < r.Poll {
		return nil
	}
	r.shared = now
	r.mu.Lock()
	busy := slices.Sorted(maps.Keys(r.running))
	r.mu.Unlock()
	return r.Store.Share(ctx, r.Queue, busy, r.hold(), more)
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
