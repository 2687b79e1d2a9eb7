package store

import (
	"context"

	"kartoteka/internal/catalog"
)

const (
	// strayBoards are of a catalog or a view that is not there, so that nobody can
	// open them; a removed catalog is there until it is purged.
	strayBoards = ` FROM boards WHERE catalog NOT IN (SELECT num FROM catalogs) OR view <> 0 AND view NOT IN (SELECT num FROM views)`
	// strayWidgets are on no board.
	strayWidgets = ` FROM widgets WHERE board NOT IN (SELECT num FROM boards)`
)

// boards removes boards and widgets that are of nothing, as would have been done
// with what they were of. What is stray is asked again in the statement that
// removes it, as a view comes together with its board.
func (r *repair) boards(ctx context.Context) error {
	stray := int64(0)
	err := r.view(ctx, func(k *checker) error {
		stray = 0
		count := func(row row) error {
			stray += row.Int(0)
			return nil
		}
		return k.conn.ExecBatch(ctx, []statement{{SQL: `SELECT count(*)` + strayBoards, Each: count}, {SQL: `SELECT count(*)` + strayWidgets, Each: count}})
	})
	if err != nil || stray == 0 {
		return err
	}
	var boards, widgets, structure int64
	err = r.change(ctx, catalog.Plan{Version: r.version, Class: catalog.Reshape}, func(t *tx) (err error) {
		if boards, err = t.conn.Exec(ctx, `DELETE`+strayBoards); err != nil {
			return err
		}
		if widgets, err = t.conn.Exec(ctx, `DELETE`+strayWidgets); err != nil {
			return err
		}
		structure, err = t.BumpStructure(ctx) // boards are a part of it
		return err
	})
	if err != nil {
		return err
	}
	r.version.Structure = structure
	r.count[removedBoards] += int(boards)
	r.count[removedWidgets] += int(widgets)
	return nil
}
