package catalog

import (
	"context"
	"fmt"

	"kartoteka/internal/query"
)

// The methods of this file tell whether an actor may do something at all, with
// NotFound or Forbidden, for callers whose request cannot be read: that they have
// no right comes first. The methods that do it ask for themselves.

// MayCreateSection tells whether the actor may make sections.
func (s *Service) MayCreateSection(ctx context.Context, a Actor) error {
	return s.MayChangeSection(ctx, a, settingsKey)
}

// MayChangeSection tells whether the actor may change a section.
func (s *Service) MayChangeSection(ctx context.Context, a Actor, key string) error {
	st, access, err := s.current(ctx, a)
	if err != nil {
		return err
	}
	_, err = seenSection(st, access, key, AdminPrivilege)
	return err
}

// MayChangeCatalog tells whether the actor may change a catalog's structure.
func (s *Service) MayChangeCatalog(ctx context.Context, a Actor, key string) error {
	scope, err := s.Catalog(ctx, a, key)
	if err != nil {
		return err
	}
	return need(scope.Access.Catalog(scope.Catalog), AdminPrivilege)
}

// MayCreateRecord tells whether the actor may make records in a catalog.
func (s *Service) MayCreateRecord(ctx context.Context, a Actor, catalog string) error {
	scope, err := s.Catalog(ctx, a, catalog)
	if err != nil {
		return err
	}
	if err := s.licensed(scope.Catalog.Num); err != nil {
		return err
	}
	if !scope.Access.Creates(scope.Catalog) {
		return forbidden()
	}
	return nil
}

// MayUseRecord tells whether the actor has a privilege on a record.
func (s *Service) MayUseRecord(ctx context.Context, a Actor, catalog string, key query.Key, p Privilege) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(catalog))
		if err != nil {
			return err
		}
		_, on, err := recordOf(ctx, r, scope.Access, scope.Catalog, key)
		if err != nil {
			return err
		}
		return need(on, p)
	})
}

// MayWriteView tells whether the actor may change a view of a catalog; with key
// "" whether he may make one.
func (s *Service) MayWriteView(ctx context.Context, a Actor, catalog, key string, legal bool) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(catalog))
		if err != nil {
			return err
		}
		if key != "" {
			page, err := s.seenView(ctx, st, r, a, catalog, key)
			if err != nil {
				return err
			}
			legal = legal || page.Views[0].Legal
		}
		if !legal {
			return nil
		}
		return need(scope.Access.Catalog(scope.Catalog), AccessPrivilege)
	})
}

// MaySetRights tells whether the actor may set rules on an object.
func (s *Service) MaySetRights(ctx context.Context, a Actor, key ObjectKey) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		o, err := s.object(ctx, r, access, key)
		if err != nil {
			return err
		}
		return need(o.managed, AccessPrivilege)
	})
}

// recordOf finds a live record and the actor's privilege on it.
func recordOf(ctx context.Context, r Reader, a *Access, c *Catalog, key query.Key) (query.Record, Privilege, error) {
	n, err := find(ctx, r, c, key)
	if err != nil {
		return 0, NoPrivilege, err
	}
	page := &Page{}
	if n != 0 {
		if page, err = r.Rows(ctx, c, nil, []query.Record{n}); err != nil {
			return 0, NoPrivilege, fmt.Errorf("read record: %w", err)
		}
	}
	if page.Len() == 0 {
		return 0, NoPrivilege, noRecord()
	}
	on, err := rightsOn(ctx, r, a, c, []query.Record{n})
	if err != nil {
		return 0, NoPrivilege, err
	}
	return n, on.privilege(n), nil
}
