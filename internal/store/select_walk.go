package store

import (
	"context"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// walkMost is for how many options records are read option by option.
const walkMost = 64

// walkable tells whether an index has the records that match in order within
// each option of the field that is sorted by, and nothing is left to filter.
func (t *tx) walkable(s *catalog.Selected, o *sorting) bool {
	indexed := t.company.indexed.Load()
	if o.walk == nil || len(o.walk.Config.Items) > walkMost || indexed == nil || len(*indexed) == 0 {
		return false
	}
	d := catalog.DemandOf(s)
	return d.Whole && d.Best.Tail() == o.walk.Num && slices.ContainsFunc(*indexed, func(i catalog.Index) bool {
		return i.Catalog == s.Catalog.Num && d.Best.Fits(i.Fields)
	})
}

// readWalk reads the records option by option in the config's order, and last
// those without one, until the page is full. The whole of an option is counted
// only if the page begins behind it.
func (t *tx) readWalk(ctx context.Context, s *catalog.Selected, o sorting, plan *readPlan, p *pageReader) error {
	tests := make([]query.Test, 0, len(o.walk.Config.Items)+1)
	for _, item := range o.walk.Config.Items {
		tests = append(tests, query.AnyOf{int64(item.Num)})
	}
	if o.desc {
		slices.Reverse(tests)
	}
	offset := s.Offset
	for _, test := range append(tests, query.Empty{}) {
		part := having(s, query.Cond{Field: o.walk.Num, Test: test})
		before := p.page.Len()
		if err := t.readPart(ctx, part, sorting{desc: o.desc}, everything, offset, plan, p); err != nil {
			return err
		}
		switch {
		case p.page.Len() == s.Limit:
			return nil
		case p.page.Len() > before:
			offset = 0
		case offset > 0:
			n, err := t.Count(ctx, part)
			if err != nil {
				return err
			}
			offset -= int(n)
		}
	}
	return nil
}

// having is a selection with one more condition, in order of their numbers. The
// conditions get no deeper by it.
func having(s *catalog.Selected, c query.Cond) *catalog.Selected {
	part := *s
	part.Sort = query.Sort{Desc: s.Sort.Desc}
	switch where := s.Where.(type) {
	case nil:
		part.Where = c
	case query.And:
		part.Where = append(slices.Clip(where), c)
	default:
		part.Where = query.And{where, c}
	}
	return &part
}
