package hook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/outbound"
	"kartoteka/internal/query"
)

// retries are the waits between the attempts of a delivery that is tried again:
// those that Standard Webhooks propose. A little chance keeps deliveries that
// failed together from coming back together.
var retries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// pauseAfter is how long a subscription may fail without a success before it is
// paused.
const pauseAfter = 5 * 24 * time.Hour

// longestAsked bounds the wait that a receiver may ask for.
const longestAsked = 24 * time.Hour

// unreadable is what a job dies of whose change is gone or damaged.
const unreadable = "the event can no longer be read"

// deliver makes one attempt at a job.
func (s *Service) deliver(ctx context.Context, j job.Job, t job.Target) job.Result {
	r := job.Result{Job: j}
	f, err := s.options.Catalog.Firing(ctx, query.Record(j.Target), j.Change)
	if err != nil {
		s.options.Log.ErrorContext(ctx, "webhook.unread", "module", "Hooks", "hook", j.Target, "job", j.ID, "error", err)
		return s.missed(r, time.Minute)
	}
	if f.Hook == nil {
		return passedOver(r, "the subscription is switched off, paused or removed")
	}
	if r.Body == nil {
		if r.Body, err = s.render(f, &j); err != nil {
			s.options.Log.ErrorContext(ctx, "webhook.unreadable", "module", "Hooks", "hook", j.Target, "job", j.ID, "error", err)
			return passedOver(r, unreadable)
		}
		// What a second attempt would render may be another: the structure changes,
		// and links to files end.
		if held, err := s.options.Jobs.Freeze(ctx, r.Job); err != nil || !held {
			if err != nil {
				s.options.Log.ErrorContext(ctx, "webhook.unfrozen", "module", "Hooks", "hook", j.Target, "job", j.ID, "error", err)
			}
			return s.missed(job.Result{Job: j}, time.Minute)
		}
		j.Body = r.Body
	}
	attempt, res, err := s.call(ctx, f.Hook, messageID(j.ID), r.Body)
	if err != nil && ctx.Err() != nil {
		return s.missed(job.Result{Job: j}, 0) // the program ends
	}
	now := s.options.Now()
	r.Attempt, r.Tried, r.Attempts, r.Failed = attempt, now.UnixMilli(), j.Attempts+1, !succeeded(attempt)
	switch {
	case !r.Failed:
		r.State = job.Done
	case f.Hook.Retries && r.Attempts <= len(retries):
		r.State, r.Due = job.Pending, now.Add(max(jitter(retries[r.Attempts-1]), asked(res, now))).UnixMilli()
	default:
		r.State = job.Dead
	}
	if attempt.Status == http.StatusGone {
		s.drop(ctx, f.Hook)
	}
	return r
}

// asked is how long the answer asks to wait before the next attempt, as Retry-After
// of RFC 9110 (section 10.2.3) says; a day at most.
func asked(res *outbound.Response, now time.Time) time.Duration {
	if res == nil {
		return 0
	}
	text, wait := res.Header.Get("Retry-After"), time.Duration(0)
	if n, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(max(min(n, 1e6), 0)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(wait, longestAsked)
}

// drop removes a subscription that its receiver ended.
func (s *Service) drop(ctx context.Context, h *catalog.Hook) {
	if err := s.options.Catalog.DropHook(ctx, h.Record); err != nil && !fault.Is(err, fault.NotFound) {
		s.options.Log.ErrorContext(ctx, "webhook.unremoved", "module", "Hooks", "hook", int64(h.Record), "error", err)
	}
}

// missed is the result of an attempt that was not made; it is made after a wait.
func (s *Service) missed(r job.Result, wait time.Duration) job.Result {
	r.State, r.Missed, r.Due = job.Pending, true, s.options.Now().Add(wait).UnixMilli()
	return r
}

// passedOver is the result of a job that can never be tried.
func passedOver(r job.Result, why string) job.Result {
	r.State, r.Error, r.Missed = job.Dead, why, true
	return r
}

func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) - d/10 }

// messageID names a delivery to its receiver, the same in each attempt.
func messageID(id int64) string { return "msg_" + strconv.FormatInt(id, 10) }

// render makes the body of a delivery.
func (s *Service) render(f *catalog.Firing, j *job.Job) ([]byte, error) {
	event, err := s.firedEvent(f)
	if err != nil {
		return nil, err
	}
	event.Number = j.Number
	return bpium.AppendEvent(nil, event)
}

// firedEvent is what a subscription is told of a change.
func (s *Service) firedEvent(f *catalog.Firing) (*bpium.Event, error) {
	if f.Change == nil {
		return nil, errors.New("the change is gone")
	}
	c := f.Structure.AnyCatalog(f.Change.Catalog)
	if c == nil {
		return nil, fmt.Errorf("catalog %d is gone", f.Change.Catalog)
	}
	return &bpium.Event{
		Structure: f.Structure, Catalog: c, Hook: f.Hook.Record, Kind: f.Change.Event(), At: f.Change.At,
		Record: f.Change.Record, Code: f.Fires.Code, Actor: f.Change.Actor, ActorCode: f.Actor.Code,
		Changed: f.Change.Values, Before: f.Fires.Before, Files: s.options.Catalog.FileLinks(s.options.Base),
	}, nil
}

// settled notes what became of a delivery, and pauses a subscription that has
// failed for too long.
func (s *Service) settled(ctx context.Context, r job.Result, h job.Health) {
	log := s.options.Log.With("module", "Hooks", "hook", r.Target, "job", r.ID, "event", r.Kind)
	switch {
	case r.Missed && r.State == job.Pending:
		return
	case r.State == job.Done:
		log.InfoContext(ctx, "webhook.delivered", "status", r.Status, "ms", r.Took)
		return
	case r.State == job.Dead:
		log.WarnContext(ctx, "webhook.failed", "status", r.Status, "attempts", r.Attempts, "reason", r.Error)
	default:
		log.WarnContext(ctx, "webhook.delayed", "status", r.Status, "attempts", r.Attempts, "reason", r.Error)
	}
	if r.Missed || h.Since == 0 || s.options.Now().Sub(time.UnixMilli(h.Since)) < pauseAfter {
		return
	}
	// Its health begins anew: whoever switches it on again has mended it.
	err := s.options.Jobs.Forgive(ctx, queue, r.Target)
	if err == nil {
		err = s.options.Catalog.PauseHook(ctx, query.Record(r.Target))
	}
	if err != nil {
		log.ErrorContext(ctx, "webhook.unpaused", "error", err)
		return
	}
	log.WarnContext(ctx, "webhook.paused")
}
