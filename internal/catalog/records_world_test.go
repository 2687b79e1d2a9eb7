package catalog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/blob"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// logins is a Directory in memory: what the port promises and nothing more.
type logins struct {
	mu      sync.Mutex
	known   map[query.Record]catalog.DirectoryMessage
	refuses bool
}

func (l *logins) HashPassword(_ context.Context, password string) (string, error) {
	if len(password) < 6 {
		return "", fault.New(fault.ValidationFailed, "The password is too short")
	}
	return "hash of " + password, nil
}

func (l *logins) CheckLogin(login string) error {
	if strings.Contains(login, ":") {
		return fault.New(fault.ValidationFailed, "No colons")
	}
	return nil
}

func (l *logins) Apply(_ context.Context, m catalog.DirectoryMessage) (account.Standing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuses {
		return account.Standing{}, fmt.Errorf("out of order")
	}
	if m.PasswordHash == "" {
		m.PasswordHash = l.known[m.Employee].PasswordHash
	}
	l.known[m.Employee] = catalog.DirectoryMessage{Employee: m.Employee, Name: m.Name, Login: m.Login, PasswordHash: m.PasswordHash}
	return account.Standing{SignsIn: m.PasswordHash != ""}, nil
}

// world is a company with two catalogs: orders that link vendors and people.
type world struct {
	*testing.T
	s       *catalog.Service
	logins  *logins
	now     time.Time
	vendors *catalog.Catalog
	orders  *catalog.Catalog
	files   *blob.Folder
	db      *store.Company
}

var boss = catalog.Actor{Employee: 1, Origin: "api"}

// eachWorld runs a test of what the store has a part in, on both databases.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(t, newWorld(t, target)) })
}

// oneWorld runs a test of rules that no database has a part in.
func oneWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	test(t, newWorld(t, testdb.SQLite(t)))
}

func openTarget(tb testing.TB, target testdb.Target) *store.Company {
	tb.Helper()
	var db *store.Company
	var err error
	if target.Dir != "" {
		db, err = store.OpenSQLite(tb.Context(), filepath.Join(target.Dir, "company.db"), store.Options{})
	} else {
		db, err = store.OpenPostgres(tb.Context(), target.DSN, "company", store.Options{})
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// seeded is the SQLite file of a new world. Making its tables takes longest,
// above all under the race detector, so it is made once.
var seeded struct {
	once sync.Once
	file []byte
}

func newWorld(t *testing.T, target testdb.Target) *world {
	t.Helper()
	if target.Dir == "" {
		return openWorld(t, target)
	}
	seeded.once.Do(func() {
		first := testdb.SQLite(t)
		t.Run("seed", func(t *testing.T) { openWorld(t, first) })
		var err error
		if seeded.file, err = os.ReadFile(filepath.Join(first.Dir, "company.db")); err != nil {
			t.Fatal(err)
		}
	})
	if err := os.WriteFile(filepath.Join(target.Dir, "company.db"), seeded.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return openWorld(t, target)
}

// openWorld opens a company and makes what it does not have yet.
func openWorld(t *testing.T, target testdb.Target) *world {
	t.Helper()
	ada := catalog.DirectoryMessage{Employee: 1, Name: "Ada", Login: "ada", PasswordHash: "hash of secret1"}
	w := &world{
		T: t, now: time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC),
		logins: &logins{known: map[query.Record]catalog.DirectoryMessage{1: ada}},
	}
	var err error
	if w.files, err = blob.OpenFolder(filepath.Join(t.TempDir(), "files")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.files.Close() })
	w.db = openTarget(t, target)
	w.s = catalog.New(w.db, catalog.Options{
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Directory: w.logins, Filters: bpium.ViewFilters{},
		FieldsMax: 300, TextMax: 256, RecordsMax: 10_000, Zone: time.UTC,
		Files: catalog.FileOptions{Contents: w.files, Signer: signer, Company: 1, Max: 1000, Upload: time.Hour, Link: 24 * time.Hour},
	})
	if _, err := w.s.Open(t.Context(), catalog.First{Name: "Ada", Login: "ada", Password: "secret1", Section: "Work"}); err != nil {
		t.Fatal(err)
	}
	st, err := w.s.Structure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.vendors, w.orders = st.CatalogByKey("vendors"), st.CatalogByKey("orders"); w.orders == nil {
		w.furnish()
	}
	return w
}

// furnish makes the catalogs.
func (w *world) furnish() {
	w.Helper()
	w.vendors = w.make("Vendors", field("title", "text", nil), field("mail", "contact", nil))
	w.orders = w.make("Orders",
		field("head", "group", nil),
		required(field("name", "text", nil)),
		field("note", "text", &catalog.Config{Kind: catalog.KindMultiline}),
		field("price", "number", nil),
		field("state", "dropdown", &catalog.Config{Items: []catalog.Item{{Name: "New"}, {Name: "Done"}}, Default: true}),
		field("tags", "checkboxes", &catalog.Config{Items: []catalog.Item{{Name: "A"}, {Name: "B"}, {Name: "C"}}}),
		field("paid", "switch", nil),
		field("due", "date", nil),
		field("vendor", "object", &catalog.Config{
			Sources: []catalog.Source{{Catalog: w.vendors.Num}}, Multi: true, EnableUnsaved: true,
			Shown: []catalog.ShownField{{Field: w.vendors.FieldByKey("title").Num, Edit: true}, {Field: w.vendors.FieldByKey("mail").Num}},
		}),
		field("owner", "user", &catalog.Config{Multi: true}),
		field("files", "file", &catalog.Config{Multi: true}),
		silent(field("quiet", "text", nil)),
	)
}

func field(key, typ string, c *catalog.Config) catalog.FieldInput {
	name := strings.ToUpper(key[:1]) + key[1:]
	return catalog.FieldInput{Key: &key, Type: typ, Name: &name, Config: c}
}

func required(f catalog.FieldInput) catalog.FieldInput {
	yes := true
	f.Required = &yes
	return f
}

func silent(f catalog.FieldInput) catalog.FieldInput {
	no := false
	f.History = &no
	return f
}

func (w *world) make(name string, fields ...catalog.FieldInput) *catalog.Catalog {
	w.Helper()
	section, key := "3", strings.ToLower(name)
	scope, err := w.s.CreateCatalog(w.Context(), boss, catalog.CatalogInput{Key: &key, Name: &name, Section: &section, Fields: fields})
	if err != nil {
		w.Fatal(err)
	}
	return scope.Catalog
}

// values pairs keys of a catalog's fields with values.
func values(c *catalog.Catalog, pairs ...any) []catalog.FieldValue {
	var list []catalog.FieldValue
	for i := 0; i < len(pairs); i += 2 {
		v, _ := pairs[i+1].(catalog.Value)
		list = append(list, catalog.FieldValue{Field: c.FieldByKey(pairs[i].(string)).Num, Value: v})
	}
	return list
}

func (w *world) apply(ops ...catalog.Op) []catalog.Outcome {
	w.Helper()
	outcomes, err := w.s.Apply(w.Context(), boss, ops, nil)
	if err != nil {
		w.Fatal(err)
	}
	return outcomes
}

func (w *world) fails(code fault.Code, ops ...catalog.Op) *fault.Error {
	w.Helper()
	_, err := w.s.Apply(w.Context(), boss, ops, nil)
	if fault.CodeOf(err) != code {
		w.Fatalf("got error %v, want %s", err, code)
	}
	f, _ := err.(*fault.Error)
	return f
}

func (w *world) order(pairs ...any) query.Record {
	w.Helper()
	return w.apply(catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, pairs...)})[0].Record
}

func (w *world) vendor(title string) query.Record {
	w.Helper()
	return w.apply(catalog.Create{Catalog: w.vendors.Num, Values: values(w.vendors, "title", catalog.Text(title))})[0].Record
}

func (w *world) patch(r query.Record, pairs ...any) catalog.Outcome {
	w.Helper()
	return w.apply(w.change(r, pairs...))[0]
}

func (w *world) change(r query.Record, pairs ...any) catalog.Update {
	return catalog.Update{Catalog: w.orders.Num, Record: query.Key{Record: r}, Values: values(w.orders, pairs...)}
}

func (w *world) row(c *catalog.Catalog, r query.Record, sel *catalog.Selection) *catalog.Rows {
	w.Helper()
	rows, err := w.s.Record(w.Context(), boss, c.Num, query.Key{Record: r}, sel)
	if err != nil {
		w.Fatal(err)
	}
	return rows
}

// text shows the values of a row with the keys of its fields, empty ones left out.
func text(rows *catalog.Rows, i int) string {
	var b strings.Builder
	for j, f := range rows.Fields {
		if v := catalog.CellValue(f, rows.Page, rows.Page.Cell(i, j)); v != nil {
			fmt.Fprintf(&b, "%s=%s ", f.Key, catalog.AppendHistoryJSON(nil, f, v, rows.Titles))
		}
	}
	return strings.TrimSpace(b.String())
}

func title(rows *catalog.Rows, i int) string {
	return string(rows.Page.Bytes(rows.Page.Cell(i, rows.Title)))
}

func link(c *catalog.Catalog, r query.Record) catalog.Link {
	return catalog.Link{Link: query.Link{Catalog: c.Num, Key: query.Key{Record: r}}}
}

// history lists the entries of a record, oldest first, as "KIND payload" with
// keys for field numbers.
func (w *world) history(c *catalog.Catalog, ask catalog.HistoryAsk) []string {
	w.Helper()
	ask.Catalog, ask.Asc, ask.Limit = c.Num, true, 100
	page, err := w.s.History(w.Context(), boss, ask)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, e := range page.Entries {
		var payload map[string]json.RawMessage
		if err := json.Unmarshal(e.Payload, &payload); err != nil {
			w.Fatal(err)
		}
		line := string(e.Kind)
		for _, f := range c.Fields {
			if v, ok := payload[fmt.Sprint(f.Num)]; ok {
				line += " " + f.Key + string(v)
			}
		}
		if m, ok := payload["message"]; ok {
			line += " " + string(m)
		}
		list = append(list, line)
	}
	return list
}
