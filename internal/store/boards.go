package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	// sharedBoards are those of the structure: of catalogs and of legal views.
	sharedBoards   = `view = 0 OR view IN (SELECT num FROM views WHERE legal IS TRUE)`
	personalBoards = `view IN (SELECT num FROM views WHERE legal IS FALSE AND owner = ?)`

	insertBoard = `INSERT INTO boards (num, catalog, view, name, priority, layouts) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET catalog = excluded.catalog, view = excluded.view, name = excluded.name,
			priority = excluded.priority, layouts = excluded.layouts`
	insertWidget = `INSERT INTO widgets (num, board, priority, settings) VALUES (?, ?, ?, ?)
		ON CONFLICT (num) DO UPDATE SET board = excluded.board, priority = excluded.priority,
			settings = excluded.settings`
)

// boardList collects the boards that match, with their widgets, by number.
type boardList struct {
	where string
	args  []any
	list  []*catalog.Board
	known map[query.Board]*catalog.Board
}

// statements read the boards, then the widgets.
func (l *boardList) statements() []statement {
	boards := statement{SQL: `SELECT num, catalog, view, name, priority, layouts FROM boards WHERE ` + l.where + ` ORDER BY num`,
		Args: l.args, Each: l.board}
	widgets := statement{SQL: `SELECT num, board, priority, settings FROM widgets
		WHERE board IN (SELECT num FROM boards WHERE ` + l.where + `) ORDER BY num`, Args: l.args, Each: l.widget}
	return []statement{boards, widgets}
}

func (l *boardList) board(r row) error {
	b := &catalog.Board{Num: query.Board(r.Int(0)), Catalog: query.Catalog(r.Int(1)), View: query.View(r.Int(2)),
		Name: r.Str(3), Priority: int(r.Int(4))}
	if err := json.Unmarshal(r.Bytes(5), &b.Layouts); err != nil {
		return fmt.Errorf("read the layouts of board %d: %w", b.Num, err)
	}
	if l.known == nil {
		l.known = map[query.Board]*catalog.Board{}
	}
	l.known[b.Num] = b
	l.list = append(l.list, b)
	return nil
}

func (l *boardList) widget(r row) error {
	w := &catalog.Widget{Num: query.Widget(r.Int(0)), Board: query.Board(r.Int(1)), Priority: int(r.Int(2))}
	if err := json.Unmarshal(r.Bytes(3), &w.WidgetSettings); err != nil {
		return fmt.Errorf("read widget %d: %w", w.Num, err)
	}
	if b := l.known[w.Board]; b != nil {
		b.Widgets = append(b.Widgets, w)
	}
	return nil
}

// PersonalBoards implements catalog.Reader.
func (t *tx) PersonalBoards(ctx context.Context, owner query.Record) ([]*catalog.Board, error) {
	boards := boardList{where: personalBoards, args: []any{int64(owner)}}
	if err := t.conn.ExecBatch(ctx, boards.statements()); err != nil {
		return nil, fmt.Errorf("list boards of personal views: %w", err)
	}
	return boards.list, nil
}

// SaveBoard implements catalog.Writer.
func (t *tx) SaveBoard(ctx context.Context, b *catalog.Board) error {
	layouts, err := written(b.Layouts)
	if err == nil {
		_, err = t.conn.Exec(ctx, insertBoard, int64(b.Num), int64(b.Catalog), int64(b.View), b.Name, b.Priority, layouts)
	}
	if err != nil {
		return fmt.Errorf("save board %d: %w", b.Num, err)
	}
	return nil
}

// DeleteBoard implements catalog.Writer.
func (t *tx) DeleteBoard(ctx context.Context, n query.Board) error {
	err := execAll(ctx, t.conn, []statement{
		{SQL: `DELETE FROM widgets WHERE board = ?`, Args: []any{int64(n)}},
		{SQL: `DELETE FROM boards WHERE num = ?`, Args: []any{int64(n)}},
	})
	if err != nil {
		return fmt.Errorf("delete board %d: %w", n, err)
	}
	return nil
}

// SaveWidget implements catalog.Writer.
func (t *tx) SaveWidget(ctx context.Context, w *catalog.Widget) error {
	settings, err := written(w.WidgetSettings)
	if err == nil {
		_, err = t.conn.Exec(ctx, insertWidget, int64(w.Num), int64(w.Board), w.Priority, settings)
	}
	if err != nil {
		return fmt.Errorf("save widget %d: %w", w.Num, err)
	}
	return nil
}

// DeleteWidget implements catalog.Writer.
func (t *tx) DeleteWidget(ctx context.Context, n query.Widget) error {
	if _, err := t.conn.Exec(ctx, `DELETE FROM widgets WHERE num = ?`, int64(n)); err != nil {
		return fmt.Errorf("delete widget %d: %w", n, err)
	}
	return nil
}
