package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kartoteka/internal/query"
)

// How automatic indexes live.
const (
	// tendEvery is how often the indexes are looked at.
	tendEvery = time.Minute
	// usesEvery is how often uses are stored, and unused indexes looked for.
	usesEvery = 10 * time.Minute
	// keepUnused is how long an automatic index is kept that nothing uses.
	keepUnused = 30 * 24 * time.Hour
	// settled is how old an automatic index must be to give way to another
	// automatic one, so that two do not drive each other out again and again.
	settled = 24 * time.Hour
	// worthRecords is the least that a catalog has to have: of fewer a request
	// is slow for other reasons.
	worthRecords = 1_000
	// quietPatience is how long a build waits for a pause between writes.
	quietPatience = 30 * time.Second
)

// tendIndexes makes and drops indexes until ctx ends.
func (s *Service) tendIndexes(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var stored time.Time
	for {
		s.tend(ctx, "read the indexes", s.learnIndexes)
		s.tend(ctx, "make an index", s.makeIndexes)
		if now := s.options.Now(); now.Sub(stored) >= usesEvery {
			stored = now
			s.tend(ctx, "store uses of indexes", s.storeUses)
			s.tend(ctx, "drop indexes", s.dropIndexes)
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			s.tend(last, "store uses of indexes", s.storeUses)
			cancel()
			return
		case <-tick.C:
		case <-s.indexer.wake:
		}
	}
}

// tend logs the failure of something that will be tried again.
func (s *Service) tend(ctx context.Context, what string, fn func(context.Context) error) {
	if err := fn(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrBusy) {
		s.options.Log.ErrorContext(ctx, "upkeep of indexes", "step", what, "error", err)
	}
}

// learnIndexes looks which indexes there are: other nodes make some as well.
func (s *Service) learnIndexes(ctx context.Context) error {
	return s.view(ctx, func(_ *Structure, r Reader) error {
		all, err := r.Indexes(ctx)
		if err == nil {
			s.indexer.learn(all)
		}
		return err
	})
}

// makeIndexes makes those that are due. One that cannot be made now is due again
// after as many slow requests.
func (s *Service) makeIndexes(ctx context.Context) error {
	for _, shape := range s.indexer.due(s.options.Now()) {
		s.indexer.forget(shape)
		if err := s.makeIndex(ctx, shape); err != nil {
			return fmt.Errorf("catalog %d: %w", shape.Catalog, err)
		}
	}
	return nil
}

func (s *Service) makeIndex(ctx context.Context, shape Shape) error {
	made := false
	err := s.retry(ctx, func(st *Structure) error {
		c := st.Catalog(shape.Catalog)
		if c == nil || !shape.lives(c) {
			return nil
		}
		if worth, err := s.worthIndex(ctx, c); err != nil || !worth {
			return err
		}
		return s.store.KeepIndexes(ctx, false, func(k IndexKeeper) (err error) {
			made, err = s.makeMissing(ctx, k, st, shape)
			return err
		})
	})
	if err != nil || !made {
		return err
	}
	s.options.Log.InfoContext(ctx, "index made", "catalog", shape.Catalog, "fields", shape.Fields())
	return s.learnIndexes(ctx)
}

// makeMissing makes the index unless another node has, or there is no room.
func (s *Service) makeMissing(ctx context.Context, k IndexKeeper, st *Structure, shape Shape) (bool, error) {
	all, err := k.Indexes(ctx)
	if err != nil {
		return false, err
	}
	i := Index{Catalog: shape.Catalog, Fields: slices.Clone(shape.Fields()), Slow: slowMany,
		Since: s.options.Now().UnixMilli(), Patience: quietPatience}
	own := slices.DeleteFunc(all, func(o Index) bool { return o.Catalog != shape.Catalog })
	if slices.ContainsFunc(own, func(o Index) bool { return shape.Fits(o.Fields) }) ||
		len(own) >= maxIndexes && yielding(own, i) == nil {
		return false, nil
	}
	return true, s.build(ctx, k, st, i)
}

// lives tells whether the fields are still there with columns of their own.
func (s *Shape) lives(c *Catalog) bool {
	for _, n := range s.Fields() {
		if f := c.Field(n); n > 0 && (f == nil || !f.indexable()) {
			return false
		}
	}
	return true
}

// worthIndex tells whether the catalog is large enough.
func (s *Service) worthIndex(ctx context.Context, c *Catalog) (worth bool, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		now := st.Catalog(c.Num)
		if now == nil {
			return nil
		}
		page, err := r.Select(ctx, &Selected{Structure: st, Catalog: now, Limit: 1, Offset: worthRecords - 1})
		if err == nil {
			worth = page.Len() > 0
		}
		return err
	})
	return worth, err
}

// yielding is the automatic index of a full catalog that gives way to i: the one
// with the fewest uses for its age; nil for none.
func yielding(own []Index, i Index) (victim *Index) {
	rate := func(o *Index) float64 { return float64(o.Uses) / float64(max(i.Since-o.Since, 1)) }
	for n := range own {
		o := &own[n]
		young := i.Since-o.Since < settled.Milliseconds()
		if o.Operator || young && !i.Operator {
			continue
		}
		if victim == nil || rate(o) < rate(victim) {
			victim = o
		}
	}
	return victim
}

// storeUses adds the uses that were counted here to those of all nodes.
func (s *Service) storeUses(ctx context.Context) error {
	list := s.indexer.takeUses()
	if len(list) == 0 {
		return nil
	}
	err := s.update(ctx, Job, nil, func(_ *Structure, w Writer) error { return w.UseIndexes(ctx, list) })
	if err != nil {
		s.indexer.giveBack(list)
	}
	return err
}

// dropIndexes drops automatic indexes that nobody has used for long, and what
// interrupted builds have left behind.
func (s *Service) dropIndexes(ctx context.Context) error {
	err := s.store.KeepIndexes(ctx, false, func(k IndexKeeper) error {
		if err := k.Sweep(ctx); err != nil {
			return err
		}
		all, err := k.Indexes(ctx)
		if err != nil {
			return err
		}
		for _, i := range unused(all, s.options.Now()) {
			if err := k.Drop(ctx, i); err != nil {
				return err
			}
			s.options.Log.InfoContext(ctx, "index dropped", "index", i.Name, "reason", "unused")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.learnIndexes(ctx)
}

// unused are the automatic indexes without a use for 30 days.
func unused(all []Index, now time.Time) []Index {
	before := now.Add(-keepUnused).UnixMilli()
	return slices.DeleteFunc(all, func(i Index) bool { return i.Operator || max(i.Since, i.Last) >= before })
}

// timed reads with fn and tells the indexer how long that took.
func (d *reading) timed(s *Selected, fn func() error) error {
	if d.watch == nil {
		return fn()
	}
	began := d.watch.options.Now()
	err := fn()
	if now := d.watch.options.Now(); err == nil {
		d.watch.indexer.note(s, now, now.Sub(began))
	}
	return err
}

// countedAs is the selection as a count sees it: without an order.
func countedAs(s *Selected) *Selected {
	counted := *s
	counted.Sort, counted.Then = query.Sort{}, nil
	return &counted
}
