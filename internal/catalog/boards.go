package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Bounds of boards.
const (
	maxBoards  = 50 // of a catalog, or of a view
	gridWidth  = 12 // columns
	gridHeight = 10_000
)

// screens are the widths of screens that a board has a layout for.
var screens = []string{"lg", "md", "sm", "xs", "xxs"}

// Board shows widgets about the records of a catalog, or of a view of it. It is
// immutable. Those of personal views are no part of the structure: they are read
// for the views' owners.
type Board struct {
	Num      query.Board // also its public id
	Catalog  query.Catalog
	View     query.View // 0 for a board of the catalog
	Name     string     // "" for none
	Priority int
	Layouts  Layouts
	Widgets  []*Widget // by priority, then number
}

// Layouts place the widgets of a board on screens of a width: "xs", "xxs".
type Layouts map[string]map[query.Widget]Place

// Place is where a widget stands in a grid of 12 columns.
type Place struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// BoardInput is what a caller sets of a board; nil leaves a part as it is.
type BoardInput struct {
	Name     *string
	Priority *int
	Layouts  *Layouts
}

// BoardFilter narrows a list of boards, by public ids; "" does not.
type BoardFilter struct{ Catalog, View string }

// BoardInfo is a board as an actor sees it.
type BoardInfo struct {
	*Scope
	*Board
	View *View // nil for a board of the catalog
}

// Widget finds a widget of the board by number: NotFound.
func (b *Board) Widget(n query.Widget) (*Widget, error) {
	for _, w := range b.Widgets {
		if w.Num == n {
			return w, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no such widget")
}

// sortWidgets puts the widgets into their order.
func (b *Board) sortWidgets() {
	slices.SortFunc(b.Widgets, func(x, y *Widget) int {
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), cmp.Compare(x.Num, y.Num))
	})
}

// addBoards indexes the boards of what is there.
func (st *Structure) addBoards(list []*Board) {
	st.boards = map[query.Board]*Board{}
	for _, b := range list {
		if st.catalogs[b.Catalog] == nil || b.View != 0 && st.View(b.View) == nil {
			continue
		}
		b.sortWidgets()
		st.boards[b.Num] = b
	}
}

// personal tells whether the board is of a personal view.
func (b *BoardInfo) personal() bool { return b.View != nil && !b.View.Legal }

// seen tells whether the actor may look at the board: at one of a catalog if he
// may view any of its records, at one of a view if he has the view.
func (b *BoardInfo) seen() bool {
	a, c := b.Access, b.Scope.Catalog
	if b.View != nil {
		return a.may(account.Reads, c) && a.seesView(c, b.View) && a.View(b.View) >= ViewPrivilege
	}
	where := a.Where(c)
	return where == nil || !isNone(where)
}

// Manages tells whether the actor may change the board and its widgets: those who
// administer the catalog, and the owner of a personal view.
func (b *BoardInfo) Manages() bool {
	if b.personal() {
		return b.Access.View(b.View) >= AccessPrivilege
	}
	return b.Access.Catalog(b.Scope.Catalog) >= AdminPrivilege
}

// Boards lists the boards that the actor may look at, by priority, then number.
func (s *Service) Boards(ctx context.Context, a Actor, filter BoardFilter) ([]*BoardInfo, error) {
	var list []*BoardInfo
	err := s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		access, err := s.access(ctx, st, r, a)
		if err != nil {
			return err
		}
		personal, views, err := personalBoards(ctx, st, r, a)
		if err != nil {
			return err
		}
		list = nil
		add := func(b *Board, v *View) {
			c := st.Catalog(b.Catalog)
			info := &BoardInfo{Scope: &Scope{Structure: st, Catalog: c, Access: access}, Board: b, View: v}
			if filter.keeps(info) && access.Catalog(c) >= AvailablePrivilege && info.seen() {
				list = append(list, info)
			}
		}
		for _, b := range st.boards {
			add(b, st.View(b.View))
		}
		for _, b := range personal {
			add(b, views[b.View])
		}
		slices.SortFunc(list, func(x, y *BoardInfo) int {
			return cmp.Or(cmp.Compare(x.Board.Priority, y.Board.Priority), cmp.Compare(x.Board.Num, y.Board.Num))
		})
		return nil
	})
	return list, err
}

func (f BoardFilter) keeps(b *BoardInfo) bool {
	return (f.Catalog == "" || f.Catalog == b.Scope.Catalog.Key) && (f.View == "" || b.View != nil && f.View == b.View.Key)
}

// personalBoards reads the boards of the actor's personal views, and the views.
func personalBoards(ctx context.Context, st *Structure, r Reader, a Actor) ([]*Board, map[query.View]*View, error) {
	if a.Employee == 0 {
		return nil, nil, nil
	}
	boards, err := r.PersonalBoards(ctx, a.Employee)
	if err != nil || len(boards) == 0 {
		return nil, nil, err
	}
	list, err := r.PersonalViews(ctx, 0, a.Employee)
	if err != nil {
		return nil, nil, fmt.Errorf("read views: %w", err)
	}
	views := make(map[query.View]*View, len(list))
	for _, v := range list {
		views[v.Num] = v
	}
	boards = slices.DeleteFunc(boards, func(b *Board) bool { return views[b.View] == nil || st.Catalog(b.Catalog) == nil })
	for _, b := range boards {
		b.sortWidgets()
	}
	return boards, views, nil
}

// Board gives one board: NotFound, also for that of somebody else's personal
// view, Forbidden.
func (s *Service) Board(ctx context.Context, a Actor, n query.Board) (info *BoardInfo, err error) {
	err = s.viewAs(ctx, a, func(st *Structure, r Reader) error {
		info, err = s.seenBoard(ctx, st, r, a, n)
		return err
	})
	return info, err
}

func (s *Service) seenBoard(ctx context.Context, st *Structure, r Reader, a Actor, n query.Board) (*BoardInfo, error) {
	b, v, err := findBoard(ctx, st, r, a, n)
	if err != nil {
		return nil, err
	}
	scope, err := s.scope(ctx, st, r, a, st.Catalog(b.Catalog))
	if err != nil {
		return nil, err
	}
	info := &BoardInfo{Scope: scope, Board: b, View: v}
	if !info.seen() {
		return nil, forbidden()
	}
	return info, nil
}

func findBoard(ctx context.Context, st *Structure, r Reader, a Actor, n query.Board) (*Board, *View, error) {
	if b := st.boards[n]; b != nil {
		return b, st.View(b.View), nil
	}
	boards, views, err := personalBoards(ctx, st, r, a)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range boards {
		if b.Num == n {
			return b, views[b.View], nil
		}
	}
	return nil, nil, fault.New(fault.NotFound, "There is no such board")
}

// managedBoard is seenBoard for somebody who is going to change it.
func (s *Service) managedBoard(ctx context.Context, st *Structure, r Reader, a Actor, n query.Board) (*BoardInfo, error) {
	info, err := s.seenBoard(ctx, st, r, a, n)
	if err == nil && !info.Manages() {
		err = forbidden()
	}
	return info, err
}

// MayWriteBoard tells whether the actor may change a board and its widgets.
func (s *Service) MayWriteBoard(ctx context.Context, a Actor, n query.Board) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		_, err := s.managedBoard(ctx, st, r, a, n)
		return err
	})
}

// MayCreateBoard tells whether the actor may make a board of a catalog, or of a
// view of it if view is not "".
func (s *Service) MayCreateBoard(ctx context.Context, a Actor, catalog, view string) error {
	return s.view(ctx, func(st *Structure, r Reader) error {
		_, err := s.newBoard(ctx, st, r, a, catalog, view)
		return err
	})
}

// newBoard is an empty board without a number, for somebody who may make it.
func (s *Service) newBoard(ctx context.Context, st *Structure, r Reader, a Actor, catalog, view string) (*BoardInfo, error) {
	scope, err := s.scope(ctx, st, r, a, st.CatalogByKey(catalog))
	if err != nil {
		return nil, err
	}
	info := &BoardInfo{Scope: scope, Board: &Board{Catalog: scope.Catalog.Num}}
	if view != "" {
		if info.View, err = findView(ctx, r, st, scope.Catalog, view); err != nil {
			return nil, err
		}
		info.Board.View = info.View.Num
	}
	if !info.Manages() {
		return nil, forbidden()
	}
	return info, nil
}

// CreateBoard makes a board of a catalog, or of a view of it.
func (s *Service) CreateBoard(ctx context.Context, a Actor, catalog, view string, in BoardInput) (*BoardInfo, error) {
	return s.writeBoard(ctx, a, "board.created", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, err := s.newBoard(ctx, st, w, a, catalog, view)
		if err != nil {
			return nil, err
		}
		others, err := boardsBeside(ctx, st, w, a, info.Board)
		if err != nil {
			return nil, err
		}
		if others >= maxBoards {
			return nil, fault.New(fault.InvalidParameter, "boards: at most %d of a catalog or a view", maxBoards)
		}
		if err := in.apply(info.Board); err != nil {
			return nil, err
		}
		if info.Num, err = nextBoard(ctx, w); err != nil {
			return nil, err
		}
		return info, w.SaveBoard(ctx, info.Board)
	})
}

// boardsBeside counts the boards of the same catalog or view.
func boardsBeside(ctx context.Context, st *Structure, r Reader, a Actor, like *Board) (n int, err error) {
	personal, _, err := personalBoards(ctx, st, r, a)
	for _, b := range personal {
		if b.View == like.View {
			n++
		}
	}
	for _, b := range st.boards {
		if b.Catalog == like.Catalog && b.View == like.View {
			n++
		}
	}
	return n, err
}

func nextBoard(ctx context.Context, w Writer) (query.Board, error) {
	n, err := w.Next(ctx, BoardCounter)
	return query.Board(n), err
}

// defaultBoard makes the board that each catalog and each view begins with.
func defaultBoard(ctx context.Context, w Writer, c query.Catalog, v query.View) error {
	n, err := nextBoard(ctx, w)
	if err != nil {
		return err
	}
	return w.SaveBoard(ctx, &Board{Num: n, Catalog: c, View: v, Layouts: Layouts{}})
}

// UpdateBoard changes a board.
func (s *Service) UpdateBoard(ctx context.Context, a Actor, n query.Board, in BoardInput) (*BoardInfo, error) {
	return s.writeBoard(ctx, a, "board.changed", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, err := s.managedBoard(ctx, st, w, a, n)
		if err != nil {
			return nil, err
		}
		after := *info.Board
		info.Board = &after
		if err := in.apply(info.Board); err != nil {
			return nil, err
		}
		return info, w.SaveBoard(ctx, info.Board)
	})
}

// DeleteBoard drops a board and its widgets.
func (s *Service) DeleteBoard(ctx context.Context, a Actor, n query.Board) error {
	_, err := s.writeBoard(ctx, a, "board.deleted", func(st *Structure, w Writer) (*BoardInfo, error) {
		info, err := s.managedBoard(ctx, st, w, a, n)
		if err != nil {
			return nil, err
		}
		return info, w.DeleteBoard(ctx, n)
	})
	return err
}

// writeBoard runs change, which may run twice, as one transaction. All nodes learn
// of what belongs to the structure.
func (s *Service) writeBoard(ctx context.Context, a Actor, event string, change func(*Structure, Writer) (*BoardInfo, error)) (*BoardInfo, error) {
	var info *BoardInfo
	err := s.update(ctx, Reshape, nil, func(st *Structure, w Writer) (err error) {
		if info, err = change(st, w); err != nil || info.personal() {
			return err
		}
		if err := s.mirror(ctx, w); err != nil {
			return err
		}
		_, err = w.BumpStructure(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.audit(ctx, a, "Api", event, "catalog", int64(info.Scope.Catalog.Num), "board", int64(info.Num))
	return info, nil
}

// apply sets the given parts of a board.
func (in BoardInput) apply(b *Board) error {
	var details []fault.Detail
	if in.Name != nil {
		b.Name, details = optionalName(*in.Name)
	}
	if in.Priority != nil {
		b.Priority = *in.Priority
	}
	if in.Layouts != nil {
		b.Layouts = *in.Layouts
		details = append(details, b.checkLayouts()...)
	}
	if b.Layouts == nil {
		b.Layouts = Layouts{}
	}
	return fault.Invalid(details)
}

// optionalName is checkName for what needs no name.
func optionalName(name string) (string, []fault.Detail) {
	if name = strings.TrimSpace(name); name == "" {
		return "", nil
	}
	return name, checkName("name", name)
}

// checkLayouts makes sure that only widgets of the board are placed, and inside
// the grid.
func (b *Board) checkLayouts() (details []fault.Detail) {
	for screen, places := range b.Layouts {
		if !slices.Contains(screens, screen) {
			details = append(details, fault.At("layouts", fault.Type, "the screens are %s", strings.Join(screens, ", ")))
			continue
		}
		for n, p := range places {
			at := fmt.Sprintf("layouts.%s.%d", screen, n)
			if _, err := b.Widget(n); err != nil {
				details = append(details, fault.At(at, fault.NotFound, "there is no such widget on the board"))
			} else if !p.fits() {
				details = append(details, fault.At(at, fault.Max, "a widget is inside a grid of %d columns and %d rows", gridWidth, gridHeight))
			}
		}
	}
	slices.SortFunc(details, func(x, y fault.Detail) int { return strings.Compare(x.Path, y.Path) })
	return details
}

func (p Place) fits() bool {
	return p.X >= 0 && p.Y >= 0 && p.W >= 1 && p.H >= 1 && p.X+p.W <= gridWidth && p.Y+p.H <= gridHeight
}
