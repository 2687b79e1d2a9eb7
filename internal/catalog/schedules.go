package catalog

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// ScenarioQueue is that of scenarios which nobody waits for.
const ScenarioQueue job.Queue = "scenario"

// Fields of an event that starts its scenario at times.
const (
	eventScheduleKey = "$schedule"
	eventZoneKey     = "$timezone"
	eventNextKey     = "$next"
)

// longestInterval is the longest interval in minutes: a week.
const longestInterval = 10_080

// intervalForm is how an interval is written; anything else is a cron expression.
var intervalForm = regexp.MustCompile(`^(?i:every\s+([0-9]{1,5})\s+minutes?)$`)

// StartsAtTimes tells whether the scenario of the subscription has a schedule.
func (h *Hook) StartsAtTimes() bool { return slices.Contains(h.Events, Scheduled) }

// timing is what a record of events says of times.
type timing struct {
	on, named      bool // it is on; its events have Scheduled
	schedule, zone string
}

// timingOf reads a record of events; value gives its values.
func timingOf(c *Catalog, value func(*Field) Value) (t timing) {
	word := func(key string) string {
		if f := c.FieldByKey(key); f != nil {
			v, _ := value(f).(Text)
			return strings.TrimSpace(string(v))
		}
		return ""
	}
	status, events := c.FieldByKey(startStatusKey), c.FieldByKey(hookEventsKey)
	items, _ := value(events).(Items)
	item := events.Config.ItemByKey(string(Scheduled))
	t.on, t.named = itemKey(status, value(status)) == hookOn, item != nil && slices.Contains(items, item.Num)
	t.schedule, t.zone = word(eventScheduleKey), word(eventZoneKey)
	return t
}

// spec is what the texts mean, with a company's zone where they name none. It fails
// with fault.InvalidParameter.
func (t timing) spec(company string) (job.Spec, error) {
	if found := intervalForm.FindStringSubmatch(t.schedule); found != nil {
		n, err := strconv.Atoi(found[1])
		if err == nil && n >= 1 && n <= longestInterval {
			return job.Spec{Every: time.Duration(n) * time.Minute, Missed: job.RunOnce}, nil
		}
	}
	if first, _, _ := strings.Cut(t.schedule, " "); strings.EqualFold(first, "every") {
		return job.Spec{}, fault.New(fault.InvalidParameter, "an interval is written as every N minutes, with N from 1 to %d", longestInterval)
	}
	if t.zone != "" {
		company = t.zone
	}
	return job.Spec{Cron: t.schedule, Zone: company, Missed: job.RunOnce}, nil
}

// plan is when the record starts its scenario from a time on; its Next is 0 for never.
func (t timing) plan(company string, now time.Time) job.Schedule {
	spec, err := t.spec(company)
	if !t.on || !t.named || err != nil {
		return job.Schedule{}
	}
	next, err := spec.Next(now)
	if err != nil {
		return job.Schedule{}
	}
	return job.Schedule{Queue: ScenarioQueue, Kind: string(Scheduled), Spec: spec, Next: next.UnixMilli()}
}

// checkSchedule works out the schedule of a record of events when it becomes another
// one, and finds what is wrong with it; found is what is wrong already.
func (p *planner) checkSchedule(s *step, found []fault.Detail) []fault.Detail {
	c := s.subject.catalog
	if c.Num != Events || s.kind == commentStep || c.FieldByKey(eventNextKey) == nil {
		return nil
	}
	var before, after timing
	if s.kind != createStep {
		before = timingOf(c, s.subject.value)
	}
	if s.kind != deleteStep {
		after = timingOf(c, s.result)
	}
	if before == after {
		return nil
	}
	company, now := p.s.zone().String(), time.UnixMilli(p.moment.Now)
	if details := after.check(c, company, now); len(details) > 0 {
		return slices.DeleteFunc(details, func(d fault.Detail) bool {
			return slices.ContainsFunc(found, func(f fault.Detail) bool { return f.Field == d.Field })
		})
	}
	was, next := before.plan(company, now), after.plan(company, now)
	if was.Spec == next.Spec {
		return nil
	}
	s.schedule = &next
	if s.kind == deleteStep {
		return nil
	}
	f := c.FieldByKey(eventNextKey)
	old, v := s.subject.value(f), Value(nil)
	if next.Next != 0 {
		v = Time(next.Next)
	}
	if !same(old, v) {
		s.changes = append(s.changes, change{field: f, old: old, new: v})
	}
	return nil
}

// check finds what is wrong with the times of a record of events.
func (t timing) check(c *Catalog, company string, now time.Time) (details []fault.Detail) {
	schedule, events, zone := c.FieldByKey(eventScheduleKey), c.FieldByKey(hookEventsKey), c.FieldByKey(eventZoneKey)
	said := func(f *Field, err error) {
		if refused := (*fault.Error)(nil); errors.As(err, &refused) {
			details = append(details, *failed(f, fault.Type, "%s: %s", f.Name, refused.Message))
		}
	}
	if zone != nil && t.zone != "" {
		_, err := job.Spec{Cron: "0 0 * * *", Zone: text.Cut(t.zone, 70), Missed: job.RunOnce}.Next(now)
		if err != nil {
			company, t.zone = "", ""
		}
		said(zone, err)
	}
	switch {
	case schedule == nil || t.schedule == "" && !t.named:
	case t.schedule == "":
		details = append(details, missing(schedule))
	case !t.named:
		details = append(details, *failed(events, fault.Required, "%s: a schedule needs the event %s", events.Name, string(Scheduled)))
		fallthrough
	default:
		spec, err := t.spec(company)
		if err == nil {
			_, err = spec.Next(now)
		}
		said(schedule, err)
	}
	return details
}

// schedule sets the schedules of the events that the steps write, within their
// transaction: a schedule is never forgotten, nor outlives its event.
func (w *writing) schedule(ctx context.Context, tx Writer) error {
	for _, s := range w.steps {
		if s.schedule == nil {
			continue
		}
		n := *s.schedule
		if n.Target = eventTarget(s.subject.record); n.Next == 0 {
			if err := tx.DropSchedules(ctx, ScenarioQueue, n.Target); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.PutSchedule(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// eventTarget is the target of jobs that a record of events starts.
func eventTarget(n query.Record) int64 { return int64(query.MakeRef(Events, n)) }

// wakeScheduler lets schedules be looked at that were set.
func (w *writing) wakeScheduler() {
	if w.s.options.Planned != nil && slices.ContainsFunc(w.steps, func(s *step) bool { return s.schedule != nil }) {
		w.s.options.Planned()
	}
}
