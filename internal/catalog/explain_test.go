package catalog_test

import (
	"fmt"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func TestExplain(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.private()
		w.usersField(field("branch", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: w.vendors.Num}}}))
		bo, cy := w.employed("Bo"), w.employed("Cy")
		acme := w.vendor("Acme")
		w.apply(catalog.Update{Catalog: catalog.Employees, Record: query.Key{Record: bo.Employee}, Values: values(w.users(), "branch", catalog.Links{link(w.vendors, acme)})})
		n := w.order("name", catalog.Text("a"), "price", catalog.Number(9))
		dear := w.legal(w.orders, "dear", "price", `{"at":5}`)
		w.rules(of(w.orders), everybody("view", "note=hide"), only(bo.Employee, "search"), group("branch", w.vendors, acme, "edit"))
		w.rules(dear, only(bo.Employee, "delete", "price=view"))
		key := query.Key{Record: n}
		explain := func(a catalog.Actor, ask catalog.ExplainAsk) string {
			x, err := w.s.Explain(t.Context(), a, ask)
			if err != nil {
				return string(fault.CodeOf(err))
			}
			out := fmt.Sprintf("%s %s", x.Privilege.Code(), x.Right.Code())
			for _, s := range x.Subjects {
				attr, _ := x.Structure.SubjectAttr(s.Subject)
				out += fmt.Sprintf("; %s %s", attr, s.Privilege.Code())
				for _, r := range s.Rules {
					out += fmt.Sprintf(" %s", objectOf(r))
				}
				for _, r := range s.Fields {
					out += fmt.Sprintf(" (%s %s)", s.Right.Code(), objectOf(r))
				}
			}
			for _, v := range x.Views {
				out += "; in " + v.Key
			}
			return out
		}
		user := query.Key{Record: bo.Employee}
		tests := []struct {
			name string
			who  catalog.Actor
			ask  catalog.ExplainAsk
			want string
		}{
			{"a catalog", boss, catalog.ExplainAsk{User: user, Catalog: "orders"}, "edit hide; allUsers view catalog; id search catalog; branch edit catalog"},
			{"a field", boss, catalog.ExplainAsk{User: user, Catalog: "orders", Field: "note"}, "edit edit; allUsers view catalog (hide catalog); id search catalog; branch edit catalog"},
			{"a record", boss, catalog.ExplainAsk{User: user, Catalog: "orders", Record: &key, Field: "price"}, "delete edit; allUsers view catalog; id delete view (view view); branch edit catalog; in dear"},
			{"oneself", bo, catalog.ExplainAsk{User: user, Catalog: "orders", Record: &key}, "delete hide; allUsers view catalog; id delete view; branch edit catalog; in dear"},
			{"somebody else", cy, catalog.ExplainAsk{User: user, Catalog: "orders"}, "forbidden"},
			{"no such employee", boss, catalog.ExplainAsk{User: query.Key{Record: 99}, Catalog: "orders"}, "not_found"},
			{"no such catalog", boss, catalog.ExplainAsk{User: user, Catalog: "x"}, "not_found"},
			{"no such record", boss, catalog.ExplainAsk{User: user, Catalog: "orders", Record: &query.Key{Record: 99}}, "not_found"},
			{"no such field", boss, catalog.ExplainAsk{User: user, Catalog: "orders", Field: "x"}, "unknown_field"},
			{"automation", catalog.Actor{System: true}, catalog.ExplainAsk{User: query.Key{Record: 1}, Catalog: "vendors"}, "admin hide; allUsers ; id admin section"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if got := explain(tt.who, tt.ask); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		}
		// Who is denied a record is not told by which view.
		w.rules(dear, only(bo.Employee, "deny"))
		if got := explain(bo, catalog.ExplainAsk{User: user, Catalog: "orders", Record: &key}); got != " hide; allUsers view catalog; id deny; branch edit catalog" {
			t.Errorf("denied: %s", got)
		}
		if got := explain(boss, catalog.ExplainAsk{User: user, Catalog: "orders", Record: &key}); got != " hide; allUsers view catalog; id deny view; branch edit catalog; in dear" {
			t.Errorf("denied, for the administrator: %s", got)
		}
	})
}

func objectOf(r *catalog.Rule) string {
	switch {
	case r.Section != 0:
		return "section"
	case r.View != 0:
		return "view"
	case r.Record != 0:
		return "record"
	}
	return "catalog"
}
