package catalog

import (
	"context"
	"fmt"
	"slices"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// This file and the others of its name are what streams of changes may tell. What
// somebody sees of a catalog is a Sight; it is judged anew for each change, by what
// the log says the record was like before and after.

// Watch is somebody who listens to a catalog's records, or to those of a view. It is
// not safe for concurrent use.
type Watch struct {
	actor   Actor
	catalog string // public ids
	view    string // "" for none
	sight   *Sight
}

// Sight is what somebody sees of a catalog under one structure: which records, and
// which fields of each. It is immutable.
type Sight struct {
	st      *Structure
	catalog *Catalog
	ca      *catalogAccess // nil for everything
	// nodes are the conditions of ca's views, and then that of the view that is
	// listened to; each text is the same for the same condition.
	nodes  []query.Node
	texts  []string
	opaque []bool // views of ca that nobody gets by whom they shut out
	viewed bool
	fields map[query.Field]*Field // that are shown of some records
	minute int64                  // that the conditions are of
	own    bool                   // the view is a personal one
	key    SightKey
}

// SightKey is equal for those who see the same.
type SightKey [32]byte

// Key names what the watch sees now.
func (w *Watch) Key() SightKey { return w.sight.key }

// Catalog is the public id of the catalog.
func (w *Watch) Catalog() string { return w.catalog }

// Clone is another watch of the same.
func (w *Watch) Clone() *Watch { c := *w; return &c }

// Watch begins to listen to a catalog, or to one of its views. It fails as Records
// does.
func (s *Service) Watch(ctx context.Context, a Actor, catalog, view string) (*Watch, error) {
	w := &Watch{actor: a, catalog: catalog, view: view}
	err := s.view(ctx, func(st *Structure, r Reader) (err error) {
		w.sight, err = s.sight(ctx, st, r, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// sight works out what a watch sees.
func (s *Service) sight(ctx context.Context, st *Structure, r Reader, w *Watch) (*Sight, error) {
	c := st.CatalogByKey(w.catalog)
	if c == nil {
		return nil, fault.New(fault.NotFound, "There is no such catalog")
	}
	d, c, err := s.open(ctx, st, r, w.actor, c.Num)
	if err != nil {
		return nil, err
	}
	sight := &Sight{st: st, catalog: c, fields: map[query.Field]*Field{}, minute: s.minute()}
	if d.access.rules != nil {
		sight.ca = d.access.rules.catalog(c)
		conditions := d.access.rules.conditions(sight.ca)
		sight.nodes = slices.Clone(conditions.in)
		for _, n := range conditions.denies {
			sight.opaque = append(sight.opaque, isAll(n))
		}
	}
	if w.view != "" {
		if err := sight.look(ctx, d, w.view); err != nil {
			return nil, err
		}
	}
	for _, f := range c.Fields {
		if f.Storage() != NoStorage && d.access.Readable(f) {
			sight.fields[f.Num] = f
		}
	}
	sight.identify()
	return sight, nil
}

// look narrows the sight to a view.
func (s *Sight) look(ctx context.Context, d *reading, key string) error {
	v, err := findView(ctx, d.r, d.st, s.catalog, key)
	if err != nil {
		return err
	}
	n, err := d.ofView(s.catalog, v)
	if err != nil {
		return err
	}
	// A condition that is too large to look records up by fails here, for its owner
	// alone.
	if _, err := d.r.Members(ctx, d.st, s.catalog, []query.Record{1}, []query.Node{n}); err != nil {
		return fmt.Errorf("look through a view: %w", err)
	}
	s.nodes, s.viewed, s.own = append(s.nodes, n), true, !v.Legal
	return nil
}

func (s *Service) minute() int64 { return s.options.Now().Unix() / 60 }

// stale tells whether the sight may be another by now.
func (s *Sight) stale(st *Structure, minute int64) bool {
	return s.st != st || s.own || len(s.nodes) > 0 && s.minute != minute
}

// sees tells whether a record that satisfies those of the conditions is seen.
func (s *Sight) sees(n query.Record, in Bits) bool {
	if s.viewed && !in[len(s.nodes)-1] {
		return false
	}
	return s.ca == nil || s.ca.on(n, s.views(in)) >= ViewPrivilege
}

// views are the views of the rights that a record is in.
func (s *Sight) views(in Bits) []viewIn {
	list := make([]viewIn, len(s.opaque))
	for i, opaque := range s.opaque {
		list[i] = viewIn{in[i], in[i] || opaque}
	}
	return list
}

// shows tells whether a field is shown of a record that is seen.
func (s *Sight) shows(f query.Field, n query.Record, in Bits) bool {
	if s.fields[f] == nil {
		return false
	}
	return s.ca == nil || !s.ca.restricted[f] || s.ca.fieldOn(f, n, s.views(in)) >= ViewField
}

// shown are the fields of those that are shown of a record.
func (s *Sight) shown(fields []query.Field, n query.Record, in Bits) (list []*Field) {
	for _, f := range fields {
		if s.shows(f, n, in) {
			list = append(list, s.fields[f])
		}
	}
	return list
}

// uncovered are the fields that a record shows after a change and not before it;
// covered tells whether there are others the other way round.
func (s *Sight) uncovered(n query.Record, was, is Bits) (list []*Field, covered bool) {
	if s.ca == nil || slices.Equal(was[:len(s.opaque)], is[:len(s.opaque)]) {
		return nil, false
	}
	for _, f := range s.catalog.Fields {
		if !s.ca.restricted[f.Num] {
			continue
		}
		switch before, after := s.shows(f.Num, n, was), s.shows(f.Num, n, is); {
		case after && !before:
			list = append(list, f)
		case before && !after:
			covered = true
		}
	}
	return list, covered
}
