package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// everybody, only and group make rules.
func everybody(privilege string, fields ...string) catalog.RuleInput {
	return catalog.RuleInput{Path: "rule", Attr: catalog.EverybodyAttr, Privilege: privilege, Fields: fieldMap(fields)}
}

func only(employee query.Record, privilege string, fields ...string) catalog.RuleInput {
	return catalog.RuleInput{
		Path: "rule", Attr: catalog.EmployeeAttr, Catalog: "$users", Record: query.Key{Record: employee},
		Privilege: privilege, Fields: fieldMap(fields),
	}
}

func group(attr string, c *catalog.Catalog, n query.Record, privilege string) catalog.RuleInput {
	return catalog.RuleInput{Path: "rule", Attr: attr, Catalog: c.Key, Record: query.Key{Record: n}, Privilege: privilege}
}

func fieldMap(pairs []string) map[string]string {
	if pairs == nil {
		return nil
	}
	fields := map[string]string{}
	for _, pair := range pairs {
		key, right, _ := strings.Cut(pair, "=")
		fields[key] = right
	}
	return fields
}

// rules replaces the rules of an object, as the administrator.
func (w *world) rules(o catalog.ObjectKey, rules ...catalog.RuleInput) {
	w.Helper()
	if _, err := w.s.SetRights(w.Context(), boss, []catalog.RightsInput{{Object: o, Rules: rules}}); err != nil {
		w.Fatal(err)
	}
}

// private takes the rights on the users' section from everybody but the boss.
func (w *world) private() {
	w.Helper()
	w.rules(catalog.ObjectKey{Section: "3"}, only(1, "admin"))
}

func of(c *catalog.Catalog) catalog.ObjectKey { return catalog.ObjectKey{Catalog: c.Key} }

// employed hires somebody and gives who acts for him.
func (w *world) employed(name string) catalog.Actor {
	w.Helper()
	return catalog.Actor{Employee: w.hire(name, strings.ToLower(name), "password1"), Origin: "api"}
}

// legal makes a legal view of a catalog; filters are pairs of a field and a value.
func (w *world) legal(c *catalog.Catalog, key string, filters ...string) catalog.ObjectKey {
	w.Helper()
	yes := true
	in := catalog.ViewInput{Key: &key, Name: &key, Legal: &yes, Filters: viewFilters(filters)}
	if _, err := w.s.CreateView(w.Context(), boss, c.Key, in); err != nil {
		w.Fatal(err)
	}
	return catalog.ObjectKey{Catalog: c.Key, View: key}
}

func viewFilters(pairs []string) []catalog.ViewFilterInput {
	list := []catalog.ViewFilterInput{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, catalog.ViewFilterInput{Path: "filters", Field: pairs[i], Value: json.RawMessage(pairs[i+1])})
	}
	return list
}

// seen lists the titles of the orders that an actor may view.
func (w *world) seen(a catalog.Actor, q query.Query) string {
	w.Helper()
	q.Limit = 100
	rows, err := w.s.Records(w.Context(), a, w.orders.Num, q, nil)
	if err != nil {
		return string(fault.CodeOf(err))
	}
	titles := []string{}
	for i := range rows.Page.Len() {
		titles = append(titles, title(rows, i))
	}
	return strings.Join(titles, " ")
}

func TestSetRights(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		bo := w.employed("Bo")
		n := w.order("name", catalog.Text("a"))
		view := w.legal(w.orders, "mine", "owner", `["CURRENT_USER"]`)
		record := catalog.ObjectKey{Catalog: w.orders.Key, Record: query.Key{Record: n}}
		tests := []struct {
			name   string
			object catalog.ObjectKey
			rules  []catalog.RuleInput
			code   fault.Code
			path   string
		}{
			{"a section", catalog.ObjectKey{Section: "3"}, []catalog.RuleInput{everybody("admin")}, "", ""},
			{"a catalog with fields", of(w.orders), []catalog.RuleInput{everybody("edit", "note=hide", "price=view")}, "", ""},
			{"nothing", of(w.orders), nil, "", ""},
			{"a record", record, []catalog.RuleInput{only(bo.Employee, "deny")}, "", ""},
			{"a view", view, []catalog.RuleInput{only(bo.Employee, "create")}, "", ""},
			{"no section", catalog.ObjectKey{Section: "99"}, nil, fault.NotFound, ""},
			{"no catalog", catalog.ObjectKey{Catalog: "99"}, nil, fault.NotFound, ""},
			{"no view", catalog.ObjectKey{Catalog: w.orders.Key, View: "99"}, nil, fault.NotFound, ""},
			{"another catalog's view", catalog.ObjectKey{Catalog: w.vendors.Key, View: "mine"}, nil, fault.NotFound, ""},
			{"no record", catalog.ObjectKey{Catalog: w.orders.Key, Record: query.Key{Record: 99}}, nil, fault.NotFound, ""},
			{"no such privilege", of(w.orders), []catalog.RuleInput{everybody("own")}, fault.ValidationFailed, "rule.privilegeCode"},
			{"deny on a catalog", of(w.orders), []catalog.RuleInput{everybody("deny")}, fault.ValidationFailed, "rule.privilegeCode"},
			{"create on a record", record, []catalog.RuleInput{everybody("create")}, fault.ValidationFailed, "rule.privilegeCode"},
			{"admin on a view", view, []catalog.RuleInput{everybody("admin")}, fault.ValidationFailed, "rule.privilegeCode"},
			{"one subject twice", of(w.orders), []catalog.RuleInput{everybody("view"), everybody("edit")}, fault.ValidationFailed, "rule"},
			{"no such employee", of(w.orders), []catalog.RuleInput{only(99, "view")}, fault.ValidationFailed, "rule.rightSubject"},
			{"no such group", of(w.orders), []catalog.RuleInput{group("nobody", w.vendors, 1, "view")}, fault.ValidationFailed, "rule.rightSubject"},
			{"an unknown field", of(w.orders), []catalog.RuleInput{everybody("view", "x=edit")}, fault.ValidationFailed, "rule.fields[x]"},
			{"an unknown field right", of(w.orders), []catalog.RuleInput{everybody("view", "note=see")}, fault.ValidationFailed, "rule.fields[note]"},
			{"fields of a section", catalog.ObjectKey{Section: "3"}, []catalog.RuleInput{everybody("view", "note=edit")}, fault.ValidationFailed, "rule.fields"},
			{"no administrator", catalog.ObjectKey{Section: "$settings"}, []catalog.RuleInput{only(bo.Employee, "view")}, fault.LastAdmin, ""},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				page, err := w.s.SetRights(t.Context(), boss, []catalog.RightsInput{{Object: tt.object, Rules: tt.rules}})
				if fault.CodeOf(err) != tt.code || tt.path != "" && !strings.Contains(err.Error(), tt.path+" ") {
					t.Fatalf("error %v", err)
				}
				if err == nil && len(page.Objects[0].Rules) != len(tt.rules) {
					t.Errorf("%d rules", len(page.Objects[0].Rules))
				}
			})
		}
		t.Run("all or nothing", func(t *testing.T) {
			_, err := w.s.SetRights(t.Context(), boss, []catalog.RightsInput{
				{Object: of(w.vendors), Rules: []catalog.RuleInput{everybody("view")}},
				{Object: of(w.orders), Rules: []catalog.RuleInput{everybody("own")}},
			})
			if !fault.Is(err, fault.ValidationFailed) {
				t.Fatal(err)
			}
			page, err := w.s.Rights(t.Context(), boss, []catalog.ObjectKey{of(w.vendors)}, false)
			if err != nil || len(page.Objects[0].Rules) != 0 {
				t.Errorf("%v %v", page, err)
			}
			same := catalog.RightsInput{Object: of(w.vendors)}
			if _, err := w.s.SetRights(t.Context(), boss, []catalog.RightsInput{same, same}); !fault.Is(err, fault.InvalidParameter) {
				t.Errorf("twice: %v", err)
			}
		})
	})
}

// Whoever manages a section manages the rules of all in it, whatever narrower
// rules say; whoever manages a view or record manages that alone.
func TestWhoManagesRights(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		bo, cy := w.employed("Bo"), w.employed("Cy")
		n := w.order("name", catalog.Text("a"))
		view := w.legal(w.orders, "all")
		record := catalog.ObjectKey{Catalog: w.orders.Key, Record: query.Key{Record: n}}
		sets := func(a catalog.Actor, o catalog.ObjectKey, rules ...catalog.RuleInput) fault.Code {
			_, err := w.s.SetRights(t.Context(), a, []catalog.RightsInput{{Object: o, Rules: rules}})
			return fault.CodeOf(err)
		}
		w.rules(of(w.orders), only(1, "view"))
		w.rules(view, only(1, "view"))
		for name, o := range map[string]catalog.ObjectKey{"catalog": of(w.orders), "view": view, "record": record} {
			if code := sets(boss, o, only(cy.Employee, "view")); code != "" {
				t.Errorf("the section's administrator on the %s: %s", name, code)
			}
		}
		w.rules(record, only(bo.Employee, "access"))
		w.rules(view)
		w.rules(of(w.orders))
		if code := sets(bo, record, only(bo.Employee, "access"), only(cy.Employee, "edit")); code != "" {
			t.Errorf("a record's manager: %s", code)
		}
		for name, o := range map[string]catalog.ObjectKey{"catalog": of(w.orders), "view": view, "section": {Section: "3"}} {
			if code := sets(bo, o); code != fault.Forbidden {
				t.Errorf("a record's manager on the %s: %q", name, code)
			}
		}
		if code := sets(cy, record); code != fault.Forbidden {
			t.Errorf("an editor: %q", code)
		}
		// Rules with admin are for administrators; others keep them.
		w.rules(of(w.orders), only(1, "admin"), only(bo.Employee, "access"))
		if code := sets(bo, of(w.orders), only(bo.Employee, "admin")); code != fault.Forbidden {
			t.Errorf("making an administrator: %q", code)
		}
		if code := sets(bo, of(w.orders), only(1, "view")); code != fault.Forbidden {
			t.Errorf("unmaking one: %q", code)
		}
		if code := sets(bo, of(w.orders), only(bo.Employee, "access"), only(cy.Employee, "view")); code != "" {
			t.Errorf("leaving one out: %s", code)
		}
		page, err := w.s.Rights(t.Context(), cy, []catalog.ObjectKey{of(w.orders)}, false)
		if err != nil || len(page.Objects[0].Rules) != 3 {
			t.Errorf("%v %v", page, err)
		}
		// Who gives everything away is still answered.
		if code := sets(bo, of(w.orders)); code != "" {
			t.Errorf("giving the own right away: %s", code)
		}
		if _, err := w.s.Rights(t.Context(), bo, []catalog.ObjectKey{{Section: "$settings"}}, false); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	})
}

// A role group whose field is gone has no members; its rules stay under a name
// that no new field has, and may be sent back.
func TestGoneGroup(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		acme := w.vendor("Acme")
		branch := func() {
			w.usersField(field("branch", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}}}))
		}
		branch()
		bo := w.employed("Bo")
		join := func() {
			users := w.users()
			w.apply(catalog.Update{Catalog: catalog.Employees, Record: query.Key{Record: bo.Employee}, Values: values(users, "branch", catalog.Links{link(w.vendors, acme)})})
		}
		join()
		w.rules(of(w.orders), group("branch", w.vendors, acme, "view"))
		w.order("name", catalog.Text("a"))
		if got := w.seen(bo, query.Query{}); got != "a" {
			t.Errorf("a member sees %q", got)
		}
		w.usersField()
		if got := w.seen(bo, query.Query{}); got != "forbidden" {
			t.Errorf("without the field he sees %q", got)
		}
		branch() // a new field of the same name
		join()
		if got := w.seen(bo, query.Query{}); got != "forbidden" {
			t.Errorf("by another field he sees %q", got)
		}
		page, err := w.s.Rights(t.Context(), boss, []catalog.ObjectKey{of(w.orders)}, false)
		if err != nil {
			t.Fatal(err)
		}
		rule := page.Objects[0].Rules[0]
		attr, name := page.Structure.SubjectAttr(rule.Subject)
		if !strings.HasPrefix(attr, "$removed") || name != "Branch" {
			t.Errorf("it is called %s %s", attr, name)
		}
		w.rules(of(w.orders), catalog.RuleInput{Path: "rule", Attr: attr, Catalog: w.vendors.Key, Record: query.Key{Record: acme}, Privilege: "edit"})
		page, err = w.s.Rights(t.Context(), boss, []catalog.ObjectKey{of(w.orders)}, false)
		if err != nil || page.Objects[0].Rules[0].Subject != rule.Subject || page.Objects[0].Rules[0].Privilege != catalog.EditPrivilege {
			t.Errorf("sent back: %+v %v", page.Objects[0].Rules[0], err)
		}
	})
}

func (w *world) users() *catalog.Catalog {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return st.Catalog(catalog.Employees)
}

// usersField gives the employees' catalog these fields beside the system's.
func (w *world) usersField(fields ...catalog.FieldInput) {
	w.Helper()
	w.ownFields("$users", fields...)
}

// ownFields makes the fields that a system catalog has beside its own.
func (w *world) ownFields(key string, fields ...catalog.FieldInput) {
	w.Helper()
	in := catalog.CatalogInput{}
	for _, f := range w.system(key).Fields {
		if f.System {
			in.Fields = append(in.Fields, catalog.FieldInput{Num: f.Num})
		}
	}
	in.Fields = append(in.Fields, fields...)
	if _, err := w.s.UpdateCatalog(w.Context(), boss, key, in); err != nil {
		w.Fatal(err)
	}
}

// TestPrepareWithRules prepares as somebody to whom rules apply.
func TestPrepareWithRules(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		p, err := w.s.Prepare(t.Context(), boss, []catalog.Op{catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"))}})
		if err != nil {
			t.Fatal(err)
		}
		before := w.count()
		if _, err := p.Commit(t.Context(), func(catalog.Writer) error { return nil }); err != nil || w.count() != before+1 {
			t.Errorf("%v, %d records", err, w.count())
		}
	})
}
