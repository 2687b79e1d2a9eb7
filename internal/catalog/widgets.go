package catalog

import (
	"context"
	"maps"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Bounds of widgets.
const (
	maxWidgets       = 100      // of a board
	maxWidgetFilters = 64 << 10 // bytes of all filter values of one
)

// Widget is a chart on a board. It is immutable.
type Widget struct {
	Num      query.Widget // also its public id
	Board    query.Board
	Priority int
	WidgetSettings
}

// WidgetSettings are what a widget shows, stored as this JSON. Words are those of
// the API that they came by, which checks them; nil and "" stand for not given.
type WidgetSettings struct {
	Name       string     `json:"name,omitempty"`
	Chart      string     `json:"chart"`
	Value      Dimension  `json:"value"`
	ValueFn    string     `json:"valueFn,omitempty"`
	Axis       Dimension  `json:"axis"`
	Split      *Dimension `json:"split,omitempty"`
	Sort       string     `json:"sort,omitempty"`
	SortType   string     `json:"sortType,omitempty"`
	Stacked    *bool      `json:"stacked,omitempty"`
	Multicolor bool       `json:"multicolor,omitempty"`
	Limit      *int       `json:"limit,omitempty"`
	Offset     *int       `json:"offset,omitempty"`
	SplitLimit *int       `json:"splitLimit,omitempty"`
	// All counts every record of the catalog for everybody who sees the board.
	All bool `json:"all,omitempty"`
	// Filters narrow the records down; each is kept as it was given. View is a
	// legal view of the catalog, 0 for none.
	Filters []ViewFilter `json:"filters,omitempty"`
	View    query.View   `json:"view,omitempty"`
}

// Dimension is what a widget measures or groups records by.
type Dimension struct {
	Type  string      `json:"type"`
	Field query.Field `json:"field,omitempty"`
	Sub   string      `json:"sub,omitempty"`
}

// WidgetInput is what a change of a widget leaves to be checked and stored.
type WidgetInput struct {
	// Aggregation is what the settings ask for.
	query.Aggregation
	// Filters and View (the public id of a legal view, "" for none) replace the
	// stored ones; nil leaves them.
	Filters []ViewFilterInput
	View    *string
}

// WidgetChange sets the given parts of a widget, as whoever made the scope may; a
// new one has no number. It may run twice.
type WidgetChange func(sc *Scope, w *Widget) (WidgetInput, error)

// CreateWidget makes a widget on a board.
func (s *Service) CreateWidget(ctx context.Context, a Actor, n query.Board, change WidgetChange) (made query.Widget, err error) {
	_, err = s.writeBoard(ctx, a, "widget.created", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, err := s.managedBoard(ctx, st, w, a, n)
		if err != nil {
			return nil, err
		}
		if len(info.Widgets) >= maxWidgets {
			return nil, fault.New(fault.InvalidParameter, "widgets: at most %d on a board", maxWidgets)
		}
		one := &Widget{Board: n}
		if err := s.applyWidget(info.Scope, one, change); err != nil {
			return nil, err
		}
		next, err := w.Next(ctx, WidgetCounter)
		if err != nil {
			return nil, err
		}
		made = query.Widget(next)
		one.Num = made
		return info, w.SaveWidget(ctx, one)
	})
	return made, err
}

// UpdateWidget changes a widget.
func (s *Service) UpdateWidget(ctx context.Context, a Actor, n query.Board, widget query.Widget, change WidgetChange) error {
	_, err := s.writeBoard(ctx, a, "widget.changed", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, before, err := s.managedWidget(ctx, st, w, a, n, widget)
		if err != nil {
			return nil, err
		}
		after := *before
		if err := s.applyWidget(info.Scope, &after, change); err != nil {
			return nil, err
		}
		return info, w.SaveWidget(ctx, &after)
	})
	return err
}

// DeleteWidget drops a widget, also from the layouts of its board.
func (s *Service) DeleteWidget(ctx context.Context, a Actor, n query.Board, widget query.Widget) error {
	_, err := s.writeBoard(ctx, a, "widget.deleted", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, _, err := s.managedWidget(ctx, st, w, a, n, widget)
		if err != nil {
			return nil, err
		}
		after := *info.Board
		after.Layouts = Layouts{}
		for screen, places := range info.Layouts {
			after.Layouts[screen] = maps.Clone(places)
			delete(after.Layouts[screen], widget)
		}
		info.Board = &after
		if err := w.DeleteWidget(ctx, widget); err != nil {
			return nil, err
		}
		return info, w.SaveBoard(ctx, info.Board)
	})
	return err
}

// MayWriteWidget tells whether the actor may change a widget.
func (s *Service) MayWriteWidget(ctx context.Context, a Actor, n query.Board, widget query.Widget) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		_, _, err := s.managedWidget(ctx, st, r, a, n, widget)
		return err
	})
}

func (s *Service) managedWidget(ctx context.Context, st *Structure, r Reader, a Actor, n query.Board, widget query.Widget) (*BoardInfo, *Widget, error) {
	info, err := s.managedBoard(ctx, st, r, a, n)
	if err != nil {
		return nil, nil, err
	}
	w, err := info.Widget(widget)
	return info, w, err
}

// applyWidget runs the change and checks what it leaves: nothing that its author
// may not see.
func (s *Service) applyWidget(sc *Scope, w *Widget, change WidgetChange) error {
	in, err := change(sc, w)
	if err != nil {
		return err
	}
	var details []fault.Detail
	if w.Name, details = optionalName(w.Name); details != nil {
		return fault.Invalid(details)
	}
	d := reading{service: s, st: sc.Structure, access: sc.Access}
	if _, err := d.groupedBy(sc.Catalog, "axis", &in.Axis); err != nil {
		return err
	}
	if _, err := d.groupedBy(sc.Catalog, "split", &in.Split); err != nil {
		return err
	}
	if _, err := d.measured(sc.Catalog, in.Measure); err != nil {
		return err
	}
	if in.View != nil {
		if w.View, err = legalView(sc, *in.View); err != nil {
			return err
		}
	}
	if in.Filters == nil {
		return nil
	}
	filtered := &View{Catalog: sc.Catalog.Num}
	if err := s.applyFilters(sc, filtered, in.Filters); err != nil {
		return err
	}
	size := 0
	for _, f := range filtered.Filters {
		size += len(f.Value)
	}
	if size > maxWidgetFilters {
		return fault.New(fault.InvalidFilter, "recordsFilter.filters: the values are larger than %d bytes", maxWidgetFilters)
	}
	w.Filters = filtered.Filters
	return nil
}

// legalView finds a legal view that the actor has; 0 for "".
func legalView(sc *Scope, key string) (query.View, error) {
	if key == "" {
		return 0, nil
	}
	v := sc.Structure.rights.keys[sc.Catalog.Num][key]
	if v == nil {
		return 0, fault.Invalid([]fault.Detail{fault.At("recordsFilter.viewId", fault.NotFound, "there is no such legal view")})
	}
	return v.Num, need(sc.Access.View(v), ViewPrivilege)
}

// within is the condition of the board and the widget that an aggregation is asked
// by, as the actor may see it; nil for none. whole tells whether nothing of what
// the author decided is lost: neither a filter whose field or option is gone, nor
// a view. What is a person's own, nobody has decided for others.
func (d *reading) within(c *Catalog, ask AggregateAsk) (n query.Node, whole bool, err error) {
	n, whole = all, true
	var views []*View
	if ask.Board != nil && ask.Board.View != nil {
		views, whole = append(views, ask.Board.View), ask.Board.View.Legal
	}
	if w := ask.Widget; w != nil {
		if v := d.st.View(w.View); v != nil {
			views = append(views, v)
		} else if w.View != 0 {
			whole = false
		}
		n, err = d.stored(c, w.Filters, func(error) error {
			whole = false
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	for _, v := range views {
		one, err := d.ofView(c, v)
		if err != nil {
			return nil, false, err
		}
		n = both(n, one)
	}
	if isAll(n) {
		n = nil
	}
	return n, whole, nil
}
