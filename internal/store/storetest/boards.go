package storetest

import (
	"errors"
	"reflect"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

var boards = []promise{
	{name: "boards and widgets are read as they were saved", test: testBoards},
	{name: "boards of a personal view are its owner's", test: testPersonalBoards},
	{name: "a board goes with its widgets, a view with its boards", test: testDeletedBoards},
}

func board(n query.Board, v query.View, widgets ...*catalog.Widget) *catalog.Board {
	return &catalog.Board{Num: n, Catalog: goods, View: v, Layouts: catalog.Layouts{}, Widgets: widgets}
}

func widget(n query.Widget, b query.Board) *catalog.Widget {
	return &catalog.Widget{Num: n, Board: b, WidgetSettings: catalog.WidgetSettings{Chart: "pie", Axis: catalog.Dimension{Type: "all"}}}
}

func (f *fixture) saveBoards(list ...*catalog.Board) {
	f.Helper()
	f.changeRights(func(w catalog.Writer) (err error) {
		for _, b := range list {
			err = errors.Join(err, w.SaveBoard(f.Context(), b))
			for _, one := range b.Widgets {
				err = errors.Join(err, w.SaveWidget(f.Context(), one))
			}
		}
		return err
	})
}

func (f *fixture) wantBoards(want ...*catalog.Board) {
	f.Helper()
	if d := f.definition(); len(d.Boards) != len(want) || len(want) > 0 && !reflect.DeepEqual(d.Boards, want) {
		f.Errorf("the structure has the boards %+v, not %+v", d.Boards, want)
	}
}

func (f *fixture) personalBoards(owner query.Record) (list []*catalog.Board) {
	f.Helper()
	f.read(func(r catalog.Reader) (err error) {
		list, err = r.PersonalBoards(f.Context(), owner)
		return err
	})
	return list
}

func testBoards(f *fixture) {
	f.saveView(secretView())
	yes, five := true, 5
	full := widget(33, 21)
	full.Priority = -1
	full.WidgetSettings = catalog.WidgetSettings{
		Name: "By <owner>", Chart: "lines", Value: catalog.Dimension{Type: "field", Field: 7, Sub: "uniqueCount"}, ValueFn: "count",
		Axis: catalog.Dimension{Type: "createdTime", Sub: "month"}, Split: &catalog.Dimension{Type: "field", Field: 8}, Sort: "value", SortType: "desc",
		Stacked: &yes, Multicolor: true, Limit: &five, Offset: &five, SplitLimit: &five, All: true, View: secret,
		Filters: []catalog.ViewFilter{{Field: 7, Value: []byte(`"a<b"`)}},
	}
	one := board(21, 0, widget(31, 21), full)
	one.Name, one.Priority = "Sums", 7
	one.Layouts = catalog.Layouts{"xs": {31: {X: 1, Y: 2, W: 3, H: 4}}}
	two := board(22, secret)
	f.saveBoards(two, one)
	f.wantBoards(one, two)
	f.reopen()
	f.wantBoards(one, two)
	one.Name, one.Layouts = "", catalog.Layouts{}
	full.WidgetSettings = widget(33, 21).WidgetSettings
	f.saveBoards(one)
	f.wantBoards(one, two)
}

func testPersonalBoards(f *fixture) {
	f.saveView(&catalog.View{Num: 63, Key: "63", Catalog: goods, Owner: 8})
	f.saveView(&catalog.View{Num: 64, Key: "64", Catalog: goods, Owner: 9})
	his, other := board(21, 63, widget(31, 21)), board(22, 64, widget(32, 22))
	f.saveBoards(his, other)
	f.wantBoards()
	if got := f.personalBoards(8); !reflect.DeepEqual(got, []*catalog.Board{his}) {
		f.Errorf("he has %+v", got)
	}
	if got := f.personalBoards(7); len(got) != 0 {
		f.Errorf("another has %+v", got)
	}
}

func testDeletedBoards(f *fixture) {
	f.saveView(secretView())
	f.saveView(&catalog.View{Num: 63, Key: "63", Catalog: goods, Owner: 8})
	kept := board(23, 0, widget(33, 23), widget(34, 23))
	f.saveBoards(board(21, secret, widget(31, 21)), board(22, 63, widget(32, 22)), kept, board(24, 0, widget(35, 24)))
	f.changeRights(func(w catalog.Writer) error {
		return errors.Join(w.DeleteView(f.Context(), secret), w.DeleteView(f.Context(), 63), w.DeleteBoard(f.Context(), 24), w.DeleteWidget(f.Context(), 34))
	})
	kept.Widgets = kept.Widgets[:1]
	f.wantBoards(kept)
	// What comes after under the same numbers begins without widgets.
	f.saveView(secretView())
	f.saveView(&catalog.View{Num: 63, Key: "63", Catalog: goods, Owner: 8})
	f.saveBoards(board(21, secret), board(22, 63), board(24, 0))
	f.wantBoards(board(21, secret), kept, board(24, 0))
	if got := f.personalBoards(8); !reflect.DeepEqual(got, []*catalog.Board{board(22, 63)}) {
		f.Errorf("he has %+v", got)
	}
}
