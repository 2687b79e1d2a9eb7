package store

import (
	"fmt"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// planCase is a selection (or history query) and what its plan must have; sorted
// is whether the database may sort what it found.
type planCase struct {
	name     string
	where    query.Node
	search   query.Search
	sort     query.Sort
	sorted   bool
	visible  map[query.Field]query.Node
	sqlite   string // part of SQLite's plan
	postgres string // part of PostgreSQL's
}

func byField(f query.Field, desc bool) query.Sort {
	return query.Sort{By: query.ByField, Field: f, Desc: desc}
}

var amounts = cond(fAmount, query.NumberRange{Min: ptr(10.0), Max: ptr(900.0)})

var planCases = []planCase{
	{name: "by number", sqlite: "SCAN r", postgres: "r_5_pkey"},
	{name: "by number, newest first", sort: query.Sort{Desc: true}, sqlite: "SCAN r", postgres: "r_5_pkey"},
	{name: "by created", sort: query.Sort{By: query.ByCreated}, sqlite: "i_5_created", postgres: "i_5_created"},
	{name: "by created, newest first", sort: query.Sort{By: query.ByCreated, Desc: true},
		sqlite: "i_5_created", postgres: "i_5_created"},
	{name: "option and range by the range", where: query.And{cond(fStatus, query.AnyOf{2}), amounts},
		sort: byField(fAmount, true), sqlite: "INDEX {status} (f18=? AND f14>? AND f14<?)", postgres: "{status}"},
	{name: "option and range by the range ascending", where: query.And{cond(fStatus, query.AnyOf{2}), amounts},
		sort: byField(fAmount, false), sqlite: "INDEX {status} (f18=? AND f14>? AND f14<?)", postgres: "{status}"},
	{name: "option by another field", where: cond(fStatus, query.AnyOf{2}), sort: byField(fAmount, false),
		sqlite: "INDEX {status} (f18=? AND f14", postgres: "{status}"},
	{name: "option by another field descending", where: cond(fStatus, query.AnyOf{2}), sort: byField(fAmount, true),
		sqlite: "INDEX {status} (f18=?", postgres: "{status}"},
	{name: "by amount", sort: byField(fAmount, false), sqlite: "{amount}", postgres: "{amount}"},
	{name: "by amount descending", sort: byField(fAmount, true), sqlite: "{amount}", postgres: "{amount}"},
	{name: "by text", sort: byField(fName, false), sqlite: "{name}", postgres: "{name}"},
	{name: "by text descending", sort: byField(fName, true), sqlite: "{name}", postgres: "{name}"},
	{name: "by title", sort: query.Sort{By: query.ByTitle}, sqlite: "titles_key (catalog=?)", postgres: "titles_key"},
	{name: "by title descending", sort: query.Sort{By: query.ByTitle, Desc: true}, sqlite: "titles_key (catalog=?)", postgres: "titles_key"},
	{name: "by title, each record by its number", sort: query.Sort{By: query.ByTitle}, sqlite: "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)", postgres: "r_5_pkey"},
	{name: "some by title, each title by its number", sort: query.Sort{By: query.ByTitle}, sorted: true,
		where: query.Among{{Record: 3}, {Record: 4}}, sqlite: "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", postgres: "titles_pkey"},
	{name: "substring", where: cond(fName, query.Substring{Fold: "acme"}), sorted: true,
		sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 64:M1", postgres: "t_5"}, // 64: in the order asked
	{name: "substring among others, newest first", sorted: true, sort: query.Sort{Desc: true},
		where:  query.And{amounts, cond(fName, query.Substring{Fold: "acme"})},
		sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 192:M1", postgres: "t_5"}, // 192: backwards
	{name: "quick search", search: query.Search{Fold: "acme"}, sorted: true,
		sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "links to one", where: cond(fClients, query.LinksAny{{Catalog: clients, Key: query.Key{Record: 3}}}), sorted: true,
		sqlite: "INDEX refs_target (field=? AND target=?)", postgres: "refs_target"},
	{name: "a legal view", where: query.And{nil, query.And{managed}}, sorted: true,
		sqlite: "INDEX refs_target (field=? AND target=?)", postgres: "refs_target"},
	{name: "a legal view with a record denied and a field hidden", where: query.And{query.Not{Node: query.Among{{Record: 4}}}, managed},
		visible: map[query.Field]query.Node{fAmount: managed}, sorted: true,
		sqlite: "INDEX refs_target (field=? AND target=?)", postgres: "refs_target"},
	{name: "quick search of a field hidden on some records", search: query.Search{Fold: "acme"}, sorted: true,
		visible: map[query.Field]query.Node{fName: managed, fPhones: managed},
		sqlite:  "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "substring of a field hidden on some records, newest first", sorted: true, sort: query.Sort{Desc: true},
		where:   query.And{query.And{managed, cond(fName, query.Substring{Fold: "acme"})}, amounts},
		visible: map[query.Field]query.Node{fName: managed}, sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 192:M1", postgres: "refs_target"},
	{name: "links to a custom id", where: cond(fClients, query.LinksAny{{Catalog: clients, Key: query.Key{Code: "x"}}}), sorted: true,
		sqlite: "u_7 (code=?)", postgres: "u_7"},
	{name: "custom ids", where: query.Among{{Code: "x"}, {Code: "y"}}, sorted: true, sqlite: "u_5 (code=?)", postgres: "u_5"},
	{name: "a text", where: cond(fName, query.TextIs{"acme"}), sqlite: "INDEX {name} (k13=?)", postgres: "{name}"},
	{name: "some texts", where: cond(fName, query.TextIs{"acme", "other", "third"}), sorted: true, sqlite: "INDEX {name} (k13=?)", postgres: "{name}"},
	{name: "some texts by title", where: cond(fName, query.TextIs{"acme", "other"}), sort: query.Sort{By: query.ByTitle}, sorted: true,
		sqlite: "INDEX {name} (k13=?)", postgres: "{name}"},
	{name: "contacts", where: cond(fPhones, query.TextIs{"acme", "other"}), sorted: true, sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "a pattern", where: cond(fName, query.TextLike{Pattern: "acme_%"}), sorted: true, sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "a folded pattern", where: cond(fName, query.TextLike{Pattern: "%acme_", Fold: true}), sorted: true,
		sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "a title", where: query.Titled{Test: query.TextIs{"acme"}}, sorted: true, sqlite: "titles_key (catalog=? AND key=?)", postgres: "titles_key"},
	{name: "titles", where: query.Titled{Test: query.TextIs{"acme", "other"}}, sorted: true, sqlite: "titles_key (catalog=? AND key=?)", postgres: "titles_key"},
	{name: "a title that may be hidden", where: query.Titled{Test: query.TextIs{"acme"}, Seen: managed}, sorted: true,
		sqlite: "titles_key (catalog=? AND key=?)", postgres: "titles_key"},
	{name: "titles like", where: query.Titled{Test: query.TextLike{Pattern: "acme_%"}}, sorted: true, sqlite: "SCAN s_5 VIRTUAL TABLE INDEX 0:M1", postgres: "t_5"},
	{name: "external ids", where: query.Synced{Group: "g", External: []string{"A", "B", "C"}}, sorted: true,
		sqlite: "INDEX sqlite_autoindex_sync_links_1 (link_group=? AND external_id=?)", postgres: "sync_links_link_group_external_id_key"},
	{name: "changed lately", where: query.Stamped{By: query.ByUpdated, Min: ptr(int64(19_999))}, sort: query.Sort{By: query.ByUpdated},
		sqlite: "i_5_updated (updated>?)", postgres: "i_5_updated"},
	{name: "numbered", where: query.Numbered{Min: ptr(query.Record(3)), Max: ptr(query.Record(5))},
		sqlite: "SEARCH r USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", postgres: "r_5_pkey"},
	{name: "no reordered options in order", sort: byField(fChoice, false), sorted: true, sqlite: "TEMP B-TREE", postgres: "Sort"},
}

// TestPlans reads the plans of what must not read or sort whole catalogs.
func TestPlans(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		names := strings.NewReplacer("{status}", addTestIndex(t, s, st, orders, fStatus, fAmount),
			"{amount}", addTestIndex(t, s, st, orders, fAmount), "{name}", addTestIndex(t, s, st, orders, fName))
		d := s.engine.Dialect()
		addTestIndex(t, s, st, orders, catalog.CreatedTime)
		addTestIndex(t, s, st, orders, catalog.UpdatedTime)
		update(t, s, func(x *tx) error { return x.conn.Script(t.Context(), planRows[d.Name()]) })
		for _, p := range planCases {
			g := goldenCase{where: p.where, search: p.search, sort: p.sort, visible: p.visible}
			want := p.sqlite
			if d.Name() == "postgres" {
				want = p.postgres
			}
			checkPlan(t, s, p.name, pageStatement(t, d, g.selected(st)), names.Replace(want), p.sorted)
		}
		checkMembersPlan(t, s, st)
		for name, h := range historyPlans {
			b, err := compileHistory(d, h.query(st))
			if err != nil {
				t.Fatal(err)
			}
			checkPlan(t, s, name, b, h.name, false)
		}
	})
}

// planRows give PostgreSQL something to reckon with; SQLite plans without.
var planRows = map[string]string{"postgres": `
	INSERT INTO r_5 (id, created, updated, version, f13, k13, f14, f18)
		SELECT i, i, i, 1, 'row ' || i, sha256(i::text::bytea), i % 1000, i % 20 FROM generate_series(1, 20000) i;
	INSERT INTO s_5 (record, slot, fold) SELECT i, 4 + i % 3, 'row ' || i FROM generate_series(1, 20000) i;
	INSERT INTO titles (ref, catalog, title, fold, key)
		SELECT (5::bigint << 40) + i, 5, 'row ' || i, 'row ' || i, sha256(i::text::bytea) FROM generate_series(1, 20000) i;
	INSERT INTO refs (field, record, position, target)
		SELECT 20, i, 0, (7::bigint << 40) + i % 500 FROM generate_series(1, 20000) i;
	INSERT INTO history (catalog, record, at, actor, kind)
		SELECT i % 200, i % 2000, i, 1, 'UPDATE' FROM generate_series(1, 20000) i;
	SELECT gin_clean_pending_list('t_5');
	ANALYZE r_5; ANALYZE s_5; ANALYZE titles; ANALYZE refs; ANALYZE history;`}

// checkMembersPlan: whatever a view contains, its members are looked up.
func checkMembersPlan(t *testing.T, s *Company, st *catalog.Structure) {
	t.Helper()
	b, _, err := compileMembers(s.engine.Dialect(), st, st.Catalog(orders), []query.Record{1, 2, 3}, goldenMembers)
	if err != nil {
		t.Fatal(err)
	}
	plan := explain(t, s, b)
	want, never := []string{"USING INTEGER PRIMARY KEY (rowid=?)", "refs_target (field=? AND target=? AND record=?)", "SCAN s_5 VIRTUAL TABLE INDEX 0:="},
		[]string{"SCAN r\n", "SCAN l", "SCAN refs", "SCAN r1", "(field=? AND target=?)\n"}
	if s.engine.Dialect().Name() == "postgres" {
		want, never = []string{"r_5_pkey", "s_5_pkey", "refs_pkey"}, []string{"Seq Scan"}
	}
	for _, part := range want {
		if !strings.Contains(plan, part) {
			t.Errorf("members: the plan lacks %q\n%s\n%s", part, b.sql, plan)
		}
	}
	for _, part := range never {
		if strings.Contains(plan+"\n", part) {
			t.Errorf("members: the plan has %q\n%s\n%s", part, b.sql, plan)
		}
	}
}

// TestRemovedPlan: what was removed since a time is read along an index, from page
// to page.
func TestRemovedPlan(t *testing.T) {
	eachCompany(t, func(t *testing.T, s *Company, st *catalog.Structure) {
		update(t, s, func(x *tx) error { return x.conn.Script(t.Context(), removedRows[s.engine.Dialect().Name()]) })
		b := compileRemoved(s.engine.Dialect(), st.Catalog(orders), catalog.RemovedAsk{Since: 15_000, After: 3, Limit: 50}, true)
		checkPlan(t, s, "removed records", b, "trash_at", false)
	})
}

// removedRows fill the trash.
var removedRows = map[string]string{
	"sqlite": `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		INSERT INTO trash (catalog, record, at, actor) SELECT 5, i, i * 10, 1 FROM n; ANALYZE trash;`,
	"postgres": `INSERT INTO trash (catalog, record, at, actor) SELECT 5, i, i * 10, 1 FROM generate_series(1, 20000) i; ANALYZE trash;`,
}

// historyPlans are history queries, named after the index they must use.
var historyPlans = map[string]goldenHistory{
	"history of a record":  {"history_record", catalog.HistoryQuery{Record: 12, Limit: 10}},
	"history of a catalog": {"history_catalog", catalog.HistoryQuery{Limit: 10, Asc: true}},
}

// pageStatement is the statement of a first page, the first of two if there are
// records without a value, which nothing but their number orders.
func pageStatement(t *testing.T, d dialect, s *catalog.Selected) *builder {
	t.Helper()
	o, err := newSorting(d, source{s.Catalog, recordAlias}, s)
	if err != nil {
		t.Fatal(err)
	}
	part := everything
	if o.split {
		part = presentOnly
	}
	b, err := compilePage(d, newReadPlan(s.Catalog, s.Columns).list, s, o, part, s.Limit, s.Offset)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkPlan(t *testing.T, s *Company, name string, b *builder, want string, sorted bool) {
	t.Helper()
	plan := explain(t, s, b)
	if !strings.Contains(plan, want) {
		t.Errorf("%s: the plan lacks %q\n%s\n%s", name, want, b.sql, plan)
	}
	if sorts := strings.Contains(plan, "ORDER BY") || strings.Contains(plan, "Sort"); sorts && !sorted {
		t.Errorf("%s: the database sorts\n%s\n%s", name, b.sql, plan)
	}
}

// explain gives the plan as text.
func explain(t *testing.T, s *Company, b *builder) string {
	t.Helper()
	var lines []string
	err := s.engine.View(t.Context(), nil, func(c conn) error {
		lines = nil
		// An EXPLAIN alone would not see that the schema has changed.
		if err := c.Query(t.Context(), string(b.sql), b.args, func(row) error { return nil }); err != nil {
			return err
		}
		prefix, column := "EXPLAIN QUERY PLAN ", 3
		if c.Dialect().Name() == "postgres" {
			prefix, column = "EXPLAIN ", 0
			if err := c.Script(t.Context(), "SET LOCAL enable_seqscan = off"); err != nil {
				return err
			}
		}
		return c.Query(t.Context(), prefix+string(b.sql), b.args, func(r row) error {
			lines = append(lines, r.Str(column))
			return nil
		})
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.sql)
	}
	return strings.Join(lines, "\n")
}

// addTestIndex makes an index and gives its name.
func addTestIndex(t testing.TB, s *Company, st *catalog.Structure, c query.Catalog, fields ...query.Field) string {
	t.Helper()
	err := s.KeepIndexes(t.Context(), true, func(k catalog.IndexKeeper) error {
		return k.Build(t.Context(), st, catalog.Index{Catalog: c, Fields: fields, Operator: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	return indexName(c, fields)
}

func update(t testing.TB, s *Company, fn func(x *tx) error) {
	t.Helper()
	err := s.engine.Update(t.Context(), updateOptions{Class: classStructure}, func(c conn) error {
		return fn(&tx{conn: c, company: s})
	})
	if err != nil {
		t.Fatal(fmt.Errorf("update: %w", err))
	}
}
