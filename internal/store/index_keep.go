package store

import (
	"context"
	"fmt"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

const (
	// indexLock is the lock of the node that makes or drops indexes.
	indexLock = -3
	// quietFor is how long nobody has written when writes are quiet.
	quietFor = 500 * time.Millisecond
)

// KeepIndexes implements catalog.Store.
func (s *Company) KeepIndexes(ctx context.Context, wait bool, fn func(catalog.IndexKeeper) error) error {
	return s.engine.Tend(ctx, indexLock, wait, func(alone outside) error {
		return fn(&indexKeeper{company: s, alone: alone})
	})
}

// indexKeeper makes and drops indexes while it holds the lock.
type indexKeeper struct {
	company *Company
	alone   outside
}

// Indexes implements catalog.IndexKeeper.
func (k *indexKeeper) Indexes(ctx context.Context) (list []catalog.Index, err error) {
	err = k.company.engine.View(ctx, nil, func(c conn) error {
		list, err = (&tx{conn: c, company: k.company}).Indexes(ctx)
		return err
	})
	return list, err
}

// Build implements catalog.IndexKeeper. On PostgreSQL the index is there before
// it is noted: should the program end between, Sweep drops it.
func (k *indexKeeper) Build(ctx context.Context, st *catalog.Structure, i catalog.Index) error {
	c := st.Catalog(i.Catalog)
	if c == nil {
		return fmt.Errorf("there is no catalog %d", i.Catalog)
	}
	i.Name = indexName(c.Num, i.Fields)
	columns, err := indexColumns(c.Field, i.Fields)
	if err != nil {
		return err
	}
	sql := indexStatement(k.alone.how(), i.Name, c.Num, columns)
	if err := k.buildAlone(ctx, i, sql); err != nil {
		return err
	}
	plan := catalog.Plan{Version: st.Version, Class: catalog.Job, Catalogs: []query.Catalog{i.Catalog}}
	if k.alone == nil {
		plan.Class = catalog.Reshape
		if err := k.company.quiet(ctx, i.Patience); err != nil {
			return err
		}
	}
	err = k.company.Update(ctx, plan, func(w catalog.Writer) error {
		return w.(*tx).noteIndex(ctx, i, sql, k.alone == nil)
	})
	if err != nil {
		return err
	}
	_, err = k.Indexes(ctx)
	return err
}

// noteIndex notes an index, which it makes before unless that is done.
func (t *tx) noteIndex(ctx context.Context, i catalog.Index, sql string, create bool) error {
	if create {
		if err := t.conn.Script(ctx, sortingInFiles(sql)); err != nil {
			return err
		}
	}
	found, err := t.hasIndex(ctx, i.Name)
	if err != nil {
		return err
	}
	if !found { // its column has been dropped since
		return ErrStale
	}
	return t.saveIndex(ctx, i)
}

// sortingInFiles lets SQLite sort the keys in pieces of sortCache and merge these
// from a file: 1,000,000 in 2.6 s of processor time instead of 3.1.
func sortingInFiles(sql string) string {
	return fmt.Sprintf(`PRAGMA temp_store=%s; PRAGMA cache_size=-%d; %s; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY`,
		sortsIn(), sortCache, sql, companyCache.writer)
}

// buildAlone makes an index outside of transactions. What an earlier build left
// of it goes first; what this one leaves goes at once or with the next Sweep.
func (k *indexKeeper) buildAlone(ctx context.Context, i catalog.Index, sql string) error {
	if k.alone == nil {
		return nil
	}
	found := false
	err := k.company.engine.View(ctx, nil, func(c conn) (err error) {
		found, err = (&tx{conn: c, company: k.company}).hasIndex(ctx, i.Name)
		return err
	})
	if err != nil || found {
		return err
	}
	if err := k.alone(ctx, `DROP INDEX CONCURRENTLY IF EXISTS `+i.Name); err != nil {
		return err
	}
	return k.alone(ctx, sql)
}

func (o outside) how() string {
	if o == nil {
		return ""
	}
	return "CONCURRENTLY "
}

// Drop implements catalog.IndexKeeper.
func (k *indexKeeper) Drop(ctx context.Context, i catalog.Index) error {
	err := k.company.engine.Update(ctx, updateOptions{Class: classStructure}, func(c conn) error {
		if _, err := c.Exec(ctx, `DELETE FROM indexes WHERE name = ?`, i.Name); err != nil || k.alone != nil {
			return err
		}
		return c.Script(ctx, `DROP INDEX IF EXISTS `+i.Name)
	})
	if err == nil && k.alone != nil {
		err = k.alone(ctx, `DROP INDEX CONCURRENTLY IF EXISTS `+i.Name)
	}
	if err == nil {
		_, err = k.Indexes(ctx)
	}
	if err != nil {
		return fmt.Errorf("drop index %s: %w", i.Name, err)
	}
	return nil
}

// Sweep implements catalog.IndexKeeper: what is not noted was never finished.
func (k *indexKeeper) Sweep(ctx context.Context) error {
	noted := map[string]bool{}
	all, err := k.Indexes(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		noted[i.Name] = true
	}
	var left []string
	err = k.company.engine.View(ctx, nil, func(c conn) error {
		left = nil
		return c.Query(ctx, k.company.tables.IndexNames(), nil, func(r row) error {
			if name := r.Str(0); !noted[name] {
				left = append(left, name)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("list what builds have left: %w", err)
	}
	for _, name := range left {
		if err := k.Drop(ctx, catalog.Index{Name: name}); err != nil {
			return err
		}
	}
	return nil
}

// quiet waits for a pause between writes, at most patience.
func (s *Company) quiet(ctx context.Context, patience time.Duration) error {
	end := time.Now().Add(patience)
	for {
		now := time.Now()
		since := now.Sub(time.Unix(0, s.written.Load()))
		if since >= quietFor || !now.Before(end) {
			return nil
		}
		select {
		case <-time.After(min(quietFor-since, end.Sub(now))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
