package hook

import (
	"context"

	"kartoteka/internal/account"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/job"
	"kartoteka/internal/query"
)

// Deliveries lists the deliveries of a subscription to whoever may change it, newest
// first, before that one by id (0: from the newest on).
func (s *Service) Deliveries(ctx context.Context, a catalog.Actor, key query.Key, before int64, limit int) (*catalog.Structure, []job.Job, error) {
	n, err := s.options.Catalog.UseHook(ctx, a, key, account.Reads)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.options.Catalog.Structure(ctx)
	if err != nil {
		return nil, nil, err
	}
	list, err := s.options.Jobs.Jobs(ctx, queue, int64(n), before, limit)
	return st, list, err
}

// Delivery gives one delivery of a subscription.
func (s *Service) Delivery(ctx context.Context, a catalog.Actor, key query.Key, id int64) (*catalog.Structure, *job.Job, error) {
	n, err := s.options.Catalog.UseHook(ctx, a, key, account.Reads)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.options.Catalog.Structure(ctx)
	if err != nil {
		return nil, nil, err
	}
	j, err := s.find(ctx, n, id)
	return st, j, err
}

func (s *Service) find(ctx context.Context, n query.Record, id int64) (*job.Job, error) {
	j, found, err := s.options.Jobs.Job(ctx, queue, int64(n), id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "There is no such delivery")
	}
	return &j, err
}

// Resend sends a delivery that is over once more, with its id and number.
func (s *Service) Resend(ctx context.Context, a catalog.Actor, key query.Key, id int64) error {
	n, err := s.options.Catalog.UseHook(ctx, a, key, account.Updates)
	if err != nil {
		return err
	}
	j, err := s.find(ctx, n, id)
	if err != nil {
		return err
	}
	queued, err := s.again(ctx, n, j.Number, j.Number)
	if err == nil && queued == 0 {
		err = fault.New(fault.InvalidParameter, "The delivery is still under way")
	}
	return err
}

// ResendMost bounds the events of one ResendAll.
const ResendMost = 10_000

// ResendAll sends the deliveries of events with those numbers once more that are
// over, and gives how many.
func (s *Service) ResendAll(ctx context.Context, a catalog.Actor, key query.Key, from, to int64) (int, error) {
	n, err := s.options.Catalog.UseHook(ctx, a, key, account.Updates)
	if err != nil {
		return 0, err
	}
	return s.again(ctx, n, from, to)
}

func (s *Service) again(ctx context.Context, n query.Record, from, to int64) (int, error) {
	queued, err := s.options.Jobs.Again(ctx, queue, int64(n), from, to, s.options.Now().UnixMilli(), ResendMost)
	if err == nil && queued > 0 {
		s.runner.Wake()
	}
	return queued, err
}

// Test calls a subscription with a message without values, which counts as no event.
func (s *Service) Test(ctx context.Context, a catalog.Actor, key query.Key) (job.Attempt, error) {
	n, err := s.options.Catalog.UseHook(ctx, a, key, account.Updates)
	if err != nil {
		return job.Attempt{}, err
	}
	f, err := s.options.Catalog.Firing(ctx, n, 0)
	if err != nil {
		return job.Attempt{}, err
	}
	var c *catalog.Catalog
	if f.Hook != nil {
		c = f.Structure.AnyCatalog(f.Hook.Catalog)
	}
	if c == nil {
		return job.Attempt{}, fault.New(fault.InvalidParameter, "The webhook is switched off or paused")
	}
	code, err := s.options.Catalog.EmployeeCode(ctx, a.Employee)
	if err != nil {
		return job.Attempt{}, err
	}
	body, err := bpium.AppendEvent(nil, &bpium.Event{
		Structure: f.Structure, Catalog: c, Hook: n, Kind: catalog.AfterCreate, Test: true, At: s.options.Now().UnixMilli(),
		Actor: a.Employee, ActorCode: code,
	})
	if err != nil {
		return job.Attempt{}, err
	}
	attempt, _, err := s.call(ctx, f.Hook, "test", body)
	if err != nil && ctx.Err() != nil {
		return attempt, ctx.Err()
	}
	return attempt, nil
}
