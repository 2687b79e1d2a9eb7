package catalog_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// TestRequestOfAnotherNode: a request that is read with an old structure does
// nothing, and is read again with the new one.
func TestRequestOfAnotherNode(t *testing.T) {
	target := testdb.Postgres(t)
	a := newWorld(t, target)
	for key, do := range map[string]func(w *world, who catalog.Actor, c *catalog.Catalog) error{
		"fault": func(_ *world, _ catalog.Actor, c *catalog.Catalog) error {
			if c.FieldByKey("fault") == nil {
				return fault.New(fault.UnknownField, "There is no such field")
			}
			return nil
		},
		"list": func(w *world, who catalog.Actor, c *catalog.Catalog) error {
			_, err := w.s.Records(w.Context(), who, c.Num, query.Query{Limit: 1}, nil)
			return err
		},
		"record": func(w *world, who catalog.Actor, c *catalog.Catalog) error {
			_, err := w.s.Record(w.Context(), who, c.Num, query.Key{Record: 1}, nil)
			return err
		},
		"write": func(w *world, who catalog.Actor, c *catalog.Catalog) error {
			_, err := w.s.Apply(w.Context(), who, []catalog.Op{catalog.Create{Catalog: c.Num, Values: values(c, "title", catalog.Text("new"))}}, nil)
			return err
		},
	} {
		t.Run(key, func(t *testing.T) {
			b := openWorld(t, target) // knows the structure before the change
			a.vendor("first")
			before := b.count()
			a.vendors = a.rebuild(a.vendors, append(same(a.vendors), field(key, "text", nil)))
			var seen []bool
			err := b.s.Request(t.Context(), boss, "vendors", func(who catalog.Actor, scope *catalog.Scope) error {
				seen = append(seen, scope.Catalog.FieldByKey(key) != nil)
				return do(b, who, scope.Catalog)
			})
			if err != nil || len(seen) != 2 || seen[0] || !seen[1] {
				t.Errorf("tries that knew the field: %v; %v", seen, err)
			}
			if n := b.count() - before; key == "write" && n != 1 || key != "write" && n != 0 {
				t.Errorf("%d records were written", n)
			}
		})
	}
}

// TestRequestFails: an error that is nobody's but the request's is given at once.
func TestRequestFails(t *testing.T) {
	testdb.Each(t, func(t *testing.T, target testdb.Target) {
		w := newWorld(t, target)
		own := errors.New("mine")
		for _, want := range []error{own, fault.New(fault.InvalidFilter, "bad")} {
			calls := 0
			err := w.s.Request(t.Context(), boss, "vendors", func(catalog.Actor, *catalog.Scope) error {
				calls++
				return want
			})
			if err != want || calls != 1 {
				t.Errorf("after %d calls %v", calls, err)
			}
		}
		if err := w.s.Request(t.Context(), boss, "nothing", nil); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("an unknown catalog gives %v", err)
		}
	})
}

// overtaken is a store whose structure changes right before the first look at it.
type overtaken struct {
	*store.Company
	change func()
}

func (o *overtaken) View(ctx context.Context, v catalog.Version, fn func(catalog.Reader) error) error {
	if change := o.change; change != nil {
		o.change = nil
		change()
	}
	return o.Company.View(ctx, v, fn)
}

// TestOvertaken: who finds that the structure changed since it asked, asks again.
func TestOvertaken(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for key, ask := range map[string]func(s *catalog.Service) error{
			"a catalog": func(s *catalog.Service) error { _, err := s.Catalog(t.Context(), boss, "vendors"); return err },
			"the menu":  func(s *catalog.Service) error { _, err := s.Sections(t.Context(), boss); return err },
		} {
			db := &overtaken{Company: w.db}
			s := catalog.New(db, catalog.Options{Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Filters: bpium.ViewFilters{}, FieldsMax: 300})
			if _, err := s.Structure(t.Context()); err != nil {
				t.Fatal(err)
			}
			changed := false
			db.change = func() {
				w.vendors = w.rebuild(w.vendors, append(same(w.vendors), field(strings.ReplaceAll(key, " ", "-"), "text", nil)))
				changed = true
			}
			if err := ask(s); err != nil || !changed {
				t.Errorf("%s: %v, changed %v", key, err, changed)
			}
		}
	})
}
