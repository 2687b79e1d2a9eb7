package catalog

import (
	"context"
	"maps"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// What rules and legal views say becomes conditions that the store looks records
// up by, and these have bounds (MaxProbeDepth and its like). What would be beyond
// them is refused when it is saved: later it would fail whoever reads.

// extent is how large a condition is.
type extent struct{ depth, links, nodes int }

func extentOf(n query.Node) extent {
	inner := extent{}
	add := func(n query.Node) {
		e := extentOf(n)
		inner.depth, inner.links = max(inner.depth, e.depth), max(inner.links, e.links)
		inner.nodes += e.nodes
	}
	switch n := n.(type) {
	case query.And:
		for _, e := range n {
			add(e)
		}
	case query.Or:
		for _, e := range n {
			add(e)
		}
	case query.Not:
		add(n.Node)
	case query.Titled:
		if n.Seen != nil {
			add(n.Seen)
		}
	case query.Authored:
		if n.Who != nil {
			add(n.Who)
		}
		inner.links++
	case query.Cond:
		if linked, ok := n.Test.(query.LinksWhere); ok {
			add(linked.Where)
			inner.links++
		}
	}
	return extent{inner.depth + 1, inner.links, inner.nodes + 1}
}

// excess says at path what is too much about a condition that a field is named
// in; nil when it fits.
func (e extent) excess(path, field string) error {
	var d fault.Detail
	switch {
	case e.links > MaxProbeLinks:
		d = fault.At(path, fault.InvalidFilter, "%s: linked records nest deeper than %d levels", field, MaxProbeLinks)
	case e.depth > MaxProbeDepth:
		d = fault.At(path, fault.InvalidFilter, "%s: the conditions of views nest deeper than %d levels", field, MaxProbeDepth)
	case e.nodes > MaxProbeNodes:
		d = fault.At(path, fault.InvalidFilter, "%s: the views have more than %d conditions", field, MaxProbeNodes)
	default:
		return nil
	}
	return fault.Invalid([]fault.Detail{d})
}

// checkProbes makes sure that the store can look records of a catalog up by the
// rules as the transaction leaves them: by those of each subject, together with
// everybody's.
func (s *Service) checkProbes(ctx context.Context, w Writer, a Actor, path string, catalogs ...query.Catalog) error {
	d, err := w.Definition(ctx)
	if err != nil {
		return err
	}
	st := newStructure(d)
	everybody := st.rights.subjects[Subject{}]
	for _, n := range catalogs {
		c := st.Catalog(n)
		if c == nil {
			continue
		}
		for _, subject := range st.rights.subjects {
			if subject.inside[n] == nil && subject != everybody {
				continue // what it says has no conditions
			}
			e := &employeeRules{service: s, st: st, employee: a.Employee, subjects: []*subjectRules{subject}}
			if everybody != nil && subject != everybody {
				e.subjects = append(e.subjects, everybody)
			}
			if err := e.checkProbes(c, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkProbes is Service.checkProbes for what an employee with these rules is
// asked by.
func (e *employeeRules) checkProbes(c *Catalog, path string) error {
	ca := e.catalog(c)
	if len(ca.views) == 0 {
		return nil
	}
	conditions := e.conditions(ca)
	where := ca.where(ViewPrivilege, conditions)
	if err := extentOf(where).excess(path, c.Name); err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(ca.restricted)) {
		f := c.Field(n)
		if f == nil {
			continue
		}
		// Whoever filters by the field asks for both.
		if err := extentOf(both(where, ca.visible(n, conditions))).excess(path, f.Name); err != nil {
			return err
		}
		if f != c.Title() {
			continue
		}
		if err := extentOf(ca.titled(n, conditions)).excess(path, f.Name); err != nil {
			return err
		}
	}
	return nil
}
