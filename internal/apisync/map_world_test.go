package apisync_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/blob"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// mapWorld is a company with catalogs of all types of fields and the configs of a test.
type mapWorld struct {
	testing.TB
	s       *catalog.Service
	sync    *apisync.Service
	db      *store.Company
	options catalog.Options
	actor   catalog.Actor
	close   func()
	cities  *catalog.Catalog
	people  *catalog.Catalog // partners
	orders  *catalog.Catalog
	lines   *catalog.Catalog
}

var mapBoss = catalog.Actor{Employee: 1, Origin: "api"}

func eachMapWorld(t *testing.T, test func(t *testing.T, w *mapWorld)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(t, newMapWorld(t, target)) })
}

// furnished is the SQLite file of a new world, made once.
var furnished struct {
	once sync.Once
	file []byte
}

func oneMapWorld(t *testing.T) *mapWorld { return newMapWorld(t, testdb.SQLite(t)) }

func fuzzWorld(f *testing.F) *mapWorld { return newMapWorld(f, testdb.SQLite(f)) }

func newMapWorld(t testing.TB, target testdb.Target) *mapWorld {
	t.Helper()
	if target.Dir == "" {
		return openMapWorld(t, target)
	}
	furnished.once.Do(func() {
		first := testdb.SQLite(t)
		openMapWorld(t, first).close()
		var err error
		if furnished.file, err = os.ReadFile(filepath.Join(first.Dir, "company.db")); err != nil {
			t.Fatal(err)
		}
	})
	if err := os.WriteFile(filepath.Join(target.Dir, "company.db"), furnished.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return openMapWorld(t, target)
}

func openMapWorld(t testing.TB, target testdb.Target) *mapWorld {
	t.Helper()
	w := &mapWorld{TB: t, actor: mapBoss}
	files, err := blob.OpenFolder(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	var db *store.Company
	if target.Dir != "" {
		db, err = store.OpenSQLite(t.Context(), filepath.Join(target.Dir, "company.db"), store.Options{})
	} else {
		db, err = store.OpenPostgres(t.Context(), target.DSN, "company", store.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	w.close = sync.OnceFunc(func() { _ = db.Close() })
	t.Cleanup(w.close)
	now := func() time.Time { return time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC) }
	signer := &blob.Signer{KeyID: "K1", Secret: []byte("secret"), LinkSecret: []byte("links"), Bucket: "storage"}
	w.db, w.options = db, catalog.Options{
		Now: now, Log: slog.New(slog.DiscardHandler), Directory: noLogins{}, Filters: bpium.ViewFilters{},
		FieldsMax: 300, TextMax: 256, RecordsMax: 10_000, Zone: time.UTC,
		Files: catalog.FileOptions{Contents: files, Signer: signer, Company: 1, Max: 1 << 20, Upload: time.Hour, Link: 24 * time.Hour},
	}
	w.s = catalog.New(db, w.options)
	if _, err := w.s.Open(t.Context(), catalog.First{Name: "Ada", Login: "ada", Password: "secret1", Section: "Work"}); err != nil {
		t.Fatal(err)
	}
	w.sync = apisync.New(apisync.Options{Catalog: w.s, Now: now, Log: slog.New(slog.DiscardHandler), Zone: time.UTC})
	w.find()
	if w.orders == nil {
		w.furnish()
	}
	return w
}

func (w *mapWorld) find() {
	st, err := w.s.Current(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.cities, w.people = st.CatalogByKey("cities"), st.CatalogByKey("partners")
	w.orders, w.lines = st.CatalogByKey("orders"), st.CatalogByKey("lines")
}

func named(names ...string) (items []catalog.Item) {
	for _, n := range names {
		items = append(items, catalog.Item{Name: n})
	}
	return items
}

func input(key, typ string, c *catalog.Config) catalog.FieldInput {
	name := strings.ToUpper(key[:1]) + key[1:]
	return catalog.FieldInput{Key: &key, Type: typ, Name: &name, Config: c}
}

func from(list ...*catalog.Catalog) (sources []catalog.Source) {
	for _, c := range list {
		sources = append(sources, catalog.Source{Catalog: c.Num})
	}
	return sources
}

func (w *mapWorld) furnish() {
	w.Helper()
	w.cities = w.make("Cities", input("name", "text", nil), input("zip", "text", nil))
	w.people = w.make("Partners",
		input("name", "text", nil), input("code", "text", nil), input("rating", "number", nil),
		input("city", "object", &catalog.Config{Sources: from(w.cities)}), input("mail", "contact", nil))
	low, high := 0.0, 1000.0
	w.orders = w.make("Orders",
		input("name", "text", nil), input("note", "text", &catalog.Config{Kind: catalog.KindMultiline}),
		input("mask", "text", &catalog.Config{Kind: catalog.KindMask, Mask: "111"}),
		input("page", "text", &catalog.Config{Kind: catalog.KindEditor}),
		input("price", "number", nil), input("bounded", "number", &catalog.Config{Min: &low, Max: &high}),
		input("done", "progress", nil), input("stars", "stars", nil), input("paid", "switch", nil),
		input("day", "date", nil), input("moment", "date", &catalog.Config{Mode: catalog.ModeDateTime}),
		input("week", "date", &catalog.Config{Mode: catalog.ModeWeek}), input("month", "date", &catalog.Config{Mode: catalog.ModeMonth}),
		input("quarter", "date", &catalog.Config{Mode: catalog.ModeQuarter}), input("year", "date", &catalog.Config{Mode: catalog.ModeYear}),
		input("state", "dropdown", &catalog.Config{Items: named("New", "Done", "In, part")}),
		input("states", "dropdown", &catalog.Config{Items: named("X", "Y", "Z"), Multi: true}),
		input("choice", "radiobutton", &catalog.Config{Items: named("Yes", "No")}),
		input("tags", "checkboxes", &catalog.Config{Items: named("a", "b", "c")}),
		input("phones", "contact", &catalog.Config{Kind: "phone"}), input("address", "address", nil),
		input("owner", "user", nil), input("owners", "user", &catalog.Config{Multi: true}),
		input("partner", "object", &catalog.Config{Sources: from(w.people)}),
		input("partners", "object", &catalog.Config{Sources: from(w.people), Multi: true}),
		input("any", "object", &catalog.Config{Sources: from(w.people, w.cities), Multi: true}),
		input("file", "file", nil), input("files", "file", &catalog.Config{Multi: true}),
		input("code", "text", nil))
	w.lines = w.make("Lines", input("name", "text", nil), input("sku", "text", nil), input("qty", "number", nil),
		input("order", "object", &catalog.Config{Sources: from(w.orders)}))
	w.find()
}

func (w *mapWorld) make(name string, fields ...catalog.FieldInput) *catalog.Catalog {
	w.Helper()
	section, key := "3", strings.ToLower(name)
	scope, err := w.s.CreateCatalog(w.Context(), mapBoss, catalog.CatalogInput{Key: &key, Name: &name, Section: &section, Fields: fields})
	if err != nil {
		w.Fatal(err)
	}
	return scope.Catalog
}

// state compiles configs, each a JSON object whose code is its key, and settings.
func (w *mapWorld) state(configs map[string]string, settings string) *apisync.State {
	w.Helper()
	st, err := w.s.Current(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	var list []apisync.Resource
	for code, body := range configs {
		list = append(list, apisync.Resource{Kind: apisync.ConfigKind, Code: code, Body: []byte(body)})
	}
	if settings != "" {
		list = append(list, apisync.Resource{Kind: apisync.SettingsKind, Body: []byte(settings)})
	}
	state, err := apisync.NewState(st, nil, list)
	if err != nil {
		w.Fatal(err)
	}
	return state
}

// config compiles one config with lines (JSON objects without the brackets).
func (w *mapWorld) config(model string, lines ...string) *apisync.Compiled {
	w.Helper()
	return w.state(map[string]string{"c": configOf(model, lines...)}, "").Compiled("c")
}

func configOf(model string, lines ...string) string {
	for i, l := range lines {
		lines[i] = "{" + l + "}"
	}
	return `{"code":"c","request_type":"in","model":"` + model + `","lines":[` + strings.Join(lines, ",") + `]}`
}

func (w *mapWorld) scope(c *catalog.Catalog, a catalog.Actor) *catalog.Scope {
	w.Helper()
	sc, err := w.s.Catalog(w.Context(), a, c.Key)
	if err != nil {
		w.Fatal(err)
	}
	return sc
}

func (w *mapWorld) exchange(c *apisync.Compiled) *apisync.Exchange {
	w.Helper()
	x := w.sync.Exchange(c, w.actor, w.scope(c.Catalog, w.actor))
	x.Base = "https://host.example"
	return x
}

// read gives a record with a selection.
func (w *mapWorld) read(c *apisync.Compiled, n query.Record, sel *catalog.Selection) *catalog.Rows {
	w.Helper()
	rows, err := w.s.Record(w.Context(), w.actor, c.Catalog.Num, query.Key{Record: n}, sel)
	if err != nil {
		w.Fatal(err)
	}
	return rows
}

// show is what GET answers.
func (w *mapWorld) show(c *apisync.Compiled, n query.Record) string {
	w.Helper()
	x := w.exchange(c)
	v, err := x.Show(w.Context(), w.read(c, n, x.Selection()), 0)
	if err != nil {
		w.Fatal(err)
	}
	return string(v.AppendJSON(nil))
}

// post makes a record of an item, as a pipeline would.
func (w *mapWorld) post(c *apisync.Compiled, item string) (query.Record, error) {
	w.Helper()
	x := w.exchange(c)
	m, err := x.Map(w.Context(), value(w, item), nil, 0)
	if err != nil {
		return 0, err
	}
	n, err := w.s.Reserve(w.Context(), w.actor, c.Catalog.Num, 1)
	if err != nil {
		return 0, err
	}
	ops := m.Ops(catalog.Create{Catalog: c.Catalog.Num, Reserved: n, Values: m.Values}, n)
	if _, err := w.s.Apply(w.Context(), w.actor, ops, nil); err != nil {
		return 0, m.FaultError(err, c, 0)
	}
	return n, nil
}

// put changes a record; changed is what Map says.
func (w *mapWorld) put(c *apisync.Compiled, n query.Record, item string) (changed bool, err error) {
	w.Helper()
	x := w.exchange(c)
	m, err := x.Map(w.Context(), value(w, item), w.read(c, n, x.Before()), 0)
	if err != nil {
		return false, err
	}
	if !m.Changed {
		return false, nil
	}
	ops := m.Ops(catalog.Update{Catalog: c.Catalog.Num, Record: query.Key{Record: n}, Values: m.Values}, n)
	if _, err := w.s.Apply(w.Context(), w.actor, ops, nil); err != nil {
		return false, m.FaultError(err, c, 0)
	}
	return true, nil
}

func value(tb testing.TB, s string) tree.Value {
	tb.Helper()
	v, err := tree.ParseJSON([]byte(s), tree.Limits{})
	if err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return v
}

// told is what an error says: its code, and the key and code of each field.
func told(err error) string {
	var e *apisync.Error
	if !errors.As(err, &e) {
		if err == nil {
			return ""
		}
		return "another error: " + err.Error()
	}
	s := e.Code
	for _, f := range e.Fields {
		s += " " + f.Key + "=" + f.Code
	}
	return s
}

func (w *mapWorld) create(c *catalog.Catalog, pairs ...any) query.Record {
	w.Helper()
	return create(w, w.s, mapBoss, c, pairs...)
}

// create makes a record of key and value pairs and gives its number.
func create(tb testing.TB, s *catalog.Service, a catalog.Actor, c *catalog.Catalog, pairs ...any) query.Record {
	tb.Helper()
	var values []catalog.FieldValue
	for i := 0; i < len(pairs); i += 2 {
		v, _ := pairs[i+1].(catalog.Value)
		values = append(values, catalog.FieldValue{Field: c.FieldByKey(pairs[i].(string)).Num, Value: v})
	}
	made, err := s.Apply(tb.Context(), a, []catalog.Op{catalog.Create{Catalog: c.Num, Values: values}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return made[0].Record
}

func (w *mapWorld) remove(c *catalog.Catalog, n query.Record) {
	w.Helper()
	op := catalog.Delete{Catalog: c.Num, Record: query.Key{Record: n}}
	if _, err := w.s.Apply(w.Context(), mapBoss, []catalog.Op{op}, nil); err != nil {
		w.Fatal(err)
	}
}

func literalID(n query.Record) string { return strconv.FormatInt(int64(n), 10) }
