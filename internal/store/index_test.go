package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// indexShapes are over every field of orders that can be in an index, and over
// some pairs.
var indexShapes = [][]query.Field{
	{fName}, {fAmount}, {fStars}, {fDue}, {fPaid}, {fStatus}, {fPhones}, {fFiles}, {fChoice}, {fNote},
	{catalog.CreatedTime}, {catalog.UpdatedTime}, {fStatus, fChoice}, {fStatus, fPaid, fAmount},
}

func addAllIndexes(t *testing.T, s *Company, st *catalog.Structure) {
	t.Helper()
	for _, fields := range indexShapes {
		addTestIndex(t, s, st, orders, fields...)
	}
}

// TestModelIndexed compares with the model again, now that the database has
// indexes to choose from, and walks every page of options out of order.
func TestModelIndexed(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		g := &generator{Rand: rand.New(rand.NewPCG(11, 7)), st: st}
		m := g.fill(t, s)
		addAllIndexes(t, s, st)
		read(t, s, st, func(r catalog.Reader) error {
			for i := range 300 {
				checkSelected(t, m, r, g.selected(), fmt.Sprint("selection ", i))
			}
			for _, where := range []query.Node{
				nil, query.And{}, cond(fStatus, query.AnyOf{2}), query.And{cond(fStatus, query.Empty{})},
				cond(fChoice, query.AnyOf{1}), cond(fStatus, query.AnyOf{1, 2}),
			} {
				for offset := range orderCount {
					selected := &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Where: where,
						Sort: byField(fChoice, offset%2 == 1), Limit: 1 + offset%9, Offset: offset}
					checkSelected(t, m, r, selected, fmt.Sprint("walk from ", offset))
				}
			}
			return nil
		})
	})
}

// TestWalks says when options out of order are read one by one.
func TestWalks(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		walks := func(where query.Node) (yes bool) {
			selected := &catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Where: where, Sort: byField(fChoice, false), Limit: 5}
			o, err := newSorting(s.engine.Dialect(), source{selected.Catalog, recordAlias}, selected)
			if err != nil {
				t.Fatal(err)
			}
			read(t, s, st, func(r catalog.Reader) error {
				yes = r.(*tx).walkable(selected, &o)
				return nil
			})
			return yes
		}
		if walks(nil) {
			t.Error("options are walked without an index")
		}
		addTestIndex(t, s, st, orders, fChoice)
		addTestIndex(t, s, st, orders, fStatus, fChoice)
		for name, c := range map[string]struct {
			where query.Node
			want  bool
		}{
			"everything":           {nil, true},
			"one status":           {cond(fStatus, query.AnyOf{2}), true},
			"another field":        {cond(fStars, query.AnyOf{2}), false},
			"a substring as well":  {query.And{cond(fStatus, query.AnyOf{2}), cond(fName, query.Substring{Fold: "a"})}, false},
			"a range as well":      {query.And{cond(fStatus, query.AnyOf{2}), amounts}, false},
			"one of these options": {cond(fChoice, query.AnyOf{1, 2}), false},
		} {
			if got := walks(c.where); got != c.want {
				t.Errorf("%s: walks %v, want %v", name, got, c.want)
			}
		}
	})
}

// TestIndexNotes follows one index: made, used, taken over by an operator,
// dropped.
func TestIndexNotes(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		keep := func(fn func(k catalog.IndexKeeper) error) {
			t.Helper()
			if err := s.KeepIndexes(t.Context(), false, fn); err != nil {
				t.Fatal(err)
			}
		}
		only := func() (i catalog.Index) {
			t.Helper()
			read(t, s, st, func(r catalog.Reader) error {
				all, err := r.Indexes(t.Context())
				if err != nil || len(all) != 1 {
					return fmt.Errorf("the indexes are %v, %w", all, err)
				}
				i = all[0]
				i.Size, err = r.IndexSize(t.Context(), i.Name)
				return err
			})
			return i
		}
		made := catalog.Index{Catalog: orders, Fields: []query.Field{fStatus, catalog.UpdatedTime}, Since: 500, Slow: 20}
		keep(func(k catalog.IndexKeeper) error { return k.Build(t.Context(), st, made) })
		update(t, s, func(x *tx) error {
			return x.UseIndexes(t.Context(), []catalog.IndexUse{{Name: "i_5_18_updated", Uses: 3, Last: 900}, {Name: "i_5_18_updated", Uses: 2, Last: 800}})
		})
		i := only()
		if i.Name != "i_5_18_updated" || i.Operator || i.Since != 500 || i.Slow != 20 || i.Uses != 5 || i.Last != 900 || i.Size <= 0 {
			t.Errorf("made: %+v", i)
		}
		made.Operator, made.Since = true, 700
		keep(func(k catalog.IndexKeeper) error { return k.Build(t.Context(), st, made) })
		if i = only(); !i.Operator || i.Since != 500 || i.Uses != 5 {
			t.Errorf("taken over: %+v", i)
		}
		keep(func(k catalog.IndexKeeper) error { return k.Drop(t.Context(), i) })
		read(t, s, st, func(r catalog.Reader) error {
			all, err := r.Indexes(t.Context())
			if found, err := r.(*tx).hasIndex(t.Context(), i.Name); found || err != nil || len(all) > 0 {
				t.Errorf("dropped: %v %v %v", all, found, err)
			}
			return err
		})
	})
}

// TestIndexSwept: what a build has left that did not end is no index, and goes.
func TestIndexSwept(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		kept := addTestIndex(t, s, st, orders, fAmount)
		name := indexName(orders, []query.Field{fStatus})
		leave := func() {
			update(t, s, func(x *tx) error { return x.conn.Script(t.Context(), `CREATE INDEX `+name+` ON r_5 (f18)`) })
			if s.engine.Dialect().Name() == "postgres" {
				update(t, s, func(x *tx) error {
					_, err := x.conn.Exec(t.Context(), `UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = ?::regclass`, name)
					return err
				})
			}
		}
		has := func(name string) (found bool) {
			read(t, s, st, func(r catalog.Reader) (err error) {
				found, err = r.(*tx).hasIndex(t.Context(), name)
				return err
			})
			return found
		}
		leave()
		err := s.KeepIndexes(t.Context(), true, func(k catalog.IndexKeeper) error { return k.Sweep(t.Context()) })
		if err != nil || has(name) || !has(kept) {
			t.Errorf("swept: %v, left %v, kept %v", err, has(name), has(kept))
		}
		leave()
		addTestIndex(t, s, st, orders, fStatus)
		if !has(name) {
			t.Error("an index that a build had left behind was not made anew")
		}
		if found, err := s.engine.Integrity(t.Context(), false); err != nil || len(found) > 0 {
			t.Errorf("the database finds %v, %v", found, err)
		}
	})
}

// TestKeepIndexesAlone: one call at a time, on whichever node.
func TestKeepIndexesAlone(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		nothing := func(catalog.IndexKeeper) error { return nil }
		err := s.KeepIndexes(t.Context(), false, func(catalog.IndexKeeper) error {
			if err := s.KeepIndexes(t.Context(), false, nothing); !errors.Is(err, catalog.ErrBusy) {
				t.Errorf("a second call: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := s.KeepIndexes(ctx, true, nothing); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a second call that waits: %v", err)
			}
			return nil
		})
		if err == nil {
			err = s.KeepIndexes(t.Context(), false, nothing)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// TestBuildStale: an index of a structure that has changed is not noted.
func TestBuildStale(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		update(t, s, func(x *tx) error { _, err := x.BumpStructure(t.Context()); return err })
		err := s.KeepIndexes(t.Context(), true, func(k catalog.IndexKeeper) error {
			return k.Build(t.Context(), st, catalog.Index{Catalog: orders, Fields: []query.Field{fAmount}})
		})
		if !errors.Is(err, catalog.ErrStale) {
			t.Errorf("built: %v", err)
		}
	})
}

// TestBuildAmongWrites builds while records are written and read: nothing fails
// and the index has them all.
func TestBuildAmongWrites(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		count := 0
		go func() {
			ended <- func() error {
				for id := query.Record(1); ctx.Err() == nil; id++ {
					m := order(id, map[query.Field]catalog.Value{fAmount: catalog.Number(float64(id % 7))}).mutation(st)
					err := s.Update(t.Context(), catalog.Plan{Version: st.Version}, func(w catalog.Writer) error {
						return w.Write(t.Context(), []catalog.Mutation{m})
					})
					if err != nil {
						return err
					}
					count++
				}
				return nil
			}()
		}()
		for range 3 {
			err := s.KeepIndexes(t.Context(), true, func(k catalog.IndexKeeper) error {
				i := catalog.Index{Catalog: orders, Fields: []query.Field{fAmount}, Patience: 700 * time.Millisecond}
				if err := k.Build(t.Context(), st, i); err != nil {
					return err
				}
				i.Name = indexName(orders, i.Fields)
				return k.Drop(t.Context(), i)
			})
			if err != nil {
				t.Error(err)
			}
		}
		addTestIndex(t, s, st, orders, fAmount)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if found, err := s.engine.Integrity(t.Context(), false); err != nil || len(found) > 0 {
			t.Errorf("the database finds %v, %v", found, err)
		}
		if n := len(foundOrders(t, s, st, cond(fAmount, query.NumberRange{Min: ptr(0.0)}))); n != min(count, 1000) {
			t.Errorf("%d of %d records are found", n, count)
		}
	})
}
