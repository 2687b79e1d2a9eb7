package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// readLinked reads the titles of the records that the filters of the page's
// views name, as the actor may see them. Filters that cannot be read name none.
func (s *Service) readLinked(ctx context.Context, r Reader, page *ViewsPage) error {
	var links []query.Link
	at := Moment{Now: s.options.Now().UnixMilli(), Employee: page.Access.actor.Employee}
	for _, v := range page.Views {
		if n, err := s.readFilters(page.Structure, v.View, at); err == nil {
			links = append(links, linksIn(page.Catalog.Num, n)...)
		}
	}
	refs := map[query.Link]query.Ref{}
	var list []query.Ref
	for _, l := range links {
		c := page.Structure.AnyCatalog(l.Catalog)
		if _, known := refs[l]; known || c == nil {
			continue
		}
		n, err := everKnown(ctx, r, c, l.Key)
		if err != nil {
			return err
		}
		if n != 0 {
			refs[l] = query.MakeRef(c.Num, n)
			list = append(list, refs[l])
		}
	}
	slices.Sort(list)
	titles, err := titlesFor(ctx, r, page.Access, slices.Compact(list))
	if err != nil {
		return fmt.Errorf("read titles of a view's filters: %w", err)
	}
	page.Linked = map[query.Link]Title{}
	for l, ref := range refs {
		if title, ok := titles[ref]; ok {
			page.Linked[l] = title
		}
	}
	return nil
}

// linksIn lists the records that a condition names.
func linksIn(c query.Catalog, n query.Node) (links []query.Link) {
	query.Walk(c, n, func(_ query.Catalog, n query.Node) {
		if cond, ok := n.(query.Cond); ok {
			if named, ok := cond.Test.(query.LinksAny); ok {
				links = append(links, named...)
			}
		}
	})
	return links
}

// authored makes sure that a legal view, which looks at everything for everybody,
// does not show its author more than he may see: of his own catalog, which he
// manages, no secrets; of others, only what he sees of every record.
func (a *Access) authored(c *Catalog, n query.Node) (err error) {
	query.Walk(c.Num, n, func(of query.Catalog, n query.Node) {
		other := a.structure.Catalog(of)
		var f *Field
		switch n := n.(type) {
		case query.Cond:
			f = a.structure.Field(n.Field)
		case query.Titled:
			if other != nil {
				f = other.Title()
			}
		}
		if err != nil {
			return
		}
		switch {
		case f == nil || other == nil:
		case f.Secret && !a.Readable(f):
			err = hidden(f)
		case of == c.Num:
		case !a.Readable(f) || a.visible(f) != nil:
			err = hidden(f)
		case a.Catalog(other) < AvailablePrivilege || a.Where(other) != nil:
			err = fault.New(fault.Forbidden, "A legal view may look only at catalogs of which you may view every record")
		}
	})
	return err
}
