package hook

import (
	"context"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// eventGone is what a job dies of whose event starts nothing any more.
const eventGone = "the event is switched off or removed"

// runAfter runs the scenario of a job, once: what becomes of it is in its process. A
// run that the end of the program ended begins anew.
func (s *Service) runAfter(ctx context.Context, j job.Job, _ job.Target) job.Result {
	r := job.Result{Job: j}
	if query.Ref(j.Target).Catalog() == catalog.WebRequests {
		return s.runWeb(ctx, r)
	}
	if j.Kind == string(catalog.Scheduled) {
		return s.runScheduled(ctx, r)
	}
	f, err := s.options.Catalog.ScenarioFiring(ctx, query.Ref(j.Target).Record(), j.Change)
	if err != nil {
		return s.later(ctx, r, err)
	}
	if f.Hook == nil {
		return passedOver(r, eventGone)
	}
	inputs, err := s.inputsAfter(f)
	if err != nil {
		s.options.Log.ErrorContext(ctx, "scenario.unreadable", "module", "Events", "event", j.Target, "job", j.ID, "error", err)
		return passedOver(r, unreadable)
	}
	return s.runJob(ctx, r, &run{
		script: f.Hook.Script, event: eventLink(f.Hook.Record), initiator: f.Change.Actor, depth: f.Fires.Depth, async: true, inputs: inputs,
	})
}

// runJob runs the scenario of a job.
func (s *Service) runJob(ctx context.Context, r job.Result, of *run) job.Result {
	begun := time.Now()
	end, err := s.run(ctx, of)
	if err != nil {
		return s.later(ctx, r, err)
	}
	r.State, r.Tried, r.Attempts = job.Done, s.options.Now().UnixMilli(), r.Attempts+1
	r.Took = time.Since(begun).Milliseconds()
	if end != nil && end.failure != nil {
		r.State, r.Error = job.Dead, shown([]byte(end.failure.Error()))
	}
	return r
}

// later is the result of a run that did not come to its end by no fault of the scenario.
func (s *Service) later(ctx context.Context, r job.Result, err error) job.Result {
	if ctx.Err() != nil {
		return s.missed(r, 0) // the program ends
	}
	s.options.Log.ErrorContext(ctx, "scenario.unrun", "module", "Events", "event", r.Target, "job", r.ID, "error", err)
	return s.missed(r, time.Minute)
}

func (s *Service) inputsAfter(f *catalog.Firing) ([]byte, error) {
	event, err := s.firedEvent(f)
	if err != nil {
		return nil, err
	}
	return bpium.AppendInputs(nil, event, f.Hook.Script, true)
}
