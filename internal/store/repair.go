package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// hurt says what of a record can be made again of its values.
type hurt uint8

const (
	hurtTitle hurt = 1 << iota
	hurtKeys
	hurtSearch
)

// Repaired is one kind of thing that Repair made again, or removed.
type Repaired struct {
	What string // for an operator
	N    int
}

func (r Repaired) String() string {
	done := "repaired"
	if r.What == removedBoards || r.What == removedWidgets {
		done = "removed"
	}
	return fmt.Sprintf("%s: %d %s", r.What, r.N, done)
}

// What Repair can make again or remove, in the order in which it does.
const (
	removedBoards    = "boards of no catalog or of no view"
	removedWidgets   = "widgets on no board"
	repairedDatabase = "database indexes"
	repairedIndexes  = "added indexes"
	repairedLinks    = "lists of links and options"
	repairedTitles   = "titles"
	repairedKeys     = "sort keys of records"
	repairedSearch   = "search rows of records"
	repairedUnread   = "counters of new messages"
)

var repairedOrder = []string{removedBoards, removedWidgets, repairedDatabase, repairedIndexes, repairedLinks, repairedTitles, repairedKeys, repairedSearch, repairedUnread}

const (
	// repairChunk is how many records are repaired in one transaction.
	repairChunk = 200
	// repairAttempts is how often a repair starts again after changes of the
	// structure.
	repairAttempts = 5
)

// Repair makes again what is stored twice and differs from the values it was
// made of, and removes boards and widgets that are of nothing. It finds the
// damage as Check does, while the company is in use, and writes only what
// differs, some records at a time. What follows from nothing stays as it is:
// Check reports it. Of a list and its entries the list in the record counts;
// where that is gone, the entries. It gives what was repaired also with an error.
func (s *Company) Repair(ctx context.Context) ([]Repaired, error) {
	r := &repair{company: s, count: map[string]int{}}
	err := catalog.ErrStale
	for n := 0; errors.Is(err, catalog.ErrStale) && n < repairAttempts; n++ {
		err = staleAsCatalog(r.run(ctx))
	}
	var done []Repaired
	for _, what := range repairedOrder {
		if n := r.count[what]; n > 0 {
			done = append(done, Repaired{what, n})
		}
	}
	return done, err
}

// repair is one attempt after the other.
type repair struct {
	company *Company
	version Version
	count   map[string]int
}

func (r *repair) run(ctx context.Context) error {
	d, err := r.company.Structure(ctx)
	if err != nil {
		return err
	}
	r.version = d.Version
	if err := r.boards(ctx); err != nil {
		return fmt.Errorf("repair boards: %w", err)
	}
	fields := map[query.Catalog][]*catalog.Field{}
	for _, f := range d.Fields {
		fields[f.Catalog] = append(fields[f.Catalog], f)
	}
	catalogs := make(map[query.Catalog]*catalog.Catalog, len(d.Catalogs))
	for _, c := range d.Catalogs {
		whole := false
		err := r.view(ctx, func(k *checker) (err error) {
			whole, err = k.whole(ctx, c, fields[c.Num])
			return err
		})
		if err != nil {
			return err
		}
		if whole {
			catalogs[c.Num] = c
		}
	}
	if err := r.database(ctx, catalogs); err != nil {
		return err
	}
	if err := r.indexes(ctx, catalogs, fields); err != nil {
		return err
	}
	if err := r.unread(ctx, slices.Sorted(maps.Keys(catalogs))); err != nil {
		return err
	}
	for _, num := range slices.Sorted(maps.Keys(catalogs)) {
		if err := r.catalog(ctx, catalogs[num], fields[num]); err != nil {
			return fmt.Errorf("repair catalog %d: %w", num, err)
		}
	}
	return nil
}

func (r *repair) catalog(ctx context.Context, c *catalog.Catalog, fields []*catalog.Field) error {
	for _, f := range fields {
		if !f.Storage().HasRefs() {
			continue
		}
		if err := r.lists(ctx, c, f); err != nil {
			return fmt.Errorf("field %d: %w", f.Num, err)
		}
		if err := r.strayEntries(ctx, c, f); err != nil {
			return fmt.Errorf("field %d: %w", f.Num, err)
		}
	}
	if err := r.strayTitles(ctx, c); err != nil {
		return err
	}
	return r.records(ctx, c, fields)
}

// view looks for damage in the structure that the repair knows.
func (r *repair) view(ctx context.Context, fn func(k *checker) error) error {
	return r.company.engine.View(ctx, &r.version, func(c conn) error {
		if err := c.Script(ctx, r.company.tables.Patience()); err != nil {
			return err
		}
		return fn(&checker{conn: c, company: r.company, hurt: map[query.Record]hurt{}})
	})
}

// update repairs records of a catalog.
func (r *repair) update(ctx context.Context, c *catalog.Catalog, fn func(t *tx) error) error {
	plan := catalog.Plan{Version: r.version, Class: catalog.Job, Catalogs: []query.Catalog{c.Num}}
	return r.change(ctx, plan, fn)
}

func (r *repair) change(ctx context.Context, plan catalog.Plan, fn func(t *tx) error) error {
	return r.company.engine.Update(ctx, r.company.optionsOf(plan), func(c conn) error {
		if err := c.Script(ctx, r.company.tables.Patience()); err != nil {
			return err
		}
		return fn(&tx{conn: c, company: r.company})
	})
}

// database rebuilds the indexes of the database itself, if it finds any broken.
func (r *repair) database(ctx context.Context, catalogs map[query.Catalog]*catalog.Catalog) error {
	broken, err := r.company.engine.Integrity(ctx, false)
	if err != nil || len(broken) == 0 {
		return err
	}
	sql := r.company.tables.Reindex(slices.Sorted(maps.Keys(catalogs)))
	if sql == "" {
		return nil
	}
	err = r.change(ctx, catalog.Plan{Version: r.version, Class: catalog.Reshape}, func(t *tx) error {
		return t.conn.Script(ctx, sql)
	})
	if err != nil {
		return fmt.Errorf("rebuild the indexes of the database: %w", err)
	}
	r.count[repairedDatabase] += len(broken)
	return nil
}
