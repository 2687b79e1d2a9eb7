package catalog

import (
	"context"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// maxIndexFields bounds the fields of one index.
const maxIndexFields = 4

// AddIndex makes an index over fields of a catalog, given by public ids: those
// compared for equality first, then the one of a range or sort.
func (s *Service) AddIndex(ctx context.Context, a Actor, catalog string, keys []string) error {
	scope, err := s.Catalog(ctx, a, catalog)
	if err != nil {
		return err
	}
	number := scope.Catalog.Num
	return s.update(ctx, Reshape, []query.Catalog{number}, func(st *Structure, w Writer) error {
		scope, err := s.administered(ctx, st, a, number)
		if err != nil {
			return err
		}
		fields, err := indexable(scope.Catalog, keys)
		if err != nil {
			return err
		}
		return w.AddIndex(ctx, scope.Catalog, fields)
	})
}

func indexable(c *Catalog, keys []string) ([]*Field, error) {
	if len(keys) == 0 || len(keys) > maxIndexFields {
		return nil, fault.New(fault.InvalidParameter, "An index has one to %d fields", maxIndexFields)
	}
	fields := make([]*Field, len(keys))
	for i, key := range keys {
		f := c.FieldByKey(key)
		if f == nil {
			return nil, fault.New(fault.UnknownField, "The catalog has no field %s", text.Cut(key, 70))
		}
		if s := f.Storage(); s == NoStorage || s.HasRefs() {
			return nil, fault.New(fault.InvalidParameter, "%s: fields of this type have their index already", f.Name)
		}
		fields[i] = f
	}
	return fields, nil
}

// Indexes lists the indexes that operators asked for.
func (s *Service) Indexes(ctx context.Context, a Actor) (st *Structure, all []Index, err error) {
	if _, _, err := s.current(ctx, a); err != nil {
		return nil, nil, err
	}
	err = s.view(ctx, func(now *Structure, r Reader) error {
		st = now
		all, err = r.Indexes(ctx)
		return err
	})
	return st, all, err
}
