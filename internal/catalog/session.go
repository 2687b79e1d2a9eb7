package catalog

import (
	"context"
	"errors"
	"fmt"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// maxTries bounds how often something is begun again because others changed
// what it was planned with.
const maxTries = 5

// Structure is the current structure. It reads the store on the first call
// only; later ones may be as old as the last transaction of this process,
// which is found out by the next transaction.
func (s *Service) Structure(ctx context.Context) (*Structure, error) {
	if st := s.structure.Load(); st != nil {
		return st, nil
	}
	return s.reload(ctx, nil)
}

// reload reads the structure that follows old. Of many callers that met the
// same change one reads; the others get what it read.
func (s *Service) reload(ctx context.Context, old *Structure) (*Structure, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	if st := s.structure.Load(); st != old && st != nil {
		return st, nil
	}
	for range maxTries {
		def, err := s.store.Structure(ctx)
		if err != nil {
			return nil, fmt.Errorf("load structure: %w", err)
		}
		st := newStructure(def)
		if err = s.readHooks(ctx, st); err == nil {
			s.structure.Store(st)
			return st, nil
		}
		if !errors.Is(err, ErrStale) {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "The structure keeps changing; try again")
}

// retry calls try with the current structure until it does not fail with
// ErrStale.
func (s *Service) retry(ctx context.Context, try func(st *Structure) error) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	for range maxTries {
		if err = try(st); !errors.Is(err, ErrStale) {
			return err
		}
		if st, err = s.reload(ctx, st); err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "The structure keeps changing; try again")
}

// view runs fn on one snapshot of the store with the structure it belongs to.
// fn may run more than once.
func (s *Service) view(ctx context.Context, fn func(st *Structure, r Reader) error) error {
	return s.retry(ctx, func(st *Structure) error {
		return s.store.View(ctx, st.Version, func(r Reader) error { return fn(st, r) })
	})
}

// viewAs is view for an actor: of a request that was read with a structure with
// no other. It fails with ErrStale then.
func (s *Service) viewAs(ctx context.Context, a Actor, fn func(st *Structure, r Reader) error) error {
	st := a.Under
	if st == nil {
		return s.view(ctx, fn)
	}
	return s.store.View(ctx, st.Version, func(r Reader) error { return fn(st, r) })
}

// Request carries out a request about a catalog, which fn reads with the scope's
// structure: that of this process, without asking the store whether another node
// has changed it. fn gives its calls the actor it is given; one of them, or any
// fault, may be due to an old structure, and then fn runs again with the new one.
// It must leave nothing behind when it fails.
func (s *Service) Request(ctx context.Context, a Actor, key string, fn func(Actor, *Scope) error) error {
	st, err := s.Structure(ctx)
	if err != nil {
		return err
	}
	for range maxTries {
		a.Under = st
		scope, err := s.scope(ctx, st, nil, a, st.CatalogByKey(key))
		if err == nil {
			err = fn(a, scope)
		}
		now, failed := s.outdated(ctx, st, err)
		if failed != nil {
			return failed
		}
		if now == st {
			return err
		}
		st = now
	}
	return fault.New(fault.Unavailable, "The structure keeps changing; try again")
}

// outdated gives the structure to try again with after an error: st if it is
// not to blame.
func (s *Service) outdated(ctx context.Context, st *Structure, err error) (*Structure, error) {
	var refused *fault.Error
	switch {
	case errors.Is(err, ErrStale):
		return s.reload(ctx, st)
	case errors.As(err, &refused) && refused.Code != fault.Unavailable:
		return s.fresh(ctx)
	}
	return st, nil
}

// update runs fn in one transaction that writes the named catalogs, with the
// structure it belongs to. fn may run more than once.
func (s *Service) update(ctx context.Context, class Class, catalogs []query.Catalog,
	fn func(st *Structure, w Writer) error,
) error {
	return s.retry(ctx, func(st *Structure) error {
		plan := Plan{Version: st.Version, Class: class, Catalogs: catalogs}
		err := s.store.Update(ctx, plan, func(w Writer) error { return fn(st, w) })
		if err == nil {
			s.wakeWatchers()
		}
		return err
	})
}
