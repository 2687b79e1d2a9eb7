package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// maxIndexes bounds the indexes of a catalog: each is written with its records.
const maxIndexes = 12

// AddIndex makes an index over fields of a catalog at once, given by public ids:
// those compared for equality first, then the one of a range or sort, which may
// be $createdTime or $updatedTime. It is not dropped by itself. When the catalog
// has its 12 indexes, the automatic one used least gives way.
func (s *Service) AddIndex(ctx context.Context, a Actor, catalog string, keys []string) error {
	scope, err := s.Catalog(ctx, a, catalog)
	if err != nil {
		return err
	}
	number := scope.Catalog.Num
	err = s.retry(ctx, func(st *Structure) error {
		scope, err := s.administered(ctx, st, nil, a, number)
		if err != nil {
			return err
		}
		fields, err := indexable(scope.Catalog, keys)
		if err != nil {
			return err
		}
		i := Index{Catalog: number, Fields: fields, Operator: true, Since: s.options.Now().UnixMilli()}
		return s.store.KeepIndexes(ctx, true, func(k IndexKeeper) error { return s.build(ctx, k, st, i) })
	})
	if err != nil {
		return err
	}
	return s.learnIndexes(ctx)
}

// build makes an index as far as the catalog may have one more.
func (s *Service) build(ctx context.Context, k IndexKeeper, st *Structure, i Index) error {
	all, err := k.Indexes(ctx)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(all, func(o Index) bool { return o.Catalog != i.Catalog })
	if len(own) >= maxIndexes && !slices.ContainsFunc(own, func(o Index) bool { return slices.Equal(o.Fields, i.Fields) }) {
		victim := yielding(own, i)
		if victim == nil {
			return fault.New(fault.LimitTooLarge, "A catalog has at most %d indexes", maxIndexes)
		}
		if err := k.Drop(ctx, *victim); err != nil {
			return err
		}
		s.options.Log.InfoContext(ctx, "index dropped", "index", victim.Name, "reason", "another one is needed more")
	}
	if err := k.Build(ctx, st, i); err != nil {
		return fmt.Errorf("build an index of catalog %d: %w", i.Catalog, err)
	}
	return nil
}

func indexable(c *Catalog, keys []string) ([]query.Field, error) {
	if len(keys) == 0 || len(keys) > MaxIndexFields {
		return nil, fault.New(fault.InvalidParameter, "An index has one to %d fields", MaxIndexFields)
	}
	fields := make([]query.Field, len(keys))
	for i, key := range keys {
		f := c.FieldByKey(key)
		switch {
		case f != nil && f.indexable():
			fields[i] = f.Num
		case f != nil:
			return nil, fault.New(fault.InvalidParameter, "%s: fields of this type have their index already", f.Name)
		case key == "$createdTime":
			fields[i] = CreatedTime
		case key == "$updatedTime":
			fields[i] = UpdatedTime
		default:
			return nil, fault.New(fault.UnknownField, "The catalog has no field %s", text.Cut(key, 70))
		}
		if slices.Contains(fields[:i], fields[i]) {
			return nil, fault.New(fault.InvalidParameter, "An index has each field once")
		}
	}
	return fields, nil
}

// Indexes lists the indexes of all catalogs with their uses so far and sizes.
func (s *Service) Indexes(ctx context.Context, a Actor) (st *Structure, all []Index, err error) {
	if _, _, err := s.current(ctx, a); err != nil {
		return nil, nil, err
	}
	if err := s.storeUses(ctx); err != nil {
		return nil, nil, err
	}
	err = s.view(ctx, func(now *Structure, r Reader) error {
		st = now
		if all, err = r.Indexes(ctx); err != nil {
			return err
		}
		for i := range all {
			if all[i].Size, err = r.IndexSize(ctx, all[i].Name); err != nil {
				return err
			}
		}
		return nil
	})
	return st, all, err
}
