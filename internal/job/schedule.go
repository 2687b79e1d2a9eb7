package job

import (
	"context"
	"time"

	"kartoteka/internal/fault"
)

// Spec says when something is due: by a cron expression on the clocks of a zone, or
// every so often. One of Cron and Every is set.
type Spec struct {
	Cron   string
	Zone   string // IANA; "" for UTC
	Every  time.Duration
	Missed Missed
}

// String describes it to people.
func (s Spec) String() string {
	switch {
	case s.Every > 0:
		return "every " + s.Every.String()
	case s.Zone == "":
		return s.Cron
	}
	return s.Cron + " " + s.Zone
}

// Missed says what becomes of times at which nobody could begin: the server did not
// run, say.
type Missed string

// The policies.
const (
	RunOnce Missed = "once" // all of them are made up for by one run
	Skip    Missed = "skip"
)

// Late is how long after its time a run still is in time.
const Late = time.Minute

const (
	shortestEvery = time.Minute
	longestEvery  = 366 * 24 * time.Hour
)

// plan is a Spec that is ready to use.
type plan struct {
	Spec
	cron cron
	zone *time.Location
}

// read checks a Spec. It fails with fault.InvalidParameter.
func (s Spec) read() (p plan, err error) {
	p = plan{Spec: s, zone: time.UTC}
	if s.Missed != RunOnce && s.Missed != Skip {
		return p, fault.New(fault.InvalidParameter, "Missed runs are made up for once or skipped")
	}
	if (s.Cron == "") == (s.Every == 0) {
		return p, fault.New(fault.InvalidParameter, "A schedule is either a cron expression or an interval")
	}
	if s.Cron == "" {
		if s.Every < shortestEvery || s.Every > longestEvery || s.Every%time.Millisecond != 0 {
			return p, fault.New(fault.InvalidParameter, "An interval lasts from a minute to a year")
		}
		return p, nil
	}
	if p.cron, err = parseCron(s.Cron); err != nil {
		return p, err
	}
	if s.Zone != "" {
		// "Local" is this machine's, which another node may not share.
		if p.zone, err = time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
			return p, fault.New(fault.InvalidParameter, "There is no time zone %q", s.Zone)
		}
	}
	return p, nil
}

// Next is the first time after t at which the schedule is due; intervals are counted
// from t. It fails with fault.InvalidParameter.
func (s Spec) Next(t time.Time) (time.Time, error) {
	p, err := s.read()
	if err != nil {
		return time.Time{}, err
	}
	if p.Every > 0 {
		return t.Add(p.Every), nil
	}
	next, ok := p.cron.after(t, p.zone)
	if !ok {
		return time.Time{}, fault.New(fault.InvalidParameter, "The cron expression never comes due")
	}
	return next, nil
}

// Schedule is when jobs of one kind are added for a target. Times are Unix ms.
type Schedule struct {
	Queue  Queue
	Target int64
	Kind   string // of the jobs; a target may have several
	Spec   Spec
	Next   int64 // 0 for never
	Last   int64 // when a job was added; 0 for never
}

// ScheduleWriter keeps schedules within a transaction that is not the queue's.
type ScheduleWriter interface {
	// PutSchedule adds a schedule, or changes the one of its target and kind, of
	// which Last stays, and gives its Next: that of one that stays the same is kept.
	PutSchedule(ctx context.Context, s Schedule) (next int64, err error)
	// DropSchedules removes those of a target.
	DropSchedules(ctx context.Context, q Queue, target int64) error
}

// ScheduleStore keeps schedules. It is safe for concurrent use.
type ScheduleStore interface {
	DeliveriesPaused(ctx context.Context) (bool, error)
	// Schedules lists those of a target by kind; of all targets for queue "".
	Schedules(ctx context.Context, q Queue, target int64) ([]Schedule, error)
	// Upcoming is the earliest Next; false for none.
	Upcoming(ctx context.Context) (at int64, some bool, err error)
	// Fire moves schedules that are due on, up to limit of them, and gives them as
	// they are then.
	// judge says when one is due next and whether it is run now; it may run twice.
	// What is run becomes, in the same transaction, a job with the due time as
	// Number, in lane 0 of its target, unless one of its kind still waits or runs.
	// Of several nodes that fire at once one does.
	Fire(ctx context.Context, now int64, limit int, judge func(Schedule) (next int64, run bool)) ([]Schedule, error)
}

// Plan sets when jobs of a kind are added for a target. A schedule that stays the
// same keeps its next time. It fails with fault.InvalidParameter.
func Plan(ctx context.Context, w ScheduleWriter, q Queue, target int64, kind string, spec Spec, now time.Time) error {
	next, err := spec.Next(now)
	if err != nil {
		return err
	}
	_, err = w.PutSchedule(ctx, Schedule{Queue: q, Target: target, Kind: kind, Spec: spec, Next: next.UnixMilli()})
	return err
}

// judge decides of a schedule that is due.
func judge(s Schedule, now time.Time) (next int64, run bool) {
	p, err := s.Spec.read()
	if err != nil {
		return 0, false // its zone is gone from the program, say
	}
	due := time.UnixMilli(s.Next)
	if p.Every > 0 {
		// From when it was due, so that waits do not add up.
		last := due.Add(now.Sub(due) / p.Every * p.Every)
		return last.Add(p.Every).UnixMilli(), p.Missed == RunOnce || now.Sub(last) <= Late
	}
	run = p.Missed == RunOnce
	if !run { // of several that were missed the last one may be in time
		last, ok := p.cron.after(now.Add(-Late-time.Millisecond), p.zone)
		run = ok && !last.After(now)
	}
	at, ok := p.cron.after(now, p.zone)
	if !ok {
		return 0, run
	}
	return at.UnixMilli(), run
}
