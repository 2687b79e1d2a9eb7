package hook

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/outbound"
	"kartoteka/internal/query"
)

// Jobs is where deliveries are kept.
type Jobs interface {
	job.Store
	job.Keeper
}

// Options are what a Service needs.
type Options struct {
	Catalog *catalog.Service
	Jobs    Jobs
	Client  *outbound.Client
	Now     func() time.Time
	Log     *slog.Logger
	// Owner names this process among all that there are and were.
	Owner string
	// Base begins links to files: scheme and host.
	Base string
	// Shared says that other nodes write and deliver as well.
	Shared bool
	// Timeout bounds a call; it is the Client's.
	Timeout time.Duration
	// Rate bounds the deliveries of a subscription in a second; 0 for no bound.
	Rate      int
	Scenarios ScenarioOptions
}

// queue is that of deliveries, and the name of the cursor on the changes; runs is
// that of scenarios which nobody waits for.
const (
	queue job.Queue = "hook"
	runs            = catalog.ScenarioQueue
)

const (
	// batch is how many changes become jobs in one transaction.
	batch = 200
	// dispatchLease is how long one node dispatches after it last did.
	dispatchLease = 30 * time.Second
	// pollShared is how often other nodes' changes and jobs are looked for while
	// there are subscriptions, pollIdle how often anything is looked for otherwise.
	pollShared = time.Second
	pollIdle   = time.Minute
	// upkeepEvery is how often old deliveries are dropped.
	upkeepEvery = time.Hour
	// keepFor and keepBytes bound the deliveries that are over.
	keepFor   = 14 * 24 * time.Hour
	keepBytes = 1 << 30
	// dropAtOnce bounds those that are dropped in one transaction.
	dropAtOnce = 1_000
	// places bounds the calls at once, perHook those to one receiver.
	places  = 32
	perHook = 4
	// claimRun is longer than a scenario may run and wait for its place.
	claimRun = 30 * time.Minute
	// longestRun is longer than a scenario runs.
	longestRun = 10 * time.Minute
)

// circuit lets a receiver rest that fails again and again.
var circuit = job.Circuit{Failures: 10, Rest: job.Backoff{First: 10 * time.Second, Most: 5 * time.Minute}}

// Service calls webhooks.
type Service struct {
	options Options
	runner  *job.Runner
	runs    *job.Runner
	seq     int64 // up to where changes are known to have become jobs
	wake    chan struct{}
	// waited are the places of scenarios that somebody waits for, outer of those that
	// may wait for others.
	waited, outer chan struct{}
	notes         *lateNotes
}

// New makes a Service; Run makes it work.
func New(o Options) *Service {
	s := &Service{
		options: o, wake: make(chan struct{}, 1),
		waited: make(chan struct{}, o.Scenarios.Most), outer: make(chan struct{}, o.Scenarios.Outer),
		notes: newLateNotes(o.Catalog.NoteEnded),
	}
	s.runner = job.NewRunner(job.Options{
		Store: o.Jobs, Queue: queue, Owner: o.Owner, Do: s.deliver, Now: o.Now, Log: o.Log, Poll: pollIdle,
		Claim: 2*o.Timeout + time.Minute, Circuit: circuit, Places: places, PerTarget: perHook, Rate: o.Rate, Settled: s.settled, Shared: o.Shared,
	})
	s.runs = job.NewRunner(job.Options{
		Store: o.Jobs, Queue: runs, Owner: o.Owner, Do: s.runAfter, Now: o.Now, Log: o.Log, Poll: pollIdle,
		Claim: claimRun, Circuit: circuit, Places: o.Scenarios.Outer, PerTarget: o.Scenarios.Outer, Shared: o.Shared,
	})
	if o.Shared {
		s.runner.Poll, s.runs.Poll = pollShared, pollShared
	}
	return s
}

// Run delivers events until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if err := s.options.Jobs.VoidLeases(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // the program ends before it began
		}
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return s.runner.Run(ctx) })
	if s.options.Scenarios.Scripts != nil {
		all.Go(func() error { return s.runs.Run(ctx) })
	}
	all.Go(func() error { s.dispatch(ctx); return nil })
	all.Go(func() error { s.keep(ctx); return nil })
	return all.Wait()
}

// Close waits until the notes of runs are written that are over. No run ends after it.
func (s *Service) Close() error { return s.notes.drain() }

// dispatch makes jobs of changes, until ctx ends.
func (s *Service) dispatch(ctx context.Context) {
	moved := s.options.Now().Add(-upkeepEvery)
	for ctx.Err() == nil {
		// The cursor also moves over changes that fire nothing, so that they can be
		// purged.
		idle := s.options.Now().Sub(moved) >= upkeepEvery
		if idle {
			moved = s.options.Now()
		}
		wait := s.pause(ctx)
		more, err := s.step(ctx, idle)
		switch {
		case err != nil && ctx.Err() == nil:
			s.options.Log.ErrorContext(ctx, "webhooks.undispatched", "module", "Hooks", "error", err)
			wait = time.Second
		case more:
			continue
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-again.C:
		case <-s.options.Catalog.Fired():
		case <-s.wake:
		}
		again.Stop()
	}
}

// pause is how long the dispatcher sleeps unless it is woken.
func (s *Service) pause(ctx context.Context) time.Duration {
	st, err := s.options.Catalog.Structure(ctx)
	if err == nil && s.options.Shared && st.HasHooks() {
		return pollShared
	}
	return pollIdle
}

// step makes jobs of some changes, and tells whether there are more.
func (s *Service) step(ctx context.Context, idle bool) (more bool, err error) {
	some, err := s.options.Catalog.Unfollowed(ctx, s.seq)
	if err != nil || !some && !idle {
		return false, err
	}
	now := s.options.Now()
	hold := job.Hold{Owner: s.options.Owner, Now: now.UnixMilli(), Until: now.Add(dispatchLease).UnixMilli()}
	added := 0
	seq, more, held, err := s.options.Catalog.Follow(ctx, string(queue), hold, batch,
		func(st *catalog.Structure, w catalog.Writer, list []catalog.FiredChange) (err error) {
			added, err = s.enqueue(ctx, st, w, list)
			return err
		})
	if errors.Is(err, catalog.ErrMoved) {
		return true, nil // somebody is just changing a subscription
	}
	if err != nil || !held {
		return false, err
	}
	s.seq = seq
	if added > 0 {
		s.wakeRunners()
	}
	return more, nil
}

// enqueue numbers the events of changes and adds a job for each.
func (s *Service) enqueue(ctx context.Context, st *catalog.Structure, w catalog.Writer, list []catalog.FiredChange) (int, error) {
	fires := make([]catalog.Fires, len(list))
	by := map[query.Record]int{}
	for i := range list {
		var err error
		if fires[i], err = list[i].Read(); err != nil {
			return 0, err
		}
		for _, n := range fires[i].Hooks {
			by[n]++
		}
	}
	last, err := s.options.Catalog.RaiseHooks(ctx, st, w, by)
	if err != nil {
		return 0, err
	}
	var jobs []job.Job
	made := s.options.Now().UnixMilli()
	for i, c := range list {
		for _, n := range fires[i].Hooks {
			if _, on := last[n]; !on {
				continue
			}
			last[n]++
			jobs = append(jobs, job.Job{
				Queue: queue, Target: int64(n), Record: int64(query.MakeRef(c.Catalog, c.Record)), Change: c.Seq,
				Kind: string(c.Event()), Number: last[n], Made: made,
			})
		}
		for _, n := range fires[i].Scenarios {
			jobs = append(jobs, job.Job{
				Queue: runs, Target: int64(query.MakeRef(catalog.Events, n)), Record: int64(query.MakeRef(c.Catalog, c.Record)), Change: c.Seq,
				Kind: string(c.Event()), Number: c.Seq, Made: made,
			})
		}
	}
	return len(jobs), w.AddJobs(ctx, jobs)
}

// keep drops old deliveries, ends the notes of runs that were killed and puts the
// schedules of events right, until ctx ends.
func (s *Service) keep(ctx context.Context) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		if err := s.options.Catalog.AbortProcesses(ctx, s.options.Now().Add(-longestRun).UnixMilli()); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "scenarios.unended", "module", "Events", "error", err)
		}
		if err := s.options.Catalog.KeepSchedules(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.ErrorContext(ctx, "schedules.unkept", "module", "Events", "error", err)
		}
		before := s.options.Now().Add(-keepFor).UnixMilli()
		for n := dropAtOnce; n == dropAtOnce; {
			var err error
			if n, err = s.options.Jobs.DropJobs(ctx, before, keepBytes, dropAtOnce); err != nil && ctx.Err() == nil {
				s.options.Log.ErrorContext(ctx, "webhooks.unpurged", "module", "Hooks", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Wake lets changes and deliveries be looked at now.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look
	}
	s.wakeRunners()
}

func (s *Service) wakeRunners() {
	s.runner.Wake()
	s.runs.Wake()
}
