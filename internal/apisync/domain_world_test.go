package apisync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/apisync"
	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/store"
	"kartoteka/internal/store/testdb"
)

// asked is a company with places in a tree, and deals of all kinds of fields.
type asked struct {
	*testing.T
	s      *catalog.Service
	sync   *apisync.Service
	state  *apisync.State
	places *catalog.Catalog
	deals  *catalog.Catalog
	now    time.Time
}

var boss = catalog.Actor{Employee: 1, Origin: "api"}

func eachAsked(t *testing.T, test func(t *testing.T, w *asked)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, target testdb.Target) { test(t, newAsked(t, target)) })
}

func newAsked(t *testing.T, target testdb.Target) *asked {
	t.Helper()
	var db *store.Company
	var err error
	if target.Dir != "" {
		db, err = store.OpenSQLite(t.Context(), filepath.Join(target.Dir, "company.db"), store.Options{})
	} else {
		db, err = store.OpenPostgres(t.Context(), target.DSN, "company", store.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &asked{T: t, now: time.Date(2031, 2, 3, 4, 5, 6, 700e6, time.UTC)}
	w.s = catalog.New(db, catalog.Options{
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Filters: bpium.ViewFilters{}, Directory: noLogins{},
		FieldsMax: 300, TextMax: 256, RecordsMax: 10_000, Zone: time.UTC,
	})
	if _, err := w.s.Open(t.Context(), catalog.First{Name: "Ada", Login: "ada@example.com", Password: "secret1", Section: "Work"}); err != nil {
		t.Fatal(err)
	}
	w.sync = apisync.New(apisync.Options{Catalog: w.s})
	w.furnish()
	w.compile(`{}`)
	return w
}

func column(key, typ string, c *catalog.Config) catalog.FieldInput {
	return catalog.FieldInput{Key: &key, Type: typ, Name: &key, Config: c}
}

func (w *asked) make(name string, fields ...catalog.FieldInput) *catalog.Catalog {
	w.Helper()
	section := "3"
	scope, err := w.s.CreateCatalog(w.Context(), boss, catalog.CatalogInput{Key: &name, Name: &name, Section: &section, Fields: fields})
	if err != nil {
		w.Fatal(err)
	}
	return scope.Catalog
}

func (w *asked) furnish() {
	w.Helper()
	w.places = w.make("places", column("title", "text", nil), column("floor", "number", nil))
	parent := column("parent", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.places.Num}}})
	title, floor := "title", "floor"
	scope, err := w.s.UpdateCatalog(w.Context(), boss, "places", catalog.CatalogInput{Fields: []catalog.FieldInput{
		{Key: &title, Type: "text", Name: &title}, {Key: &floor, Type: "number", Name: &floor}, parent,
	}})
	if err != nil {
		w.Fatal(err)
	}
	w.places = scope.Catalog
	to := []catalog.Source{{Catalog: w.places.Num}}
	w.deals = w.make("deals",
		column("name", "text", nil),
		column("note", "text", &catalog.Config{Kind: catalog.KindMultiline}),
		column("price", "number", nil),
		column("progress", "progress", nil),
		column("stars", "stars", nil),
		column("state", "dropdown", &catalog.Config{Items: []catalog.Item{{Name: "New"}, {Name: "Готово"}, {Key: "late", Name: "Too late"}}}),
		column("tags", "checkboxes", &catalog.Config{Items: []catalog.Item{{Name: "red"}, {Name: "green"}, {Name: "blue"}}}),
		column("paid", "switch", nil),
		column("due", "date", nil),
		column("at", "date", &catalog.Config{Mode: catalog.ModeDateTime}),
		column("month", "date", &catalog.Config{Mode: catalog.ModeMonth}),
		column("phone", "contact", &catalog.Config{Kind: "phone"}),
		column("address", "address", nil),
		column("place", "object", &catalog.Config{Sources: to}),
		column("seen", "object", &catalog.Config{Sources: to, Multi: true}),
		column("owner", "user", nil),
		column("files", "file", &catalog.Config{Multi: true}),
	)
}

// noLogins gives nobody a login.
type noLogins struct{}

func (noLogins) HashPassword(context.Context, string) (string, error) { return "hash", nil }
func (noLogins) CheckLogin(string) error                              { return nil }
func (noLogins) Apply(context.Context, catalog.DirectoryMessage) (account.Standing, error) {
	return account.Standing{SignsIn: true}, nil
}

// dealsConfig maps the deals; places maps what they link.
const (
	dealsConfig = `{"code":"deals","request_type":"in","active":true,"model":"deals","endpoint":"deals","domain_fields":"mapped","lines":[
		{"field":"name","external_key":"title"},
		{"field":"price","external_key":"cost"},
		{"field":"state","external_key":"status","value_map":[{"external":1,"internal":"New"},{"external":"ok","internal":"Готово"}]},
		{"field":"paid","external_key":"is_paid","value_map":{"yes!":true,"no!":false}},
		{"field":"phone","external_key":"contact.phone"},
		{"field":"place","external_key":"place","value_type":"relational_mapping","mapping_config":"places"},
		{"field":"place.title","external_key":"place_name","direction":"out"},
		{"field":"seen","external_key":"seen"},
		{"field":"at","external_key":"at"},
		{"field":"tags","external_key":"tags"},
		{"field":"create_date","external_key":"created","direction":"out"},
		{"field":"note","external_key":"secret","filterable":false},
		{"field":"stars","external_key":"rank","value_type":"python_plain","script":"value"},
		{"field":"due","external_key":"_due"}
	]}`
	placesConfig = `{"code":"places","request_type":"mapping","model":"places","lines":[
		{"field":"title","external_key":"label","is_record_identifier":true},
		{"field":"parent","external_key":"up","value_type":"relational_mapping","mapping_config":"places"}
	]}`
)

// compile sets the module up with more attributes for the config of deals.
func (w *asked) compile(settings string, changes ...string) {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	body := []byte(dealsConfig)
	var config map[string]json.RawMessage
	if err := json.Unmarshal(body, &config); err != nil {
		w.Fatal(err)
	}
	for _, change := range changes {
		if err := json.Unmarshal([]byte(change), &config); err != nil {
			w.Fatal(err)
		}
	}
	if body, err = json.Marshal(config); err != nil {
		w.Fatal(err)
	}
	if w.state, err = apisync.NewTestState(st, settings, string(body), placesConfig); err != nil {
		w.Fatal(err)
	}
}

func (w *asked) config() *apisync.Compiled { return w.state.Compiled("deals") }

func (w *asked) scope(a catalog.Actor, key string) *catalog.Scope {
	w.Helper()
	sc, err := w.s.Catalog(w.Context(), a, key)
	if err != nil {
		w.Fatal(err)
	}
	return sc
}

func (w *asked) add(c *catalog.Catalog, pairs ...any) query.Record {
	w.Helper()
	return create(w, w.s, boss, c, pairs...)
}

func to(c *catalog.Catalog, records ...query.Record) catalog.Links {
	var links catalog.Links
	for _, n := range records {
		links = append(links, catalog.Link{Link: query.Link{Catalog: c.Num, Key: query.Key{Record: n}}})
	}
	return links
}

func at(s string) catalog.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return catalog.Time(t.UnixMilli())
}

// where gives the records that a domain finds, by number.
func (w *asked) where(a catalog.Actor, model, domain string, open bool) ([]query.Record, error) {
	w.Helper()
	d, err := apisync.ParseDomain(domain)
	if err != nil {
		return nil, err
	}
	config := w.state.Compiled(model)
	sc := w.scope(a, config.Catalog.Key)
	n, err := w.sync.Where(w.Context(), config, a, sc, d, open)
	if err != nil {
		return nil, err
	}
	return w.records(a, config.Catalog, query.Query{Where: n, Limit: 1000})
}

func (w *asked) records(a catalog.Actor, c *catalog.Catalog, q query.Query) ([]query.Record, error) {
	rows, err := w.s.Records(w.Context(), a, c.Num, q, &catalog.Selection{Fields: []*catalog.Field{}})
	if err != nil {
		return nil, fmt.Errorf("read what was asked for: %w", err)
	}
	found := []query.Record{}
	for i := range rows.Page.Len() {
		found = append(found, rows.Page.Record(i))
	}
	return found, nil
}

// list gives the records that a query string finds, in their order.
func (w *asked) list(a catalog.Actor, raw string) (*apisync.ListQuery, []query.Record, error) {
	w.Helper()
	pairs, err := apisync.SplitQuery(raw)
	if err != nil {
		return nil, nil, err
	}
	l, err := w.sync.ReadList(w.Context(), w.config(), a, w.scope(a, "deals"), pairs)
	if err != nil {
		return nil, nil, err
	}
	found, err := w.records(a, w.deals, l.Query)
	return l, found, err
}

func sameRecords(got []query.Record, want ...query.Record) bool { return slices.Equal(got, want) }

// codeOf is the code of a refusal, with its status.
func codeOf(err error) string {
	switch e := err.(type) {
	case *apisync.Error:
		return fmt.Sprintf("%d %s", e.Status, e.Code)
	case nil:
		return ""
	}
	return "fault " + string(fault.CodeOf(err))
}

// clerk is somebody who may not see prices, switches and the parents of places.
func (w *asked) clerk() catalog.Actor {
	w.Helper()
	n := w.add(w.scope(boss, "$users").Catalog, "$name", catalog.Text("Clerk"))
	rule := func(employee query.Record, privilege string, hidden ...string) catalog.RuleInput {
		fields := map[string]string{}
		for _, key := range hidden {
			fields[key] = "hide"
		}
		return catalog.RuleInput{
			Path: "rule", Attr: catalog.EmployeeAttr, Catalog: "$users", Record: query.Key{Record: employee}, Privilege: privilege, Fields: fields,
		}
	}
	_, err := w.s.SetRights(w.Context(), boss, []catalog.RightsInput{
		{Object: catalog.ObjectKey{Section: "3"}, Rules: []catalog.RuleInput{rule(1, "admin")}},
		{Object: catalog.ObjectKey{Catalog: "deals"}, Rules: []catalog.RuleInput{rule(n, "view", "price", "paid")}},
		{Object: catalog.ObjectKey{Catalog: "places"}, Rules: []catalog.RuleInput{rule(n, "view", "parent")}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return catalog.Actor{Employee: n, Origin: "api"}
}
