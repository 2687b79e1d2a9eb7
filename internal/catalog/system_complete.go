package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/query"
)

// completeSystem gives system catalogs the fields that they have got since the
// database was made, and fills the mirrors among them.
func (s *Service) completeSystem(ctx context.Context, st *Structure) error {
	if !slices.ContainsFunc(systemCatalogs, func(c systemCatalog) bool { return len(c.missing(st)) > 0 }) {
		return nil
	}
	return s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		for _, c := range systemCatalogs {
			if c.fields = c.missing(st); len(c.fields) == 0 {
				continue
			}
			built, err := c.build(func() (query.Field, error) {
				n, err := w.Next(ctx, FieldCounter)
				return query.Field(n), err
			})
			if err != nil {
				return err
			}
			after := *st.Catalog(c.num)
			after.NextField = max(after.NextField, built.NextField)
			after.setFields(slices.Concat(after.Fields, built.Fields))
			if err := w.SaveCatalog(ctx, &after); err != nil {
				return err
			}
			if err := w.SaveFields(ctx, &after, after.Fields); err != nil {
				return err
			}
		}
		return nil
	})
}

// missing are the fields that a system catalog has not got; none if it is not
// there. One whose number somebody's own field has, or had, gets the next free
// one: numbers are never used again.
func (c *systemCatalog) missing(st *Structure) (list []systemField) {
	built := st.Catalog(c.num)
	if built == nil {
		return nil
	}
	next := built.NextField
	for _, f := range c.fields {
		if built.FieldByKey(f.key) != nil {
			continue
		}
		if f.id < next {
			f.id = next
		}
		next = max(next, f.id+1)
		list = append(list, f)
	}
	return list
}
