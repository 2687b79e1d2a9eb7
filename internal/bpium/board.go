package bpium

import (
	"maps"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// BoardID reads the id of a board; 0 for what cannot be one.
func BoardID(id string) query.Board { return query.Board(numberID(id)) }

// EncodedID is the id of a board or a widget as callers see it.
func EncodedID[T query.Board | query.Widget](n T) string { return strconv.FormatInt(int64(n), 10) }

// DecodeBoards reads the parameters of the list of boards.
func DecodeBoards(p Params) (filter catalog.BoardFilter, err error) {
	if filter.Catalog, err = p.Text("catalogId"); err != nil {
		return filter, err
	}
	filter.Catalog = CatalogKey(filter.Catalog)
	filter.View, err = decodeView(p)
	return filter, err
}

// NewBoard is of which catalog and view, by public ids, a new board is to be; ""
// for none.
type NewBoard struct{ Catalog, View string }

// DecodeNewBoard reads the body of a new board. It fails with fault.InvalidJSON
// or ValidationFailed; what could be read is given all the same.
func DecodeNewBoard(v tree.Value) (of NewBoard, in catalog.BoardInput, err error) {
	b, err := newBody(v)
	if err != nil {
		return of, in, err
	}
	if id := b.id("catalogId"); id != nil {
		of.Catalog = CatalogKey(*id)
	} else {
		b.refuse("catalogId", fault.Required, "a board needs a catalog")
	}
	if id := b.id("viewId"); id != nil && *id != "0" {
		of.View = *id
	}
	in = b.board()
	return of, in, b.err()
}

// DecodeBoard reads the body of a changed board. It fails like DecodeNewBoard.
func DecodeBoard(v tree.Value) (catalog.BoardInput, error) {
	b, err := newBody(v)
	if err != nil {
		return catalog.BoardInput{}, err
	}
	return b.board(), b.err()
}

func (b body) board() catalog.BoardInput {
	return catalog.BoardInput{Name: b.textOrNull("name"), Priority: b.whole("priority"), Layouts: b.layouts("layouts")}
}

// layouts reads {screen: {widget: {x, y, w, h}}}; null is {}.
func (b body) layouts(name string) *catalog.Layouts {
	v, ok := b.v.Get(name)
	if !ok {
		return nil
	}
	layouts := catalog.Layouts{}
	if v.IsNull() {
		return &layouts
	}
	all := b.in(v, name)
	if !all.object() {
		return nil
	}
	for _, screen := range v.Fields() {
		one := all.in(screen.Value, screen.Key)
		if !one.object() {
			continue
		}
		places := map[query.Widget]catalog.Place{}
		for _, m := range screen.Value.Fields() {
			at := one.in(m.Value, m.Key)
			if at.object() {
				places[query.Widget(numberID(m.Key))] = catalog.Place{X: at.cell("x"), Y: at.cell("y"), W: at.cell("w"), H: at.cell("h")}
			}
		}
		layouts[screen.Key] = places
	}
	return &layouts
}

// cell reads a whole number that must be there.
func (b body) cell(name string) int {
	n := b.whole(name)
	if n == nil {
		b.refuse(name, fault.Required, "a widget is placed by x, y, w and h")
		return 0
	}
	return *n
}

// EncodeBoards adds a list of boards as JSON.
func EncodeBoards(dst []byte, boards []*catalog.BoardInfo) []byte {
	w := writer{b: dst}
	w.open('[')
	for _, b := range boards {
		w.board(b)
	}
	w.end(']')
	return w.b
}

// EncodeBoard adds one board as JSON.
func EncodeBoard(dst []byte, b *catalog.BoardInfo) []byte {
	w := writer{b: dst}
	w.board(b)
	return w.b
}

func (w *writer) board(b *catalog.BoardInfo) {
	w.open('{')
	w.str("id", EncodedID(b.Num))
	w.strOrNull("name", b.Board.Name)
	w.str("catalogId", b.Scope.Catalog.Key)
	if b.View == nil {
		w.json("viewId", "null")
	} else {
		w.str("viewId", b.View.Key)
	}
	w.number("priority", int64(b.Board.Priority))
	w.layouts(b.Layouts)
	w.end('}')
}

func (w *writer) layouts(l catalog.Layouts) {
	w.key("layouts")
	w.open('{')
	for _, screen := range slices.Sorted(maps.Keys(l)) {
		w.key(screen)
		w.open('{')
		for _, n := range slices.Sorted(maps.Keys(l[screen])) {
			p := l[screen][n]
			w.key(EncodedID(n))
			w.open('{')
			w.number("x", int64(p.X))
			w.number("y", int64(p.Y))
			w.number("w", int64(p.W))
			w.number("h", int64(p.H))
			w.end('}')
		}
		w.end('}')
	}
	w.end('}')
}
