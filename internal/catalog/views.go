package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// Bounds of a view.
const (
	maxViewFilters = 100
	maxViewValue   = 64 << 10 // bytes of one filter value
	maxViewOptions = 64 << 10
)

// ViewInput is what a caller sets of a view; nil leaves a part as it is.
type ViewInput struct {
	Key, Name, OriginName *string
	Legal                 *bool
	Filters               []ViewFilterInput // nil to leave them
	Options               json.RawMessage   // nil to leave them; null for none
}

// ViewFilterInput is one condition of a view as a caller gives it.
type ViewFilterInput struct {
	Path  string // where it stands in the request
	ID    int64  // of a filter that stays; 0 for a new one
	Field string // public id
	Value json.RawMessage
}

// ViewInfo is a view as an actor sees it.
type ViewInfo struct {
	*View
	Privilege Privilege
	// Manages tells whether the actor may change it, and so sees both names.
	Manages bool
	// Broken: the filters cannot be evaluated any more.
	Broken bool
}

// ViewsPage is views of a catalog with all that is needed to show them.
type ViewsPage struct {
	*Scope
	Views []ViewInfo
	// Linked are the titles of records that the filters name, as they name them;
	// only of a view that was asked for alone.
	Linked map[query.Link]Title
}

// Views lists the views of a catalog that the actor has: his own ones, and the
// legal ones that he has a rule on; all legal ones for those who manage the
// catalog. They are sorted by name.
func (s *Service) Views(ctx context.Context, a Actor, catalog string) (*ViewsPage, error) {
	var page *ViewsPage
	err := s.view(ctx, func(st *Structure, r Reader) error {
		scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(catalog))
		if err != nil {
			return err
		}
		page = &ViewsPage{Scope: scope}
		c := scope.Catalog
		for _, v := range st.rights.legal(c.Num) {
			info := s.viewInfo(scope, v)
			if scope.Access.seesView(c, v) && (info.Manages || v.Name != "") {
				page.Views = append(page.Views, info)
			}
		}
		own, err := r.PersonalViews(ctx, c.Num, a.Employee)
		if err != nil {
			return fmt.Errorf("read views: %w", err)
		}
		for _, v := range own {
			page.Views = append(page.Views, s.viewInfo(scope, v))
		}
		slices.SortStableFunc(page.Views, func(x, y ViewInfo) int {
			return cmp.Or(strings.Compare(text.Fold(x.Shown()), text.Fold(y.Shown())), cmp.Compare(x.Num, y.Num))
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// Shown is the view's name for the actor.
func (v *ViewInfo) Shown() string {
	if v.Manages && v.Legal {
		return cmp.Or(v.OriginName, v.Name)
	}
	return v.Name
}

// ruled tells whether some rule of the actor's is on the view itself.
func (a *Access) ruled(v *View) bool {
	if a.rules == nil {
		return true
	}
	return slices.ContainsFunc(a.rules.subjects, func(s *subjectRules) bool {
		in := s.inside[v.Catalog]
		return in != nil && slices.ContainsFunc(in.views, func(r *Rule) bool { return r.View == v.Num && r.Privilege != DenyPrivilege })
	})
}

func (s *Service) viewInfo(sc *Scope, v *View) ViewInfo {
	info := ViewInfo{View: v, Privilege: sc.Access.View(v)}
	info.Manages = !v.Legal || sc.Access.Catalog(sc.Catalog) >= AccessPrivilege
	_, err := s.readFilters(sc.Structure, v, Moment{Now: s.options.Now().UnixMilli(), Employee: sc.Access.actor.Employee})
	info.Broken = err != nil
	return info
}

// View gives one view of a catalog: NotFound, Forbidden.
func (s *Service) View(ctx context.Context, a Actor, catalog, key string) (*ViewsPage, error) {
	var page *ViewsPage
	err := s.view(ctx, func(st *Structure, r Reader) (err error) {
		if page, err = s.seenView(ctx, st, r, a, catalog, key); err != nil {
			return err
		}
		return s.readLinked(ctx, r, page)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// seenView finds a view that the actor may look at.
func (s *Service) seenView(ctx context.Context, st *Structure, r Reader, a Actor, catalog, key string) (*ViewsPage, error) {
	scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(catalog))
	if err != nil {
		return nil, err
	}
	v, err := findView(ctx, r, st, scope.Catalog, key)
	if err != nil {
		return nil, err
	}
	info := s.viewInfo(scope, v)
	if !scope.Access.seesView(scope.Catalog, v) {
		return nil, forbidden()
	}
	return &ViewsPage{Scope: scope, Views: []ViewInfo{info}}, nil
}

// seesView tells whether the actor may look at a view: his own, one that he has
// a rule on, or any legal one of a catalog that he manages.
func (a *Access) seesView(c *Catalog, v *View) bool {
	if !v.Legal {
		return a.View(v) >= ViewPrivilege
	}
	return a.Catalog(c) >= AccessPrivilege || a.ruled(v)
}

// findView finds a view of a catalog by public id, whosever it is.
func findView(ctx context.Context, r Reader, st *Structure, c *Catalog, key string) (*View, error) {
	if v := st.rights.keys[c.Num][key]; v != nil {
		return v, nil
	}
	v, err := r.ViewByKey(ctx, c.Num, key)
	if err != nil {
		return nil, fmt.Errorf("find view: %w", err)
	}
	if v == nil {
		return nil, noView()
	}
	return v, nil
}

// CreateView makes a view of a catalog: a personal one for everybody who sees
// it, a legal one for those who manage it.
func (s *Service) CreateView(ctx context.Context, a Actor, catalog string, in ViewInput) (*ViewsPage, error) {
	return s.writeView(ctx, a, "view.created", func(st *Structure, w Writer) (*Scope, *View, *View, error) {
		scope, err := s.scope(ctx, st, w, a, st.CatalogByKey(catalog))
		if err != nil {
			return nil, nil, nil, err
		}
		n, err := w.Next(ctx, ViewCounter)
		if err != nil {
			return nil, nil, nil, err
		}
		v := &View{Num: query.View(n), Key: strconv.FormatInt(n, 10), Catalog: scope.Catalog.Num, Owner: a.Employee}
		in.nameBoth()
		return scope, &View{}, v, s.applyView(scope, v, in)
	})
}

// UpdateView changes a view: a personal one for its owner, a legal one for those
// who manage the catalog. A legal one that becomes personal loses its rules.
func (s *Service) UpdateView(ctx context.Context, a Actor, catalog, key string, in ViewInput) (*ViewsPage, error) {
	return s.writeView(ctx, a, "view.changed", func(st *Structure, w Writer) (*Scope, *View, *View, error) {
		page, err := s.seenView(ctx, st, w, a, catalog, key)
		if err != nil {
			return nil, nil, nil, err
		}
		if !page.Views[0].Manages {
			return nil, nil, nil, forbidden()
		}
		after := *page.Views[0].View
		return page.Scope, page.Views[0].View, &after, s.applyView(page.Scope, &after, in)
	})
}

func (s *Service) writeView(ctx context.Context, a Actor, event string,
	change func(*Structure, Writer) (sc *Scope, before, after *View, err error),
) (*ViewsPage, error) {
	if !a.Scope.Allows(account.Administers) {
		return nil, outOfScope()
	}
	var page *ViewsPage
	err := s.update(ctx, Reshape, nil, func(st *Structure, w Writer) error {
		scope, before, after, err := change(st, w)
		if err != nil {
			return err
		}
		page = &ViewsPage{Scope: scope}
		if err := w.SaveView(ctx, after); err != nil {
			return err
		}
		if before.Num == 0 {
			if err := defaultBoard(ctx, w, after.Catalog, after.Num); err != nil {
				return err
			}
		}
		if before.Legal && !after.Legal {
			if err := w.SaveRules(ctx, Object{Catalog: after.Catalog, View: after.Num}, nil); err != nil {
				return err
			}
		}
		page.Views = []ViewInfo{s.viewInfo(scope, after)}
		if !before.Legal && !after.Legal {
			return nil
		}
		if err := s.checkProbes(ctx, w, a, "filters", after.Catalog); err != nil {
			return err
		}
		if err := s.mirror(ctx, w); err != nil {
			return err
		}
		return w.BumpRights(ctx)
	})
	if errors.Is(err, ErrCodeTaken) {
		return nil, fault.Wrap(err, fault.DuplicateID, "Another view of the catalog has this id")
	}
	if err != nil {
		return nil, err
	}
	s.audit(ctx, a, "Api", event, "catalog", int64(page.Catalog.Num), "view", int64(page.Views[0].Num))
	return page, nil
}

// DeleteView drops a view. What a legal one gave access to is lost with it.
func (s *Service) DeleteView(ctx context.Context, a Actor, catalog, key string) error {
	if !a.Scope.Allows(account.Administers) {
		return outOfScope()
	}
	var dropped *View
	err := s.update(ctx, Reshape, nil, func(st *Structure, w Writer) error {
		page, err := s.seenView(ctx, st, w, a, catalog, key)
		if err != nil {
			return err
		}
		dropped = page.Views[0].View
		if !page.Views[0].Manages {
			return forbidden()
		}
		if err := w.DeleteView(ctx, dropped.Num); err != nil || !dropped.Legal {
			return err
		}
		if err := s.mirror(ctx, w); err != nil {
			return err
		}
		return w.BumpRights(ctx)
	})
	if err == nil {
		s.audit(ctx, a, "Api", "view.deleted", "catalog", int64(dropped.Catalog), "view", int64(dropped.Num))
	}
	return err
}

// applyView sets the given parts of a view.
func (s *Service) applyView(sc *Scope, v *View, in ViewInput) error {
	if in.Legal != nil {
		v.Legal = *in.Legal
	}
	if v.Legal {
		if err := need(sc.Access.Catalog(sc.Catalog), AccessPrivilege); err != nil {
			return err
		}
	}
	details := in.names(v)
	if in.Options != nil {
		v.Options = in.Options
		if string(in.Options) == "null" {
			v.Options = nil
		}
		if len(in.Options) > maxViewOptions {
			details = append(details, fault.At("options", fault.TooLong, "at most %d bytes", maxViewOptions))
		}
	}
	if err := fault.Invalid(details); err != nil {
		return err
	}
	if in.Key != nil && *in.Key != v.Key {
		if err := checkKey(*in.Key, int64(v.Num), false, false); err != nil {
			return err
		}
		v.Key = *in.Key
	}
	if in.Filters == nil {
		return nil
	}
	return s.applyFilters(sc, v, in.Filters)
}

// nameBoth lets a name serve both purposes if it is the only one that a new view
// is given.
func (in *ViewInput) nameBoth() {
	if in.Name == nil && in.OriginName == nil {
		in.Name = new(string)
	}
	if in.Name == nil {
		in.Name = in.OriginName
	}
	if in.OriginName == nil {
		in.OriginName = in.Name
	}
}

// names sets the two names. A legal view may do without the employees' one.
func (in ViewInput) names(v *View) (details []fault.Detail) {
	if in.Name != nil {
		v.Name = strings.TrimSpace(*in.Name)
	}
	if in.OriginName != nil {
		v.OriginName = strings.TrimSpace(*in.OriginName)
	}
	if v.OriginName == "" {
		v.OriginName = v.Name
	}
	if v.Name != "" || !v.Legal || v.OriginName == "" {
		details = checkName("name", v.Name)
	}
	if v.OriginName != "" {
		details = append(details, checkName("originName", v.OriginName)...)
	}
	return details
}

// applyFilters replaces the filters. A legal view may look at every field; a
// personal one must not show its owner what is hidden from him.
func (s *Service) applyFilters(sc *Scope, v *View, in []ViewFilterInput) error {
	if len(in) > maxViewFilters {
		return fault.New(fault.InvalidParameter, "filters: at most %d", maxViewFilters)
	}
	reader := sc
	if v.Legal {
		reader = &Scope{Structure: sc.Structure, Catalog: sc.Catalog, Access: &Access{structure: sc.Structure}}
	}
	known := map[int64]bool{}
	for _, f := range v.Filters {
		known[f.ID] = true
	}
	v.Filters = make([]ViewFilter, 0, len(in))
	whole := all
	for _, one := range in {
		f := sc.Catalog.FieldByKey(one.Field)
		switch {
		case f == nil:
			return fault.New(fault.UnknownField, "%s: there is no field %s", one.Path, text.Cut(one.Field, 70))
		case !reader.Access.Readable(f):
			return hidden(f)
		case len(one.Value) > maxViewValue:
			return fault.New(fault.InvalidFilter, "%s: the value is larger than %d bytes", one.Path, maxViewValue)
		}
		at := Moment{Now: s.options.Now().UnixMilli(), Employee: sc.Access.actor.Employee}
		n, err := s.options.Filters.ReadFilter(reader, f, one.Value, at)
		if err != nil {
			return err
		}
		if n != nil {
			whole = both(whole, n)
		}
		if err := extentOf(whole).excess(one.Path, f.Name); err != nil {
			return err
		}
		if v.Legal {
			if err := sc.Access.authored(sc.Catalog, query.And{query.Cond{Field: f.Num, Test: query.NotEmpty{}}, n}); err != nil {
				return err
			}
		}
		if !known[one.ID] {
			one.ID = 0
		}
		delete(known, one.ID)
		v.Filters = append(v.Filters, ViewFilter{ID: one.ID, Field: f.Num, Value: one.Value})
	}
	return nil
}

// viewOf is the condition of a view that a query names: NotFound, Forbidden. A
// personal one looks at what its owner may see; a legal one at everything.
func (d *reading) viewOf(ctx context.Context, c *Catalog, key string) (query.Node, error) {
	v, err := findView(ctx, d.r, d.st, c, key)
	if err != nil {
		return nil, err
	}
	return d.ofView(c, v)
}

func (d *reading) ofView(c *Catalog, v *View) (query.Node, error) {
	if err := need(d.access.View(v), ViewPrivilege); err != nil {
		return nil, err
	}
	if v.Legal {
		return d.access.inView(v), nil
	}
	return d.stored(c, v.Filters, func(err error) error { return err })
}

// stored is the condition of stored filters, as the actor may see it. What they
// are about may be gone: lost is told of each such filter, with nil where its
// field is, and unless it fails the filter says nothing.
func (d *reading) stored(c *Catalog, filters []ViewFilter, lost func(error) error) (query.Node, error) {
	sc := &Scope{Structure: d.st, Catalog: c, Access: d.access}
	at := Moment{Now: d.service.options.Now().UnixMilli(), Offset: d.access.actor.Offset, Employee: d.access.actor.Employee}
	n := all
	for _, filter := range filters {
		var one query.Node
		var err error
		f := c.Field(filter.Field)
		if f != nil {
			one, err = d.service.options.Filters.ReadFilter(sc, f, filter.Value, at)
		}
		if f == nil || fault.Is(err, fault.InvalidFilter) || fault.Is(err, fault.UnknownField) {
			err = lost(err)
		}
		if err != nil {
			return nil, err
		}
		if one != nil {
			n = both(n, d.restrict(c, one))
		}
	}
	return n, nil
}
