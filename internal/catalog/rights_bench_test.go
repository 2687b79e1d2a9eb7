package catalog_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/store/testdb"
)

// BenchmarkRights compares what rights make of a request with the same request
// without them, and relations and candidates with SQL written by hand for the
// same tables, in turns: "ratio" is the median time of the first by that of the
// second. RIGHTS_ROWS is the number of records, RIGHTS_DB the database
// ("postgres" has no SQL by hand).
//
//	RIGHTS_ROWS=1000000 go test -run '^$' -bench Rights -benchtime 200x -timeout 1h ./internal/catalog
func BenchmarkRights(b *testing.B) {
	w := newRightsBench(b)
	list := func(a catalog.Actor, q query.Query) func() int {
		return func() int {
			q.Limit = 50
			rows, err := w.s.Records(b.Context(), a, w.orders.Num, q, nil)
			if err != nil {
				b.Fatal(err)
			}
			return rows.Page.Len()
		}
	}
	newest := query.Sort{Desc: true}
	price := query.Sort{By: query.ByField, Field: w.field("price"), Desc: true}
	own := query.Cond{Field: w.field("owner"), Test: query.LinksAny{{Catalog: catalog.Employees, Key: query.Key{Record: w.clerk.Employee}}}}
	b.Run("own records", func(b *testing.B) {
		inTurns(b, list(w.clerk, query.Query{Sort: newest}), list(boss, query.Query{Sort: newest, Where: own}))
	})
	b.Run("own records by price", func(b *testing.B) {
		inTurns(b, list(w.clerk, query.Query{Sort: price}), list(boss, query.Query{Sort: price, Where: own}))
	})
	b.Run("half of the records", func(b *testing.B) {
		inTurns(b, list(w.auditor, query.Query{Sort: newest}), list(boss, query.Query{Sort: newest}))
	})
	b.Run("half of the records by price", func(b *testing.B) {
		inTurns(b, list(w.auditor, query.Query{Sort: price}), list(boss, query.Query{Sort: price}))
	})
	b.Run("relations", func(b *testing.B) {
		inTurns(b, w.relations(b), w.byHand(b, w.relationsByHand()...))
	})
	for _, title := range []string{"number 77", "order", "no such title", "7731"} {
		b.Run("candidates of "+title, func(b *testing.B) {
			inTurns(b, w.candidates(b, title), w.byHand(b, w.candidatesByHand(title)))
		})
	}
}

// inTurns calls both, compares the numbers they give, and reports their medians.
func inTurns(b *testing.B, ours, other func() int) {
	b.Helper()
	if other == nil {
		b.Skip("compared with nothing on this database")
	}
	if n, m := ours(), other(); n != m {
		b.Fatalf("%d and %d rows", n, m)
	}
	var times [2][]time.Duration
	for b.Loop() {
		for i, fn := range []func() int{ours, other} {
			begun := time.Now()
			fn()
			times[i] = append(times[i], time.Since(begun))
		}
	}
	medians := [2]float64{}
	for i, t := range times {
		slices.Sort(t)
		medians[i] = float64(t[len(t)/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(medians[0], "µs")
	b.ReportMetric(medians[1], "other-µs")
	b.ReportMetric(medians[0]/medians[1], "ratio")
}

// rightsBench is a catalog of orders, each of one of 50 employees, a hundredth
// of them of the first vendor; and notes that link orders.
type rightsBench struct {
	s                      *catalog.Service
	vendors, orders, notes *catalog.Catalog
	clerk, auditor         catalog.Actor
	file                   string // of SQLite
	rows                   int    // orders
}

const benchEmployees = 50

func newRightsBench(b *testing.B) *rightsBench {
	b.Helper()
	target, rows := testdb.SQLite(b), 20_000
	if os.Getenv("RIGHTS_DB") == "postgres" {
		target = testdb.Postgres(b)
	}
	if text := os.Getenv("RIGHTS_ROWS"); text != "" {
		var err error
		if rows, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	w := &rightsBench{s: catalog.New(openTarget(b, target), catalog.Options{
		Now: time.Now, Log: slog.New(slog.DiscardHandler), FieldsMax: 300, TextMax: 256, RecordsMax: 10_000, Zone: time.UTC,
		Directory: &logins{known: map[query.Record]catalog.DirectoryMessage{}}, Filters: bpium.ViewFilters{},
		Columns: catalog.ColumnOptions{Bytes: 1 << 30},
	})}
	if target.Dir != "" {
		w.file = filepath.Join(target.Dir, "company.db")
	}
	if _, err := w.s.Open(b.Context(), catalog.First{Name: "Ada", Login: "ada", Password: "secret1", Section: "Work"}); err != nil {
		b.Fatal(err)
	}
	w.furnish(b)
	w.rows = rows
	w.load(b, rows)
	w.allow(b)
	return w
}

func (w *rightsBench) field(key string) query.Field { return w.orders.FieldByKey(key).Num }

func (w *rightsBench) furnish(b *testing.B) {
	b.Helper()
	make := func(name string, fields ...catalog.FieldInput) *catalog.Catalog {
		section := "3"
		scope, err := w.s.CreateCatalog(b.Context(), boss, catalog.CatalogInput{Name: &name, Section: &section, Fields: fields})
		if err != nil {
			b.Fatal(err)
		}
		return scope.Catalog
	}
	w.vendors = make("Vendors", field("title", "text", nil))
	w.orders = make("Orders",
		field("title", "text", nil), field("price", "number", nil), field("secret", "text", nil), field("owner", "user", nil),
		field("state", "dropdown", &catalog.Config{Items: []catalog.Item{{Name: "New"}, {Name: "Done"}}}), field("due", "date", nil),
		field("vendor", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}}}))
	w.notes = make("Notes", field("title", "text", nil),
		field("order", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.orders.Num}}}))
	if err := w.s.AddIndex(b.Context(), boss, w.orders.Key, []string{"price"}); err != nil {
		b.Fatal(err)
	}
}

func (w *rightsBench) load(b *testing.B, rows int) {
	b.Helper()
	write := func(ops []catalog.Op) {
		prepared, err := w.s.Prepare(b.Context(), boss, ops)
		if err == nil {
			_, err = prepared.Commit(b.Context(), func(catalog.Writer) error { return nil })
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var ops []catalog.Op
	for i := range 100 {
		ops = append(ops, catalog.Create{Catalog: w.vendors.Num, Values: values(w.vendors, "title", catalog.Text(fmt.Sprint("Vendor ", i)))})
	}
	st, err := w.s.Structure(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	users := st.Catalog(catalog.Employees)
	for i := range benchEmployees - 1 {
		ops = append(ops, catalog.Create{Catalog: users.Num, Values: values(users, "$name", catalog.Text(fmt.Sprint("Employee ", i)))})
	}
	write(ops)
	for n := 0; n < rows; {
		ops = ops[:0]
		for ; n < rows && len(ops) < 5_000; n++ {
			ops = append(ops, catalog.Create{Catalog: w.orders.Num, Values: values(w.orders,
				"title", catalog.Text(fmt.Sprint("Order number ", n)), "price", catalog.Number(n*7919%1_000_003),
				"secret", catalog.Text(fmt.Sprint("secret ", n)), "owner", catalog.Links{link(users, query.Record(n%benchEmployees+1))},
				"state", catalog.Items{query.Item(n%2 + 1)}, "due", catalog.Time(int64(n%1096)*86_400_000+1_735_689_600_000), "vendor", catalog.Links{link(w.vendors, query.Record(n%100+1))})})
		}
		write(ops)
	}
}

// allow gives the clerk what is his, without the secrets, and the auditor what
// is done; nobody else but the boss has rights.
func (w *rightsBench) allow(b *testing.B) {
	b.Helper()
	w.clerk, w.auditor = catalog.Actor{Employee: 7, Origin: "api"}, catalog.Actor{Employee: 8, Origin: "api"}
	view := func(name, field, value string) catalog.ObjectKey {
		yes := true
		in := catalog.ViewInput{Key: &name, Name: &name, Legal: &yes, Filters: []catalog.ViewFilterInput{
			{Path: "filters", Field: w.orders.FieldByKey(field).Key, Value: json.RawMessage(value)}}}
		if _, err := w.s.CreateView(b.Context(), boss, w.orders.Key, in); err != nil {
			b.Fatal(err)
		}
		return catalog.ObjectKey{Catalog: w.orders.Key, View: name}
	}
	for _, in := range []catalog.RightsInput{
		{Object: catalog.ObjectKey{Section: "3"}, Rules: []catalog.RuleInput{only(1, "admin")}},
		{Object: view("own", "owner", `["CURRENT_USER"]`), Rules: []catalog.RuleInput{only(7, "edit", w.orders.FieldByKey("secret").Key+"=hide")}},
		{Object: view("done", "state", `["2"]`), Rules: []catalog.RuleInput{only(8, "view")}},
	} {
		if _, err := w.s.SetRights(b.Context(), boss, []catalog.RightsInput{in}); err != nil {
			b.Fatal(err)
		}
	}
}

func (w *rightsBench) relations(b *testing.B) func() int {
	return func() int {
		list, err := w.s.Relations(b.Context(), boss, w.vendors.Num, query.Key{Record: 1}, catalog.RelationsAsk{Limit: 50})
		if err != nil || len(list) != 1 {
			b.Fatal(list, err)
		}
		return list[0].Rows.Page.Len()
	}
}

func (w *rightsBench) candidates(b *testing.B, title string) func() int {
	return func() int {
		found, err := w.s.Candidates(b.Context(), boss, w.notes.Num, w.notes.FieldByKey("order").Num, catalog.CandidatesAsk{Title: title, Limit: 50})
		if err != nil {
			b.Fatal(err)
		}
		return len(found.Refs)
	}
}

// relationsByHand are the first 50 referrers of the first vendor, and how many
// there are.
func (w *rightsBench) relationsByHand() []string {
	from := fmt.Sprintf(" FROM refs l JOIN r_%d r ON r.id = l.record", w.orders.Num)
	where := fmt.Sprintf(" WHERE l.field = %d AND l.target = %d", w.field("vendor"), query.MakeRef(w.vendors.Num, 1))
	return []string{
		fmt.Sprintf("SELECT r.id, t.title, r.created%s JOIN titles t ON t.ref = r.id + %d%s ORDER BY l.record DESC LIMIT 50",
			from, query.MakeRef(w.orders.Num, 0), where),
		"SELECT count(*), ''" + from + where,
	}
}

// candidatesByHand are the first 50 titles with a text, by the index of texts.
func (w *rightsBench) candidatesByHand(title string) string {
	return fmt.Sprintf(`SELECT t.ref, t.title FROM s_%[1]d s JOIN titles t ON t.ref = (s.rowid >> 16) + %[2]d
		WHERE s_%[1]d MATCH '"%[3]s"' AND (s.rowid & 65535) = %[4]d ORDER BY t.key LIMIT 50`,
		w.orders.Num, query.MakeRef(w.orders.Num, 0), title, w.orders.FieldByKey("title").Slot(catalog.SearchText))
}

// byHand runs statements and gives the number of rows of the first.
func (w *rightsBench) byHand(b *testing.B, statements ...string) func() int {
	if w.file == "" {
		return nil
	}
	c, err := sqlite.OpenConn(w.file, sqlite.OpenReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	if err := sqlitex.ExecuteScript(c, "PRAGMA mmap_size=2147418112; PRAGMA cache_size=-4000", nil); err != nil {
		b.Fatal(err)
	}
	return func() int {
		rows := make([]int, len(statements))
		for i, sql := range statements {
			err := sqlitex.Execute(c, sql, &sqlitex.ExecOptions{
				ResultFunc: func(s *sqlite.Stmt) error {
					rows[i]++
					_ = s.ColumnInt64(0) + int64(len(s.ColumnText(1)))
					return nil
				},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		return rows[0]
	}
}
