package crashtest

import (
	"context"
	"sync"
	"sync/atomic"

	"kartoteka/internal/catalog"
	"kartoteka/internal/hook"
	"kartoteka/internal/job"
	"kartoteka/internal/store"
)

// Store is the company's database as a mortal process sees it: it passes the steps
// around each call, and gives a dead process nothing more.
type Store struct {
	*store.Company
	life *life
	// mu guards claimed: until when jobs are claimed that were not settled.
	mu      sync.Mutex
	claimed map[int64]int64
	ended   atomic.Int64 // number of attempts whose outcome was told
	// followed is up to where the changes are known to have become jobs.
	followed atomic.Int64
}

var (
	_ catalog.Store = (*Store)(nil)
	_ hook.Jobs     = (*Store)(nil)
)

// busy tells that jobs are under way at a time (Unix ms).
func (s *Store) busy(now int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, until := range s.claimed {
		if until > now {
			return true
		}
	}
	return false
}

// after passes a step unless the call has failed.
func (s *Store) after(err error, step string) error {
	if err != nil {
		return err
	}
	return s.life.at(step)
}

// View implements catalog.Store.
func (s *Store) View(ctx context.Context, v catalog.Version, fn func(catalog.Reader) error) error {
	if err := s.life.alive(); err != nil {
		return err
	}
	return s.Company.View(ctx, v, fn)
}

// Update implements catalog.Store. Its steps are those of the kind that the
// transaction turns out to be; see writer.
func (s *Store) Update(ctx context.Context, p catalog.Plan, fn func(catalog.Writer) error) error {
	if err := s.life.alive(); err != nil {
		return err
	}
	var w *writer
	err := s.Company.Update(ctx, p, func(tx catalog.Writer) error {
		w = &writer{Writer: tx, life: s.life, kind: "write"}
		if p.Class == catalog.Reshape {
			w.kind = "reshape"
		}
		return fn(w)
	})
	if w == nil {
		return err
	}
	if err = s.after(err, w.kind+" committed"); err == nil && w.moved > 0 {
		s.followed.Store(w.moved)
	}
	return err
}

// Sequence implements catalog.Store.
func (s *Store) Sequence(ctx context.Context) error {
	if err := s.life.at("numbering begins"); err != nil {
		return err
	}
	return s.after(s.Company.Sequence(ctx), "changes numbered")
}

// PurgeChanges implements catalog.Store.
func (s *Store) PurgeChanges(ctx context.Context, before int64, limit int) (int64, error) {
	if err := s.life.alive(); err != nil {
		return 0, err
	}
	n, err := s.Company.PurgeChanges(ctx, before, limit)
	if n > 0 {
		err = s.after(err, "changes purged")
	}
	return n, err
}

// VoidLeases implements job.Store.
func (s *Store) VoidLeases(ctx context.Context) error {
	if err := s.life.at("started"); err != nil {
		return err
	}
	return s.after(s.Company.VoidLeases(ctx), "leases voided")
}

// DeliveriesPaused implements job.Store.
func (s *Store) DeliveriesPaused(ctx context.Context) (bool, error) {
	if err := s.life.alive(); err != nil {
		return false, err
	}
	return s.Company.DeliveriesPaused(ctx)
}

// Claim implements job.Store.
func (s *Store) Claim(ctx context.Context, q job.Queue, target int64, h job.Hold, claim int64, n int) ([]job.Job, error) {
	if err := s.life.at("claim begins"); err != nil {
		return nil, err
	}
	s.mu.Lock() // whoever asks what is claimed waits
	defer s.mu.Unlock()
	list, err := s.Company.Claim(ctx, q, target, h, claim, n)
	for _, j := range list {
		s.claimed[j.ID] = j.Until
	}
	if len(list) > 0 {
		err = s.after(err, "claimed")
	}
	return list, err
}

// Freeze implements job.Store.
func (s *Store) Freeze(ctx context.Context, j job.Job) (bool, error) {
	if err := s.life.at("rendered"); err != nil {
		return false, err
	}
	held, err := s.Company.Freeze(ctx, j)
	return held, s.after(err, "body frozen")
}

// Settle implements job.Store.
func (s *Store) Settle(ctx context.Context, r job.Result, judge func(job.Health) job.Health) (job.Health, bool, error) {
	defer func() {
		s.ended.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.claimed, r.ID)
	}()
	if err := s.life.at("outcome known"); err != nil {
		return job.Health{}, false, err
	}
	h, done, err := s.Company.Settle(ctx, r, judge)
	step := map[job.State]string{job.Done: "delivered", job.Dead: "given up", job.Pending: "delayed"}[r.State]
	switch {
	case r.Missed:
		step = "missed"
	case r.Failed && h.Resume > r.Tried:
		step = "circuit opened"
	}
	return h, done, s.after(err, step)
}

// Renew implements job.Store.
func (s *Store) Renew(ctx context.Context, q job.Queue, targets []int64, h job.Hold) ([]int64, error) {
	if err := s.life.alive(); err != nil {
		return nil, err
	}
	held, err := s.Company.Renew(ctx, q, targets, h)
	return held, s.after(err, "leases renewed")
}

// Release implements job.Store.
func (s *Store) Release(ctx context.Context, q job.Queue, owner string) error {
	if err := s.life.at("ending"); err != nil {
		return err
	}
	return s.after(s.Company.Release(ctx, q, owner), "leases released")
}

// Forgive implements job.Keeper.
func (s *Store) Forgive(ctx context.Context, q job.Queue, target int64) error {
	if err := s.life.at("pause begins"); err != nil {
		return err
	}
	return s.after(s.Company.Forgive(ctx, q, target), "failures forgiven")
}

// Again implements job.Keeper.
func (s *Store) Again(ctx context.Context, q job.Queue, target, from, to, now int64, limit int) (int, error) {
	if err := s.life.alive(); err != nil {
		return 0, err
	}
	n, err := s.Company.Again(ctx, q, target, from, to, now, limit)
	return n, s.after(err, "sent again")
}

// DropJobs implements job.Keeper.
func (s *Store) DropJobs(ctx context.Context, before, bytes int64, limit int) (int, error) {
	if err := s.life.alive(); err != nil {
		return 0, err
	}
	n, err := s.Company.DropJobs(ctx, before, bytes, limit)
	if n > 0 {
		err = s.after(err, "deliveries dropped")
	}
	return n, err
}
