package apisync_test

import (
	"strings"
	"testing"

	"kartoteka/internal/apisync"
	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// hire makes an employee and gives who acts for him.
func (w *mapWorld) hire(name string) catalog.Actor {
	w.Helper()
	st, err := w.s.Current(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	login := strings.ToLower(name) + "@a.example"
	n := w.create(st.Catalog(catalog.Employees), "$name", catalog.Text(name), "$email", catalog.Text(login))
	return catalog.Actor{Employee: n, Origin: "api"}
}

// allow replaces the rules of a catalog with one for an employee.
func (w *mapWorld) allow(c *catalog.Catalog, a catalog.Actor, privilege string, fields map[string]string) {
	w.Helper()
	rules := func(o catalog.ObjectKey, list ...catalog.RuleInput) {
		if _, err := w.s.SetRights(w.Context(), mapBoss, []catalog.RightsInput{{Object: o, Rules: list}}); err != nil {
			w.Fatal(err)
		}
	}
	rule := func(n query.Record, privilege string, fields map[string]string) catalog.RuleInput {
		return catalog.RuleInput{
			Path: "rule", Attr: catalog.EmployeeAttr, Catalog: "$users", Record: query.Key{Record: n}, Privilege: privilege, Fields: fields,
		}
	}
	rules(catalog.ObjectKey{Section: "3"}, rule(1, "admin", nil))
	rules(catalog.ObjectKey{Catalog: c.Key}, rule(a.Employee, privilege, fields))
}

// A field that is hidden from the actor shows nothing, finds nothing and cannot be
// written; one that he may only view can be sent back.
func TestRightsOnFields(t *testing.T) {
	eachMapWorld(t, func(t *testing.T, w *mapWorld) {
		bo := w.hire("Bo")
		partner := w.create(w.people, "code", catalog.Text("P1"), "name", catalog.Text("Secret Ltd"), "rating", catalog.Number(7))
		link := catalog.Links{{Link: query.Link{Catalog: w.people.Num, Key: query.Key{Record: partner}}}}
		n := w.create(w.orders, "name", catalog.Text("x"), "price", catalog.Number(5), "note", catalog.Text("seen"), "partner", link, "paid", catalog.Bool(true))
		w.allow(w.people, bo, "view", map[string]string{"name": "hide", "code": "view"})
		w.allow(w.orders, bo, "edit", map[string]string{"price": "hide", "note": "view", "paid": "hide"})
		w.actor = bo
		configs := relationConfigs(`"field":"price","external_key":"p"`, `"field":"note","external_key":"note"`, `"field":"paid","external_key":"paid"`,
			relation("partner", "partner", "partner", `"relation_output":"name"`), `"field":"partner.name","external_key":"who","direction":"out"`,
			`"field":"name","external_key":"n"`)
		configs["byprice"] = configOf("orders", `"field":"price","external_key":"p","is_record_identifier":true`)
		state := w.state(configs, "")
		c := state.Compiled("order")
		want := `{"id":` + literalID(n) + `,"p":null,"note":"seen","paid":null,"partner":"#` + literalID(partner) + `","who":null,"n":"x"}`
		if got := w.show(c, n); got != want {
			t.Fatalf("shown\n     %s\nwant %s", got, want)
		}
		if changed, err := w.put(c, n, want); changed || err != nil {
			t.Errorf("sent back: %v, %v", changed, err)
		}
		for _, item := range []string{`{"p":5}`, `{"p":6}`, `{"note":"other"}`, `{"paid":true}`} {
			if _, err := w.put(c, n, item); told(err) != "FORBIDDEN" {
				t.Errorf("%s: got %v, want FORBIDDEN", item, err)
			}
		}
		x := w.exchange(state.Compiled("byprice"))
		id, err := x.IdentifierOf(t.Context(), value(t, `5`))
		if err != nil {
			t.Fatal(err)
		}
		if found, err := x.Find(t.Context(), []*apisync.Ident{id}); told(err) != "FORBIDDEN" {
			t.Errorf("by a hidden field: %v, %v", found, err)
		}
	})
}

func TestFaultError(t *testing.T) {
	w := oneMapWorld(t)
	c := w.config("orders", `"field":"name","external_key":"n"`, `"field":"price","external_key":"sum.net"`)
	name, price := w.orders.FieldByKey("name").Key, w.orders.FieldByKey("price").Key
	invalid := fault.Invalid([]fault.Detail{
		fault.Field(name, fault.Required, "%s: a value is required", "Name"), fault.Field(price, fault.Max, "%s: at most %v", "Price", 5),
		fault.Field("code", fault.Mask, "%s: a value is required", "Code"),
	})
	tests := []struct {
		name   string
		err    error
		status int
		told   string
	}{
		{"fields", invalid, 400, "VALIDATION_ERROR n=REQUIRED sum.net=OUT_OF_RANGE =INVALID_FORMAT"},
		{"links", fault.Invalid([]fault.Detail{fault.Field(name, fault.NotFound, "x")}), 400, "RELATION_NOT_FOUND n=RELATION_NOT_FOUND"},
		{"a hook's refusal", fault.New(fault.Rejected, "x"), 400, "MODEL_VALIDATION"},
		{"no right", fault.New(fault.Forbidden, "x"), 403, "FORBIDDEN"},
		{"hidden field", fault.New(fault.FieldHidden, "x"), 403, "FORBIDDEN"},
		{"read-only field", fault.New(fault.FieldReadonly, "x"), 403, "FORBIDDEN"},
		{"no record", fault.New(fault.NotFound, "x"), 404, "RECORD_NOT_FOUND"},
		{"unique", fault.New(fault.Duplicate, "x"), 409, "DUPLICATE_RECORD"},
		{"licence", fault.New(fault.LicenseSeats, "x"), 403, "FORBIDDEN"},
		{"updating", fault.New(fault.Unavailable, "x"), 503, "MAINTENANCE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := apisync.FaultError(test.err, c)
			if told(err) != test.told {
				t.Fatalf("got %s, want %s", told(err), test.told)
			}
			if e := err.(*apisync.Error); e.Status != test.status {
				t.Errorf("status %d, want %d", e.Status, test.status)
			}
		})
	}
	if err := apisync.FaultError(t.Context().Err(), c); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

// What is refused of a related record is told at its key.
func TestFaultsOfRelatedRecords(t *testing.T) {
	w := oneMapWorld(t)
	long := `"` + strings.Repeat("x", 300) + `"`
	c := w.state(relationConfigs(relation("p", "partner", "partner", `"relation_policy":"create"`),
		`"external_key":"lines","value_type":"relational_mapping","mapping_config":"line"`, `"field":"name","external_key":"n"`), "").Compiled("order")
	for _, test := range []struct{ item, told string }{
		{`{"p":{"code":"A","name":` + long + `}}`, "VALIDATION_ERROR p.name=TOO_LONG"},
		{`{"p":{"code":"A","address":{"city":{"name":` + long + `}}}}`, "VALIDATION_ERROR p.address.city.name=TOO_LONG"},
		{`{"n":"x","lines":[{"sku":"a"},{"sku":"b","name":` + long + `}]}`, "VALIDATION_ERROR lines[1].name=TOO_LONG"},
		{`{"n":` + long + `,"lines":[{"sku":"a"}]}`, "VALIDATION_ERROR n=TOO_LONG"},
	} {
		if _, err := w.post(c, test.item); told(err) != test.told {
			t.Errorf("%.60s: got %s (%v), want %s", test.item, told(err), err, test.told)
		}
	}
}

// A switch that is hidden on some records shows null there, not false.
func TestSwitchHiddenOnSomeRecords(t *testing.T) {
	w := oneMapWorld(t)
	bo := w.hire("Bo")
	w.allow(w.orders, bo, "view", nil)
	key, yes := "closed", true
	in := catalog.ViewInput{Key: &key, Name: &key, Legal: &yes, Filters: []catalog.ViewFilterInput{{Path: "filters", Field: "name", Value: []byte(`"closed"`)}}}
	if _, err := w.s.CreateView(t.Context(), mapBoss, "orders", in); err != nil {
		t.Fatal(err)
	}
	rule := catalog.RuleInput{
		Path: "rule", Attr: catalog.EmployeeAttr, Catalog: "$users", Record: query.Key{Record: bo.Employee}, Privilege: "view",
		Fields: map[string]string{"paid": "hide"},
	}
	object := catalog.ObjectKey{Catalog: "orders", View: key}
	if _, err := w.s.SetRights(t.Context(), mapBoss, []catalog.RightsInput{{Object: object, Rules: []catalog.RuleInput{rule}}}); err != nil {
		t.Fatal(err)
	}
	w.actor = bo
	c := w.config("orders", `"field":"paid","external_key":"paid"`)
	for name, want := range map[string]string{"closed": "null", "open": "true"} {
		n := w.create(w.orders, "name", catalog.Text(name), "paid", catalog.Bool(true))
		if got := w.show(c, n); !strings.HasSuffix(got, `"paid":`+want+`}`) {
			t.Errorf("%s: shown as %s", name, got)
		}
	}
}
