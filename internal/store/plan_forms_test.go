package store

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// storageFields has a field of orders of each storage.
var storageFields = map[catalog.Storage]query.Field{
	catalog.TextStorage: fName, catalog.FloatStorage: fAmount, catalog.WholeStorage: fStars,
	catalog.TimeStorage: fDue, catalog.BoolStorage: fPaid, catalog.ItemStorage: fStatus,
	catalog.ItemsStorage: fTags, catalog.LinksStorage: fClients, catalog.JSONStorage: fPhones,
	catalog.FilesStorage: fFiles,
}

// testForms is every kind of test, by the name that served and unserved know it
// by. Bounds are narrow, so that an index is worth its while.
var testForms = map[string]query.Test{
	"empty":          query.Empty{},
	"not empty":      query.NotEmpty{},
	"substring":      query.Substring{Fold: "acme"},
	"digits":         query.Substring{Digits: "5550100"},
	"text":           query.TextIs{"acme"},
	"texts":          query.TextIs{"acme", "other", "third"},
	"like":           query.TextLike{Pattern: "acme%"},
	"folded like":    query.TextLike{Pattern: "%acme", Fold: true},
	"sorted between": query.TextRange{Min: ptr("acme"), Max: ptr("acmeb")},
	"part of time":   query.TimePart{Part: query.MonthPart, In: []int64{2}},
	"number":         query.NumberRange{Min: ptr(7.0), Max: ptr(7.0)},
	"numbers":        query.NumberRange{Min: ptr(7.0), Max: ptr(8.0)},
	"some numbers":   query.NumberIs{7, 8, 9},
	"least number":   query.NumberRange{Min: ptr(1e6)},
	"most number":    query.NumberRange{Max: ptr(-5.0)},
	"time":           query.TimeRange{Min: ptr(int64(7)), Max: ptr(int64(7))},
	"times":          query.TimeRange{Min: ptr(int64(7)), Max: ptr(int64(8))},
	"some moments":   query.TimeSpans{{First: 7, Last: 7}, {First: 9, Last: 9}},
	"some days":      query.TimeSpans{{First: 7, Last: 8}, {First: 20, Last: 21}},
	"many days":      manyDays,
	"earliest":       query.TimeRange{Min: ptr(int64(1e9))},
	"latest":         query.TimeRange{Max: ptr(int64(-5))},
	"birthday":       query.Birthday{Month: 2, Day: 29},
	"one of one":     query.AnyOf{1},
	"off":            query.AnyOf{0},
	"one of some":    query.AnyOf{1, 2},
	"all of one":     query.AllOf{1},
	"all of some":    query.AllOf{1, 2},
	"links a record": query.LinksAny{{Catalog: clients, Key: query.Key{Record: 3}}},
	"links by id":    query.LinksAny{{Catalog: clients, Key: query.Key{Code: "x"}}},
	"links where":    query.LinksWhere{Catalog: clients, Where: query.Among{{Record: 3}}},
	"links like":     query.LinksLike{Field: fClients, Record: 3},
}

// The indexes that every company or catalog has.
const (
	byTargets = "refs_target"
	byText    = "text"
)

// servedBy tells which index serves a test of a storage, where it is not the one
// over the field.
var servedBy = map[string]string{
	"items/one of one": byTargets, "items/off": byTargets, "items/one of some": byTargets,
	"items/all of one": byTargets, "items/all of some": byTargets,
	"links/links a record": byTargets, "links/links by id": byTargets, "links/links where": byTargets,
	"links/links like": byTargets,
	"text/substring":   byText, "json/substring": byText, "json/digits": byText,
	"text/like": byText, "text/folded like": byText, "json/like": byText, "json/folded like": byText,
	"json/text": byText, "json/texts": byText,
}

// unservedTests says why no index serves a test.
var unservedTests = map[string]string{
	"text/empty":        "the index is over the sort key; who looks for empty texts sorts by the field or pages by number",
	"text/not empty":    "nearly all records have a text, so a page by number is full at once",
	"json/empty":        "as with texts",
	"json/not empty":    "as with texts",
	"files/empty":       "as with texts",
	"files/not empty":   "as with texts: a page by number is full soon",
	"items/empty":       "the list column is read only; refs know no empty lists",
	"items/not empty":   "as with empty lists; a page by number is full soon",
	"links/empty":       "as with lists of options",
	"links/not empty":   "as with lists of options",
	"float/not empty":   "a page by number is full soon; sorted by the field its index is walked",
	"whole/not empty":   "as with numbers",
	"time/not empty":    "as with numbers",
	"item/not empty":    "as with numbers",
	"time/birthday":     "an index over month and day would serve nothing else, and time zones move the day",
	"time/part of time": "as with birthdays",
	"time/many days":    "each part would be looked for by itself; few are",
	"bool/one of some":  "a switch is always on or off",
	"item/all of some":  "no field with one option has two",
	"text/digits":       "texts have no digits of their own: the test is one for contacts",
}

// unservedSorts says the same of orders.
var unservedSorts = map[string]string{
	"items": "the first option in the config's order is looked up for each record that matches",
	"links": "the title of the first link is looked up for each record that matches",
}

var storageNames = map[catalog.Storage]string{
	catalog.TextStorage: "text", catalog.FloatStorage: "float", catalog.WholeStorage: "whole", catalog.TimeStorage: "time",
	catalog.BoolStorage: "bool", catalog.ItemStorage: "item", catalog.ItemsStorage: "items", catalog.LinksStorage: "links",
	catalog.JSONStorage: "json", catalog.FilesStorage: "files",
}

// TestEveryForm walks every test and order that the API offers and asserts that
// an index serves it once there is one, or that a table says why none does.
func TestEveryForm(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		for _, f := range storageFields {
			if !st.Catalog(orders).Field(f).Storage().HasRefs() {
				addTestIndex(t, s, st, orders, f)
			}
		}
		for _, f := range []query.Field{fChoice, catalog.CreatedTime, catalog.UpdatedTime} {
			addTestIndex(t, s, st, orders, f)
		}
		if rows := formRows[s.engine.Dialect().Name()]; rows != "" {
			update(t, s, func(x *tx) error { return x.conn.Script(t.Context(), rows) })
		}
		for storage, f := range storageFields {
			for name, test := range testForms {
				if allows(storage, test) {
					checkForm(t, s, st, storageNames[storage]+"/"+name, query.Cond{Field: f, Test: test})
				}
			}
			checkOrder(t, s, st, storageNames[storage], query.Sort{By: query.ByField, Field: f})
		}
		checkOrder(t, s, st, "number", query.Sort{})
		checkOrder(t, s, st, "title", query.Sort{By: query.ByTitle})
		checkOrder(t, s, st, "created", query.Sort{By: query.ByCreated})
		checkOrder(t, s, st, "updated", query.Sort{By: query.ByUpdated})
		checkOptions(t, s, st)
	})
}

// checkForm reads the plan of counting what a condition holds for: nothing but
// the condition decides on it.
func checkForm(t *testing.T, s *Company, st *catalog.Structure, name string, c query.Cond) {
	t.Helper()
	if unservedTests[name] != "" {
		return
	}
	b := newBuilder(s.engine.Dialect(), st)
	src := b.alias(st.Catalog(orders))
	b.add("SELECT count(*)")
	if err := b.fromWhere(src, &catalog.Selected{Structure: st, Catalog: src.catalog, Where: c}, sorting{}, everything); err != nil {
		t.Fatal(err)
	}
	want := servedBy[name]
	switch {
	case want == "":
		want = indexName(orders, []query.Field{c.Field})
	case want == byText && s.engine.Dialect().Name() == "sqlite":
		want = "SCAN s_5 VIRTUAL TABLE INDEX 0:M1"
	case want == byText:
		want = "t_5"
	}
	if plan := explain(t, s, b); !strings.Contains(plan, want) || strings.Contains(plan, "SCAN r ") {
		t.Errorf("%s: the plan lacks %q or scans\n%s\n%s", name, want, b.sql, plan)
	}
}

// checkOrder reads the plans of a first page in both directions.
func checkOrder(t *testing.T, s *Company, st *catalog.Structure, name string, sort query.Sort) {
	t.Helper()
	if unservedSorts[name] != "" {
		return
	}
	want := map[string]string{"number": "", "title": "titles_key", "created": "i_5_created", "updated": "i_5_updated"}[name]
	if sort.By == query.ByField {
		want = indexName(orders, []query.Field{sort.Field})
	}
	for _, sort.Desc = range []bool{false, true} {
		g := goldenCase{sort: sort}
		checkPlan(t, s, fmt.Sprint("sort by ", name, ", descending ", sort.Desc),
			pageStatement(t, s.engine.Dialect(), g.selected(st)), want, false)
	}
}

// checkOptions reads the plan of one step of a walk. PostgreSQL sorts when there
// are few records to sort.
func checkOptions(t *testing.T, s *Company, st *catalog.Structure) {
	t.Helper()
	for _, test := range []query.Test{query.AnyOf{2}, query.Empty{}} {
		part := having(&catalog.Selected{Structure: st, Catalog: st.Catalog(orders), Limit: 50,
			Sort: byField(fChoice, true)}, query.Cond{Field: fChoice, Test: test})
		b, err := compilePage(s.engine.Dialect(), "r.id", part, sorting{desc: true}, everything, part.Limit, 0)
		if err != nil {
			t.Fatal(err)
		}
		checkPlan(t, s, "options out of order", b, indexName(orders, []query.Field{fChoice}), s.engine.Dialect().Name() == "postgres")
	}
}

// formRows give PostgreSQL something to reckon with; of what a test looks for
// there is little.
var formRows = map[string]string{"postgres": `
	INSERT INTO r_5 (id, created, updated, version, f13, k13, f14, f15, f16, f17, f18, f23, f21, k21, f22, k22)
		SELECT i, i, i, 1, 'row ' || i, sha256(i::text::bytea), nullif(i % 1000, 3), nullif(i % 900, 3), nullif(i % 1000, 3),
			CASE WHEN i % 500 = 0 THEN 1 WHEN i % 500 = 1 THEN 0 ELSE 2 END, nullif(i % 700, 3), nullif(i % 700, 3), '[]',
			sha256(i::text::bytea), '[]', sha256(i::text::bytea) FROM generate_series(1, 20000) i;
	INSERT INTO s_5 (record, slot, fold) SELECT i, slot, 'row ' || i FROM generate_series(1, 10000) i, unnest(ARRAY[4, 36, 38]) slot;
	INSERT INTO titles (ref, catalog, title, fold, key)
		SELECT (5::bigint << 40) + i, 5, 'row ' || i, 'row ' || i, sha256(i::text::bytea) FROM generate_series(1, 20000) i;
	INSERT INTO titles (ref, catalog, title, fold, key)
		SELECT (7::bigint << 40) + i, 7, 'row ' || i, 'row ' || i, sha256(i::text::bytea) FROM generate_series(1, 500) i;
	INSERT INTO r_7 (id, created, updated, version) SELECT i, i, i, 1 FROM generate_series(1, 500) i;
	INSERT INTO refs (field, record, position, target)
		SELECT 20, i, 0, (7::bigint << 40) + i % 500 FROM generate_series(1, 20000) i;
	INSERT INTO refs (field, record, position, target) SELECT 19, i, 0, i % 500 FROM generate_series(1, 20000) i;
	SELECT gin_clean_pending_list('t_5');
	ANALYZE r_5; ANALYZE r_7; ANALYZE s_5; ANALYZE titles; ANALYZE refs;`}
