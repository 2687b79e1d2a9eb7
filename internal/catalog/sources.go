package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/query"
)

// SourceCatalogs are the catalogs of a link field's sources, each once.
func (c *Config) SourceCatalogs() []query.Catalog {
	list := make([]query.Catalog, 0, len(c.Sources))
	for _, s := range c.Sources {
		if !slices.Contains(list, s.Catalog) {
			list = append(list, s.Catalog)
		}
	}
	return list
}

// sources are the catalogs whose records a link field may name.
func sources(f *Field) []query.Catalog {
	if _, ok := f.Type.(userType); ok {
		return []query.Catalog{Employees}
	}
	return f.Config.SourceCatalogs()
}

func onlySource(f *Field) query.Catalog {
	if list := sources(f); len(list) == 1 {
		return list[0]
	}
	return 0
}

// View finds a legal view that lives, by number; nil if there is none.
func (s *Structure) View(n query.View) *View { return s.rights.views[n] }

// ViewByKey finds a legal view of a catalog by public id; nil if there is none.
func (s *Structure) ViewByKey(c query.Catalog, key string) *View { return s.rights.keys[c][key] }

// offered is the condition that a record of a catalog is among the sources of a
// link field: all if the whole catalog is one, else that it is in a view that is,
// as the actor's.
func (a *Access) offered(f *Field, c *Catalog) query.Node {
	return a.offeredIf(f, c, func(Source) query.Node { return all })
}

// offeredIf is offered with a condition of each source's own.
func (a *Access) offeredIf(f *Field, c *Catalog, also func(Source) query.Node) query.Node {
	if _, ok := f.Type.(userType); ok {
		if c.Num == Employees {
			return all
		}
		return none
	}
	n := none
	for _, s := range f.Config.Sources {
		switch {
		case s.Catalog != c.Num:
		case s.View == 0 || a.rules == nil:
			n = either(n, also(s))
		default:
			if v := a.structure.View(s.View); v != nil {
				n = either(n, both(a.inView(v), also(s)))
			}
		}
	}
	return n
}

// isOffered tells whether a record that lives is among the sources of a field.
func isOffered(ctx context.Context, r Reader, a *Access, f *Field, c *Catalog, n query.Record) (bool, error) {
	where := a.offered(f, c)
	if isAll(where) || isNone(where) {
		return isAll(where), nil
	}
	bits, err := r.Members(ctx, a.structure, c, []query.Record{n}, []query.Node{where})
	if err != nil {
		return false, fmt.Errorf("read whether a record is in a view: %w", err)
	}
	return len(bits[n]) == 1 && bits[n][0], nil
}

// mayAdd tells whether the actor may make a source of a catalog or view: its
// records' titles are shown to whoever sees the field, so he must see it. The
// employees' names are known to everybody.
func (a *Access) mayAdd(s Source) bool {
	c := a.structure.Catalog(s.Catalog)
	if s.View == 0 {
		return c.Num == Employees || a.Catalog(c) >= AvailablePrivilege
	}
	v := a.structure.View(s.View)
	return a.Catalog(c) >= AvailablePrivilege && a.seesView(c, v)
}
