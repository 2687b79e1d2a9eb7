package catalog

import (
	"context"
	"fmt"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// AdministersCompany fails with Forbidden for everybody but administrators of the
// management section, and for tokens that do not administer.
func (s *Service) AdministersCompany(ctx context.Context, a Actor) error {
	if !a.Scope.Allows(account.Administers) {
		return forbidden()
	}
	return s.MayChangeSection(ctx, a, settingsKey)
}

// Configure runs fn as one change of what steers the program beside the structure, by
// an administrator of the company: every node then has a new structure. The change was
// prepared under st; it fails with ErrStale when that is not current any more. It is
// noted in the log, with attributes.
func (s *Service) Configure(ctx context.Context, a Actor, st *Structure, event string, attrs func() []any,
	fn func(Writer) error,
) error {
	if err := s.AdministersCompany(ctx, a); err != nil {
		return err
	}
	err := s.store.Update(ctx, Plan{Version: st.Version, Class: Reshape}, func(w Writer) error {
		if err := fn(w); err != nil {
			return err
		}
		_, err := w.BumpStructure(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.wakeWatchers()
	s.audit(ctx, a, "Sync", event, attrs()...)
	// The change is made: what fails from here on must not look like a failure.
	if _, err := s.reload(context.WithoutCancel(ctx), st); err != nil {
		s.options.Log.ErrorContext(ctx, "reload structure", "error", err)
	}
	return nil
}

// Standing tells which of the employees there are, and whether they administer the
// company.
func (s *Service) Standing(ctx context.Context, list []query.Record) (administer map[query.Record]bool, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		administer = map[query.Record]bool{}
		if len(list) == 0 {
			return nil
		}
		page, err := r.Rows(ctx, st.Catalog(Employees), nil, list)
		if err != nil {
			return fmt.Errorf("look for employees: %w", err)
		}
		for i := range page.Len() {
			access, err := s.access(ctx, st, r, Actor{Employee: page.Record(i)})
			if err != nil {
				return err
			}
			administer[page.Record(i)] = access.Section(st.SectionByKey(settingsKey)) >= AdminPrivilege
		}
		return nil
	})
	return administer, err
}
