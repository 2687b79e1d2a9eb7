package catalog

import (
	"context"
	"slices"

	"kartoteka/internal/query"
)

// completeSystem gives system catalogs the fields that they have got since the
// database was made, with the options that came along, and fills the mirrors among
// them.
func (s *Service) completeSystem(ctx context.Context, st *Structure) error {
	if !slices.ContainsFunc(systemCatalogs, func(c systemCatalog) bool { return len(c.missing(st)) > 0 }) {
		return nil
	}
	return s.reshape(ctx, nil, func(st *Structure, w Writer) error {
		for _, c := range systemCatalogs {
			now := c.fields
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
			after.setFields(slices.Concat(withOptions(after.Fields, now), built.Fields))
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

// withOptions are stored fields of a system catalog with all options that the system
// has for them by now.
func withOptions(stored []*Field, now []systemField) []*Field {
	stored = slices.Clone(stored)
	for _, sf := range now {
		i := slices.IndexFunc(stored, func(f *Field) bool { return f.System && f.Key == sf.key })
		if i < 0 {
			continue
		}
		f := *stored[i]
		f.Config.Items = slices.Clone(f.Config.Items)
		for _, item := range sf.config.Items {
			if f.Config.ItemByKey(item.Key) == nil {
				item.Num = query.Item(f.Config.NextItem)
				f.Config.NextItem++
				f.Config.Items = append(f.Config.Items, item)
			}
		}
		stored[i] = &f
	}
	return stored
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
