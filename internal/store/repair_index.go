package store

import (
	"context"
	"fmt"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// indexes makes the missing ones, if their fields still have columns. Nobody
// else makes or drops any meanwhile.
func (r *repair) indexes(ctx context.Context, catalogs map[query.Catalog]*catalog.Catalog, fields map[query.Catalog][]*catalog.Field) error {
	return r.company.engine.Tend(ctx, indexLock, true, func(alone outside) error {
		var missing []catalog.Index
		err := r.view(ctx, func(k *checker) (err error) {
			missing, err = k.missingIndexes(ctx)
			return err
		})
		if err != nil {
			return err
		}
		for _, i := range missing {
			c := catalogs[i.Catalog]
			if c == nil {
				continue
			}
			if err := r.index(ctx, alone, c, fields[i.Catalog], i); err != nil {
				return fmt.Errorf("make the index %s: %w", i.Name, err)
			}
		}
		return nil
	})
}

func (r *repair) index(ctx context.Context, alone outside, c *catalog.Catalog, fields []*catalog.Field, i catalog.Index) error {
	find := func(n query.Field) *catalog.Field {
		for _, f := range fields {
			if f.Num == n {
				return f
			}
		}
		return nil
	}
	columns, err := indexColumns(find, i.Fields)
	if err != nil {
		return nil // the check goes on to report it
	}
	sql := indexStatement(alone.how(), i.Name, c.Num, columns)
	if alone != nil {
		err = (&indexKeeper{company: r.company, alone: alone}).buildAlone(ctx, i, sql)
	} else {
		plan := catalog.Plan{Version: r.version, Class: catalog.Reshape, Catalogs: []query.Catalog{c.Num}}
		err = r.change(ctx, plan, func(t *tx) error { return t.conn.Script(ctx, sql) })
	}
	if err == nil {
		r.count[repairedIndexes]++
	}
	return err
}
