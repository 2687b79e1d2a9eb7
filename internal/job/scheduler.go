package job

import (
	"context"
	"log/slog"
	"time"
)

// Scheduler adds the jobs of schedules when they are due.
type Scheduler struct {
	Store ScheduleStore
	Now   func() time.Time
	Log   *slog.Logger
	// Moved is told of schedules that were moved on, after that; nil when nobody is.
	// What it fails with is logged.
	Moved func(ctx context.Context, list []Schedule) error
	wake  chan struct{}
}

const (
	// firedAtOnce bounds the schedules of one transaction.
	firedAtOnce = 100
	// lookAgain is how often schedules are looked at that other nodes have set.
	lookAgain = 30 * time.Second
)

// NewScheduler makes a Scheduler; Run makes it work.
func NewScheduler(store ScheduleStore, now func() time.Time, log *slog.Logger) *Scheduler {
	return &Scheduler{Store: store, Now: now, Log: log, wake: make(chan struct{}, 1)}
}

// Wake lets the schedules be looked at now: one was set. It does not block.
func (s *Scheduler) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to look
	}
}

// Run adds jobs until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := s.Round(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "schedules.failed", "module", "Jobs", "error", err)
			wait = rest
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-again.C:
		case <-s.wake:
		}
		again.Stop()
	}
	return nil
}

// Round adds the jobs of what is due, none while deliveries are paused, and tells how
// long there is nothing more to add.
func (s *Scheduler) Round(ctx context.Context) (time.Duration, error) {
	paused, err := s.Store.DeliveriesPaused(ctx)
	if err != nil || paused {
		return lookAgain, err
	}
	now := s.Now()
	for {
		at, some, err := s.Store.Upcoming(ctx)
		if err != nil || !some {
			return lookAgain, err
		}
		if wait := time.UnixMilli(at).Sub(now); wait > 0 {
			return max(shortest, min(lookAgain, wait)), nil
		}
		judged := func(c Schedule) (int64, bool) {
			next, run := judge(c, now)
			if next == 0 {
				s.Log.ErrorContext(ctx, "schedule.ended", "module", "Jobs", "queue", c.Queue, "target", c.Target, "kind", c.Kind)
			}
			return next, run
		}
		moved, err := s.Store.Fire(ctx, now.UnixMilli(), firedAtOnce, judged)
		if err != nil {
			return 0, err
		}
		s.tell(ctx, moved)
	}
}

func (s *Scheduler) tell(ctx context.Context, moved []Schedule) {
	if s.Moved == nil || len(moved) == 0 {
		return
	}
	if err := s.Moved(ctx, moved); err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "schedules.untold", "module", "Jobs", "error", err)
	}
}
