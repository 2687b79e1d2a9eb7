package catalog

import (
	"context"

	"kartoteka/internal/account"
	"kartoteka/internal/query"
)

// UseHook gives the number of a subscription to somebody who may change it, with a
// program that may do that verb. It fails with NotFound and Forbidden.
func (s *Service) UseHook(ctx context.Context, a Actor, key query.Key, v account.Verbs) (n query.Record, err error) {
	err = s.view(ctx, func(st *Structure, r Reader) error {
		scope, err := s.scope(ctx, st, r, a, st.Catalog(Webhooks))
		if err != nil {
			return err
		}
		if err := scope.Access.allow(v, scope.Catalog); err != nil {
			return err
		}
		var on Privilege
		if n, on, err = recordOf(ctx, r, scope.Access, scope.Catalog, key); err != nil {
			return err
		}
		return need(on, EditPrivilege)
	})
	return n, err
}
