package catalog

import (
	"context"
	"errors"
	"fmt"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// current is the structure as of now and what the actor may do under it. Other
// than Structure it asks the store whether another node has changed it.
func (s *Service) current(ctx context.Context, a Actor) (*Structure, *Access, error) {
	var st *Structure
	var access *Access
	err := s.now(ctx, func(now *Structure) (err error) {
		st = now
		access, err = s.access(ctx, st, nil, a)
		return err
	})
	return st, access, err
}

// now runs fn with the structure as of now, and again with the next one if fn finds
// that it has changed.
func (s *Service) now(ctx context.Context, fn func(*Structure) error) error {
	if _, err := s.fresh(ctx); err != nil {
		return err
	}
	return s.retry(ctx, fn)
}

// Current is the structure as of now, whichever node changed it last.
func (s *Service) Current(ctx context.Context) (*Structure, error) { return s.fresh(ctx) }

func (s *Service) fresh(ctx context.Context) (*Structure, error) {
	st, err := s.Structure(ctx)
	if err != nil {
		return nil, err
	}
	version, err := s.store.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("read structure version: %w", err)
	}
	if version == st.Version {
		return st, nil
	}
	return s.reload(ctx, st)
}

// reshape runs fn as one change of the structure that excludes writes to the
// named catalogs, and makes the result current. fn may run more than once.
func (s *Service) reshape(ctx context.Context, catalogs []query.Catalog, fn func(*Structure, Writer) error) error {
	var before *Structure
	err := s.update(ctx, Reshape, catalogs, func(st *Structure, w Writer) error {
		before = st
		if err := fn(st, w); err != nil {
			return err
		}
		if err := s.mirror(ctx, w); err != nil {
			return err
		}
		_, err := w.BumpStructure(ctx)
		return err
	})
	if errors.Is(err, ErrCodeTaken) {
		// Of what callers see nothing has the id: that was checked before.
		return fault.Wrap(err, fault.DuplicateID, "The id is taken by something in a removed section")
	}
	if err != nil {
		return err
	}
	// The change is made: what fails from here on must not look like a failure,
	// nor does it depend on whether the caller still waits.
	if _, err := s.reload(context.WithoutCancel(ctx), before); err != nil {
		s.options.Log.ErrorContext(ctx, "reload structure", "error", err)
	}
	return nil
}
